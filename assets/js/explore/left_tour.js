// The step at which a tour or a story was left, from which help resumes it.

/** @typedef {{ key: string, title: string, at: number, count: number }} LeftTour - "" is the key of the tour. */

/**
 * Read what was stored; null for nothing, or for what another version stored.
 *
 * @param {string | null} stored
 * @returns {LeftTour | null}
 */
export function readLeft(stored) {
  if (stored === null) return null
  /** @type {Partial<LeftTour> | null} */
  let left
  try {
    left = JSON.parse(stored)
  } catch (error) {
    if (error instanceof SyntaxError) return null
    throw error
  }
  const { key, title, at, count } = left ?? {}
  const isStep = typeof at === "number" && typeof count === "number" && at >= 0 && at < count
  return typeof key === "string" && typeof title === "string" && isStep ? { key, title, at, count } : null
}

/** @param {LeftTour} left */
export function resumeLabel({ title, at, count }) {
  return `Resume “${title}” at step ${at + 1} of ${count}`
}
