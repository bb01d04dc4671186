// Cache of stars that were sent ahead, which are painted before the server answers.

/** @import { Star, StarPacket } from "../payloads.ts" */
/** @import { SpectrumDrawing, TrialDrawing } from "../protocol.d.ts" */

import { plain } from "../base/arrays.js"

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
 * A drawing with plain arrays.
 *
 * @param {SpectrumDrawing} sent
 * @returns {SpectrumDrawing}
 */
export function drawingOf(sent) {
  const { compared, trial } = sent
  return {
    ...sent,
    flux: plain(sent.flux),
    low: plain(sent.low),
    high: plain(sent.high),
    model: plain(sent.model),
    residuals: residualsOf(sent.residuals),
    pinned: sent.pinned.map((pin) => ({ ...pin, flux: plain(pin.flux) })),
    compared: compared && { ...compared, curves: compared.curves.map(plain) },
    trial: trial && plain(trial),
  }
}

/**
 * A trial model with plain arrays.
 *
 * @param {TrialDrawing} sent
 * @returns {TrialDrawing}
 */
export function trialOf(sent) {
  return { ...sent, flux: plain(sent.flux), residuals: residualsOf(sent.residuals) }
}

/** @param {SpectrumDrawing["residuals"]} sent */
function residualsOf(sent) {
  return { ...sent, values: plain(sent.values) }
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
