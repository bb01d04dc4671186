// Base of planes and histograms: a Bokeh figure in a cell, its tools, gestures and theme.

/** @import { Document } from "bokeh/document/document" */
/** @import { RenderLevel } from "bokeh/core/enums" */
/** @import { Glyph, GlyphRenderer, ColumnDataSource, HoverTool, Tool } from "bokeh/models/index" */
/** @import { PlotView } from "bokeh/models/plots/plot_canvas" */
/** @import { AxisSpec, Ends, FigureColours, FigureSpec } from "../payloads.ts" */
/** @import { AxisRange, Rectangle, Region, Tap, Tool as SentTool, ViewSize } from "../protocol.d.ts" */

import { clipGlyphs, closeTooltip, forgetDocument, newDocument } from "../base/bokeh_internals.js"
import { large, magnified } from "../base/dom.js"
import { fittingTicks, squareEnds } from "./scales.js"
import { axisTicks } from "./ticks.js"

const MINIMUM_MOVE = 1e-9
const NARROWEST = 1e-5 // of an axis, in the span that it starts with: what single precision tells apart
const WIDEST = 100
const LABEL_WIDTH = 62
const LABEL_HEIGHT = 34
const LETTER = 6.2 // width of a letter of a tick's label
const LINE_HEIGHT = 11 // and its height

/** @typedef {SentTool["value"]} ToolName */
/** @typedef {(ViewSize & { kind: "look" }) | AxisRange | Region | Tap} ViewMessage */

/** @param {AxisSpec} axis */
function rangeOf({ ends, home, widest }) {
  const span = Math.abs(home[1] - home[0])
  return new globalThis.Bokeh.Models.Range1d({
    start: ends[0],
    end: ends[1],
    min_interval: NARROWEST * span,
    max_interval: widest ?? WIDEST * span,
  })
}

/**
 * @param {string} label
 * @param {number} count
 */
function axisOf(label, count) {
  const M = globalThis.Bokeh.Models
  return new M.LinearAxis({
    axis_label: label,
    ticker: new M.BasicTicker({ desired_num_ticks: count }),
    axis_label_standoff: 2,
    formatter: new M.BasicTickFormatter({ power_limit_high: 7, power_limit_low: -4 }),
  })
}

/** @param {boolean} small */
function labelSize(small) {
  return large(small ? 9 : 11)
}

export class FigureCell {
  scaled = false
  /** @type {Record<string, string>} - Ticks as they are drawn. */
  ticked = {}
  /** @type {ToolName} */
  tool = "box"
  /** @type {Tool | null} */
  drag = null
  dragging = false
  /** @type {ToolName | null} - Chosen during a drag, which ends with the tool that it began with. */
  chosen = null
  /** @type {"width" | "both"} - Along which a drag selects. */
  dimensions = "both"
  /** @type {HoverTool | null} */
  hover = null
  /** @type {number[] | null} - What the server knows to be on screen. */
  looked = null
  /** @type {("shift" | "ctrl")[]} - Held when the last gesture ended. */
  keys = []
  /** @type {PlotView | null} */
  view = null
  /** @type {Document | null} */
  document = null
  /** @type {{ width: number, height: number, ends: number[] } | null} - Of the last square. */
  fitted = null
  /** @type {[Ends, Ends]} - What the square shows all of. */
  asked = [[0, 1], [0, 1]]
  closed = new AbortController()
  /** Called when the frame or its axes may have moved. */
  placed = () => {}

