// The focused star: spectrum above, and below it the card, the live refit, the evidence and the pinned stars.

/** @import { LineEntries, SpectrumTool } from "../figures/spectrum.js" */
/** @import { NoStar, Parts, Star, StarPacket, StarSetup, ZoomName } from "../payloads.d.ts" */
/** @import { Request, Theme } from "../protocol.d.ts" */

import { plain } from "../base/arrays.js"
import { DRAWING, KEY_NAMES, STAR_FORMS } from "../base/declared.js"
import { choices, element, icon, onMagnified, popup, relabel } from "../base/dom.js"
import { options } from "../base/lists.js"
import { inPixels } from "../base/words.js"
import { SpectrumFigure } from "../figures/spectrum.js"
import { cardOf } from "./card.js"
import { ComparePane } from "./compare.js"
import { EvidencePane } from "./evidence.js"
import { KeptStars, starOf } from "./kept.js"
import { RefitPane } from "./refit.js"

const KEPT = 24
const NOBODY = { next: "", previous: "" }
/** @type {[key: SpectrumTool, label: string, title: string][]} */
const SPECTRUM_TOOLS = [
  ["zoom", "Zoom", "Drag zooms"],
  ["pan", "Move", "Drag moves"],
  ["mask", "Mask", "Drag masks pixels for the refit; with Shift it takes them back"],
]
/** @typedef {"card" | "refit" | "evidence" | "compare"} PaneName */
/** @type {[key: PaneName, label: string][]} */
const PANES = [["card", "Card"], ["refit", "Refit"], ["evidence", "Evidence"], ["compare", "Compare"]]
/** @typedef {"lines" | "model" | "residual" | "raw" | "observed"} Switch */

