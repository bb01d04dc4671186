import { assertEquals } from "../testing.js"
import { merged, without } from "./intervals.js"

Deno.test("overlapping stretches are merged in order", () => {
  assertEquals(merged([[5, 6], [1, 3], [2, 4]]), [[1, 4], [5, 6]])
  assertEquals(merged([]), [])
})

Deno.test("a stretch is taken out of others", () => {
  assertEquals(without([[1, 4], [5, 6]], 2, 5.5), [[1, 2], [5.5, 6]])
  assertEquals(without([[1, 4]], -Infinity, Infinity), [])
})
