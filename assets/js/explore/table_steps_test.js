/** @import { TableFlag } from "../protocol.d.ts" */

import { assertEquals } from "../testing.js"
import { between, doubtOf, flagsOf, moved, neighbourOf, stepOf, toggled } from "./table_steps.js"

const SIZE = { rows: 3, columns: 2 }
const step = (/** @type {string} */ key, row = 1, column = 0, ctrl = false) => stepOf(key, ctrl, { row, column }, SIZE)

Deno.test("keys move between cells, and over the last row to the next page", () => {
  assertEquals(step("ArrowDown"), { cell: { row: 2, column: 0 }, turn: 0 })
  assertEquals(step("ArrowDown", 2), { cell: { row: 0, column: 0 }, turn: 1 })
  assertEquals(step("ArrowUp", 0), { cell: { row: -1, column: 0 }, turn: 0 })
  assertEquals(step("ArrowUp", -1), { cell: { row: -1, column: 0 }, turn: 0 })
  assertEquals(step("ArrowLeft"), { cell: { row: 1, column: 0 }, turn: 0 })
  assertEquals(step("ArrowRight"), { cell: { row: 1, column: 1 }, turn: 0 })
  assertEquals(step("PageDown"), { cell: { row: 1, column: 0 }, turn: 1 })
  assertEquals(step("PageUp"), { cell: { row: 1, column: 0 }, turn: -1 })
  assertEquals(step("End", 0, 0), { cell: { row: 0, column: 1 }, turn: 0 })
  assertEquals(step("End", 0, 0, true), { cell: { row: 2, column: 1 }, turn: 0 })
  assertEquals(step("Home", 2, 1, true), { cell: { row: 0, column: 0 }, turn: 0 })
  assertEquals(step("j"), null)
})

Deno.test("columns are moved, added and removed", () => {
  assertEquals(moved(["a", "b", "c"], "a", 1), ["b", "a", "c"])
  assertEquals(moved(["a", "b", "c"], "c", 0), ["c", "a", "b"])
  assertEquals(moved(["a", "b"], "a", 9), ["b", "a"])
  assertEquals(toggled(["a"], "b"), ["a", "b"])
  assertEquals(toggled(["a", "b"], "a"), ["b"])
})

Deno.test("a range has both ends, in the order of the page", () => {
  assertEquals(between(["1", "2", "3"], "3", "2"), ["2", "3"])
  assertEquals(between(["1", "2", "3"], "elsewhere", "2"), ["2"])
})

Deno.test("a value is doubtful where a bit that is set names its column", () => {
  /** @type {TableFlag[]} */
  const flags = [[1, "low S/N", "mean S/N is low", ["snr"]], [8192, "unbound", "energy is high", ["energy", "v_phi"]]]
  assertEquals(flagsOf(8193, flags).map(([, short]) => short), ["low S/N", "unbound"])
  assertEquals(doubtOf("v_phi", flagsOf(8192, flags)), "energy is high")
  assertEquals(doubtOf("v_phi", flagsOf(1, flags)), "")
})

Deno.test("a column moves among the pinned ones or among the others", () => {
  const pinned = [true, true, false, false]
  assertEquals([0, 1, 2, 3].map((at) => neighbourOf(at, 1, pinned)), [1, 1, 3, 3])
  assertEquals([0, 1, 2, 3].map((at) => neighbourOf(at, -1, pinned)), [0, 0, 2, 2])
})