  /**
   * @param {HTMLElement} cell
   * @param {FigureSpec} spec
   * @param {number} slot
   * @param {(message: ViewMessage) => void} send
   */
  constructor(cell, spec, slot, send) {
    const M = globalThis.Bokeh.Models
    this.cell = cell
    this.spec = spec
    this.slot = slot
    this.send = send
    this.xRange = rangeOf(spec.x)
    this.yRange = rangeOf(spec.y)
    this.figure = new M.Plot({
      name: spec.title,
      x_range: this.xRange,
      y_range: this.yRange,
      toolbar_location: null,
      title: null,
      sizing_mode: "stretch_both",
      min_border: 2,
      min_border_right: 12,
      lod_threshold: null,
    })
    this.magnify()
    this.axes = { x: axisOf(spec.x.label, 5), y: axisOf(spec.y.label, 4) }
    this.figure.add_layout(this.axes.x, "below")
    this.figure.add_layout(this.axes.y, "left")
    this.grids = [new M.Grid({ axis: this.axes.x, dimension: 0 }), new M.Grid({ axis: this.axes.y, dimension: 1 })]
    for (const grid of this.grids) this.figure.add_layout(grid, "center")
    this.wheel = new M.WheelZoomTool()
  }

  /** Ticks as the scales of the axes declare them, which follow every zoom. */
  useScales() {
    const M = globalThis.Bokeh.Models
    for (const { axis } of this.sides) Object.assign(axis, { ticker: new M.FixedTicker({ ticks: [] }) })
    this.scaled = true
    for (const side of this.sides) side.range.change.connect(() => this.retick(side))
  }

  /** Axes with their ranges, and what they declare. */
  get sides() {
    const { axes, spec, xRange, yRange } = this
    return [
      { along: "x", axis: axes.x, range: xRange, spec: spec.x },
      { along: "y", axis: axes.y, range: yRange, spec: spec.y },
    ]
  }

  /** @param {FigureCell["sides"][number]} side */
  retick({ along, axis, range, spec }) {
    const across = along === "x"
    const large = magnified()
    const { width, height } = this.view?.frame.bbox ??
      { width: this.cell.clientWidth - LABEL_WIDTH, height: this.cell.clientHeight - LABEL_HEIGHT }
    const ticks = axisTicks([range.start, range.end], spec, {
      length: Math.max(across ? width : height, 1),
      each: (across ? LABEL_WIDTH : LABEL_HEIGHT) * large,
      size: (text) => (across ? LETTER * text.length : LINE_HEIGHT) * large,
    })
    const drawn = JSON.stringify(ticks)
    if (drawn === this.ticked[along]) return
    this.ticked[along] = drawn
    axis.ticker.setv({ ticks: ticks.at, minor_ticks: ticks.minor })
    axis.setv({
      major_label_overrides: new Map(ticks.at.map((at, k) => [at, ticks.labels[k]])),
      major_label_text_font_size: labelSize(ticks.small),
    })
  }

  /**
   * @param {FigureColours} theme
   * @param {ToolName} tool
   */
  async show(theme, tool) {
    this.use(tool)
    this.paintTheme(theme)
    this.spaceTicks(this.cell.clientWidth - LABEL_WIDTH, this.cell.clientHeight - LABEL_HEIGHT) // about, to paint once
    // Unclipped glyphs over the axes would leave a trace: Bokeh does not clear the edge of its upper canvas.
    const above = this.figure.renderers.filter(({ level, visible }) => level === "overlay" && visible)
    for (const renderer of above) renderer.visible = false
    this.document = newDocument()
    this.document.add_root(this.figure)
    this.figure.on_event("selectiongeometry", ({ final, geometry }) => {
      if (!final) return
      if (geometry.type === "poly") this.drawOutline(geometry.x, geometry.y)
      else if (geometry.type === "rect") this.drawRectangle(geometry)
    })
    this.figure.on_event("tap", (event) => {
      if (this.tool !== "polygon") {
        this.send({ kind: "tap", slot: this.slot, x: event.x, y: event.y, keys: this.keys })
      }
    })
    this.figure.on_event("doubletap", () => (this.tool === "polygon" ? this.closePolygon() : this.home()))
    this.figure.on_event("panstart", () => {
      this.dragging = true
      this.hideTooltip()
    })
    this.cell.addEventListener("pointerdown", (event) => {
      this.endDrag()
      // Bokeh takes a lasso that begins on an axis for one that is under way, and fails.
      if (this.tool === "lasso" && !this.isInFrame(event)) event.stopPropagation()
    }, { capture: true, signal: this.closed.signal })
    // Only the last event of a gesture contains the keys that were held when it ended.
    this.cell.addEventListener("pointerup", (event) => {
      this.keys = []
      if (event.shiftKey) this.keys.push("shift")
      if (event.ctrlKey || event.metaKey) this.keys.push("ctrl")
      setTimeout(() => this.endDrag()) // after Bokeh's tool has seen it
    }, { capture: true, signal: this.closed.signal })
    const views = await globalThis.Bokeh.embed.add_document_standalone(this.document, this.cell)
    const view = views.get_one(this.figure)
    this.view = view
    clipGlyphs(view)
    for (const renderer of above) renderer.visible = true
    this.use(this.tool) // a toolbar that is not on the page yet forgets its wheel
    view.repainted.connect(() => {
      this.look()
      this.placed()
    })
    this.look()
    this.placed()
  }

