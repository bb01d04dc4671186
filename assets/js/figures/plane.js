// Stars in the plane of two columns: images, or single glyphs where few stars are on screen, with overlays.

/** @import { RenderLevel } from "bokeh/core/enums" */
/** @import { ColumnarDataSource, ColumnDataSource, GlyphRenderer, ImageRGBA } from "bokeh/models/index" */
/** @import { TooltipVars } from "bokeh/models/tools/inspectors/hover_tool" */
/** @import { ArrowsLayer, AxisSpec, ChosenLayer, ContoursLayer, DotsLayer, ErrorsLayer } from "../payloads.ts" */
/** @import { FigureColours, ImageLayer, LinesShape } from "../payloads.ts" */
/** @import { Palettes, PlaneLayer, PlaneSpec, Shape, ShapedOverlay, StarsLayer } from "../payloads.ts" */
/** @import { FittedCurves, MarksShape } from "../protocol.d.ts" */
/** @import { MultiLine } from "bokeh/models/glyphs/index" */
/** @import { ViewMessage } from "./figure.js" */

import { bytes, plain } from "../base/arrays.js"
import { asImage } from "../base/bokeh_internals.js"
import { element, large, magnified } from "../base/dom.js"
import { arrows } from "./arrows.js"
import { FigureCell } from "./figure.js"
import { marginRoom, Margins } from "./margins.js"
import { chunks, repeatedDots, repeatedLines, unpacked } from "./pixels.js"
import { FADED, RIM_WIDTH, StarDots } from "./star_dots.js"
import { valueAt } from "./ticks.js"

const RING_SIZE = 14
const RING_WIDTH = 2.5
const LINE_WIDTH = 1.7
const CASING_WIDTH = 3.4
const MAX_DOTS = 200_000
const MANY_MARKS = 2000
const BAR = 3 // numbers: its ends, and NaN
const BARS_A_PATH = 100
const RINGS_A_PATH = 10
const NO_IMAGE = { image: [], x: [], y: [], dw: [], dh: [] }
const XY = { x: { field: "x" }, y: { field: "y" } }

/** @typedef {ImageLayer["name"]} ImageName */
/** @typedef {{ window: ImageLayer["window"], shape: ImageLayer["shape"], packed: Uint8Array }} PackedImage */

export class Plane extends FigureCell {
  /** @type {Map<ImageName, PackedImage>} */
  levels = new Map()
  /** @type {GlyphRenderer | null} - Whose stars show their values under the mouse. */
  hovered = null
  /** @type {GlyphRenderer[]} - Under curves, which are seen over stars of any colour. */
  casings = []
  /** @type {Map<ImageName, ColumnDataSource>} */
  images = new Map()
  /** @type {Map<ImageName, ImageRGBA>} */
  imageGlyphs = new Map()
  /** @type {Map<string, GlyphRenderer>} */
  overlays = new Map()
  /** @type {ColumnDataSource | null} - Of the arrows, which lie over the stars. */
  arrowSource = null
  /** @type {GlyphRenderer<MultiLine> | null} - Curves of a fit, once there are any. */
  curves = null
  /** @type {Margins | null} */
  margins = null
  repeated = JSON.stringify([[0, 0]])
  /** @type {ArrayLike<number>[]} - Of single stars, what tooltips show in place of coordinates. */
  hoverValues = []

  /**
   * @param {HTMLElement} cell
   * @param {PlaneSpec} spec
   * @param {number} slot
   * @param {(message: ViewMessage) => void} send
   */
  constructor(cell, spec, slot, send) {
    super(cell, spec, slot, send)
    this.useScales()
    const M = globalThis.Bokeh.Models
    this.overlaySpecs = spec.overlays
    this.hoverLabels = spec.hover
    for (const overlay of spec.overlays) if (overlay.shape.kind === "dots") this.addOverlay(overlay)
    this.addImage("everything", "image")
    this.addImage("members", "image")
    this.addImage("selected", "overlay")
    this.addErrors(spec.overlays.some(({ name, on }) => name === "errors" && on))
    this.dots = new StarDots(this)
    for (const overlay of spec.overlays) if (overlay.shape.kind !== "dots") this.addOverlay(overlay)
    this.addContours()
    this.focus = new M.ColumnDataSource({ data: { x: [], y: [] }, name: "focus" })
    const ring = (/** @type {number} */ width) =>
      new M.Scatter({ ...XY, size: RING_SIZE * magnified(), fill_alpha: 0, line_width: width })
    this.halo = this.layer(ring(RING_WIDTH + 2 * RIM_WIDTH), this.focus, "overlay")
    this.ring = this.layer(ring(RING_WIDTH), this.focus, "overlay")
    if (spec.overlays.some(({ name, on }) => name === "margins" && on)) this.addMargins()
  }

