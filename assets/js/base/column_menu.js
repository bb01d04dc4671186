// A searchable menu of columns: name, label, unit, meaning, share of known values and a small histogram.

/** @import { ColumnEntry } from "../payloads.ts" */
/** @import { ColumnBook } from "./column_book.js" */
/** @import { SearchedColumn } from "./column_search.js" */

import { inGroups, outline, searchedColumns } from "./column_search.js"
import { element, popup } from "./dom.js"

const MAX_FOUND = 400
const BAR_HEIGHT = 31
const EDGE = 4
const SVG_NAMES = "http://www.w3.org/2000/svg"
/** @type {Record<string, number>} */
const FINDER_STEPS = { ArrowDown: 1, ArrowUp: -1, PageDown: 8, PageUp: -8 }
let finders = 0

/**
 * A histogram; it is empty where there is none.
 *
 * @param {readonly number[]} bars
 */
function histogram(bars) {
  const picture = document.createElementNS(SVG_NAMES, "svg")
  picture.setAttribute("viewBox", `0 0 ${bars.length || 1} ${BAR_HEIGHT}`)
  picture.setAttribute("preserveAspectRatio", "none")
  picture.setAttribute("aria-hidden", "true")
  const path = document.createElementNS(SVG_NAMES, "path")
  path.setAttribute("d", bars.length ? outline(bars, BAR_HEIGHT) : "")
  picture.append(path)
  return picture
}

/**
 * Move an open menu back into the window where it would leave it.
 *
 * @param {HTMLElement} menu
 */
export function keepInside(menu) {
  const { left, width } = menu.getBoundingClientRect()
  const most = globalThis.innerWidth - width - EDGE
  Object.assign(menu.style, { left: `${Math.max(Math.min(left, most), EDGE)}px`, right: "auto" })
}

/** A search field above the list of the columns that match. */
export class ColumnFinder {
  /** @type {ColumnEntry[]} */
  entries = []
  /** @type {SearchedColumn[]} */
  shown = []
  /** @type {HTMLLIElement[]} */
  rows = []
  at = 0

  /**
   * @param {string} label
   * @param {ColumnBook} book
   * @param {(name: string) => void} pick
   * @param {(name: string) => boolean} isChosen
   */
  constructor(label, book, pick, isChosen) {
    this.book = book
    this.pick = pick
    this.isChosen = isChosen
    this.id = `columns-${++finders}`
    this.list = element("ul", { role: "listbox", id: this.id, "aria-label": label, className: "finder" })
    /** @type {HTMLInputElement} */
    this.search = element("input", {
      type: "search",
      autofocus: true,
      placeholder: "Search names, labels, meanings",
      role: "combobox",
      "aria-label": `Search: ${label}`,
      "aria-controls": this.id,
      "aria-expanded": "true",
      autocomplete: "off",
      spellcheck: false,
      oninput: () => this.narrow(),
      onkeydown: (event) => this.key(event),
    })
    this.seen = new IntersectionObserver((changes) => {
      for (const { target, isIntersecting } of changes) if (isIntersecting) this.summarise(target)
    }, { root: this.list, rootMargin: "80px" })
    this.reader = () => this.refresh()
  }

  /** @param {ColumnEntry[]} entries */
  fill(entries) {
    this.entries = entries
    if (this.list.offsetParent) this.narrow()
  }

  open() {
    this.book.readers.add(this.reader)
    this.book.open()
    this.search.value = ""
    this.narrow()
  }

  /** Keep no rows while the list is closed. */
  close() {
    this.book.readers.delete(this.reader)
    this.seen.disconnect()
    this.rows = []
    this.list.replaceChildren()
  }

  /** @type {SearchedColumn[]} */
  get columns() {
    return this.entries.map(([name, label, group]) => {
      return this.book.facts.get(name) ?? { name, label, unit: "", meaning: "", group, synonyms: "" }
    })
  }

  narrow() {
    const matching = searchedColumns(this.columns, this.search.value)
    const groups = inGroups(matching.slice(0, MAX_FOUND))
    const searched = this.search.value.trim() !== ""
    this.shown = searched ? matching.slice(0, MAX_FOUND) : groups.flatMap(([, columns]) => columns)
    this.rows = this.shown.map((column, at) => this.row(column, at))
    const heading = (/** @type {string} */ text) => element("li", { role: "presentation", className: "group" }, text)
    let before = ""
    const lines = this.rows.flatMap((row, at) => {
      const { group } = this.shown[at]
      const head = !searched && group !== before && group ? [heading(group)] : []
      before = group
      return [...head, row]
    })
    const more = matching.length - this.shown.length
    const hint = (/** @type {string} */ text) => element("li", { role: "presentation", className: "hint" }, text)
    this.list.replaceChildren(
      ...lines,
      ...(more > 0 ? [hint(`${more.toLocaleString("en")} more: type to narrow`)] : []),
      ...(matching.length ? [] : [hint(this.entries.length ? "No column matches." : "Loading…")]),
    )
    this.seen.disconnect()
    for (const row of this.rows) this.seen.observe(row)
    const chosen = searched ? 0 : this.shown.findIndex(({ name }) => this.isChosen(name))
    this.move(Math.max(chosen, 0))
    this.rows[this.at]?.scrollIntoView({ block: "nearest" })
  }

