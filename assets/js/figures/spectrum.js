// The spectrum's two figures: flux with noise and model above, residuals below.

/** @import { GestureTool } from "bokeh/models/tools/gestures/gesture_tool" */
/** @import { Ends, PaintedSpectrum, PaintedTrial, ThemeName } from "../payloads.ts" */
/** @import { CurveName, LineMark, MeasuredDrawing, SpectrumFrame } from "../protocol.d.ts" */

import { interpolated, nearest } from "../base/arrays.js"
import { clipGlyphs, newDocument } from "../base/bokeh_internals.js"
import { FIGURES, INK } from "../base/declared.js"
import { debounced, large, magnified } from "../base/dom.js"
import { FigureCell } from "./figure.js"
import { emptySources, spectrumGlyphs, spectrumSources, strips } from "./spectrum_glyphs.js"

const MINIMUM_ZOOM = 1e-9
const ZOOMED_AFTER = 120
const LEFT_BORDER = 58
const MIN_NOTE_HEIGHT = 60 // of the lower frame, in pixels
const LINE_INK = "#8b95a1"

/** @typedef {"zoom" | "pan" | "mask" | "measure"} SpectrumTool */
/** @typedef {[text: string, colour: string][]} LineEntries */

export class SpectrumFigure {
  /** @type {SpectrumTool} */
  tool = "zoom"
  /** @type {ThemeName} */
  theme = "light"
  /** @type {PaintedSpectrum | null} - On screen. */
  drawing = null
  /** @type {Omit<PaintedTrial, "flux"> | null} - Residuals and legend on screen. */
  below = null
  /** @type {Ends | null} - Of the axis of wavelengths, as the server knows them. */
  known = null
  tried = false
  /** @type {Float64Array} - Wavelengths of the pixels, at rest in vacuum. */
  rest = new Float64Array()
  /** @type {Float64Array} - The same in air. */
  restInAir = new Float64Array()
  w = new Float32Array()
  stretch = 1
  air = false
  unmask = false

  /**
   * @param {HTMLElement} top
   * @param {HTMLElement} bottom
   * @param {object} actions
   * @param {(ends: Ends, on: boolean) => void} actions.onMask - Wavelengths at rest.
   * @param {(ends: Ends) => void} actions.onMeasure - Wavelengths at rest.
   * @param {(ends: Ends) => void} actions.onZoom - Wavelengths at rest.
   * @param {() => void} actions.onHome
   * @param {(text: string) => void} actions.onHover
   * @param {(entries: LineEntries, below: boolean) => void} actions.onDrawn
   */
  constructor(top, bottom, { onMask, onMeasure, onZoom, onHome, onHover, onDrawn }) {
    this.onMask = onMask
    this.onMeasure = onMeasure
    this.onZoom = onZoom
    this.onHome = onHome
    this.onHover = onHover
    this.onDrawn = onDrawn
    this.cells = [top, bottom]
    /** @type {(label: string, ends: Ends) => { label: string, ends: Ends, home: Ends }} */
    const axis = (label, ends) => ({ label, ends, home: ends })
    const x = axis("", [4000, 9000])
    this.flux = new FigureCell(top, { title: "Spectrum", x, y: axis("normalised flux", [0, 1.4]) }, 0, () => {})
    this.pull = new FigureCell(bottom, { title: "Residuals", x, y: axis("residual / σ", [-5, 5]) }, 0, () => {})
    this.both = [this.flux, this.pull]
    this.pull.figure.x_range = this.flux.xRange
    this.flux.axes.x.visible = false
    this.flux.xRange.change.connect(debounced(() => this.tellZoom(), ZOOMED_AFTER))
    // Fluxes of any instrument.
    for (const plot of this.both) plot.yRange.setv({ min_interval: null, max_interval: null })
    this.sources = spectrumSources()
    this.made = spectrumGlyphs(this.flux, this.pull, this.sources)
    this.magnify()
  }

