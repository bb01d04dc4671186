// The columns of a corner plot as a form: each can be replaced, moved up or removed, and others added.

/** @import { ColumnBook } from "../base/column_book.js" */
/** @import { ColumnEntry, CornerSpec } from "../payloads.ts" */
/** @import { Request } from "../protocol.d.ts" */

import { LIMITS } from "../base/declared.js"
import { element, icon } from "../base/dom.js"
import { ColumnMenu } from "../base/column_menu.js"

export class CornerForm {
  /**
   * @param {number} slot
   * @param {(message: Request) => void} send
   * @param {ColumnEntry[]} columns - To choose from.
   * @param {ColumnBook} book
   */
  constructor(slot, send, columns, book) {
    this.book = book
    this.slot = slot
    this.send = send
    this.columns = columns
  }

  /** @param {CornerSpec} spec */
  rows({ x }) {
    const shown = x.map(({ column }) => column)
    const items = shown.map((column, k) => this.row(shown, column, k))
    const more = shown.length < LIMITS.cornerColumns ? [this.added(shown)] : []
    return [element("div", { className: "corner-columns", role: "group", "aria-label": "Columns" }, ...items, ...more)]
  }

  /**
   * @param {string[]} shown
   * @param {string} column
   * @param {number} k
   */
  row(shown, column, k) {
    const list = new ColumnMenu(`Column ${k + 1}`, this.book, (chosen) => this.change(shown.with(k, chosen)))
    list.fill(this.columns, column)
    const up = icon(
      "arrow_upward",
      `Move column ${k + 1} up`,
      () => this.change([...shown.slice(0, k - 1), column, shown[k - 1], ...shown.slice(k + 1)]),
    )
    up.disabled = k === 0
    const remove = icon("close", `Remove column ${k + 1}`, () => this.change(shown.filter((_, n) => n !== k)))
    remove.disabled = shown.length <= LIMITS.cornerFewest
    return element("div", { className: "row" }, element("b", {}, String(k + 1)), list.el, up, remove)
  }

  /** @param {string[]} shown */
  added(shown) {
    const list = new ColumnMenu("Add", this.book, (chosen) => this.change([...shown, chosen]), "Add a column…")
    list.fill(this.columns.filter(([name]) => !shown.includes(name)), "")
    return element("div", { className: "row" }, element("b", {}, "+"), list.el)
  }

  /** @param {string[]} columns */
  change(columns) {
    this.send({ kind: "corner_columns", slot: this.slot, columns })
  }
}
