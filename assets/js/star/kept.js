// Cache of stars that were sent ahead, which are painted before the server answers.

/** @import { Spectrum, Star, StarPacket } from "../payloads.d.ts" */

import { plain } from "../base/arrays.js"

/**
 * A star with plain arrays; without a spectrum where any of them is missing.
 *
 * @param {StarPacket} packet
 * @returns {Star}
 */
export function starOf({ flux, ivar, mask, model, continuum, ...rest }) {
  /** @type {Spectrum | null} */
  const spectrum = flux && ivar && mask && model && continuum
    ? { flux: plain(flux), ivar: plain(ivar), mask, model: plain(model), continuum: plain(continuum) }
    : null
  return { ...rest, spectrum }
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
