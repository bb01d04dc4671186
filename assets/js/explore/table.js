// The table of the selection by pages; the server sorts and counts.

/** @import { TableState } from "../payloads.ts" */
/** @import { Foot, Page, Request } from "../protocol.d.ts" */

/** @typedef {Foot["statistics"][number]} FootStatistic */

import { element, icon, popup } from "../base/dom.js"

/** @type {[name: string, title: string, by: Page["by"]][]} */
const TURNS = [
  ["first_page", "First page", "first"],
  ["chevron_left", "Previous page", -1],
  ["chevron_right", "Next page", 1],
  ["last_page", "Last page", "last"],
]

/** @type {[name: FootStatistic, label: string][]} */
const FOOT = [
  ["n", "Number of values"],
  ["median", "Median"],
  ["scatter", "Robust scatter"],
  ["mean", "Mean"],
  ["std", "Standard deviation"],
  ["min", "Smallest"],
  ["max", "Largest"],
]

export class Table {
  /** @type {FootStatistic[]} */
  chosen = []
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
    this.empty = element("em")
    this.page = element("span", { className: "page" })
    this.turns = TURNS.map(([name, title, by]) => icon(name, title, () => send({ kind: "page", by })))
    this.head = element("thead")
    this.body = element("tbody")
    this.foot = element("tfoot")
    const choose = icon("functions", "Statistics at the foot", null, { "aria-expanded": "false" })
    this.footMenu = popup(choose, () => this.footChoices())
    this.header = element("header", {}, this.spectra, this.empty, this.page, ...this.turns, choose)
    this.el = element(
      "section",
      { className: "pane table", "aria-label": "Selected stars" },
      this.header,
      element("div", { className: "scroll" }, element("table", {}, this.head, this.body, this.foot)),
      this.footMenu.el,
    )
  }

  /** @param {TableState} state */
  receive({ columns, sort, rows, ids, page, pages, first, last, focus, note, foot, foot_stale: stale }) {
    if (stale !== undefined) this.foot.classList.toggle("stale", stale)
    if (foot) this.showFoot(foot)
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

  /** @param {NonNullable<TableState["foot"]>} foot */
  showFoot(foot) {
    this.foot.replaceChildren(...foot.map(([title, texts]) =>
      element(
        "tr",
        { title },
        ...texts.map((text, k) =>
          element("td", { title: `${title} of the selected stars: ${text}` }, k ? text : `${title} ${text}`)
        ),
      )
    ))
  }

  /** @param {FootStatistic[]} chosen */
  chooseFoot(chosen) {
    this.chosen = chosen
    this.footMenu.refresh()
  }

  footChoices() {
    return FOOT.map(([name, label]) => {
      /** @type {HTMLInputElement} */
      const box = element("input", {
        type: "checkbox",
        checked: this.chosen.includes(name),
        onchange: () => {
          const names = FOOT.map(([other]) => other)
          const kept = names.filter((other) => (other === name ? box.checked : this.chosen.includes(other)))
          this.send({ kind: "foot", statistics: kept })
        },
      })
      return element("label", {}, box, ` ${label}`)
    })
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
