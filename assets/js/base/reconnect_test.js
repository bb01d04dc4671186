import { assertEquals } from "../testing.js"
import { whenAnswered } from "./reconnect.js"

Deno.test("the page comes back once the server answers well", async () => {
  const answers = [() => Promise.reject(new TypeError("no network")), { ok: false }, { ok: true }]
  let asked = 0
  const ask = () => {
    const answer = answers[asked++]
    return typeof answer === "function" ? answer() : Promise.resolve(answer)
  }
  await new Promise((resolve) => whenAnswered(ask, 1, () => resolve(null)))
  assertEquals(asked, 3)
})
