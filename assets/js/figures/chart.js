// A small plot for evidence: axes with numbers, lines, dots and bars, in the page's colours.

/** @import { Ends } from "../payloads.ts" */

import { element, large } from "../base/dom.js"
import { ticks } from "./scales.js"

/** @typedef {ArrayLike<number>} Numbers */
/** @typedef {(value: number) => number} Place - Of a value in pixels. */
/** @typedef {{ left: number, top: number, width: number, height: number }} Frame - In pixels. */
/** @typedef {{ value: number, text: string }} Tick */
/** @typedef {[up: number, right: number, down: number, left: number]} Margin */

/** @typedef {{ kind: "line", xs: Numbers, ys: Numbers, colour: string, width?: number }} LineShape */
/** @typedef {{ kind: "dots", xs: Numbers, ys: Numbers, colour: string, size?: number, alpha?: number }} DotsShape */
/** @typedef {{ kind: "bars", edges: Numbers, heights: (number | null)[], colour: string }} BarsShape */
/** @typedef {{ kind: "spans", xs: Numbers, ys: Numbers, errors: Numbers, colour: string }} SpansShape */
/** @typedef {{ kind: "words", xs: Numbers, ys: Numbers, texts: string[], colour: string }} WordsShape */
/** @typedef {{ kind: "upright" | "level", at: number, colour: string }} RuleShape */
/** @typedef {{ kind: "steps", edges: Numbers, heights: Numbers, colour: string, filled: boolean }} StepsShape */
/** @typedef {{ kind: "band", xs: Numbers, lows: Numbers, highs: Numbers, colour: string }} BandShape */
/** @typedef {{ kind: "whiskers", xs: Numbers, ys: Numbers, errors: Numbers, colour: string }} WhiskersShape */
/** @typedef {{ kind: "image", image: CanvasImageSource, window: Window, colour: string }} ImageShape */
/** @typedef {LineShape | DotsShape | BarsShape | SpansShape | WordsShape | RuleShape} PlainShape */
/** @typedef {PlainShape | StepsShape | BandShape | WhiskersShape | ImageShape} Shape */
/** @typedef {[xLow: number, xHigh: number, yLow: number, yHigh: number]} Window - In data coordinates. */

/**
 * @typedef {object} ChartOptions
 * @property {number} width
 * @property {number} height
 * @property {string} label
 * @property {string} [x]
 * @property {string} [y]
 * @property {Tick[]} [rows] - Names at heights instead of numbers.
 * @property {Margin} [margin] - For charts that share their axes, as are the sides.
 * @property {{ x: boolean, y: boolean }} [sides] - With numbers.
 */

export class Chart {
  /** @type {Shape[]} */
  shapes = []
  /** @type {[Ends, Ends] | null} */
  ends = null
  /** @type {Frame | null} - Where it was painted. */
  frame = null

  /** @param {ChartOptions} options */
  constructor({ width, height, label, x = "", y = "", rows, margin, sides = { x: true, y: true } }) {
    this.size = { width, height }
    this.words = { x, y }
    /** @type {Margin} */
    this.margin = margin ?? [6, 14, x ? 30 : 18, y ? 44 : 34]
    this.rows = rows
    this.sides = sides
    this.el = element("canvas", { className: "chart", role: "img", "aria-label": label })
  }

  /**
   * @param {Ends} xEnds - In drawing order, as are the other ones.
   * @param {Ends} yEnds
   * @param {Shape[]} shapes - From back to front.
   */
  draw(xEnds, yEnds, shapes) {
    this.ends = [xEnds, yEnds]
    this.shapes = shapes
    this.paint()
  }

  paint() {
    const pen = this.el.getContext("2d")
    if (!this.ends || !pen || !this.el.isConnected) return
    const { width, height } = this.size
    const sharp = globalThis.devicePixelRatio || 1
    Object.assign(this.el, { width: width * sharp, height: height * sharp })
    Object.assign(this.el.style, { width: `${width}px`, height: `${height}px` })
    const style = getComputedStyle(this.el)
    const colour = (/** @type {string} */ name) => style.getPropertyValue(`--${name}`).trim() || name
    pen.scale(sharp, sharp)
    const [up, right, down, left] = this.margin
    const frame = { left, top: up, width: width - left - right, height: height - up - down }
    this.frame = frame
    const [xEnds, [bottom, top]] = this.ends
    const x = placeOf(xEnds, frame.left, frame.width)
    const y = placeOf([top, bottom], frame.top, frame.height)
    pen.font = `${large(10)} Explorer, sans-serif`
    pen.strokeStyle = colour("line")
    pen.fillStyle = colour("soft")
    pen.strokeRect(frame.left, frame.top, frame.width, frame.height)
    this.numbers(pen, frame, x, y, this.ends)
    pen.save()
    pen.beginPath()
    pen.rect(frame.left, frame.top, frame.width, frame.height)
    pen.clip()
    for (const shape of this.shapes) drawShape(pen, x, y, { ...shape, colour: colour(shape.colour) }, frame)
    pen.restore()
  }

