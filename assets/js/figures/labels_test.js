import { assertEquals } from "../testing.js"
import { apart } from "./labels.js"

Deno.test("a label that would cover an earlier one is left out", () => {
  const size = { letter: 6, line: 12 }
  const at = (/** @type {number} */ x, /** @type {number} */ y, text = "120°") => ({ x, y, text })
  assertEquals(apart([at(0, 0), at(20, 5), at(24, 0), at(0, 12)], size), [at(0, 0), at(24, 0), at(0, 12)])
  assertEquals(apart([at(30, 0), at(10, 0), at(0, 0, "0°")], size), [at(30, 0), at(0, 0, "0°")])
  assertEquals(apart([], size), [])
})
