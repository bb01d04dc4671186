// Controls of the spectrum: its look, what the visitor masks and pins, and the zoom.

/** @import { Ends, Star } from "../payloads.ts" */
/** @import { Draw, SpectrumLook, SpectrumZoom } from "../protocol.d.ts" */

import { DEFAULT_LOOK } from "../base/declared.js"
import { merged, without } from "../figures/intervals.js"

export class SpectrumControls {
  /** @type {SpectrumLook} */
  look = { ...DEFAULT_LOOK }
  /** @type {Ends[]} - At rest. */
  masked = []
  /** @type {Ends | null} - Between which a line is measured, at rest; null without a measurement. */
  measured = null
  /** @type {Star[]} */
  pins = []
  /** @type {Ends | null} - At rest; null for the whole spectrum. */
  zoom = null
  /** Of the last request. */
  number = 0
  /** Of the last request that is answered by a drawing. */
  asked = 0

  /**
   * @param {Ends} ends
   * @param {boolean} on
   */
  mask([low, high], on) {
    this.masked = on ? merged([...this.masked, [low, high]]) : without(this.masked, low, high)
  }

  /**
   * The request for a drawing.
   *
   * @param {string} obsid - "" without a star.
   * @param {Draw["trial"]} trial
   * @returns {Draw}
   */
  draw(obsid, trial) {
    const { look, masked, measured, zoom } = this
    this.asked = ++this.number
    const pins = this.pins.map((pin) => pin.obsid)
    return { kind: "draw", obsid, look, zoom, masked, measured, trial, pins, number: this.number }
  }

  /**
   * The report of a zoom.
   *
   * @param {Ends} ends
   * @returns {SpectrumZoom}
   */
  zoomTo(ends) {
    this.zoom = ends
    return { kind: "spectrum_zoom", ends, number: ++this.number }
  }

  /**
   * Whether a drawing that was sent ahead has the present settings.
   *
   * @param {{ number: number }} drawing
   */
  isCurrent({ number }) {
    return number === this.number
  }

  /**
   * Whether no later request will be answered by a drawing.
   *
   * @param {{ number: number }} drawing
   */
  isLast({ number }) {
    return number >= this.asked
  }
}
