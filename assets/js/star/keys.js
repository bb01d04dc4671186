// Shortcuts of the star beside the views.

/** @import { StarDock } from "./star.js" */

import { STAR_KEYS } from "../base/declared.js"
import { keyOf, listenToKeys } from "../base/keys.js"

/**
 * @param {StarDock} dock
 * @returns {Record<keyof typeof STAR_KEYS, () => void>}
 */
function actionsOf(dock) {
  return {
    next: () => dock.step(1),
    previous: () => dock.step(-1),
    nextUnvetted: () => dock.stepUnvetted(1),
    previousUnvetted: () => dock.stepUnvetted(-1),
    find: () => dock.search.focus(),
    smoother: () => dock.smoother(1),
    sharper: () => dock.smoother(-1),
    lines: () => dock.toggle("lines"),
    model: () => dock.toggle("model"),
    residual: () => dock.toggle("residual"),
    raw: () => dock.toggle("raw"),
    zoomCa: () => dock.zoom("ca"),
    zoomTio: () => dock.zoom("tio"),
    whole: () => dock.whole(),
    nextLine: () => dock.lines.step(1),
    previousLine: () => dock.lines.step(-1),
    measure: () => dock.use("measure"),
    fit: () => dock.refit.ask(),
  }
}

/**
 * @param {HTMLElement} host
 * @param {StarDock} dock
 */
export function listenToStarKeys(host, dock) {
  const keys = new Map(Object.entries(STAR_KEYS))
  /** @type {Map<string, () => void>} */
  const actions = new Map()
  for (const [name, action] of Object.entries(actionsOf(dock))) {
    for (const key of keys.get(name) ?? []) actions.set(key, action)
  }
  const shared = STAR_KEYS.whole // also resets the zoom of the views
  listenToKeys(host, (event) => {
    const action = actions.get(keyOf(event))
    if (action === undefined) return false
    action()
    dock.popup.refresh()
    return !shared.includes(event.key)
  })
}
