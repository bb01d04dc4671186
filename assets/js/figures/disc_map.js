// Disc map: the mean velocity field of the selected stars, of one slice in height or of all beside one another.

/** @import { ColumnDataSource } from "bokeh/models/index" */
/** @import { FigureColours, LinesShape, MapLayer, Palettes, PlaneLayer, PlaneSpec } from "../payloads.ts" */
/** @import { ViewMessage } from "./figure.js" */

import { bytes } from "../base/arrays.js"
import { asImage } from "../base/bokeh_internals.js"
import { large, magnified } from "../base/dom.js"
import { paintedMap, tiledTicks } from "./map_pixels.js"
import { Plane } from "./plane.js"
import { fittingTicks, ticks } from "./scales.js"

const MOST_TIMES = 4 // pixels of the screen along one of the texture
const TICK_WIDTH = 48
const TICK_HEIGHT = 34
const TITLE_INSET = 4
const LETTER_WIDTH = 6
const DARK = "#20262d"
const LIGHT = "#ffffff"

export class DiscMap extends Plane {
  /** @type {ColumnDataSource | null} */
  mapSource = null
  /** @type {ColumnDataSource | null} */
  titleSource = null

  /**
   * @param {HTMLElement} cell
   * @param {PlaneSpec} spec
   * @param {number} slot
   * @param {(message: ViewMessage) => void} send
   */
  constructor(cell, spec, slot, send) {
    super(cell, spec, slot, send)
    const M = globalThis.Bokeh.Models
    this.map = spec.map
    const xy = { x: { field: "x" }, y: { field: "y" } }
    this.mapSource = new M.ColumnDataSource({ data: { image: [], x: [], y: [], dw: [], dh: [] }, name: "texture" })
    const glyph = new M.ImageRGBA({ ...xy, image: { field: "image" }, dw: { field: "dw" }, dh: { field: "dh" } })
    const map = this.layer(glyph, this.mapSource, "overlay", "texture")
    this.figure.renderers = [map, ...this.figure.renderers.filter((renderer) => renderer !== map)] // under the others
    this.titleSource = new M.ColumnDataSource({ data: { x: [], y: [], text: [] }, name: "titles" })
    this.text = new M.Text({
      ...xy,
      text: { field: "text" },
      text_font_size: large(11),
      text_baseline: "top",
      x_offset: TITLE_INSET,
      y_offset: TITLE_INSET,
    })
    this.layer(this.text, this.titleSource, "overlay", "titles")
  }

  /**
   * @override
   * @param {PlaneLayer} layer
   * @param {Uint8Array} pixels
   * @param {Palettes} colours
   */
  receive(layer, pixels, colours) {
    if (layer.name === "map") this.paintMap(layer)
    else super.receive(layer, pixels, colours)
  }

  /** @param {MapLayer} layer */
  paintMap({ window: [xLow, xHigh, yLow, yHigh], shape, detail, hue, strength, texture, ramp, darkest, titles }) {
    if (!this.mapSource || !this.titleSource) return
    const [dw, dh] = [xHigh - xLow, yHigh - yLow]
    const { xRange } = this
    const width = (this.view?.frame.bbox.width ?? 0) * (dw / Math.abs(xRange.end - xRange.start))
    const sharp = width * (globalThis.devicePixelRatio || 1)
    const times = Math.min(Math.max(Math.ceil(sharp / (shape[1] * detail)), 1), MOST_TIMES)
    const map = { shape, detail, ramp: bytes(ramp), darkest }
    const planes = { hue: bytes(hue), strength: bytes(strength), texture: bytes(texture) }
    const painted = paintedMap({ ...map, ...planes }, times)
    this.mapSource.data = { image: [asImage(painted.pixels, painted.shape)], x: [xLow], y: [yLow], dw: [dw], dh: [dh] }
    const room = (this.map?.offsets.length ?? 1) > 1 ? width / 2 : width
    this.titleSource.data = {
      x: titles.map(([x]) => x),
      y: titles.map(([, y]) => y),
      text: titles.map(([, , text, short]) => (LETTER_WIDTH * magnified() * text.length < room ? text : short)),
    }
  }

  /**
   * @override
   * @param {number} width
   * @param {number} height
   */
  spaceTicks(width, height) {
    const { map } = this
    if (!map || map.offsets.length < 2) return super.spaceTicks(width, height)
    const [xLow, xHigh, yLow, yHigh] = map.window
    this.tile(this.axes.x, [xLow, xHigh], map.offsets.map(([x]) => x), width / 2, TICK_WIDTH)
    this.tile(this.axes.y, [yLow, yHigh], map.offsets.map(([, y]) => y), height / 2, TICK_HEIGHT)
  }

  /**
   * Number an axis anew on each map.
   *
   * @param {DiscMap["axes"]["x"]} axis
   * @param {[low: number, high: number]} ends
   * @param {number[]} offsets
   * @param {number} pixels
   * @param {number} each
   */
  tile(axis, ends, offsets, pixels, each) {
    const { ticks: places, labels } = tiledTicks(ticks(ends, fittingTicks(pixels, each)), ends, offsets)
    axis.setv({ ticker: new globalThis.Bokeh.Models.FixedTicker({ ticks: places }), major_label_overrides: labels })
  }

  /**
   * Curves on a lighter line, as they lie over a map and beside it.
   *
   * @override
   * @param {LinesShape} shape
   */
  linesOf(shape) {
    const lines = super.linesOf(shape)
    lines.glyph.line_width = 1.4
    const M = globalThis.Bokeh.Models
    const under = new M.MultiLine({ xs: { field: "xs" }, ys: { field: "ys" }, line_color: LIGHT, line_alpha: 0.55 })
    under.line_width = 3.4
    const halo = this.layer(under, lines.data_source, "overlay")
    this.figure.renderers = [...this.figure.renderers.filter((made) => made !== halo && made !== lines), halo, lines]
    lines.properties.visible.change.connect(() => (halo.visible = lines.visible))
    return lines
  }

  /** @override */
  magnify() {
    super.magnify()
    if (this.text) this.text.text_font_size = large(11)
  }

  /**
   * @override
   * @param {Palettes} colours
   * @param {FigureColours} theme
   */
  recolour(colours, theme) {
    super.recolour(colours, theme)
    if (this.text) this.text.text_color = theme.text
    if (this.arrows) this.arrows.glyph.line_color = DARK // over the map alone
  }
}
