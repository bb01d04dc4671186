import { assert, assertEquals } from "../testing.js"
import { hex, uuid } from "./uuid.js"

Deno.test("bytes are written with two digits each", () => {
  assertEquals(hex(Uint8Array.of(0, 10, 255)), "000aff")
})

Deno.test("random UUIDs of version 4 differ", () => {
  const [one, other] = [uuid(), uuid()]
  assert(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(one), one)
  assert(one !== other)
})
