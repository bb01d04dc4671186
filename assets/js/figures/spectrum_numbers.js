// Numbers for drawing a spectrum; explorer/charts/spectrum_numbers.py is the same in Python, for pictures.

/** @import { Ends, Floats } from "../payloads.d.ts" */

import { DRAWING } from "../base/declared.js"

const LIGHT_KMS = 299792.458

/**
 * Relativistic factor from rest to observed wavelengths.
 *
 * @param {number} rvKms
 */
export function dopplerFactor(rvKms) {
  const beta = rvKms / LIGHT_KMS
  return Math.sqrt((1 + beta) / (1 - beta))
}

/**
 * One sigma below and above the flux. Unknown pixels get a band without height, as Bokeh would fill a gap.
 *
 * @param {Float32Array} flux
 * @param {Float32Array} sigma
 */
export function noiseBand(flux, sigma) {
  const low = new Float32Array(flux.length)
  const high = new Float32Array(flux.length)
  let last = flux.find(Number.isFinite) ?? 0
  for (let k = 0; k < flux.length; k++) {
    const known = Number.isFinite(flux[k]) && Number.isFinite(sigma[k])
    if (known) last = flux[k]
    low[k] = known ? flux[k] - sigma[k] : last
    high[k] = known ? flux[k] + sigma[k] : last
  }
  return { low, high }
}

/**
 * A Gaussian over known pixels; unknown ones stay unknown.
 *
 * @param {Float32Array} values
 * @param {number} sigma - In pixels, 0 for none.
 */
export function smooth(values, sigma) {
  if (!sigma) return values
  const reach = Math.ceil(DRAWING.kernelReach * sigma)
  const kernel = Array.from({ length: 2 * reach + 1 }, (_, k) => Math.exp(-0.5 * ((k - reach) / sigma) ** 2))
  return values.map((value, k) => {
    if (!Number.isFinite(value)) return NaN
    let sum = 0
    let weight = 0
    for (let j = -reach; j <= reach; j++) {
      const other = values[k + j]
      if (other === undefined || !Number.isFinite(other)) continue
      sum += kernel[j + reach] * other
      weight += kernel[j + reach]
    }
    return sum / weight
  })
}

/**
 * Residuals over noise and model error together; unknown in hidden pixels and where there is no information.
 *
 * @param {Float32Array} flux
 * @param {Float32Array} ivar
 * @param {Float32Array} model
 * @param {Float32Array | null} modelError
 * @param {Uint8Array} hidden
 */
export function residuals(flux, ivar, model, modelError, hidden) {
  return flux.map((value, k) => {
    const error = modelError && Number.isFinite(modelError[k]) ? modelError[k] ** 2 : 0
    return hidden[k] || !(ivar[k] > 0) ? NaN : (value - model[k]) / Math.sqrt(1 / ivar[k] + error)
  })
}

/**
 * Ends of the axis of fluxes: nearly all of flux and model between two wavelengths, with room for names of lines.
 *
 * @param {{ w: Float32Array, flux: Float32Array, model: Float32Array }} curves
 * @param {Ends} ends
 * @returns {Ends}
 */
export function fluxEnds({ w, flux, model }, [start, end]) {
  /** @type {number[]} */
  const values = []
  for (let k = 0; k < w.length; k++) {
    if (w[k] < start || w[k] > end) continue
    if (Number.isFinite(flux[k])) values.push(flux[k])
    if (Number.isFinite(model[k])) values.push(model[k])
  }
  if (!values.length) return [0, 1]
  values.sort((a, b) => a - b)
  const at = (/** @type {number} */ share) => values[Math.min(values.length - 1, Math.floor(share * values.length))]
  const [low, high] = DRAWING.fluxShares.map(at)
  const [below, above] = DRAWING.fluxRoom
  const span = Math.max(high - low, DRAWING.minFluxSpan * Math.abs(high), 1e-6)
  return [low - below * span, high + above * span]
}

/**
 * Ends of the axis of residuals, beyond which are the few largest ones.
 *
 * @param {Float32Array} pull
 * @returns {Ends}
 */
export function pulled(pull) {
  const sizes = Array.from(pull).filter(Number.isFinite).map(Math.abs).sort((a, b) => a - b)
  const large = DRAWING.pullGrowth * sizes[Math.floor(DRAWING.pullShare * (sizes.length - 1))]
  const [least, most] = DRAWING.pullLimits
  const end = sizes.length ? Math.min(Math.max(large, least), most) : DRAWING.pullUnknown
  return [-end, end]
}

/**
 * Residuals beyond the ends of their axis, as marks near its edge.
 *
 * @param {Float32Array} w
 * @param {Float32Array} pull
 * @param {Ends} ends
 */
export function clipped(w, pull, [low, high]) {
  const beyond = Array.from(pull.keys()).filter((k) => Math.abs(pull[k]) > high)
  return {
    w: beyond.map((k) => w[k]),
    at: beyond.map((k) => DRAWING.pullEdge * (pull[k] > 0 ? high : low)),
    marker: beyond.map((k) => (pull[k] > 0 ? "triangle" : "inverted_triangle")),
  }
}

/**
 * Ends of the axis of differences or ratios.
 *
 * @param {number[]} values
 * @param {boolean} ratio
 * @returns {Ends}
 */
export function spread(values, ratio) {
  const known = values.filter(Number.isFinite).sort((a, b) => a - b)
  if (!known.length) {
    const [start, end] = ratio ? DRAWING.unknownRatio : DRAWING.unknownDifference
    return [start, end]
  }
  const [least, most] = DRAWING.comparedShares
  const low = known[Math.floor(least * known.length)]
  const high = known[Math.floor(most * (known.length - 1))]
  const room = Math.max(DRAWING.comparedRoom * (high - low), DRAWING.minComparedRoom)
  return [low - room, high + room]
}

/**
 * Heights of line labels: crowded ones are one step lower each, in three steps.
 *
 * @param {number[]} wavelengths - In order.
 * @param {number} crowded - Distance below which two names collide.
 */
export function labelSteps(wavelengths, crowded) {
  let step = 0
  let before = -Infinity
  return wavelengths.map((w) => {
    step = w - before < crowded ? (step + 1) % DRAWING.labelSteps : 0
    before = w
    return step
  })
}

/**
 * Index of the pixel nearest to a wavelength.
 *
 * @param {Floats} w - In order.
 * @param {number} x
 */
export function nearestPixel(w, x) {
  let low = 0
  let high = w.length - 1
  while (high - low > 1) {
    const middle = (low + high) >> 1
    if (w[middle] > x) high = middle
    else low = middle
  }
  return x - w[low] < w[high] - x ? low : high
}
