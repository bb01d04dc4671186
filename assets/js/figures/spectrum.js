// The spectrum's two figures: flux with noise and model above, residuals below; what is drawn is computed here, at once.

import { large, magnified } from "../base/dom.js"
import { FigureCell } from "./figure.js"
import { merged, noiseBand, pulled, smooth, spread, stretches, without } from "./spectrum_numbers.js"

const LIGHT_KMS = 299792.458
export const SMOOTHINGS = [0, 1, 2, 4, 8]
export const PIN_COLOURS = ["#e69f00", "#009e73", "#cc79a7", "#56b4e9"]
const INK = {
  false: { data: "#3d434b", model: "#d1495b", trial: "#8000c8", masked: "#8b95a1", own: "#e69f00" },
  true: { data: "#c8ccd2", model: "#ff7a5c", trial: "#c58bff", masked: "#77818d", own: "#ffb454" },
}

export class SpectrumFigure {
  constructor(top, bottom, { onMask, onHover, onDrawn }) {
    Object.assign(this, { onMask, onHover, onDrawn })
    this.look = { smooth: 0, lines: true, model: true, residual: true, raw: false, observed: false, compare: "over" }
    this.tool = "zoom"
    this.pins = []
    this.ownMask = []
    this.trial = null
    this.dark = false
    this.cells = [top, bottom]
    const axis = (label, ends) => ({ label, ends, home: ends })
    const cell = (element, title, y) => new FigureCell(element, { title, x: axis("", [4000, 9000]), y }, 0, () => {})
    this.flux = cell(top, "Spectrum", axis("normalised flux", [0, 1.4]))
    this.pull = cell(bottom, "Residuals", axis("residual / σ", [-5, 5]))
    this.pull.figure.x_range = this.flux.xRange
    this.flux.axes.x.visible = false
    for (const one of [this.flux, this.pull]) one.yRange.setv({ min_interval: null, max_interval: null }) // of any instrument
    this.glyphs()
    this.magnify()
  }

  magnify() {
    for (const one of [this.flux, this.pull]) {
      one.magnify()
      one.figure.setv({ min_border_left: 58 * magnified(), min_border_right: 8 })
    }
    for (const name of ["names", "bands"]) this.made[name].text_font_size = large(10)
    if (this.theme) this.recolour(this.theme)
  }

