// The grid of the table: cells, marked rows, pinned columns, and the keyboard in it.

/** @import { FootRow, TableFlag, TableHeading, TableOrder } from "../protocol.d.ts" */
/** @import { Cell } from "./table_steps.js" */

import { element } from "../base/dom.js"
import { between, doubtOf, flagsOf, neighbourOf, stepOf, toggled } from "./table_steps.js"

const QUALITY = "quality" // its cells are the words of the bits

/**
 * What the grid asks for.
 *
 * @typedef {object} GridActions
 * @property {(obsid: string) => void} focus
 * @property {(column: string, add: boolean) => void} sort
 * @property {(by: number) => void} turn
 * @property {(column: string, to: number) => void} move
 * @property {() => void} copy
 * @property {(marked: string[]) => void} mark
 */

export class Grid {
  /** @type {TableHeading[]} */
  columns = []
  /** @type {TableFlag[]} */
  flags = []
  /** @type {string[]} */
  ids = []
  /** @type {string[]} */
  marked = []
  /** @type {Cell} */
  at = { row: 0, column: 0 }
  /** @type {{ title: string, texts: Map<string | undefined, string> }[]} */
  statistics = []
  anchor = ""
  dragged = ""
  focused = ""

  /** @param {GridActions} actions */
  constructor(actions) {
    this.actions = actions
    this.head = element("thead")
    this.body = element("tbody")
    this.foot = element("tfoot")
    this.el = element(
      "table",
      {
        role: "grid",
        "aria-label": "Selected stars",
        "aria-multiselectable": "true",
        onkeydown: (event) => this.key(event),
      },
      this.head,
      this.body,
      this.foot,
    )
  }

  /** @param {TableHeading[]} columns */
  showHead(columns) {
    this.columns = columns
    const held = this.holdsFocus()
    const cells = columns.map(([name, label, description, pinned], k) => {
      const sort = element("button", {
        type: "button",
        tabIndex: -1,
        draggable: true,
        title: `${description} Click to sort, Shift-click to sort by it too; drag or Shift with an arrow to move it.`,
        onclick: ({ shiftKey }) => this.actions.sort(name, shiftKey),
        ondragstart: (event) => {
          this.dragged = name
          event.dataTransfer?.setData("text/plain", name)
        },
      }, label)
      return element("th", {
        scope: "col",
        role: "columnheader",
        "aria-colindex": String(k + 1),
        "data-column": name,
        className: pinned ? "pin" : "",
        ondragover: (event) => this.dragged && event.preventDefault(),
        ondrop: (event) => {
          event.preventDefault()
          if (this.dragged && this.dragged !== name) this.actions.move(this.dragged, k)
          this.dragged = ""
        },
      }, sort)
    })
    this.head.replaceChildren(element("tr", { role: "row", "aria-rowindex": "1" }, ...cells))
    this.el.setAttribute("aria-colcount", String(columns.length))
    this.showStatistics()
    if (held) this.go(this.at)
  }

  /** @param {TableOrder[]} orders */
  showOrder(orders) {
    for (const [k, cell] of this.head.querySelectorAll("th").entries()) {
      const place = orders.findIndex(([column]) => column === this.columns[k]?.[0])
      const state = place < 0 ? "none" : orders[place][1] ? "descending" : "ascending"
      cell.setAttribute("aria-sort", state)
      cell.setAttribute("data-place", place >= 0 && orders.length > 1 ? String(place + 1) : "")
    }
  }

  /**
   * @param {string[][]} rows
   * @param {string[]} ids
   * @param {number[]} quality
   * @param {number} start - Index of the first row in the order.
   */
  showRows(rows, ids, quality, start) {
    const held = this.holdsFocus()
    this.ids = ids
    this.body.replaceChildren(...rows.map((row, k) => {
      const raised = flagsOf(quality[k], this.flags)
      return element(
        "tr",
        { role: "row", "aria-rowindex": String(start + k + 2), onclick: (event) => this.click(event, ids[k]) },
        ...row.map((text, c) => this.cell(text, c, raised)),
      )
    }))
    this.showMarks()
    this.pin()
    const at = { ...this.at, row: Math.min(this.at.row, rows.length - 1) }
    if (held) this.go(at)
    else this.activate(at)
  }

  /**
   * @param {string} text
   * @param {number} k
   * @param {TableFlag[]} raised
   */
  cell(text, k, raised) {
    const [name, , , pinned] = this.columns[k] ?? ["", "", "", false]
    const words = name === QUALITY ? raised.map(([, short, meaning]) => `${short}: ${meaning}`).join("\n") : ""
    const doubt = words ? "" : doubtOf(name, raised)
    const kinds = [pinned ? "pin" : "", doubt ? "doubtful" : "", name === QUALITY ? "words" : ""]
    const shown = { title: words || (doubt && `Doubtful: ${doubt}`) || null, className: kinds.join(" ").trim() }
    const cell = element("td", { role: "gridcell", "aria-colindex": String(k + 1), ...shown }, text)
    cell.addEventListener("focus", () => this.activate(this.placeOf(cell)))
    return cell
  }

  /** @param {FootRow[]} foot - Of the columns that are shown. */
  showFoot(foot) {
    this.statistics = foot.map(([title, texts]) => ({
      title,
      texts: new Map(texts.map((text, k) => [this.columns[k]?.[0], text])),
    }))
    this.showStatistics()
  }

