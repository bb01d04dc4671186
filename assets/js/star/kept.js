// Cache of stars that were sent ahead, which are painted before the server answers.

/** @import { PaintedResiduals, PaintedSpectrum, PaintedTrial, Star, StarPacket } from "../payloads.ts" */
/** @import { SpectrumDrawing, TrialDrawing } from "../protocol.d.ts" */

import { valuesOf } from "../base/arrays.js"

/**
 * A star as the page keeps it.
 *
 * @param {StarPacket} packet
 * @returns {Star}
 */
export function starOf({ spectrum, ...rest }) {
  return { ...rest, spectrum: spectrum ? drawingOf(spectrum) : null }
}

/**
 * A drawing with its curves as numbers.
 *
 * @param {SpectrumDrawing} sent
 * @returns {PaintedSpectrum}
 */
export function drawingOf(sent) {
  const { compared, trial, model } = sent
  const flux = valuesOf(sent.flux)
  return {
    ...sent,
    flux,
    low: valuesOf(sent.low),
    high: valuesOf(sent.high),
    model: model ? valuesOf(model) : new Float32Array(flux.length).fill(NaN),
    residuals: residualsOf(sent.residuals),
    pinned: sent.pinned.map((pin) => ({ ...pin, flux: valuesOf(pin.flux) })),
    compared: compared && { ...compared, curves: compared.curves.map(valuesOf) },
    trial: trial && valuesOf(trial),
  }
}

/**
 * A trial model with its curves as numbers.
 *
 * @param {TrialDrawing} sent
 * @returns {PaintedTrial}
 */
export function trialOf(sent) {
  return { ...sent, flux: valuesOf(sent.flux), residuals: residualsOf(sent.residuals) }
}

/**
 * @param {SpectrumDrawing["residuals"]} sent
 * @returns {PaintedResiduals}
 */
function residualsOf(sent) {
  return { ...sent, values: valuesOf(sent.values) }
}

/** The last stars that were received, the oldest first. */
export class KeptStars {
  /** @type {Map<string, Star>} */
  stars = new Map()

  /** @param {number} most */
  constructor(most) {
    this.most = most
  }

  /** @param {Star} star */
  add(star) {
    this.stars.delete(star.obsid)
    this.stars.set(star.obsid, star)
    const [oldest] = this.stars.keys()
    if (this.stars.size > this.most) this.stars.delete(oldest)
    return star
  }

  /** @param {string} obsid */
  get(obsid) {
    return this.stars.get(obsid)
  }
}