  addMargins() {
    const ends = (/** @type {FigureCell["xRange"]} */ { start, end }) => /** @type {[number, number]} */ ([start, end])
    const all = () => ({ x: ends(this.xRange), y: ends(this.yRange) })
    this.margins = new Margins(this.cell, all, (axis, start, end, event) => {
      /** @type {("shift" | "ctrl")[]} */
      const keys = event.shiftKey ? ["shift"] : []
      if (event.ctrlKey || event.metaKey) keys.push("ctrl")
      this.send({ kind: "axis_range", slot: this.slot, axis, start, end, keys })
    })
    this.figure.setv({ min_border_top: marginRoom(), min_border_right: marginRoom() })
  }

  /** @override */
  look() {
    super.look()
    if (!this.margins || !this.view) return
    const { left, top, width, height } = this.view.frame.bbox
    this.margins.place({ left, top, width, height })
  }

  /** @override */
  close() {
    this.margins?.close()
    super.close()
  }

  /** @override */
  magnify() {
    super.magnify()
    if (!this.ring) return // not built yet
    for (const { glyph } of [this.ring, this.halo]) glyph.size = RING_SIZE * magnified()
    this.dots.dress()
  }

  /**
   * @param {ImageName} name
   * @param {RenderLevel} level
   */
  addImage(name, level) {
    const M = globalThis.Bokeh.Models
    const source = new M.ColumnDataSource({ data: { ...NO_IMAGE }, name })
    const glyph = new M.ImageRGBA({ ...XY, image: { field: "image" }, dw: { field: "dw" }, dh: { field: "dh" } })
    this.imageGlyphs.set(name, this.layer(glyph, source, level, name).glyph)
    this.images.set(name, source)
  }

  /** @param {boolean} on */
  addErrors(on) {
    const M = globalThis.Bokeh.Models
    const lines = new M.MultiLine({ xs: { field: "xs" }, ys: { field: "ys" }, line_width: 1, line_alpha: 0.4 })
    const source = new M.ColumnDataSource({ data: { xs: [], ys: [] }, name: "errors" })
    this.errors = this.layer(lines, source, "overlay")
    this.errors.visible = on
  }

  /** Lines on a band in the colour of the page, which separates them from stars of any colour. */
  addContours() {
    const M = globalThis.Bokeh.Models
    const source = new M.ColumnDataSource({ data: { xs: [], ys: [], width: [] }, name: "contours" })
    const lines = { xs: { field: "xs" }, ys: { field: "ys" } }
    const band = new M.MultiLine({ ...lines, line_width: 3.5, line_alpha: 0.75 })
    const ink = new M.MultiLine({ ...lines, line_width: { field: "width" } })
    this.contours = { band: this.layer(band, source, "overlay"), ink: this.layer(ink, source, "overlay") }
  }

  /** @param {ShapedOverlay} overlay */
  addOverlay({ name, on, shape }) {
    const made = this.overlayOf(shape)
    if (!made) return // a switch of what the server draws
    this.overlays.set(name, made)
    this.switchOverlay(name, on)
  }

