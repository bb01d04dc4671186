import { assert, assertClose, assertEquals } from "../testing.js"
import { barAt, barsOf, binned, endsOf, fittingTicks, outlineOf, short, squareEnds, ticks } from "./scales.js"

Deno.test("ticks are round and as many as asked for", () => {
  assertEquals(ticks([0, 10], 5).map(({ text }) => text), ["0", "2", "4", "6", "8", "10"])
  assertEquals(ticks([0.1, -0.1], 4).map(({ text }) => text), ["-0.10", "-0.05", "0.00", "0.05", "0.10"])
})

Deno.test("ticks lie between the ends at any scale", () => {
  for (const scale of [1e-4, 0.3, 7, 4200]) {
    const found = ticks([-scale, 2.3 * scale], 5)
    assert(found.length >= 2 && found.length <= 6)
    for (const { value } of found) assert(value >= -scale && value <= 2.3 * scale * (1 + 1e-9))
  }
})

Deno.test("ends hold all finite values with room", () => {
  assertClose(endsOf([1, NaN, 3, Infinity], 0.1), [0.8, 3.2])
  assertClose(endsOf([5, 5], 0), [4, 6])
  assertClose(endsOf([NaN], 0), [0, 1])
})

Deno.test("bins hold what lies inside", () => {
  const { edges, heights } = binned([0, 0.5, 0.99, 1, -0.1], [0, 1], 2)
  assertEquals(edges, [0, 0.5, 1])
  assertEquals(heights, [1, 2])
})

Deno.test("a square shows all that was asked for, in the direction of each axis", () => {
  const { x, y, unit } = squareEnds([[0, 10], [4, 0]], { width: 100, height: 100 })
  assertClose(x, [0, 10])
  assertClose(y, [7, -3])
  assertClose([unit], [0.1])
})

Deno.test("at least two and at most seven ticks fit", () => {
  assertEquals([10, 300, 10_000].map((room) => fittingTicks(room, 62)), [2, 4, 7])
})

Deno.test("bars stand on the axis, also on a logarithmic one", () => {
  const plain = barsOf([0, 1, 2], [10, 0], false)
  assertEquals(plain.data, { left: [0, 1], right: [1, 2], top: [10, 0], bottom: [0, 0] })
  assertClose(plain.ends, [0, 10.5])
  const log = barsOf([0, 1, 2], [100, 0], true)
  assertClose(log.data.top, [2, Math.log10(0.7)])
  assertClose(log.ends, [Math.log10(0.7), 2 + 0.05 * (2 - Math.log10(0.7))])
  const shares = barsOf([0, 1, 2], [0.1, 0], true, 0.001)
  assertClose(shares.data.top, [-1, Math.log10(0.0007)])
})

Deno.test("a value is in the bar between its edges", () => {
  const edges = [0, 1, 2, 4]
  assertEquals([-0.1, 0, 0.9, 1, 3.9, 4, 4.1, NaN].map((value) => barAt(edges, value)), [-1, 0, 0, 1, 2, 2, -1, -1])
})

Deno.test("the outline of bars begins and ends on the floor", () => {
  const { data } = barsOf([0, 1, 2], [3, 1], false)
  assertEquals(outlineOf(data), { xs: [0, 0, 1, 1, 2, 2], ys: [0, 3, 3, 1, 1, 0] })
})

Deno.test("numbers under the mouse have four digits", () => {
  assertEquals([0.123456, -2, 12345.6].map(short), ["0.1235", "−2", "12,350"])
})
