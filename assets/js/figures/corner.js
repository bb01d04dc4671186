// A corner plot: planes of all pairs of columns and their histograms, as one image in the plane of all cells.

/** @import { LinearAxis } from "bokeh/models/axes/index" */
/** @import { Patches } from "bokeh/models/glyphs/index" */
/** @import { GlyphRenderer } from "bokeh/models/index" */
/** @import { AxisSpec, CornerSpec, Ends, FigureColours, Palettes } from "../payloads.ts" */
/** @import { PlaneLayer, PlaneSpec, StepsLayer } from "../payloads.ts" */
/** @import { ViewMessage } from "./figure.js" */

import { large, magnified } from "../base/dom.js"
import { cellFrames, fittingLabels, fittingName, placeIn } from "./corner_cells.js"
import { css } from "./pixels.js"
import { Plane } from "./plane.js"
import { axisTicks } from "./ticks.js"

const DIGIT_WIDTH = 5.6 // width of a letter of a tick's label
const NAME_LETTER = 6.8 // and of a column's name
const DIGIT_HEIGHT = 10
const EACH = 34 // pixels in which a tick is wanted
const NUMBERS_FROM = 46 // side of a cell in pixels from which its axes have numbers
const CLEAR = "rgba(0, 0, 0, 0)"

/** @type {(count: number) => AxisSpec} */
const wholeAxis = (count) => ({ label: "", ends: [0, count], home: [0, count], turn: null, scale: "linear", width: 1 })

/** @type {(spec: CornerSpec) => PlaneSpec} */
function planeOf({ view, title, caption, about, x }) {
  const axis = /** @type {PlaneSpec["x"]} */ (wholeAxis(x.length))
  /** @type {PlaneSpec["contours"]} */
  const contours = { of: "", levels: [] }
  return {
    kind: "plane",
    view,
    title,
    caption,
    about,
    overlays: [],
    square: false,
    x: axis,
    y: axis,
    contours,
    hover: [],
  }
}

export class Corner extends Plane {
  /**
   * @param {HTMLElement} cell
   * @param {CornerSpec} spec
   * @param {number} slot
   * @param {(message: ViewMessage) => void} send
   */
  constructor(cell, spec, slot, send) {
    super(cell, planeOf(spec), slot, send)
    const M = globalThis.Bokeh.Models
    this.columns = spec
    const count = spec.x.length
    for (const range of [this.xRange, this.yRange]) {
      range.setv({ bounds: [0, count], min_interval: count, max_interval: count })
    }
    for (const grid of this.grids) grid.visible = false
    this.names = { x: nameAxis(), y: nameAxis() }
    this.figure.add_layout(this.names.x, "below")
    this.figure.add_layout(this.names.y, "left")
    for (const axis of Object.values(this.axes)) {
      axis.setv({ axis_label: null, ticker: new M.FixedTicker({ ticks: [] }) })
    }
    const edges = {
      left: { field: "left" },
      right: { field: "right" },
      bottom: { field: "bottom" },
      top: { field: "top" },
    }
    this.frames = this.layer(
      new M.Quad({ ...edges, fill_color: null }),
      new M.ColumnDataSource({ data: { ...cellFrames(count, spec.gap) }, name: "frames" }),
      "image",
    )
    this.steps = { all: this.outlines("steps_all", "image"), selected: this.outlines("steps_selected", "overlay") }
    this.steps.selected.glyph.fill_alpha = 0.4
  }

  /**
   * @param {StepsLayer["name"]} name
   * @param {"image" | "overlay"} level
   * @returns {GlyphRenderer<Patches>}
   */
  outlines(name, level) {
    const M = globalThis.Bokeh.Models
    const patches = new M.Patches({
      xs: { field: "xs" },
      ys: { field: "ys" },
      fill_color: { field: "fill" },
      line_color: { field: "line" },
      line_width: 1.3,
    })
    const source = new M.ColumnDataSource({ data: { xs: [], ys: [], fill: [], line: [], colour: [] }, name })
    return this.layer(patches, source, level, name)
  }

  /**
   * @override
   * @param {PlaneLayer} layer
   * @param {Uint8Array} pixels
   * @param {Palettes} colours
   */
  receive(layer, pixels, colours) {
    if (layer.name === "steps_all" || layer.name === "steps_selected") this.receiveSteps(layer, colours)
    else super.receive(layer, pixels, colours)
  }

  /**
   * @param {StepsLayer} layer
   * @param {Palettes} colours
   */
  receiveSteps({ name, xs, ys, colours: colour }, colours) {
    const renderer = name === "steps_all" ? this.steps.all : this.steps.selected
    renderer.data_source.data = { xs, ys, colour, ...this.inks(name, colour, colours) }
  }

