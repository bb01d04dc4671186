// Pixels of a mean velocity field: smooth between the numbers that the server sends.

/**
 * @typedef {object} MapBytes
 * @property {[height: number, width: number]} shape
 * @property {number} detail - Pixels of the texture along a pixel of hue and strength.
 * @property {Uint8Array} hue
 * @property {Uint8Array} strength
 * @property {Uint8Array} texture
 * @property {Uint8Array} ramp - Red, green, blue and opacity of 256 hues.
 * @property {number} darkest - Brightness of the texture 0; that of 255 is 1.
 */

/** @typedef {{ low: Int32Array, high: Int32Array, share: Float32Array }} Steps */

/**
 * Two pixels around each of `count` places along a side, and the share of the second one.
 *
 * @param {number} side - Pixels.
 * @param {number} count
 * @returns {Steps}
 */
function steps(side, count) {
  const [low, high, share] = [new Int32Array(count), new Int32Array(count), new Float32Array(count)]
  for (let k = 0; k < count; k++) {
    const at = Math.min(Math.max(((k + 0.5) * side) / count - 0.5, 0), side - 1)
    low[k] = Math.floor(at)
    high[k] = Math.min(low[k] + 1, side - 1)
    share[k] = at - low[k]
  }
  return { low, high, share }
}

/**
 * Enlarge a plane by bilinear interpolation.
 *
 * @param {Uint8Array} plane
 * @param {[height: number, width: number]} shape
 * @param {[height: number, width: number]} wanted
 */
export function enlarged(plane, [height, width], [rows, columns]) {
  const result = new Float32Array(rows * columns)
  const across = steps(width, columns)
  const up = steps(height, rows)
  const line = new Float32Array(width)
  for (let row = 0; row < rows; row++) {
    const [below, above, share] = [up.low[row] * width, up.high[row] * width, up.share[row]]
    for (let k = 0; k < width; k++) line[k] = plane[below + k] + share * (plane[above + k] - plane[below + k])
    const start = row * columns
    for (let k = 0; k < columns; k++) {
      const left = line[across.low[k]]
      result[start + k] = left + across.share[k] * (line[across.high[k]] - left)
    }
  }
  return result
}

/**
 * Red, green, blue and opacity of an enlarged map.
 *
 * @param {MapBytes} map
 * @param {number} times - Pixels along a pixel of the texture.
 */
export function paintedMap({ shape, detail, hue, strength, texture, ramp, darkest }, times) {
  /** @type {[number, number]} */
  const fine = [shape[0] * detail, shape[1] * detail]
  /** @type {[number, number]} */
  const wanted = [fine[0] * times, fine[1] * times]
  const hues = enlarged(hue, shape, wanted)
  const opacities = enlarged(strength, shape, wanted)
  const shades = enlarged(texture, fine, wanted)
  const pixels = new Uint8ClampedArray(4 * hues.length)
  for (let k = 0; k < hues.length; k++) {
    if (opacities[k] < 0.5) continue
    const gain = darkest + ((1 - darkest) * shades[k]) / 255
    const colour = 4 * Math.round(hues[k])
    const at = 4 * k
    pixels[at] = gain * ramp[colour]
    pixels[at + 1] = gain * ramp[colour + 1]
    pixels[at + 2] = gain * ramp[colour + 2]
    pixels[at + 3] = opacities[k]
  }
  return { pixels: new Uint32Array(pixels.buffer), shape: wanted }
}

/**
 * Ticks of maps beside one another: the places of round numbers on each, and their labels.
 *
 * @param {{ value: number, text: string }[]} round - Ticks in the own coordinates of a map.
 * @param {[low: number, high: number]} ends - Of a map.
 * @param {number[]} offsets - Of the maps, in any order.
 */
export function tiledTicks(round, [low, high], offsets) {
  const inside = round.filter(({ value }) => value >= low && value <= high)
  const shifts = [...new Set(offsets)]
  const placed = shifts.flatMap((shift) => inside.map(({ value, text }) => ({ at: value + shift, text })))
  return { ticks: placed.map(({ at }) => at), labels: new Map(placed.map(({ at, text }) => [at, text])) }
}
