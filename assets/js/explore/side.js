// The side panel: filter by expression, named subsets, member lists, a cone on the sky, saved views.

/** @import { ColumnBook } from "../base/column_book.js" */
/** @import { Parts, SideState } from "../payloads.ts" */
/** @import { Request } from "../protocol.d.ts" */

import { LIMITS } from "../base/declared.js"
import { element } from "../base/dom.js"
import { grouped, options } from "../base/lists.js"
import { sendFile } from "../base/upload.js"
import { ComputedColumns } from "./computed.js"
import { FilterField } from "./filter.js"
import { OverlayTables } from "./overlay_tables.js"
import { SubsetTree, viewItem } from "./subsets.js"

const LISTS =
  "Any table with obsid, source_id, or ra and dec: CSV, FITS, VOTable, Parquet, ..., gzipped or not; or ids alone"

/** The side panel, which is built when it is first opened. */
export class Side {
  /** @type {Drawer | null} */
  drawer = null
  /** @type {string | null} - Text for the filter once the panel is open. */
  unwritten = null

  /**
   * @param {(message: Request) => void} send
   * @param {ColumnBook} book
   */
  constructor(send, book) {
    this.send = send
    this.book = book
    this.el = element("aside", { className: "side", hidden: true, "aria-label": "Filter and subsets" })
  }

  /** @param {SideState} state */
  receive(state) {
    const { open } = state
    if (open && !this.drawer) {
      this.drawer = new Drawer(this.send, this.book)
      this.el.replaceChildren(...this.drawer.content)
    }
    if (open !== undefined) this.el.hidden = !open
    if (open && this.drawer) {
      this.drawer.filter.focus()
      if (this.unwritten) this.drawer.filter.write(this.unwritten)
      this.unwritten = null
    }
    this.drawer?.receive(state)
  }

  /** The text in the open side panel, for a page that is rebuilt; null while it is closed. */
  get writing() {
    return this.drawer && !this.el.hidden ? this.drawer.filter.text : null
  }

  /** @param {string} text */
  write(text) {
    this.unwritten = text
    this.send({ kind: "side", open: true })
  }
}

class Drawer {
  /** @type {string | null} - Name of a subset that is being kept. */
  kept = null

  /**
   * @param {(message: Request) => void} send
   * @param {ColumnBook} book
   */
  constructor(send, book) {
    this.send = send
    this.book = book
    const act = (/** @type {Request} */ message) => this.act(message)
    this.filter = new FilterField(send, act)
    this.tree = new SubsetTree(act)
    this.computed = new ComputedColumns(act)
    this.overlays = new OverlayTables(send, book)
    this.name = element("input", {
      placeholder: "name of a subset",
      "aria-label": "Name of the subset",
      maxLength: LIMITS.subsetName,
      onkeydown: ({ key }) => {
        if (key === "Enter") this.keep()
      },
    })
    this.named = element("p", { className: "hint", role: "status" })
    /** @type {HTMLSelectElement} */
    this.categories = element("select", {
      "aria-label": "Subsets by category",
      title: "Create a subset for each value of a column",
      onchange: () => this.byCategory(),
    })
    this.file = element("input", { type: "file", hidden: true, onchange: () => void this.upload() })
    /** @type {HTMLSelectElement} */
    this.verdicts = element("select", { "aria-label": "Stars by verdict", onchange: () => this.byVerdict() })
    this.judged = element(
      "div",
      { hidden: true },
      element("h2", {}, "Vetting verdicts"),
      element("div", { className: "row" }, this.verdicts),
    )
    /** @type {(label: string, title: string) => HTMLInputElement} */
    const number = (label, title) =>
      element("input", { type: "number", step: "any", placeholder: label, title, "aria-label": title })
    this.cone = [
      number("RA °", "Right ascension in degrees"),
      number("Dec °", "Declination in degrees"),
      number("r °", "Radius in degrees"),
    ]
    this.viewName = element("input", {
      placeholder: "name of a view",
      "aria-label": "Name of the view",
      maxLength: LIMITS.viewName,
    })
    this.views = element("ul", { className: "tree", "aria-label": "Saved views" })
    this.note = element("p", { className: "hint", role: "status" })
    this.listed = element("p", { className: "hint", role: "status" })
    this.content = this.layout()
  }

