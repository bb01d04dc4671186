// The tour of a first visit: a bubble beside each part of the page in turn.

/** @import { TourStep } from "../payloads.ts" */

import { element } from "../base/dom.js"

export class Tour {
  at = 0
  /** @type {Element | null} */
  ringed = null

  /**
   * @param {HTMLElement} host
   * @param {TourStep[]} steps
   */
  constructor(host, steps) {
    this.host = host
    this.steps = steps.filter(([selector]) => this.shown(selector)) // none points at what the visitor cannot see
    this.text = element("p")
    this.next = element("button", { type: "button", className: "main", onclick: () => this.step() })
    const skip = element("button", { type: "button", onclick: () => this.end() }, "Skip")
    this.el = element(
      "div",
      {
        className: "tour",
        role: "dialog",
        "aria-label": "Tour",
        onkeydown: ({ key }) => key === "Escape" && this.end(),
      },
      this.text,
      element("div", { className: "row" }, skip, this.next),
    )
    host.append(this.el)
    this.show()
    this.next.focus()
  }

  /**
   * The first element of a selector that is on screen.
   *
   * @param {string} selector
   */
  shown(selector) {
    return [...this.host.querySelectorAll(selector)].find((found) => found.checkVisibility()) ?? null
  }

  step() {
    this.at += 1
    if (this.at < this.steps.length) this.show()
    else this.end()
  }

  show() {
    const { at, steps } = this
    if (at >= steps.length) return this.end() // all are hidden
    const [selector, words] = steps[at]
    this.ringed?.classList.remove("ringed")
    this.ringed = this.shown(selector)
    if (this.ringed === null) return this.step() // hidden since
    this.ringed.classList.add("ringed")
    this.text.textContent = words
    this.next.textContent = at === steps.length - 1 ? "Done" : `Next (${at + 1}/${steps.length})`
    const box = this.ringed.getBoundingClientRect()
    const below = box.bottom + 170 < globalThis.innerHeight
    this.el.style.left = `${Math.max(8, Math.min(box.left, globalThis.innerWidth - 340))}px`
    this.el.style.top = below ? `${box.bottom + 10}px` : `${Math.max(8, box.top + 40)}px`
  }

  end() {
    this.el.remove()
    this.ringed?.classList.remove("ringed")
  }
}
