import { assert, assertEquals, DRAWING } from "../testing.js"
import { SpectrumControls } from "./controls.js"

Deno.test("a request for a drawing has all settings", () => {
  const controls = new SpectrumControls()
  controls.mask([1, 3], true)
  controls.mask([2, 5], true)
  controls.mask([4, 5], false)
  controls.look.smooth = 2
  const { look } = controls
  assertEquals(
    controls.draw("7", { teff: 4000 }),
    {
      kind: "draw",
      obsid: "7",
      look,
      zoom: null,
      masked: [[1, 4]],
      measured: null,
      trial: { teff: 4000 },
      pins: [],
      number: 1,
    },
  )
})

Deno.test("a zoom stays for later drawings", () => {
  const controls = new SpectrumControls()
  assertEquals(controls.zoomTo([8440, 8720]), { kind: "spectrum_zoom", ends: [8440, 8720], number: 1 })
  assertEquals(controls.draw("7", null).zoom, [8440, 8720])
})

Deno.test("drawings of earlier controls are outdated; a zoom asks for none", () => {
  const controls = new SpectrumControls()
  const drawn = (/** @type {number} */ number) => ({ ...DRAWING, number })
  assert(controls.isCurrent(drawn(0)))
  controls.draw("7", null)
  assert(!controls.isCurrent(drawn(0)))
  assert(!controls.isLast(drawn(0)))
  controls.zoomTo([1, 2])
  assert(!controls.isCurrent(drawn(1)))
  assert(controls.isLast(drawn(1)))
})
