// Shortcuts of the star beside the views.

/** @import { StarDock } from "./star.js" */

import { keyOf, listenToKeys } from "../base/keys.js"

/** @param {StarDock} dock */
function actionsOf(dock) {
  return new Map([
    ["j", () => dock.step(1)],
    ["k", () => dock.step(-1)],
    ["J", () => dock.stepUnvetted(1)],
    ["K", () => dock.stepUnvetted(-1)],
    ["ArrowRight", () => dock.step(1)],
    ["ArrowLeft", () => dock.step(-1)],
    ["Shift+ArrowRight", () => dock.stepUnvetted(1)],
    ["Shift+ArrowLeft", () => dock.stepUnvetted(-1)],
    ["s", () => dock.smoother(1)],
    ["d", () => dock.smoother(-1)],
    ["l", () => dock.toggle("lines")],
    ["m", () => dock.toggle("model")],
    ["v", () => dock.toggle("residual")],
    ["a", () => dock.toggle("raw")],
    ["z", () => dock.zoom("ca")],
    ["Z", () => dock.zoom("tio")],
    ["x", () => dock.figure.home()],
    ["g", () => dock.search.focus()],
    ["f", () => dock.refit.ask()],
  ])
}

/**
 * @param {HTMLElement} host
 * @param {StarDock} dock
 */
export function listenToStarKeys(host, dock) {
  const actions = actionsOf(dock)
  listenToKeys(host, (event) => {
    const action = actions.get(keyOf(event))
    if (action === undefined) return false
    action()
    dock.popup.refresh()
    return event.key !== "x" // which means a reset of the views too
  })
}
