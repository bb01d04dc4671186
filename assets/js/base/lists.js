// Lists to choose from.

/** @import { ColumnEntry } from "../payloads.ts" */

import { element } from "./dom.js"
import { matchingColumns } from "./matches.js"

const LONG_LIST = 150 // columns in a list without a search
const MAX_LISTED = 300

/**
 * @param {HTMLSelectElement} select
 * @param {(readonly [key: string | number, label: string, off?: boolean])[]} entries
 * @param {string | number | undefined} value
 */
export function options(select, entries, value) {
  const texts = entries.map(([key, label, off]) => element("option", { value: key, disabled: off }, label))
  select.replaceChildren(...texts)
  select.value = String(value)
}

/**
 * Options under the headings of their groups; those without one come first.
 *
 * @param {HTMLSelectElement} select
 * @param {ColumnEntry[]} entries
 * @param {string} value
 */
export function grouped(select, entries, value) {
  /** @type {Map<string, HTMLElement>} */
  const groups = new Map([["", select]])
  select.replaceChildren()
  for (const [key, label, heading] of entries) {
    const group = groups.get(heading) ?? select.appendChild(element("optgroup", { label: heading }))
    groups.set(heading, group)
    group.append(element("option", { value: key }, label))
  }
  select.value = value
}

/** A list of columns, with a search where it is long. */
export class ColumnList {
  /** @type {ColumnEntry[]} */
  entries = []

  /**
   * @param {string} name
   * @param {(column: string) => void} choose
   */
  constructor(name, choose) {
    /** @type {HTMLSelectElement} */
    this.select = element("select", { "aria-label": name, onchange: () => choose(this.select.value) })
    this.search = element("input", {
      type: "search",
      className: "find",
      placeholder: "search",
      "aria-label": "Find a column",
      hidden: true,
      oninput: () => this.refill(),
    })
    this.el = element("span", { className: "columns" }, this.select, this.search)
  }

  get value() {
    return this.select.value
  }

  set value(value) {
    this.select.value = value
    if (this.select.value !== value) this.refill(value)
  }

  /**
   * @param {ColumnEntry[]} entries
   * @param {string} value
   */
  fill(entries, value) {
    this.entries = entries
    this.search.hidden = entries.length <= LONG_LIST
    this.refill(value)
  }

  refill(value = this.select.value) {
    const { shown, more } = matchingColumns(this.entries, this.search.value, value, MAX_LISTED)
    grouped(this.select, shown, value)
    if (more > 0) this.select.append(element("option", { disabled: true }, `${more.toLocaleString("en")} more: search`))
  }
}