  magnify() {
    for (const plot of this.both) {
      plot.magnify()
      plot.figure.setv({ min_border_left: LEFT_BORDER * magnified(), min_border_right: 8 })
    }
    for (const labels of [this.made.names, this.made.bands]) labels.text_font_size = large(10)
    this.made.about.text_font_size = large(10)
    this.recolour(this.theme)
  }

  async build() {
    const document = newDocument()
    for (const plot of this.both) {
      document.add_root(plot.figure)
      plot.figure.on_event("mousemove", (event) => this.onHover(this.valuesAt(event.x)))
      plot.figure.on_event("mouseleave", () => this.onHover(""))
      plot.figure.on_event("doubletap", () => this.onHome())
      plot.figure.on_event("selectiongeometry", ({ final, geometry }) => {
        if (final && geometry.type === "rect") this.dragged(geometry.x0, geometry.x1)
      })
      for (const kind of /** @type {const} */ (["pointerdown", "pointerup"])) {
        plot.cell.addEventListener(kind, (event) => {
          this.unmask = event.shiftKey
        }, true)
      }
      plot.wheel.dimensions = "width"
    }
    this.use(this.tool)
    this.recolour(this.theme)
    const views = await globalThis.Bokeh.embed.add_document_standalone(document, this.cells[0], this.cells)
    for (const plot of this.both) {
      plot.view = views.get_one(plot.figure)
      clipGlyphs(plot.view)
      plot.view.repainted.connect(() => this.align())
    }
    this.use(this.tool) // a toolbar that is not on the page yet forgets its wheel
  }

  /** Begin both frames at the same place, where labels of one axis are wider. */
  align() {
    const height = this.pull.view?.is_displayed ? this.pull.view.frame.bbox.height : 0
    this.made.about.visible = height >= MIN_NOTE_HEIGHT // below, it is the tooltip alone
    const lefts = this.both.map(({ view }) => view?.is_displayed ? view.frame.bbox.left : 0)
    if (Math.min(...lefts) < 1 || Math.abs(lefts[0] - lefts[1]) < 1) return
    for (const { figure } of this.both) figure.min_border_left = Math.max(...lefts)
  }

  /** @param {SpectrumTool} tool */
  use(tool) {
    const M = globalThis.Bokeh.Models
    this.tool = tool
    /** @type {Record<SpectrumTool, () => GestureTool>} */
    const make = {
      zoom: () => new M.BoxZoomTool({ dimensions: "auto" }),
      pan: () => new M.PanTool(),
      mask: () => new M.BoxSelectTool({ renderers: [], continuous: false, dimensions: "width" }),
      measure: () => new M.BoxSelectTool({ renderers: [], continuous: false, dimensions: "width" }),
    }
    for (const { figure, wheel } of this.both) {
      figure.toolbar.setv({ active_drag: "auto", active_tap: "auto", active_scroll: wheel })
      figure.toolbar.tools = [make[tool](), wheel]
    }
  }

  /**
   * @param {Float64Array} rest
   * @param {Float64Array} restInAir
   */
  setup(rest, restInAir) {
    this.rest = rest
    this.restInAir = restInAir
    this.w = Float32Array.from(rest)
    this.stretch = 1
    this.air = false
  }

  /**
   * Rest wavelength in vacuum of one of the axis.
   *
   * @param {number} x
   */
  toRest(x) {
    return this.air ? interpolated(x / this.stretch, this.restInAir, this.rest) : x / this.stretch
  }

  get ink() {
    return INK[this.theme]
  }

  /** @param {ThemeName} theme */
  recolour(theme) {
    this.theme = theme
    const { made, ink } = this
    for (const plot of this.both) plot.paintTheme(FIGURES[theme])
    made.flux.glyph.line_color = ink.data
    made.band.glyph.fill_color = ink.data
    made.model.glyph.line_color = ink.model
    made.trial.glyph.line_color = ink.trial
    for (const { glyph } of made.masked) glyph.setv({ fill_color: ink.masked, fill_alpha: 0.28 })
    for (const { glyph } of made.own) glyph.setv({ fill_color: ink.own, fill_alpha: 0.3 })
    for (const { glyph } of made.telluric) {
      glyph.setv({ fill_color: ink.masked, fill_alpha: 0.14, hatch_pattern: "/", hatch_alpha: 0.15 })
    }
    for (const glyph of [made.level.glyph, made.fit.glyph]) glyph.line_color = ink.measured
    made.area.glyph.fill_color = ink.measured
    for (const labels of [made.bands, made.about]) labels.text_color = FIGURES[theme].text
    made.about.setv({ background_fill_color: FIGURES[theme].background, background_fill_alpha: 0.8 })
    if (this.drawing) this.mark(this.drawing.marks)
    this.colourTrial()
    this.nameCurves()
  }

