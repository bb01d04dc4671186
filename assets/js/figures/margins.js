// Marginal histograms beside the frame of a plane; a drag along one selects a range.

/** @import { Ends, FigureColours, MarginsLayer, Palettes } from "../payloads.ts" */

import { element, magnified } from "../base/dom.js"
import { coordinateAt, marginOutline } from "./margin_steps.js"
import { css } from "./pixels.js"

const DEPTH = 40
const MARGIN_GAP = 3
const SHORTEST_DRAG = 3 // pixels

/** @typedef {"x" | "y"} Along */
/** @typedef {{ left: number, top: number, width: number, height: number }} Frame - Of the plane, in its cell. */
/** @typedef {{ x: Ends, y: Ends }} AxisEnds */

/** Room that the histograms need beyond the frame, in pixels. */
export function marginRoom() {
  return Math.round((DEPTH + 2 * MARGIN_GAP) * magnified())
}

export class Margins {
  /** @type {Partial<Record<MarginsLayer["name"], MarginsLayer>>} */
  layers = {}
  /** @type {Palettes | null} */
  colours = null
  /** @type {FigureColours | null} */
  theme = null
  /** @type {Frame | null} */
  frame = null
  /** @type {{ along: Along, from: number, to: number } | null} - In pixels. */
  drag = null

  /**
   * @param {HTMLElement} cell
   * @param {() => AxisEnds} ends - Of the axes, as they are.
   * @param {(along: Along, start: number, end: number, event: PointerEvent) => void} select
   */
  constructor(cell, ends, select) {
    this.cell = cell
    this.ends = ends
    this.select = select
    this.canvases = { x: this.canvas("x"), y: this.canvas("y") }
  }

  /** @param {Along} along */
  canvas(along) {
    const made = element("canvas", {
      className: `margin ${along}`,
      role: "img",
      title: "A drag selects a range",
      "aria-label": `Marginal histogram along ${along}`,
    })
    const at = (/** @type {PointerEvent} */ event) => this.placeOf(along, event)
    made.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return
      made.setPointerCapture(event.pointerId)
      this.drag = { along, from: at(event), to: at(event) }
    })
    made.addEventListener("pointermove", (event) => {
      if (!this.drag) return
      this.drag.to = at(event)
      this.paint(along)
    })
    made.addEventListener("pointerup", (event) => this.drop(event))
    made.addEventListener("pointercancel", () => {
      this.drag = null
      this.paint(along)
    })
    return made
  }

  /** @param {PointerEvent} event */
  drop(event) {
    const { drag } = this
    this.drag = null
    if (!drag) return
    this.paint(drag.along)
    if (Math.abs(drag.to - drag.from) < SHORTEST_DRAG) return
    const length = this.lengthOf(drag.along)
    const [start, end] = [drag.from, drag.to].map((place) => coordinateAt(place, this.ends()[drag.along], length))
    this.select(drag.along, start, end, event)
  }

  /**
   * Place along an axis, from its start, in pixels.
   *
   * @param {Along} along
   * @param {PointerEvent} event
   */
  placeOf(along, { clientX, clientY }) {
    const { left, bottom } = this.canvases[along].getBoundingClientRect()
    const place = along === "x" ? clientX - left : bottom - clientY
    return Math.min(Math.max(place, 0), this.lengthOf(along))
  }

  /** @param {Along} along */
  lengthOf(along) {
    if (!this.frame) return 1
    return along === "x" ? this.frame.width : this.frame.height
  }

  /**
   * Lie beside a frame.
   *
   * @param {Frame} frame
   */
  place(frame) {
    this.frame = frame
    const depth = DEPTH * magnified()
    const { left, top, width, height } = frame
    const places = {
      x: { left, top: top - depth - MARGIN_GAP, width, height: depth },
      y: { left: left + width + MARGIN_GAP, top, width: depth, height },
    }
    const sharp = globalThis.devicePixelRatio || 1
    for (const along of /** @type {const} */ (["x", "y"])) {
      const canvas = this.canvases[along]
      if (!canvas.isConnected) this.cell.append(canvas)
      for (const [name, pixels] of Object.entries(places[along])) canvas.style.setProperty(name, `${pixels}px`)
      const size = { width: Math.round(places[along].width * sharp), height: Math.round(places[along].height * sharp) }
      if (canvas.width !== size.width || canvas.height !== size.height) Object.assign(canvas, size)
      this.paint(along)
    }
  }

  /** @param {MarginsLayer} layer */
  receive(layer) {
    this.layers[layer.name] = layer
    if (this.frame) { for (const along of /** @type {const} */ (["x", "y"])) this.paint(along) }
  }

  /**
   * @param {Palettes} colours
   * @param {FigureColours} theme
   */
  recolour(colours, theme) {
    this.colours = colours
    this.theme = theme
    if (this.frame) { for (const along of /** @type {const} */ (["x", "y"])) this.paint(along) }
  }

  /** @param {Along} along */
  paint(along) {
    const { colours, theme } = this
    const pen = this.canvases[along].getContext("2d")
    if (!pen || !colours || !theme) return
    const sharp = globalThis.devicePixelRatio || 1
    const depth = DEPTH * magnified()
    const length = this.lengthOf(along)
    pen.setTransform(1, 0, 0, 1, 0, 0)
    pen.clearRect(0, 0, this.canvases[along].width, this.canvases[along].height)
    // Along the axis, and away from the frame.
    if (along === "x") pen.setTransform(sharp, 0, 0, -sharp, 0, sharp * depth)
    else pen.setTransform(0, -sharp, sharp, 0, 0, sharp * length)
    const { margins_all: all, margins_selected: selected } = this.layers
    this.fill(pen, along, all, css(colours.everything, 120), 1)
    this.fill(pen, along, selected, css(colours.histogram, 140), 0.4)
    pen.strokeStyle = theme.grid
    pen.beginPath()
    pen.moveTo(0, 0.5)
    pen.lineTo(length, 0.5)
    pen.stroke()
    const { drag } = this
    if (drag?.along !== along) return
    pen.fillStyle = theme.accent
    pen.globalAlpha = 0.3
    pen.fillRect(Math.min(drag.from, drag.to), 0, Math.abs(drag.to - drag.from), depth)
    pen.globalAlpha = 1
  }

  /**
   * @param {CanvasRenderingContext2D} pen
   * @param {Along} along
   * @param {MarginsLayer | undefined} layer
   * @param {string} usual
   * @param {number} opacity
   */
  fill(pen, along, layer, usual, opacity) {
    if (!layer) return
    const [xLow, xHigh, yLow, yHigh] = layer.window
    /** @type {Ends} */
    const window = along === "x" ? [xLow, xHigh] : [yLow, yHigh]
    for (const { colour, heights } of layer[along]) {
      const corners = marginOutline(heights, window, this.ends()[along], this.lengthOf(along), DEPTH * magnified() - 1)
      pen.beginPath()
      for (const [at, above] of corners) pen.lineTo(at, above)
      pen.strokeStyle = colour || usual
      pen.fillStyle = usual
      pen.globalAlpha = opacity
      if (!colour) pen.fill()
      pen.globalAlpha = 1
      pen.lineWidth = 1.2
      if (colour || opacity < 1) pen.stroke()
    }
  }

  close() {
    for (const canvas of Object.values(this.canvases)) canvas.remove()
  }
}
