// The spectrum's two figures: flux with noise and model above, residuals below.

/** @import { GestureTool } from "bokeh/models/tools/gestures/gesture_tool" */
/** @import { Ends, Look, Star, StarSetup } from "../payloads.d.ts" */
/** @import { Theme } from "../protocol.d.ts" */

import { clipGlyphs, newDocument } from "../base/bokeh_internals.js"
import { DRAWING, INK, PIN_COLOURS } from "../base/declared.js"
import { large, magnified } from "../base/dom.js"
import { FigureCell } from "./figure.js"
import { merged, pixelsIn, stretches, without } from "./intervals.js"
import { emptySources, spectrumGlyphs, spectrumSources } from "./spectrum_glyphs.js"
import {
  clipped,
  dopplerFactor,
  fluxEnds,
  labelSteps,
  nearestPixel,
  noiseBand,
  pulled,
  residuals,
  smooth,
  spread,
} from "./spectrum_numbers.js"

/** @type {Theme} - Until the server has sent one. */
const FIRST_THEME = { dark: false, text: "#55606d", grid: "#c9ced6", background: "#ffffff", accent: "#000000" }
const NO_FEATURES = { w: [], top: [], bottom: [], name: [] }

/** @typedef {"zoom" | "pan" | "mask"} SpectrumTool */
/** @typedef {[text: string, colour: string][]} LineEntries */

/**
 * Data in the plots; all arrays have one length.
 *
 * @typedef {Record<"w" | "flux" | "low" | "high" | "model" | "pull", Float32Array>} Drawn
 */

export class SpectrumFigure {
  /** @type {Look} */
  look = { smooth: 0, lines: true, model: true, residual: true, raw: false, observed: false, compare: "over" }
  /** @type {SpectrumTool} */
  tool = "zoom"
  /** @type {Star[]} */
  pins = []
  /** @type {Ends[]} - Masked by the visitor, at rest. */
  ownMask = []
  /** @type {Float32Array | null} */
  trial = null
  /** @type {Theme | null} */
  theme = null
  /** @type {Star | null} */
  star = null
  /** @type {Drawn | null} */
  drawn = null
  /** @type {Ends | null} - Of the whole spectrum. */
  shownEnds = null
  /** @type {NonNullable<StarSetup["features"]>} */
  features = []
  /** @type {StarSetup["telluric"]} */
  telluric = []
  /** @type {Ends | null} */
  arms = null
  wavelength = new Float64Array()
  /** @type {Float32Array | null} - The label model's own error of each pixel. */
  sigma = null
  comparing = false
  unmask = false

  /**
   * @param {HTMLElement} top
   * @param {HTMLElement} bottom
   * @param {object} actions
   * @param {() => void} actions.onMask
   * @param {(text: string) => void} actions.onHover
   * @param {(entries: LineEntries, below: boolean) => void} actions.onDrawn
   */
  constructor(top, bottom, { onMask, onHover, onDrawn }) {
    this.onMask = onMask
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
    if (this.theme) this.recolour(this.theme)
  }

