// Regions of the selection as shapes: handles, their movement, and paths, in coordinates of a view.

/** @import { Ends } from "../payloads.ts" */

/** @typedef {"box" | "range" | "polygon" | "circle"} RegionForm */
/** @typedef {{ form: RegionForm, x: number[], y: number[] }} RegionPoints - Handles as the server has them. */
/** @typedef {{ x: Ends, y: Ends }} View - Ends of the axes, in drawing order. */
/** @typedef {{ id: string, x: number, y: number, label: string, along: "x" | "y" | "both" }} Handle */
/** @typedef {(x: number, y: number) => [number, number]} ToPixels */
/** @typedef {{ x: number, y: number }} Shift */

import { RADIANS } from "../base/angles.js"

const MOST_CORNERS = 24 // with a handle; an outline with more has one for several corners
const CIRCLE_POINTS = 72
const SIDES = ["low", "high"]

/**
 * Handles of a region, where the view shows them.
 *
 * @param {RegionPoints} region
 * @param {View} view
 * @returns {Handle[]}
 */
export function regionHandles({ form, x, y }, view) {
  if (form === "box") return boxHandles(x, y)
  if (form === "range") return rangeHandles(x, y, view)
  if (form === "circle") return [{ id: "1", x: x[1], y: y[1], label: "radius", along: "both" }]
  return handledCorners(x.length).map((corner) => ({
    id: String(corner),
    x: x[corner],
    y: y[corner],
    label: `corner ${corner + 1} of ${x.length}`,
    along: "both",
  }))
}

/** @type {(x: number[], y: number[]) => Handle[]} */
function boxHandles(x, y) {
  const [middleX, middleY] = [(x[0] + x[1]) / 2, (y[0] + y[1]) / 2]
  /** @type {Handle[]} */
  const edges = [0, 1].flatMap((k) => [
    { id: `x${k}`, x: x[k], y: middleY, label: `${SIDES[k]} x`, along: "x" },
    { id: `y${k}`, x: middleX, y: y[k], label: `${SIDES[k]} y`, along: "y" },
  ])
  /** @type {Handle[]} */
  const corners = [0, 1].flatMap((k) =>
    [0, 1].map((m) => ({
      id: `x${k}y${m}`,
      x: x[k],
      y: y[m],
      label: `${SIDES[k]} x, ${SIDES[m]} y`,
      along: /** @type {const} */ ("both"),
    }))
  )
  return [...edges, ...corners]
}

/** @type {(x: number[], y: number[], view: View) => Handle[]} */
function rangeHandles(x, y, view) {
  const middle = (/** @type {Ends} */ [start, end]) => (start + end) / 2
  if (x.length) return x.map((at, k) => ({ id: `x${k}`, x: at, y: middle(view.y), label: SIDES[k], along: "x" }))
  return y.map((at, k) => ({ id: `y${k}`, x: middle(view.x), y: at, label: SIDES[k], along: "y" }))
}

/**
 * Numbers of the corners that have a handle, evenly along the outline.
 *
 * @param {number} count
 */
export function handledCorners(count) {
  const stride = Math.max(1, Math.ceil(count / MOST_CORNERS))
  return Array.from({ length: Math.ceil(count / stride) }, (_, k) => k * stride)
}

/**
 * A region as a whole, moved.
 *
 * @param {RegionPoints} region
 * @param {Shift} by
 * @returns {RegionPoints}
 */
export function movedRegion({ form, x, y }, by) {
  return { form, x: x.map((at) => at + by.x), y: y.map((at) => at + by.y) }
}

/**
 * A region of which one handle is moved. Corners between two handles follow in proportion to their distance from it.
 *
 * @param {RegionPoints} region
 * @param {string} id
 * @param {Shift} by
 * @returns {RegionPoints}
 */
