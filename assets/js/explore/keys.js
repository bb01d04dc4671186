// Shortcuts of the whole page.

/** @import { Request } from "../protocol.d.ts" */

import { listenToKeys } from "../base/keys.js"

/** @type {ReadonlyMap<string, Request>} */
const PAGE_KEYS = new Map([
  ["b", { kind: "tool", value: "box" }],
  ["o", { kind: "tool", value: "lasso" }],
  ["p", { kind: "tool", value: "pan" }],
  ["u", { kind: "undo" }],
  ["U", { kind: "redo" }],
  ["x", { kind: "home" }],
  ["/", { kind: "side", open: true }],
  ["?", { kind: "help" }],
])

/**
 * @param {HTMLElement} host
 * @param {(message: Request) => void} send
 */
export function listenToPageKeys(host, send) {
  listenToKeys(host, ({ key }) => {
    const message = PAGE_KEYS.get(key)
    if (message === undefined) return false
    send(message)
    return true
  })
}
