import { assertEquals } from "../testing.js"
import { rankedChoices } from "./matches.js"

Deno.test("the same text comes first, then those that begin with it", () => {
  /** @type {[string, string, string?][]} */
  const choices = [["1", "my mass"], ["2", "Massive"], ["3", "mass"], ["4", "age", "with mass"], ["5", "rv"]]
  assertEquals(rankedChoices(choices, " Mass ").map(([value]) => value), ["3", "2", "1", "4"])
  assertEquals(rankedChoices(choices, "  "), choices)
})
