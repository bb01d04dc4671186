// Conversion of the server's levels to pixels and colours.

/**
 * Decode and colour in one pass: a byte above 0 is a level, 0 and n are n + 1 empty pixels.
 *
 * @param {Uint8Array} packed
 * @param {[height: number, width: number]} shape
 * @param {Uint32Array} palette - Colours of the 256 levels.
 */
export function unpacked(packed, [height, width], palette) {
  const image = new Uint32Array(width * height)
  let pixel = 0
  for (let at = 0; at < packed.length; at++) {
    const level = packed[at]
    if (level) image[pixel++] = palette[level]
    else pixel += packed[++at] + 1
  }
  return image
}

/**
 * A colour of a palette for style sheets and figures.
 *
 * @param {Uint32Array} palette
 * @param {number} level
 */
export function css(palette, level) {
  const [red, green, blue, opacity] = new Uint8Array(palette.buffer, 4 * level, 4)
  return `rgba(${red}, ${green}, ${blue}, ${opacity / 255})`
}

/**
 * Selected single stars, each in the colour of its level.
 *
 * @param {Uint8Array} levels - Of all stars on screen; 0 for those that are not selected.
 * @param {ArrayLike<number>} x
 * @param {ArrayLike<number>} y
 * @param {Uint32Array} palette
 * @param {boolean} [layered] - Whether stars of low levels are in front of those of high ones.
 */
export function pickedStars(levels, x, y, palette, layered = false) {
  const colours = Array.from({ length: 256 }, (_, level) => css(palette, level))
  /** @type {number[]} */
  const order = []
  for (let k = 0; k < levels.length; k++) if (levels[k] !== 0) order.push(k)
  if (layered) order.sort((one, other) => levels[other] - levels[one])
  return {
    x: order.map((k) => x[k]),
    y: order.map((k) => y[k]),
    colour: order.map((k) => colours[levels[k]]),
  }
}

/**
 * A few selected stars in their colours, without transparency so that their rims close.
 *
 * @param {Uint8Array} levels
 * @param {ArrayLike<number>} x
 * @param {ArrayLike<number>} y
 * @param {Uint32Array} palette
 * @param {string} colourless - Colour of stars of level 0.
 */
export function chosenStars(levels, x, y, palette, colourless) {
  const opaque = palette.map((colour) => (colour | 0xff000000) >>> 0)
  const colour = Array.from(levels, (level) => (level === 0 ? colourless : css(opaque, level)))
  return { x: Array.from(x), y: Array.from(y), colour }
}

/**
 * Dots in each turn of a longitude on screen; every n-th of them where there are too many.
 *
 * @param {ArrayLike<number>} x
 * @param {ArrayLike<number>} y
 * @param {[across: number, up: number][]} images - Shifts of the turns.
 * @param {number} most
 */
export function repeatedDots(x, y, images, most) {
  const step = Math.ceil((images.length * x.length) / Math.max(most, x.length))
  const kept = (/** @type {ArrayLike<number>} */ values) => Array.from(values).filter((_, k) => k % step === 0)
  const xs = kept(x)
  const ys = kept(y)
  return {
    x: images.flatMap(([across]) => xs.map((value) => value + across)),
    y: images.flatMap(([, up]) => ys.map((value) => value + up)),
  }
}

/**
 * Lines in each turn of a longitude on screen.
 *
 * @param {ArrayLike<number>[]} xs
 * @param {ArrayLike<number>[]} ys
 * @param {[across: number, up: number][]} images - Shifts of the turns.
 */
export function repeatedLines(xs, ys, images) {
  const moved = (/** @type {ArrayLike<number>[]} */ lines, /** @type {0 | 1} */ along) =>
    images.flatMap((shift) => lines.map((line) => Array.from(line, (value) => value + shift[along])))
  return { xs: moved(xs, 0), ys: moved(ys, 1) }
}

/**
 * Parts of one length of an array, the last one perhaps shorter, which share its memory.
 *
 * @param {Float32Array} values
 * @param {number} length
 */
export function chunks(values, length) {
  return Array.from(
    { length: Math.ceil(values.length / length) },
    (_, k) => values.subarray(k * length, (k + 1) * length),
  )
}
