// What planes and histograms share: a Bokeh figure in a cell, its tools, gestures and theme.

import { large, magnified } from "../base/dom.js"

const MINIMUM_MOVE = 1e-9
const NARROWEST = 1e-5, WIDEST = 100 // of an axis, in the span that it starts with: what single precision tells apart
const LABEL_WIDTH = 62
const LABEL_HEIGHT = 34

export class FigureCell {
  constructor(cell, spec, slot, send) {
    const M = globalThis.Bokeh.Models
    this.cell = cell
    this.spec = spec
    this.slot = slot
    this.send = send
    this.tool = "box"
    const range = ({ ends, home, widest }) => {
      const span = Math.abs(home[1] - home[0])
      return new M.Range1d({
        start: ends[0],
        end: ends[1],
        min_interval: NARROWEST * span,
        max_interval: widest ?? WIDEST * span,
      })
    }
    this.xRange = range(spec.x)
    this.yRange = range(spec.y)
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
    this.axes = {
      x: new M.LinearAxis({
        axis_label: spec.x.label,
        ticker: new M.BasicTicker({ desired_num_ticks: 5 }),
        axis_label_standoff: 2,
      }),
      y: new M.LinearAxis({
        axis_label: spec.y.label,
        ticker: new M.BasicTicker({ desired_num_ticks: 4 }),
        axis_label_standoff: 2,
      }),
    }
    for (const axis of Object.values(this.axes)) {
      axis.formatter = new M.BasicTickFormatter({ power_limit_high: 7, power_limit_low: -4 })
    }
    this.figure.add_layout(this.axes.x, "below")
    this.figure.add_layout(this.axes.y, "left")
    this.grids = [new M.Grid({ axis: this.axes.x, dimension: 0 }), new M.Grid({ axis: this.axes.y, dimension: 1 })]
    for (const grid of this.grids) this.figure.add_layout(grid, "center")
    this.wheel = new M.WheelZoomTool()
    this.hover = null
    this.looked = null
  }

  async show(theme, tool) {
    this.use(tool)
    this.paintTheme(theme)
    this.spaceTicks(this.cell.clientWidth - LABEL_WIDTH, this.cell.clientHeight - LABEL_HEIGHT) // about, to paint once
    // What is drawn unclipped over the axes would leave a trace: Bokeh clears all of its upper canvas but the edge.
    const above = this.figure.renderers.filter(({ level, visible }) => level === "overlay" && visible)
    for (const renderer of above) renderer.visible = false
    // The page's own document is of the class that Bokeh does not hand out.
    this.document = new globalThis.Bokeh.documents[0].constructor()
    this.document.add_root(this.figure)
    this.figure.on_event("selectiongeometry", ({ final, geometry }) => {
      if (final && (geometry.type !== "poly" || geometry.x.length > 2)) this.drawRegion(geometry)
    })
    this.figure.on_event("tap", (event) => {
      if (this.tool !== "polygon") {
        this.send({ kind: "tap", slot: this.slot, x: event.x, y: event.y, keys: this.keys ?? [] })
      }
    })
    this.figure.on_event("doubletap", () => (this.tool === "polygon" ? this.closePolygon() : this.home()))
    this.figure.on_event("panstart", () => this.hideTooltip())
    // Only the last event of a gesture tells which keys were held when it ended.
    this.cell.addEventListener("pointerup", (event) => {
      this.keys = [event.shiftKey && "shift", (event.ctrlKey || event.metaKey) && "ctrl"].filter(Boolean)
    }, true)
    const views = await globalThis.Bokeh.embed.add_document_standalone(this.document, this.cell)
    this.view = views.get(this.figure)
    // Bokeh clips what lies on the lower canvas alone.
    for (const view of this.view.computed_renderer_views) {
      if (view.glyph) Object.defineProperty(view, "needs_clip", { get: () => true })
    }
    for (const renderer of above) renderer.visible = true
    this.use(this.tool) // a toolbar that is not on the page yet forgets its wheel
    this.view.repainted.connect(() => this.look())
    this.look()
  }

  drawRegion({ type, x, y, x0, x1, y0, y1 }) {
    const geometry = type === "poly" ? { type, x: Array.from(x), y: Array.from(y) } : { type, x0, x1, y0, y1 }
    this.send({ kind: "region", slot: this.slot, geometry, keys: this.keys ?? [] })
  }

  // Bokeh ends a polygon with Enter or a long press alone; its second click sets no corner.
  closePolygon() {
    const { xs, ys } = this.figure.toolbar.tools[0].overlay
    if (xs.length > 2) this.drawRegion({ type: "poly", x: xs, y: ys })
    this.use(this.tool) // a new one, without corners
  }