  async build() {
    const document = newDocument()
    for (const plot of this.both) {
      document.add_root(plot.figure)
      plot.figure.on_event("mousemove", (event) => this.onHover(this.valuesAt(event.x)))
      plot.figure.on_event("mouseleave", () => this.onHover(""))
      plot.figure.on_event("doubletap", () => this.home())
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
    this.recolour(this.theme ?? FIRST_THEME)
    const views = await globalThis.Bokeh.embed.add_document_standalone(document, this.cells[0], this.cells)
    for (const plot of this.both) {
      plot.view = views.get_one(plot.figure)
      clipGlyphs(plot.view)
    }
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

  /** @param {StarSetup} setup */
  setup({ wavelength, features, telluric, arms, refit }) {
    this.features = features ?? []
    this.telluric = telluric
    this.arms = arms
    this.wavelength = Float64Array.from(wavelength ?? [])
    this.sigma = refit.sigma ? new Float32Array(refit.sigma) : null
  }

  get ink() {
    return this.theme?.dark ? INK.dark : INK.light
  }

  /** @param {Theme} theme */
  recolour(theme) {
    this.theme = theme
    const { made, ink } = this
    for (const plot of this.both) plot.paintTheme(theme)
    made.flux.glyph.line_color = ink.data
    made.band.glyph.fill_color = ink.data
    made.model.glyph.line_color = ink.model
    made.trial.glyph.line_color = ink.trial
    for (const { glyph } of made.masked) glyph.setv({ fill_color: ink.masked, fill_alpha: 0.28 })
    for (const { glyph } of made.own) glyph.setv({ fill_color: ink.own, fill_alpha: 0.3 })
    for (const { glyph } of made.telluric) {
      glyph.setv({ fill_color: ink.masked, fill_alpha: 0.14, hatch_pattern: "/", hatch_alpha: 0.15 })
    }
    for (const labels of [made.names, made.bands]) labels.text_color = theme.text
    this.paintResiduals()
    this.showLines()
  }

  /** @param {Star | null} star */
  show(star) {
    if (star?.obsid !== this.star?.obsid) {
      this.ownMask = []
      this.trial = null
    }
    this.star = star
    this.redraw()
  }

  /** Factor from rest wavelengths to those of the axis. */
  get stretch() {
    return this.look.observed ? this.redshift : 1
  }

  get redshift() {
    return dopplerFactor(this.star?.rv ?? 0)
  }

  redraw() {
    const { sources, look, wavelength, stretch, redshift } = this
    const spectrum = this.star?.spectrum
    if (!spectrum) {
      emptySources(sources)
      this.drawn = null
      this.showLines()
      return
    }
    const n = wavelength.length
    const w = Float32Array.from(wavelength, (value) => value * stretch)
    const flux = smooth(spectrum.flux, look.smooth)
    const sigma = spectrum.ivar.map((ivar) => (ivar > 0 ? 1 / Math.sqrt(ivar) : NaN))
    const shown = this.times(flux)
    const data = {
      w,
      flux: shown,
      ...noiseBand(shown, this.times(sigma)),
      model: look.model ? this.times(spectrum.model) : new Float32Array(n).fill(NaN),
    }
    this.drawn = { ...data, pull: new Float32Array(n).fill(NaN) }
    if (this.shownEnds?.[0] !== w[0] || this.shownEnds?.[1] !== w[n - 1]) this.setEnds(w[0], w[n - 1])
    this.shownEnds = [w[0], w[n - 1]]
    const { start, end } = this.flux.xRange
    const [bottom, top] = fluxEnds(data, [start, end])
    this.flux.yRange.setv({ start: bottom, end: top })
    this.flux.axes.y.axis_label = look.raw ? "flux [instrumental]" : "normalised flux"
    const label = `${look.observed ? "Observed" : "Rest"} wavelength, vacuum [Å]`
    for (const plot of this.both) plot.axes.x.axis_label = label
    sources.features.data = look.lines ? this.marks(bottom, top) : { ...NO_FEATURES }
    sources.masked.data = stretches(w, spectrum.mask)
    this.shadeOwn()
    sources.telluric.data = {
      left: this.telluric.map(([, low]) => (low * stretch) / redshift),
      right: this.telluric.map(([, , high]) => (high * stretch) / redshift),
      name: this.telluric.map(([name]) => name),
    }
    sources.curve.data = data
    this.drawTrial()
    this.drawPins(w, flux)
    this.drawResiduals()
    this.showLines()
  }

  /**
   * Normalised values on the displayed scale: times the star's continuum if requested.
   *
   * @param {Float32Array} values
   */
  times(values) {
    const scale = this.look.raw ? this.star?.spectrum?.continuum : null
    return scale ? values.map((value, k) => value * scale[k]) : values
  }

  /**
   * @param {number} bottom
   * @param {number} top
   */
  marks(bottom, top) {
    const { start, end } = this.flux.xRange
    const { features } = this
    const w = features.map(([, at]) => at * this.stretch)
    const steps = labelSteps(w, DRAWING.crowded * (end - start))
    return {
      w,
      top: steps.map((step) => top - step * DRAWING.labelStep * (top - bottom)),
      bottom: w.map(() => bottom),
      name: features.map(([name]) => name),
    }
  }

  /**
   * @param {Float32Array} w
   * @param {Float32Array} flux
   */
  drawPins(w, flux) {
    const { pins, look, sources, star } = this
    const others = pins.filter((pin) => pin.spectrum && pin.obsid !== star?.obsid)
    const colour = others.map((pin) => PIN_COLOURS[pins.indexOf(pin)])
    const theirs = others.flatMap(({ spectrum }) => (spectrum ? [smooth(spectrum.flux, look.smooth)] : []))
    sources.pins.data = { xs: others.map(() => w), ys: theirs.map((values) => this.times(values)), colour }
    const comparing = look.compare !== "over" && others.length > 0
    const ratio = look.compare === "ratio"
    const against = theirs.map((values) => values.map((value, k) => (ratio ? flux[k] / value : flux[k] - value)))
    sources.against.data = comparing ? { xs: others.map(() => w), ys: against, colour } : { xs: [], ys: [], colour: [] }
    this.comparing = comparing
    for (const layer of [this.made.pull, this.made.clipped]) layer.visible = !comparing
    if (!comparing) return
    const [start, end] = spread(against.flatMap((values) => Array.from(values)), ratio)
    this.pull.yRange.setv({ start, end })
    this.pull.axes.y.axis_label = ratio ? "this / pinned" : "this − pinned"
  }

  /** Residuals of the trial if there is one, else of the published model. */
  drawResiduals() {
    const { sources, drawn, trial } = this
    const spectrum = this.star?.spectrum
    if (!spectrum || !drawn) return
    const hidden = pixelsIn(this.wavelength, this.ownMask)
    const raw = residuals(spectrum.flux, spectrum.ivar, trial ?? spectrum.model, this.sigma, hidden)
    drawn.pull = smooth(raw, this.look.smooth)
    sources.pull.data = { w: drawn.w, pull: drawn.pull }
    const ends = pulled(drawn.pull)
    sources.clipped.data = clipped(drawn.w, drawn.pull, ends)
    if (!this.comparing) {
      this.pull.yRange.setv({ start: ends[0], end: ends[1] })
      this.pull.axes.y.axis_label = trial ? "trial\nresidual / σ" : "residual / σ"
    }
    this.paintResiduals()
  }

  paintResiduals() {
    const { made, ink } = this
    const tried = Boolean(this.trial)
    made.pull.glyph.line_color = tried ? ink.trial : ink.data
    made.clipped.glyph.fill_color = tried ? ink.trial : ink.data
    const text = (this.theme ?? FIRST_THEME).text
    this.pull.axes.y.axis_label_text_color = tried && !this.comparing ? ink.trial : text
  }

  showLines() {
    const { star, look, pins, ink } = this
    if (!star?.spectrum) return this.onDrawn([], false)
    const fitted = star.spectrum.model.some(Number.isFinite)
    const below = look.residual && (fitted || this.comparing || Boolean(this.trial))
    this.flux.axes.x.visible = !below // whichever figure is the lower one tells the wavelengths
    /** @type {LineEntries} */
    const entries = [["data", ink.data]]
    if (look.model && fitted) entries.push(["published model", ink.model])
    if (this.trial) entries.push(["trial model", ink.trial])
    for (const [k, pin] of pins.entries()) if (pin.obsid !== star.obsid) entries.push([pin.obsid, PIN_COLOURS[k]])
    this.onDrawn(entries, below)
  }

  drawTrial() {
    const { trial, drawn, sources } = this
    const shown = trial && drawn && this.star?.spectrum
    sources.trial.data = shown ? { w: drawn.w, flux: this.times(trial) } : { w: [], flux: [] }
  }

  /** @param {Float32Array | null} model */
  setTrial(model) {
    this.trial = model
    this.drawTrial()
    this.drawResiduals()
    this.showLines()
  }

  // ---- masks ----

  /**
   * @param {number} x0
   * @param {number} x1
   */
  maskBetween(x0, x1) {
    /** @type {Ends} */
    const ends = [Math.min(x0, x1) / this.stretch, Math.max(x0, x1) / this.stretch]
    if (ends[1] > ends[0] && this.star?.spectrum) this.mask(ends, !this.unmask)
  }

  /**
   * @param {Ends} ends
   * @param {boolean} on
   */
  mask([low, high], on) {
    this.ownMask = on ? merged([...this.ownMask, [low, high]]) : without(this.ownMask, low, high)
    this.shadeOwn()
    this.redraw()
    this.onMask()
  }

  shadeOwn() {
    const { stretch } = this
    this.sources.own.data = {
      left: this.ownMask.map(([low]) => low * stretch),
      right: this.ownMask.map(([, high]) => high * stretch),
    }
  }

  // ---- looking ----

  /**
   * @param {number} start
   * @param {number} end
   */
  setEnds(start, end) {
    this.flux.xRange.setv({ start, end })
  }

  home() {
    if (!this.shownEnds) return
    this.setEnds(...this.shownEnds)
    this.redraw()
  }

  /** @param {Ends} ends - At rest. */
  zoom([low, high]) {
    this.setEnds(low * this.stretch, high * this.stretch)
    this.redraw()
  }

  /** @param {number} x */
  valuesAt(x) {
    const { drawn, arms } = this
    const spectrum = this.star?.spectrum
    if (!spectrum || !drawn) return ""
    const k = nearestPixel(drawn.w, x)
    const observed = drawn.w[k] * (this.redshift / this.stretch)
    const arm = arms ? [observed < (arms[0] + arms[1]) / 2 ? "blue arm" : "red arm"] : []
    const state = [...arm, ...(spectrum.mask[k] ? ["masked"] : [])].join(", ")
    /** @type {(value: number, digits: number) => string} */
    const text = (value, digits) => (Number.isFinite(value) ? value.toFixed(digits) : "–")
    const half = text((drawn.high[k] - drawn.low[k]) / 2, 3)
    return [
      `${drawn.w[k].toFixed(1)} Å${state && ` (${state})`}`,
      `flux ${text(drawn.flux[k], 3)} ± ${half}`,
      `model ${text(drawn.model[k], 3)}`,
      `${this.trial ? "trial " : ""}residual ${text(drawn.pull[k], 1)} σ`,
    ].join("  ")
  }
}