  /**
   * @param {Shape} shape
   * @returns {GlyphRenderer | null}
   */
  overlayOf(shape) {
    const M = globalThis.Bokeh.Models
    if (shape.kind === "lines") return this.linesOf(shape)
    if (shape.kind === "dots") {
      const dots = new M.Scatter({ ...XY, size: 2, line_color: null, fill_color: "#9aa5b1", fill_alpha: 0.55 })
      return this.layer(dots, new M.ColumnDataSource({ data: { x: shape.x, y: shape.y } }), "image")
    }
    if (shape.kind === "curve") return this.curveOf(shape.xs, shape.ys, shape.colour)
    if (shape.kind === "marks") return this.marksOf(shape.x, shape.y, shape.colour)
    if (shape.kind === "sun") {
      const sun = new M.Scatter({
        ...XY,
        marker: { value: "circle_dot" },
        size: 13,
        fill_color: "#ffd34d",
        fill_alpha: 0.9,
        line_color: "#1d2733",
        line_width: 1.5,
      })
      return this.layer(sun, new M.ColumnDataSource({ data: { x: shape.x, y: shape.y } }), "overlay")
    }
    if (shape.kind === "arrows") {
      this.arrowSource = new M.ColumnDataSource({ data: { xs: [], ys: [] }, name: "arrows" })
      const lines = new M.MultiLine({ xs: { field: "xs" }, ys: { field: "ys" }, line_width: 1.2, line_alpha: 0.85 })
      this.arrows = this.layer(lines, this.arrowSource, "overlay")
      return this.arrows
    }
    return null
  }

  /**
   * Lines of a table of the user's own.
   *
   * @param {ArrayLike<number>[]} xs
   * @param {ArrayLike<number>[]} ys
   * @param {string} colour
   */
  curveOf(xs, ys, colour) {
    const M = globalThis.Bokeh.Models
    const lines = new M.MultiLine({ xs: { field: "xs" }, ys: { field: "ys" }, line_color: colour, line_width: 2 })
    return this.layer(lines, new M.ColumnDataSource({ data: { xs, ys }, name: "table" }), "overlay")
  }

  /**
   * Points of a table of the user's own; many are not on the canvas that each brush paints anew.
   *
   * @param {MarksShape["x"]} x
   * @param {MarksShape["y"]} y
   * @param {string} colour
   */
  marksOf(x, y, colour) {
    const M = globalThis.Bokeh.Models
    const many = x.length > MANY_MARKS
    const marks = new M.Scatter({
      ...XY,
      marker: { value: many ? "circle" : "diamond" },
      size: (many ? 3 : 8) * magnified(),
      line_color: colour,
      line_width: many ? 0 : 1.6,
      fill_color: many ? colour : null,
      fill_alpha: 0.7,
    })
    return this.layer(marks, new M.ColumnDataSource({ data: { x, y }, name: "table" }), many ? "image" : "overlay")
  }

  /** @param {LinesShape} shape */
  linesOf({ xs, ys, colours: colour, cased }) {
    const M = globalThis.Bokeh.Models
    const source = new M.ColumnDataSource({ data: { xs, ys, colour } })
    const at = { xs: { field: "xs" }, ys: { field: "ys" } }
    if (cased) {
      const casing = new M.MultiLine({ ...at, line_width: CASING_WIDTH, line_alpha: 0.7 })
      this.casings.push(this.layer(casing, source, "overlay"))
    }
    const lines = new M.MultiLine({
      ...at,
      line_color: { field: "colour" },
      line_dash: "dashed",
      line_width: LINE_WIDTH,
    })
    return this.layer(lines, source, "overlay")
  }

  /**
   * @param {string} name
   * @param {boolean} on
   */
  switchOverlay(name, on) {
    if (name === "errors" && this.errors) this.errors.visible = on
    const overlay = this.overlays.get(name)
    if (!overlay) return
    overlay.visible = on
    for (const casing of this.casings) if (casing.data_source === overlay.data_source) casing.visible = on
  }

  /**
   * @param {PlaneLayer} layer
   * @param {Uint8Array} pixels - Of all images of the message.
   * @param {Palettes} colours
   */
  receive(layer, pixels, colours) {
    if (layer.name === "arrows") {
      this.pointArrows(layer)
    } else if (layer.name === "errors") {
      this.receiveErrors(layer)
    } else if (layer.name === "contours") {
      this.receiveContours(layer)
    } else if (layer.name === "dots") {
      this.repeatDots(layer)
    } else if (layer.name === "stars") {
      this.starLayer(layer, colours)
    } else if (layer.name === "chosen") {
      this.chooseLayer(layer, colours)
    } else if (layer.name === "picked") {
      this.dots.pickedLevels = bytes(layer.levels)
      this.choose(null)
      this.dots.paintPicked(colours)
    } else if (layer.name === "margins_all" || layer.name === "margins_selected") {
      this.margins?.receive(layer)
    } else if (layer.name === "members" && "levels" in layer) {
      this.dots.memberLevels = bytes(layer.levels)
      this.dots.paintMembers(colours)
    } else if (layer.kind === "image") {
      const { name, window, shape, from, to } = layer
      const image = { window, shape, packed: pixels.subarray(from, to) }
      this.levels.set(name, image)
      this.paintImage(name, image, colours)
      if (name === "selected") this.choose(null)
      if (name === "selected" || name === "everything") this.showGlyphs(false)
    }
  }

