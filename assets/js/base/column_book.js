// What is known of the columns of the catalogue: asked for once, and shared by all menus.

/** @import { Parts } from "../payloads.ts" */
/** @import { ColumnValues, Request } from "../protocol.d.ts" */
/** @import { SearchedColumn } from "./column_search.js" */

import { debounced } from "./dom.js"

const SUMMARISE_AFTER = 40

export class ColumnBook {
  /** @type {Map<string, SearchedColumn>} */
  facts = new Map()
  /** @type {Map<string, ColumnValues>} */
  values = new Map()
  /** @type {Set<string>} */
  wanted = new Set()
  /** @type {Set<() => void>} - Called when more is known. */
  readers = new Set()
  asked = false

  /** @param {(message: Request) => void} send */
  constructor(send) {
    this.send = send
    this.summarise = debounced(() => {
      const columns = [...this.wanted].filter((name) => !this.values.has(name))
      this.wanted.clear()
      if (columns.length) send({ kind: "summarise_columns", columns })
    }, SUMMARISE_AFTER)
    /** @type {Parts} */
    this.parts = {
      "column_facts": (facts) => {
        this.facts = new Map(facts.map(([name, label, unit, meaning, group, synonyms]) => {
          return [name, { name, label, unit, meaning, group, synonyms }]
        }))
        this.values.clear() // computed columns may have others now
        this.tell()
      },
      "column_values": (values) => {
        for (const value of values) this.values.set(value[0], value)
        this.tell()
      },
    }
  }

  /** Ask for the columns, at the first time. */
  open() {
    if (this.asked) return
    this.asked = true
    this.send({ kind: "list_columns" })
  }

  tell() {
    for (const reader of this.readers) reader()
  }

  /**
   * The values of a column; they are asked for when they are not known yet.
   *
   * @param {string} name
   */
  valuesOf(name) {
    const known = this.values.get(name)
    if (!known && this.facts.has(name)) {
      this.wanted.add(name)
      this.summarise()
    }
    return known
  }
}
