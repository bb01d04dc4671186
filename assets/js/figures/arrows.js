// Arrows of velocities as lines.

/** @import { ArrowsLayer } from "../payloads.ts" */

/** @typedef {{ compute(value: number): number, invert(pixel: number): number }} Scale */

const BARB = 5 // pixels
const SPREAD = 0.45 // of a barb from its line, in radians

/**
 * Each arrow as a line with two barbs, whose length on screen does not depend on the zoom.
 *
 * @param {Pick<ArrowsLayer, "x0" | "y0" | "x1" | "y1">} ends - In data coordinates.
 * @param {Scale} xScale
 * @param {Scale} yScale
 */
export function arrows({ x0, y0, x1, y1 }, xScale, yScale) {
  /** @type {number[][]} */
  const xs = []
  /** @type {number[][]} */
  const ys = []
  for (let k = 0; k < x0.length; k++) {
    const ax = xScale.compute(x0[k])
    const ay = yScale.compute(y0[k])
    const bx = xScale.compute(x1[k])
    const by = yScale.compute(y1[k])
    const turn = Math.atan2(by - ay, bx - ax)
    const barb = (/** @type {number} */ side) => [bx - BARB * Math.cos(turn + side), by - BARB * Math.sin(turn + side)]
    const path = [[ax, ay], [bx, by], barb(SPREAD), [bx, by], barb(-SPREAD)]
    xs.push(path.map(([sx]) => xScale.invert(sx)))
    ys.push(path.map(([, sy]) => yScale.invert(sy)))
  }
  return { xs, ys }
}
