import { assertEquals } from "../testing.js"
import { keyOf } from "./keys.js"

Deno.test("letters tell Shift themselves, arrows do not", () => {
  assertEquals(keyOf({ key: "J", shiftKey: true }), "J")
  assertEquals(keyOf({ key: "ArrowLeft", shiftKey: true }), "Shift+ArrowLeft")
  assertEquals(keyOf({ key: "ArrowLeft", shiftKey: false }), "ArrowLeft")
})
