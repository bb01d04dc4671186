import { assertEquals, assertThrows } from "../testing.js"
import { receive } from "./messages.js"

Deno.test("each field goes to its part, with the whole message", () => {
  /** @type {unknown[]} */
  const seen = []
  receive({ say: (text, message) => seen.push(text, message.tool), tool: () => {} }, { say: "Saved.", tool: "box" })
  assertEquals(seen, ["Saved.", "box"])
})

Deno.test("an unknown field is an error, once the others are shown", () => {
  /** @type {string[]} */
  const seen = []
  assertThrows(() => receive({ say: (text) => seen.push(text) }, { closed: "No.", say: "Saved." }), "closed")
  assertEquals(seen, ["Saved."])
})
