// The table without its elements: steps of the keyboard, orders of columns, and what quality bits say of cells.

/** @import { TableFlag } from "../protocol.d.ts" */

/** @typedef {{ row: number, column: number }} Cell - Row -1 is the head. */

/**
 * The cell to which a key leads, and by how many pages the table turns; null for a key that does not move.
 *
 * @param {string} key
 * @param {boolean} ctrl
 * @param {Cell} at
 * @param {{ rows: number, columns: number }} size
 * @returns {{ cell: Cell, turn: number } | null}
 */
export function stepOf(key, ctrl, at, size) {
  const last = { row: size.rows - 1, column: size.columns - 1 }
  const to = (/** @type {number} */ row, /** @type {number} */ column, turn = 0) => ({
    cell: { row: Math.max(-1, Math.min(row, last.row)), column: Math.max(0, Math.min(column, last.column)) },
    turn,
  })
  switch (key) {
    case "ArrowLeft":
      return to(at.row, at.column - 1)
    case "ArrowRight":
      return to(at.row, at.column + 1)
    case "ArrowUp":
      return to(at.row - 1, at.column)
    case "ArrowDown":
      return at.row === last.row ? to(0, at.column, 1) : to(at.row + 1, at.column)
    case "PageDown":
      return to(at.row, at.column, 1)
    case "PageUp":
      return to(at.row, at.column, -1)
    case "Home":
      return to(ctrl ? 0 : at.row, 0)
    case "End":
      return to(ctrl ? last.row : at.row, last.column)
    default:
      return null
  }
}

/**
 * Columns with one of them at another place.
 *
 * @param {readonly string[]} names
 * @param {string} name
 * @param {number} to - Its index afterwards.
 */
export function moved(names, name, to) {
  const others = names.filter((other) => other !== name)
  const place = Math.max(0, Math.min(to, others.length))
  return [...others.slice(0, place), name, ...others.slice(place)]
}

/**
 * The place of a column that moves by one; pinned columns and the others move among themselves.
 *
 * @param {number} at
 * @param {-1 | 1} by
 * @param {readonly boolean[]} pinned - Of each column.
 */
export function neighbourOf(at, by, pinned) {
  return pinned[at + by] === pinned[at] ? at + by : at
}

/**
 * Names with one more, or without it.
 *
 * @param {readonly string[]} names
 * @param {string} name
 */
export function toggled(names, name) {
  return names.includes(name) ? names.filter((other) => other !== name) : [...names, name]
}

/**
 * Ids from one to another, in the order of the page; those of one alone if the other is not on it.
 *
 * @param {readonly string[]} ids
 * @param {string} from
 * @param {string} to
 */
export function between(ids, from, to) {
  const [a, b] = [ids.indexOf(from), ids.indexOf(to)]
  if (a < 0) return [to]
  return ids.slice(Math.min(a, b), Math.max(a, b) + 1)
}

/**
 * The quality bits that are set.
 *
 * @param {number} quality
 * @param {TableFlag[]} flags
 */
export function flagsOf(quality, flags) {
  return flags.filter(([bit]) => quality & bit)
}

/**
 * Why the value of a column is doubtful; "" where no bit says so.
 *
 * @param {string} column
 * @param {TableFlag[]} raised
 */
export function doubtOf(column, raised) {
  return raised.filter(([, , , columns]) => columns.includes(column)).map(([, , meaning]) => meaning).join("; ")
}
