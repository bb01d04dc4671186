import { assert, assertClose, assertEquals } from "../testing.js"
import { enlarged, paintedMap, tiledTicks } from "./map_pixels.js"

Deno.test("an enlarged plane keeps its values and is smooth between them", () => {
  const plane = Uint8Array.from([0, 100, 200, 100])
  assertClose(enlarged(plane, [2, 2], [2, 2]), plane)
  assertClose(enlarged(plane, [2, 2], [2, 4]), [0, 25, 75, 100, 200, 175, 125, 100])
  assertClose(enlarged(Uint8Array.from([7]), [1, 1], [2, 2]), [7, 7, 7, 7])
})

const ramp = new Uint8Array(1024)
ramp.set([100, 200, 50, 255], 4 * 9)

/** @type {(texture: number, strength: number) => import("./map_pixels.js").MapBytes} */
const map = (texture, strength) => ({
  shape: [1, 1],
  detail: 1,
  hue: Uint8Array.from([9]),
  strength: Uint8Array.from([strength]),
  texture: Uint8Array.from([texture]),
  ramp,
  darkest: 0.5,
})

Deno.test("the hue is of the ramp, the texture its brightness, the strength its opacity", () => {
  const { pixels, shape } = paintedMap(map(255, 200), 2)
  assertEquals(shape, [2, 2])
  assertEquals(Array.from(new Uint8Array(pixels.buffer, 0, 4)), [100, 200, 50, 200])
  assertEquals(Array.from(new Uint8Array(paintedMap(map(0, 255), 1).pixels.buffer)), [50, 100, 25, 255])
  assert(paintedMap(map(255, 0), 3).pixels.every((pixel) => pixel === 0))
})

Deno.test("ticks are those of each map, with its own numbers", () => {
  const round = [-20, -10, 0, 10].map((value) => ({ value, text: String(value) }))
  const { ticks, labels } = tiledTicks(round, [-15, 5], [0, 30, 0])
  assertEquals(ticks, [-10, 0, 20, 30])
  assertEquals([...labels], [[-10, "-10"], [0, "0"], [20, "-10"], [30, "0"]])
})
