// Shortcuts of the whole page; never while somebody types.

const KEYS = {
  b: { kind: "tool", value: "box" },
  o: { kind: "tool", value: "lasso" },
  p: { kind: "tool", value: "pan" },
  u: { kind: "undo" },
  U: { kind: "redo" },
  x: { kind: "home" },
  "/": { kind: "side", open: true },
  "?": { kind: "help" },
}

export function listenToKeys(host, send) {
  const listen = (event) => {
    if (!host.isConnected) return globalThis.removeEventListener("keydown", listen)
    const target = event.composedPath()[0]
    const typing = target instanceof Element && target.closest("input, textarea, select, dialog, [contenteditable]")
    if (typing || event.ctrlKey || event.metaKey || event.altKey || !host.offsetParent) return
    const message = KEYS[event.key]
    if (message === undefined) return
    event.preventDefault()
    send(message)
  }
  globalThis.addEventListener("keydown", listen)
}
