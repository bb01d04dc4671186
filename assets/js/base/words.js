// Short words for numbers.

// "12,270 outside" where there is room for "12k" beside the sign alone.
export function shortCount(words) {
  const count = Number(words.split(" ")[0].replaceAll(",", ""))
  return count >= 1000 ? `${Math.round(count / 1000)}k` : words.split(" ")[0]
}

export function inPixels(count) {
  return `${count} pixel${count === 1 ? "" : "s"}`
}

// As many digits as the error has two of.
export function withError(value, error) {
  if (error === null || !(error > 0)) return value.toPrecision(4)
  const digits = Math.min(Math.max(1 - Math.floor(Math.log10(error)), 0), 4)
  return `${value.toFixed(digits)} ± ${error.toFixed(digits)}`
}