export function reshapedRegion({ form, x, y }, id, by) {
  if (form === "box" || form === "range") {
    const ends = (/** @type {string} */ axis, /** @type {number[]} */ values, /** @type {number} */ shift) =>
      values.map((at, k) => (id.includes(`${axis}${k}`) ? at + shift : at))
    return { form, x: ends("x", x, by.x), y: ends("y", y, by.y) }
  }
  const corner = Number(id)
  const reach = form === "circle" ? 1 : Math.max(1, Math.ceil(x.length / MOST_CORNERS))
  const shift = (/** @type {number[]} */ values, /** @type {number} */ full) =>
    values.map((at, k) => {
      const around = Math.abs(k - corner)
      const share = 1 - (form === "circle" ? around : Math.min(around, values.length - around)) / reach
      return share > 0 ? at + share * full : at
    })
  return { form, x: shift(x, by.x), y: shift(y, by.y) }
}

/**
 * Points of the outline of a region in a view; a range reaches from end to end of the other axis.
 *
 * @param {RegionPoints} region
 * @param {View} view
 * @returns {[x: number, y: number][]}
 */
export function regionOutline({ form, x, y }, view) {
  if (form === "polygon") return x.map((at, k) => [at, y[k]])
  if (form === "circle") return skyCircle([x[0], y[0]], skySeparation([x[0], y[0]], [x[1], y[1]]))
  const [[left, right], [bottom, top]] = [x.length ? x : view.x, y.length ? y : view.y]
  return [[left, bottom], [right, bottom], [right, top], [left, top]]
}

/**
 * Angle between two directions in degrees.
 *
 * @param {[ra: number, dec: number]} from - In degrees.
 * @param {[ra: number, dec: number]} to
 */
export function skySeparation([ra, dec], [otherRa, otherDec]) {
  const half = (/** @type {number} */ degrees) => Math.sin((degrees * RADIANS) / 2) ** 2
  const across = Math.cos(dec * RADIANS) * Math.cos(otherDec * RADIANS) * half(otherRa - ra)
  return (2 * Math.asin(Math.min(1, Math.sqrt(half(otherDec - dec) + across)))) / RADIANS
}

/**
 * Points of a circle on the sky, whose right ascensions do not jump.
 *
 * @param {[ra: number, dec: number]} centre - In degrees.
 * @param {number} radius
 * @returns {[ra: number, dec: number][]}
 */
export function skyCircle([ra, dec], radius) {
  const [sinD, cosD] = [Math.sin(dec * RADIANS), Math.cos(dec * RADIANS)]
  const [sinR, cosR] = [Math.sin(radius * RADIANS), Math.cos(radius * RADIANS)]
  return Array.from({ length: CIRCLE_POINTS }, (_, k) => {
    const angle = (2 * Math.PI * k) / CIRCLE_POINTS
    const up = sinD * cosR + cosD * sinR * Math.cos(angle)
    const east = Math.atan2(Math.sin(angle) * sinR * cosD, cosR - sinD * up) / RADIANS
    return [ra + east, Math.asin(Math.max(-1, Math.min(1, up))) / RADIANS]
  })
}

/**
 * A closed path of SVG.
 *
 * @param {[x: number, y: number][]} points
 * @param {ToPixels} toPixels
 */
export function svgPath(points, toPixels) {
  const places = points.map(([x, y]) => toPixels(x, y).map((at) => at.toFixed(1)).join(" "))
  return places.length ? `M${places.join("L")}Z` : ""
}

/**
 * Offsets at which a periodic axis repeats a region in view.
 *
 * @param {number[]} values - Coordinates of the region; none for a range along the other axis.
 * @param {Ends} ends - Of the axis, in drawing order.
 * @param {number | null | undefined} turn - Length of a turn; none for an axis that does not repeat.
 */
export function turnsInView(values, ends, turn) {
  if (!turn || !values.length) return [0]
  const [low, high] = [Math.min(...ends), Math.max(...ends)]
  const first = Math.ceil((low - Math.max(...values)) / turn)
  const last = Math.floor((high - Math.min(...values)) / turn)
  const seen = Array.from({ length: Math.max(0, Math.min(last - first + 1, 6)) }, (_, k) => (first + k) * turn)
  return seen.length ? seen : [0]
}

/**
 * Whether a region would have no size after a movement, which no server takes.
 *
 * @param {RegionPoints} region
 */
export function isFlat({ form, x, y }) {
  const flat = (/** @type {number[]} */ values) => values.length > 0 && values.every((at) => at === values[0])
  return form === "circle" ? flat(x) && flat(y) : flat(x) || flat(y)
}
