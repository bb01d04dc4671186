import { assertClose } from "../testing.js"
import { arrows } from "./arrows.js"

/** @type {(factor: number) => { compute(value: number): number, invert(pixel: number): number }} */
const scale = (factor) => ({ compute: (value) => factor * value, invert: (pixel) => pixel / factor })

Deno.test("an arrow ends in two barbs of five pixels, whatever the scales", () => {
  for (const [across, up] of [[1, 1], [10, 3]]) {
    const f = (/** @type {number} */ value) => Float32Array.of(value)
    const { xs, ys } = arrows({ x0: f(0), y0: f(0), x1: f(2), y1: f(1) }, scale(across), scale(up))
    assertClose([xs[0][0], ys[0][0], xs[0][1], ys[0][1]], [0, 0, 2, 1])
    for (const barb of [2, 4]) {
      const length = Math.hypot(across * (xs[0][barb] - 2), up * (ys[0][barb] - 1))
      assertClose([length], [5])
    }
  }
})
