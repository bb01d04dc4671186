// The sky in a projection: no axes, but a graticule with labels under the stars.

/** @import { FigureColours, GraticuleLayer, Palettes, PlaneLayer, PlaneSpec } from "../payloads.ts" */
/** @import { ViewMessage } from "./figure.js" */

import { plain } from "../base/arrays.js"
import { large } from "../base/dom.js"
import { Plane } from "./plane.js"

const DEGREE_SIZE = 10

/**
 * Remove the axes of a plane: its coordinates are no quantities.
 *
 * @param {Plane} plane
 */
export function hideAxes({ axes, grids }) {
  for (const part of [...Object.values(axes), ...grids]) part.visible = false
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
    this.labels.data_source.data = { x: plain(labelX), y: plain(labelY), text: labels }
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
    this.labels.glyph.text_color = theme.text
  }
}
