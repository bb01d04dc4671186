// Comparisons for the unit tests.

/** @import { SpectrumDrawing } from "./protocol.d.ts" */

/**
 * @param {unknown} condition
 * @param {string} [message]
 * @returns {asserts condition}
 */
export function assert(condition, message = "not true") {
  if (!condition) throw new Error(message)
}

/**
 * Compare values with all that is inside.
 *
 * @param {unknown} actual
 * @param {unknown} expected
 */
export function assertEquals(actual, expected) {
  const [a, b] = [Deno.inspect(actual, SHOWN), Deno.inspect(expected, SHOWN)]
  assert(a === b, `found ${a}, expected ${b}`)
}

const SHOWN = { depth: 20, iterableLimit: 100_000, strAbbreviateSize: 100_000, sorted: true }

/**
 * Compare numbers; two that are unknown are the same.
 *
 * @param {ArrayLike<number>} actual
 * @param {ArrayLike<number>} expected
 * @param {number} [tolerance]
 */
export function assertClose(actual, expected, tolerance = 1e-6) {
  const words = `found ${Array.from(actual)}, expected ${Array.from(expected)}`
  assert(actual.length === expected.length, words)
  for (let k = 0; k < actual.length; k++) {
    const same = Object.is(actual[k], expected[k]) || Math.abs(actual[k] - expected[k]) <= tolerance
    assert(same, `${words}: at ${k}`)
  }
}

/**
 * @param {() => unknown} action
 * @param {string} part - Of the message.
 */
export function assertThrows(action, part) {
  let message = null
  try {
    action()
  } catch (error) {
    message = String(error)
  }
  assert(message?.includes(part), `expected an error with "${part}", found ${message}`)
}

/**
 * A curve of whole numbers as it is sent.
 *
 * @param {...number} steps
 */
export function curveOf(...steps) {
  return { low: 0, step: 1, steps: Uint16Array.from(steps) }
}

/** @type {SpectrumDrawing} - Of two pixels. */
export const DRAWING = {
  obsid: "1",
  number: 0,
  stretch: 1,
  air: false,
  ends: [4000, 4001],
  label: "wavelength",
  flux: curveOf(1, 2),
  low: curveOf(0, 1),
  high: curveOf(2, 3),
  model: curveOf(1, 1),
  "flux_ends": [0, 3],
  "flux_label": "flux",
  residuals: { values: curveOf(0, 1), ends: [-5, 5], label: "residual", about: "data − model", beyond: [] },
  lower: true,
  curves: [],
  marks: [],
  masked: [],
  own: [],
  telluric: [],
  "arm_edge": null,
  pinned: [],
}
