// The Progress room: numbers of a campaign, and what adjudicators do with campaigns.

import { element, send_file } from "../base/dom.js"
import { campaign_picker } from "./verdict.js"

const MAX_BYTES = 50_000_000

export class CampaignsRoom {
  constructor(send) {
    this.send = send
    this.picker = campaign_picker(send)
    this.about = element("p", { className: "hint" })
    this.numbers = element("div", {})
    this.actions = element("div", { className: "actions" })
    this.outcome = element("div", { className: "outcome", role: "status" })
    this.el = element(
      "div",
      { className: "across" },
      element(
        "section",
        { className: "card numbers" },
        element("header", {}, this.picker.who, this.picker.out, this.picker.el),
        element("div", { className: "scroll" }, this.about, this.numbers),
      ),
      element(
        "section",
        { className: "card desk" },
        element("header", {}, element("strong", {}, "Campaigns and releases")),
        this.actions,
        this.outcome,
      ),
    )
    this.parts = {
      campaigns: (state) => this.receive(state),
      merged: (found) => this.merged(found),
      frozen: (found) => this.frozen(found),
      refused: (kind) => this.over(kind),
      out_of_reach: (kind) => this.over(kind),
    }
  }

  receive(state) {
    this.picker.show({ ...state, who: `${state.who}, ${state.role}` })
    this.about.textContent = [state.about ?? "There is no campaign yet.", ...(state.imports ?? [])].join(" ")
    this.numbers.replaceChildren(...(state.overview ? this.overview(state.overview) : []))
    if (this.adjudicator !== state.adjudicator) {
      this.adjudicator = state.adjudicator
      this.actions.replaceChildren(
        ...(state.adjudicator ? this.forms(state) : [
          element(
            "p",
            { className: "hint" },
            "Adjudicators start campaigns, merge records and freeze releases here.",
          ),
        ]),
      )
    }
    if (this.from) {
      this.from.textContent = `Of the ${
        state.selected.toLocaleString("en")
      } stars selected in Explore (${state.selection}), the oddest:`
    }
  }

  overview({ done, stars, controls, reviews, fleiss, left, inspectors, pairs }) {
    const tile = (value, text) =>
      element("div", { className: "tile" }, element("b", {}, value), element("span", {}, text))
    const table = (caption, heads, rows, empty) =>
      rows.length
        ? element(
          "table",
          { className: "told" },
          element("caption", {}, caption),
          element(
            "thead",
            {},
            element("tr", {}, ...heads.map(([text, title]) => element("th", { scope: "col", title }, text))),
          ),
          element("tbody", {}, ...rows.map((row) => element("tr", {}, ...row.map((text) => element("td", {}, text))))),
        )
        : element("p", { className: "hint" }, empty)
    const share = reviews[1] ? reviews[0] / reviews[1] : 0
    return [
      element(
        "div",
        { className: "tiles" },
        tile(stars.toLocaleString("en"), `stars, ${controls} of them controls`),
        ...(done ?? []).map(([status, count]) => tile(count.toLocaleString("en"), status)),
        tile(left, "of work left"),
        ...(fleiss ? [tile(fleiss[0], `Fleiss' κ of ${fleiss[1]} stars`)] : []),
      ),
      element(
        "label",
        { className: "bar" },
        `${reviews[0].toLocaleString("en")} of ${reviews[1].toLocaleString("en")} reviews `,
        element("progress", { max: 1, value: share }),
      ),
      table(
        "Inspectors",
        [
          ["name"],
          ["reviews"],
          ["pace", "Median time between verdicts, without pauses"],
          ...(done
            ? [["adjudications"], ["repeats", "Stars that were shown twice"], [
              "same",
              "Of these, the same verdict both times",
            ], ["mean gap", "Mean difference of the two verdicts"]]
            : []),
        ],
        inspectors,
        "No star has been judged yet.",
      ),
      ...(done ? [] : [
        element(
          "p",
          { className: "hint" },
          "The agreement of reviews is shown once all stars are settled, so that reviews stay blind.",
        ),
      ]),
      ...(pairs
        ? [
          table(
            "Agreement of pairs",
            [["inspectors"], ["stars"], ["Cohen's κ"], ["weighted κ", "With quadratic weights"]],
            pairs,
            "No star was judged by two inspectors yet.",
          ),
        ]
        : []),
    ]
  }