  /** @param {Omit<Rectangle, "type">} corners */
  drawRectangle({ x0, x1, y0, y1 }) {
    this.send({ kind: "region", slot: this.slot, geometry: { type: "rect", x0, x1, y0, y1 }, keys: this.keys })
  }

  /**
   * @param {Iterable<number>} xs
   * @param {Iterable<number>} ys
   */
  drawOutline(xs, ys) {
    const x = Array.from(xs)
    if (x.length < 3) return
    this.send({ kind: "region", slot: this.slot, geometry: { type: "poly", x, y: Array.from(ys) }, keys: this.keys })
  }

  /** Bokeh ends a polygon only with Enter or a long press; its second click sets no corner. */
  closePolygon() {
    const [drag] = this.figure.toolbar.tools
    if (drag instanceof globalThis.Bokeh.Models.PolySelectTool) this.drawOutline(drag.overlay.xs, drag.overlay.ys)
    this.use(this.tool) // a new one, without corners
  }

  hideTooltip() {
    if (this.hover && this.view) closeTooltip(this.view, this.hover)
  }

  close() {
    this.closed.abort() // the cell stays, with another figure
    this.view?.remove()
    if (this.document) forgetDocument(this.document)
    this.cell.replaceChildren()
  }

  /**
   * @template {Glyph} G
   * @param {G} glyph
   * @param {ColumnDataSource} source
   * @param {RenderLevel} level
   * @param {string | null} [name]
   * @returns {GlyphRenderer<G>}
   */
  layer(glyph, source, level, name = null) {
    const M = globalThis.Bokeh.Models
    const renderer = new M.GlyphRenderer({ data_source: source, glyph, level, name })
    this.figure.renderers = [...this.figure.renderers, renderer]
    return renderer
  }

  /** @param {PointerEvent} event */
  isInFrame({ clientX, clientY }) {
    if (!this.view) return false
    const { left, top } = this.view.canvas_view.el.getBoundingClientRect()
    return this.view.frame.bbox.contains(clientX - left, clientY - top)
  }

  endDrag() {
    this.dragging = false
    if (this.chosen) this.use(this.chosen)
  }

  /**
   * Drag with a tool from now on, or after the present drag: Bokeh's tools need a whole one.
   *
   * @param {ToolName} name
   */
  use(name) {
    this.chosen = this.dragging ? name : null
    if (this.dragging) return
    const M = globalThis.Bokeh.Models
    /** @type {Record<ToolName, () => Tool>} */
    const make = {
      box: () => new M.BoxSelectTool({ renderers: [], continuous: false, dimensions: this.dimensions }),
      lasso: () => new M.LassoSelectTool({ renderers: [], continuous: false }),
      polygon: () => new M.PolySelectTool({ renderers: [] }),
      pan: () => new M.PanTool(),
    }
    this.tool = name
    this.drag = make[name]()
    this.figure.toolbar.setv({ active_drag: "auto", active_tap: "auto", active_scroll: this.wheel })
    this.arrangeTools()
  }

