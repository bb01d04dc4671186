import { assertEquals } from "../testing.js"
import { strokes } from "./thumbnail_strokes.js"

Deno.test("a curve is interrupted where it is unknown", () => {
  assertEquals(strokes(Uint8Array.of(0, 254, 255, 255, 127), 8, 11), [[[0, 10], [2, 0]], [[8, 5]]])
})

Deno.test("nothing known is nothing to draw", () => {
  assertEquals(strokes(Uint8Array.of(255, 255), 8, 11), [])
  assertEquals(strokes(new Uint8Array(), 8, 11), [])
  assertEquals(strokes(Uint8Array.of(254), 8, 11), [[[0, 0]]])
})
