// The clipboard.

/**
 * Copy a text; where the browser allows no access, show it, so that it can be copied by hand.
 *
 * @param {string} text
 * @param {string} done - Shown when it is copied.
 * @param {(text: string) => void} notify
 */
export async function copyText(text, done, notify) {
  try {
    if (!navigator.clipboard) throw new Error("No clipboard without https or localhost.")
    await navigator.clipboard.writeText(text)
    notify(done)
  } catch {
    notify(text)
  }
}
