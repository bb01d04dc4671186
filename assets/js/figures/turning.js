// Turning a space of three columns: the same angles as on the server, and the dots of its stars on a screen.

import { RADIANS } from "../base/angles.js"

const DEGREES_A_PIXEL = 0.4
const OPAQUE = 0xff000000
const LARGE_DOT = 4 // pixels
const SMALL_DOT = 2
const FEW_DOTS = 5_000 // stars with large ones

/** @typedef {{ azimuth: number, elevation: number }} Turn - In degrees. */
/** @typedef {[x: number, y: number, z: number]} Place */
/** @typedef {{ places: Uint16Array, low: number, width: number }} Cloud - Three numbers a star. */
/** @typedef {[start: number, end: number]} Ends */
/** @typedef {{ width: number, height: number, x: Ends, y: Ends }} Screen */

/**
 * Rows of the matrix: the horizontal and the vertical axis of the screen.
 *
 * @param {Turn} turn
 * @returns {[Place, Place]}
 */
export function screenAxes({ azimuth, elevation }) {
  const [sine, cosine] = [Math.sin(azimuth * RADIANS), Math.cos(azimuth * RADIANS)]
  const [high, low] = [Math.sin(elevation * RADIANS), Math.cos(elevation * RADIANS)]
  return [[cosine, sine, 0], [-sine * high, cosine * high, low]]
}

/**
 * @param {[Place, Place]} axes
 * @param {Place} place
 * @returns {[x: number, y: number]}
 */
export function onScreen([across, up], [x, y, z]) {
  return [across[0] * x + across[1] * y + across[2] * z, up[0] * x + up[1] * y + up[2] * z]
}

/**
 * A direction after a drag by some pixels: stars follow the mouse.
 *
 * @param {Turn} turn
 * @param {number} right
 * @param {number} down
 * @returns {Turn}
 */
export function dragged({ azimuth, elevation }, right, down) {
  const around = azimuth - DEGREES_A_PIXEL * right
  return {
    azimuth: (around - 360 * Math.floor(around / 360)) % 360,
    elevation: Math.min(Math.max(elevation + DEGREES_A_PIXEL * down, -90), 90),
  }
}

/**
 * Paint all stars as dots, the selected ones over the others.
 *
 * @param {Uint32Array} pixels - Of the screen, row by row from the top.
 * @param {Screen} screen - Its size, and ends of the coordinates in drawing order.
 * @param {Cloud} cloud
 * @param {Uint8Array} levels - Of the stars; 0 for those that are not selected.
 * @param {[Place, Place]} axes
 * @param {{ rest: number, selected: Uint32Array }} colours - Opaque.
 */
export function paintCloud(pixels, { width, height, x, y }, { places, low, width: range }, levels, axes, colours) {
  const unit = range / 65_535
  const [scaleX, scaleY] = [width / (x[1] - x[0]), height / (y[0] - y[1])]
  const [across, up] = axes
  const at = new Int32Array(places.length / 3)
  const side = at.length > FEW_DOTS ? SMALL_DOT : LARGE_DOT
  for (let star = 0; star < at.length; star++) {
    const k = 3 * star
    const [px, py, pz] = [low + unit * places[k], low + unit * places[k + 1], low + unit * places[k + 2]]
    const column = Math.floor((across[0] * px + across[1] * py + across[2] * pz - x[0]) * scaleX)
    const row = Math.floor((up[0] * px + up[1] * py + up[2] * pz - y[1]) * scaleY)
    const inside = column >= 0 && row >= 0 && column <= width - side && row <= height - side
    at[star] = inside ? row * width + column : -1
    if (inside && !levels[star]) paintDot(pixels, at[star], width, side, colours.rest)
  }
  for (let star = 0; star < at.length; star++) {
    if (at[star] >= 0 && levels[star]) paintDot(pixels, at[star], width, side, colours.selected[levels[star]])
  }
}

/** @type {(pixels: Uint32Array, at: number, width: number, side: number, colour: number) => void} */
function paintDot(pixels, at, width, side, colour) {
  for (let row = at; row < at + side * width; row += width) pixels.fill(colour, row, row + side)
}

/**
 * A colour over a background, without transparency; words of RGBA.
 *
 * @param {number} colour
 * @param {number} background
 */
export function opaque(colour, background) {
  const share = (colour >>> 24) / 255
  let mixed = 0
  for (const shift of [0, 8, 16]) {
    const [over, under] = [(colour >>> shift) & 255, (background >>> shift) & 255]
    mixed |= Math.round(share * over + (1 - share) * under) << shift
  }
  return (mixed | OPAQUE) >>> 0
}

/**
 * A colour of style sheets, #rrggbb, as a word of RGBA.
 *
 * @param {string} text
 */
export function colourWord(text) {
  const value = Number.parseInt(text.slice(1, 7), 16)
  return (((value & 255) << 16) | (value & 0xff00) | (value >>> 16) | OPAQUE) >>> 0
}
