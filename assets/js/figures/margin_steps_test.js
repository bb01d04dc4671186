import { assertClose } from "../testing.js"
import { coordinateAt, marginOutline } from "./margin_steps.js"

Deno.test("bars rise from the base and return to it", () => {
  const outline = marginOutline([0.5, 1], [0, 10], [0, 10], 100, 40)
  assertClose(outline.map(([along]) => along), [0, 0, 50, 50, 100, 100])
  assertClose(outline.map(([, above]) => above), [0, 20, 20, 40, 40, 0])
})

Deno.test("bars follow a zoom and a flip of their axis until new ones arrive", () => {
  const zoomed = marginOutline([0.5, 1], [0, 10], [5, 10], 100, 40)
  assertClose(zoomed.map(([along]) => along), [-100, -100, 0, 0, 100, 100])
  const flipped = marginOutline([0.5, 1], [0, 10], [10, 0], 100, 40)
  assertClose(flipped.map(([along]) => along), [100, 100, 50, 50, 0, 0])
})

Deno.test("a place has the coordinate that is drawn there", () => {
  assertClose([coordinateAt(25, [0, 10], 100), coordinateAt(25, [10, 0], 100)], [2.5, 7.5])
})
