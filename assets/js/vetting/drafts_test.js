import { assertEquals } from "../testing.js"
import { Drafts, meaningOfKey, proposalOf } from "./drafts.js"

function shelf() {
  const items = new Map()
  return {
    items,
    getItem: (/** @type {string} */ name) => items.get(name) ?? null,
    setItem: (/** @type {string} */ name, /** @type {string} */ text) => void items.set(name, text),
    removeItem: (/** @type {string} */ name) => void items.delete(name),
  }
}

const PLACE = { person: "ana", campaign: "c1", star: "42" }
const BEGUN = { flags: ["sky"], note: "noisy", proposal: { teff: 3900 } }
/** @type {import("../protocol.d.ts").Judge} */
const DRAFT = { kind: "judge", id: "x", star: "42", verdict: 3, flags: [], note: "", campaign: "c1", proposal: {} }
/** @type {{ verdicts: [number, string][], flags: [string, string][] }} */
const RULES = { verdicts: [[4, "good"], [0, "bad"]], flags: [["sky", "e"], ["own", ""]] }

Deno.test("what is begun is kept by inspector, campaign and star", () => {
  const drafts = new Drafts(shelf(), "vet")
  drafts.keep(PLACE, BEGUN)
  assertEquals(drafts.begun(PLACE), BEGUN)
  assertEquals(drafts.begun({ ...PLACE, star: "43" }), null)
  assertEquals(drafts.begun({ ...PLACE, person: "ben" }), null)
})

Deno.test("a saved verdict takes what was begun with it", () => {
  const { items, ...storage } = shelf()
  const drafts = new Drafts(storage, "vet")
  drafts.keep(PLACE, BEGUN)
  drafts.handIn({ person: "ana", campaign: "c1", draft: DRAFT })
  assertEquals(drafts.handedIn()?.draft, DRAFT)
  drafts.saved("ana")
  assertEquals(items.size, 0)
})

Deno.test("a refused verdict is not handed in again, and what was begun stays", () => {
  const drafts = new Drafts(shelf(), "vet")
  drafts.keep(PLACE, BEGUN)
  drafts.handIn({ person: "ana", campaign: "c1", draft: DRAFT })
  drafts.answered()
  assertEquals([drafts.handedIn(), drafts.begun(PLACE)], [null, BEGUN])
  drafts.saved("ana")
  assertEquals(drafts.begun(PLACE), BEGUN)
})

Deno.test("keys mean verdicts, flags and actions", () => {
  assertEquals(["4", "e", "c", "u", "U", "9", ""].map((key) => key && meaningOfKey(key, RULES)), [
    { verdict: 4 },
    { flag: "sky" },
    { action: "comment" },
    { action: "undo" },
    { action: "redo" },
    undefined,
    "",
  ])
})

Deno.test("numbers that were typed and a class are proposed", () => {
  assertEquals(proposalOf([["teff", "3900"], ["logg", ""]], "  "), { teff: 3900 })
  assertEquals(proposalOf([], " carbon star "), { class: "carbon star" })
})
