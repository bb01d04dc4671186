// The sheet of columns: how each table of the visitor's files was understood, and choices to correct that.

/** @import { ColumnsState, FedColumn, FileTable } from "../payloads.ts" */
/** @import { Corrections } from "./corrections.js" */

import { element, icon } from "../base/dom.js"
import { options } from "../base/lists.js"
import { Picker } from "../base/picker.js"
import { usersOf } from "./corrections.js"

const NOT_USED = "not used"
const ROUTINE = /^no unit in the file/ // remarks that most columns of a plain text table get
const HEADS = ["column", "in the file", "unit", "known", "min · median · max", "replaced", "recognised by"]

/** @typedef {[label: string, description: string, unit: string, units: string[]]} Role */

/**
 * Actions of the sheet on a choice.
 *
 * @typedef {object} SheetActions
 * @property {(table: number, ours: string, theirs: string | null, unit: string) => void} edit
 * @property {(table: number, ours: string) => void} undo
 * @property {() => void} settle - Something was closed: perhaps the visitor has finished.
 */

export class Sheet {
  /** @type {ColumnsState | null} */
  columns = null
  /** @type {Map<string, Role>} */
  roles = new Map()
  /** @type {Set<string>} - Roles that the visitor asked for. */
  added = new Set()
  permitted = false
  retry = false

  /**
   * @param {Corrections} corrections
   * @param {SheetActions} actions
   */
  constructor(corrections, actions) {
    this.corrections = corrections
    this.actions = actions
    this.el = element(
      "div",
      { className: "scroll" },
      element("p", { className: "hint" }, "The columns appear here when the files have been read."),
    )
  }

  /** @param {ColumnsState} columns */
  receive(columns) {
    this.columns = columns
    this.roles = new Map(columns.roles.map(([name, ...role]) => [name, role]))
  }

  /** Whether a list of choices is open. */
  get busy() {
    return this.el.querySelector(":popover-open, select:focus") !== null
  }

  draw() {
    if (!this.columns) return
    const opened = new Set([...this.el.querySelectorAll("details")].filter(({ open }) => open).map(keyOfFold))
    this.el.replaceChildren(...this.columns.tables.map((table, number) => this.table(table, number)))
    if (!this.columns.tables.length) {
      this.el.append(element("p", { className: "hint" }, "There is no table: everything is measured from the spectra."))
    }
    for (const fold of this.el.querySelectorAll("details")) fold.open ||= opened.has(keyOfFold(fold))
  }

  /**
   * @param {FileTable} table
   * @param {number} number
   */
  table(table, number) {
    const users = usersOf(table)
    const fed = table.columns.map((column) => this.fed(table, number, column, users))
    const absent = this.absent(table, number, users)
    /** @type {(key: string, title: string, open: boolean, content: HTMLElement) => HTMLElement} */
    const fold = (key, title, open, content) =>
      element("details", { open, "data-key": `${number} ${key}` }, element("summary", {}, title), content)
    const none = table.names.length ? "No column was recognised yet." : "This file could not be read."
    const own = element("p", { className: "own" }, ...table.own.map((name) => element("code", {}, name)))
    const count = table.own.length.toLocaleString("en")
    return element(
      "section",
      { className: "file" },
      element("h2", {}, table.file, element("small", {}, table.heading)),
      table.match ? element("p", { className: "hint" }, `Joined to the stars: ${table.match}`) : null,
      ...table.notes.map((note) => element("p", { className: "remark" }, note)),
      fed.length ? gridOf(fed) : element("p", { className: "hint" }, none),
      table.own.length ? fold("own", `Your own columns (${count})`, false, own) : null,
      table.names.length
        ? fold(
          "absent",
          `Not in this file, as far as recognised (${absent.length - 1})`,
          !fed.length || this.retry,
          element("div", { className: "absent" }, ...absent),
        )
        : null,
    )
  }

  /**
   * @param {FileTable} table
   * @param {number} number
   * @param {FedColumn} column
   * @param {Map<string, string[]>} users
   */
  fed(table, number, column, users) {
    const { ours, theirs, unit_from: from, unit_to: to, share, range, note, corrected } = column
    const unit = from && from !== to ? `${from} → ${to || "1"}` : to
    const [low, middle, high] = range
    const between = () => element("small", {}, " · ")
    const numbers = range.length ? [low, between(), element("b", {}, middle), between(), high] : []
    const reason = column.reason === table.schema ? "known schema" : column.reason
    return element(
      "tr",
      { className: this.corrections.get(number, ours) ? "edited" : "" },
      nameCell(column.label, ours, column.description),
      element("td", {}, this.chosen(table, number, ours, theirs, users, corrected)),
      element("td", {}, this.unit(table, number, ours, theirs, column.units, from || to, unit)),
      element(
        "td",
        { className: "number" },
        column.known,
        element("i", { className: "share" }, element("i", { style: `width: ${100 * share}%` })),
      ),
      element("td", { className: "number" }, ...numbers),
      element("td", {}, column.replaced),
      element(
        "td",
        {},
        corrected ? correctedMark() : reason,
        note ? element("small", { className: ROUTINE.test(note) ? "routine" : "remark" }, note) : null,
      ),
    )
  }