  forms({ most, failed }) {
    const name = element("input", {
      "aria-label": "Name of the campaign",
      placeholder: "name of the campaign",
      maxLength: 80,
      required: true,
    })
    const count = element("input", {
      type: "number",
      className: "how-many",
      "aria-label": "Stars",
      min: 1,
      max: most,
      value: 50,
      required: true,
    })
    const rules = element("textarea", {
      rows: 3,
      "aria-label": "Rules as TOML",
      placeholder: "reviews = 2\ncontrol_fraction = 0.1",
    })
    this.from = element("p", { className: "hint" })
    const submit = (action) => (event) => {
      event.preventDefault()
      this.outcome.replaceChildren()
      action()
    }
    const release = element("input", {
      "aria-label": "Name of the release",
      placeholder: "v1.0",
      pattern: "[A-Za-z0-9][A-Za-z0-9._\\-]{0,39}",
      required: true,
    })
    const despite = element("input", {
      "aria-label": "Reason for a release despite failed physics checks",
      placeholder: "reason to release anyway",
      required: true,
    })
    const warning = failed.length
      ? [
        element("p", { className: "hint refused" }, "Physics checks failed:"),
        element("ul", {}, ...failed.map((text) => element("li", {}, text))),
        despite,
      ]
      : []
    const file = element("input", {
      type: "file",
      accept: ".jsonl",
      "aria-label": "Record to merge",
      onchange: async () => {
        const [given] = file.files
        if (given?.size > MAX_BYTES) {
          this.outcome.replaceChildren(
            element(
              "p",
              {},
              `${given.name} has ${Math.ceil(given.size / 1e6)} MB; a record to merge has at most ${MAX_BYTES / 1e6}.`,
            ),
          )
        } else if (given) {
          this.work("merge", `Merging ${given.name}…`, () => send_file(this.send, "merge", given, "record_part"))
        }
        file.value = ""
      },
    })
    const take = (kind, label) => element("button", { type: "button", onclick: () => this.send({ kind }) }, label)
    return [
      element(
        "form",
        {
          onsubmit: submit(() =>
            this.send({ kind: "start", name: name.value, stars: Number(count.value), rules: rules.value })
          ),
        },
        element("h2", {}, "Start a campaign"),
        this.from,
        element("div", { className: "row" }, name, count, element("span", { className: "hint" }, "stars")),
        element("details", {}, element("summary", {}, "Custom rules"), rules),
        element("button", { className: "main" }, "Start"),
      ),
      element(
        "div",
        {},
        element("h2", {}, "Record and verdicts"),
        element(
          "div",
          { className: "row" },
          take("export_record", "Export record"),
          take("export_verdicts", "Export verdicts"),
        ),
        element("label", { className: "hint" }, "Merge a record from another computer ", file),
      ),
      element(
        "form",
        {
          onsubmit: submit(() =>
            this.work(
              "freeze",
              "Freezing…",
              () => this.send({ kind: "freeze", name: release.value, despite: failed.length ? despite.value : "" }),
            )
          ),
        },
        element("h2", {}, "Freeze a release"),
        element(
          "p",
          { className: "hint" },
          "Catalogue and verdicts as FITS, VOTable, Parquet and CDS table; measured values stay as they are.",
        ),
        ...warning,
        element("div", { className: "row" }, release, element("button", { className: "main" }, "Freeze")),
      ),
    ]
  }

  // One such work at a time; its button waits for the answer.
  work(kind, words, ask) {
    if (this.working) return
    this.working = kind
    this.outcome.replaceChildren(element("p", { className: "hint" }, words))
    ask()
  }

  over(kind) {
    if (kind !== this.working) return
    this.working = null
    this.outcome.replaceChildren()
  }

  merged({ summary, refused }) {
    this.working = null
    this.outcome.replaceChildren(
      element("p", {}, summary),
      element("ul", {}, ...refused.map((text) => element("li", {}, text))),
    )
  }

  frozen({ folder, stars, counts }) {
    this.working = null
    const told = Object.entries(counts).map(([status, count]) => `${status} ${count.toLocaleString("en")}`).join(", ")
    this.outcome.replaceChildren(
      element("p", {}, `${stars.toLocaleString("en")} stars frozen: ${told}.`),
      element("p", { className: "hint path" }, folder),
    )
  }
}
