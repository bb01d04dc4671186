// Search of columns by name, label, meaning and synonyms.

/**
 * What is known of a column; of one that is no column of the catalogue only the name and the label.
 *
 * @typedef {object} SearchedColumn
 * @property {string} name
 * @property {string} label
 * @property {string} unit
 * @property {string} meaning
 * @property {string} group
 * @property {string} synonyms
 */

const NOT_FOUND = 9

/**
 * How well a word fits a column: 0 is its name or label; {@link NOT_FOUND} or more is not at all.
 *
 * @param {SearchedColumn} column
 * @param {string} word
 */
function farness({ name, label, unit, meaning, group, synonyms }, word) {
  const [known, shown, others] = [name, label, synonyms].map((text) => text.toLowerCase())
  const parts = others.split(" ")
  if (known === word || shown === word || parts.includes(word)) return 0
  if (known.startsWith(word) || shown.startsWith(word)) return 1
  if (known.includes(word) || shown.includes(word)) return 2
  if (parts.some((part) => part.startsWith(word))) return 3
  const text = ` ${meaning} ${unit} ${group}`.toLowerCase()
  if (text.includes(` ${word}`)) return 4
  return text.includes(word) || others.includes(word) ? 5 : NOT_FOUND
}

/**
 * Columns that fit every typed word, the best first; all columns in their order without a word.
 *
 * @template {SearchedColumn} Column
 * @param {Column[]} columns
 * @param {string} text
 * @returns {Column[]}
 */
export function searchedColumns(columns, text) {
  const words = text.toLowerCase().split(/\s+/).filter((word) => word)
  if (!words.length) return columns
  return columns
    .map((column) => ({ column, far: Math.max(...words.map((word) => farness(column, word))) }))
    .filter(({ far }) => far < NOT_FOUND)
    .sort((a, b) => a.far - b.far)
    .map(({ column }) => column)
}

/**
 * Columns under the headings of their groups, in the order in which these first occur.
 *
 * @template {SearchedColumn} Column
 * @param {Column[]} columns
 * @returns {[group: string, columns: Column[]][]}
 */
export function inGroups(columns) {
  /** @type {Map<string, Column[]>} */
  const groups = new Map()
  for (const column of columns) groups.set(column.group, [...(groups.get(column.group) ?? []), column])
  return [...groups]
}

/**
 * Outline of a histogram in a picture of one unit a bar.
 *
 * @param {readonly number[]} bars
 * @param {number} height
 */
export function outline(bars, height) {
  const tops = bars.map((bar, k) => `V${height - bar}H${k + 1}`)
  return `M0 ${height}${tops.join("")}V${height}Z`
}