  layout() {
    /** @type {(text: string, title: string | null, action: () => void) => HTMLButtonElement} */
    const button = (text, title, action) => element("button", { type: "button", title, onclick: action }, text)
    const row = (/** @type {HTMLElement[]} */ ...children) => element("div", { className: "row" }, ...children)
    const keep = button("Save selection", "Name the selected stars", () => this.keep())
    const list = button("Member list…", LISTS, () => this.file.click())
    const save = button("Save view", "Save the views and the selection under a name", () => this.saveView())
    return [
      element("h2", {}, "Filter"),
      ...this.filter.content,
      element("h2", {}, "Subsets"),
      this.tree.el,
      row(this.name, keep),
      this.named,
      row(this.categories),
      element("h2", {}, "Computed columns"),
      ...this.computed.content,
      element("h2", {}, "Own curves and tables"),
      ...this.overlays.content,
      element("h2", {}, "From a list or the sky"),
      row(list, this.file),
      this.listed,
      row(...this.cone, button("Cone", null, () => this.circle())),
      this.judged,
      element("h2", {}, "Saved views"),
      this.views,
      row(this.viewName, save),
      this.note,
    ]
  }

  /** @param {SideState} state */
  receive(state) {
    const { check, subsets, views, saved, report, place, children, verdicts, categories } = state
    if (check) this.filter.checked(check)
    this.receiveColumns(state)
    this.receiveOverlays(state)
    if (subsets) this.tree.fill(subsets)
    if (subsets?.some(({ name }) => name === this.kept)) {
      this.name.value = ""
      this.kept = null
    }
    if (children) this.tree.open(children)
    if (verdicts) {
      this.judged.hidden = !verdicts.length
      options(this.verdicts, [["", "Select stars by verdict…"], ...verdicts], "")
    }
    if (categories) {
      this.categories.hidden = !categories.length
      grouped(this.categories, [["", "A subset for each value of…", ""], ...categories], "")
    }
    if (saved) this.viewName.value = ""
    if (views) this.views.replaceChildren(...views.map((name) => viewItem(name, (message) => this.act(message))))
    if (report !== undefined) this.showNote(report, place)
  }

  /** @param {SideState} state */
  receiveColumns({ computed, column_check: check, column_report: report, column_done: done }) {
    if (computed) this.computed.fill(computed)
    if (check) this.computed.checked(check)
    if (done) this.computed.clear()
    if (report !== undefined) this.computed.report(report)
  }

  /** @param {SideState} state */
  receiveOverlays({ overlays, overlay_columns: columns, overlay_report: report, overlay_refused: refused }) {
    if (overlays || columns) this.overlays.fill(overlays ?? this.overlays.tables, columns)
    if (report !== undefined) this.overlays.report(report, Boolean(refused))
  }

  /**
   * Show a report until the next action; those of the places "list" and "refused" concern a member list, those of
   * "subset" the name of a subset.
   *
   * @param {string} text
   * @param {string} [place]
   */
  showNote(text, place) {
    this.note.textContent = place ? "" : text
    this.named.textContent = place === "subset" ? text : ""
    this.named.classList.toggle("refused", place === "subset")
    this.listed.textContent = place === "list" || place === "refused" ? text : ""
    this.listed.classList.toggle("refused", place === "refused")
  }

  /** @param {Request} message */
  act(message) {
    this.showNote("")
    this.send(message)
  }

  keep() {
    this.kept = this.name.value.trim()
    this.act({ kind: "save_subset", name: this.kept })
  }

  byCategory() {
    if (this.categories.value) this.act({ kind: "categories", column: this.categories.value })
    this.categories.value = ""
  }

  byVerdict() {
    if (this.verdicts.value) this.act({ kind: "verdicts", name: this.verdicts.value })
    this.verdicts.value = ""
  }

  saveView() {
    this.act({ kind: "save_view", name: this.viewName.value.trim() })
  }

  circle() {
    const numbers = this.cone.map((input) => input.valueAsNumber)
    if (!numbers.every(Number.isFinite)) {
      this.note.textContent = "Give right ascension, declination and radius in degrees."
      return
    }
    this.note.textContent = ""
    this.send({ kind: "filter", text: `cone(${numbers.join(", ")})` })
  }

  async upload() {
    const file = this.file.files?.[0]
    this.file.value = ""
    if (!file) return
    this.showNote(`Reading ${file.name}…`, "list")
    if (file.size > LIMITS.memberBytes) return this.send({ kind: "members", size: file.size, data: "" })
    await sendFile(this.send, { kind: "members" }, file)
  }
}
