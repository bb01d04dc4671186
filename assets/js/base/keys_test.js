import { assertEquals } from "../testing.js"
import { keyOf } from "./keys.js"

const PLAIN = { shiftKey: false, ctrlKey: false, metaKey: false }

Deno.test("letters tell Shift themselves, arrows do not", () => {
  assertEquals(keyOf({ ...PLAIN, key: "J", shiftKey: true }), "J")
  assertEquals(keyOf({ ...PLAIN, key: "ArrowLeft", shiftKey: true }), "Shift+ArrowLeft")
  assertEquals(keyOf({ ...PLAIN, key: "ArrowLeft" }), "ArrowLeft")
})

Deno.test("a key with Ctrl is another key, also when letters are locked to capitals", () => {
  assertEquals(keyOf({ ...PLAIN, key: "z", ctrlKey: true }), "Ctrl+z")
  assertEquals(keyOf({ ...PLAIN, key: "Z", ctrlKey: true }), "Ctrl+z")
  assertEquals(keyOf({ ...PLAIN, key: "z", metaKey: true }), "Ctrl+z")
  assertEquals(keyOf({ ...PLAIN, key: "Z", ctrlKey: true, shiftKey: true }), "Ctrl+Z")
})
