// The place of a bubble beside what it explains, which it covers only where there is no room elsewhere.

/** @typedef {{ left: number, top: number, right: number, bottom: number }} Box */
/** @typedef {{ width: number, height: number }} Size */
/** @typedef {{ left: number, top: number }} Corner - The upper left corner of a bubble. */

const GAP = 10
const EDGE = 8

/**
 * @param {Box | null} target - What is explained; null for nothing in particular.
 * @param {Size} bubble
 * @param {Size} screen
 * @returns {Corner}
 */
export function placeBeside(target, bubble, screen) {
  const last = { left: screen.width - bubble.width - EDGE, top: screen.height - bubble.height - EDGE }
  const inside = (/** @type {Corner} */ { left, top }) => ({
    left: Math.max(EDGE, Math.min(left, last.left)),
    top: Math.max(EDGE, Math.min(top, last.top)),
  })
  if (target === null) return inside({ left: (screen.width - bubble.width) / 2, top: last.top })
  const beside = [
    { left: target.right + GAP, top: target.top },
    { left: target.left - GAP - bubble.width, top: target.top },
    { left: target.left, top: target.bottom + GAP },
    { left: target.left, top: target.top - GAP - bubble.height },
  ].map(inside)
  const corners = [last, { left: EDGE, top: last.top }, { left: last.left, top: EDGE }, { left: EDGE, top: EDGE }]
  const places = [...beside, ...corners.map(inside)]
  const covered = places.map((place) => overlap(target, place, bubble))
  return places[covered.indexOf(Math.min(...covered))]
}

/**
 * Area of a target below a bubble.
 *
 * @param {Box} target
 * @param {Corner} place
 * @param {Size} bubble
 */
export function overlap(target, { left, top }, { width, height }) {
  const across = Math.min(target.right, left + width) - Math.max(target.left, left)
  const down = Math.min(target.bottom, top + height) - Math.max(target.top, top)
  return Math.max(across, 0) * Math.max(down, 0)
}
