import { assert, assertClose, assertEquals, curveOf } from "../testing.js"
import { bytes, interpolated, nearest, paletteOf, plain, valuesOf } from "./arrays.js"

Deno.test("bytes of a buffer, and of a view of a part of one", () => {
  const buffer = Uint8Array.of(1, 2, 3, 4).buffer
  assertEquals(Array.from(bytes(buffer)), [1, 2, 3, 4])
  assertEquals(Array.from(bytes(new Uint8Array(buffer, 1, 2))), [2, 3])
})

Deno.test("plain numbers are single precision", () => {
  assertEquals(plain([0.1, 2]), Float32Array.of(0.1, 2))
})

Deno.test("a palette is read at any place of its message", () => {
  const message = Uint8Array.of(9, 1, 0, 0, 0, 2, 0, 0, 0)
  assertEquals(paletteOf(message.subarray(1)), Uint32Array.of(1, 2))
})

Deno.test("the nearest value is found anywhere", () => {
  const values = Float32Array.of(1, 2, 4, 8)
  assertEquals([-5, 1.4, 2.9, 3.1, 7, 99].map((x) => nearest(values, x)), [0, 0, 1, 2, 3, 3])
  assert(Number.isInteger(nearest(values, 3)))
})

Deno.test("the numbers of a curve are steps, or exact ones; an unknown step is no number", () => {
  assertEquals(valuesOf({ low: 2, step: 0.5, steps: Uint16Array.of(0, 65_535, 3) }), Float32Array.of(2, NaN, 3.5))
  const exact = Float32Array.of(1e6, NaN)
  assertEquals(valuesOf({ ...curveOf(), exact }), exact)
})

Deno.test("a piecewise linear function goes on in proportion beyond its ends", () => {
  const from = [10, 20, 40]
  const to = [11, 22, 46]
  assertClose([5, 10, 15, 30, 40, 80].map((x) => interpolated(x, from, to)), [5.5, 11, 16.5, 34, 46, 92])
  assertEquals(interpolated(7, [], []), 7)
})