  glyphs() {
    const M = globalThis.Bokeh.Models, f = (name) => ({ field: name })
    const source = (data, name) => new M.ColumnDataSource({ data, name: name ?? null })
    const strip = () => source({ left: [], right: [] })
    this.sources = {
      curve: source({ w: [], flux: [], low: [], high: [], model: [] }, "spectrum"),
      trial: source({ w: [], flux: [] }, "trial"),
      masked: strip(),
      own: strip(),
      telluric: source({ left: [], right: [], name: [] }),
      pins: source({ xs: [], ys: [], colour: [] }, "pins"),
      pull: source({ w: [], pull: [] }, "residuals"),
      clipped: source({ w: [], at: [], marker: [] }, "clipped"),
      against: source({ xs: [], ys: [], colour: [] }, "against"),
      features: source({ w: [], top: [], bottom: [], name: [] }, "features"),
    }
    const S = this.sources, made = {}
    for (const where of ["flux", "pull"]) {
      for (const name of ["masked", "telluric", "own"]) {
        made[`${name}_${where}`] = this[where].layer(
          new M.VStrip({ x0: f("left"), x1: f("right"), line_color: null }),
          S[name],
          name === "own" ? "overlay" : "underlay",
        )
      }
    }
    made.band = this.flux.layer(
      new M.VArea({ x: f("w"), y1: f("low"), y2: f("high"), fill_alpha: 0.22 }),
      S.curve,
      "glyph",
    )
    made.pins = this.flux.layer(
      new M.MultiLine({ xs: f("xs"), ys: f("ys"), line_color: f("colour"), line_width: 1 }),
      S.pins,
      "glyph",
    )
    made.flux = this.flux.layer(new M.Line({ x: f("w"), y: f("flux"), line_width: 1 }), S.curve, "glyph")
    made.model = this.flux.layer(new M.Line({ x: f("w"), y: f("model"), line_width: 1.2 }), S.curve, "glyph")
    made.trial = this.flux.layer(
      new M.Line({ x: f("w"), y: f("flux"), line_width: 1.4, line_alpha: 0.9 }),
      S.trial,
      "overlay",
    )
    made.pull = this.pull.layer(new M.Line({ x: f("w"), y: f("pull"), line_width: 0.8 }), S.pull, "glyph")
    made.clipped = this.pull.layer(
      new M.Scatter({ x: f("w"), y: f("at"), marker: f("marker"), size: 6, line_color: null }),
      S.clipped,
      "overlay",
    )
    made.against = this.pull.layer(
      new M.MultiLine({ xs: f("xs"), ys: f("ys"), line_color: f("colour"), line_width: 1 }),
      S.against,
      "glyph",
    )
    made.marks = this.flux.layer(
      new M.Segment({
        x0: f("w"),
        x1: f("w"),
        y0: f("bottom"),
        y1: f("top"),
        line_color: "#8b95a1",
        line_alpha: 0.55,
        line_dash: "dotted",
      }),
      S.features,
      "underlay",
    )
    const words = (attributes) => {
      const set = new M.LabelSet({ text: f("name"), angle: Math.PI / 2, ...attributes })
      this.flux.figure.add_layout(set, "center")
      return set
    }
    made.names = words({ x: f("w"), y: f("top"), source: S.features, x_offset: 4, y_offset: -2, text_align: "right" })
    made.bands = words({ x: f("left"), y: 4, y_units: "screen", source: S.telluric, x_offset: 12 })
    this.made = made
  }

  async build() {
    const M = globalThis.Bokeh.Models
    this.document = new globalThis.Bokeh.documents[0].constructor()
    for (const one of [this.flux, this.pull]) {
      this.document.add_root(one.figure)
      one.figure.on_event("mousemove", (event) => this.onHover(this.valuesAt(event.x)))
      one.figure.on_event("mouseleave", () => this.onHover(""))
      one.figure.on_event("doubletap", () => this.home())
      one.figure.on_event("selectiongeometry", (event) => event.final && this.maskedBy(event.geometry))
      for (const kind of ["pointerdown", "pointerup"]) {
        one.cell.addEventListener(kind, (event) => {
          this.unmask = event.shiftKey
        }, true)
      }
      one.wheel.dimensions = "width"
    }
    this.grip = {
      zoom: () => new M.BoxZoomTool({ dimensions: "auto" }),
      pan: () => new M.PanTool(),
      mask: () => new M.BoxSelectTool({ renderers: [], continuous: false, dimensions: "width" }),
    }
    this.use(this.tool)
    this.recolour(this.theme ?? { dark: false, text: "#55606d", grid: "#c9ced6", background: "#ffffff" })
    const views = await globalThis.Bokeh.embed.add_document_standalone(this.document, this.cells[0], this.cells)
    for (const one of [this.flux, this.pull]) {
      one.view = views.get(one.figure)
      // Bokeh clips what lies on the lower canvas alone.
      for (const view of one.view.computed_renderer_views) {
        if (view.glyph) Object.defineProperty(view, "needs_clip", { get: () => true })
      }
    }
  }

  use(tool) {
    this.tool = tool
    for (const { figure, wheel } of [this.flux, this.pull]) {
      figure.toolbar.setv({ active_drag: "auto", active_tap: "auto", active_scroll: wheel })
      figure.toolbar.tools = [this.grip[tool](), wheel]
    }
  }

