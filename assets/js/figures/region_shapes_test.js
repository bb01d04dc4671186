import { assert, assertEquals } from "../testing.js"
import {
  handledCorners,
  isFlat,
  movedRegion,
  regionHandles,
  regionOutline,
  reshapedRegion,
  skyCircle,
  skySeparation,
  svgPath,
  turnsInView,
} from "./region_shapes.js"

/** @import { RegionPoints, View } from "./region_shapes.js" */

/** @type {View} */
const VIEW = { x: [0, 10], y: [20, 0] }
/** @type {RegionPoints} */
const BOX = { form: "box", x: [1, 3], y: [4, 8] }
/** @type {RegionPoints} */
const RANGE = { form: "range", x: [1, 3], y: [] }
/** @type {RegionPoints} */
const LEVEL = { form: "range", x: [], y: [4, 8] }
/** @type {RegionPoints} */
const TRIANGLE = { form: "polygon", x: [0, 4, 2], y: [0, 0, 3] }
/** @type {RegionPoints} */
const CIRCLE = { form: "circle", x: [10, 10], y: [20, 15] }

Deno.test("a box has handles at its edges and corners", () => {
  const handles = regionHandles(BOX, VIEW)
  assertEquals(handles.length, 8)
  const named = Object.fromEntries(handles.map(({ id, x, y }) => [id, [x, y]]))
  assertEquals(named.x0, [1, 6])
  assertEquals(named.y1, [2, 8])
  assertEquals(named.x1y0, [3, 4])
})

Deno.test("a range has its handles in the middle of the other axis", () => {
  assertEquals(regionHandles(RANGE, VIEW).map(({ id, x, y }) => [id, x, y]), [["x0", 1, 10], ["x1", 3, 10]])
  assertEquals(regionHandles(LEVEL, VIEW).map(({ id, x, y }) => [id, x, y]), [["y0", 5, 4], ["y1", 5, 8]])
})

Deno.test("a long outline has a handle for several corners", () => {
  assertEquals(handledCorners(3), [0, 1, 2])
  assertEquals(handledCorners(24).length, 24)
  assertEquals(handledCorners(100).slice(0, 3), [0, 5, 10])
  assert(handledCorners(10_000).length <= 24)
})

Deno.test("a region moves as a whole", () => {
  assertEquals(movedRegion(BOX, { x: 2, y: -1 }), { form: "box", x: [3, 5], y: [3, 7] })
  assertEquals(movedRegion(RANGE, { x: 2, y: 5 }), { form: "range", x: [3, 5], y: [] })
})

Deno.test("a handle moves its own edges, and leaves other numbers as they are", () => {
  assertEquals(reshapedRegion(BOX, "x1", { x: 5, y: 9 }), { form: "box", x: [1, 8], y: [4, 8] })
  assertEquals(reshapedRegion(BOX, "x0y1", { x: -1, y: 1 }), { form: "box", x: [0, 3], y: [4, 9] })
  assertEquals(reshapedRegion(LEVEL, "y0", { x: 5, y: 1 }), { form: "range", x: [], y: [5, 8] })
  assertEquals(reshapedRegion(TRIANGLE, "2", { x: 1, y: 1 }), { form: "polygon", x: [0, 4, 3], y: [0, 0, 4] })
  assertEquals(reshapedRegion(CIRCLE, "1", { x: 0, y: -5 }), { form: "circle", x: [10, 10], y: [20, 10] })
})

Deno.test("corners of a long outline follow the handle beside them, round its end too", () => {
  const count = 48
  const zeros = new Array(count).fill(0)
  const { x } = reshapedRegion({ form: "polygon", x: zeros, y: zeros }, "0", { x: 2, y: 0 })
  assertEquals([x[0], x[1], x[2], x[count - 1], x[count - 2]], [2, 1, 0, 1, 0])
})

Deno.test("outlines are closed shapes of the view", () => {
  assertEquals(regionOutline(BOX, VIEW), [[1, 4], [3, 4], [3, 8], [1, 8]])
  assertEquals(regionOutline(RANGE, VIEW), [[1, 20], [3, 20], [3, 0], [1, 0]])
  assertEquals(regionOutline(LEVEL, VIEW), [[0, 4], [10, 4], [10, 8], [0, 8]])
  assertEquals(regionOutline(TRIANGLE, VIEW), [[0, 0], [4, 0], [2, 3]])
  assertEquals(svgPath([[0, 0], [1, 2]], (x, y) => [10 * x, 10 * y]), "M0.0 0.0L10.0 20.0Z")
  assertEquals(svgPath([], (x, y) => [x, y]), "")
})

Deno.test("points of a circle on the sky are at its radius, near a pole too", () => {
  for (const [centre, radius] of /** @type {[[number, number], number][]} */ ([[[10, 20], 5], [[0, 88], 4]])) {
    for (const point of skyCircle(centre, radius)) assert(Math.abs(skySeparation(centre, point) - radius) < 1e-6)
  }
  assertEquals(regionOutline(CIRCLE, VIEW).length, 72)
  assert(Math.abs(skySeparation([10, 80], [190, 80]) - 20) < 1e-9)
})

Deno.test("a longitude shows a region at each turn in view", () => {
  assertEquals(turnsInView([350, 370], [0, 360], 360), [-360, 0])
  assertEquals(turnsInView([100, 120], [0, 360], 360), [0])
  assertEquals(turnsInView([100, 120], [800, 0], 360), [0, 360])
  assertEquals(turnsInView([100, 120], [0, 50], 360), [0])
  assertEquals(turnsInView([100, 120], [0, 50], null), [0])
  assertEquals(turnsInView([], [0, 50], 360), [0])
})

Deno.test("a region without a size is empty", () => {
  assert(isFlat({ ...BOX, x: [3, 3] }))
  assert(isFlat({ form: "range", x: [3, 3], y: [] }))
  assert(isFlat({ form: "circle", x: [1, 1], y: [2, 2] }))
  assert(![BOX, RANGE, TRIANGLE, CIRCLE].some(isFlat))
})
