// The table of the selection, a page at a time; the server sorts and counts.

import { element, icon } from "../base/dom.js"

export class Table {
  constructor(send) {
    this.send = send
    this.heading = element("strong", {}, "Selected stars")
    this.empty = element("em")
    this.page = element("span", { className: "page" })
    const turn = (by) => () => send({ kind: "page", by })
    this.turns = [["first_page", "First page", -Infinity], ["chevron_left", "Previous page", -1], [
      "chevron_right",
      "Next page",
      1,
    ], ["last_page", "Last page", Infinity]]
      .map(([name, title, by]) => icon(name, title, turn(Number.isFinite(by) ? by : by < 0 ? "first" : "last")))
    this.head = element("thead")
    this.body = element("tbody")
    const head = element("header", {}, this.heading, this.empty, this.page, ...this.turns)
    this.el = element(
      "section",
      { className: "card table" },
      head,
      element("div", { className: "scroll" }, element("table", {}, this.head, this.body)),
    )
    this.parts = { table: (table) => this.receive(table) }
  }

  receive({ columns, sort, rows, ids, page, pages, first, last, focus, note }) {
    if (columns) {
      const cells = columns.map(([name, label, description]) =>
        element(
          "th",
          { scope: "col" },
          element("button", {
            type: "button",
            title: `${description} Click to sort.`,
            onclick: () => this.send({ kind: "sort", column: name }),
          }, label),
        )
      )
      this.names = columns.map(([name]) => name)
      this.head.replaceChildren(element("tr", {}, ...cells))
    }
    if (sort) {
      const [column, descending] = sort
      ;[...this.head.querySelectorAll("th")].forEach((cell, k) => {
        cell.setAttribute("aria-sort", this.names[k] !== column ? "none" : descending ? "descending" : "ascending")
      })
    }
    if (rows) {
      this.body.replaceChildren(...rows.map((row, k) =>
        element(
          "tr",
          { onclick: () => this.send({ kind: "focus", obsid: ids[k] }) },
          ...row.map((cell) => element("td", {}, cell)),
        )
      ))
      this.ids = ids
      this.empty.textContent = note
      this.page.textContent = pages ? `${page} / ${pages}` : ""
      for (const [k, button] of this.turns.entries()) button.disabled = k < 2 ? first : last
    }
    if (focus !== undefined) this.focused = focus
    ;[...this.body.children].forEach((row, k) => row.classList.toggle("focused", this.ids[k] === this.focused))
  }
}
