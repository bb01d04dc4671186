// A histogram: grey bars of all stars, coloured ones of the selection; a drag along the axis selects a range.

/** @import { RenderLevel } from "bokeh/core/enums" */
/** @import { ColumnarDataSource } from "bokeh/models/index" */
/** @import { TooltipVars } from "bokeh/models/tools/inspectors/hover_tool" */
/** @import { BarsLayer, BarsSpec, Ends, FigureColours, Palettes } from "../payloads.ts" */
/** @import { FittedCurves } from "../protocol.d.ts" */
/** @import { ViewMessage } from "./figure.js" */

import { element, large } from "../base/dom.js"
import { FigureCell } from "./figure.js"
import { css } from "./pixels.js"
import { barsOf, outlineOf, short } from "./scales.js"
import { coordinateOf, valueAt } from "./ticks.js"

/** @type {[number, number]} */
const UNIT = [0, 1] // until there are numbers

const NO_BARS = { left: [], right: [], top: [], bottom: [] }

/** @typedef {{ layer: BarsLayer, ends: Ends }} ShownBars */

export class Bars extends FigureCell {
  /** @type {Partial<Record<BarsLayer["name"], ShownBars>>} */
  shown = {}

  /**
   * @param {HTMLElement} cell
   * @param {BarsSpec} spec
   * @param {number} slot
   * @param {(message: ViewMessage) => void} send
   */
  constructor(cell, spec, slot, send) {
    super(cell, { title: spec.title, x: spec.x, y: { ...spec.y, ends: UNIT, home: UNIT } }, slot, send)
    this.useScales()
    /** @type {"width" | "both"} */
    this.dimensions = "width"
    this.wheel.dimensions = "width"
    this.numbers = spec.y
    this.quads = { everything: this.bars("everything", "image"), selected: this.bars("selected", "overlay") }
    this.outlines = this.lines("outlines")
    this.curves = this.lines("fit")
    this.hover = this.tooltip()
  }

  get logarithmic() {
    return this.numbers.scale === "log"
  }

  /**
   * @param {string} name
   * @param {RenderLevel} level
   */
  bars(name, level) {
    const M = globalThis.Bokeh.Models
    const source = new M.ColumnDataSource({ data: { ...NO_BARS }, name })
    const quad = new M.Quad({
      left: { field: "left" },
      right: { field: "right" },
      top: { field: "top" },
      bottom: { field: "bottom" },
      line_color: null,
    })
    return this.layer(quad, source, level, name)
  }

  /** @param {string} name */
  lines(name) {
    const M = globalThis.Bokeh.Models
    const glyph = new M.MultiLine({
      xs: { field: "xs" },
      ys: { field: "ys" },
      line_color: { field: "colour" },
      line_width: 2,
    })
    return this.layer(glyph, new M.ColumnDataSource({ data: { xs: [], ys: [], colour: [] }, name }), "overlay")
  }

  /** @param {BarsLayer} layer */
  receive(layer) {
    const { name, edges, heights, least, parts } = layer
    const { data, ends } = barsOf(edges, heights, this.logarithmic, least)
    this.shown[name] = { layer, ends }
    const drawn = parts.map((part) => ({ part, bars: barsOf(edges, part.heights, this.logarithmic, least) }))
    if (name === "selected") {
      const outlines = drawn.map(({ bars }) => outlineOf(bars.data))
      this.outlines.data_source.data = {
        xs: outlines.map(({ xs }) => xs),
        ys: outlines.map(({ ys }) => ys),
        colour: parts.map(({ colour }) => colour),
      }
    }
    this.quads[name].data_source.data = name === "selected" && parts.length ? NO_BARS : data
    for (const { bars } of drawn) ends[1] = Math.max(ends[1], bars.ends[1])
    const known = Object.values(this.shown)
    const low = Math.min(...known.map((bars) => bars.ends[0]))
    const high = Math.max(...known.map((bars) => bars.ends[1]))
    const typed = this.numbers.ends?.map((end) => coordinateOf(this.numbers, end)) ?? [low, high]
    const [start, end] = this.numbers.flipped ? typed.toReversed() : typed
    this.yRange.setv({ start, end })
  }

  /**
   * Draw a fitted distribution over the bars, in place of an earlier one.
   *
   * @param {FittedCurves} curves
   */
  fitCurves({ xs, ys, colours }) {
    const height = (/** @type {number} */ y) => this.logarithmic ? Math.log10(Math.max(y, 1e-12)) : y
    this.curves.data_source.data = { xs, ys: ys.map((values) => Array.from(values, height)), colour: colours }
  }

  /** @param {boolean} stale */
  dimCurves(stale) {
    this.curves.glyph.line_alpha = stale ? 0.3 : 1
  }

  /** Numbers of the bars under the mouse, wherever it is above the axis. */
  tooltip() {
    const M = globalThis.Bokeh.Models
    /** @type {(source: ColumnarDataSource, vars: TooltipVars) => HTMLElement} */
    const tooltips = (_, { index }) => {
      const { everything, selected } = this.shown
      const at = index ?? 0
      const { edges, counts } = everything?.layer ?? { edges: [0, 1], counts: [0] }
      const [from, to] = [edges[at], edges[at + 1]].map((edge) => short(valueAt(this.spec.x, edge)))
      const rows = [
        ["all", counts[at]],
        ["selected", selected?.layer.counts[at] ?? 0],
        ...(selected?.layer.parts ?? []).map((part) => [part.name, part.counts[at]]),
      ]
      return element(
        "div",
        { style: `font-size: ${large(12)}` },
        element("div", {}, element("b", {}, `${from} to ${to}`)),
        ...rows.map(([name, count]) =>
          element("div", {}, `${name}: `, element("b", {}, Number(count).toLocaleString("en")))
        ),
      )
    }
    return new M.HoverTool({
      renderers: [this.quads.everything],
      tooltips,
      mode: "vline",
      limit: 1,
      attachment: "horizontal",
    })
  }

  /**
   * @param {Palettes} colours
   * @param {FigureColours} theme
   */
  recolour(colours, theme) {
    this.paintTheme(theme)
    this.quads.everything.glyph.fill_color = css(colours.everything, 120)
    this.quads.selected.glyph.fill_color = css(colours.histogram, 140)
  }

  /** @override */
  home() {
    this.xRange.setv({ start: this.spec.x.home[0], end: this.spec.x.home[1] })
  }
}
