// The Campaigns room: numbers of a campaign, and the actions of adjudicators on campaigns.

/** @import { CampaignsState, Parts } from "../payloads.ts" */
/** @import { Frozen, Merged, Request } from "../protocol.d.ts" */

import { LIMITS } from "../base/declared.js"
import { element } from "../base/dom.js"
import { sendFile } from "../base/upload.js"
import { campaignPicker } from "./campaign_picker.js"
import { overviewOf } from "./overview.js"

const FIRST_STARS = 50
const ADJUDICATORS_ONLY = "Adjudicators start campaigns, merge records and freeze releases here."
const RELEASE_WORDS =
  "Catalogue and verdicts as FITS, VOTable, Parquet and CDS table; measured values stay as they are."

/** @typedef {"merge" | "freeze"} Work */

export class CampaignsRoom {
  /** @type {boolean | null} */
  adjudicator = null
  /** @type {Work | null} - Under way. */
  working = null

  /** @param {(message: Request) => void} send */
  constructor(send) {
    this.send = send
    this.picker = campaignPicker(send)
    this.about = element("p", { className: "hint" })
    this.numbers = element("div", {})
    this.actions = element("div", { className: "actions" })
    this.from = element("p", { className: "hint" })
    this.outcome = element("div", { className: "outcome", role: "status" })
    this.el = element(
      "div",
      { className: "across" },
      element(
        "section",
        { className: "card numbers" },
        element("header", {}, this.picker.person, this.picker.out, this.picker.el),
        element("div", { className: "scroll" }, this.about, this.numbers),
      ),
      element(
        "section",
        { className: "card controls" },
        element("header", {}, element("strong", {}, "Campaigns and releases")),
        this.actions,
        this.outcome,
      ),
    )
    /** @type {Parts} */
    this.parts = {
      campaigns: (state) => this.receive(state),
      merged: (merged) => this.merged(merged),
      frozen: (frozen) => this.frozen(frozen),
      refused: (kind) => this.over(kind),
      unreachable: (kind) => this.over(kind),
    }
  }

  /** @param {CampaignsState} state */
  receive(state) {
    this.picker.show({ ...state, person: `${state.person}, ${state.role}` })
    this.about.textContent = [state.about ?? "There is no campaign yet.", ...(state.imports ?? [])].join(" ")
    this.numbers.replaceChildren(...(state.overview ? overviewOf(state.overview) : []))
    if (this.adjudicator !== state.adjudicator) {
      this.adjudicator = state.adjudicator
      const none = element("p", { className: "hint" }, ADJUDICATORS_ONLY)
      this.actions.replaceChildren(...(state.adjudicator ? this.forms(state) : [none]))
    }
    const selected = state.selected.toLocaleString("en")
    this.from.textContent = `Of the ${selected} stars selected in Explore (${state.selection}), the oddest:`
  }

  /** @param {CampaignsState} state */
  forms({ max_stars: maxStars, failed }) {
    return [this.startForm(maxStars), this.recordForm(), this.freezeForm(failed)]
  }

  /** @param {() => void} action */
  submit(action) {
    return (/** @type {SubmitEvent} */ event) => {
      event.preventDefault()
      this.outcome.replaceChildren()
      action()
    }
  }

  /** @param {number} maxStars */
  startForm(maxStars) {
    const name = element("input", {
      "aria-label": "Name of the campaign",
      placeholder: "name of the campaign",
      maxLength: LIMITS.campaignName,
      required: true,
    })
    const count = element("input", {
      type: "number",
      className: "how-many",
      "aria-label": "Stars",
      min: 1,
      max: maxStars,
      value: FIRST_STARS,
      required: true,
    })
    const rules = element("textarea", {
      rows: 3,
      "aria-label": "Rules as TOML",
      placeholder: "reviews = 2\ncontrol_fraction = 0.1",
    })
    return element(
      "form",
      {
        onsubmit: this.submit(() =>
          this.send({ kind: "start", name: name.value, stars: Number(count.value), rules: rules.value })
        ),
      },
      element("h2", {}, "Start a campaign"),
      this.from,
      element("div", { className: "row" }, name, count, element("span", { className: "hint" }, "stars")),
      element("details", {}, element("summary", {}, "Custom rules"), rules),
      element("button", { className: "main" }, "Start"),
    )
  }