  arrangeTools() {
    this.figure.toolbar.tools = [this.drag, this.wheel, this.hover].filter((tool) => tool !== null)
  }

  /** Send the viewport to the server, once it has changed. */
  look() {
    if (!this.view?.is_displayed) return
    const { width, height } = this.view.frame.bbox
    if (width < 8 || height < 8) return
    if (this.spec.square && this.keepSquare(width, height)) return // painted anew, and looked at then
    const { xRange, yRange } = this
    const [low, high] = this.dimensions === "width" ? [0, 1] : [yRange.start, yRange.end]
    const size = { width: Math.round(width), height: Math.round(height) }
    const now = [xRange.start, xRange.end, low, high, size.width, size.height]
    const { looked } = this
    if (looked && now.every((value, k) => Math.abs(value - looked[k]) <= MINIMUM_MOVE * Math.abs(value))) return
    this.looked = now
    this.spaceTicks(width, height)
    this.send({ kind: "look", slot: this.slot, window: [xRange.start, xRange.end, low, high], ...size })
  }

  /**
   * Make units equal on both axes; returns whether the ranges changed.
   *
   * @param {number} width
   * @param {number} height
   */
  keepSquare(width, height) {
    const { xRange, yRange, fitted } = this
    const ends = () => [xRange.start, xRange.end, yRange.start, yRange.end]
    const before = ends()
    const moved = fitted === null || before.some((end, k) => end !== fitted.ends[k])
    if (!moved && fitted.width === width && fitted.height === height) return false
    if (moved) this.asked = [[xRange.start, xRange.end], [yRange.start, yRange.end]]
    const { x, y, unit } = squareEnds(this.asked, { width, height })
    xRange.setv({ start: x[0], end: x[1] })
    yRange.setv({ start: y[0], end: y[1] })
    this.fitted = { width, height, ends: ends() }
    return ends().some((end, k) => Math.abs(end - before[k]) > 1e-6 * unit)
  }

  /**
   * Limit the ticks to the number of labels that fit.
   *
   * @param {number} width
   * @param {number} height
   */
  spaceTicks(width, height) {
    if (this.scaled) return this.sides.forEach((side) => this.retick(side))
    this.axes.x.ticker.setv({ desired_num_ticks: fittingTicks(width, LABEL_WIDTH * magnified()) })
    this.axes.y.ticker.setv({ desired_num_ticks: fittingTicks(height, LABEL_HEIGHT * magnified()) })
  }

  home() {
    this.xRange.setv({ start: this.spec.x.home[0], end: this.spec.x.home[1] })
    this.yRange.setv({ start: this.spec.y.home[0], end: this.spec.y.home[1] })
  }

  /** Scale text and dots with the window. */
  magnify() {
    this.ticked = {}
    this.figure.stylesheets = [`:host { font-size: ${large(12)}; }`]
  }

  /** @param {FigureColours} theme */
  paintTheme({ text, grid, background }) {
    for (const axis of Object.values(this.axes)) {
      axis.setv({
        axis_label_text_color: text,
        axis_label_text_font_size: large(12),
        axis_label_text_font_style: "normal",
        major_label_text_color: text,
        axis_line_color: grid,
        major_tick_line_color: grid,
        minor_tick_line_color: this.scaled ? grid : null,
        minor_tick_out: 2,
        major_tick_in: 0,
        major_tick_out: 4,
      })
    }
    if (!this.scaled) {
      for (const axis of Object.values(this.axes)) {
        axis.major_label_text_font_size = labelSize(false)
      }
    }
    for (const lines of this.grids) lines.setv({ grid_line_color: grid, grid_line_alpha: 0.45 })
    this.figure.setv({ background_fill_color: background, border_fill_color: background, outline_line_color: grid })
  }
}
