// Numbers of the colour scale as they are typed and shown.

/**
 * The number that was typed; null without one. A comma stands for the point.
 *
 * @param {string} text
 */
export function asNumber(text) {
  const plain = text.trim().replaceAll("−", "-").replace(/,(?=\d{1,2}$|\d{4,}$)/, ".").replaceAll(",", "")
  const value = Number(plain)
  return plain === "" || !Number.isFinite(value) ? null : value
}

/**
 * A number with three or four digits.
 *
 * @param {number} value
 */
export function endWords(value) {
  return String(Number(value.toPrecision(Math.abs(value) >= 1000 ? 4 : 3)))
}
