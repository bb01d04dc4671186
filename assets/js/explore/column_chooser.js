// Columns of the table: which are shown, in which order, and which stay at the left.

/** @import { ColumnBook } from "../base/column_book.js" */
/** @import { Request, TableHeading } from "../protocol.d.ts" */

import { ColumnFinder, keepInside } from "../base/column_menu.js"
import { element, icon, popup } from "../base/dom.js"
import { moved, toggled } from "./table_steps.js"

export class ColumnChooser {
  /** @type {TableHeading[]} */
  columns = []
  usual = true
  /** @type {ColumnBook["facts"] | null} */
  filled = null

  /**
   * @param {(message: Request) => void} send
   * @param {ColumnBook} book
   * @param {(column: string) => void} reveal - Show a column of the table.
   */
  constructor(send, book, reveal) {
    this.send = send
    this.book = book
    this.reveal = reveal
    this.button = icon("view_column", "Columns: choose, search, order, pin", null, { "aria-expanded": "false" })
    this.finder = new ColumnFinder("Columns of the table", book, (name) => this.toggle(name), (name) => {
      return this.names.includes(name)
    })
    this.list = element("ol", { className: "order", "aria-label": "Columns shown, in their order" })
    this.reset = element("button", { type: "button", onclick: () => this.choose(null) }, "Usual columns")
    const head = element("div", { className: "row" }, element("strong", {}, "Shown"), this.reset)
    const shown = element("div", { className: "shown" }, head, this.list)
    const all = element("div", { className: "all" }, this.finder.search, this.finder.list)
    this.menu = popup(this.button, () => [all, shown])
    this.menu.el.classList.add("column-menu", "chooser")
    this.menu.el.addEventListener("toggle", (event) => {
      if (/** @type {ToggleEvent} */ (event).newState !== "open") return this.finder.close()
      keepInside(this.menu.el)
      this.fillFinder()
      this.finder.open()
      this.finder.search.focus()
    })
    book.readers.add(() => this.fillFinder())
  }

  get names() {
    return this.columns.map(([name]) => name)
  }

  get pinned() {
    return this.columns.filter(([, , , pinned]) => pinned).map(([name]) => name)
  }

  /** Offer every column, once they are known. */
  fillFinder() {
    if (this.filled === this.book.facts) return
    this.filled = this.book.facts
    this.finder.fill([...this.book.facts.values()].map(({ name, label, group }) => [name, label, group]))
  }

  /**
   * @param {TableHeading[]} columns
   * @param {boolean} usual
   */
  fill(columns, usual) {
    this.columns = columns
    this.usual = usual
    this.reset.disabled = usual
    this.list.replaceChildren(...columns.map((column, k) => this.line(column, k)))
    for (const row of this.finder.rows) {
      row.classList.toggle("chosen", this.names.includes(row.getAttribute("data-column") ?? ""))
    }
  }

  /**
   * @param {TableHeading} column
   * @param {number} k
   */
  line([name, label, , pinned], k) {
    const pin = () => this.choose(this.names, toggled(this.pinned, name))
    return element(
      "li",
      {},
      element("button", { type: "button", className: "name", title: name, onclick: () => this.reveal(name) }, label),
      icon("push_pin", `${pinned ? "Unpin" : "Pin"} ${label}`, pin, { "aria-pressed": String(pinned) }),
      icon("arrow_upward", `Move ${label} to the left`, () => this.move(name, k - 1), { disabled: k === 0 }),
      icon("arrow_downward", `Move ${label} to the right`, () => this.move(name, k + 1), {
        disabled: k === this.columns.length - 1,
      }),
      icon("close", `Hide ${label}`, () => this.toggle(name), { disabled: this.columns.length < 2 }),
    )
  }

  /**
   * @param {string} name
   * @param {number} to
   */
  move(name, to) {
    this.choose(moved(this.names, name, to))
  }

  /** @param {string} name */
  toggle(name) {
    const names = toggled(this.names, name)
    if (names.length) this.choose(names)
  }

  /**
   * @param {string[] | null} columns - Null for the usual ones.
   * @param {string[]} pinned
   */
  choose(columns, pinned = this.pinned) {
    this.send({ kind: "table_columns", columns, pinned })
  }
}