  /** @param {ArrowsLayer} layer */
  pointArrows(layer) {
    if (!this.arrowSource || !this.view) return
    const { x_scale: xScale, y_scale: yScale } = this.view.frame
    this.arrowSource.data = arrows(layer, xScale, yScale)
  }

  /**
   * Draw errors, many on one path: the browser is slow with a path for each, and with a single one for all.
   *
   * @param {ErrorsLayer} layer
   */
  receiveErrors({ x, y, ring_x: ringX, ring_y: ringY, corners }) {
    if (!this.errors) return
    const [bars, rings] = [BARS_A_PATH * BAR, RINGS_A_PATH * (corners + 1)]
    const data = {
      xs: [...chunks(plain(x), bars), ...chunks(plain(ringX), rings)],
      ys: [...chunks(plain(y), bars), ...chunks(plain(ringY), rings)],
    }
    this.errors.data_source.data = data
  }

  /** @param {ContoursLayer} layer */
  receiveContours({ xs, ys, levels }) {
    if (!this.contours) return
    const width = levels.map((level) => (2 - level / 100) * magnified()) // the innermost is the strongest
    this.contours.ink.data_source.data = { xs, ys, width }
  }

  /** @param {boolean} on */
  showGlyphs(on) {
    if (this.dots.visible === on) return
    this.dots.show(on)
    if (on) { for (const name of /** @type {const} */ (["everything", "members", "selected"])) this.emptyImage(name) }
    this.arrangeHover()
  }

  /** @param {ImageName} name */
  emptyImage(name) {
    const source = this.images.get(name)
    if (!source || !this.levels.delete(name)) return
    source.data = { ...NO_IMAGE }
  }

  /**
   * Draw a few selected stars larger than all others, which fade.
   *
   * @param {ChosenLayer} layer
   * @param {Palettes} colours
   */
  chooseLayer(layer, colours) {
    this.choose(layer)
    this.emptyImage("selected")
    this.dots.paintPicked(colours)
  }

  /** @param {ChosenLayer | null} chosen */
  choose(chosen) {
    if (!this.dots.choose(chosen)) return
    for (const name of /** @type {const} */ (["everything", "members"])) {
      this.imageGlyphs.get(name)?.setv({ global_alpha: chosen ? FADED : 1 })
    }
    this.arrangeHover()
  }

  /**
   * Repeat dots in each turn of a longitude on screen.
   *
   * @param {DotsLayer} layer
   */
  repeatDots({ overlays, images }) {
    const drawn = JSON.stringify(images)
    if (drawn === this.repeated) return
    this.repeated = drawn
    for (const { name, shape } of this.overlaySpecs) {
      const made = this.overlays.get(name)
      if (!overlays.includes(name) || !made) continue
      if (shape.kind === "curve") made.data_source.data = repeatedLines(shape.xs, shape.ys, images)
      else if (shape.kind === "dots" || shape.kind === "marks") {
        made.data_source.data = repeatedDots(shape.x, shape.y, images, MAX_DOTS)
      }
    }
  }

  /** Show values of single stars under the mouse: of all on screen, or of a few selected ones over an image. */
  arrangeHover() {
    const { named } = this.dots
    if (named === this.hovered) return
    this.hovered = named
    this.hover = named ? this.tooltip(named) : null
    this.arrangeTools() // a drag or a polygon may be under way
  }

