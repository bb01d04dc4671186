import { assertClose, assertEquals } from "../testing.js"
import { merged, pixelsIn, stretches, without } from "./intervals.js"

Deno.test("runs of masked pixels become strips that reach halfway to their neighbours", () => {
  const { left, right } = stretches([1, 2, 3, 4, 5], [0, 1, 1, 0, 1])
  assertClose(left, [1.5, 4.75])
  assertClose(right, [3.5, 5.25])
})

Deno.test("overlapping stretches are merged in order", () => {
  assertEquals(merged([[5, 6], [1, 3], [2, 4]]), [[1, 4], [5, 6]])
  assertEquals(merged([]), [])
})

Deno.test("a stretch is taken out of others", () => {
  assertEquals(without([[1, 4], [5, 6]], 2, 5.5), [[1, 2], [5.5, 6]])
  assertEquals(without([[1, 4]], -Infinity, Infinity), [])
})

Deno.test("pixels in stretches are marked, ends included", () => {
  assertEquals(Array.from(pixelsIn([1, 2, 3, 4], [[2, 3]])), [0, 1, 1, 0])
})
