import { assertEquals } from "../testing.js"
import { digitsOf, inPixels, minuteOf, shortCount, withError } from "./words.js"

Deno.test("long counts are shortened", () => {
  assertEquals(["12,270 outside", "999 without"].map(shortCount), ["12k", "999"])
})

Deno.test("one pixel, two pixels", () => {
  assertEquals([inPixels(1), inPixels(2)], ["1 pixel", "2 pixels"])
})

Deno.test("a value has as many digits as its error has two of", () => {
  assertEquals(withError(4012.3, 41), "4012 ± 41")
  assertEquals(withError(-0.123456, 0.0213), "-0.123 ± 0.021")
  assertEquals(withError(1.23456, null), "1.235")
})

Deno.test("decimals follow the step of a slider", () => {
  assertEquals([5, 0.1, 0.005].map(digitsOf), [0, 1, 2])
})

Deno.test("a time is written to the minute", () => {
  assertEquals(minuteOf("2026-11-29T14:23:59+00:00"), "2026-11-29 14:23 UTC")
})