  /**
   * Replace everything on screen.
   *
   * @param {PaintedSpectrum | null} drawing
   */
  paint(drawing) {
    const { sources } = this
    this.drawing = drawing
    if (!drawing) {
      emptySources(sources)
      this.below = null
      this.onDrawn([], false)
      return
    }
    const { flux, low, high, model, pinned, compared, stretch, air } = drawing
    if (stretch !== this.stretch || air !== this.air) {
      this.w = Float32Array.from(air ? this.restInAir : this.rest, (value) => value * stretch)
    }
    Object.assign(this, { stretch, air })
    this.known = drawing.ends
    setEnds(this.flux.xRange, drawing.ends)
    setEnds(this.flux.yRange, drawing.flux_ends)
    if (this.flux.axes.y.axis_label !== drawing.flux_label) {
      for (const { figure } of this.both) figure.min_border_left = LEFT_BORDER * magnified()
    }
    this.flux.axes.y.axis_label = drawing.flux_label
    for (const plot of this.both) plot.axes.x.axis_label = drawing.label
    this.mark(drawing.marks)
    this.paintMeasured(drawing.measured)
    sources.masked.data = strips(drawing.masked)
    sources.own.data = strips(drawing.own)
    sources.telluric.data = {
      name: drawing.telluric.map(([name]) => name),
      ...strips(drawing.telluric.map(([, left, right]) => [left, right])),
    }
    sources.curve.data = { w: this.w, flux, low, high, model }
    const colour = pinned.map((pin) => pin.colour)
    sources.pins.data = { xs: pinned.map(() => this.w), ys: pinned.map((pin) => pin.flux), colour }
    sources.against.data = compared
      ? { xs: pinned.map(() => this.w), ys: compared.curves, colour }
      : { xs: [], ys: [], colour: [] }
    for (const layer of [this.made.pull, this.made.clipped]) layer.visible = !compared
    if (compared) {
      setEnds(this.pull.yRange, compared.ends)
      this.pull.axes.y.axis_label = compared.label
    }
    this.paintBelow(drawing, drawing.trial ?? null)
  }

  /** @param {LineMark[]} marks */
  mark(marks) {
    const { text } = FIGURES[this.theme]
    this.sources.features.data = {
      name: marks.map(([name]) => name),
      w: marks.map(([, at]) => at),
      top: marks.map(([, , top]) => top),
      bottom: marks.map(() => this.drawing?.flux_ends[0] ?? 0),
      ink: marks.map(([, , , colour]) => colour || LINE_INK),
      text: marks.map(([, , , colour]) => colour || text),
    }
  }

  /** @param {MeasuredDrawing | undefined} measured */
  paintMeasured(measured) {
    const { area, fit } = this.sources
    area.data = { w: measured?.wavelength ?? [], flux: measured?.flux ?? [], level: measured?.continuum ?? [] }
    fit.data = { w: measured?.fit_at ?? [], flux: measured?.fit ?? [] }
  }

  /** @param {SpectrumFrame} frame - Of the spectrum on screen, after a zoom. */
  paintFrame({ residual_ends: ends, beyond, marks }) {
    if (!this.drawing || !this.below) return
    this.drawing = { ...this.drawing, marks }
    this.below = { ...this.below, residuals: { ...this.below.residuals, ends, beyond } }
    this.mark(marks)
    this.paintPull()
  }

  /** @param {PaintedTrial} trial - For the spectrum on screen. */
  paintTrial(trial) {
    if (this.drawing) this.paintBelow(trial, trial.flux)
  }

