// Marginal histograms: bars along an axis of a plane, which follow its zoom.

/** @import { Ends } from "../payloads.ts" */

/**
 * Corners of the outline of bars, in pixels: along the axis, and above its base.
 *
 * @param {ArrayLike<number>} heights - As fractions of the highest bar.
 * @param {Ends} window - Outer edges of the bars, as coordinates.
 * @param {Ends} ends - Of the axis in drawing order.
 * @param {number} length - Of the axis in pixels.
 * @param {number} depth - Of the highest bar in pixels.
 * @returns {[along: number, above: number][]}
 */
export function marginOutline(heights, [low, high], ends, length, depth) {
  const count = heights.length
  const place = (/** @type {number} */ edge) =>
    length * ((low + (edge * (high - low)) / count - ends[0]) / (ends[1] - ends[0]))
  /** @type {[number, number][]} */
  const corners = [[place(0), 0]]
  for (let k = 0; k < count; k++) {
    const above = depth * heights[k]
    corners.push([place(k), above], [place(k + 1), above])
  }
  return [...corners, [place(count), 0]]
}

/**
 * Coordinate on an axis of a place along it.
 *
 * @param {number} at - In pixels.
 * @param {Ends} ends - In drawing order.
 * @param {number} length - Of the axis in pixels.
 */
export function coordinateAt(at, ends, length) {
  return ends[0] + (at / length) * (ends[1] - ends[0])
}
