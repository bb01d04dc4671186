import { assertEquals } from "../testing.js"
import { asNumber, endWords } from "./look_values.js"

Deno.test("typed numbers are read, with points, commas and signs", () => {
  assertEquals(["3.5", " -1 ", "−0.5", "0,5", "1,000", "12,345.5", "1e3"].map(asNumber), [
    3.5,
    -1,
    -0.5,
    0.5,
    1000,
    12345.5,
    1000,
  ])
})

Deno.test("what is no number stands for the usual one", () => {
  assertEquals(["", "  ", "low", "1/0", "Infinity"].map(asNumber), [null, null, null, null, null])
})

Deno.test("ends of a scale are short", () => {
  assertEquals([-1.23456, 3987.6, 0, 0.000123].map(endWords), ["-1.23", "3988", "0", "0.000123"])
})
