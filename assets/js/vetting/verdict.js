// The form of a verdict, for inspectors and adjudicators. A digit saves; the mouse is not needed.

/** @import { Notify, Proposal, VerdictFormState } from "../payloads.ts" */
/** @import { FlagChoice, Judge, Quantity, Request, VerdictChoice } from "../protocol.d.ts" */

import { KEY_NAMES, LIMITS, VERDICT_KEYS } from "../base/declared.js"
import { element } from "../base/dom.js"
import { keyOf, listenToKeys } from "../base/keys.js"
import { uuid } from "../base/uuid.js"
import { minuteOf } from "../base/words.js"
import { Drafts, meaningOfKey, proposalOf } from "./drafts.js"

const SEEN_AFTER_MS = 250 // a digit that was pressed before one could see the star was meant for the one before
const DIGITS = 4 // of published values

export class VerdictForm {
  person = ""
  campaign = ""
  star = ""
  /** @type {{ verdicts: VerdictChoice[], flags: FlagChoice[] } | null} */
  rules = null
  /** @type {string | null} - Id of the verdict that was given before. */
  before = null
  /** @type {number | null} - The digit that was given before. */
  given = null
  /** @type {Set<string>} */
  flags = new Set()
  /** @type {Map<string, HTMLInputElement>} */
  inputs = new Map()
  busy = false
  resumed = false
  shownAt = 0

  /**
   * @param {(message: Request) => void} send
   * @param {Notify} notify
   * @param {string} room
   */
  constructor(send, notify, room) {
    this.send = send
    this.notify = notify
    this.drafts = new Drafts(globalThis.sessionStorage, room)
    this.asked = element("h2")
    this.verdicts = element("div", { className: "marks", role: "group", "aria-label": "Verdict" })
    this.boxes = element("div", { className: "flags", role: "group", "aria-label": "Problems" })
    this.note = element("textarea", {
      rows: 2,
      "aria-label": "Comment",
      placeholder: `Comment (${KEY_NAMES.comment})`,
      maxLength: LIMITS.note,
      onkeydown: (event) => this.typed(event),
      oninput: () => this.keep(),
    })
    this.values = element("table", { className: "sliders" })
    this.word = element("input", {
      "aria-label": "Proposed class",
      maxLength: LIMITS.className,
      placeholder: "such as carbon star",
      oninput: () => this.keep(),
    })
    this.other = element(
      "details",
      {},
      element("summary", {}, "Propose other values"),
      this.values,
      element("label", { className: "row" }, "Class ", this.word),
      element("p", { className: "hint" }, "Published values stay; the adjudicator sees yours."),
    )
    this.earlier = element("p", { className: "hint" })
    this.about = element("p", { className: "hint", hidden: true })
    this.el = element(
      "div",
      { className: "form" },
      this.about,
      this.earlier,
      element("h2", {}, "Problems"),
      this.boxes,
      element("h2", {}, "Comment"),
      this.note,
      this.other,
      this.asked,
      this.verdicts,
    )
  }

  /** @param {VerdictFormState} state */
  show({ star, verdicts = [], flags = [], quantities = [], before, undone, person, campaign, judged }) {
    const fresh = this.star !== star || this.before !== (before?.id ?? null) || undone
    if (this.star !== star) this.shownAt = performance.now()
    this.about.textContent = judged
    this.about.hidden = !judged
    this.person = person
    this.campaign = campaign
    this.star = star
    this.rules = { verdicts, flags }
    this.busy = false
    this.before = before?.id ?? null
    this.given = before?.verdict ?? null
    if (!fresh) return
    const draft = this.drafts.begun(this) ?? before ?? undone
    const proposal = draft?.proposal ?? {}
    this.earlier.textContent = before
      ? `You gave ${before.verdict} on ${minuteOf(before.utc)}; a new verdict replaces it.`
      : ""
    this.earlier.hidden = !before
    this.flags = new Set(draft?.flags ?? [])
    this.note.value = draft?.note ?? ""
    this.word.value = String(proposal.class ?? "")
    this.other.open = Object.keys(proposal).length > 0
    this.inputs = new Map()
    this.values.replaceChildren(...quantities.map((quantity) => this.quantityRow(quantity, proposal)))
    this.paint()
  }

  /** Detach the form from its star. */
  leaveStar() {
    this.star = ""
  }

  /**
   * @param {Quantity} quantity
   * @param {Proposal} proposal
   */
  quantityRow([name, label, unit, published], proposal) {
    const input = element("input", {
      type: "number",
      step: "any",
      "aria-label": `Proposed ${label}`,
      value: proposal[name] ?? "",
      oninput: () => this.keep(),
    })
    this.inputs.set(name, input)
    return element(
      "tr",
      {},
      element("th", { scope: "row" }, unit ? `${label} [${unit}]` : label),
      element("td", {}, published === null ? "–" : Number(published.toPrecision(DIGITS)).toString()),
      element("td", {}, input),
    )
  }

