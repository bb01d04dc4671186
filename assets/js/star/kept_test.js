import { assertEquals, DRAWING } from "../testing.js"
import { KeptStars, starOf, trialOf } from "./kept.js"

const FACTS = { labels: [], groups: [], bits: [], "in_training": false, repeats: [], links: [] }
const star = (/** @type {string} */ obsid) => ({
  kind: /** @type {const} */ ("star"),
  obsid,
  sentence: "",
  note: "",
  rv: null,
  facts: FACTS,
  remarks: [],
  published: {},
})

Deno.test("a star has a spectrum if its drawing came", () => {
  const pinned = [{ obsid: "2", colour: "red", flux: Float32Array.of(5, 6) }]
  const compared = { curves: [Float32Array.of(7, 8)], ends: DRAWING.ends, label: "this / pinned" }
  const spectrum = { ...DRAWING, pinned, compared, trial: Float32Array.of(9, 9) }
  assertEquals(starOf({ ...star("1"), spectrum }).spectrum, spectrum)
  assertEquals(starOf(star("1")).spectrum, null)
})

Deno.test("arrays become plain ones, and the rest stays", () => {
  const values = Float64Array.of(1, 2)
  const { residuals } = DRAWING
  const { flux, lower } = trialOf({ flux: Float32Array.from(values), residuals, curves: [], lower: true })
  assertEquals([flux, lower], [Float32Array.of(1, 2), true])
})

Deno.test("the oldest star is forgotten; one that comes again is new", () => {
  const kept = new KeptStars(2)
  for (const obsid of ["1", "2", "1", "3"]) kept.add(starOf(star(obsid)))
  assertEquals(["1", "2", "3"].map((obsid) => kept.get(obsid)?.obsid), ["1", undefined, "3"])
})
