// Numbers of axes: ticks, ends and bins.

export function ticks([start, end], count) {
  const low = Math.min(start, end), high = Math.max(start, end)
  const rough = (high - low) / count, power = 10 ** Math.floor(Math.log10(rough))
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((one) => one >= rough)
  const digits = Math.max(0, -Math.floor(Math.log10(step) + 1e-9))
  const found = []
  for (let value = Math.ceil(low / step) * step; value <= high + 1e-9 * step; value += step) {
    found.push({ value, text: value.toFixed(digits) })
  }
  return found
}

export function endsOf(values, room = 0.06) {
  let low = Infinity, high = -Infinity
  for (const value of values) {
    if (!Number.isFinite(value)) continue
    low = Math.min(low, value)
    high = Math.max(high, value)
  }
  if (!(high > low)) [low, high] = Number.isFinite(low) ? [low - 1, low + 1] : [0, 1]
  const spare = room * (high - low)
  return [low - spare, high + spare]
}

export function binned(values, [low, high], count) {
  const heights = new Array(count).fill(0), edges = heights.map((_, k) => low + (k * (high - low)) / count)
  for (const value of values) {
    const k = Math.floor(((value - low) / (high - low)) * count)
    if (k >= 0 && k < count) heights[k]++
  }
  return { edges: [...edges, high], heights }
}
