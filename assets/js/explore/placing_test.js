import { assertEquals } from "../testing.js"
import { overlap, placeBeside } from "./placing.js"

const SCREEN = { width: 1280, height: 720 }
const BUBBLE = { width: 310, height: 140 }

Deno.test("a bubble is beside what it explains, on the first side with room", () => {
  const first = { left: 0, top: 90, right: 400, bottom: 300 }
  assertEquals(placeBeside(first, BUBBLE, SCREEN), { left: 8, top: 310 })
  const tall = { left: 0, top: 90, right: 264, bottom: 700 }
  assertEquals(placeBeside(tall, BUBBLE, SCREEN), { left: 274, top: 90 })
  const last = { left: 860, top: 90, right: 1280, bottom: 700 }
  assertEquals(placeBeside(last, BUBBLE, SCREEN), { left: 540, top: 90 })
  const dock = { left: 0, top: 500, right: 1280, bottom: 720 }
  assertEquals(placeBeside(dock, BUBBLE, SCREEN), { left: 8, top: 350 })
  const bar = { left: 0, top: 50, right: 1280, bottom: 88 }
  assertEquals(placeBeside(bar, BUBBLE, SCREEN), { left: 8, top: 98 })
})

Deno.test("a bubble stays on the screen", () => {
  const low = { left: 1200, top: 650, right: 1280, bottom: 710 }
  assertEquals(placeBeside(low, BUBBLE, SCREEN), { left: 962, top: 500 })
  const narrow = placeBeside({ left: 0, top: 0, right: 300, bottom: 500 }, BUBBLE, { width: 300, height: 500 })
  assertEquals(narrow.left, 8)
})

Deno.test("without room beside it a bubble covers as little as it can", () => {
  const view = { left: 100, top: 60, right: 1280, bottom: 720 }
  const place = placeBeside(view, BUBBLE, SCREEN)
  const corners = [[8, 8], [962, 8], [8, 572], [962, 572]].map(([left, top]) => overlap(view, { left, top }, BUBBLE))
  assertEquals(overlap(view, place, BUBBLE) <= Math.min(...corners), true)
})

Deno.test("a step about nothing in particular is at the lower edge", () => {
  assertEquals(placeBeside(null, BUBBLE, SCREEN), { left: 485, top: 572 })
})

Deno.test("areas overlap where they share both directions", () => {
  const target = { left: 0, top: 0, right: 100, bottom: 100 }
  assertEquals(overlap(target, { left: 90, top: 80 }, { width: 50, height: 50 }), 200)
  assertEquals(overlap(target, { left: 100, top: 0 }, { width: 50, height: 50 }), 0)
})
