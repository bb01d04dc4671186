// The edge between two panels: drag it, or move it by arrow keys; a double-click or Enter restores the usual size.

/** @import { Limits } from "./sizes.js" */

import { element } from "./dom.js"
import { limited, sizeOfKey } from "./sizes.js"

/**
 * A panel that a splitter resizes.
 *
 * @typedef {object} Sized
 * @property {string} label - Of the splitter, such as "Width of the star panel".
 * @property {() => "x" | "y"} axis - Along which the edge moves.
 * @property {1 | -1} sign - -1 if the panel grows when its edge moves left or up.
 * @property {() => number} size - Of the panel in pixels.
 * @property {() => Limits} limits - Of the size.
 * @property {(pixels: number | null) => void} resize - null restores the usual size.
 */

export class Splitter {
  from = 0
  /** @type {number | null} - Of the pointer that drags it. */
  pointer = null
  moved = 0

  /** @param {Sized} panel */
  constructor(panel) {
    this.panel = panel
    this.el = element("div", {
      className: "splitter",
      role: "separator",
      tabIndex: 0,
      title: `${panel.label}: drag, or use the arrow keys; a double-click or Enter restores it`,
      "aria-label": panel.label,
      onpointerdown: (event) => this.start(event),
      onpointermove: (event) => this.move(event),
      onpointerup: () => this.end(true),
      onpointercancel: () => this.end(false),
      ondblclick: () => this.resize(null),
      onkeydown: (event) => this.key(event),
      onfocus: () => this.describe(),
    })
    this.describe()
  }

  /** Update what assistive technology reads: direction, size and its limits in pixels. */
  describe() {
    const [low, high] = this.panel.limits()
    const values = { valuenow: this.panel.size(), valuemin: low, valuemax: Math.max(low, high) }
    for (const [name, value] of Object.entries(values)) this.el.setAttribute(`aria-${name}`, String(Math.round(value)))
    this.el.setAttribute("aria-orientation", this.panel.axis() === "x" ? "vertical" : "horizontal")
  }

  /** @param {PointerEvent} event */
  start(event) {
    if (event.button !== 0) return
    event.preventDefault() // a drag selects no text
    this.el.focus()
    this.el.setPointerCapture(event.pointerId)
    this.pointer = event.pointerId
    this.from = this.at(event)
    this.moved = 0
    this.el.classList.add("dragged")
  }

  /** @param {PointerEvent} event */
  at(event) {
    return this.panel.axis() === "x" ? event.clientX : event.clientY
  }

  /**
   * Move the edge alone: the panels, with their figures, follow once at the end.
   *
   * @param {PointerEvent} event
   */
  move(event) {
    if (this.pointer !== event.pointerId) return
    const { panel } = this
    const size = panel.size()
    this.moved = panel.sign * (limited(size + panel.sign * (this.at(event) - this.from), panel.limits()) - size)
    this.el.style.transform = `translate${panel.axis().toUpperCase()}(${this.moved}px)`
  }

  /** @param {boolean} done - False leaves the sizes as they were. */
  end(done) {
    if (this.pointer === null) return
    this.pointer = null
    this.el.classList.remove("dragged")
    this.el.style.transform = ""
    if (done && this.moved) this.resize(this.panel.size() + this.panel.sign * this.moved)
  }

  /** @param {number | null} pixels */
  resize(pixels) {
    this.panel.resize(pixels)
    this.describe()
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    const { panel } = this
    if (event.key === "Escape" && this.pointer !== null) this.end(false)
    else {
      const size = sizeOfKey(event.key, event.shiftKey, panel.size(), panel.limits(), panel.axis(), panel.sign)
      if (size === undefined) return
      this.resize(size)
    }
    event.preventDefault()
    event.stopPropagation() // arrows step from star to star elsewhere
  }
}
