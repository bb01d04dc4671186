// The theme: that of the system until the visitor chooses one, which the browser then remembers.

import { showTheme } from "./bokeh_internals.js"

const SYSTEM = "system-"
const KEPT_S = 31_536_000

const system = () => globalThis.matchMedia("(prefers-color-scheme: dark)")

const stored = () => /(?:^|; )mgiant-dark=([^;]*)/.exec(document.cookie)?.[1]

/** Whether the visitor has chosen a theme. */
function chosen() {
  const value = stored()
  return value !== undefined && !value.startsWith(SYSTEM)
}

/** Whether the page starts dark, before the server has spoken. */
export function startsDark() {
  return chosen() ? stored() === "1" : system().matches
}

/**
 * Store the theme, in which pages of this server open; one that differs from the system's was chosen.
 *
 * @param {boolean} dark
 */
export function rememberTheme(dark) {
  const follows = !chosen() && dark === system().matches
  const value = `${follows ? SYSTEM : ""}${dark ? 1 : 0}`
  document.cookie = `mgiant-dark=${value}; path=/; max-age=${KEPT_S}; SameSite=Lax`
}

/** Show the page in the theme of the system, now and when that changes, until the visitor chooses. */
export function followSystem() {
  const follow = () => {
    if (!chosen()) showTheme(system().matches)
  }
  system().addEventListener("change", follow)
  follow()
}
