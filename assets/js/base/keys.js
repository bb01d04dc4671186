// Shortcuts: name of a pressed key, and whether it is meant for the page.

/**
 * Whether a key belongs to the page: not typed into a field, and not part of a shortcut of the system.
 *
 * @param {KeyboardEvent} event
 * @param {HTMLElement} host
 */
export function isShortcut(event, host) {
  const target = event.composedPath()[0]
  const typing = target instanceof Element && target.closest("input, textarea, select, dialog, [contenteditable]")
  return !(typing || event.altKey || !host.offsetParent)
}

/**
 * Handle shortcuts while an element is on the page; handled ones have no other effect.
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
 * Name of a key; Shift is part of it only for arrows, as the case of a letter shows it. Ctrl is part of it, and so is
 * the command key of a Mac under the same name.
 *
 * @param {{ key: string, shiftKey: boolean, ctrlKey: boolean, metaKey: boolean }} event
 */
export function keyOf({ key, shiftKey, ctrlKey, metaKey }) {
  if (ctrlKey || metaKey) return `Ctrl+${shiftKey ? key.toUpperCase() : key.toLowerCase()}`
  return shiftKey && key.startsWith("Arrow") ? `Shift+${key}` : key
}
