// The place of a bubble beside what it explains, which it covers only where there is no room elsewhere.

/** @typedef {{ left: number, top: number, right: number, bottom: number }} Box */
/** @typedef {{ width: number, height: number }} Size */
/** @typedef {{ left: number, top: number }} Corner - The upper left corner of a bubble. */

const BESIDE = 10
const SCREEN_EDGE = 8

/**
 * @param {Box | null} target - What is explained; null for nothing in particular.
 * @param {Size} bubble
 * @param {Size} screen
 * @returns {Corner}
 */
export function placeBeside(target, bubble, screen) {
  const last = { left: screen.width - bubble.width - SCREEN_EDGE, top: screen.height - bubble.height - SCREEN_EDGE }
  const inside = (/** @type {Corner} */ { left, top }) => ({
    left: Math.max(SCREEN_EDGE, Math.min(left, last.left)),
    top: Math.max(SCREEN_EDGE, Math.min(top, last.top)),
  })
  if (target === null) return inside({ left: (screen.width - bubble.width) / 2, top: last.top })
  const across = [
    { left: target.right + BESIDE, top: target.top },
    { left: target.left - BESIDE - bubble.width, top: target.top },
  ]
  const down = [
    { left: target.left, top: target.bottom + BESIDE },
    { left: target.left, top: target.top - BESIDE - bubble.height },
  ]
  const isTall = target.bottom - target.top > target.right - target.left
  const beside = (isTall ? [...across, ...down] : [...down, ...across]).map(inside)
  const corners = [last, { left: SCREEN_EDGE, top: last.top }, { left: last.left, top: SCREEN_EDGE }, {
    left: SCREEN_EDGE,
    top: SCREEN_EDGE,
  }]
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
