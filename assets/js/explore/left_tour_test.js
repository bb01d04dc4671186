import { assertEquals } from "../testing.js"
import { readLeft, resumeLabel } from "./left_tour.js"

const LEFT = { key: "stream", title: "Find the stream", at: 1, count: 4 }

Deno.test("the step of a tour is read as it was stored", () => {
  assertEquals(readLeft(JSON.stringify(LEFT)), LEFT)
  assertEquals(resumeLabel(LEFT), "Resume “Find the stream” at step 2 of 4")
})

Deno.test("nothing is resumed of what is damaged or of another version", () => {
  for (const stored of [null, "", "1", "null", "{", '{"at": 1}', JSON.stringify({ ...LEFT, at: 4 })]) {
    assertEquals(readLeft(stored), null)
  }
})
