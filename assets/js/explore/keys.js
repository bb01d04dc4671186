// Shortcuts of the whole page.

/** @import { Request } from "../protocol.d.ts" */

import { PAGE_KEYS } from "../base/declared.js"
import { keyOf, listenToKeys } from "../base/keys.js"

/**
 * @param {HTMLElement} host
 * @param {(message: Request) => void} send
 */
export function listenToPageKeys(host, send) {
  const requests = new Map(Object.entries(PAGE_KEYS))
  listenToKeys(host, (event) => {
    const message = requests.get(keyOf(event))
    if (message === undefined) return false
    send(message)
    return true
  })
}
