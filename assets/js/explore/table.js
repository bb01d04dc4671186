// The table of the selection by pages; the server sorts and counts.

/** @import { ColumnBook } from "../base/column_book.js" */
/** @import { TableState } from "../payloads.ts" */
/** @import { Foot, MarkedRows, Page, Request } from "../protocol.d.ts" */

/** @typedef {Foot["statistics"][number]} FootStatistic */

import { copied } from "../base/clipboard.js"
import { LIMITS } from "../base/declared.js"
import { debounced, element, icon, popup } from "../base/dom.js"
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
const NOT_COPIED = "The browser permits no copying here: allow it, or export the table."

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
  shownPage = ""
  /** Rows that fit into the height. */
  fitting = 0

  /**
   * @param {(message: Request) => void} send
   * @param {ColumnBook} book
   * @param {() => void} showSpectra
   */
  constructor(send, book, showSpectra) {
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
    this.spectra = icon("grid_view", "Spectra of the selection", showSpectra)
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
    const choose = icon("functions", "Statistics at the foot", null, { "aria-expanded": "false" })
    this.footMenu = popup(choose, () => this.footChoices())
    const [first, before, after, last] = this.turns
    this.header = element(
      "header",
      {},
      this.spectra,
      this.empty,
      this.hint,
      element("span", { className: "gap" }),
      this.follow,
      first,
      before,
      this.page,
      this.pages,
      after,
      last,
      this.copier,
      this.chooser.button,
      choose,
    )
    this.scroll = element("div", { className: "scroll" }, this.grid.el)
    this.el = element(
      "section",
      { className: "pane table", "aria-label": "Selected stars" },
      this.header,
      this.scroll,
      this.chooser.menu.el,
      this.footMenu.el,
    )
    const measure = debounced(() => this.measure(), RESIZED_AFTER)
    new ResizeObserver(measure).observe(this.scroll)
    this.forget = debounced(() => this.note(""), NOTE_FOR)
  }

  /** @param {TableState} state */
  receive(state) {
    const { columns, usual, flags, sort, rows, ids, quality, start, page, pages, focus, note, foot } = state
    if (state.foot_stale !== undefined) this.grid.foot.classList.toggle("stale", state.foot_stale)
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
    if (foot) {
      this.grid.showFoot(foot)
      this.measure()
    }
    if (state.copied !== undefined) this.write(state.copied)
  }

  /**
   * @param {number} page
   * @param {number} pages
   */
  showPage(page, pages) {
    this.page.value = this.shownPage = pages ? page.toLocaleString("en") : ""
    this.page.disabled = pages < 2
    this.page.style.width = `${Math.max(pages.toLocaleString("en").length, 2) + 2}ch`
    this.pages.textContent = pages ? `/ ${pages.toLocaleString("en")}` : ""
    for (const [k, button] of this.turns.entries()) button.disabled = k < 2 ? page <= 1 : page >= pages
  }

  /** @param {string} text */
  goTo(text) {
    const page = Number(text.replaceAll(/[\s,]/g, ""))
    if (Number.isInteger(page)) this.send({ kind: "go_to_page", page })
    else {
      this.note(`“${text}” is no number of a page.`)
      this.page.value = this.shownPage
    }
  }

  /** Ask for as many rows as fit into the height. */
  measure() {
    const row = this.grid.body.firstElementChild
    if (!(row instanceof HTMLElement) || !row.offsetHeight || !this.scroll.clientHeight) return
    const foot = this.grid.foot.offsetHeight || this.chosen.length * row.offsetHeight // it comes after the rows
    const others = this.grid.head.offsetHeight + foot
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
    const button = (/** @type {string} */ text, /** @type {string} */ title, /** @type {() => void} */ onclick) =>
      element("button", { type: "button", title, onclick }, text)
    this.hint.replaceChildren(
      `${count.toLocaleString("en")} marked`,
      button("Keep only", "Select only the marked stars", () => act("keep")),
      button("Remove", "Remove the marked stars from the selection", () => act("remove")),
      button("Unmark", "Mark no row (Escape)", () => this.grid.mark([], "")),
    )
  }

  copy() {
    this.send({ kind: "copy_rows", obsids: this.grid.marked })
  }

  /** @param {string} text - Tab-separated lines, the first one with the names. */
  async write(text) {
    const rows = text.split("\n").length - 1
    const done = await copied(text)
    this.note(done ? `${rows.toLocaleString("en")} ${rows === 1 ? "row" : "rows"} copied.` : NOT_COPIED)
    this.forget()
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

  /** @param {string} text */
  note(text) {
    this.empty.textContent = text
  }
}
