// Intervals of wavelength: those without information, and those that the visitor masks.

/** @import { Ends } from "../payloads.d.ts" */

/**
 * Edges of the runs of masked pixels, halfway to the pixels beside them.
 *
 * @param {ArrayLike<number>} w
 * @param {ArrayLike<number>} mask
 */
export function stretches(w, mask) {
  const left = []
  const right = []
  const last = w.length - 1
  for (let k = 0; k < w.length; k++) {
    if (!mask[k]) continue
    const start = k
    while (k < last && mask[k + 1]) k++
    left.push(w[start] - (w[Math.min(start + 1, last)] - w[Math.max(start - 1, 0)]) / 4)
    right.push(w[k] + (w[Math.min(k + 1, last)] - w[Math.max(k - 1, 0)]) / 4)
  }
  return { left, right }
}

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

/**
 * Mask of pixels inside intervals: 1, else 0.
 *
 * @param {ArrayLike<number>} wavelength
 * @param {Ends[]} intervals
 */
export function pixelsIn(wavelength, intervals) {
  const mask = new Uint8Array(wavelength.length)
  for (const [low, high] of intervals) {
    for (let k = 0; k < mask.length; k++) if (wavelength[k] >= low && wavelength[k] <= high) mask[k] = 1
  }
  return mask
}