  /**
   * Fill and line of histograms: those of categories are lines.
   *
   * @param {StepsLayer["name"]} name
   * @param {string[]} own
   * @param {Palettes} colours
   */
  inks(name, own, colours) {
    const all = name === "steps_all"
    const usual = all ? css(colours.everything, 120) : css(colours.histogram, 140)
    return {
      fill: own.map((colour) => (colour ? CLEAR : usual)),
      line: own.map((colour) => colour || (all ? CLEAR : usual)),
    }
  }

  /**
   * Number the outside of the triangle, and name the columns there.
   *
   * @override
   * @param {number} width
   * @param {number} height
   */
  spaceTicks(width, height) {
    if (!this.columns) return // not built yet
    const { x, y, gap } = this.columns
    const count = x.length
    this.number(this.axes.x, this.names.x, x, (k) => k, { length: width / count, gap, across: true, first: 0 })
    this.number(this.axes.y, this.names.y, y, (k) => count - 1 - k, {
      length: height / count,
      gap,
      across: false,
      first: 1, // the first row is a histogram
    })
  }

  /**
   * @param {LinearAxis} axis
   * @param {LinearAxis} names
   * @param {AxisSpec[]} specs
   * @param {(column: number) => number} start - Of the square of a column.
   * @param {{ length: number, gap: number, across: boolean, first: number }} room
   */
  number(axis, names, specs, start, { length, gap, across, first }) {
    const larger = magnified()
    const side = length * (1 - 2 * gap)
    /** @type {Map<number, string>} */
    const labels = new Map()
    /** @type {Map<number, string>} */
    const named = new Map()
    for (const [k, spec] of specs.entries()) {
      if (k < first) continue
      /** @type {Ends} */
      const edges = [start(k) + gap, start(k) + 1 - gap]
      named.set(start(k) + 0.5, fittingName(spec.label, Math.floor(length / (NAME_LETTER * larger))))
      if (side < NUMBERS_FROM * larger) continue
      const size = (/** @type {string} */ text) => (across ? DIGIT_WIDTH * text.length : DIGIT_HEIGHT) * larger
      const ticks = axisTicks(spec.ends, spec, { length: side, each: EACH * larger, size })
      const placed = ticks.at.map((at, n) => ({
        place: placeIn(at, spec.ends, edges),
        text: ticks.labels[n],
        size: size(ticks.labels[n]),
      })).map((tick) => ({ ...tick, at: (tick.place - edges[0]) * length })).toSorted((a, b) => a.at - b.at)
      for (const tick of /** @type {typeof placed} */ (fittingLabels(placed, side))) labels.set(tick.place, tick.text)
    }
    const drawn = JSON.stringify([...labels, ...named])
    const along = across ? "x" : "y"
    if (this.ticked[along] === drawn) return
    this.ticked[along] = drawn
    axis.ticker.setv({ ticks: [...labels.keys()], minor_ticks: [] })
    axis.setv({ major_label_overrides: labels, major_label_text_font_size: large(9) })
    names.ticker.setv({ ticks: [...named.keys()] })
    names.setv({ major_label_overrides: named, major_label_text_font_size: large(11) })
    if (!across) names.major_label_orientation = "vertical"
  }

  /** @override */
  useScales() {} // its cells have ticks of their own

  /** @override */
  home() {} // it always shows the whole ranges

  /**
   * @override
   * @param {Palettes} colours
   * @param {FigureColours} theme
   */
  recolour(colours, theme) {
    super.recolour(colours, theme)
    for (const [name, renderer] of Object.entries(this.steps)) {
      const { data_source: source } = renderer
      const own = /** @type {string[]} */ (Array.from(source.get("colour")))
      const layer = name === "all" ? "steps_all" : "steps_selected"
      source.data = { xs: source.get("xs"), ys: source.get("ys"), colour: own, ...this.inks(layer, own, colours) }
    }
  }

  /**
   * @override
   * @param {FigureColours} theme
   */
  paintTheme(theme) {
    super.paintTheme(theme)
    this.figure.outline_line_color = null
    for (const axis of Object.values(this.axes)) axis.setv({ axis_line_color: null, major_tick_out: 2 })
    if (!this.names) return // not built yet
    for (const axis of Object.values(this.names)) axis.major_label_text_color = theme.text
    this.frames.glyph.line_color = theme.grid
  }
}

/** An axis that has the names of columns in place of numbers. */
function nameAxis() {
  const M = globalThis.Bokeh.Models
  return new M.LinearAxis({
    ticker: new M.FixedTicker({ ticks: [] }),
    axis_line_color: null,
    major_tick_line_color: null,
    minor_tick_line_color: null,
    major_tick_in: 0,
    major_tick_out: 0,
    major_label_standoff: 1,
  })
}
