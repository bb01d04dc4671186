// Corners of an outline as text, one a line.

/** @param {string[][]} rows */
export function textOfRows(rows) {
  return rows.map((row) => row.join(", ")).join("\n")
}

/**
 * Rows of a text: each line two numbers, parted by a comma, a semicolon, a tab, or blanks.
 *
 * @param {string} text
 */
export function rowsOfText(text) {
  const lines = text.split(/\r?\n/).map((line) => line.trim().replace(/[,;]$/, "")).filter((line) => line !== "")
  return lines.map((line) => {
    const parts = /[,;\t]/.test(line) ? line.split(/[,;\t]/) : line.split(/\s+/)
    return parts.map((part) => part.trim())
  })
}