  setup({ wavelength, features, telluric, arms, refit }) {
    Object.assign(this, { features: features ?? [], telluric, arms })
    this.wavelength = wavelength ? Float64Array.from(wavelength) : new Float64Array()
    this.sigma = refit.sigma
  }

  recolour(theme) {
    this.theme = theme
    const ink = INK[theme.dark], { made } = this
    for (const one of [this.flux, this.pull]) one.paintTheme(theme)
    made.flux.glyph.line_color = ink.data
    made.band.glyph.fill_color = ink.data
    made.model.glyph.line_color = ink.model
    made.trial.glyph.line_color = ink.trial
    for (const where of ["flux", "pull"]) {
      made[`masked_${where}`].glyph.setv({ fill_color: ink.masked, fill_alpha: 0.28 })
      made[`own_${where}`].glyph.setv({ fill_color: ink.own, fill_alpha: 0.3 })
      made[`telluric_${where}`].glyph.setv({
        fill_color: ink.masked,
        fill_alpha: 0.14,
        hatch_pattern: "/",
        hatch_alpha: 0.15,
      })
    }
    for (const name of ["names", "bands"]) made[name].text_color = theme.text
    this.paintResiduals()
    this.showLines()
  }

  show(star) {
    if (star?.obsid !== this.star?.obsid) {
      this.ownMask = []
      this.trial = null
    }
    this.star = star
    this.redraw()
  }

  // From rest to what the axis shows.
  get stretch() {
    return this.look.observed ? this.redshift : 1
  }

  get redshift() {
    const beta = (this.star?.rv ?? 0) / LIGHT_KMS
    return Math.sqrt((1 + beta) / (1 - beta))
  }

  redraw() {
    const { star, sources, look, wavelength } = this
    if (!star?.flux) {
      for (const source of Object.values(sources)) {
        source.data = Object.fromEntries(Object.keys(source.data).map((key) => [key, []]))
      }
      this.drawn = null
      this.showLines()
      return
    }
    const n = wavelength.length, stretch = this.stretch
    const w = Float32Array.from(wavelength, (value) => value * stretch)
    const scale = look.raw ? star.continuum : null
    const flux = smooth(star.flux, look.smooth), sigma = star.ivar.map((ivar) => (ivar > 0 ? 1 / Math.sqrt(ivar) : NaN))
    const times = (values) => (scale ? values.map((value, k) => value * scale[k]) : values)
    const data = {
      w,
      flux: times(flux),
      ...noiseBand(times(flux), times(sigma)),
      model: look.model ? times(star.model) : new Float32Array(n).fill(NaN),
    }
    this.drawn = data
    if (this.shownEnds?.[0] !== w[0] || this.shownEnds?.[1] !== w[n - 1]) this.setEnds(w[0], w[n - 1])
    this.shownEnds = [w[0], w[n - 1]]
    const [bottom, top] = this.heights(data)
    this.flux.yRange.setv({ start: bottom, end: top })
    this.flux.axes.y.axis_label = look.raw ? "flux [instrumental]" : "normalised flux"
    this.flux.axes.x.axis_label = this.pull.axes.x.axis_label = `${
      look.observed ? "Observed" : "Rest"
    } wavelength, vacuum [Å]`
    sources.features.data = look.lines ? this.marks(bottom, top) : { w: [], top: [], bottom: [], name: [] }
    sources.masked.data = stretches(w, star.mask)
    this.shadeOwn()
    const seen = this.telluric.map((
      [name, low, high],
    ) => [name, (low * stretch) / this.redshift, (high * stretch) / this.redshift])
    sources.telluric.data = {
      left: seen.map((band) => band[1]),
      right: seen.map((band) => band[2]),
      name: seen.map((band) => band[0]),
    }
    sources.curve.data = data
    this.drawTrial()
    this.drawPins(w, flux, times)
    this.drawResiduals()
    this.showLines()
  }

