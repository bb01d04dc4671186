// Shortcuts: which key was pressed, and whether it is meant for the page.

/**
 * Whether a key belongs to the page: nobody types, and no system shortcut is meant.
 *
 * @param {KeyboardEvent} event
 * @param {HTMLElement} host
 */
export function isShortcut(event, host) {
  const target = event.composedPath()[0]
  const typing = target instanceof Element && target.closest("input, textarea, select, dialog, [contenteditable]")
  return !(typing || event.ctrlKey || event.metaKey || event.altKey || !host.offsetParent)
}

/**
 * Act on shortcuts as long as an element is on the page; those that are taken do nothing else.
 *
 * @param {HTMLElement} host
 * @param {(event: KeyboardEvent) => boolean} take
 */
export function listenToKeys(host, take) {
  const listen = (/** @type {KeyboardEvent} */ event) => {
    if (!host.isConnected) return globalThis.removeEventListener("keydown", listen)
    if (isShortcut(event, host) && take(event)) event.preventDefault()
  }
  globalThis.addEventListener("keydown", listen)
}

/**
 * Name of a key: letters tell Shift themselves, arrows do not.
 *
 * @param {{ key: string, shiftKey: boolean }} event
 */
export function keyOf({ key, shiftKey }) {
  return shiftKey && key.startsWith("Arrow") ? `Shift+${key}` : key
}