  paint() {
    const { verdicts, flags } = this.rules ?? { verdicts: [], flags: [] }
    const digits = verdicts.map(([digit]) => digit)
    const question = this.about.hidden ? "Is this fit right?" : "Is this star right?"
    this.asked.textContent = `${question} Press ${Math.min(...digits)}-${Math.max(...digits)}: saves, next star`
    this.verdicts.replaceChildren(...verdicts.map(([digit, text]) =>
      element(
        "button",
        {
          type: "button",
          "aria-pressed": String(digit === this.given),
          onclick: () => this.save(digit),
        },
        element("kbd", {}, String(digit)),
        ` ${text}`,
      )
    ))
    this.boxes.replaceChildren(...flags.map(([flag, key]) =>
      element(
        "button",
        {
          type: "button",
          "aria-pressed": String(this.flags.has(flag)),
          onclick: () => this.flip(flag),
        },
        ...(key ? [element("kbd", {}, key)] : []),
        ` ${flag}`,
      )
    ))
  }

  /** @param {Record<string, number>} labels */
  fitted(labels) {
    for (const [name, value] of Object.entries(labels)) {
      const input = this.inputs.get(name)
      if (input) input.value = String(Number(value.toPrecision(6)))
    }
    this.other.open = true
    this.keep()
  }

  /** @param {string} flag */
  flip(flag) {
    if (!this.flags.delete(flag)) this.flags.add(flag)
    this.paint()
    this.keep()
  }

  keep() {
    this.drafts.keep(this, { flags: [...this.flags], note: this.note.value, proposal: this.proposal() })
  }

  proposal() {
    /** @type {[string, string][]} */
    const numbers = [...this.inputs].map(([name, input]) => [name, input.value])
    return proposalOf(numbers, this.word.value)
  }

  /** @param {number} verdict */
  save(verdict) {
    if (!this.star || this.busy) return
    const { person, campaign, star } = this
    /** @type {Judge} */
    const draft = {
      kind: "judge",
      id: uuid(),
      star,
      campaign,
      verdict,
      flags: [...this.flags],
      note: this.note.value,
      proposal: this.proposal(),
    }
    this.resumed = true
    this.drafts.handIn({ person, campaign, draft })
    this.handIn(draft)
  }

  /** @param {number} verdict */
  saveSeen(verdict) {
    if (performance.now() - this.shownAt > SEEN_AFTER_MS) this.save(verdict)
  }

  /** @param {Judge} draft */
  handIn(draft) {
    this.busy = true
    this.send(draft)
  }

  /**
   * Send a verdict again that was lost in transmission; its id prevents a second record.
   *
   * @param {{ person: string }} state
   */
  resume({ person }) {
    const kept = this.drafts.handedIn()
    if (this.resumed || kept?.person !== person) return
    this.resumed = true
    this.send({ kind: "campaign", id: kept.campaign })
    this.notify(`The verdict on ${kept.draft.star} was not received: it is sent again.`)
    this.handIn(kept.draft)
  }

  saved() {
    this.drafts.saved(this.person)
    this.busy = false
  }

  /** @param {string} kind */
  answered(kind) {
    if (kind !== "judge") return
    this.busy = false
    this.drafts.answered()
  }

  /**
   * Enable the form again; the draft is restored on a reload, unless another one replaces it.
   *
   * @param {string} kind
   */
  unreachable(kind) {
    if (kind === "judge") this.busy = false
  }

  /** @param {KeyboardEvent} event */
  typed(event) {
    if (event.key === "Escape") this.note.blur()
    if (event.key !== "Enter" || !event.ctrlKey) return
    event.preventDefault()
    this.note.blur()
    if (this.given === null) this.notify("The comment is kept. Now press the digit of a verdict.")
    else this.save(this.given)
  }

  /**
   * Handle a key of the form; returns whether it is one.
   *
   * @param {string} pressed
   */
  key(pressed) {
    const meaning = this.star && this.rules ? meaningOfKey(pressed, this.rules) : undefined
    if (meaning === undefined) return false
    if ("flag" in meaning) this.flip(meaning.flag)
    else if ("verdict" in meaning) this.saveSeen(meaning.verdict)
    else if (meaning.action === "comment") this.note.focus()
    else this.send({ kind: meaning.action === "undo" ? "vet_undo" : "vet_redo", id: uuid() })
    return true
  }
}

/**
 * @param {HTMLElement} host
 * @param {VerdictForm} form
 * @param {() => void} help
 */
export function listenToVerdictKeys(host, form, help) {
  listenToKeys(host, (event) => {
    if (event.repeat) return false
    const key = keyOf(event)
    if (key !== VERDICT_KEYS.help) return form.key(key)
    help()
    return true
  })
}
