// The spectrum's two figures: flux with noise and model above, residuals below.

/** @import { GestureTool } from "bokeh/models/tools/gestures/gesture_tool" */
/** @import { Ends, ThemeName } from "../payloads.ts" */
/** @import { CurveName, SpectrumDrawing, TrialDrawing } from "../protocol.d.ts" */

import { nearest } from "../base/arrays.js"
import { clipGlyphs, newDocument } from "../base/bokeh_internals.js"
import { FIGURES, INK } from "../base/declared.js"
import { debounced, large, magnified } from "../base/dom.js"
import { FigureCell } from "./figure.js"
import { emptySources, spectrumGlyphs, spectrumSources, strips } from "./spectrum_glyphs.js"

const MINIMUM_ZOOM = 1e-9
const ZOOMED_AFTER = 120

/** @typedef {"zoom" | "pan" | "mask"} SpectrumTool */
/** @typedef {[text: string, colour: string][]} LineEntries */

export class SpectrumFigure {
  /** @type {SpectrumTool} */
  tool = "zoom"
  /** @type {ThemeName} */
  theme = "light"
  /** @type {SpectrumDrawing | null} - On screen. */
  drawing = null
  /** @type {Omit<TrialDrawing, "flux"> | null} - Residuals and legend on screen. */
  below = null
  /** @type {Ends | null} - Of the axis of wavelengths, as the server knows them. */
  known = null
  tried = false
  /** @type {Float64Array} - Wavelengths of the pixels, at rest. */
  rest = new Float64Array()
  w = new Float32Array()
  stretch = 1
  unmask = false

  /**
   * @param {HTMLElement} top
   * @param {HTMLElement} bottom
   * @param {object} actions
   * @param {(ends: Ends, on: boolean) => void} actions.onMask - Wavelengths at rest.
   * @param {(ends: Ends) => void} actions.onZoom - Wavelengths at rest.
   * @param {() => void} actions.onHome
   * @param {(text: string) => void} actions.onHover
   * @param {(entries: LineEntries, below: boolean) => void} actions.onDrawn
   */
  constructor(top, bottom, { onMask, onZoom, onHome, onHover, onDrawn }) {
    this.onMask = onMask
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
      plot.figure.setv({ min_border_left: 58 * magnified(), min_border_right: 8 })
    }
    for (const labels of [this.made.names, this.made.bands]) labels.text_font_size = large(10)
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
        if (final && geometry.type === "rect") this.maskBetween(geometry.x0, geometry.x1)
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
    }
    this.use(this.tool) // a toolbar that is not on the page yet forgets its wheel
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
    }
    for (const { figure, wheel } of this.both) {
      figure.toolbar.setv({ active_drag: "auto", active_tap: "auto", active_scroll: wheel })
      figure.toolbar.tools = [make[tool](), wheel]
    }
  }

  /** @param {Float64Array} rest */
  setup(rest) {
    this.rest = rest
    this.w = Float32Array.from(rest)
    this.stretch = 1
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
    for (const labels of [made.names, made.bands]) labels.text_color = FIGURES[theme].text
    this.colourTrial()
    this.nameCurves()
  }

  /**
   * Replace everything on screen.
   *
   * @param {SpectrumDrawing | null} drawing
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
    const { flux, low, high, model, marks, pinned, compared } = drawing
    if (drawing.stretch !== this.stretch) this.w = Float32Array.from(this.rest, (value) => value * drawing.stretch)
    this.stretch = drawing.stretch
    this.known = drawing.ends
    setEnds(this.flux.xRange, drawing.ends)
    setEnds(this.flux.yRange, drawing.flux_ends)
    this.flux.axes.y.axis_label = drawing.flux_label
    for (const plot of this.both) plot.axes.x.axis_label = drawing.label
    sources.features.data = {
      name: marks.map(([name]) => name),
      w: marks.map(([, at]) => at),
      top: marks.map(([, , top]) => top),
      bottom: marks.map(() => drawing.flux_ends[0]),
    }
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

  /** @param {TrialDrawing} trial - For the spectrum on screen. */
  paintTrial(trial) {
    if (this.drawing) this.paintBelow(trial, trial.flux)
  }

  /**
   * @param {Omit<TrialDrawing, "flux">} below
   * @param {Float32Array | null} trial
   */
  paintBelow(below, trial) {
    const { sources, w } = this
    const { values, ends, label, beyond } = below.residuals
    this.below = below
    this.tried = trial !== null
    sources.trial.data = trial ? { w, flux: trial } : { w: [], flux: [] }
    sources.pull.data = { w, pull: values }
    sources.clipped.data = {
      w: beyond.map(([at]) => at),
      at: beyond.map(([, height]) => height),
      marker: beyond.map(([, , upwards]) => upwards ? "triangle" : "inverted_triangle"),
    }
    if (!this.drawing?.compared) {
      setEnds(this.pull.yRange, ends)
      this.pull.axes.y.axis_label = label
    }
    this.colourTrial()
    this.nameCurves()
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
  maskBetween(x0, x1) {
    /** @type {Ends} */
    const ends = [Math.min(x0, x1) / this.stretch, Math.max(x0, x1) / this.stretch]
    if (ends[1] > ends[0] && this.drawing) this.onMask(ends, !this.unmask)
  }

  /** Report the wavelengths on screen, where a gesture has changed them. */
  tellZoom() {
    const { known, stretch } = this
    const { start, end } = this.flux.xRange
    if (!known || [start, end].every((value, k) => Math.abs(value - known[k]) <= MINIMUM_ZOOM * known[k])) return
    this.known = [start, end]
    this.onZoom([start / stretch, end / stretch])
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
