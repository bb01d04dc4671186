// A line below the toolbar: continued work, or the tour for a visitor who follows a link.

/** @import { Parts, TourStep } from "../payloads.ts" */
/** @import { Request } from "../protocol.d.ts" */

import { element, icon } from "../base/dom.js"

const OFFER = "New here? A tour of a minute shows how the views work together."

export class Notice {
  /**
   * @param {(message: Request) => void} send
   * @param {(steps: TourStep[]) => void} tour
   */
  constructor(send, tour) {
    this.el = element("div", { className: "notice", role: "status", hidden: true })
    /** @type {Parts} */
    this.parts = {
      continued: ({ text, action }) => this.show(text, action, () => send({ kind: "afresh" })),
      offer: (steps) =>
        this.show(OFFER, "Start the tour", () => {
          this.el.hidden = true
          tour(steps)
        }),
    }
  }

  /**
   * @param {string} text
   * @param {string} label
   * @param {() => void} action
   */
  show(text, label, action) {
    this.el.replaceChildren(
      element("span", { title: text }, text),
      element("button", { type: "button", onclick: action }, label),
      icon("close", "Dismiss", () => {
        this.el.hidden = true
      }),
    )
    this.el.hidden = false
  }
}