export class StarDock {
  /** @type {Star | null} */
  star = null
  /** @type {PaneName} */
  pane = "card"
  neighbours = NOBODY
  kept = new KeptStars(KEPT)
  /** @type {StarSetup["zooms"] | null} */
  zoomEnds = null
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
      placeholder: "go to obsid",
      "aria-label": "Go to obsid",
      inputMode: "numeric",
      onchange: () => {
        send({ kind: "star_find", text: this.search.value })
        this.search.value = ""
        this.search.blur()
      },
    })
    this.more = icon("more_vert", "What the figure shows, and files", null, { "aria-expanded": "false" })
    this.popup = popup(this.more, () => this.menu())
    this.wide = icon("open_in_full", "The star alone", () => send({ kind: "star_page", on: !this.alone }))
    this.tools = choices("Drag in the spectrum", SPECTRUM_TOOLS, (tool) => this.use(tool))
    this.readout = element("p", { className: "readout" })
    this.say = element("p", { className: "sentence", hidden: true })
    this.note = element("p", { className: "hint" })
    this.top = element("div", { className: "plot top" })
    this.bottom = element("div", { className: "plot bottom" })
    this.legend = element("p", { className: "legend lines", "aria-label": "What is drawn" })
    this.figure = new SpectrumFigure(this.top, this.bottom, {
      onMask: () => this.refit.showMasks(),
      onHover: (text) => this.read(text),
      onDrawn: (entries, below) => this.showLines(entries, below),
    })
    this.refit = new RefitPane(send, this.figure)
    this.evidence = new EvidencePane(send)
    this.card = element("div", { className: "facts" })
    this.compare = new ComparePane(this.figure, (text) => this.read(text))
    /** @type {Record<PaneName, HTMLElement>} */
    this.panes = { card: this.card, refit: this.refit.el, evidence: this.evidence.el, compare: this.compare.el }
    this.tabs = choices("About the star", PANES, (name) => this.turn(name))
    this.el = this.layout()
    this.tools.press("zoom")
    this.turn("card")
    this.compare.show()
    this.blank("")
    onMagnified(this.el, () => this.magnify())
    /** @type {Parts} */
    this.parts = {
      star_setup: (setup) => this.setup(setup),
      star: (star) => this.receive(star),
      ahead: (stars) => stars.forEach((star) => this.kept.add(starOf(star))),
      pinned: (star) => this.compare.pin(this.kept.add(starOf(star))),
      slid: (slid) => this.refit.slid(slid.obsid, slid.number, plain(slid.model)),
      refit: (answer) => this.refit.answer(answer),
      proposed: (proposed) => this.refit.proposed(proposed),
      evidence: (evidence) => this.evidence.receive(evidence),
      posterior: (posterior) => this.evidence.posterior(posterior),
      alike: (alike) => this.evidence.alike(alike),
    }
  }

  layout() {
    const previous = icon("navigate_before", `Previous star (${KEY_NAMES.previous})`, () => this.step(-1))
    const next = icon("navigate_next", `Next star (${KEY_NAMES.next})`, () => this.step(1))
    const head = element("header", {}, this.title, this.chips, this.search, previous, next, this.more, this.wide)
    const tools = element("div", { className: "row tools" }, this.tools.row, ...this.zooms(), this.readout)
    const figures = element(
      "section",
      { className: "card spectrum" },
      head,
      tools,
      this.note,
      this.legend,
      this.say,
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
    if (kind === "slide") this.refit.slid(null, null, null)
  }

  /** @param {StarSetup} setup */
  setup(setup) {
    this.zoomEnds = setup.zooms
    this.raw = Boolean(setup.raw)
    this.simulated = setup.simulated
    this.figure.setup(setup)
    this.refit.setup(setup.refit)
    if (!this.built) void this.figure.build()
    this.built = true
  }

  magnify() {
    this.figure.magnify()
    this.evidence.repaint()
  }

  /** @param {Theme} theme */
  recolour(theme) {
    this.figure.recolour(theme)
    requestAnimationFrame(() => this.evidence.repaint())
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
    const known = before?.obsid === star.obsid && before.spectrum?.flux.length === star.spectrum?.flux.length
    if (!known) return this.show(star)
    // The spectrum was painted from data sent ahead; the star may have been judged since.
    if (String(before.remarks) !== String(star.remarks)) this.card.replaceChildren(...cardOf(star, this.send))
    this.star = star
  }

  /**
   * Paint the next star from data sent ahead; the server's answer follows and replaces it.
   *
   * @param {1 | -1} by
   */
  step(by) {
    const ready = this.kept.get(this.neighbours[by > 0 ? "next" : "previous"])
    if (ready) {
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
    this.star = star
    this.title.textContent = `obsid ${star.obsid}`
    const chip = (/** @type {string} */ text, /** @type {string} */ title) =>
      element("span", { className: "chip", title }, text)
    this.chips.replaceChildren(
      ...(star.facts.in_training ? [chip("training", "The label model was trained on this star")] : []),
      ...(this.simulated ? [chip("simulated", "This star and its spectrum are simulated")] : []),
    )
    this.note.textContent = star.note
    this.note.hidden = !star.note
    this.say.textContent = star.sentence
    this.say.hidden = !star.sentence
    this.top.hidden = this.bottom.hidden = Boolean(star.sentence)
    this.figure.show(star)
    this.refit.show(star)
    this.card.replaceChildren(...cardOf(star, this.send))
    this.compare.show()
    if (this.pane === "evidence") this.evidence.ask(star)
  }

  /** @param {string} text */
  blank(text) {
    this.title.textContent = "Spectrum"
    this.chips.replaceChildren()
    this.note.hidden = true
    this.say.textContent = text
    this.say.hidden = false
    this.top.hidden = this.bottom.hidden = true
    this.card.replaceChildren()
    this.figure.show(null)
    this.refit.show(null)
    this.evidence.ask(null)
  }

  // ---- how it is shown ----

  /** @param {boolean} on */
  widen(on) {
    this.alone = on
    relabel(this.wide, on ? "close_fullscreen" : "open_in_full", on ? "Back to the views" : "The star alone")
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

  zooms() {
    /** @type {(text: string, title: string, action: () => void) => HTMLButtonElement} */
    const button = (text, title, action) => element("button", { type: "button", title, onclick: action }, text)
    return [
      button("Ca II", `Zoom to the Ca II triplet (${KEY_NAMES.zoomCa})`, () => this.zoom("ca")),
      button("TiO", `Zoom to the TiO bands at 7050 Å (${KEY_NAMES.zoomTio})`, () => this.zoom("tio")),
      button("All", `Whole spectrum (${KEY_NAMES.whole})`, () => this.figure.home()),
    ]
  }

  /** @param {ZoomName} name */
  zoom(name) {
    if (this.star?.spectrum && this.zoomEnds) this.figure.zoom(this.zoomEnds[name])
  }

  /** @param {Switch} name */
  toggle(name) {
    if (name === "raw" && !this.raw) return
    const { look } = this.figure
    look[name] = !look[name]
    this.figure.redraw()
  }

  /** @param {1 | -1} by */
  smoother(by) {
    const { look } = this.figure
    const at = DRAWING.smoothings.indexOf(look.smooth) + by
    look.smooth = DRAWING.smoothings[Math.min(Math.max(at, 0), DRAWING.smoothings.length - 1)]
    this.figure.redraw()
    this.read(look.smooth ? `smoothed over ${inPixels(look.smooth)}` : "not smoothed")
  }

  menu() {
    const { look } = this.figure
    /** @type {(name: Switch, label: string, off?: boolean) => HTMLElement} */
    const box = (name, label, off) => {
      const input = element("input", {
        type: "checkbox",
        checked: look[name],
        disabled: off,
        onchange: () => this.toggle(name),
      })
      return element("label", {}, input, ` ${label}`)
    }
    /** @type {HTMLSelectElement} */
    const smoothing = element("select", {
      "aria-label": "Smoothing",
      onchange: () => {
        look.smooth = Number(smoothing.value)
        this.figure.redraw()
      },
    })
    options(smoothing, DRAWING.smoothings.map((pixels) => [pixels, pixels ? inPixels(pixels) : "none"]), look.smooth)
    const file = (/** @type {string} */ form) =>
      element("button", { type: "button", onclick: () => this.file(form) }, form.toUpperCase())
    return [
      box("lines", `Lines and bands (${KEY_NAMES.lines})`),
      box("model", `Model (${KEY_NAMES.model})`),
      box("residual", `Residuals (${KEY_NAMES.residual})`),
      box("raw", `Not normalised (${KEY_NAMES.raw})`, !this.raw),
      box("observed", "Observed frame"),
      element("label", {}, `Smoothing (${KEY_NAMES.smoother}, ${KEY_NAMES.sharper}) `, smoothing),
      element("div", { className: "row" }, "Files ", ...STAR_FORMS.map(file)),
      element("button", { type: "button", onclick: () => this.link() }, "Link to this star"),
    ]
  }

  /** @param {string} form */
  file(form) {
    if (!this.star?.spectrum) return
    const { flux, look, ownMask, trial, pins } = this.figure
    this.send({
      kind: "star_file",
      form,
      ends: [flux.xRange.start, flux.xRange.end],
      look,
      masked: ownMask,
      trial: trial ? this.refit.values : null,
      pins: pins.map((pin) => pin.obsid),
    })
  }

  link() {
    if (!this.star) return
    const address = new URL(globalThis.location.href)
    address.search = `?star=${this.star.obsid}`
    this.read(address.href)
    navigator.clipboard?.writeText(address.href).then(() => this.read("The link is in the clipboard."), () => {})
  }
}
