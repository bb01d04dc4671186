// The spectral energy distribution of a star without a spectrum.

/** @import { PhotometryDrawing } from "../protocol.d.ts" */

import { element } from "../base/dom.js"
import { Chart } from "../figures/chart.js"

const MAX_WIDTH = 620
const MAX_HEIGHT = 320

export class PhotometryBox {
  /** @type {PhotometryDrawing | null} */
  drawing = null
  /** @type {Chart | null} */
  chart = null

  constructor() {
    this.el = element("div", { className: "photometry", hidden: true })
    new ResizeObserver(() => this.draw()).observe(this.el)
  }

  /** @param {PhotometryDrawing | undefined} drawing */
  show(drawing) {
    this.drawing = drawing ?? null
    this.el.hidden = !drawing
    this.draw()
  }

  draw() {
    const { drawing } = this
    const width = Math.min(this.el.clientWidth - 12, MAX_WIDTH)
    const height = Math.min(this.el.clientHeight - 8, MAX_HEIGHT)
    if (!drawing || width < 120 || height < 60) return
    const label = `Flux in ${drawing.points.map(([name]) => name).join(", ")}`
    this.chart = new Chart({ width, height, label, x: drawing.x_label, y: drawing.y_label })
    this.el.replaceChildren(this.chart.el)
    const xs = drawing.points.map(([, wavelength]) => wavelength)
    const ys = drawing.points.map(([, , flux]) => flux)
    const errors = drawing.points.map(([, , , error]) => error)
    this.chart.draw(drawing.x_ends, drawing.y_ends, [
      { kind: "line", xs, ys, colour: "line" },
      { kind: "whiskers", xs, ys, errors, colour: "strong" },
      { kind: "words", xs, ys, texts: drawing.points.map(([name]) => name), colour: "text" },
    ])
  }

  repaint() {
    this.chart?.paint()
  }
}
