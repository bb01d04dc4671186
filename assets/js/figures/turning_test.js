import { assertClose, assertEquals } from "../testing.js"
import { colourWord, dragged, onScreen, opaque, paintCloud, screenAxes } from "./turning.js"

Deno.test("the angles are those of the server", () => {
  const [across, up] = screenAxes({ azimuth: 0, elevation: 90 })
  assertClose(across, [1, 0, 0]) // X and Y from above
  assertClose(up, [0, 1, 0])
  assertClose(screenAxes({ azimuth: 0, elevation: 0 })[1], [0, 0, 1]) // X and Z from the side
  // Turn(330.0, 25.0).matrix of explorer.model.planes
  const axes = screenAxes({ azimuth: 330, elevation: 25 })
  assertClose(axes[0], [0.8660254, -0.5, 0])
  assertClose(axes[1], [0.21130913, 0.36599815, 0.90630779])
  assertClose(onScreen(axes, [1, 2, 3]), [-0.1339746, 3.66222881])
})

Deno.test("a drag turns around, and ends above and below", () => {
  assertEquals(dragged({ azimuth: 10, elevation: 20 }, 50, -25), { azimuth: 350, elevation: 10 })
  assertEquals(dragged({ azimuth: 350, elevation: 80 }, -50, 100), { azimuth: 10, elevation: 90 })
  assertEquals(dragged({ azimuth: 0, elevation: -80 }, 0, -100), { azimuth: 0, elevation: -90 })
})

Deno.test("stars are dots where they are, the selected ones over the others", () => {
  const pixels = new Uint32Array(256)
  const steps = (/** @type {number} */ value) => Math.round(((value + 1) / 2) * 65_535)
  const places = Uint16Array.from([[0.1, 0.1, 0.9], [0.1, 0.1, -0.5], [-0.9, 0.9, 0], [1, 1, 0]].flat().map(steps))
  const selected = new Uint32Array(256)
  selected[9] = 7
  /** @type {import("./turning.js").Screen} */
  const screen = { width: 16, height: 16, x: [-1, 1], y: [-1, 1] }
  const above = screenAxes({ azimuth: 0, elevation: 90 })
  const cloud = { places, low: -1, width: 2 }
  paintCloud(pixels, screen, cloud, Uint8Array.from([9, 0, 0, 9]), above, { rest: 5, selected })
  const count = (/** @type {number} */ colour) => pixels.filter((pixel) => pixel === colour).length
  assertEquals([count(5), count(7)], [16, 16])
  assertEquals(pixels[0 * 16 + 0], 5)
  assertEquals(pixels[7 * 16 + 8], 7)
  const many = { places: Uint16Array.from({ length: 3 * 5001 }, () => steps(0)), low: -1, width: 2 }
  pixels.fill(0)
  paintCloud(pixels, screen, many, new Uint8Array(5001), above, { rest: 5, selected })
  assertEquals(count(5), 4)
})

Deno.test("colours are mixed with the background", () => {
  assertEquals(colourWord("#102030"), 0xff302010)
  assertEquals(opaque(0x80ffffff, colourWord("#000000")), 0xff808080)
  assertEquals(opaque(0xff112233, 0xffffffff), 0xff112233)
  assertEquals(opaque(0x00112233, 0xff445566), 0xff445566)
})