  recordForm() {
    /** @type {HTMLInputElement} */
    const file = element("input", {
      type: "file",
      accept: ".jsonl",
      "aria-label": "Record to merge",
      onchange: () => {
        const given = file.files?.[0]
        if (given) this.merge(given)
        file.value = ""
      },
    })
    /** @type {(kind: "export_record" | "export_verdicts", label: string) => HTMLButtonElement} */
    const take = (kind, label) => element("button", { type: "button", onclick: () => this.send({ kind }) }, label)
    const exports = [take("export_record", "Export record"), take("export_verdicts", "Export verdicts")]
    return element(
      "div",
      {},
      element("h2", {}, "Record and verdicts"),
      element("div", { className: "row" }, ...exports),
      element("label", { className: "hint" }, "Merge a record from another computer ", file),
    )
  }

  /** @param {File} given */
  merge(given) {
    if (given.size > LIMITS.recordBytes) {
      const size = `${given.name} has ${Math.ceil(given.size / 1e6)} MB`
      const text = `${size}; a record to merge has at most ${LIMITS.recordBytes / 1e6}.`
      this.outcome.replaceChildren(element("p", {}, text))
    } else {
      this.work(
        "merge",
        `Merging ${given.name}…`,
        () => void sendFile(this.send, { kind: "merge" }, given, "record_part"),
      )
    }
  }

  /** @param {string[]} failed - Physics checks. */
  freezeForm(failed) {
    const release = element("input", {
      "aria-label": "Name of the release",
      placeholder: "v1.0",
      pattern: "[A-Za-z0-9][A-Za-z0-9._\\-]{0,39}",
      required: true,
    })
    const reason = element("input", {
      "aria-label": "Reason for a release despite failed physics checks",
      placeholder: "reason to release anyway",
      required: true,
    })
    const warning = failed.length
      ? [
        element("p", { className: "hint refused" }, "Physics checks failed:"),
        element("ul", {}, ...failed.map((text) => element("li", {}, text))),
        reason,
      ]
      : []
    const freeze = () => this.send({ kind: "freeze", name: release.value, reason: failed.length ? reason.value : "" })
    return element(
      "form",
      { onsubmit: this.submit(() => this.work("freeze", "Freezing…", freeze)) },
      element("h2", {}, "Freeze a release"),
      element("p", { className: "hint" }, RELEASE_WORDS),
      ...warning,
      element("div", { className: "row" }, release, element("button", { className: "main" }, "Freeze")),
    )
  }

  /**
   * Run one action at a time; its button is disabled until the answer.
   *
   * @param {Work} kind
   * @param {string} words
   * @param {() => void} ask
   */
  work(kind, words, ask) {
    if (this.working) return
    this.working = kind
    this.outcome.replaceChildren(element("p", { className: "hint" }, words))
    ask()
  }

  /** @param {string} kind */
  over(kind) {
    if (kind !== this.working) return
    this.working = null
    this.outcome.replaceChildren()
  }

  /** @param {Merged} merged */
  merged({ summary, refused }) {
    this.working = null
    this.outcome.replaceChildren(
      element("p", {}, summary),
      element("ul", {}, ...refused.map((text) => element("li", {}, text))),
    )
  }

  /** @param {Frozen} frozen */
  frozen({ folder, stars, counts }) {
    this.working = null
    const words = Object.entries(counts).map(([status, count]) => `${status} ${count.toLocaleString("en")}`).join(", ")
    this.outcome.replaceChildren(
      element("p", {}, `${stars.toLocaleString("en")} stars frozen: ${words}.`),
      element("p", { className: "hint path" }, folder),
    )
  }
}
