// The numbers of a measured line, over the spectrum.

/** @import { MeasuredDrawing, SpectrumLook } from "../protocol.d.ts" */

import { copyText } from "../base/clipboard.js"
import { choices, element, icon, relabel } from "../base/dom.js"

/** @type {[key: SpectrumLook["continuum"], label: string, title: string][]} */
const CONTINUA = [
  ["edges", "Edges", "Continuum: a straight line through the outer fifths of the range"],
  ["unity", "Pseudo", "Continuum: the pseudo-continuum, 1 on the normalised scale"],
]

export class MeasuredBox {
  /** @type {MeasuredDrawing | null} */
  measured = null

  /**
   * @param {object} actions
   * @param {(continuum: SpectrumLook["continuum"]) => void} actions.onContinuum
   * @param {() => void} actions.onClose
   * @param {(text: string) => void} actions.notify
   */
  constructor({ onContinuum, onClose, notify }) {
    this.continuum = choices("Continuum", CONTINUA, onContinuum)
    const copy = icon("content_copy", "Copy the measurements as a table with tabs", () => {
      if (this.measured) void copyText(this.measured.table, "Copied", notify)
    })
    this.copy = copy
    this.rows = element("tbody")
    this.sentence = element("p", { className: "hint" })
    this.more = icon("unfold_more", "All measurements", () => this.unfold(), { "aria-expanded": "false" })
    const head = element(
      "div",
      { className: "row" },
      this.continuum.row,
      this.more,
      copy,
      icon("close", "End the measurement", onClose),
    )
    this.el = element(
      "div",
      { className: "measured", role: "status", "aria-label": "Measured line", hidden: true },
      head,
      element("table", {}, this.rows),
      this.sentence,
    )
  }

  /**
   * @param {MeasuredDrawing | undefined} measured
   * @param {SpectrumLook["continuum"]} continuum
   * @param {readonly [number, number]} ends - Of the axis: the box is in the half without the line.
   */
  show(measured, continuum, [first, last]) {
    this.measured = measured ?? null
    this.el.hidden = !measured
    if (!measured) return
    this.continuum.press(continuum)
    this.el.classList.toggle("beside", measured.ends[0] + measured.ends[1] < first + last)
    this.el.classList.toggle("refused", !measured.rows.length)
    this.copy.disabled = !measured.rows.length
    this.sentence.textContent = measured.sentence
    this.rows.replaceChildren(
      ...measured.rows.map(([name, text, about]) =>
        element("tr", { title: about }, element("th", { scope: "row" }, name), element("td", {}, text))
      ),
    )
  }

  unfold() {
    const all = this.el.classList.toggle("all")
    relabel(this.more, all ? "unfold_less" : "unfold_more", all ? "Width, centroid and velocity" : "All measurements")
    this.more.setAttribute("aria-expanded", String(all))
  }
}
