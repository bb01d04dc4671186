// Typed arrays of the server's messages.

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
