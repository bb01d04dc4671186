// Cells of a corner plot: unit squares in a lower triangle, the first row at the top.

/** @import { Ends } from "../payloads.ts" */

const BETWEEN_NAMES = 6 // pixels between labels

/**
 * @typedef {object} Frames - Edges of the cells, in the plane of all of them.
 * @property {number[]} left
 * @property {number[]} right
 * @property {number[]} bottom
 * @property {number[]} top
 */

/**
 * Frames of the cells of a number of columns.
 *
 * @param {number} count
 * @param {number} gap - Margin of a cell on each side.
 * @returns {Frames}
 */
export function cellFrames(count, gap) {
  const places = Array.from(
    { length: count },
    (_, row) => Array.from({ length: row + 1 }, (_, column) => [row, column]),
  )
    .flat()
  const below = places.map(([row]) => count - 1 - row)
  return {
    left: places.map(([, column]) => column + gap),
    right: places.map(([, column]) => column + 1 - gap),
    bottom: below.map((at) => at + gap),
    top: below.map((at) => at + 1 - gap),
  }
}

/**
 * Place in the plane of a coordinate on the axis of a cell.
 *
 * @param {number} at
 * @param {Ends} ends - Of the axis in drawing order.
 * @param {Ends} edges - Of the cell.
 */
export function placeIn(at, ends, edges) {
  return edges[0] + ((at - ends[0]) / (ends[1] - ends[0])) * (edges[1] - edges[0])
}

/**
 * Those of the labels of a cell that do not touch: all, the outer ones, one, or none.
 *
 * @param {{ at: number, text: string, size: number }[]} labels - Centres and lengths in pixels, ascending.
 * @param {number} length - Of the cell in pixels.
 */
export function fittingLabels(labels, length) {
  const inside = labels.filter(({ at, size }) =>
    at - size / 2 >= -BETWEEN_NAMES && at + size / 2 <= length + BETWEEN_NAMES
  )
  const apart = (/** @type {typeof labels} */ some) =>
    some.every((label, k) =>
      k === 0 || label.at - some[k - 1].at >= (label.size + some[k - 1].size) / 2 + BETWEEN_NAMES
    )
  const ends = inside.length > 2 ? [inside[0], inside[inside.length - 1]] : inside
  return [inside, ends, inside.slice(0, 1)].find(apart) ?? []
}

/**
 * The longest form of a name that fits: with its unit, without it, or shortened.
 *
 * @param {string} label - With its unit in brackets at the end.
 * @param {number} letters - That fit.
 */
export function fittingName(label, letters) {
  const plain = label.replace(/ \[[^[\]]*\]$/, "")
  const form = [label, plain].find((text) => text.length <= letters)
  return form ?? `${plain.slice(0, Math.max(letters - 1, 1))}…`
}