  /** Statistics under their columns; those of a new column follow. */
  showStatistics() {
    this.foot.replaceChildren(...this.statistics.map(({ title, texts }) =>
      element(
        "tr",
        { role: "row", title },
        ...this.columns.map(([name, , , pinned], k) => {
          const text = texts.get(name) ?? ""
          const about = `${title} of the selected stars: ${text}`
          const shown = { title: about, className: pinned ? "pin" : "" }
          return element("td", { role: "gridcell", ...shown }, k ? text : `${title} ${text}`)
        }),
      )
    ))
    this.pin()
  }

  /** Places of pinned columns: each begins where the one before ends. */
  pin() {
    const pinned = this.columns.filter(([, , , is]) => is).length
    let left = 0
    for (const [k, head] of [...this.head.querySelectorAll("th")].slice(0, pinned).entries()) {
      for (const row of [...this.head.children, ...this.body.children, ...this.foot.children]) {
        const cell = row.children[k]
        if (cell instanceof HTMLElement) cell.style.left = `${left}px`
      }
      left += head.offsetWidth
    }
  }

  /** @param {string} focused */
  showFocus(focused) {
    this.focused = focused
    this.showMarks()
  }

  showMarks() {
    const marked = new Set(this.marked)
    for (const [k, row] of [...this.body.children].entries()) {
      row.classList.toggle("focused", this.ids[k] === this.focused)
      row.setAttribute("aria-current", String(this.ids[k] === this.focused))
      row.setAttribute("aria-selected", String(marked.has(this.ids[k])))
    }
  }

  /**
   * @param {MouseEvent} event
   * @param {string} id
   */
  click(event, id) {
    const { target } = event
    if (target instanceof HTMLElement) this.go(this.placeOf(target))
    if (event.shiftKey) this.extend(id)
    else if (event.ctrlKey || event.metaKey) this.mark(toggled(this.marked, id), id)
    else this.actions.focus(id)
  }

  /** @param {string} id */
  extend(id) {
    this.mark([...new Set([...this.marked, ...between(this.ids, this.anchor || id, id)])], this.anchor || id)
  }

  /**
   * @param {string[]} marked
   * @param {string} anchor
   */
  mark(marked, anchor) {
    this.marked = marked
    this.anchor = anchor
    this.showMarks()
    this.actions.mark(marked)
  }

  /** @param {Cell} place */
  elementAt({ row, column }) {
    if (row < 0) return this.head.querySelectorAll("button")[column]
    const cell = this.body.children[row]?.children[column]
    return cell instanceof HTMLElement ? cell : undefined
  }

  /** @param {HTMLElement} cell */
  placeOf(cell) {
    const row = cell.closest("tr")
    const column = row ? [...row.children].findIndex((item) => item === cell || item.contains(cell)) : 0
    return { row: row ? [...this.body.children].indexOf(row) : 0, column: Math.max(column, 0) }
  }

  holdsFocus() {
    const root = this.el.getRootNode()
    const active = root instanceof ShadowRoot || root instanceof Document ? root.activeElement : null
    return active !== null && this.el.contains(active)
  }

  /**
   * Make a cell the one that Tab reaches.
   *
   * @param {Cell} place
   */
  activate(place) {
    const before = this.elementAt(this.at)
    if (before) before.tabIndex = -1
    this.at = place
    const cell = this.elementAt(place)
    if (cell) cell.tabIndex = 0
    return cell
  }

  /** @param {Cell} place */
  go(place) {
    this.activate(place)?.focus()
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    const { key, shiftKey } = event
    const ctrl = event.ctrlKey || event.metaKey
    if (event.altKey || !(this.act(key, ctrl, shiftKey) || this.walk(key, ctrl, shiftKey))) return
    event.preventDefault()
    event.stopPropagation() // arrows also step through the stars
  }

  /**
   * Keys that act on the row or the column of the cell.
   *
   * @param {string} key
   * @param {boolean} ctrl
   * @param {boolean} shift
   */
  act(key, ctrl, shift) {
    const { row, column } = this.at
    const [id, name] = [this.ids[row], this.columns[column]?.[0]]
    if (row < 0 && shift && (key === "ArrowLeft" || key === "ArrowRight")) {
      const to = neighbourOf(column, key === "ArrowLeft" ? -1 : 1, this.columns.map(([, , , pinned]) => pinned))
      if (to === column) return true
      this.at = { row, column: to }
      this.actions.move(name, to)
    } else if (key === "Enter" || (key === " " && row < 0)) {
      if (row < 0) this.actions.sort(name, shift)
      else if (id) this.actions.focus(id)
    } else if (key === " " && id) this.mark(toggled(this.marked, id), id)
    else if (ctrl && key === "a") this.mark([...new Set([...this.marked, ...this.ids])], this.anchor)
    else if (ctrl && key === "c") this.actions.copy()
    else if (key === "Escape" && this.marked.length) this.mark([], "")
    else return false
    return true
  }

  /**
   * Keys that move to another cell or page; with Shift the rows between are marked.
   *
   * @param {string} key
   * @param {boolean} ctrl
   * @param {boolean} shift
   */
  walk(key, ctrl, shift) {
    const step = stepOf(key, ctrl, this.at, { rows: this.ids.length, columns: this.columns.length })
    if (!step) return false
    const from = this.ids[this.at.row]
    this.go(step.cell)
    if (step.turn) this.actions.turn(step.turn)
    else if (shift && from && key.startsWith("Arrow") && this.ids[step.cell.row]) {
      this.anchor ||= from
      this.extend(this.ids[step.cell.row])
    }
    return true
  }
}
