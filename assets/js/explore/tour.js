// A tour: a bubble beside each part of the page in turn, of the controls or of a story.

/** @import { TourStep } from "../payloads.ts" */

import { KEY_NAMES, TOUR_KEYS } from "../base/declared.js"
import { element, icon } from "../base/dom.js"
import { keyOf } from "../base/keys.js"
import { placeBeside } from "./placing.js"

/**
 * @typedef {{ key: string, title: string, steps: TourStep[] }} TourContent - "" is the key of the tour of the controls.
 */

export class Tour {
  /** @type {Element | null} */
  ringed = null

  /**
   * @param {HTMLElement} host
   * @param {TourContent} content
   * @param {number} at - The first step that is shown.
   * @param {(at: number, count: number) => void} onStep - Also called after the last step, with their number.
   */
  constructor(host, { title, steps }, at, onStep) {
    this.host = host
    this.steps = steps.filter(([selector]) => !selector || this.shown(selector)) // none points at what is hidden
    this.at = Math.max(Math.min(at, this.steps.length - 1), 0)
    this.onStep = onStep
    this.text = element("p", { "aria-live": "polite" })
    this.place = element("span", { className: "hint" })
    this.back = element("button", {
      type: "button",
      title: `Back (${KEY_NAMES.tourBack})`,
      onclick: () => this.step(-1),
    })
    this.back.textContent = "Back"
    this.next = element("button", { type: "button", className: "main", onclick: () => this.step(1) })
    this.next.title = `Next (${KEY_NAMES.tourNext})`
    this.el = element(
      "div",
      { className: "tour", role: "dialog", "aria-label": title },
      element(
        "header",
        {},
        element("strong", {}, title),
        icon("close", `Leave (${KEY_NAMES.tourLeave}); help resumes it`, () => this.end()),
      ),
      this.text,
      element("div", { className: "row" }, this.place, this.back, this.next),
    )
    this.arrange = () => this.put()
    this.observer = new ResizeObserver(this.arrange)
    globalThis.addEventListener("resize", this.arrange)
    host.append(this.el)
    this.show()
    this.next.focus()
  }

  get ended() {
    return !this.el.isConnected
  }

  /**
   * Handle a key of the page.
   *
   * @param {KeyboardEvent} event
   */
  take(event) {
    if (this.ended) return false
    const key = keyOf(event)
    if (TOUR_KEYS.next.includes(key)) this.step(1)
    else if (TOUR_KEYS.back.includes(key)) this.step(-1)
    else if (TOUR_KEYS.leave.includes(key)) this.end()
    else return false
    return true
  }

  /** @param {number} by */
  step(by) {
    this.at = Math.max(this.at + by, 0)
    this.show()
  }

  show() {
    const { at, steps } = this
    this.onStep(at, steps.length)
    if (at >= steps.length) return this.end()
    const [selector, words] = steps[at]
    this.observer.disconnect()
    this.ringed?.classList.remove("ringed")
    this.ringed = selector ? this.shown(selector) : null
    this.ringed?.classList.add("ringed")
    if (this.ringed) this.observer.observe(this.ringed)
    this.text.textContent = words
    this.place.textContent = `${at + 1} of ${steps.length}`
    this.back.disabled = at === 0
    this.next.textContent = at === steps.length - 1 ? "Done" : "Next"
    this.put()
  }

  /**
   * The first element of a selector that is on screen.
   *
   * @param {string} selector
   */
  shown(selector) {
    return [...this.host.querySelectorAll(selector)].find((item) => item.checkVisibility()) ?? null
  }

  put() {
    const { offsetWidth: width, offsetHeight: height } = this.el
    const screen = { width: globalThis.innerWidth, height: globalThis.innerHeight }
    const { left, top } = placeBeside(this.ringed?.getBoundingClientRect() ?? null, { width, height }, screen)
    Object.assign(this.el.style, { left: `${left}px`, top: `${top}px` })
  }

  end() {
    this.observer.disconnect()
    globalThis.removeEventListener("resize", this.arrange)
    this.ringed?.classList.remove("ringed")
    this.el.remove()
  }
}
