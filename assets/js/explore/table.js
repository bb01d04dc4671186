// The table of the selection by pages; the server sorts and counts.

/** @import { ColumnBook } from "../base/column_book.js" */
/** @import { Parts, TableState } from "../payloads.ts" */
/** @import { MarkedRows, Page, Request } from "../protocol.d.ts" */

import { LIMITS } from "../base/declared.js"
import { debounced, element, icon } from "../base/dom.js"
import { ColumnChooser } from "./column_chooser.js"
import { Grid } from "./grid.js"
import { moved } from "./table_steps.js"

/** @type {[name: string, title: string, by: Page["by"]][]} */
const TURNS = [
  ["first_page", "First page", "first"],
  ["chevron_left", "Previous page", -1],
  ["chevron_right", "Next page", 1],
  ["last_page", "Last page", "last"],
]
const RESIZED_AFTER = 120
const NOTE_FOR = 4000
const MIN_ROWS = 3

export class Table {
  /** Rows that fit into the height. */
  fitting = 0

  /**
   * @param {(message: Request) => void} send
   * @param {ColumnBook} book
   */
  constructor(send, book) {
    this.send = send
    this.grid = new Grid({
      focus: (obsid) => send({ kind: "focus", obsid }),
      sort: (column, add) => send({ kind: "sort", column, add }),
      turn: (by) => send({ kind: "page", by }),
      move: (column, to) => this.chooser.choose(moved(this.chooser.names, column, to)),
      copy: () => this.copy(),
      mark: (marked) => this.showMarked(marked.length),
    })
    this.chooser = new ColumnChooser(send, book, (column) => this.reveal(column))
    this.heading = element("strong", {}, "Selected stars")
    this.empty = element("em", { role: "status" })
    this.hint = element("span", { className: "marks", hidden: true })
    /** @type {HTMLInputElement} */
    this.page = element("input", {
      type: "text",
      inputMode: "numeric",
      className: "page",
      "aria-label": "Page",
      title: "Go to a page",
      onchange: () => this.goTo(this.page.value),
      onkeydown: ({ key }) => key === "Escape" && this.page.blur(),
    })
    this.pages = element("span", { className: "pages" })
    this.turns = TURNS.map(([name, title, by]) => icon(name, title, () => send({ kind: "page", by })))
    this.follow = icon("my_location", "Page of the chosen star", () => send({ kind: "page", by: "focus" }))
    this.copier = icon("content_copy", "Copy the page, or the marked rows, as tab-separated text", () => this.copy())
    const [first, before, after, last] = this.turns
    const bar = [this.heading, this.empty, this.hint, element("span", { className: "space" }), this.follow]
    const head = element("header", {}, ...bar, first, before, this.page, this.pages, after, last, this.copier)
    head.append(this.chooser.button)
    this.scroll = element("div", { className: "scroll" }, this.grid.el)
    this.el = element("section", { className: "card table" }, head, this.scroll, this.chooser.menu.el)
    const measure = debounced(() => this.measure(), RESIZED_AFTER)
    new ResizeObserver(measure).observe(this.scroll)
    this.forget = debounced(() => this.note(""), NOTE_FOR)
    /** @type {Parts} */
    this.parts = { table: (table) => this.receive(table) }
  }

  /** @param {TableState} state */
  receive({ columns, usual, flags, sort, rows, ids, quality, start, page, pages, focus, note, copied }) {
    if (flags) this.grid.flags = flags
    if (columns) {
      this.grid.showHead(columns)
      this.chooser.fill(columns, usual ?? true)
    }
    if (sort) this.grid.showOrder(sort)
    if (focus !== undefined) {
      this.grid.showFocus(focus)
      this.follow.disabled = focus === "None"
    }
    if (rows) {
      this.grid.showRows(rows, ids ?? [], quality ?? [], start ?? 0)
      this.note(note ?? "")
      this.showPage(page ?? 1, pages ?? 0)
      if (!this.fitting) this.measure()
    }
    if (copied !== undefined) this.write(copied)
  }

  /**
   * @param {number} page
   * @param {number} pages
   */
  showPage(page, pages) {
    this.page.value = pages ? page.toLocaleString("en") : ""
    this.page.disabled = pages < 2
    this.page.style.width = `${Math.max(pages.toLocaleString("en").length, 2) + 2}ch`
    this.pages.textContent = pages ? `/ ${pages.toLocaleString("en")}` : ""
    for (const [k, button] of this.turns.entries()) button.disabled = k < 2 ? page <= 1 : page >= pages
  }

  /** @param {string} text */
  goTo(text) {
    const page = Number(text.replaceAll(/[\s,]/g, ""))
    if (Number.isInteger(page)) this.send({ kind: "go_to_page", page })
    else this.note(`“${text}” is no number of a page.`)
  }

  /** Ask for as many rows as fit into the height. */
  measure() {
    const row = this.grid.body.firstElementChild
    if (!(row instanceof HTMLElement) || !row.offsetHeight || !this.scroll.clientHeight) return
    const others = this.grid.head.offsetHeight + (this.grid.el.tFoot?.offsetHeight ?? 0)
    const fitting = Math.floor((this.scroll.clientHeight - others) / row.offsetHeight)
    const rows = Math.min(Math.max(fitting, MIN_ROWS), LIMITS.tableRows)
    if (rows === this.fitting) return
    this.fitting = rows
    this.send({ kind: "page_rows", rows })
  }

  /**
   * Scroll a column into view.
   *
   * @param {string} column
   */
  reveal(column) {
    const head = this.grid.head.querySelector(`th[data-column="${CSS.escape(column)}"]`)
    head?.scrollIntoView({ block: "nearest", inline: "center" })
  }

  /** @param {number} count */
  showMarked(count) {
    this.hint.hidden = count === 0
    if (!count) return this.hint.replaceChildren()
    const act = (/** @type {MarkedRows["action"]} */ action) => {
      const obsids = this.grid.marked
      this.grid.mark([], "")
      this.send({ kind: "marked_rows", action, obsids })
    }
    const button = (/** @type {string} */ text, /** @type {() => void} */ onclick) =>
      element("button", { type: "button", onclick }, text)
    this.hint.replaceChildren(
      `${count.toLocaleString("en")} marked`,
      button("Keep only these", () => act("keep")),
      button("Remove these", () => act("remove")),
      button("Unmark", () => this.grid.mark([], "")),
    )
  }

  copy() {
    this.send({ kind: "copy_rows", obsids: this.grid.marked })
  }

  /** @param {string} text - Tab-separated lines, the first one with the names. */
  async write(text) {
    const rows = text.split("\n").length - 1
    try {
      await navigator.clipboard.writeText(text)
      this.note(`${rows.toLocaleString("en")} ${rows === 1 ? "row" : "rows"} copied.`)
    } catch { // not permitted, or neither an encrypted nor a local page
      this.note("The browser permits no copying here: allow it, open the page by https, or export the table.")
    }
    this.forget()
  }

  /** @param {string} text */
  note(text) {
    this.empty.textContent = text
  }
}