  /**
   * Data coordinates under the mouse; null outside of the frame.
   *
   * @param {MouseEvent} event
   */
  under({ offsetX, offsetY }) {
    if (!this.ends || !this.frame) return null
    const { left, top, width, height } = this.frame
    const across = (offsetX - left) / width
    const up = 1 - (offsetY - top) / height
    if (Math.min(across, up, 1 - across, 1 - up) < 0) return null
    const [[xStart, xEnd], [yStart, yEnd]] = this.ends
    return { x: xStart + across * (xEnd - xStart), y: yStart + up * (yEnd - yStart) }
  }

  /**
   * @param {CanvasRenderingContext2D} pen
   * @param {Frame} frame
   * @param {Place} x
   * @param {Place} y
   * @param {[Ends, Ends]} ends
   */
  numbers(pen, frame, x, y, [xEnds, yEnds]) {
    pen.textAlign = "center"
    pen.textBaseline = "top"
    const across = this.sides.x ? ticks(xEnds, Math.min(Math.max(Math.floor(frame.width / 45), 2), 5)) : []
    for (const tick of across) pen.fillText(tick.text, x(tick.value), frame.top + frame.height + 4)
    if (this.words.x) pen.fillText(this.words.x, frame.left + frame.width / 2, frame.top + frame.height + 17)
    pen.textAlign = "right"
    pen.textBaseline = "middle"
    const rungs = this.sides.y ? ticks(yEnds, frame.height < 90 ? 2 : 4) : []
    for (const tick of this.rows ?? rungs) pen.fillText(tick.text, frame.left - 4, y(tick.value))
    if (!this.words.y) return
    pen.save()
    pen.translate(8, frame.top + frame.height / 2)
    pen.rotate(-Math.PI / 2)
    pen.textAlign = "center"
    pen.fillText(this.words.y, 0, 0)
    pen.restore()
  }
}

/** @type {(ends: Ends, start: number, length: number) => Place} */
function placeOf(ends, start, length) {
  return (value) => start + ((value - ends[0]) / (ends[1] - ends[0])) * length
}

/**
 * @param {CanvasRenderingContext2D} pen
 * @param {Place} x
 * @param {Place} y
 * @param {Shape} shape
 * @param {Frame} frame
 */
function drawShape(pen, x, y, shape, frame) {
  if (shape.kind === "line") drawLine(pen, x, y, shape)
  else if (shape.kind === "dots") drawDots(pen, x, y, shape)
  else if (shape.kind === "bars") drawBars(pen, x, y, shape)
  else if (shape.kind === "spans") drawSpans(pen, x, y, shape)
  else if (shape.kind === "steps") drawSteps(pen, x, y, shape)
  else if (shape.kind === "band") drawBand(pen, x, y, shape)
  else if (shape.kind === "whiskers") drawWhiskers(pen, x, y, shape)
  else if (shape.kind === "image") drawCells(pen, x, y, shape)
  else if (shape.kind === "words") drawWords(pen, x, y, shape)
  else drawRule(pen, x, y, shape, frame)
}

/** @type {(pen: CanvasRenderingContext2D, x: Place, y: Place, shape: LineShape) => void} */
function drawLine(pen, x, y, { xs, ys, colour, width = 1.3 }) {
  pen.strokeStyle = colour
  pen.lineWidth = width
  pen.beginPath()
  for (let k = 0; k < xs.length; k++) pen.lineTo(x(xs[k]), y(ys[k]))
  pen.stroke()
}

/** @type {(pen: CanvasRenderingContext2D, x: Place, y: Place, shape: Omit<DotsShape, "kind">) => void} */
function drawDots(pen, x, y, { xs, ys, colour, size = 1.2, alpha = 0.6 }) {
  pen.fillStyle = colour
  pen.globalAlpha = alpha
  for (let k = 0; k < xs.length; k++) {
    pen.beginPath()
    pen.arc(x(xs[k]), y(ys[k]), size, 0, 7)
    pen.fill()
  }
  pen.globalAlpha = 1
}

