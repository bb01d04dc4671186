// What a tab keeps for its next page: the token of its state on the server, and unsent text.

const LEFT = "mgiant-explorer-left"

/** @typedef {{ token: string, writing: string | null }} Left */

/** @param {Left} left */
export function keepInTab(left) {
  if (!left.token) return
  globalThis.sessionStorage.setItem(LEFT, JSON.stringify({ ...left, search: globalThis.location.search }))
}

/**
 * What the page before left in this tab. A link or a star that is opened shows itself; reloaded, it shows the page.
 *
 * @returns {Left | null}
 */
export function leftInTab() {
  const kept = globalThis.sessionStorage.getItem(LEFT)
  if (kept === null) return null
  const { token, writing, search } = JSON.parse(kept)
  const asked = new URLSearchParams(globalThis.location.search)
  const [entry] = globalThis.performance.getEntriesByType("navigation")
  const again = entry instanceof PerformanceNavigationTiming && entry.type !== "navigate"
  const same = search === globalThis.location.search && again
  return ["link", "star", "afresh"].some((name) => asked.has(name)) && !same ? null : { token, writing }
}
