// The focused star: spectrum above, and below it the card, the live refit, the evidence and the pinned stars.

/** @import { LineEntries, SpectrumTool } from "../figures/spectrum.js" */
/** @import { Ends, NoStar, Parts, Star, StarPacket, StarSetup, ThemeName, ZoomName } from "../payloads.ts" */
/** @import { Request, RestLine, SpectrumDrawing, SpectrumFrame } from "../protocol.d.ts" */

import { KEY_NAMES, SMOOTHINGS } from "../base/declared.js"
import { choices, element, icon, onMagnified, popup, relabel } from "../base/dom.js"
import { inPixels } from "../base/words.js"
import { SpectrumFigure } from "../figures/spectrum.js"
import { cardOf } from "./card.js"
import { ComparePane } from "./compare.js"
import { SpectrumControls } from "./controls.js"
import { EvidencePane } from "./evidence.js"
import { drawingOf, KeptStars, starOf } from "./kept.js"
import { LinesPane } from "./lines.js"
import { MeasuredBox } from "./measured.js"
import { StarNames } from "./names.js"
import { PhotometryBox } from "./photometry.js"
import { RefitPane } from "./refit.js"
import { SkyPane } from "./sky.js"
import { PANES, SPECTRUM_TOOLS, spectrumMenu, zoomButtons } from "./spectrum_menu.js"

const KEPT = 24
const NOBODY = { next: "", previous: "" }
/** @typedef {"card" | "lines" | "refit" | "evidence" | "compare" | "sky"} PaneName */
/** @typedef {"lines" | "model" | "residual" | "raw" | "observed" | "air"} Switch */

export class StarDock {
  /** @type {Star | null} */
  star = null
  /** @type {PaneName} */
  pane = "card"
  neighbours = NOBODY
  kept = new KeptStars(KEPT)
  controls = new SpectrumControls()
  /** @type {StarSetup["zooms"] | null} */
  zoomEnds = null
  lineZoom = 0
  raw = false
  simulated = false
  alone = false
  built = false

  /** @param {(message: Request) => void} send */
  constructor(send) {
    this.send = send
    this.title = element("strong", {}, "Spectrum")
    this.chips = element("span", { className: "chips" })
    /** @type {HTMLInputElement} */
    this.search = element("input", {
      className: "find",
      placeholder: "go to star",
      "aria-label": "Go to star",
      title: "An obsid, a Gaia source id, a designation (J…), or a position in degrees or sexagesimal",
      onchange: () => {
        send({ kind: "star_find", text: this.search.value })
        this.search.value = ""
        this.search.blur()
      },
    })
    this.more = icon("more_vert", "What the figure shows, and files", null, { "aria-expanded": "false" })
    this.popup = popup(this.more, () => spectrumMenu(this))
    this.wide = icon("open_in_full", "Enlarge", () => send({ kind: "star_page", on: !this.alone }))
    this.tools = choices("Drag in the spectrum", SPECTRUM_TOOLS, (tool) => this.use(tool))
    this.toolRow = element("div", { className: "row tools" }, this.tools.row, ...zoomButtons(this))
    this.readout = element("p", { className: "readout" })
    this.sentence = element("p", { className: "sentence", hidden: true })
    this.note = element("p", { className: "hint" })
    this.top = element("div", { className: "plot top" })
    this.bottom = element("div", { className: "plot bottom" })
    this.legend = element("p", { className: "legend lines", "aria-label": "What is drawn" })
    this.figure = new SpectrumFigure(this.top, this.bottom, {
      onMask: (ends, on) => this.mask(ends, on),
      onMeasure: (ends) => this.measure(ends),
      onZoom: (ends) => send(this.controls.zoomTo(ends)),
      onHome: () => this.whole(),
      onHover: (text) => this.read(text),
      onDrawn: (entries, below) => this.showLines(entries, below),
    })
    this.refit = new RefitPane(send, this.controls, {
      onTrial: (trial) => this.figure.paintTrial(trial),
      onChange: () => this.draw(),
    })
    this.evidence = new EvidencePane(send)
    this.lines = new LinesPane(send, (line) => this.zoomToLine(line))
    this.measured = new MeasuredBox({
      onContinuum: (continuum) => {
        this.controls.look.continuum = continuum
        this.draw()
      },
      onClose: () => this.measure(null),
      notify: (text) => this.read(text),
    })
    this.top.append(this.measured.el)
    this.photometry = new PhotometryBox()
    this.card = element("div", { className: "facts" })
    this.compare = new ComparePane(this.controls, () => this.draw(), (text) => this.read(text))
    this.sky = new SkyPane(send)
    this.names = new StarNames(send)
    /** @type {Record<PaneName, HTMLElement>} */
    this.panes = {
      card: element("div", {}, this.names.el, this.card),
      lines: this.lines.el,
      refit: this.refit.el,
      evidence: this.evidence.el,
      compare: this.compare.el,
      sky: this.sky.el,
    }
    this.tabs = choices("About the star", PANES, (name) => this.turn(name))
    this.el = this.layout()
    this.tools.press("zoom")
    this.turn("card")
    this.blank("")
    onMagnified(this.el, () => this.magnify())
    /** @type {Parts} */
    this.parts = {
      star_setup: (setup) => this.setup(setup),
      star: (star) => this.receive(star),
      drawn: (drawing) => this.drawn(drawing),
      frame: (frame) => this.framed(frame),
      lines: (state) => this.lines.receive(state),
      ahead: (stars) => stars.forEach((star) => this.kept.add(starOf(star))),
      pinned: (star) => this.compare.pin(this.kept.add(starOf(star))),
      trial: (model) => this.refit.tried(model.obsid, model.number, model.trial),
      refit: (answer) => this.refit.answer(answer),
      proposed: (proposed) => this.refit.proposed(proposed),
      evidence: (evidence) => this.evidence.receive(evidence),
      posterior: (posterior) => this.evidence.posterior(posterior),
      alike: (alike) => this.evidence.alike(alike),
      sky_setup: (setup) => {
        this.sky.setup(setup)
        this.names.setup(setup)
      },
      sky_view: (view) => this.sky.receive(view),
      sky_names: (names) => this.names.receive(names),
    }
  }

