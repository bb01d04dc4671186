import { assert, assertClose, assertEquals } from "../testing.js"
import {
  clipped,
  dopplerFactor,
  fluxEnds,
  labelSteps,
  nearestPixel,
  noiseBand,
  pulled,
  residuals,
  smooth,
  spread,
} from "./spectrum_numbers.js"

const f = (/** @type {number[]} */ ...values) => Float32Array.from(values)

Deno.test("the redshift is relativistic", () => {
  assertClose([dopplerFactor(0), dopplerFactor(300)], [1, 1.0010011925], 1e-9)
})

Deno.test("the noise has no height where nothing is known", () => {
  const { low, high } = noiseBand(f(NaN, 1, NaN), f(0.1, 0.5, 0.1))
  assertClose(low, [1, 0.5, 1])
  assertClose(high, [1, 1.5, 1])
})

Deno.test("smoothing keeps constants, and unknown pixels unknown", () => {
  const values = f(2, 2, NaN, 2, 2)
  assertEquals(smooth(values, 0), values)
  assertClose(smooth(values, 1), [2, 2, NaN, 2, 2])
})

Deno.test("smoothing is a Gaussian", () => {
  const spike = new Float32Array(21)
  spike[10] = 1
  const found = smooth(spike, 2)
  assertClose([found[12] / found[10], found[6] / found[10]], [Math.exp(-0.5), Math.exp(-2)])
})

Deno.test("residuals are over noise and model error, and unknown where hidden", () => {
  const found = residuals(f(2, 2, 2, 2), f(4, 4, 0, 4), f(1, 1, 1, 1), f(0, 0.5, 0, NaN), Uint8Array.of(0, 0, 0, 1))
  assertClose(found, [2, 1 / Math.sqrt(0.5), NaN, NaN])
  assertClose(residuals(f(2), f(4), f(1), null, Uint8Array.of(0)), [2])
})

Deno.test("the axis of fluxes follows what is on screen", () => {
  const w = f(1, 2, 3, 4)
  const [low, high] = fluxEnds({ w, flux: f(0, 1, 2, 100), model: f(NaN, 1, 1, 1) }, [1, 3])
  assertClose([low, high], [-0.12, 2.44])
  assertEquals(fluxEnds({ w, flux: f(0, 1, 2, 100), model: f(0, 0, 0, 0) }, [10, 20]), [0, 1])
})

Deno.test("few large residuals lie beyond the axis and are marked at its edge", () => {
  const pull = new Float32Array(1000).fill(3.5)
  pull[7] = -90
  const ends = pulled(pull)
  assertClose(ends, [-4.55, 4.55])
  assertEquals(clipped(f(...pull.keys()), pull, ends), { w: [7], at: [0.94 * ends[0]], marker: ["inverted_triangle"] })
  assertClose(pulled(f(NaN)), [-5, 5])
  assertClose(pulled(f(0.1, 0.2)), [-4, 4])
})

Deno.test("differences and ratios have an axis also where nothing is known", () => {
  assertEquals([spread([NaN], true), spread([NaN], false)], [[0, 2], [-1, 1]])
  const [low, high] = spread([1, 1, 1], true)
  assertClose([low, high], [0.98, 1.02])
})

Deno.test("crowded names of lines step down, three at most", () => {
  assertEquals(labelSteps([1, 2, 3, 4, 50], 5), [0, 1, 2, 0, 0])
})

Deno.test("the nearest pixel is found anywhere", () => {
  const w = f(1, 2, 4, 8)
  assertEquals([-5, 1.4, 2.9, 3.1, 7, 99].map((x) => nearestPixel(w, x)), [0, 0, 1, 2, 3, 3])
  assert(Number.isInteger(nearestPixel(w, 3)))
})
