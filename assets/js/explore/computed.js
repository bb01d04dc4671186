// Computed columns: defined by an expression that is checked while it is typed, listed, edited and removed.

/** @import { CheckState } from "../payloads.ts" */
/** @import { ComputedState, Request } from "../protocol.d.ts" */

import { LIMITS } from "../base/declared.js"
import { element, icon } from "../base/dom.js"
import { ExpressionField } from "./filter.js"

const NO_COLUMNS = "None yet: a column is a name and an expression of other columns."

/** The section of computed columns in the side panel. */
export class ComputedColumns {
  /** @type {string} - Name of the column that is being edited; "" for a new one. */
  edited = ""

  /** @param {(message: Request) => void} send */
  constructor(send) {
    this.send = send
    this.list = element("ul", { className: "tree", "aria-label": "Computed columns" })
    /** @type {(placeholder: string, label: string, maxLength: number) => HTMLInputElement} */
    const field = (placeholder, label, maxLength) =>
      element("input", { placeholder, "aria-label": label, title: label, maxLength, spellcheck: false })
    this.name = field("name, e.g. v_total", "Name of the column", LIMITS.columnName)
    this.label = field("label", "Label of the column", LIMITS.columnLabel)
    this.unit = field("unit", "Unit of the column: by default that of the expression", LIMITS.columnUnit)
    this.expression = new ExpressionField({
      ask: (asked) => send({ kind: "check_column", ...asked, unit: this.unit.value.trim() }),
      apply: () => this.define(),
      label: "Expression of the column",
      placeholder: "hypot(v_r, v_z)",
    })
    this.unit.oninput = () => this.expression.askSoon()
    this.add = element("button", { type: "button", className: "main", onclick: () => this.define() })
    this.cancel = element("button", { type: "button", onclick: () => this.clear() }, "Cancel")
    this.note = element("p", { className: "hint refused", role: "alert" })
    const { input, words, error, fits, notes } = this.expression
    const row = (/** @type {HTMLElement[]} */ ...children) => element("div", { className: "row" }, ...children)
    this.form = element(
      "div",
      { className: "form" },
      row(this.name, this.unit),
      input,
      words,
      error,
      fits,
      notes,
      row(this.label),
      row(this.cancel, this.add),
    )
    this.start = element("button", { type: "button", onclick: () => this.open() }, "New column…")
    this.content = [this.list, row(this.start), this.form, this.note]
    this.clear()
  }

  /** @param {ComputedState[]} columns */
  fill(columns) {
    const none = element("li", { className: "hint" }, NO_COLUMNS)
    this.list.replaceChildren(...(columns.length ? columns.map((column) => this.item(column)) : [none]))
  }

  /** @param {ComputedState} column */
  item(column) {
    const { name, label, unit, definition, count } = column
    const pick = element(
      "button",
      { type: "button", className: "name", title: `Edit ${label || name}`, onclick: () => this.edit(column) },
      element("b", {}, name),
      unit && ` [${unit}]`,
    )
    const line = element(
      "div",
      { className: "line" },
      pick,
      element("span", { className: "number", title: "Stars that have a value" }, count),
      icon("delete_outline", `Remove ${name}`, () => this.send({ kind: "remove_column", name })),
    )
    return element("li", {}, line, element("code", { className: "definition", title: definition }, column.text))
  }

  /** @param {ComputedState} column */
  edit({ name, label, unit, text }) {
    this.clear()
    this.edited = name
    this.name.value = name
    this.label.value = label
    this.unit.value = unit
    this.open()
    this.expression.write(text)
    this.expression.focus()
  }

  open() {
    this.add.textContent = this.edited ? "Change column" : "Add column"
    this.form.hidden = false
    this.start.hidden = true
    this.name.focus()
  }

  clear() {
    this.edited = ""
    for (const field of [this.name, this.label, this.unit, this.expression.input]) field.value = ""
    this.expression.reset()
    this.report("")
    this.form.hidden = true
    this.start.hidden = false
  }

  /** @param {CheckState} check */
  checked(check) {
    this.expression.checked(check)
  }

  /** @param {string} text */
  report(text) {
    this.note.textContent = text
  }

  define() {
    const [name, text, unit, label] = [this.name, this.expression.input, this.unit, this.label].map((field) => {
      return field.value.trim()
    })
    this.report("")
    if (!name || !text) {
      this.report("Give the column a name and an expression.")
      return
    }
    this.send({ kind: "define_column", name, text, unit, label, replaces: this.edited })
  }
}
