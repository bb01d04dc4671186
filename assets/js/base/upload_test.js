import { assertEquals } from "../testing.js"
import { base64, sendFile, uploadMessages } from "./upload.js"

const random = (/** @type {number} */ size) => Uint8Array.from({ length: size }, (_, k) => (k * 7919) % 251)
const decoded = (/** @type {string} */ text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0))

Deno.test("bytes survive base64 at any length", () => {
  for (const size of [0, 1, 2, 3, 40_000]) assertEquals(decoded(base64(random(size))), random(size))
})

Deno.test("a small file is one message", () => {
  const [only, ...more] = uploadMessages({ kind: "members" }, random(10), "upload", "u")
  assertEquals([only, more], [{ kind: "members", size: 10, data: base64(random(10)) }, []])
})

Deno.test("a large file goes in parts that make it up, then by name", async () => {
  const file = random(1_300_000)
  /** @type {import("../protocol.d.ts").Request[]} */
  const sent = []
  await sendFile((message) => sent.push(message), { kind: "merge" }, new Blob([file]), "record_part")
  const parts = sent.filter((message) => message.kind === "record_part")
  assertEquals(parts.map(({ part }) => part), [0, 1, 2])
  const whole = new Uint8Array(await new Blob(parts.map(({ data }) => decoded(data))).arrayBuffer())
  assertEquals([whole.length, whole.every((byte, k) => byte === file[k])], [file.length, true])
  assertEquals(sent.at(-1), { kind: "merge", size: file.length, upload: parts[0].upload })
})
