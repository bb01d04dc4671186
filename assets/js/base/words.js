// Short words for numbers.

/**
 * "12,270 outside" where there is room for "12k" beside the sign alone.
 *
 * @param {string} words
 */
export function shortCount(words) {
  const count = Number(words.split(" ")[0].replaceAll(",", ""))
  return count >= 1000 ? `${Math.round(count / 1000)}k` : words.split(" ")[0]
}

/** @param {number} count */
export function inPixels(count) {
  return `${count} pixel${count === 1 ? "" : "s"}`
}

/**
 * Format a value and its error, to two significant digits of the error.
 *
 * @param {number} value
 * @param {number | null} error
 */
export function withError(value, error) {
  if (error === null || !(error > 0)) return value.toPrecision(4)
  const digits = Math.min(Math.max(1 - Math.floor(Math.log10(error)), 0), 4)
  return `${value.toFixed(digits)} ± ${error.toFixed(digits)}`
}

/**
 * Date and time of day, without seconds.
 *
 * @param {string} utc - In ISO 8601.
 */
export function minuteOf(utc) {
  return `${utc.slice(0, 16).replace("T", " ")} UTC`
}

/**
 * Decimals of numbers that change by a step.
 *
 * @param {number} step
 */
export function digitsOf(step) {
  return step >= 1 ? 0 : step >= 0.1 ? 1 : 2
}
