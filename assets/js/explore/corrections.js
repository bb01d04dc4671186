// Corrections of how columns were understood, until they are applied.

/** @import { FileTable, StatusState } from "../payloads.ts" */
/** @import { Correction } from "../protocol.d.ts" */

/** Corrections by table and role. */
export class Corrections {
  /** @type {Map<string, Correction>} */
  edits = new Map()

  get size() {
    return this.edits.size
  }

  get all() {
    return [...this.edits.values()]
  }

  /**
   * @param {number} table
   * @param {string} ours
   */
  get(table, ours) {
    return this.edits.get(`${table} ${ours}`)
  }

  /**
   * Choose a column of the file for a role, and its unit; what was understood before is no correction.
   *
   * @param {FileTable[]} tables
   * @param {Correction} correction
   */
  choose(tables, correction) {
    const { table, ours, theirs, unit } = correction
    const column = tables[table].columns.find((one) => one.ours === ours)
    const before = column?.theirs ?? ""
    const unitBefore = column ? column.unit_from || column.unit_to : ""
    if (theirs === before && (!unit || unit === unitBefore)) this.undo(table, ours)
    else this.edits.set(`${table} ${ours}`, correction)
  }

  /**
   * @param {number} table
   * @param {string} ours
   */
  undo(table, ours) {
    this.edits.delete(`${table} ${ours}`)
  }

  clear() {
    this.edits.clear()
  }
}

/**
 * Roles by the column of the file that they use.
 *
 * @param {FileTable} table
 */
export function usersOf(table) {
  /** @type {Map<string, string[]>} */
  const users = new Map()
  for (const { ours, theirs } of table.columns) users.set(theirs, [...(users.get(theirs) ?? []), ours])
  return users
}

/**
 * Stages by the reason why they do not run; "" where they do.
 *
 * @param {[name: string, reason: string][]} stages
 */
export function stagesByReason(stages) {
  /** @type {Map<string, string[]>} */
  const reasons = new Map()
  for (const [name, reason] of stages) reasons.set(reason, [...(reasons.get(reason) ?? []), name])
  return reasons
}

/**
 * Whether the page goes on to the explorer: it can be entered, and the visitor neither asked to stay nor works here.
 *
 * @param {{ status: StatusState | null, requested: boolean, follows: boolean, editing: boolean }} page
 */
export function goesOn({ status, requested, follows, editing }) {
  return Boolean(status?.open) && !requested && follows && !editing
}
