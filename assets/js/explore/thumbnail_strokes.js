// Lines of a small spectrum.

const NO_HEIGHT = 255
const TOP_HEIGHT = 254

/**
 * Points of the known stretches of a curve, in pixels from the upper left corner.
 *
 * @param {Uint8Array} heights - From 0 to 254 upwards, 255 where unknown.
 * @param {number} width
 * @param {number} height
 * @returns {[x: number, y: number][][]}
 */
export function strokes(heights, width, height) {
  /** @type {[number, number][][]} */
  const all = []
  /** @type {[number, number][] | null} */
  let current = null
  const step = heights.length > 1 ? width / (heights.length - 1) : 0
  for (const [k, value] of heights.entries()) {
    if (value === NO_HEIGHT) {
      current = null
      continue
    }
    if (!current) all.push(current = [])
    current.push([k * step, (1 - value / TOP_HEIGHT) * (height - 1)])
  }
  return all
}
