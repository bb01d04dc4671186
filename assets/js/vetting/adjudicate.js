// The Adjudicate room: conflicts on the left, the star in the middle, reviews and the form on the right.

/** @import { AdjudicateState, Parts, Review, Notify } from "../payloads.ts" */
/** @import { Request } from "../protocol.d.ts" */

import { element } from "../base/dom.js"
import { minuteOf } from "../base/words.js"
import { StarDock } from "../star/star.js"
import { campaignPicker, enterButton } from "./campaign_picker.js"
import { VerdictForm } from "./verdict.js"

export class AdjudicateRoom {
  /**
   * @param {(message: Request) => void} send
   * @param {Notify} notify
   */
  constructor(send, notify) {
    this.send = send
    this.picker = campaignPicker(send)
    this.form = new VerdictForm(send, notify, "adjudicate")
    this.star = new StarDock(send)
    this.list = element("ul", { className: "cases", "aria-label": "Conflicts" })
    this.sentence = element("p", { className: "sentence", hidden: true })
    this.reasons = element("ul", { className: "reasons" })
    this.reviews = element("div", { className: "reviews" })
    this.count = element("p", { className: "hint", role: "status" })
    this.enter = enterButton(send, "Campaigns")
    const cases = element(
      "section",
      { className: "card conflicts" },
      element("header", {}, element("strong", {}, "Conflicts"), this.picker.el),
      this.count,
      this.list,
      this.sentence,
      this.enter,
    )
    this.controls = element(
      "section",
      { className: "card controls" },
      element("header", {}, element("strong", {}, "Reviews")),
      this.reasons,
      this.reviews,
      this.form.el,
    )
    this.el = element("div", { className: "across" }, cases, this.star.el, this.controls)
    /** @type {Parts} */
    this.parts = {
      ...this.star.parts,
      adjudicate: (state) => this.receive(state),
      fitted: (labels) => this.form.fitted(labels),
      saved: () => this.form.saved(),
      refused: (kind) => {
        this.form.answered(kind)
        this.star.refused(kind)
      },
      unreachable: (kind) => this.form.unreachable(kind),
    }
  }

  /** @param {AdjudicateState} state */
  receive(state) {
    this.picker.show(state)
    const open = state.conflicts.filter(([, settled]) => !settled).length
    this.count.textContent = `${open} open, ${state.conflicts.length - open} settled`
    this.list.replaceChildren(
      ...state.conflicts.map(([star, settled]) => this.item(star, settled, star === state.star)),
    )
    this.sentence.textContent = state.sentence
    this.sentence.hidden = !state.sentence
    this.enter.hidden = Boolean(state.star)
    this.el.classList.toggle("vacant", !state.campaigns.length)
    this.count.hidden = !state.campaigns.length
    this.controls.hidden = !state.star
    if (!state.star) return
    this.reasons.replaceChildren(...(state.reasons ?? []).map((text) => element("li", {}, text)))
    const words = new Map(state.verdicts)
    this.reviews.replaceChildren(
      ...(state.reviews ?? []).map((review) => reviewOf(review, words.get(review.verdict ?? -1) ?? "")),
    )
    this.form.show(state)
    this.form.resume(state)
  }

  /**
   * @param {string} star
   * @param {boolean} settled
   * @param {boolean} current
   */
  item(star, settled, current) {
    const button = element("button", {
      type: "button",
      "aria-current": current ? "true" : null,
      onclick: () => this.send({ kind: "open_conflict", star }),
    }, settled ? `✓ ${star}` : star)
    return element("li", {}, button)
  }
}

/**
 * @param {Review} review
 * @param {string} word - Of the verdict.
 */
function reviewOf(review, word) {
  const values = Object.entries(review.proposal).map(([name, value]) =>
    `${name} ${typeof value === "number" ? Number(value.toPrecision(6)) : value}`
  )
  const again = review.occasion === 2 ? ", shown again" : ""
  const imported = review.imported ? `, imported by ${review.imported}` : ""
  const proposed = `Proposes ${values.join(", ")}${review.refit ? " (from a refit)" : ""}`
  return element(
    "article",
    {},
    element(
      "header",
      {},
      element("strong", {}, review.user),
      element("small", {}, `${minuteOf(review.utc)}${again}${imported}`),
    ),
    element(
      "p",
      {},
      element("b", {}, `${review.verdict} ${word}`),
      ...review.flags.map((flag) => element("span", { className: "chip" }, flag)),
    ),
    values.length ? element("p", {}, proposed) : null,
    review.note ? element("p", { className: "note" }, review.note) : null,
  )
}
