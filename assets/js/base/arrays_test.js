import { assertEquals } from "../testing.js"
import { bytes, paletteOf, plain } from "./arrays.js"

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