  heights({ w, flux, model }) {
    const { start, end } = this.flux.xRange
    const values = []
    for (let k = 0; k < w.length; k++) {
      if (w[k] < start || w[k] > end) continue
      if (Number.isFinite(flux[k])) values.push(flux[k])
      if (Number.isFinite(model[k])) values.push(model[k])
    }
    if (!values.length) return [0, 1]
    values.sort((a, b) => a - b)
    const at = (share) => values[Math.min(values.length - 1, Math.floor(share * values.length))]
    const low = at(0.001), high = at(0.998), room = Math.max(high - low, 0.02 * Math.abs(high), 1e-6)
    return [low - 0.06 * room, high + 0.22 * room]
  }

  marks(bottom, top) {
    const { start, end } = this.flux.xRange, crowded = (end - start) / 40
    let level = 0, before = -Infinity
    const seen = this.features.map(([name, at]) => {
      const w = at * this.stretch
      level = w - before < crowded ? (level + 1) % 3 : 0
      before = w
      return { name, w, top: top - level * 0.1 * (top - bottom) }
    })
    return {
      w: seen.map((one) => one.w),
      top: seen.map((one) => one.top),
      bottom: seen.map(() => bottom),
      name: seen.map((one) => one.name),
    }
  }

  drawPins(w, flux, times) {
    const { pins, look, sources, star } = this
    const others = pins.filter((pin) => pin.flux && pin.obsid !== star.obsid)
    const colour = others.map((pin) => PIN_COLOURS[pins.indexOf(pin)])
    const theirs = others.map((pin) => smooth(pin.flux, look.smooth))
    sources.pins.data = { xs: others.map(() => w), ys: theirs.map(times), colour }
    const comparing = look.compare !== "over" && others.length > 0
    const ratio = look.compare === "ratio"
    const against = theirs.map((one) => one.map((value, k) => (ratio ? flux[k] / value : flux[k] - value)))
    sources.against.data = comparing ? { xs: others.map(() => w), ys: against, colour } : { xs: [], ys: [], colour: [] }
    this.comparing = comparing
    for (const name of ["pull", "clipped"]) this.made[name].visible = !comparing
    if (!comparing) return
    const [start, end] = spread(against.flatMap((one) => Array.from(one)), ratio)
    this.pull.yRange.setv({ start, end })
    this.pull.axes.y.axis_label = ratio ? "this / pinned" : "this − pinned"
  }

  // Of the trial while there is one, else of the published model; over noise and model error together.
  drawResiduals() {
    const { star, sources } = this
    if (!star?.flux || !this.drawn) return
    const model = this.trial ?? star.model, own = this.hidden()
    const raw = star.flux.map((flux, k) => {
      const error = this.sigma && Number.isFinite(this.sigma[k]) ? this.sigma[k] ** 2 : 0
      return own[k] || !(star.ivar[k] > 0) ? NaN : (flux - model[k]) / Math.sqrt(1 / star.ivar[k] + error)
    })
    const { w } = this.drawn, pull = smooth(raw, this.look.smooth)
    this.drawn.pull = pull
    sources.pull.data = { w, pull }
    const [low, high] = pulled(pull), beyond = Array.from(pull.keys()).filter((k) => Math.abs(pull[k]) > high)
    sources.clipped.data = {
      w: beyond.map((k) => w[k]),
      at: beyond.map((k) => 0.94 * (pull[k] > 0 ? high : low)),
      marker: beyond.map((k) => (pull[k] > 0 ? "triangle" : "inverted_triangle")),
    }
    if (!this.comparing) {
      this.pull.yRange.setv({ start: low, end: high })
      this.pull.axes.y.axis_label = this.trial ? "trial\nresidual / σ" : "residual / σ"
    }
    this.paintResiduals()
  }

  paintResiduals() {
    const ink = INK[this.theme?.dark ?? false], tried = Boolean(this.trial)
    this.made.pull.glyph.line_color = this.made.clipped.glyph.fill_color = tried ? ink.trial : ink.data
    this.pull.axes.y.axis_label_text_color = tried && !this.comparing ? ink.trial : this.theme?.text ?? "#55606d"
  }

