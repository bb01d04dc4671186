import { assertEquals } from "../testing.js"
import { linesOf, nextLine } from "./line_steps.js"

/** @import { LineListState } from "../protocol.d.ts" */

/** @type {LineListState[]} */
const LISTS = [
  { name: "a", colour: "", on: true, lines: [["x", 5000], ["y", 7000]] },
  { name: "b", colour: "red", on: false, lines: [["z", 6000], ["far", 9999]] },
]

Deno.test("lines of the lists that are shown, or of one list, are in order", () => {
  assertEquals(linesOf(LISTS, "", [4000, 9000]).map(([name]) => name), ["x", "y"])
  assertEquals(linesOf(LISTS, "b", [4000, 9000]).map(([name]) => name), ["z"])
  const on = LISTS.map((list) => ({ ...list, on: true }))
  assertEquals(linesOf(on, "", [4000, 9000]).map(([name]) => name), ["x", "z", "y"])
})

Deno.test("the next line follows, and after the last one the first", () => {
  const lines = linesOf(LISTS, "a", [4000, 9000])
  const steps = /** @type {const} */ ([[0, 1], [5000, 1], [7000, 1], [7000, -1], [5000, -1], [6000, -1]])
  assertEquals(steps.map(([at, by]) => nextLine(lines, at, by)?.[0]), ["x", "y", "x", "x", "y", "x"])
  assertEquals(nextLine([], 5000, 1), undefined)
})