  hideTooltip() {
    if (this.hover) this.view.tool_views.get(this.hover)?._move_exit()
  }

  close() {
    const at = globalThis.Bokeh.documents.indexOf(this.document)
    if (at >= 0) globalThis.Bokeh.documents.splice(at, 1)
    this.view?.remove()
    this.document?.clear()
    this.cell.replaceChildren()
  }

  layer(glyph, source, level, name) {
    const M = globalThis.Bokeh.Models
    const renderer = new M.GlyphRenderer({ data_source: source, glyph, level, name: name ?? null })
    this.figure.renderers = [...this.figure.renderers, renderer]
    return renderer
  }

  use(name) {
    const M = globalThis.Bokeh.Models
    const make = {
      box: () => new M.BoxSelectTool({ renderers: [], continuous: false, dimensions: this.dimensions ?? "both" }),
      lasso: () => new M.LassoSelectTool({ renderers: [], continuous: false }),
      polygon: () => new M.PolySelectTool({ renderers: [] }),
      pan: () => new M.PanTool(),
    }
    this.tool = name
    const drag = make[name]()
    const { toolbar } = this.figure
    toolbar.setv({ active_drag: "auto", active_tap: "auto", active_scroll: this.wheel })
    toolbar.tools = [drag, this.wheel, ...(this.hover ? [this.hover] : [])]
  }

  // Tell the server what is on screen, once it has changed.
  look() {
    if (!this.view?.is_displayed) return
    const { width, height } = this.view.frame.bbox
    if (width < 8 || height < 8) return
    if (this.spec.square && this.keepSquare(width, height)) return // painted anew, and looked at then
    const up = this.dimensions === "width" ? [0, 1] : [this.yRange.start, this.yRange.end]
    const edges = [this.xRange.start, this.xRange.end, ...up]
    const now = [...edges, Math.round(width), Math.round(height)]
    const same = this.looked !== null &&
      now.every((value, k) => Math.abs(value - this.looked[k]) <= MINIMUM_MOVE * Math.abs(value))
    if (same) return
    this.looked = now
    this.spaceTicks(width, height)
    this.send({ kind: "look", slot: this.slot, window: edges, width: now[4], height: now[5] })
  }

  // A kiloparsec is as long upwards as sideways: what was asked for stays in view, whatever the shape of the frame.
  keepSquare(width, height) {
    const { xRange, yRange } = this
    const ends = () => [xRange.start, xRange.end, yRange.start, yRange.end]
    const moved = this.fitted === undefined || ends().some((end, k) => end !== this.fitted.ends[k])
    if (!moved && this.fitted.width === width && this.fitted.height === height) return false
    if (moved) this.asked = ends()
    const [left, right, low, high] = this.asked
    const unit = Math.max(Math.abs(right - left) / width, Math.abs(high - low) / height)
    const fit = (start, end, pixels) => {
      const middle = (start + end) / 2, half = (Math.sign(end - start) * unit * pixels) / 2
      return { start: middle - half, end: middle + half }
    }
    const before = ends()
    xRange.setv(fit(left, right, width))
    yRange.setv(fit(low, high, height))
    this.fitted = { width, height, ends: ends() }
    return ends().some((end, k) => Math.abs(end - before[k]) > 1e-6 * unit)
  }

  // As many ticks as labels fit.
  spaceTicks(width, height) {
    const fitting = (room, least) => Math.max(2, Math.min(7, Math.floor(room / least)))
    this.axes.x.ticker.desired_num_ticks = fitting(width, LABEL_WIDTH * magnified())
    this.axes.y.ticker.desired_num_ticks = fitting(height, LABEL_HEIGHT * magnified())
  }

  home() {
    this.xRange.setv({ start: this.spec.x.home[0], end: this.spec.x.home[1] })
    this.yRange.setv({ start: this.spec.y.home[0], end: this.spec.y.home[1] })
  }

  // Words and dots follow the size of the window.
  magnify() {
    this.figure.stylesheets = [`:host { font-size: ${large(12)}; }`]
  }

  paintTheme({ text, grid, background }) {
    const words = { text_color: text, text_font_size: large(11) }
    for (const axis of Object.values(this.axes)) {
      axis.setv({
        axis_label_text_color: text,
        axis_label_text_font_size: large(12),
        axis_label_text_font_style: "normal",
        major_label_text_color: text,
        major_label_text_font_size: large(11),
        axis_line_color: grid,
        major_tick_line_color: grid,
        minor_tick_line_color: null,
        major_tick_in: 0,
        major_tick_out: 4,
      })
    }
    for (const one of this.grids) one.setv({ grid_line_color: grid, grid_line_alpha: 0.45 })
    this.figure.setv({ background_fill_color: background, border_fill_color: background, outline_line_color: grid })
    this.words = words
  }
}
