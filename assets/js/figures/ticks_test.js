import { assert, assertClose, assertEquals } from "../testing.js"
import { axisTicks, coordinateOf, valueAt } from "./ticks.js"

/** @import { Ends } from "../payloads.ts" */
/** @import { Scaled } from "./ticks.js" */

/** @param {number} length */
const across = (length) => ({ length, each: 62, size: (/** @type {string} */ text) => 6.2 * text.length })

/** @type {Scaled[]} */
const SCALES = [{}, { scale: "log" }, { scale: "symlog", width: 10 }]

Deno.test("coordinates and values are inverse to each other", () => {
  for (const scaled of SCALES) {
    for (const value of [1e-3, 0.5, 3, 40, 5e6]) {
      assertClose([valueAt(scaled, coordinateOf(scaled, value)) / value], [1], 1e-9)
    }
  }
  assertClose([valueAt(SCALES[2], coordinateOf(SCALES[2], -70))], [-70])
  assert(Number.isNaN(coordinateOf({ scale: "log" }, 0)))
})

Deno.test("an axis of any scale, range and length has three ticks or more, in view and apart", () => {
  /** @type {Ends[]} */
  const ranges = [[0, 10], [10, 0], [-3000, 3200], [3.2, 3.9], [-0.2, 5.7], [1e-6, 3e-6], [-2.5, 2.5], [3.48, 3.6]]
  for (const scaled of SCALES) {
    for (const ends of ranges) {
      if (scaled.scale && Math.max(...ends.map(Math.abs)) > 300) continue // decades
      for (const length of [110, 180, 320, 900]) {
        const { at, labels, minor } = axisTicks(ends, scaled, across(length))
        const words = JSON.stringify([scaled, ends, length, labels])
        assert(at.length >= 3, words)
        assertEquals(at.length, labels.length)
        assertEquals(new Set(labels).size, labels.length)
        for (const place of [...at, ...minor]) {
          assert(place >= Math.min(...ends) - 1e-9 && place <= Math.max(...ends) + 1e-9, words)
        }
      }
    }
  }
})

Deno.test("labels are shortened before they overlap", () => {
  const wide = axisTicks([-60_000, 60_000], {}, across(600))
  assert(wide.labels.includes("20000"), String(wide.labels))
  const narrow = axisTicks([-60_000, 60_000], {}, across(70))
  assertEquals(narrow.labels, ["−50k", "0", "50k"])
  assertEquals(axisTicks([0, 4e6], {}, across(125)).labels, ["0", "2M", "4M"])
})

Deno.test("a label is small where three do not fit otherwise", () => {
  assertEquals(axisTicks([3.001, 3.004], {}, across(600)).small, false)
  assertEquals(axisTicks([3.001, 3.004], {}, across(116)).small, true)
  assert(axisTicks([3.001, 3.004], {}, across(20)).at.length >= 3)
})

Deno.test("ticks of a logarithmic axis are powers of ten with those between as minor ones", () => {
  const { labels, at, minor } = axisTicks([0, 3], { scale: "log" }, across(400))
  assertEquals(labels, ["1", "10", "100", "1000"])
  assertClose(at, [0, 1, 2, 3])
  assertEquals(minor.length, 24)
  assertEquals(axisTicks([2, 8], { scale: "log" }, across(260)).labels, ["10²", "10⁴", "10⁶", "10⁸"])
  assertEquals(axisTicks([0, 1.1], { scale: "log" }, across(300)).labels, ["1", "2", "5", "10"])
  assertEquals(axisTicks([-8, -6], { scale: "log" }, across(300)).labels, ["10⁻⁸", "10⁻⁷", "10⁻⁶"])
  assertEquals(axisTicks([3.47, 3.62], { scale: "log" }, across(260)).labels, ["3000", "3500", "4000"])
})

Deno.test("ticks of a symmetric axis are on either side of zero", () => {
  const reach = coordinateOf(SCALES[2], 3000)
  assertEquals(
    axisTicks([-reach, reach], SCALES[2], across(600)).labels,
    ["−1000", "−100", "−10", "0", "10", "100", "1000"],
  )
  assertEquals(axisTicks([-reach, reach], SCALES[2], across(320)).labels, ["−1000", "−100", "0", "100", "1000"])
})

Deno.test("large and tiny numbers are written with a power of ten", () => {
  assertEquals(axisTicks([0, 4e9], {}, across(300)).labels, ["0", "1×10⁹", "2×10⁹", "3×10⁹", "4×10⁹"])
  assertEquals(axisTicks([0, 4e-7], {}, across(300)).labels[1], "1×10⁻⁷")
  assertEquals(axisTicks([5, 5], {}, across(300)).labels, [])
})