  /** @param {GlyphRenderer} renderer */
  tooltip(renderer) {
    const M = globalThis.Bokeh.Models
    const { x, y } = this.spec
    /** @type {(value: number, axis: AxisSpec) => string} */
    const words = (at, axis) => {
      const value = valueAt(axis, at)
      return shortValue(axis.turn ? value - axis.turn * Math.floor(value / axis.turn) : value)
    }
    const { data_source: source } = renderer
    // One star, even if several are under the mouse.
    /** @type {(source: ColumnarDataSource, vars: TooltipVars) => HTMLElement} */
    const tooltips = (_, { index, indices }) => {
      const at = index ?? 0
      const values = this.dots.few && renderer === this.dots.picked ? this.dots.few.hover : this.hoverValues
      const shown = this.hoverLabels.length
        ? this.hoverLabels.map((label, k) => [label, shortValue(values[k][at])])
        : [[x.label, words(Number(source.get("x")[at]), x)], [y.label, words(Number(source.get("y")[at]), y)]]
      const rows = [["obsid", String(source.get("id")[at])], ...shown]
      const more = Array.isArray(indices) ? indices.length - 1 : 0
      return element(
        "div",
        { style: `font-size: ${large(12)}` },
        ...rows.map(([label, text]) => element("div", {}, `${label}: `, element("b", {}, text))),
        more > 0 ? element("div", {}, `+${more} more here`) : null,
      )
    }
    return new M.HoverTool({
      renderers: [renderer],
      tooltips,
      limit: 1,
      point_policy: "snap_to_data",
      attachment: "horizontal",
    })
  }

  /**
   * @param {StarsLayer} layer
   * @param {Palettes} colours
   */
  starLayer({ x, y, id, hover }, colours) {
    this.showGlyphs(true)
    this.hoverValues = hover
    this.dots.stars.data_source.data = { x, y, id, colour: id }
    this.dots.paintStars(colours)
  }

  /**
   * @param {ImageName} name
   * @param {PackedImage} image
   * @param {Palettes} colours
   */
  paintImage(name, { window: edges, shape, packed }, colours) {
    const source = this.images.get(name)
    if (!source) return
    const [xLow, xHigh, yLow, yHigh] = edges
    const image = asImage(unpacked(packed, shape, colours[name]), shape)
    source.data = { image: [image], x: [xLow], y: [yLow], dw: [xHigh - xLow], dh: [yHigh - yLow] }
  }

  /**
   * @param {Palettes} colours
   * @param {FigureColours} theme
   */
  recolour(colours, theme) {
    this.paintTheme(theme)
    this.margins?.recolour(colours, theme)
    this.ring.glyph.line_color = theme.accent
    if (this.errors) this.errors.glyph.line_color = theme.text
    if (this.contours) {
      this.contours.ink.glyph.line_color = theme.text
      this.contours.band.glyph.line_color = theme.background
    }
    for (const { glyph } of [this.halo, ...this.casings]) glyph.setv({ line_color: theme.background })
    if (this.arrows) this.arrows.glyph.line_color = theme.text
    for (const [name, image] of this.levels) this.paintImage(name, image, colours)
    this.dots.recolour(colours, theme)
  }

  /**
   * Draw the curves of a fit over the stars, in place of earlier ones.
   *
   * @param {FittedCurves} curves
   */
  fitCurves({ xs, ys, colours, dashes }) {
    if (!this.curves) {
      if (!xs.length) return
      const M = globalThis.Bokeh.Models
      const lines = new M.MultiLine({
        xs: { field: "xs" },
        ys: { field: "ys" },
        line_color: { field: "colour" },
        line_dash: { field: "dash" },
        line_width: 2,
      })
      this.curves = this.layer(lines, new M.ColumnDataSource({ data: { xs: [], ys: [] }, name: "fit" }), "overlay")
    }
    this.curves.data_source.data = { xs, ys, colour: colours, dash: dashes }
  }

  /** @param {boolean} stale */
  dimCurves(stale) {
    if (this.curves) this.curves.glyph.line_alpha = stale ? 0.3 : 1
  }

  /**
   * @param {number[]} xs
   * @param {number[]} ys
   */
  mark(xs, ys) {
    this.focus.data = { x: xs, y: ys }
  }
}

/** @param {number} value */
function shortValue(value) {
  if (value !== 0 && Math.abs(value) < 0.01) return String(Number(value.toPrecision(3)))
  return String(Number(value.toFixed(Math.abs(value) < 100 ? 3 : 1)))
}
