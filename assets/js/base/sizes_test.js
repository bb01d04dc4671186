import { assertEquals } from "../testing.js"
import { excess, limited, readLayout, sizeOfKey } from "./sizes.js"

/** @type {[number, number]} */
const LIMITS = [100, 400]

Deno.test("a size stays within its limits, of which the lower one counts more", () => {
  assertEquals([50, 250, 900].map((size) => limited(size, LIMITS)), [100, 250, 400])
  assertEquals(limited(300, [200, 120]), 200)
})

Deno.test("arrows across the panel move its edge by steps", () => {
  assertEquals(sizeOfKey("ArrowRight", false, 200, LIMITS, "x", 1), 216)
  assertEquals(sizeOfKey("ArrowRight", false, 200, LIMITS, "x", -1), 184)
  assertEquals(sizeOfKey("ArrowUp", true, 200, LIMITS, "y", -1), 280)
  assertEquals(sizeOfKey("ArrowDown", true, 120, LIMITS, "y", -1), 100)
})

Deno.test("arrows along the edge and other keys do nothing", () => {
  assertEquals(sizeOfKey("ArrowUp", false, 200, LIMITS, "x", 1), undefined)
  assertEquals(sizeOfKey("ArrowLeft", false, 200, LIMITS, "y", 1), undefined)
  assertEquals(sizeOfKey("j", false, 200, LIMITS, "x", 1), undefined)
})

Deno.test("Home and End reach the limits, Enter the usual size", () => {
  assertEquals(sizeOfKey("Home", false, 200, LIMITS, "x", 1), 100)
  assertEquals(sizeOfKey("End", false, 200, LIMITS, "x", 1), 400)
  assertEquals(sizeOfKey("End", false, 200, [150, 90], "x", 1), 150)
  assertEquals(sizeOfKey("Enter", false, 200, LIMITS, "x", 1), null)
})

Deno.test("what a browser remembers is checked", () => {
  const text = JSON.stringify({ shares: { star: 0.4, dock: 3, side: "0.2", answers: 0 }, folded: ["star", 7] })
  assertEquals(readLayout(text), { shares: { star: 0.4 }, folded: ["star"] })
  const nothing = { shares: {}, folded: [] }
  assertEquals(readLayout(null), nothing)
  assertEquals(readLayout("7"), nothing)
  assertEquals(readLayout("{"), nothing)
  assertEquals(readLayout('{"folded": "star"}'), nothing)
})

Deno.test("items leave a row from its end until the rest fits beside the button", () => {
  assertEquals(excess([50, 50, 50], 150, 24), 0)
  assertEquals(excess([50, 50, 50], 149, 24), 1)
  assertEquals(excess([50, 50, 50], 120, 24), 2)
  assertEquals(excess([50, 0, 50], 99, 24), 1)
  assertEquals(excess([50, 50], 10, 24), 2)
  assertEquals(excess([], -5, 24), 0)
})