  /**
   * @param {Omit<PaintedTrial, "flux">} below
   * @param {Float32Array | null} trial
   */
  paintBelow(below, trial) {
    const { sources, w } = this
    this.below = below
    this.tried = trial !== null
    sources.trial.data = trial ? { w, flux: trial } : { w: [], flux: [] }
    sources.pull.data = { w, pull: below.residuals.values }
    this.paintPull()
    this.colourTrial()
    this.nameCurves()
  }

  /** Paint the axis of residuals, and marks of those beyond it. */
  paintPull() {
    if (!this.below) return
    const { ends, label, about, beyond } = this.below.residuals
    this.sources.clipped.data = {
      w: beyond.map(([at]) => at),
      at: beyond.map(([, height]) => height),
      marker: beyond.map(([, , upwards]) => upwards ? "triangle" : "inverted_triangle"),
    }
    this.made.about.text = this.drawing?.compared ? "" : about
    this.cells[1].title = this.made.about.text
    if (this.drawing?.compared) return
    setEnds(this.pull.yRange, ends)
    this.pull.axes.y.axis_label = label
  }

  colourTrial() {
    const { made, ink, tried } = this
    made.pull.glyph.line_color = tried ? ink.trial : ink.data
    made.clipped.glyph.fill_color = tried ? ink.trial : ink.data
    const { text } = FIGURES[this.theme]
    this.pull.axes.y.axis_label_text_color = tried && !this.drawing?.compared ? ink.trial : text
  }

  nameCurves() {
    const { drawing, below, ink } = this
    if (!drawing || !below) return
    this.flux.axes.x.visible = !below.lower // whichever figure is the lower one tells the wavelengths
    const named = (/** @type {CurveName} */ [text, name]) => /** @type {[string, string]} */ ([text, ink[name]])
    const pinned = drawing.pinned.map((pin) => /** @type {[string, string]} */ ([pin.obsid, pin.colour]))
    this.onDrawn([...below.curves.map(named), ...pinned], below.lower)
  }

  // ---- gestures ----

  /**
   * @param {number} x0
   * @param {number} x1
   */
  dragged(x0, x1) {
    /** @type {Ends} */
    const ends = [this.toRest(Math.min(x0, x1)), this.toRest(Math.max(x0, x1))]
    if (!(ends[1] > ends[0]) || !this.drawing) return
    if (this.tool === "measure") this.onMeasure(ends)
    else this.onMask(ends, !this.unmask)
  }

  /** Report the wavelengths on screen, where a gesture has changed them. */
  tellZoom() {
    const { known } = this
    const { start, end } = this.flux.xRange
    if (!known || [start, end].every((value, k) => Math.abs(value - known[k]) <= MINIMUM_ZOOM * known[k])) return
    this.known = [start, end]
    this.onZoom([this.toRest(start), this.toRest(end)])
  }

  /** @param {number} x */
  valuesAt(x) {
    const { drawing, below, w } = this
    if (!drawing || !below) return ""
    const k = nearest(w, x)
    const { arm_edge: armEdge } = drawing
    const arm = armEdge === null ? [] : [w[k] < armEdge ? "blue arm" : "red arm"]
    const masked = drawing.masked.some(([left, right]) => left <= w[k] && w[k] <= right)
    const state = [...arm, ...(masked ? ["masked"] : [])].join(", ")
    /** @type {(value: number, digits: number) => string} */
    const text = (value, digits) => (Number.isFinite(value) ? value.toFixed(digits) : "–")
    const half = text((drawing.high[k] - drawing.low[k]) / 2, 3)
    return [
      `${w[k].toFixed(1)} Å${state && ` (${state})`}`,
      `flux ${text(drawing.flux[k], 3)} ± ${half}`,
      `model ${text(drawing.model[k], 3)}`,
      `${this.tried ? "trial " : ""}residual ${text(below.residuals.values[k], 1)} σ`,
    ].join("  ")
  }
}

/**
 * @param {FigureCell["xRange"]} range
 * @param {Ends} ends
 */
function setEnds(range, [start, end]) {
  range.setv({ start, end })
}
