import { assertEquals } from "../testing.js"
import { KeptStars, starOf } from "./kept.js"

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

Deno.test("a star has a spectrum if all of its arrays came", () => {
  const arrays = {
    flux: Float32Array.of(1),
    ivar: Float32Array.of(2),
    mask: Uint8Array.of(0),
    model: Float32Array.of(3),
    continuum: Float32Array.of(4),
  }
  assertEquals(starOf({ ...star("1"), ...arrays }).spectrum?.flux, Float32Array.of(1))
  assertEquals(starOf(star("1")).spectrum, null)
})

Deno.test("the oldest star is forgotten; one that comes again is new", () => {
  const kept = new KeptStars(2)
  for (const obsid of ["1", "2", "1", "3"]) kept.add(starOf(star(obsid)))
  assertEquals(["1", "2", "3"].map((obsid) => kept.get(obsid)?.obsid), ["1", undefined, "3"])
})