  /** Show what became known, where the list is open; the search and the marked row stay. */
  refresh() {
    if (!this.list.isConnected) return this.close() // its form was built anew
    if (!this.list.offsetParent) return
    if (this.shown.some(({ name, meaning }) => !meaning && this.book.facts.get(name)?.meaning)) this.narrow()
    else for (const row of this.rows) if (!row.querySelector("svg")) this.summarise(row)
  }

  /**
   * @param {SearchedColumn} column
   * @param {number} at
   */
  row({ name, label, unit, meaning }, at) {
    const known = this.book.facts.has(name)
    return element(
      "li",
      {
        role: "option",
        id: `${this.id}-${at}`,
        title: meaning || null,
        className: this.isChosen(name) ? "chosen" : "",
        "data-column": name,
        onclick: () => this.pick(name),
        onmousemove: () => this.move(at),
      },
      element("b", {}, unit ? `${label} [${unit}]` : label),
      known ? element("code", {}, name) : null,
      element("small", {}, meaning),
      element("span", { className: "values" }),
    )
  }

  /**
   * Draw the histogram of a row that is seen.
   *
   * @param {Element} row
   */
  summarise(row) {
    const name = row.getAttribute("data-column") ?? ""
    const values = this.book.valuesOf(name)
    const cell = row.querySelector(".values")
    if (!values || !cell || cell.firstChild) return
    const [, known, low, high, bars] = values
    const range = bars.length ? `, ${low} to ${high}` : low ? `, all ${low}` : ""
    cell.append(histogram(bars), element("i", {}, known))
    cell.setAttribute("title", `${known} of the stars have a value${range}`)
  }

  /** @param {number} at */
  move(at) {
    this.rows[this.at]?.removeAttribute("aria-selected")
    this.at = Math.max(0, Math.min(at, this.rows.length - 1))
    this.rows[this.at]?.setAttribute("aria-selected", "true")
    this.search.setAttribute("aria-activedescendant", this.rows.length ? `${this.id}-${this.at}` : "")
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    const step = FINDER_STEPS[event.key]
    if (step) {
      this.move(this.at + step)
      this.rows[this.at]?.scrollIntoView({ block: "nearest" })
    } else if (event.key === "Enter" && this.shown.length) this.pick(this.shown[this.at].name)
    else return
    event.preventDefault()
  }
}

/** A button that shows the chosen column and opens the search. */
export class ColumnMenu {
  chosen = ""

  /**
   * @param {string} label
   * @param {ColumnBook} book
   * @param {(name: string) => void} choose
   * @param {string} [empty] - Text of the button while no column is chosen.
   */
  constructor(label, book, choose, empty = "") {
    this.label = label
    this.empty = empty
    this.finder = new ColumnFinder(label, book, (name) => {
      this.menu.close()
      this.button.focus()
      this.value = name
      choose(name)
    }, (name) => name === this.chosen)
    this.button = element("button", {
      type: "button",
      className: "pick",
      "aria-haspopup": "listbox",
      "data-field": label,
    })
    this.menu = popup(this.button, () => [this.finder.search, this.finder.list], "left")
    this.menu.el.classList.add("column-menu")
    this.menu.el.addEventListener("toggle", (event) => {
      if (/** @type {ToggleEvent} */ (event).newState !== "open") return this.finder.close()
      keepInside(this.menu.el)
      this.finder.open()
      this.finder.search.focus()
    })
    this.el = element("span", { className: "picked" }, this.button, this.menu.el)
  }

  /** @param {boolean} off */
  set disabled(off) {
    this.button.disabled = off
  }

  /**
   * @param {ColumnEntry[]} entries
   * @param {string} value
   */
  fill(entries, value) {
    this.finder.fill(entries)
    this.value = value
  }

  get value() {
    return this.chosen
  }

  set value(value) {
    this.chosen = value
    const title = this.finder.entries.find(([name]) => name === value)?.[1] ?? (value || this.empty)
    this.button.replaceChildren(title)
    this.button.title = title
    this.button.dataset.column = value
    this.button.setAttribute("aria-label", `${this.label}: ${title}`)
  }
}
