// The sky in a projection: no axes, but a graticule with labels under the stars.

/** @import { FigureColours, GraticuleLayer, Palettes, PlaneLayer, PlaneSpec } from "../payloads.ts" */
/** @import { ViewMessage } from "./figure.js" */

import { plain } from "../base/arrays.js"
import { large, magnified } from "../base/dom.js"
import { apart } from "./labels.js"
import { Plane } from "./plane.js"

const DEGREE_SIZE = 10
const LABEL_LETTER = 6 // pixels
const LABEL_LINE = 13

/**
 * Remove the axes of a plane: its coordinates are no quantities.
 *
 * @param {Plane} plane
 */
export function hideAxes({ axes, grids }) {
  for (const part of [...Object.values(axes), ...grids]) part.visible = false
}

/**
 * Labels of a plane at places of its coordinates that do not cover one another on screen.
 *
 * @param {Plane} plane
 * @param {{ point: [x: number, y: number], text: string }[]} labels
 */
export function labelsApart({ view }, labels) {
  if (!view) return labels
  const { x_scale: xScale, y_scale: yScale } = view.frame
  const onScreen = labels.map(({ point: [x, y], text }) => ({ x: xScale.compute(x), y: yScale.compute(y), text }))
  const kept = apart(onScreen, { letter: LABEL_LETTER * magnified(), line: LABEL_LINE * magnified() })
  return labels.filter((_, k) => kept.includes(onScreen[k]))
}

export class SkyMap extends Plane {
  /**
   * @param {HTMLElement} cell
   * @param {PlaneSpec} spec
   * @param {number} slot
   * @param {(message: ViewMessage) => void} send
   */
  constructor(cell, spec, slot, send) {
    super(cell, spec, slot, send)
    hideAxes(this)
    const M = globalThis.Bokeh.Models
    const xy = { x: { field: "x" }, y: { field: "y" } }
    const source = new M.ColumnDataSource({ data: { x: [], y: [] }, name: "graticule" })
    this.lines = this.layer(new M.Line({ ...xy, line_width: 1, line_alpha: 0.9 }), source, "image")
    const rest = this.figure.renderers.filter((renderer) => renderer !== this.lines)
    this.figure.renderers = [this.lines, ...rest] // under the stars
    const text = new M.Text({
      ...xy,
      text: { field: "text" },
      text_font_size: large(DEGREE_SIZE),
      text_baseline: "bottom",
      background_fill_alpha: 0.6,
      x_offset: 2,
      y_offset: -1,
    })
    this.labels = this.layer(
      text,
      new M.ColumnDataSource({ data: { x: [], y: [], text: [] }, name: "labels" }),
      "overlay",
    )
    this.switchOverlay("graticule", spec.overlays.some(({ name, on }) => name === "graticule" && on))
  }

  /**
   * @override
   * @param {string} name
   * @param {boolean} on
   */
  switchOverlay(name, on) {
    super.switchOverlay(name, on)
    if (name === "graticule") { for (const renderer of [this.lines, this.labels]) renderer.visible = on }
  }

  /**
   * @override
   * @param {PlaneLayer} layer
   * @param {Uint8Array} pixels
   * @param {Palettes} colours
   */
  receive(layer, pixels, colours) {
    if (layer.name === "graticule") this.receiveLines(layer)
    else super.receive(layer, pixels, colours)
  }

  /** @param {GraticuleLayer} layer */
  receiveLines({ x, y, label_x: labelX, label_y: labelY, labels }) {
    this.lines.data_source.data = { x: plain(x), y: plain(y) }
    const all = labels.map((text, k) => ({ point: /** @type {[number, number]} */ ([labelX[k], labelY[k]]), text }))
    const kept = labelsApart(this, all)
    this.labels.data_source.data = {
      x: kept.map(({ point }) => point[0]),
      y: kept.map(({ point }) => point[1]),
      text: kept.map(({ text }) => text),
    }
  }

  /** @override */
  magnify() {
    super.magnify()
    if (this.labels) this.labels.glyph.text_font_size = large(DEGREE_SIZE)
  }

  /**
   * @override
   * @param {FigureColours} theme
   */
  paintTheme(theme) {
    super.paintTheme(theme)
    this.figure.outline_line_color = null
    if (!this.lines) return // not built yet
    this.lines.glyph.line_color = theme.grid
    this.labels.glyph.setv({ text_color: theme.text, background_fill_color: theme.background })
  }
}
