// The table of the selection by pages; the server sorts and counts.

/** @import { TableState } from "../payloads.ts" */
/** @import { Page, Request } from "../protocol.d.ts" */

import { element, icon } from "../base/dom.js"

/** @type {[name: string, title: string, by: Page["by"]][]} */
const TURNS = [
  ["first_page", "First page", "first"],
  ["chevron_left", "Previous page", -1],
  ["chevron_right", "Next page", 1],
  ["last_page", "Last page", "last"],
]

export class Table {
  /** @type {string[]} - Of the columns. */
  names = []
  /** @type {string[]} - Obsids of the rows. */
  ids = []
  focused = ""

  /**
   * @param {(message: Request) => void} send
   * @param {() => void} showSpectra
   */
  constructor(send, showSpectra) {
    this.send = send
    this.spectra = icon("grid_view", "Spectra of the selection", showSpectra)
    this.heading = element("strong", {}, "Selected stars")
    this.empty = element("em")
    this.page = element("span", { className: "page" })
    this.turns = TURNS.map(([name, title, by]) => icon(name, title, () => send({ kind: "page", by })))
    this.head = element("thead")
    this.body = element("tbody")
    const head = element("header", {}, this.heading, this.spectra, this.empty, this.page, ...this.turns)
    this.el = element(
      "section",
      { className: "card table" },
      head,
      element("div", { className: "scroll" }, element("table", {}, this.head, this.body)),
    )
  }

  /** @param {TableState} state */
  receive({ columns, sort, rows, ids, page, pages, first, last, focus, note }) {
    if (columns) this.showHead(columns)
    if (sort) {
      const [column, descending] = sort
      for (const [k, cell] of this.head.querySelectorAll("th").entries()) {
        cell.setAttribute("aria-sort", this.names[k] !== column ? "none" : descending ? "descending" : "ascending")
      }
    }
    if (rows) {
      this.ids = ids ?? []
      this.showRows(rows)
      this.empty.textContent = note ?? ""
      this.page.textContent = pages ? `${page} / ${pages}` : ""
      for (const [k, button] of this.turns.entries()) button.disabled = Boolean(k < 2 ? first : last)
    }
    if (focus !== undefined) this.focused = focus
    for (const [k, row] of [...this.body.children].entries()) {
      row.classList.toggle("focused", this.ids[k] === this.focused)
    }
  }

  /** @param {NonNullable<TableState["columns"]>} columns */
  showHead(columns) {
    const cells = columns.map(([name, label, description]) => {
      const sort = element("button", {
        type: "button",
        title: `${description} Click to sort.`,
        onclick: () => this.send({ kind: "sort", column: name }),
      }, label)
      return element("th", { scope: "col" }, sort)
    })
    this.names = columns.map(([name]) => name)
    this.head.replaceChildren(element("tr", {}, ...cells))
  }

  /** @param {string[][]} rows */
  showRows(rows) {
    this.body.replaceChildren(...rows.map((row, k) => {
      const show = () => this.send({ kind: "focus", obsid: this.ids[k] })
      return element(
        "tr",
        { tabIndex: 0, onclick: show, onkeydown: ({ key }) => key === "Enter" && show() },
        ...row.map((cell) => element("td", {}, cell)),
      )
    }))
  }
}
