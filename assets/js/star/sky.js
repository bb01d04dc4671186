// An image of the sky around the star, which is requested by a click only, with the marks that the server computed.

/** @import { Star } from "../payloads.ts" */
/** @import { NoSkyView, Request, SkyLabel, SkySetup, SkyStroke, SkyView } from "../protocol.d.ts" */

import { choices, element } from "../base/dom.js"
import { options } from "../base/lists.js"

const SVG_SPACE = "http://www.w3.org/2000/svg"

/** @param {SkyStroke[]} strokes */
function strokesOver(strokes) {
  const drawing = document.createElementNS(SVG_SPACE, "svg")
  drawing.setAttribute("viewBox", "0 0 1 1")
  drawing.setAttribute("aria-hidden", "true")
  for (const under of [true, false]) {
    for (const [kind, x0, y0, x1, y1] of strokes) {
      const line = document.createElementNS(SVG_SPACE, "line")
      for (const [name, value] of Object.entries({ x1: x0, y1: y0, x2: x1, y2: y1 })) {
        line.setAttribute(name, String(value))
      }
      line.setAttribute("class", under ? "under" : kind)
      drawing.append(line)
    }
  }
  return drawing
}

/** @param {SkyLabel} label */
function labelOver([text, x, y]) {
  return element("span", { "aria-hidden": "true", style: `left: ${100 * x}%; top: ${100 * y}%` }, text)
}

export class SkyPane {
  /** @type {string | null} - The star that is shown. */
  obsid = null
  /** Of the last request. */
  number = 0
  /** Whether an image of this star was requested, so that another survey or width is requested at once. */
  asked = false
  /** The address of the image. */
  address = ""
  field = 0

  /** @param {(message: Request) => void} send */
  constructor(send) {
    this.send = send
    /** @type {HTMLSelectElement} */
    this.survey = element("select", { "aria-label": "Survey", onchange: () => this.changed() })
    this.fields = element("span")
    /** @type {HTMLButtonElement} */
    this.button = element("button", { type: "button", onclick: () => this.ask() }, "Show image")
    this.privacy = element("p", { className: "hint" })
    this.sentence = element("p", { className: "sentence", role: "status", hidden: true })
    this.frame = element("div", { className: "frame", role: "img", hidden: true })
    this.caption = element("p", { className: "hint" })
    this.controls = element("div", { className: "row wrap" }, this.survey, this.fields, this.button)
    const words = element("div", { className: "words" }, this.controls, this.sentence, this.caption, this.privacy)
    this.el = element("div", { className: "sky" }, words, this.frame)
    this.setup({ sentence: "", surveys: [], fields_arcmin: [], image_privacy: "", name_privacy: "" })
  }

  /** @param {SkySetup} setup */
  setup(setup) {
    this.off = setup.sentence
    this.controls.hidden = !setup.surveys.length
    options(this.survey, setup.surveys, this.survey.value || setup.surveys[0]?.[0])
    const known = setup.fields_arcmin.includes(this.field)
    if (!known) this.field = setup.fields_arcmin[0] ?? 0
    const row = choices(
      "Width of the image",
      setup.fields_arcmin.map((arcmin) => [String(arcmin), `${arcmin}′`, `${arcmin} arcmin`]),
      (arcmin) => {
        this.field = Number(arcmin)
        row.press(arcmin)
        this.changed()
      },
    )
    row.press(String(this.field))
    this.fields.replaceChildren(row.row)
    this.privacy.textContent = setup.image_privacy
    this.clear()
  }

  /** @param {Star | null} star */
  show(star) {
    const obsid = star?.obsid ?? null
    if (obsid === this.obsid) return
    this.obsid = obsid
    this.clear()
  }

  /** Remove the image; answers to earlier requests are outdated. */
  clear() {
    this.number++
    this.asked = false
    this.picture(null)
    this.say(this.off ?? "")
    this.button.textContent = "Show image"
    this.button.disabled = this.obsid === null
  }

  /** Request another image of a star whose image was requested. */
  changed() {
    if (this.asked) this.ask()
  }

  ask() {
    if (this.obsid === null) return
    this.asked = true
    this.number++
    this.button.disabled = true
    this.say(`Fetching ${this.survey.selectedOptions[0]?.textContent ?? "the image"} …`)
    this.send({
      kind: "sky_image",
      obsid: this.obsid,
      survey: this.survey.value,
      field_arcmin: this.field,
      number: this.number,
    })
  }

  /** @param {SkyView | NoSkyView} view */
  receive(view) {
    if (view.obsid !== this.obsid || view.number !== this.number) return
    this.button.disabled = false
    if (view.kind === "sentence") {
      this.picture(null)
      this.say(view.sentence)
      this.button.textContent = view.again ? "Try again" : "Show image"
      return
    }
    this.say("")
    this.button.textContent = "Show image"
    this.picture(view)
  }

  /** The request was refused as a whole. */
  refused() {
    this.button.disabled = false
    this.say("The request was refused.")
  }

  /** @param {string} text */
  say(text) {
    this.sentence.textContent = text
    this.sentence.hidden = !text
  }

  /** @param {SkyView | null} view */
  picture(view) {
    if (this.address) URL.revokeObjectURL(this.address)
    this.address = ""
    this.frame.hidden = view === null
    this.caption.textContent = view?.caption ?? ""
    this.button.hidden = view !== null
    this.privacy.hidden = view !== null
    if (view === null) return this.frame.replaceChildren()
    this.address = URL.createObjectURL(new Blob([view.data], { type: view.mime }))
    this.frame.setAttribute("aria-label", view.about)
    const image = element("img", { src: this.address, alt: "", draggable: false })
    this.frame.replaceChildren(image, strokesOver(view.strokes), ...view.labels.map(labelOver))
  }
}
