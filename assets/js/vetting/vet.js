// The Vet room: the star in the middle, the form on the right.

/** @import { Parts, Notify, VetState } from "../payloads.ts" */
/** @import { Counts, Request } from "../protocol.d.ts" */

import { KEY_NAMES } from "../base/declared.js"
import { element } from "../base/dom.js"
import { StarDock } from "../star/star.js"
import { campaignPicker, enterButton } from "./campaign_picker.js"
import { VerdictForm } from "./verdict.js"

/** @type {[key: string, words: string][]} */
const HINTS = [
  [KEY_NAMES.next, "skip"],
  [KEY_NAMES.previous, "back"],
  [KEY_NAMES.comment, "comment"],
  [KEY_NAMES.undo, "undo"],
  [KEY_NAMES.redo, "redo"],
  [KEY_NAMES.help, "help"],
]

export class VetRoom {
  /**
   * @param {(message: Request) => void} send
   * @param {Notify} notify
   */
  constructor(send, notify) {
    this.picker = campaignPicker(send)
    this.form = new VerdictForm(send, notify, "vet")
    this.star = new StarDock(send)
    this.counts = element("p", { className: "hint", role: "status" })
    this.bar = element("progress", { "aria-label": "Judged", max: 1, value: 0 })
    this.sentence = element("p", { className: "sentence", hidden: true })
    this.saved = element("p", { className: "hint saved", role: "status" })
    this.enter = enterButton(send, "Campaigns")
    const keys = HINTS.flatMap(([key, words]) => [element("kbd", {}, key), `${words}  `])
    this.keys = element("p", { className: "hint" }, ...keys)
    const controls = element(
      "section",
      { className: "card controls" },
      element("header", {}, this.picker.person, this.picker.out, this.picker.el),
      this.counts,
      this.bar,
      this.sentence,
      this.enter,
      this.form.el,
      this.saved,
      this.keys,
    )
    this.el = element("div", { className: "across" }, this.star.el, controls)
    /** @type {Parts} */
    this.parts = {
      ...this.star.parts,
      vet: (state) => this.receive(state),
      counts: (counts) => this.count(counts),
      fitted: (labels) => this.form.fitted(labels),
      saved: (id) => {
        this.saved.textContent = "The verdict is saved."
        this.saved.title = `Event ${id}`
        this.form.saved()
      },
      refused: (kind) => {
        this.form.answered(kind)
        this.star.refused(kind)
      },
      unreachable: (kind) => this.form.unreachable(kind),
    }
  }

  /** @param {VetState} state */
  receive(state) {
    this.picker.show(state)
    this.count(state.counts ?? { done: 0, left: 0 })
    this.sentence.textContent = state.sentence
    this.sentence.hidden = !state.sentence
    this.enter.hidden = Boolean(state.star)
    const vacant = !state.campaigns.length
    this.el.classList.toggle("vacant", vacant)
    this.counts.hidden = this.bar.hidden = this.keys.hidden = vacant
    this.form.el.hidden = !state.star
    if (state.star) this.form.show(state)
    else this.form.leaveStar()
    this.form.resume(state)
  }

  /** @param {Counts} counts */
  count({ done, left }) {
    this.counts.textContent = `${done.toLocaleString("en")} judged, ${left.toLocaleString("en")} left for you`
    this.bar.value = done + left ? done / (done + left) : 0
  }
}
