import { assertEquals, assertThrows } from "../testing.js"
import { receive } from "./messages.js"

Deno.test("each field goes to its part, with the whole message", () => {
  /** @type {unknown[]} */
  const seen = []
  receive({ message: (text, update) => seen.push(text, update.tool), tool: () => {} }, {
    message: "Saved.",
    tool: "box",
  })
  assertEquals(seen, ["Saved.", "box"])
})

Deno.test("an unknown field is an error, once the others are shown", () => {
  /** @type {string[]} */
  const seen = []
  assertThrows(() => receive({ message: (text) => seen.push(text) }, { closed: "No.", message: "Saved." }), "closed")
  assertEquals(seen, ["Saved."])
})
