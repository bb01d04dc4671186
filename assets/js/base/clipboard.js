// The clipboard.

/**
 * Copy a text. Pages of a server without encryption have no clipboard interface, but may copy what is marked.
 *
 * @param {string} text
 * @returns {Promise<boolean>} Whether the browser permitted it.
 */
export async function copied(text) {
  try {
    if (!navigator.clipboard) return copiedFromField(text)
    await navigator.clipboard.writeText(text)
    return true
  } catch { // not permitted
    return copiedFromField(text)
  }
}

/** @param {string} text */
function copiedFromField(text) {
  const field = document.createElement("textarea")
  field.value = text
  field.style.cssText = "position:fixed;opacity:0"
  const open = [...document.querySelectorAll("dialog[open]")].at(-1) ?? document.body
  const active = document.activeElement?.shadowRoot?.activeElement ?? document.activeElement
  open.append(field)
  field.select()
  const done = document.execCommand("copy")
  field.remove()
  if (active instanceof HTMLElement) active.focus()
  return done
}

/**
 * Copy a text; where the browser allows no access, show it, so that it can be copied by hand.
 *
 * @param {string} text
 * @param {string} done - Shown when it is copied.
 * @param {(text: string) => void} notify
 */
export async function copyText(text, done, notify) {
  notify(await copied(text) ? done : text)
}
