// Shortcuts of the star beside the views.

// Never while somebody types; the room's own shortcuts are elsewhere.
export function listenToStarKeys(host, dock) {
  const keys = {
    j: () => dock.step(1),
    k: () => dock.step(-1),
    J: () => dock.stepUnvetted(1),
    K: () => dock.stepUnvetted(-1),
    ArrowRight: () => dock.step(1),
    ArrowLeft: () => dock.step(-1),
    "Shift+ArrowRight": () => dock.stepUnvetted(1),
    "Shift+ArrowLeft": () => dock.stepUnvetted(-1),
    s: () => dock.smoother(1),
    d: () => dock.smoother(-1),
    l: () => dock.toggle("lines"),
    m: () => dock.toggle("model"),
    v: () => dock.toggle("residual"),
    a: () => dock.toggle("raw"),
    z: () => dock.zoom("ca"),
    Z: () => dock.zoom("tio"),
    x: () => dock.figure.home(),
    g: () => dock.search.focus(),
    f: () => dock.refit.ask(),
  }
  const listen = (event) => {
    if (!host.isConnected) return globalThis.removeEventListener("keydown", listen)
    const target = event.composedPath()[0]
    const typing = target instanceof Element && target.closest("input, textarea, select, dialog, [contenteditable]")
    if (typing || event.ctrlKey || event.metaKey || event.altKey || !host.offsetParent) return
    const action = keys[event.shiftKey && event.key.startsWith("Arrow") ? `Shift+${event.key}` : event.key]
    if (action === undefined) return
    if (event.key !== "x") event.preventDefault()
    action()
    dock.popup.refresh()
  }
  globalThis.addEventListener("keydown", listen)
}
