import { assertEquals } from "../testing.js"
import { chosenStars, chunks, css, pickedStars, repeatedDots, repeatedLines, unpacked } from "./pixels.js"

const palette = new Uint32Array(256)
palette[1] = 0xff0000ff // red in the lowest byte, opaque
palette[2] = 0x80ff0000

Deno.test("runs of empty pixels and levels are unpacked", () => {
  const packed = Uint8Array.of(0, 1, 1, 2, 0, 0, 1)
  assertEquals(Array.from(unpacked(packed, [2, 3], palette)), [0, 0, palette[1], palette[2], 0, palette[1]])
})

Deno.test("a colour of a palette is written for style sheets", () => {
  assertEquals(css(palette, 1), "rgba(255, 0, 0, 1)")
  assertEquals(css(palette, 2), `rgba(0, 0, 255, ${128 / 255})`)
})

Deno.test("selected stars keep their places and take the colours of their levels", () => {
  const kept = pickedStars(Uint8Array.of(0, 2, 1), [1, 2, 3], [4, 5, 6], palette)
  assertEquals(kept, { x: [2, 3], y: [5, 6], colour: [css(palette, 2), css(palette, 1)] })
})

Deno.test("dots lie in each turn", () => {
  assertEquals(repeatedDots([1, 2], [3, 4], [[0, 0], [360, 0]], 100), { x: [1, 2, 361, 362], y: [3, 4, 3, 4] })
})

Deno.test("dots are thinned where they are too many", () => {
  const x = Array.from({ length: 10 }, (_, k) => k)
  const { x: found } = repeatedDots(x, x, [[0, 0], [0, 1]], 10)
  assertEquals(found, [0, 2, 4, 6, 8, 0, 2, 4, 6, 8])
})

Deno.test("an array is cut into parts of one length", () => {
  const parts = chunks(Float32Array.of(1, 2, 3, 4, 5), 3)
  assertEquals(parts.map((part) => Array.from(part)), [[1, 2, 3], [4, 5]])
  assertEquals(chunks(new Float32Array(), 3), [])
})

Deno.test("lines are repeated in each turn on screen", () => {
  const { xs, ys } = repeatedLines([[1, 2], [3]], [[4, 5], [6]], [[0, 0], [360, 0]])
  assertEquals(xs, [[1, 2], [3], [361, 362], [363]])
  assertEquals(ys, [[4, 5], [6], [4, 5], [6]])
})

Deno.test("stars of low levels are the last, in front of those of high ones", () => {
  const kept = pickedStars(Uint8Array.of(1, 0, 2, 1), [1, 2, 3, 4], [5, 6, 7, 8], palette, true)
  assertEquals(kept.x, [3, 1, 4])
  assertEquals(kept.colour[0], css(palette, 2))
})

Deno.test("a few selected stars are opaque, and seen without a colour", () => {
  const kept = chosenStars(Uint8Array.of(2, 0), [1, 2], [3, 4], palette, "grey")
  assertEquals(kept, { x: [1, 2], y: [3, 4], colour: ["rgba(0, 0, 255, 1)", "grey"] })
})
