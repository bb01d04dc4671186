// Lists of lines: which are shown, steps from line to line, and the user's own lists.

/** @import { LineFile, LineListsState, LineListState, Request, RestLine } from "../protocol.d.ts" */

import { KEY_NAMES, LIMITS, LINE_UNITS } from "../base/declared.js"
import { element, icon } from "../base/dom.js"
import { options } from "../base/lists.js"
import { base64 } from "../base/upload.js"
import { linesOf, nextLine } from "./line_steps.js"

const FORMATS = "A table with a column of names and one of wavelengths (CSV, ECSV, VOTable, FITS), or lines of text " +
  "such as “Fe I 5269.54”. A unit, and a column called lambda_air or lambda_vac, are taken from the file."

export class LinesPane {
  /** @type {LineListState[]} */
  lists = []
  /** @type {[number, number]} - Of the spectra. */
  ends = [0, 0]
  /** Wavelength of the last line that was shown. */
  at = 0

  /**
   * @param {(message: Request) => void} send
   * @param {(line: RestLine) => void} zoomTo
   */
  constructor(send, zoomTo) {
    this.send = send
    this.zoomTo = zoomTo
    this.list = element("ul", { className: "line-lists", "aria-label": "Lists of lines" })
    /** @type {HTMLSelectElement} */
    this.stepped = element("select", { "aria-label": "Lines to step through", onchange: () => (this.at = 0) })
    this.line = element("output", { className: "hint" })
    this.name = element("input", {
      placeholder: "name of the list",
      "aria-label": "Name of the list",
      maxLength: LIMITS.lineListName,
    })
    /** @type {HTMLSelectElement} */
    this.unit = element("select", { "aria-label": "Unit of the wavelengths" })
    options(this.unit, LINE_UNITS.map((unit) => [unit, unit]), LINE_UNITS[0])
    /** @type {HTMLSelectElement} */
    this.medium = element("select", { "aria-label": "Medium of the wavelengths" })
    options(this.medium, [["air", "in air"], ["vacuum", "in vacuum"]], "air")
    this.text = element("textarea", {
      rows: 3,
      placeholder: "Fe I 5269.54\nCa I 6162.17",
      "aria-label": "Lines to show",
      title: FORMATS,
    })
    this.file = element("input", { type: "file", hidden: true, onchange: () => void this.upload() })
    this.report = element("p", { className: "hint", role: "status" })
    this.el = this.layout()
  }

  layout() {
    const row = (/** @type {HTMLElement[]} */ ...children) => element("div", { className: "row" }, ...children)
    const previous = icon("navigate_before", `Previous line (${KEY_NAMES.previousLine})`, () => this.step(-1))
    const next = icon("navigate_next", `Next line (${KEY_NAMES.nextLine})`, () => this.step(1))
    const show = element("button", { type: "button", onclick: () => this.paste() }, "Show lines")
    const choose = element("button", { type: "button", title: FORMATS, onclick: () => this.file.click() }, "File…")
    return element(
      "div",
      { className: "lines" },
      this.list,
      row(previous, next, this.stepped, this.line),
      element("h3", {}, "Your own lines"),
      this.text,
      row(this.name, this.unit, this.medium, show, choose, this.file),
      this.report,
    )
  }

  /** @param {LineListsState} state */
  receive({ lists, report, refused }) {
    this.lists = lists
    this.list.replaceChildren(...lists.map((list) => this.item(list)))
    const chosen = lists.some(({ name }) => name === this.stepped.value) ? this.stepped.value : ""
    options(
      this.stepped,
      [["", "all shown lines"], ...lists.map(({ name }) => /** @type {const} */ ([name, name]))],
      chosen,
    )
    if (report === undefined) return
    this.report.textContent = report
    this.report.classList.toggle("refused", Boolean(refused))
    if (refused) return
    this.text.value = ""
    this.name.value = ""
  }

  /** @param {LineListState} list */
  item({ name, colour, on, lines }) {
    const box = element("input", {
      type: "checkbox",
      checked: on,
      onchange: () => this.send({ kind: "line_switch", name, on: box.checked }),
    })
    const swatch = element("i", { className: "swatch", style: `background:${colour || "currentColor"}` })
    const count = `${lines.length} line${lines.length === 1 ? "" : "s"}`
    const forget = colour
      ? icon("delete_outline", `Forget ${name}`, () => this.send({ kind: "line_forget", name }))
      : null
    const label = element("label", {}, box, " ", swatch, ` ${name} `, element("span", { className: "hint" }, count))
    return element("li", {}, label, forget)
  }

  /**
   * Zoom to the next or the previous line.
   *
   * @param {1 | -1} by
   */
  step(by) {
    const lines = linesOf(this.lists, this.stepped.value, this.ends)
    const line = nextLine(lines, this.at, by)
    if (!line) {
      this.line.textContent = "No line of these lists is in the spectrum."
      return
    }
    this.at = line[1]
    this.line.textContent = `${line[0]} ${line[1].toFixed(2)} Å (vacuum), ${lines.indexOf(line) + 1} of ${lines.length}`
    this.zoomTo(line)
  }

  paste() {
    if (!this.text.value.trim()) {
      this.report.textContent = "Paste lines first, or choose a file."
      return
    }
    this.sendFile(new TextEncoder().encode(this.text.value), "pasted lines")
  }

  async upload() {
    const file = this.file.files?.[0]
    this.file.value = ""
    if (!file) return
    this.report.textContent = `Reading ${file.name}…`
    this.sendFile(new Uint8Array(await file.arrayBuffer()), file.name)
  }

  /**
   * @param {Uint8Array} data
   * @param {string} name - Without one that was typed.
   */
  sendFile(data, name) {
    if (data.length > LIMITS.lineBytes) {
      this.report.textContent = `${name} has ${data.length.toLocaleString("en")} bytes; at most ` +
        `${LIMITS.lineBytes.toLocaleString("en")} are read. Shorten it.`
      return
    }
    const unit = /** @type {LineFile["unit"]} */ (this.unit.value)
    this.send({
      kind: "line_file",
      name: (this.name.value.trim() || name).slice(0, LIMITS.lineListName),
      data: base64(data),
      unit,
      air: this.medium.value === "air",
    })
  }
}
