// Intervals of wavelength that the visitor masks.

/** @import { Ends } from "../payloads.ts" */

/**
 * The same intervals in order, without overlaps.
 *
 * @param {Ends[]} intervals
 */
export function merged(intervals) {
  /** @type {Ends[]} */
  const joined = []
  for (const [low, high] of [...intervals].sort((a, b) => a[0] - b[0])) {
    const last = joined.at(-1)
    if (last && low <= last[1]) last[1] = Math.max(last[1], high)
    else joined.push([low, high])
  }
  return joined
}

/**
 * Remainder of intervals after one is removed.
 *
 * @param {Ends[]} intervals
 * @param {number} low
 * @param {number} high
 * @returns {Ends[]}
 */
export function without(intervals, low, high) {
  return intervals.flatMap(([start, end]) => {
    /** @type {Ends[]} */
    const sides = [[start, Math.min(end, low)], [Math.max(start, high), end]]
    return sides.filter(([a, b]) => a < b)
  })
}
