// Charts of the dock: histograms of samples with their numbers under the mouse, the difference map, fits.

/** @import { Shape } from "../figures/chart.js" */
/** @import { DifferenceDrawing, DistributionDrawing, RelationDrawing } from "../protocol.d.ts" */

import { bytes, paletteOf } from "../base/arrays.js"
import { element } from "../base/dom.js"
import { Chart } from "../figures/chart.js"
import { barAt, short } from "../figures/scales.js"

const MIN_WIDTH = 124
const MIN_HEIGHT = 96
const HEADROOM = 1.08
const LINE = "strong"
const MEDIAN = "text"

/** A chart that fills its element, with a text under the mouse. */
class AnswerChart {
  /** @type {Chart | null} */
  chart = null

  /** @param {string} name */
  constructor(name) {
    this.name = name
    this.words = { x: "", y: "" }
    this.caption = element("span", { className: "beside", role: "status" })
    this.frame = element("div", { className: "frame" })
    this.el = element("figure", { className: "answer-chart" }, this.frame, this.caption)
    this.note = ""
    this.sizes = new ResizeObserver(() => this.paint())
    this.sizes.observe(this.frame)
  }

  close() {
    this.sizes.disconnect()
  }

  /** Draw at the present size. */
  paint() {
    const width = Math.max(this.frame.clientWidth, MIN_WIDTH)
    const height = Math.max(this.frame.clientHeight, MIN_HEIGHT)
    const { size } = this.chart ?? { size: null }
    if (!this.chart || size?.width !== width || size.height !== height || this.chart.words !== this.words) {
      const { words, name } = this
      const chart = new Chart({ width, height, label: name, ...words })
      chart.words = words
      chart.el.addEventListener("mousemove", (event) => this.point(event))
      chart.el.addEventListener("mouseleave", () => this.say(this.note))
      this.chart = chart
      this.frame.replaceChildren(chart.el)
    }
    this.draw(this.chart)
  }

  /** @param {string} text */
  say(text) {
    this.caption.textContent = text
  }

  /** @param {MouseEvent} event */
  point(event) {
    const at = this.chart?.under(event) ?? null
    this.say(at === null ? this.note : this.text(at) || this.note)
  }

  /** @param {Chart} _chart */
  draw(_chart) {}

  /**
   * @param {{ x: number, y: number }} _at
   * @returns {string}
   */
  text(_at) {
    return ""
  }
}

/** Histograms of samples. */
export class DistributionChart extends AnswerChart {
  /** @type {DistributionDrawing | null} */
  drawing = null

  /** @param {DistributionDrawing} drawing */
  show(drawing) {
    this.drawing = drawing
    this.note = drawing.beyond
    const { x, y } = this.words
    if (x !== drawing.label || y !== drawing.height) this.words = { x: drawing.label, y: drawing.height }
    this.say(this.note)
    this.paint()
  }

  /**
   * @override
   * @param {Chart} chart
   */
  draw(chart) {
    if (!this.drawing) return
    const { edges, samples, curve_x: curveX, curve_y: curveY } = this.drawing
    let highest = Math.max(...(curveY ?? []), 0)
    /** @type {Shape[]} */
    const shapes = []
    for (const [k, { heights, colour }] of [...samples.entries()].reverse()) {
      highest = Math.max(highest, ...heights)
      shapes.push({ kind: "steps", edges, heights, colour, filled: k === 0 })
    }
    for (const { median, colour } of samples) if (median !== null) shapes.push({ kind: "upright", at: median, colour })
    if (curveX && curveY) shapes.push({ kind: "line", xs: curveX, ys: curveY, colour: LINE, width: 2 })
    chart.draw([edges[0], edges[edges.length - 1]], [0, (highest || 1) * HEADROOM], shapes)
  }

  /**
   * @override
   * @param {{ x: number, y: number }} at
   */
  text({ x }) {
    if (!this.drawing) return ""
    const { edges, samples } = this.drawing
    const bar = barAt(edges, x)
    if (bar < 0) return ""
    const counts = samples.map(({ name, heights, counts: stars }) =>
      `${name}: ${stars[bar].toLocaleString("en")} (${short(heights[bar])})`
    )
    return `${short(edges[bar])} to ${short(edges[bar + 1])} · ${counts.join(" · ")}`
  }
}

