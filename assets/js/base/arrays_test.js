import { assert, assertEquals } from "../testing.js"
import { bytes, nearest, paletteOf, plain } from "./arrays.js"

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
