// Lists to choose from.

/** @import { ColumnEntry } from "../payloads.ts" */

import { element } from "./dom.js"

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