/** Map of the difference of two samples. */
export class DifferenceChart extends AnswerChart {
  /** @type {DifferenceDrawing | null} */
  drawing = null
  /** @type {Uint8Array} */
  levels = new Uint8Array()
  /** @type {HTMLCanvasElement} */
  image = element("canvas")

  /** @param {DifferenceDrawing} drawing */
  show(drawing) {
    this.drawing = drawing
    this.note = drawing.caption
    const [height, width] = drawing.shape
    this.levels = bytes(drawing.levels)
    const colours = paletteOf(drawing.palette)
    const pixels = new Uint32Array(width * height)
    for (let row = 0; row < height; row++) {
      const from = (height - 1 - row) * width // images begin above
      for (let k = 0; k < width; k++) pixels[row * width + k] = colours[this.levels[from + k]]
    }
    Object.assign(this.image, { width, height })
    this.image.getContext("2d")?.putImageData(new ImageData(new Uint8ClampedArray(pixels.buffer), width, height), 0, 0)
    if (this.words.x !== drawing.x || this.words.y !== drawing.y) this.words = { x: drawing.x, y: drawing.y }
    this.say(this.note)
    this.paint()
  }

  /**
   * @override
   * @param {Chart} chart
   */
  draw(chart) {
    if (!this.drawing) return
    const { x_ends: xEnds, y_ends: yEnds, window } = this.drawing
    chart.draw(xEnds, yEnds, [{ kind: "image", image: this.image, window, colour: "" }])
  }

  /**
   * @override
   * @param {{ x: number, y: number }} at
   */
  text({ x, y }) {
    if (!this.drawing) return ""
    const { window: [xLow, xHigh, yLow, yHigh], shape: [height, width] } = this.drawing
    const column = Math.floor(((x - xLow) / (xHigh - xLow)) * width)
    const row = Math.floor(((y - yLow) / (yHigh - yLow)) * height)
    const level = this.levels[row * width + column]
    return level ? `${short(x)}, ${short(y)}: ${((level - 128) / 127).toFixed(2)}` : ""
  }
}

/** Stars of one sample with the running median and the line. */
export class RelationChart extends AnswerChart {
  /** @type {RelationDrawing | null} */
  drawing = null

  /** @param {RelationDrawing} drawing */
  show(drawing) {
    this.drawing = drawing
    this.note = drawing.note
    if (this.words.x !== drawing.x || this.words.y !== drawing.y) this.words = { x: drawing.x, y: drawing.y }
    this.say(this.note)
    this.paint()
  }

  /**
   * @override
   * @param {Chart} chart
   */
  draw(chart) {
    if (!this.drawing) return
    const { x_ends: xEnds, y_ends: yEnds, stars_x: starsX, stars_y: starsY, colour, at, median, error, low, high } =
      this.drawing
    const { line_x: xs, line_y: ys, line_low: lows, line_high: highs } = this.drawing
    /** @type {Shape[]} */
    const shapes = [{ kind: "dots", xs: starsX, ys: starsY, colour, size: 1.4, alpha: 0.45 }]
    if (at.length) shapes.push({ kind: "band", xs: at, lows: low, highs: high, colour: MEDIAN })
    if (xs.length) {
      shapes.push({ kind: "band", xs, lows, highs, colour: LINE }, { kind: "line", xs, ys, colour: LINE, width: 2 })
    }
    if (at.length) shapes.push({ kind: "whiskers", xs: at, ys: median, errors: error, colour: MEDIAN })
    chart.draw(xEnds, yEnds, shapes)
  }

  /**
   * @override
   * @param {{ x: number, y: number }} at
   */
  text({ x }) {
    if (!this.drawing || !this.drawing.at.length) return ""
    const { at, median, error } = this.drawing
    let bin = 0
    for (let k = 1; k < at.length; k++) if (Math.abs(at[k] - x) < Math.abs(at[bin] - x)) bin = k
    return `median ${short(median[bin])} ± ${short(error[bin])} at ${short(at[bin])}`
  }
}