  layout() {
    const previous = icon("navigate_before", `Previous star (${KEY_NAMES.previous})`, () => this.step(-1))
    const next = icon("navigate_next", `Next star (${KEY_NAMES.next})`, () => this.step(1))
    const head = element("header", {}, this.title, this.chips, this.search, previous, next, this.more, this.wide)
    const tools = element("div", { className: "row tools" }, this.toolRow, this.readout)
    const figures = element(
      "section",
      { className: "card spectrum" },
      head,
      tools,
      this.note,
      this.legend,
      this.sentence,
      this.photometry.el,
      this.top,
      this.bottom,
      this.popup.el,
    )
    const pane = element("div", { className: "pane" }, ...Object.values(this.panes))
    const about = element("section", { className: "card about" }, element("header", {}, this.tabs.row), pane)
    return element("div", { className: "star" }, figures, about)
  }

  /** @param {string} text */
  read(text) {
    this.readout.textContent = text
  }

  /** @param {string} kind */
  refused(kind) {
    if (kind === "refit") this.refit.answer({ kind: "sentence", sentence: "The fit was refused." })
    if (kind === "sky_image") this.sky.refused()
    if (kind === "sky_names") this.names.refused()
    if (kind === "slide") this.refit.tried(null, null, null)
  }

  /** @param {StarSetup} setup */
  setup(setup) {
    this.zoomEnds = setup.zooms
    this.raw = Boolean(setup.raw)
    this.simulated = setup.simulated
    this.lineZoom = setup.line_zoom
    this.el.classList.toggle("bare", !setup.wavelength)
    if (!setup.wavelength) this.turn("card")
    const rest = Float64Array.from(setup.wavelength ?? [])
    this.lines.ends = [rest[0] ?? 0, rest[rest.length - 1] ?? 0]
    this.figure.setup(rest, Float64Array.from(setup.wavelength_air ?? []))
    this.refit.setup(setup.refit)
    if (!this.built && setup.wavelength) {
      void this.figure.build()
      this.built = true
    }
  }

  magnify() {
    this.figure.magnify()
    this.evidence.repaint()
    this.photometry.draw()
  }

  /** @param {ThemeName} theme */
  recolour(theme) {
    this.figure.recolour(theme)
    requestAnimationFrame(() => {
      this.evidence.repaint()
      this.photometry.repaint()
    })
  }

  /**
   * @param {LineEntries} entries
   * @param {boolean} below
   */
  showLines(entries, below) {
    this.bottom.classList.toggle("gone", !below)
    this.legend.hidden = !entries.length
    this.legend.replaceChildren(
      ...entries.map(([text, colour]) => element("b", {}, element("i", { style: `background:${colour}` }), text)),
    )
  }

  // ---- which star ----

  /** @param {StarPacket | NoStar} packet */
  receive(packet) {
    if (packet.kind === "sentence") {
      this.neighbours = NOBODY
      this.star = null
      return this.blank(packet.sentence)
    }
    const { next = "", previous = "" } = packet
    this.neighbours = { next, previous }
    const star = this.kept.add(starOf(packet))
    const before = this.star
    const known = before?.obsid === star.obsid && Boolean(before.spectrum) === Boolean(star.spectrum)
    if (!known) return this.show(star)
    // The spectrum was painted from data sent ahead; the star may have been judged since.
    if (String(before.remarks) !== String(star.remarks)) this.showCard(star)
    this.star = star
  }

  /** @param {Star} star */
  showCard(star) {
    this.card.replaceChildren(...cardOf(star, this.send, (text) => this.read(text)))
  }

  /**
   * Paint the next star from data sent ahead; the server's answer follows and replaces it.
   *
   * @param {1 | -1} by
   */
  step(by) {
    this.figure.tellZoom()
    const ready = this.kept.get(this.neighbours[by > 0 ? "next" : "previous"])
    if (ready && (!ready.spectrum || this.controls.isCurrent(ready.spectrum))) {
      this.neighbours = NOBODY
      this.show(ready)
    }
    this.send({ kind: "star_step", by })
  }

