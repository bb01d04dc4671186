// A small drawing for evidence: axes with numbers, lines, dots and bars, in the page's own colours.

import { element, large } from "../base/dom.js"
import { ticks } from "./scales.js"

export class Chart {
  // ``rows`` are names at heights instead of numbers; ``margin`` and ``sides`` are for charts that share their axes.
  constructor(
    { width = 300, height = 150, x = "", y = "", label = "", rows = null, margin = null, sides = { x: true, y: true } },
  ) {
    this.size = [width, height]
    this.words = { x, y }
    this.margin = margin ?? [6, 14, x ? 30 : 18, y ? 44 : 34]
    this.rows = rows
    this.sides = sides
    this.el = element("canvas", { className: "chart", role: "img", "aria-label": label })
    this.shapes = []
  }

  // Ends of both axes in drawing order, then the shapes from back to front.
  draw(xEnds, yEnds, shapes) {
    Object.assign(this, { xEnds, yEnds, shapes })
    this.paint()
  }

  paint() {
    if (!this.xEnds || !this.el.isConnected) return
    const [width, height] = this.size, sharp = globalThis.devicePixelRatio || 1
    Object.assign(this.el, { width: width * sharp, height: height * sharp })
    Object.assign(this.el.style, { width: `${width}px`, height: `${height}px` })
    const style = getComputedStyle(this.el), colour = (name) => style.getPropertyValue(`--${name}`).trim() || name
    const pen = this.el.getContext("2d")
    pen.scale(sharp, sharp)
    const [up, right, down, left] = this.margin
    const frame = { left, top: up, width: width - left - right, height: height - up - down }
    const at = (ends, start, length) => (value) => start + ((value - ends[0]) / (ends[1] - ends[0])) * length
    const x = at(this.xEnds, frame.left, frame.width),
      y = at([this.yEnds[1], this.yEnds[0]], frame.top, frame.height)
    pen.font = `${large(10)} Explorer, sans-serif`
    pen.strokeStyle = colour("line")
    pen.fillStyle = colour("soft")
    pen.strokeRect(frame.left, frame.top, frame.width, frame.height)
    this.numbers(pen, frame, x, y)
    pen.save()
    pen.beginPath()
    pen.rect(frame.left, frame.top, frame.width, frame.height)
    pen.clip()
    for (const shape of this.shapes) DRAW[shape.kind](pen, x, y, { ...shape, colour: colour(shape.colour) }, frame)
    pen.restore()
  }

  numbers(pen, frame, x, y) {
    pen.textAlign = "center"
    pen.textBaseline = "top"
    const across = this.sides.x ? ticks(this.xEnds, Math.min(Math.max(Math.floor(frame.width / 45), 2), 5)) : []
    for (const tick of across) pen.fillText(tick.text, x(tick.value), frame.top + frame.height + 4)
    if (this.words.x) pen.fillText(this.words.x, frame.left + frame.width / 2, frame.top + frame.height + 17)
    pen.textAlign = "right"
    pen.textBaseline = "middle"
    const rungs = this.sides.y ? ticks(this.yEnds, frame.height < 90 ? 2 : 4) : []
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

const DRAW = {
  line(pen, x, y, { xs, ys, colour, width = 1.3 }) {
    pen.strokeStyle = colour
    pen.lineWidth = width
    pen.beginPath()
    for (let k = 0; k < xs.length; k++) pen.lineTo(x(xs[k]), y(ys[k]))
    pen.stroke()
  },
  dots(pen, x, y, { xs, ys, colour, size = 1.2, alpha = 0.6 }) {
    pen.fillStyle = colour
    pen.globalAlpha = alpha
    for (let k = 0; k < xs.length; k++) {
      pen.beginPath()
      pen.arc(x(xs[k]), y(ys[k]), size, 0, 7)
      pen.fill()
    }
    pen.globalAlpha = 1
  },
  bars(pen, x, y, { edges, heights, colour }) {
    pen.fillStyle = colour
    heights.forEach((height, k) => {
      if (height !== null) {
        pen.fillRect(x(edges[k]) + 0.5, y(height), x(edges[k + 1]) - x(edges[k]) - 1, y(0) - y(height))
      }
    })
  },
  spans(pen, x, y, { xs, ys, errors, colour }) {
    pen.strokeStyle = colour
    pen.lineWidth = 1.5
    xs.forEach((value, k) => {
      pen.beginPath()
      pen.moveTo(x(value - errors[k]), y(ys[k]))
      pen.lineTo(x(value + errors[k]), y(ys[k]))
      pen.stroke()
    })
    DRAW.dots(pen, x, y, { xs, ys, colour, size: 3, alpha: 1 })
  },
  upright(pen, x, _y, { at, colour }, frame) {
    pen.strokeStyle = colour
    pen.setLineDash([3, 3])
    pen.beginPath()
    pen.moveTo(x(at), frame.top)
    pen.lineTo(x(at), frame.top + frame.height)
    pen.stroke()
    pen.setLineDash([])
  },
  level(pen, _x, y, { at, colour }, frame) {
    pen.strokeStyle = colour
    pen.setLineDash([3, 3])
    pen.beginPath()
    pen.moveTo(frame.left, y(at))
    pen.lineTo(frame.left + frame.width, y(at))
    pen.stroke()
    pen.setLineDash([])
  },
}
