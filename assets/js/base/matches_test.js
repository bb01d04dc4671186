import { assertEquals } from "../testing.js"
import { matchingColumns, rankedChoices } from "./matches.js"

/** @type {[string, string, string][]} */
const COLUMNS = [["teff", "Teff [K]", ""], ["logg", "log g", ""], ["teff_err", "σ Teff", "own"]]

Deno.test("each typed word is a part of key or label", () => {
  assertEquals(matchingColumns(COLUMNS, "TEFF σ", "", 9).shown, [COLUMNS[2]])
  assertEquals(matchingColumns(COLUMNS, "", "", 9).shown, COLUMNS)
})

Deno.test("the chosen column stays in the list", () => {
  assertEquals(matchingColumns(COLUMNS, "log", "teff", 9).shown, [COLUMNS[0], COLUMNS[1]])
})

Deno.test("no more than a few are listed, and how many more there are", () => {
  const { shown, more } = matchingColumns(COLUMNS, "", "", 1)
  assertEquals([shown, more], [[COLUMNS[0]], 2])
})

Deno.test("the same text comes first, then those that begin with it", () => {
  /** @type {[string, string, string?][]} */
  const choices = [["1", "my mass"], ["2", "Massive"], ["3", "mass"], ["4", "age", "with mass"], ["5", "rv"]]
  assertEquals(rankedChoices(choices, " Mass ").map(([value]) => value), ["3", "2", "1", "4"])
  assertEquals(rankedChoices(choices, "  "), choices)
})