  /**
   * Request the next star that the visitor has not judged, which only the server knows.
   *
   * @param {1 | -1} by
   */
  stepUnvetted(by) {
    this.send({ kind: "star_step", by, unvetted: true })
  }

  /** @param {Star} star */
  show(star) {
    if (this.star?.obsid !== star.obsid) this.controls.masked = []
    this.star = star
    this.title.textContent = this.title.title = `obsid ${star.obsid}`
    const chip = (/** @type {string} */ text, /** @type {string} */ title) =>
      element("span", { className: "chip", title }, text)
    this.chips.replaceChildren(
      ...(star.facts.in_training ? [chip("training", "The label model was trained on this star")] : []),
      ...(this.simulated ? [chip("simulated", "This star and its spectrum are simulated")] : []),
    )
    this.note.textContent = star.note
    this.note.hidden = !star.note
    this.sentence.textContent = star.sentence
    this.sentence.hidden = !star.sentence
    this.top.hidden = this.bottom.hidden = Boolean(star.sentence)
    this.toolRow.hidden = !star.spectrum
    this.photometry.show(star.photometry)
    this.paint(star.spectrum)
    this.refit.show(star)
    this.showCard(star)
    this.compare.show(star)
    this.sky.show(star)
    this.names.show(star)
    if (this.pane === "evidence") this.evidence.ask(star)
  }

  /** @param {string} text */
  blank(text) {
    this.title.textContent = this.title.title = "Star"
    this.chips.replaceChildren()
    this.note.hidden = true
    this.sentence.textContent = text
    this.sentence.hidden = false
    this.top.hidden = this.bottom.hidden = this.toolRow.hidden = true
    this.photometry.show(undefined)
    this.card.replaceChildren()
    this.paint(null)
    this.refit.show(null)
    this.compare.show(null)
    this.sky.show(null)
    this.names.show(null)
    this.evidence.ask(null)
  }

  /** @param {Star["spectrum"]} spectrum */
  paint(spectrum) {
    this.figure.paint(spectrum)
    this.measured.show(spectrum?.measured, this.controls.look.continuum, spectrum?.ends ?? [0, 0])
  }

  /** Request the spectrum with the present settings. */
  draw() {
    this.figure.tellZoom()
    this.send(this.controls.draw(this.star?.obsid ?? "", this.refit.trial))
  }

  /** @param {SpectrumDrawing} drawing */
  drawn(drawing) {
    if (drawing.obsid === this.star?.obsid && this.controls.isLast(drawing)) this.paint(drawingOf(drawing))
  }

  /** @param {SpectrumFrame} frame */
  framed(frame) {
    if (frame.obsid === this.star?.obsid && this.controls.isCurrent(frame)) this.figure.paintFrame(frame)
  }

  // ---- how it is shown ----

  /** @param {boolean} on */
  widen(on) {
    this.alone = on
    relabel(this.wide, on ? "close_fullscreen" : "open_in_full", on ? "Back" : "Enlarge")
    this.evidence.forget()
    setTimeout(() => this.pane === "evidence" && this.evidence.ask(this.star), 60)
  }

  /** @param {PaneName} name */
  turn(name) {
    this.pane = name
    this.tabs.press(name)
    for (const [other, pane] of Object.entries(this.panes)) pane.hidden = other !== name
    if (name === "evidence") this.evidence.ask(this.star)
  }

  /** @param {SpectrumTool} tool */
  use(tool) {
    this.tools.press(tool)
    this.figure.use(tool)
    if (tool === "mask") this.turn("refit")
  }

  /** @param {ZoomName} name */
  zoom(name) {
    if (!this.star?.spectrum || !this.zoomEnds) return
    this.figure.tellZoom()
    this.controls.zoom = this.zoomEnds[name]
    this.draw()
  }

  whole() {
    this.figure.tellZoom()
    this.controls.zoom = null
    this.draw()
  }

  /**
   * @param {Ends} ends - At rest.
   * @param {boolean} on
   */
  mask(ends, on) {
    this.controls.mask(ends, on)
    this.refit.showMasks()
    this.draw()
  }

  /** @param {Ends | null} ends - At rest; null ends the measurement. */
  measure(ends) {
    this.controls.measured = ends
    this.draw()
  }

  /** @param {RestLine} line */
  zoomToLine([, wavelength]) {
    if (!this.star?.spectrum) return
    this.figure.tellZoom()
    this.controls.zoom = [wavelength - this.lineZoom, wavelength + this.lineZoom]
    this.draw()
  }

  /** @param {Switch} name */
  toggle(name) {
    if (name === "raw" && !this.raw) return
    const { look } = this.controls
    look[name] = !look[name]
    this.draw()
  }

  /** @param {1 | -1} by */
  smoother(by) {
    const { look } = this.controls
    const at = SMOOTHINGS.indexOf(look.smooth) + by
    look.smooth = SMOOTHINGS[Math.min(Math.max(at, 0), SMOOTHINGS.length - 1)]
    this.draw()
    this.read(look.smooth ? `smoothed over ${inPixels(look.smooth)}` : "not smoothed")
  }
}
