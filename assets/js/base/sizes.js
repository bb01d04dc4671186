// Sizes of panels: limits of a drag, steps of keys, and what a browser remembers.

/** @typedef {[low: number, high: number]} Limits */

const STEP = 16
const LONG_STEP = 80

/**
 * A size within its limits; the lower one has precedence.
 *
 * @param {number} size
 * @param {Limits} limits
 */
export function limited(size, [low, high]) {
  return Math.max(low, Math.min(size, high))
}

/**
 * Size after a key; null for the usual size, undefined for a key that does nothing.
 *
 * @param {string} key
 * @param {boolean} shift
 * @param {number} size
 * @param {Limits} limits
 * @param {"x" | "y"} axis
 * @param {1 | -1} sign - -1 if the panel grows when its edge moves left or up.
 * @returns {number | null | undefined}
 */
export function sizeOfKey(key, shift, size, limits, axis, sign) {
  if (key === "Enter") return null
  if (key === "Home") return limits[0]
  if (key === "End") return limited(limits[1], limits)
  const [less, more] = axis === "x" ? ["ArrowLeft", "ArrowRight"] : ["ArrowUp", "ArrowDown"]
  if (key !== less && key !== more) return undefined
  const step = (shift ? LONG_STEP : STEP) * (key === more ? sign : -sign)
  return limited(size + step, limits)
}

/**
 * Remembered fractions and folded panels; anything else in the text is dropped.
 *
 * @param {string | null} text
 * @returns {{ shares: Record<string, number>, folded: string[] }}
 */
export function readLayout(text) {
  /** @type {{ shares: Record<string, number>, folded: string[] }} */
  const layout = { shares: {}, folded: [] }
  /** @type {unknown} */
  let stored
  try {
    stored = JSON.parse(text ?? "null")
  } catch {
    return layout // written by something else
  }
  if (typeof stored !== "object" || stored === null) return layout
  const { shares, folded } = /** @type {Record<string, unknown>} */ (stored)
  for (const [name, share] of Object.entries(shares ?? {})) {
    if (typeof share === "number" && share > 0 && share < 1) layout.shares[name] = share
  }
  if (Array.isArray(folded)) layout.folded = folded.filter((name) => typeof name === "string")
  return layout
}

/**
 * How many of some items do not fit in a row, counted from the end of the list.
 *
 * @param {number[]} widths - Of the items that may leave, with the gap before each; 0 of hidden ones.
 * @param {number} room - For them all, in pixels.
 * @param {number} more - Width of the button under which the others are found.
 */
export function excess(widths, room, more) {
  let needed = widths.reduce((sum, width) => sum + width, 0)
  if (needed <= room) return 0
  let count = 0
  while (count < widths.length && needed > room - more) {
    count += 1
    needed -= widths[widths.length - count]
  }
  return count
}
