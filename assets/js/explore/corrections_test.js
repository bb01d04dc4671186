import { assertEquals } from "../testing.js"
import { Corrections, goesOn, stagesByReason, usersOf } from "./corrections.js"

const COLUMN = {
  ours: "teff",
  label: "Teff",
  description: "",
  theirs: "T",
  reason: "",
  "unit_from": "K",
  "unit_to": "K",
  known: "100 %",
  share: 1,
  range: /** @type {[]} */ ([]),
  replaced: "",
  note: "",
  units: ["K"],
  corrected: false,
}
const TABLE = {
  file: "a.csv",
  heading: "",
  schema: "",
  match: "",
  notes: [],
  names: ["T", "X"],
  own: [],
  columns: [COLUMN, { ...COLUMN, ours: "teff_gaia" }],
  absent: [],
}

Deno.test("what was understood before is no correction", () => {
  const corrections = new Corrections()
  corrections.choose([TABLE], { table: 0, ours: "teff", theirs: "X", unit: "" })
  assertEquals(corrections.get(0, "teff")?.theirs, "X")
  corrections.choose([TABLE], { table: 0, ours: "teff", theirs: "T", unit: "K" })
  assertEquals(corrections.size, 0)
})

Deno.test("another unit, and a column that nothing fed, are corrections", () => {
  const corrections = new Corrections()
  corrections.choose([TABLE], { table: 0, ours: "teff", theirs: "T", unit: "10 K" })
  corrections.choose([TABLE], { table: 0, ours: "logg", theirs: "X", unit: "" })
  corrections.choose([TABLE], { table: 0, ours: "m_h", theirs: "", unit: "" })
  assertEquals(corrections.all.map(({ ours }) => ours), ["teff", "logg"])
  corrections.undo(0, "teff")
  assertEquals(corrections.size, 1)
  corrections.clear()
  assertEquals(corrections.all, [])
})

Deno.test("roles are listed by the column that they use", () => {
  assertEquals([...usersOf(TABLE)], [["T", ["teff", "teff_gaia"]]])
})

Deno.test("stages are listed by the reason why they do not run", () => {
  /** @type {[string, string][]} */
  const stages = [["a", ""], ["b", "no rv"], ["c", ""]]
  assertEquals([...stagesByReason(stages)], [["", ["a", "c"]], ["no rv", ["b"]]])
})

Deno.test("the page leaves once the explorer is open, unless the visitor asked for it or works here", () => {
  const status = { heading: "", text: "", fraction: null, error: "", open: true, retry: false }
  const page = { status, requested: false, follows: true, editing: false }
  assertEquals(goesOn(page), true)
  assertEquals(goesOn({ ...page, status: null }), false)
  assertEquals(goesOn({ ...page, requested: true }), false)
  assertEquals(goesOn({ ...page, follows: false }), false)
  assertEquals(goesOn({ ...page, editing: true }), false)
})
