// Comparison of stars: spectra over that of the focused star, and the compared quantity.

/** @import { Star } from "../payloads.ts" */
/** @import { SpectrumLook } from "../protocol.d.ts" */
/** @import { SpectrumControls } from "./controls.js" */

import { LIMITS, PIN_COLOURS } from "../base/declared.js"
import { choices, element, icon } from "../base/dom.js"

const NO_MORE_PINS = `${LIMITS.pins} spectra are pinned: unpin one first`
const HINT = `Up to ${LIMITS.pins} pinned spectra lie over this one, at rest; the lower figure shows residuals, ` +
  "differences or ratios. Not normalised, they take this star's continuum."
/** @type {[key: SpectrumLook["compare"], label: string, title: string][]} */
const COMPARISONS = [
  ["over", "Residuals", "Pinned spectra lie over this one"],
  ["difference", "Difference", "This less each pinned"],
  ["ratio", "Ratio", "This over each pinned"],
]
/** @type {[name: string, head: string, digits: number][]} */
const LABELS = [
  ["teff", "Teff", 0],
  ["logg", "log g", 2],
  ["m_h", "[M/H]", 2],
  ["alpha_m", "[α/M]", 2],
  ["rv", "RV", 1],
]

export class ComparePane {
  /** @type {Star | null} - The focused one. */
  star = null

  /**
   * @param {SpectrumControls} controls
   * @param {() => void} draw
   * @param {(text: string) => void} notify
   */
  constructor(controls, draw, notify) {
    this.controls = controls
    this.draw = draw
    this.notify = notify
    this.el = element("div", { className: "pins" })
  }

  /** @param {Star} star */
  pin(star) {
    const { pins } = this.controls
    if (pins.some(({ obsid }) => obsid === star.obsid)) return
    if (!star.spectrum) {
      this.notify(star.sentence)
    } else if (pins.length >= LIMITS.pins) {
      this.notify(NO_MORE_PINS)
    } else {
      pins.push(star)
      this.draw()
      this.show(this.star)
    }
  }

  /** @param {string} obsid */
  unpin(obsid) {
    this.controls.pins = this.controls.pins.filter((pin) => pin.obsid !== obsid)
    this.draw()
    this.show(this.star)
  }

  /** @param {Star | null} star */
  show(star) {
    const { pins, look } = this.controls
    this.star = star
    const mode = choices("Compare", COMPARISONS, (name) => {
      look.compare = name
      mode.press(name)
      this.draw()
    })
    mode.press(look.compare)
    const own = star ? [this.row(star, "currentColor", null)] : []
    const rows = pins.map((pin, k) => {
      const button = icon("close", `Unpin ${pin.obsid}`, () => this.unpin(pin.obsid))
      return this.row(pin, PIN_COLOURS[k], button)
    })
    const full = pins.length >= LIMITS.pins
    const add = element("button", {
      type: "button",
      disabled: full || !star?.spectrum,
      title: full ? NO_MORE_PINS : "",
      onclick: () => star && this.pin(star),
    }, "Pin this star")
    const heads = ["obsid", ...LABELS.map(([, head]) => head), ""]
    this.el.replaceChildren(
      element("div", { className: "row" }, add, mode.row),
      element("p", { className: "hint" }, HINT),
      element(
        "table",
        { className: "sliders" },
        element("thead", {}, element("tr", {}, ...heads.map((text) => element("th", { scope: "col" }, text)))),
        element("tbody", {}, ...own, ...rows),
      ),
    )
  }

  /**
   * @param {Star} star
   * @param {string} colour
   * @param {HTMLElement | null} button
   */
  row(star, colour, button) {
    const swatch = element("i", { className: "swatch", style: `background:${colour}` })
    const texts = LABELS.map(([name, , digits]) => star.published[name]?.toFixed(digits) ?? "–")
    return element(
      "tr",
      {},
      element("th", { scope: "row" }, swatch, ` ${star.obsid}`),
      ...texts.map((text) => element("td", {}, text)),
      element("td", {}, button),
    )
  }
}
