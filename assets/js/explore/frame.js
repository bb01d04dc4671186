// The frame of the Explore page: panels with edges that move, of which the star's can be folded away.
// In narrow windows the star's panel is below the views where the window is tall, and above them where it is not.

/** @import { Request } from "../protocol.d.ts" */
/** @import { Limits } from "../base/sizes.js" */

import { element, icon } from "../base/dom.js"
import { readLayout } from "../base/sizes.js"
import { Splitter } from "../base/splitter.js"

const LAYOUT = "mgiant-explorer-layout"
const NARROW = "(max-width: 1099.98px)"
const TALL = "(min-height: 820px)"
const MIN_VIEWS = 340
const MIN_DOWN = 150
const ASKED_MS = 4000
/** Requests that choose a star, for which a folded panel opens. */
const CHOOSING = new Set(["focus", "tap", "star_find", "star_step"])

/** @typedef {"side" | "dock" | "answers" | "star"} PanelName */
/** @typedef {{ side: HTMLElement, down: HTMLElement, dock: HTMLElement, star: HTMLElement }} Panels */

/** @type {Record<PanelName, { label: string, low: number }>} - Labels of their edges, smallest sizes in pixels. */
const PANELS = {
  side: { label: "Width of the filter panel", low: 220 },
  dock: { label: "Height of the panel below the views", low: 140 },
  answers: { label: "Height of the panel below the views", low: 150 },
  star: { label: "Size of the star panel", low: 280 },
}

export class Frame {
  asked = -Infinity
  over = false

  /** @param {Panels} panels */
  constructor(panels) {
    this.panels = panels
    const { shares, folded } = readLayout(globalThis.localStorage.getItem(LAYOUT))
    this.shares = shares
    this.folded = folded.includes("star")
    this.narrow = globalThis.matchMedia(NARROW)
    this.tall = globalThis.matchMedia(TALL)
    this.splitters = {
      side: new Splitter(this.sized(() => "side", 1, () => "x")),
      dock: new Splitter(this.sized(() => this.dockName, -1, () => "y")),
      star: new Splitter(this.sized(() => "star", -1, () => this.below ? "y" : "x")),
    }
    this.toggle = icon("view_sidebar", "", () => this.fold(this.shown), { className: "stays" })
    this.close = icon("chevron_right", "Fold the star panel", () => this.fold(true), { className: "fold-star" })
    panels.star.querySelector("header")?.append(this.close)
    panels.dock.before(this.splitters.dock.el)
    this.left = element("div", { className: "left" }, panels.side, this.splitters.side.el, panels.down)
    this.el = element("div", { className: "across" }, this.left, this.splitters.star.el, panels.star)
    this.el.addEventListener("keydown", (event) => this.key(event))
    for (const media of [this.narrow, this.tall]) media.addEventListener("change", () => this.apply())
    this.apply()
  }

  /** Whether the star's panel is below the views. */
  get below() {
    return this.narrow.matches && this.tall.matches
  }

  /** Whether the star's panel lies above the views while it is open. */
  get overlaid() {
    return this.narrow.matches && !this.tall.matches
  }

  get shown() {
    return this.overlaid ? this.over : !this.folded
  }

  /** @returns {PanelName} */
  get dockName() {
    return this.panels.dock.dataset.tab === "table" ? "dock" : "answers"
  }

  /**
   * @param {() => PanelName} name
   * @param {1 | -1} sign
   * @param {() => "x" | "y"} axis
   * @returns {import("../base/splitter.js").Sized}
   */
  sized(name, sign, axis) {
    const panel = () => this.panels[name() === "answers" ? "dock" : /** @type {keyof Panels} */ (name())]
    const total = () => {
      const box = panel().parentElement
      return box ? (axis() === "x" ? box.clientWidth : box.clientHeight) : 0
    }
    return {
      label: PANELS[name()].label,
      axis,
      sign,
      size: () => axis() === "x" ? panel().offsetWidth : panel().offsetHeight,
      limits: () => /** @type {Limits} */ ([PANELS[name()].low, total() - (axis() === "x" ? MIN_VIEWS : MIN_DOWN)]),
      resize: (pixels) => {
        if (pixels === null || !total()) delete this.shares[name()]
        else this.shares[name()] = Math.min(Math.max(pixels / total(), 0.01), 0.99)
        this.keep()
        this.apply()
      },
    }
  }

  /** Remember the layout in this browser. */
  keep() {
    const folded = this.folded ? ["star"] : []
    globalThis.localStorage.setItem(LAYOUT, JSON.stringify({ shares: this.shares, folded }))
  }

  apply() {
    for (const name of /** @type {PanelName[]} */ (Object.keys(PANELS))) {
      const share = this.shares[name]
      const flex = share === undefined ? "" : `0 0 ${(100 * share).toFixed(2)}%`
      this.el.style.setProperty(`--${name}-flex`, flex)
    }
    this.el.classList.toggle("below", this.below)
    this.el.classList.toggle("overlaid", this.overlaid)
    this.el.classList.toggle("folded", !this.shown)
    const title = this.shown ? "Fold the star panel" : "Open the star panel"
    this.toggle.title = title
    this.toggle.setAttribute("aria-label", title)
    this.toggle.setAttribute("aria-expanded", String(this.shown))
    for (const splitter of Object.values(this.splitters)) splitter.describe()
  }

  /** @param {boolean} folded */
  fold(folded) {
    if (this.overlaid) this.over = !folded
    else {
      this.folded = folded
      this.keep()
    }
    this.asked = -Infinity // the star that was asked for before is shown when the panel is opened
    this.apply()
    if (folded) this.toggle.focus()
  }

  /**
   * Note a request that chooses a star, whose answer opens the panel.
   *
   * @param {Request} request
   */
  sending({ kind }) {
    if (CHOOSING.has(kind)) this.asked = performance.now()
  }

  /** Open the panel for a star that the visitor chose; one that the page shows by itself leaves it. */
  starCame() {
    if (!this.shown && performance.now() - this.asked < ASKED_MS) this.fold(false)
  }

  /**
   * Fold a panel that lies above the views; in these, in fields and in open menus Escape has a meaning of its own.
   *
   * @param {KeyboardEvent} event
   */
  key(event) {
    const [target] = event.composedPath()
    const elsewhere = target instanceof Element && target.closest("input, textarea, .stage, :popover-open")
    if (event.key !== "Escape" || !this.overlaid || !this.over || elsewhere) return
    event.stopPropagation()
    this.fold(true)
  }
}
