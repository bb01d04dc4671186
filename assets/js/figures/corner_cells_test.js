import { assertClose, assertEquals } from "../testing.js"
import { cellFrames, fittingLabels, fittingName, placeIn } from "./corner_cells.js"

Deno.test("cells are a lower triangle with the first row at the top", () => {
  const { left, right, bottom, top } = cellFrames(3, 0.1)
  assertEquals(left.length, 6)
  assertClose(left, [0.1, 0.1, 1.1, 0.1, 1.1, 2.1])
  assertClose(right, [0.9, 0.9, 1.9, 0.9, 1.9, 2.9])
  assertClose(bottom, [2.1, 1.1, 1.1, 0.1, 0.1, 0.1])
  assertClose(top, [2.9, 1.9, 1.9, 0.9, 0.9, 0.9])
})

Deno.test("a coordinate has its place in a cell, in the drawing order of the axis", () => {
  assertClose([placeIn(10, [10, 20], [1, 2]), placeIn(15, [10, 20], [1, 2]), placeIn(10, [20, 10], [1, 2])], [
    1,
    1.5,
    2,
  ])
})

Deno.test("labels that would touch are left out, those in the middle first", () => {
  const label = (/** @type {number} */ at, size = 20) => ({ at, text: String(at), size })
  const texts = (/** @type {{ text: string }[]} */ labels) => labels.map(({ text }) => text)
  assertEquals(texts(fittingLabels([label(10), label(50), label(90)], 100)), ["10", "50", "90"])
  assertEquals(texts(fittingLabels([label(10), label(30), label(50)], 60)), ["10", "50"])
  assertEquals(texts(fittingLabels([label(10), label(25)], 40)), ["10"])
  assertEquals(fittingLabels([label(10, 60)], 30), [])
  assertEquals(fittingLabels([], 30), [])
})

Deno.test("a name that does not fit loses its unit, then its end", () => {
  assertEquals(fittingName("Distance [kpc]", 14), "Distance [kpc]")
  assertEquals(fittingName("Distance [kpc]", 10), "Distance")
  assertEquals(fittingName("[M/H] [dex]", 8), "[M/H]")
  assertEquals(fittingName("Distance [kpc]", 5), "Dist…")
  assertEquals(fittingName("[M/H]", 12), "[M/H]")
})
