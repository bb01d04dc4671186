// Typed arrays of the server's messages.

/** @import { Curve } from "../protocol.d.ts" */

/** @param {ArrayBuffer | ArrayBufferView} buffer */
export function bytes(buffer) {
  return buffer instanceof ArrayBuffer
    ? new Uint8Array(buffer)
    : new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength)
}

/**
 * Plain single-precision numbers, which are faster to read than Bokeh's arrays.
 *
 * @param {ArrayLike<number>} values
 */
export function plain(values) {
  return new Float32Array(values)
}

const UNKNOWN = 65_535 // the step of an unknown number

/**
 * The numbers of a curve, NaN where unknown.
 *
 * @param {Curve} curve
 */
export function valuesOf({ low, step, steps, exact }) {
  if (exact) return plain(exact)
  const values = new Float32Array(steps.length)
  for (let k = 0; k < values.length; k++) values[k] = steps[k] === UNKNOWN ? NaN : low + step * steps[k]
  return values
}

/**
 * Value of a piecewise linear function; beyond its ends it is proportional to x.
 *
 * @param {number} x
 * @param {ArrayLike<number>} from - In order.
 * @param {ArrayLike<number>} to
 */
export function interpolated(x, from, to) {
  const last = from.length - 1
  if (last < 1 || x <= from[0]) return last < 0 ? x : (x * to[0]) / from[0]
  if (x >= from[last]) return (x * to[last]) / from[last]
  let low = 0
  let high = last
  while (high - low > 1) {
    const middle = (low + high) >> 1
    if (from[middle] > x) high = middle
    else low = middle
  }
  return to[low] + ((x - from[low]) * (to[high] - to[low])) / (from[high] - from[low])
}

/**
 * Colours of 256 levels as words.
 *
 * @param {ArrayBuffer | ArrayBufferView} palette
 */
export function paletteOf(palette) {
  return new Uint32Array(bytes(palette).slice().buffer)
}

/**
 * Index of the value nearest to a number.
 *
 * @param {Float32Array} values - In order.
 * @param {number} x
 */
export function nearest(values, x) {
  let low = 0
  let high = values.length - 1
  while (high - low > 1) {
    const middle = (low + high) >> 1
    if (values[middle] > x) high = middle
    else low = middle
  }
  return x - values[low] < values[high] - x ? low : high
}
