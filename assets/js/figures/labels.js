// Labels in a figure that must not cover one another.

/** @typedef {{ x: number, y: number, text: string }} Label */
/** @typedef {{ letter: number, line: number }} LabelSize - Width of a letter, and height of a line, in pixels. */

/**
 * Labels that do not overlap, the first ones before the others.
 *
 * @param {Label[]} labels - Places of their lower left corners, in pixels.
 * @param {LabelSize} size
 */
export function apart(labels, { letter, line }) {
  /** @type {Label[]} */
  const kept = []
  for (const label of labels) {
    const isFree = kept.every(({ x, y, text }) =>
      Math.abs(label.y - y) >= line || label.x >= x + letter * text.length || x >= label.x + letter * label.text.length
    )
    if (isFree) kept.push(label)
  }
  return kept
}
