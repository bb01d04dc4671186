// Names of the star in SIMBAD, which are requested by a click only.

/** @import { Star } from "../payloads.ts" */
/** @import { NamedObject, NamesList, NoNames, Request, SkySetup } from "../protocol.d.ts" */

import { element } from "../base/dom.js"

/** @param {NamedObject} object */
function namedObject([name, type, others, separation]) {
  const about = [type, separation].filter(Boolean).join(", ")
  const more = others.length
    ? [element("details", {}, element("summary", {}, `${others.length} other names`), others.join(" · "))]
    : []
  return element("li", {}, element("b", {}, name), ` ${about}`, ...more)
}

export class StarNames {
  /** @type {string | null} */
  obsid = null
  privacy = ""

  /** @param {(message: Request) => void} send */
  constructor(send) {
    this.send = send
    this.el = element("section", { className: "names", hidden: true })
  }

  /** @param {SkySetup} setup */
  setup(setup) {
    this.privacy = setup.name_privacy
    this.clear()
  }

  /** @param {Star | null} star */
  show(star) {
    const obsid = star?.obsid ?? null
    if (obsid === this.obsid) return
    this.obsid = obsid
    this.clear()
  }

  clear() {
    this.el.hidden = !this.privacy || this.obsid === null
    this.offer("Names in SIMBAD")
  }

  /**
   * @param {string} label - Of the button.
   * @param {string} [sentence]
   */
  offer(label, sentence = "") {
    const button = element("button", { type: "button", title: this.privacy, onclick: () => this.ask() }, label)
    this.put(element("p", { className: "row wrap" }, ...(sentence ? [sentence] : []), button))
  }

  ask() {
    if (this.obsid === null) return
    this.put(element("p", { role: "status" }, "Fetching the names …"))
    this.send({ kind: "sky_names", obsid: this.obsid })
  }

  /** The request was refused as a whole. */
  refused() {
    this.offer("Names in SIMBAD", "The request was refused.")
  }

  /** @param {NamesList | NoNames} names */
  receive(names) {
    if (names.obsid !== this.obsid) return
    if (names.kind === "sentence") return this.offer(names.again ? "Try again" : "Names in SIMBAD", names.sentence)
    const source = element("p", { className: "hint", role: "status" }, names.source)
    if (names.objects.length) this.put(element("ul", {}, ...names.objects.map(namedObject)), source)
    else this.put(source)
  }

  /** @param {...HTMLElement} content */
  put(...content) {
    this.el.replaceChildren(...content)
  }
}
