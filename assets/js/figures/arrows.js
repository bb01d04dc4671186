// Arrows of velocities as lines.

// Each arrow is a line with two barbs, of the same length on screen whatever the zoom.
export function arrows({ x0, y0, x1, y1 }, view) {
  const { x_scale, y_scale } = view.frame
  const xs = [], ys = []
  for (let k = 0; k < x0.length; k++) {
    const [ax, ay, bx, by] = [
      x_scale.compute(x0[k]),
      y_scale.compute(y0[k]),
      x_scale.compute(x1[k]),
      y_scale.compute(y1[k]),
    ]
    const turn = Math.atan2(by - ay, bx - ax)
    const barb = (side) => [bx - 5 * Math.cos(turn + side), by - 5 * Math.sin(turn + side)]
    const [left, right] = [barb(0.45), barb(-0.45)]
    const path = [[ax, ay], [bx, by], left, [bx, by], right]
    xs.push(path.map(([sx]) => x_scale.invert(sx)))
    ys.push(path.map(([, sy]) => y_scale.invert(sy)))
  }
  return { xs, ys }
}