/** @type {(pen: CanvasRenderingContext2D, x: Place, y: Place, shape: BarsShape) => void} */
function drawBars(pen, x, y, { edges, heights, colour }) {
  pen.fillStyle = colour
  for (const [k, height] of heights.entries()) {
    if (height === null) continue
    pen.fillRect(x(edges[k]) + 0.5, y(height), x(edges[k + 1]) - x(edges[k]) - 1, y(0) - y(height))
  }
}

/** @type {(pen: CanvasRenderingContext2D, x: Place, y: Place, shape: StepsShape) => void} */
function drawSteps(pen, x, y, { edges, heights, colour, filled }) {
  pen.beginPath()
  pen.moveTo(x(edges[0]), y(0))
  for (let k = 0; k < heights.length; k++) {
    pen.lineTo(x(edges[k]), y(heights[k]))
    pen.lineTo(x(edges[k + 1]), y(heights[k]))
  }
  pen.lineTo(x(edges[heights.length]), y(0))
  pen.strokeStyle = colour
  pen.fillStyle = colour
  if (filled) {
    pen.globalAlpha = 0.22
    pen.fill()
    pen.globalAlpha = 1
  }
  pen.setLineDash(filled ? [] : [5, 2])
  pen.lineWidth = 1.5
  pen.stroke()
  pen.setLineDash([])
}

/** @type {(pen: CanvasRenderingContext2D, x: Place, y: Place, shape: BandShape) => void} */
function drawBand(pen, x, y, { xs, lows, highs, colour }) {
  pen.fillStyle = colour
  pen.globalAlpha = 0.22
  pen.beginPath()
  for (let k = 0; k < xs.length; k++) pen.lineTo(x(xs[k]), y(highs[k]))
  for (let k = xs.length - 1; k >= 0; k--) pen.lineTo(x(xs[k]), y(lows[k]))
  pen.fill()
  pen.globalAlpha = 1
}

/** @type {(pen: CanvasRenderingContext2D, x: Place, y: Place, shape: WhiskersShape) => void} */
function drawWhiskers(pen, x, y, { xs, ys, errors, colour }) {
  pen.strokeStyle = colour
  pen.lineWidth = 1.5
  pen.beginPath()
  for (let k = 0; k < xs.length; k++) {
    pen.moveTo(x(xs[k]), y(ys[k] - errors[k]))
    pen.lineTo(x(xs[k]), y(ys[k] + errors[k]))
  }
  pen.stroke()
  drawDots(pen, x, y, { xs, ys, colour, size: 3, alpha: 1 })
}

/** @type {(pen: CanvasRenderingContext2D, x: Place, y: Place, shape: ImageShape) => void} */
function drawCells(pen, x, y, { image, window: [xLow, xHigh, yLow, yHigh] }) {
  pen.save()
  pen.imageSmoothingEnabled = false
  pen.translate(x(xLow), y(yHigh))
  pen.scale(Math.sign(x(xHigh) - x(xLow)), Math.sign(y(yLow) - y(yHigh)))
  pen.drawImage(image, 0, 0, Math.abs(x(xHigh) - x(xLow)), Math.abs(y(yLow) - y(yHigh)))
  pen.restore()
}

/** @type {(pen: CanvasRenderingContext2D, x: Place, y: Place, shape: SpansShape) => void} */
function drawSpans(pen, x, y, { xs, ys, errors, colour }) {
  pen.strokeStyle = colour
  pen.lineWidth = 1.5
  for (let k = 0; k < xs.length; k++) {
    pen.beginPath()
    pen.moveTo(x(xs[k] - errors[k]), y(ys[k]))
    pen.lineTo(x(xs[k] + errors[k]), y(ys[k]))
    pen.stroke()
  }
  drawDots(pen, x, y, { xs, ys, colour, size: 3, alpha: 1 })
}

/** @type {(pen: CanvasRenderingContext2D, x: Place, y: Place, shape: WordsShape) => void} */
function drawWords(pen, x, y, { xs, ys, texts, colour }) {
  pen.fillStyle = colour
  pen.textAlign = "center"
  pen.textBaseline = "bottom"
  for (const [k, text] of texts.entries()) pen.fillText(text, x(xs[k]), y(ys[k]) - 6)
}

/** @type {(pen: CanvasRenderingContext2D, x: Place, y: Place, shape: RuleShape, frame: Frame) => void} */
function drawRule(pen, x, y, { kind, at, colour }, frame) {
  pen.strokeStyle = colour
  pen.setLineDash([3, 3])
  pen.beginPath()
  if (kind === "upright") {
    pen.moveTo(x(at), frame.top)
    pen.lineTo(x(at), frame.top + frame.height)
  } else {
    pen.moveTo(frame.left, y(at))
    pen.lineTo(frame.left + frame.width, y(at))
  }
  pen.stroke()
  pen.setLineDash([])
}
