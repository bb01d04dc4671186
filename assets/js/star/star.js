// The star under the lens: spectrum above, and below it the card, the live refit, the evidence and the pinned stars.

import { choices, element, icon, onMagnified, options, popup } from "../base/dom.js"
import { PIN_COLOURS, SMOOTHINGS, SpectrumFigure } from "../figures/spectrum.js"
import { EvidencePane } from "./evidence.js"
import { RefitPane } from "./refit.js"
import { inPixels } from "../base/words.js"
import { cardOf } from "./card.js"
import { plain } from "../base/arrays.js"

const MAX_PINS = 4
const NO_MORE_PINS = `${MAX_PINS} spectra are pinned: unpin one first`
const KEPT = 24

export class StarDock {
  constructor(send) {
    this.send = send
    this.kept = new Map()
    this.title = element("strong", {}, "Spectrum")
    this.chips = element("span", { className: "chips" })
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
    this.previous = icon("navigate_before", "Previous star (k)", () => this.step(-1))
    this.next = icon("navigate_next", "Next star (j)", () => this.step(1))
    this.more = icon("more_vert", "What the figure shows, and files", null, { "aria-expanded": "false" })
    this.popup = popup(this.more, () => this.menu())
    this.wide = icon("open_in_full", "The star alone", () => send({ kind: "star_page", on: !this.alone }))
    this.tools = choices("Drag in the spectrum", [["zoom", "Zoom", "Drag zooms"], ["pan", "Move", "Drag moves"], [
      "mask",
      "Mask",
      "Drag masks pixels for the refit; with Shift it takes them back",
    ]], (tool) => this.use(tool))
    this.readout = element("p", { className: "readout" })
    this.say = element("p", { className: "sentence", hidden: true })
    this.note = element("p", { className: "hint" })
    this.top = element("div", { className: "plot top" })
    this.bottom = element("div", { className: "plot bottom" })
    this.legend = element("p", { className: "legend lines", "aria-label": "What is drawn" })
    const head = element(
      "header",
      {},
      this.title,
      this.chips,
      this.search,
      this.previous,
      this.next,
      this.more,
      this.wide,
    )
    const tools = element("div", { className: "row tools" }, this.tools.row, ...this.zooms(), this.readout)
    this.figures = element(
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
    this.figure = new SpectrumFigure(this.top, this.bottom, {
      onMask: () => this.refit.showMasks(),
      onHover: (text) => {
        this.readout.textContent = text
      },
      onDrawn: (entries, below) => this.showLines(entries, below),
    })
    this.refit = new RefitPane(send, this.figure)
    this.evidence = new EvidencePane(send)
    this.card = element("div", { className: "facts" })
    this.pinned = element("div", { className: "pins" })
    this.panes = { card: this.card, refit: this.refit.el, evidence: this.evidence.el, compare: this.pinned }
    this.tabs = choices("About the star", [["card", "Card"], ["refit", "Refit"], ["evidence", "Evidence"], [
      "compare",
      "Compare",
    ]], (name) => this.turn(name))
    const pane = element("div", { className: "pane" }, ...Object.values(this.panes))
    this.el = element(
      "div",
      { className: "star" },
      this.figures,
      element("section", { className: "card about" }, element("header", {}, this.tabs.row), pane),
    )
    this.tools.press("zoom")
    this.turn("card")
    this.pins()
    this.blank("")
    onMagnified(this.el, () => this.magnify())
    this.parts = {
      star_setup: (setup) => this.setup(setup),
      star: (star) => this.receive(star),
      ahead: (stars) => stars.forEach((star) => this.keep(star)),
      pinned: (star) => this.pin(this.keep(star)),
      slid: (found) => this.refit.slid({ ...found, model: plain(found.model) }),
      refit: (found) => this.refit.answer({ ...found, model: plain(found.model) }),
      proposed: (found) => this.refit.proposed(found),
      evidence: (found) => this.evidence.receive(found),
      posterior: (found) => this.evidence.posterior(found),
      alike: (found) => this.evidence.alike(found),
    }
  }

  refused(kind) {
    if (kind === "refit") this.refit.answer({ sentence: "The fit was refused." })
    if (kind === "slide") this.refit.slid({})
  }

  setup(setup) {
    this.zoomEnds = setup.zooms
    this.raw = setup.raw
    this.simulated = setup.simulated
    if (setup.refit.sigma) setup.refit.sigma = plain(setup.refit.sigma)
    this.figure.setup(setup)
    this.refit.setup(setup.refit)
    this.built ??= this.figure.build()
  }

  magnify() {
    this.figure.magnify()
    this.evidence.repaint()
  }

  recolour(theme) {
    this.figure.recolour(theme)
    requestAnimationFrame(() => this.evidence.repaint())
  }

  showLines(entries, below) {
    this.bottom.classList.toggle("gone", !below)
    this.legend.hidden = !entries.length
    this.legend.replaceChildren(
      ...entries.map(([text, colour]) => element("b", {}, element("i", { style: `background:${colour}` }), text)),
    )
  }

  // ---- which star ----

  keep(star) {
    for (const name of ["flux", "ivar", "model", "continuum"]) star[name] = plain(star[name])
    this.kept.delete(star.obsid)
    this.kept.set(star.obsid, star)
    if (this.kept.size > KEPT) this.kept.delete(this.kept.keys().next().value)
    return star
  }

  receive(star) {
    if (!star.obsid) {
      this.neighbours = { next: "", previous: "" }
      this.star = null
      return this.blank(star.sentence)
    }
    this.neighbours = { next: star.next, previous: star.previous }
    this.keep(star)
    const known = this.star?.obsid === star.obsid && this.star.flux?.length === star.flux?.length
    if (!known) return this.show(star)
    // The spectrum was painted from what was sent ahead; somebody may have judged the star since.
    if (String(this.star.remarks) !== String(star.remarks)) this.card.replaceChildren(...cardOf(star, this.send))
    this.star = star
  }

  // The next star is painted from what was sent ahead; the server's word follows and is final.
  step(by) {
    const obsid = this.neighbours?.[by > 0 ? "next" : "previous"]
    const ready = obsid && this.kept.get(obsid)
    if (ready) {
      this.neighbours = { next: "", previous: "" }
      this.show(ready)
    }
    this.send({ kind: "star_step", by })
  }

  // The next star that the visitor has not judged, which only the server knows.
  stepUnvetted(by) {
    this.send({ kind: "star_step", by, unvetted: true })
  }

  show(star) {
    this.star = star
    this.title.textContent = `obsid ${star.obsid}`
    const chip = (text, title) => element("span", { className: "chip", title }, text)
    this.chips.replaceChildren(...[
      star.facts.in_training && chip("training", "The label model was trained on this star"),
      this.simulated && chip("simulated", "This star and its spectrum are simulated"),
    ].filter(Boolean))
    this.note.textContent = star.note
    this.note.hidden = !star.note
    this.say.textContent = star.sentence
    this.say.hidden = !star.sentence
    this.top.hidden = this.bottom.hidden = Boolean(star.sentence)
    this.figure.show(star)
    this.refit.show(star)
    this.card.replaceChildren(...cardOf(star, this.send))
    this.pins()
    if (this.pane === "evidence") this.evidence.ask(star)
  }

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

  widen(on) {
    this.alone = on
    this.wide.title = on ? "Back to the views" : "The star alone"
    this.wide.setAttribute("aria-label", this.wide.title)
    this.wide.firstChild.textContent = on ? "close_fullscreen" : "open_in_full"
    this.evidence.asked = null
    setTimeout(() => this.pane === "evidence" && this.evidence.ask(this.star), 60)
  }

  turn(name) {
    this.pane = name
    this.tabs.press(name)
    for (const [other, pane] of Object.entries(this.panes)) pane.hidden = other !== name
    if (name === "evidence") this.evidence.ask(this.star)
  }

  use(tool) {
    this.tools.press(tool)
    this.figure.use(tool)
    if (tool === "mask") this.turn("refit")
  }

  zooms() {
    const button = (text, title, action) => element("button", { type: "button", title, onclick: action }, text)
    return [
      button("Ca II", "Zoom to the Ca II triplet (z)", () => this.zoom("ca")),
      button("TiO", "Zoom to the TiO bands at 7050 Å (Shift+Z)", () => this.zoom("tio")),
      button("All", "Whole spectrum (x)", () => this.figure.home()),
    ]
  }

  zoom(name) {
    if (this.star?.flux && this.zoomEnds) this.figure.zoom(this.zoomEnds[name])
  }

  toggle(name) {
    if (name === "raw" && !this.raw) return
    const { look } = this.figure
    look[name] = !look[name]
    this.figure.redraw()
  }

  smoother(by) {
    const { look } = this.figure, at = SMOOTHINGS.indexOf(look.smooth) + by
    look.smooth = SMOOTHINGS[Math.min(Math.max(at, 0), SMOOTHINGS.length - 1)]
    this.figure.redraw()
    this.readout.textContent = look.smooth ? `smoothed over ${inPixels(look.smooth)}` : "not smoothed"
  }

  menu() {
    const { look } = this.figure
    const box = (name, label, off) =>
      element(
        "label",
        {},
        element("input", { type: "checkbox", checked: look[name], disabled: off, onchange: () => this.toggle(name) }),
        ` ${label}`,
      )
    const smoothing = element("select", {
      "aria-label": "Smoothing",
      onchange: () => {
        look.smooth = Number(smoothing.value)
        this.figure.redraw()
      },
    })
    options(smoothing, SMOOTHINGS.map((pixels) => [pixels, pixels ? inPixels(pixels) : "none"]), look.smooth)
    const file = (form) => element("button", { type: "button", onclick: () => this.file(form) }, form.toUpperCase())
    return [
      box("lines", "Lines and bands (l)"),
      box("model", "Model (m)"),
      box("residual", "Residuals (v)"),
      box("raw", "Not normalised (a)", !this.raw),
      box("observed", "Observed frame"),
      element("label", {}, "Smoothing (s, d) ", smoothing),
      element("div", { className: "row" }, "Files ", ...["fits", "png", "pdf"].map(file)),
      element("button", { type: "button", onclick: () => this.link() }, "Link to this star"),
    ]
  }

  file(form) {
    if (!this.star?.flux) return
    const { flux, look, ownMask, trial, pins } = this.figure
    const ends = [flux.xRange.start, flux.xRange.end]
    this.send({
      kind: "star_file",
      form,
      ends,
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
    this.readout.textContent = address.href
    navigator.clipboard?.writeText(address.href).then(() => {
      this.readout.textContent = "The link is in the clipboard."
    }, () => {})
  }

  // ---- side by side ----

  pin(star) {
    const { pins } = this.figure
    if (pins.some((one) => one.obsid === star.obsid)) return
    if (!star.flux) {
      this.readout.textContent = star.sentence
      return
    }
    if (pins.length >= MAX_PINS) {
      this.readout.textContent = NO_MORE_PINS
      return
    }
    pins.push(star)
    this.figure.redraw()
    this.pins()
  }

  unpin(obsid) {
    this.figure.pins = this.figure.pins.filter((one) => one.obsid !== obsid)
    this.figure.redraw()
    this.pins()
  }

  pins() {
    const { pins, look } = this.figure
    const mode = choices("Compare", [["over", "Residuals", "Pinned spectra lie over this one"], [
      "difference",
      "Difference",
      "This less each pinned",
    ], ["ratio", "Ratio", "This over each pinned"]], (name) => {
      look.compare = name
      mode.press(name)
      this.figure.redraw()
    })
    mode.press(look.compare)
    const names = ["teff", "logg", "m_h", "alpha_m", "rv"]
    const text = (
      star,
      name,
    ) => (star.published[name] === null || star.published[name] === undefined
      ? "–"
      : star.published[name].toFixed(name === "teff" ? 0 : name === "rv" ? 1 : 2))
    const row = (star, colour, button) =>
      element(
        "tr",
        {},
        element(
          "th",
          { scope: "row" },
          element("i", { className: "swatch", style: `background:${colour}` }),
          ` ${star.obsid}`,
        ),
        ...names.map((name) => element("td", {}, text(star, name))),
        element("td", {}, button),
      )
    const rows = pins.map((star, k) =>
      row(star, PIN_COLOURS[k], icon("close", `Unpin ${star.obsid}`, () => this.unpin(star.obsid)))
    )
    const own = this.star ? [row(this.star, "currentColor", null)] : []
    const full = pins.length >= MAX_PINS
    const add = element("button", {
      type: "button",
      disabled: full || !this.star?.flux,
      title: full ? NO_MORE_PINS : "",
      onclick: () => this.pin(this.star),
    }, "Pin this star")
    this.pinned.replaceChildren(
      element("div", { className: "row" }, add, mode.row),
      element(
        "p",
        { className: "hint" },
        `Up to ${MAX_PINS} pinned spectra lie over this one, at rest; the lower figure shows residuals, differences or ratios. Not normalised, they take this star's continuum.`,
      ),
      element(
        "table",
        { className: "sliders" },
        element(
          "thead",
          {},
          element(
            "tr",
            {},
            ...["obsid", "Teff", "log g", "[M/H]", "[α/M]", "RV", ""].map((name) =>
              element("th", { scope: "col" }, name)
            ),
          ),
        ),
        element("tbody", {}, ...own, ...rows),
      ),
    )
  }
}
