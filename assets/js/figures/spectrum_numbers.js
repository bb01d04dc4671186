// Numbers with which a spectrum is drawn.

// Where nothing is known the band has no height: Bokeh would fill the gap.
export function noiseBand(flux, sigma) {
  const low = new Float32Array(flux.length), high = new Float32Array(flux.length)
  let last = flux.find(Number.isFinite) ?? 0
  for (let k = 0; k < flux.length; k++) {
    const known = Number.isFinite(flux[k]) && Number.isFinite(sigma[k])
    if (known) last = flux[k]
    low[k] = known ? flux[k] - sigma[k] : last
    high[k] = known ? flux[k] + sigma[k] : last
  }
  return { low, high }
}

// A Gaussian over known pixels; unknown ones stay unknown.
export function smooth(values, sigma) {
  if (!sigma) return values
  const reach = Math.ceil(3 * sigma),
    kernel = Array.from({ length: 2 * reach + 1 }, (_, k) => Math.exp(-0.5 * ((k - reach) / sigma) ** 2))
  return values.map((value, k) => {
    if (!Number.isFinite(value)) return NaN
    let sum = 0, weight = 0
    for (let j = -reach; j <= reach; j++) {
      const other = values[k + j]
      if (other === undefined || !Number.isFinite(other)) continue
      sum += kernel[j + reach] * other
      weight += kernel[j + reach]
    }
    return sum / weight
  })
}

export function stretches(w, mask) {
  const left = [], right = []
  for (let k = 0; k < w.length; k++) {
    if (!mask[k]) continue
    const start = k
    while (k + 1 < w.length && mask[k + 1]) k++
    left.push(w[start] - (w[Math.min(start + 1, w.length - 1)] - w[Math.max(start - 1, 0)]) / 4)
    right.push(w[k] + (w[Math.min(k + 1, w.length - 1)] - w[Math.max(k - 1, 0)]) / 4)
  }
  return { left, right }
}

export function merged(intervals) {
  const found = []
  for (const [low, high] of [...intervals].sort((a, b) => a[0] - b[0])) {
    const last = found.at(-1)
    if (last && low <= last[1]) last[1] = Math.max(last[1], high)
    else found.push([low, high])
  }
  return found
}

export function without(intervals, low, high) {
  return intervals.flatMap(([start, end]) =>
    [[start, Math.min(end, low)], [Math.max(start, high), end]].filter(([a, b]) => a < b)
  )
}

export function pulled(pull) {
  const sizes = Array.from(pull).filter(Number.isFinite).map(Math.abs).sort((a, b) => a - b)
  const reach = sizes.length ? Math.min(Math.max(1.3 * sizes[Math.floor(0.995 * (sizes.length - 1))], 4), 50) : 5
  return [-reach, reach]
}

export function spread(values, ratio) {
  const known = values.filter(Number.isFinite).sort((a, b) => a - b)
  if (!known.length) return ratio ? [0, 2] : [-1, 1]
  const low = known[Math.floor(0.01 * known.length)],
    high = known[Math.floor(0.99 * (known.length - 1))],
    room = Math.max(0.2 * (high - low), 0.02)
  return [low - room, high + room]
}