  showLines() {
    const ink = INK[this.theme?.dark ?? false], { star, look, pins } = this
    if (!star?.flux) return this.onDrawn([], false)
    const fitted = star.model.some(Number.isFinite),
      below = look.residual && (fitted || this.comparing || Boolean(this.trial))
    this.flux.axes.x.visible = !below // whichever figure is the lower one tells the wavelengths
    this.onDrawn([
      ["data", ink.data],
      ...(look.model && fitted ? [["published model", ink.model]] : []),
      ...(this.trial ? [["trial model", ink.trial]] : []),
      ...pins.map((pin, k) => [pin.obsid, PIN_COLOURS[k]]).filter(([obsid]) => obsid !== star.obsid),
    ], below)
  }

  drawTrial() {
    const { trial, star, look } = this
    if (!trial || !star?.flux) {
      this.sources.trial.data = { w: [], flux: [] }
      return
    }
    const flux = look.raw ? trial.map((value, k) => value * star.continuum[k]) : trial
    this.sources.trial.data = { w: this.drawn.w, flux }
  }

  setTrial(model) {
    this.trial = model
    this.drawTrial()
    this.drawResiduals()
    this.showLines()
  }

  // ---- masks ----

  hidden() {
    const found = new Uint8Array(this.wavelength.length)
    for (const [low, high] of this.ownMask) {
      for (let k = 0; k < found.length; k++) if (this.wavelength[k] >= low && this.wavelength[k] <= high) found[k] = 1
    }
    return found
  }

  maskedBy({ x0, x1 }) {
    const ends = [Math.min(x0, x1) / this.stretch, Math.max(x0, x1) / this.stretch]
    if (ends[1] > ends[0] && this.star?.flux) this.mask(ends, !this.unmask)
  }

  mask([low, high], on) {
    const rest = on ? merged([...this.ownMask, [low, high]]) : without(this.ownMask, low, high)
    this.ownMask = rest
    this.shadeOwn()
    this.redraw()
    this.onMask(rest)
  }

  shadeOwn() {
    const stretch = this.stretch
    this.sources.own.data = {
      left: this.ownMask.map(([low]) => low * stretch),
      right: this.ownMask.map(([, high]) => high * stretch),
    }
  }

  // ---- looking ----

  setEnds(start, end) {
    this.flux.xRange.setv({ start, end })
  }

  home() {
    if (!this.shownEnds) return
    this.setEnds(...this.shownEnds)
    this.redraw()
  }

  zoom([low, high]) {
    this.setEnds(low * this.stretch, high * this.stretch)
    this.redraw()
  }

  valuesAt(x) {
    const { star, drawn } = this
    if (!star?.flux || !drawn) return ""
    let low = 0, high = drawn.w.length - 1
    while (high - low > 1) {
      const middle = (low + high) >> 1
      if (drawn.w[middle] > x) high = middle
      else low = middle
    }
    const k = x - drawn.w[low] < drawn.w[high] - x ? low : high
    const observed = drawn.w[k] * (this.redshift / this.stretch),
      blue = this.arms && observed < (this.arms[0] + this.arms[1]) / 2
    const arm = this.arms ? [blue ? "blue arm" : "red arm"] : []
    const text = (value, digits) => (Number.isFinite(value) ? value.toFixed(digits) : "–")
    const half = (drawn.high[k] - drawn.low[k]) / 2
    const state = [...arm, ...(star.mask[k] ? ["masked"] : [])].join(", ")
    return `${drawn.w[k].toFixed(1)} Å${state && ` (${state})`}  flux ${text(drawn.flux[k], 3)} ± ${
      text(half, 3)
    }  model ${text(drawn.model[k], 3)}  ${this.trial ? "trial " : ""}residual ${text(drawn.pull[k], 1)} σ`
  }
}
