import { assertEquals, curveOf, DRAWING } from "../testing.js"
import { drawingOf, KeptStars, starOf, trialOf } from "./kept.js"

const FACTS = { labels: [], groups: [], bits: [], "in_training": false, repeats: [], copies: [], links: [] }
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

Deno.test("a star has a spectrum if its drawing came, with curves as numbers", () => {
  const pinned = [{ obsid: "2", colour: "red", flux: curveOf(5, 6) }]
  const compared = { curves: [curveOf(7, 8)], ends: DRAWING.ends, label: "this / pinned" }
  const { spectrum } = starOf({ ...star("1"), spectrum: { ...DRAWING, pinned, compared, trial: curveOf(9, 9) } })
  assertEquals(spectrum?.flux, Float32Array.of(1, 2))
  assertEquals(spectrum?.residuals.values, Float32Array.of(0, 1))
  assertEquals(spectrum?.pinned[0].flux, Float32Array.of(5, 6))
  assertEquals(spectrum?.compared?.curves, [Float32Array.of(7, 8)])
  assertEquals(spectrum?.trial, Float32Array.of(9, 9))
  assertEquals(starOf(star("1")).spectrum, null)
})

Deno.test("a model that is not drawn is unknown everywhere", () => {
  const { model: _, ...rest } = DRAWING
  assertEquals(drawingOf(rest).model, Float32Array.of(NaN, NaN))
})

Deno.test("a trial model has its curves as numbers, and the rest stays", () => {
  const { residuals } = DRAWING
  const trial = trialOf({ flux: curveOf(1, 2), residuals, curves: [], lower: true })
  assertEquals([trial.flux, trial.residuals.ends, trial.lower], [Float32Array.of(1, 2), residuals.ends, true])
})

Deno.test("the oldest star is forgotten; one that comes again is new", () => {
  const kept = new KeptStars(2)
  for (const obsid of ["1", "2", "1", "3"]) kept.add(starOf(star(obsid)))
  assertEquals(["1", "2", "3"].map((obsid) => kept.get(obsid)?.obsid), ["1", undefined, "3"])
})