  /**
   * Catalogue columns that this file does not provide, important ones first, and a list of all others.
   *
   * @param {FileTable} table
   * @param {number} number
   * @param {Map<string, string[]>} users
   */
  absent(table, number, users) {
    const known = new Set([...table.columns.map(({ ours }) => ours), ...table.absent.map(([ours]) => ours)])
    const others = [...this.added].filter((ours) => !known.has(ours))
    const rows = [
      ...table.absent.map(([ours, corrected]) => this.absentRow(table, number, ours, corrected, users)),
      ...others.map((ours) => this.absentRow(table, number, ours, false, users)),
    ]
    if (!this.permitted) return [...rows, ""]
    const another = new Picker(
      "Another column of the catalogue",
      () => this.otherRoles(known),
      (ours) => this.add(ours),
    )
    another.show("another column…", true)
    return [...rows, element("div", {}, another.el)]
  }

  /** @param {Set<string>} known */
  otherRoles(known) {
    return [...this.roles]
      .filter(([name]) => !known.has(name) && !this.added.has(name))
      .map(([name, [label, description]]) => /** @type {const} */ ([name, name, `${label}: ${description}`]))
  }

  /**
   * @param {FileTable} table
   * @param {number} number
   * @param {string} ours
   * @param {boolean} corrected
   * @param {Map<string, string[]>} users
   */
  absentRow(table, number, ours, corrected, users) {
    const [label, description, unit, units] = this.roles.get(ours) ?? [ours, "", "", []]
    const edit = this.corrections.get(number, ours)
    const name = element(
      "span",
      { className: "name", title: `${label}: ${description}` },
      element("b", {}, label),
      label === ours ? null : element("code", {}, ours),
    )
    const shown = corrected ? correctedMark() : unit
    return element(
      "div",
      { className: edit ? "edited" : "" },
      name,
      this.chosen(table, number, ours, "", users, corrected),
      element(
        "span",
        { className: "soft" },
        edit?.theirs ? this.unit(table, number, ours, "", units, unit, unit) : shown,
      ),
    )
  }

  /**
   * @param {FileTable} table
   * @param {number} number
   * @param {string} ours
   * @param {string} theirs
   * @param {Map<string, string[]>} users
   * @param {boolean} corrected
   */
  chosen(table, number, ours, theirs, users, corrected) {
    const edit = this.corrections.get(number, ours)
    const now = edit?.theirs ?? theirs
    const text = edit?.theirs === null ? "as recognised" : now || NOT_USED
    if (!this.permitted) return element("span", { className: now ? "" : "soft" }, text)
    /** @returns {(readonly [value: string | null, text: string, hint?: string])[]} */
    const choices = () => [
      ["", NOT_USED],
      ...(corrected ? [/** @type {const} */ ([null, "as recognised", "without this correction"])] : []),
      ...table.names.map((name) => {
        const others = (users.get(name) ?? []).filter((one) => one !== ours)
        return /** @type {const} */ ([name, name, others.join(", ")])
      }),
    ]
    const picker = new Picker(
      `Column of ${table.file} for ${ours}`,
      choices,
      (value) => this.actions.edit(number, ours, value, ""),
    )
    picker.show(text, !now)
    picker.menu.el.addEventListener("toggle", () => this.actions.settle())
    const back = edit ? icon("undo", `Undo the change of ${ours}`, () => this.actions.undo(number, ours)) : null
    return element("span", { className: "choice" }, picker.el, back)
  }

  /**
   * @param {FileTable} table
   * @param {number} number
   * @param {string} ours
   * @param {string} theirs
   * @param {string[]} units
   * @param {string} unit
   * @param {string} text
   */
  unit(table, number, ours, theirs, units, unit, text) {
    const edit = this.corrections.get(number, ours)
    const chosen = edit?.theirs ?? theirs
    if (!this.permitted || units.length < 2 || !table.names.includes(chosen)) return element("span", {}, text)
    /** @type {HTMLSelectElement} */
    const select = element("select", {
      "aria-label": `Unit of ${ours} in ${table.file}`,
      onchange: () => this.actions.edit(number, ours, chosen, select.value),
      onblur: () => this.actions.settle(),
    })
    const other = chosen !== theirs // whose unit is known when the file is read again
    /** @type {[string, string][]} */
    const entries = units.map((one) => [one, one])
    options(select, other ? [["", "as in the file"], ...entries] : entries, edit?.unit || (other ? "" : unit))
    const [, to] = text.split(" → ")
    return element("span", {}, select, to && !other ? element("small", {}, ` → ${to}`) : null)
  }

  /** @param {string} ours */
  add(ours) {
    this.added.add(ours)
    this.draw()
  }
}

/** @param {HTMLElement} fold */
function keyOfFold(fold) {
  return fold.dataset.key
}

/** @param {HTMLElement[]} rows */
function gridOf(rows) {
  const heads = HEADS.map((text) => element("th", { scope: "col" }, text))
  return element(
    "table",
    {},
    element("thead", {}, element("tr", {}, ...heads)),
    element("tbody", {}, ...rows),
  )
}

/**
 * @param {string} label
 * @param {string} ours
 * @param {string} description
 */
function nameCell(label, ours, description) {
  return element("th", { scope: "row", title: description }, label, label === ours ? null : element("code", {}, ours))
}

function correctedMark() {
  return element(
    "span",
    { className: "mark", title: "By a correction: choose 'as recognised' to take it back" },
    "corrected",
  )
}
