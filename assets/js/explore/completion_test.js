import { assertEquals } from "../testing.js"
import { completionOf, endsInWord, questionOf, splitAt } from "./completion.js"

Deno.test("the caret is counted in letters", () => {
  assertEquals(questionOf("𝛼 > te", 7), { text: "𝛼 > te", cursor: 6 })
})

Deno.test("a word that can be completed begins with a letter", () => {
  assertEquals([endsInWord("a < te", 6), endsInWord("a < 38", 6), endsInWord("a < te ", 7)], [true, false, false])
})

Deno.test("the completed word stands for what is written of it, before and after the caret", () => {
  const found = completionOf({ text: "a < tefz & b", cursor: 6, start: 4, suggestions: [["teff", "K"]] })
  assertEquals(found, { text: "a < tefz & b", cursor: 6, first: "teff", before: "a < ", after: " & b" })
})

Deno.test("a word that is whole already is not completed", () => {
  assertEquals(completionOf({ text: "teff", cursor: 4, start: 0, suggestions: [["teff", "K"]] }).first, null)
  assertEquals(completionOf({ text: "", cursor: 0, start: 0, suggestions: [] }).first, null)
})

Deno.test("a mistake stands apart, counted in letters", () => {
  assertEquals(splitAt("𝛼 >> 3", 2, 4), { before: "𝛼 ", wrong: ">>", after: " 3" })
})
