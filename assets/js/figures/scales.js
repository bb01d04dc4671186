// Numbers of axes: ticks, ends and bins.

/** @import { Ends } from "../payloads.ts" */

/**
 * Round numbers between two ends, with the fewest digits that distinguish them.
 *
 * @param {Ends} ends - In drawing order.
 * @param {number} count - About how many.
 */
export function ticks([start, end], count) {
  const low = Math.min(start, end)
  const high = Math.max(start, end)
  const rough = (high - low) / count
  const power = 10 ** Math.floor(Math.log10(rough))
  const step = [1, 2, 5].map((factor) => factor * power).find((candidate) => candidate >= rough) ?? 10 * power
  const digits = Math.max(0, -Math.floor(Math.log10(step) + 1e-9))
  const marks = []
  for (let value = Math.ceil(low / step) * step; value <= high + 1e-9 * step; value += step) {
    marks.push({ value, text: value.toFixed(digits) })
  }
  return marks
}

/**
 * Ends of an axis that shows all finite values, with some room beyond them.
 *
 * @param {Iterable<number>} values
 * @param {number} [room] - Share of the span, to either side.
 * @returns {Ends}
 */
export function endsOf(values, room = 0.06) {
  let low = Infinity
  let high = -Infinity
  for (const value of values) {
    if (!Number.isFinite(value)) continue
    low = Math.min(low, value)
    high = Math.max(high, value)
  }
  if (!(high > low)) [low, high] = Number.isFinite(low) ? [low - 1, low + 1] : [0, 1]
  const spare = room * (high - low)
  return [low - spare, high + spare]
}

/**
 * Numbers of values in bins of one width; values outside are left out.
 *
 * @param {Iterable<number>} values
 * @param {Ends} ends
 * @param {number} count
 */
export function binned(values, [low, high], count) {
  /** @type {number[]} */
  const heights = new Array(count).fill(0)
  const edges = heights.map((_, k) => low + (k * (high - low)) / count)
  for (const value of values) {
    const k = Math.floor(((value - low) / (high - low)) * count)
    if (k >= 0 && k < count) heights[k]++
  }
  return { edges: [...edges, high], heights }
}

/**
 * Ends of both axes where a unit is as long upwards as sideways, around the middle of what was asked for: all of that
 * stays in view, whatever the shape of the frame.
 *
 * @param {[Ends, Ends]} asked - Ends of x and of y in drawing order.
 * @param {{ width: number, height: number }} frame - In pixels.
 * @returns {{ x: Ends, y: Ends, unit: number }}
 */
export function squareEnds([x, y], { width, height }) {
  const unit = Math.max(Math.abs(x[1] - x[0]) / width, Math.abs(y[1] - y[0]) / height)
  /** @type {(ends: Ends, pixels: number) => Ends} */
  const fit = ([start, end], pixels) => {
    const middle = (start + end) / 2
    const half = (Math.sign(end - start) * unit * pixels) / 2
    return [middle - half, middle + half]
  }
  return { x: fit(x, width), y: fit(y, height), unit }
}

/**
 * Number of ticks that fit into a length.
 *
 * @param {number} room - In pixels.
 * @param {number} least - Pixels that one label takes.
 */
export function fittingTicks(room, least) {
  return Math.max(2, Math.min(7, Math.floor(room / least)))
}

/**
 * Number of the bar in which a value is; -1 outside of all.
 *
 * @param {ArrayLike<number>} edges - In order.
 * @param {number} value
 */
export function barAt(edges, value) {
  if (!(value >= edges[0] && value <= edges[edges.length - 1])) return -1
  let bar = 0
  while (bar < edges.length - 2 && value >= edges[bar + 1]) bar++
  return bar
}

/**
 * A number with four digits.
 *
 * @param {number} value
 */
export function short(value) {
  return Number(value.toPrecision(4)).toLocaleString("en", { maximumFractionDigits: 6 }).replace("-", "−")
}

const UNDER_ONE = 0.7 // where bars of a logarithmic axis begin, below a single star

/**
 * Sides of the bars of a histogram, and ends of their axis.
 *
 * @param {ArrayLike<number>} edges
 * @param {ArrayLike<number>} heights
 * @param {boolean} logarithmic
 * @param {number} [least] - Height of a single star.
 * @returns {{ data: Record<"left" | "right" | "top" | "bottom", number[]>, ends: Ends }}
 */
export function barsOf(edges, heights, logarithmic, least = 1) {
  const under = UNDER_ONE * least
  const height = (/** @type {number} */ value) => (logarithmic ? Math.log10(Math.max(value, under)) : value)
  const floor = logarithmic ? Math.log10(under) : 0
  const sides = Array.from(edges)
  const top = Array.from(heights, height)
  const bottom = top.map(() => floor)
  const low = logarithmic ? height(least) + 0.1 : 1.1 * least
  const highest = Math.max(...top, low)
  const ends = /** @type {Ends} */ ([floor, highest + 0.05 * (highest - floor)])
  return { data: { left: sides.slice(0, -1), right: sides.slice(1), top, bottom }, ends }
}

/**
 * Outline of the bars of a histogram, as a line from the floor to the floor.
 *
 * @param {{ left: number[], right: number[], top: number[], bottom: number[] }} bars
 */
export function outlineOf({ left, right, top, bottom }) {
  const xs = [left[0], ...left.flatMap((side, k) => [side, right[k]]), right[right.length - 1]]
  return { xs, ys: [bottom[0], ...top.flatMap((height) => [height, height]), bottom[bottom.length - 1]] }
}
