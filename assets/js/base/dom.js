// Elements of the page. Text is inserted as text, never as HTML.

/**
 * Attributes and properties of an element; null, undefined and false leave one out.
 *
 * @template {HTMLElement} E
 * @typedef {{ [K in keyof E]?: (E[K] extends string ? string | number : E[K]) | null }
 *   & { style?: string | null }
 *   & { [name: `aria-${string}` | `data-${string}`]: string | null | undefined }} Attributes
 */

/** @typedef {Node | string | null | undefined} Child */

/**
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Omit<Attributes<HTMLElementTagNameMap[Tag]>, "style"> & { style?: string | null }} [attributes]
 * @param {...Child} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function element(tag, attributes, ...children) {
  const made = document.createElement(tag)
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === undefined || value === null || value === false) continue
    if (typeof value === "function") made.addEventListener(name.slice(2), /** @type {EventListener} */ (value))
    else if (name in made && name !== "list" && name !== "style") Reflect.set(made, name, value)
    else made.setAttribute(name, value === true ? "" : String(value))
  }
  made.append(...children.filter((child) => child !== null && child !== undefined))
  return made
}

/**
 * A button with an icon.
 *
 * @param {string} name
 * @param {string} title
 * @param {((event: MouseEvent) => void) | null} action
 * @param {Parameters<typeof element<"button">>[1]} [attributes]
 */
export function icon(name, title, action, attributes = {}) {
  const glyph = element("span", { className: "icon", "aria-hidden": "true" }, name)
  return element("button", { type: "button", title, "aria-label": title, onclick: action, ...attributes }, glyph)
}

/**
 * Show another glyph and title on a button of {@link icon}.
 *
 * @param {HTMLButtonElement} button
 * @param {string} name
 * @param {string} title
 */
export function relabel(button, name, title) {
  button.title = title
  button.setAttribute("aria-label", title)
  if (button.firstChild) button.firstChild.textContent = name
}

/** Scale of text and dots in very large windows: --large of explore.css does not apply inside Bokeh plots. */
export function magnified() {
  return globalThis.innerWidth >= 3400 ? 1.5 : globalThis.innerWidth >= 2600 ? 1.25 : 1
}

/**
 * Call back when the scale changes, while an element is or will be on the page.
 *
 * @param {Node} el
 * @param {() => void} action
 */
export function onMagnified(el, action) {
  let before = magnified()
  let seen = false
  const check = () => {
    seen ||= el.isConnected
    if (seen && !el.isConnected) return globalThis.removeEventListener("resize", check)
    if (magnified() === before) return
    before = magnified()
    action()
  }
  globalThis.addEventListener("resize", check)
}

/** @param {number} pixels */
export function large(pixels) {
  return `${Math.round(pixels * magnified())}px`
}

/**
 * A menu under its button, above all other elements, so that no view clips it; Escape and a click elsewhere close it.
 * It ends where the button ends, or begins where it begins, as one does in the left half of the page.
 *
 * @param {HTMLButtonElement} button
 * @param {() => Child[]} fill
 * @param {"left" | "right"} [side]
 */
export function popup(button, fill, side = "right") {
  const el = element("div", { className: "popup", popover: "auto" })
  const put = () => el.replaceChildren(...fill().filter((child) => child !== null && child !== undefined))
  const close = () => {
    if (el.matches(":popover-open")) el.hidePopover()
  }
  button.popoverTargetElement = el
  el.addEventListener("beforetoggle", ({ newState }) => {
    const open = newState === "open"
    button.setAttribute("aria-expanded", String(open))
    if (!open) return globalThis.removeEventListener("resize", close)
    globalThis.addEventListener("resize", close)
    put()
    const { top, left, right, bottom } = button.getBoundingClientRect()
    const below = globalThis.innerHeight - bottom
    const place = below > top
      ? { top: `${bottom + 2}px`, bottom: "auto" }
      : { top: "auto", bottom: `${globalThis.innerHeight - top + 2}px` }
    const across = side === "left" || right < globalThis.innerWidth / 2
      ? { left: `${left}px`, right: "auto" }
      : { left: "auto", right: `${globalThis.innerWidth - right}px` }
    Object.assign(el.style, { ...place, ...across, maxHeight: `${Math.max(below, top) - 10}px` })
  })
  const refresh = () => {
    if (el.matches(":popover-open")) put()
  }
  return { el, close, refresh }
}

/**
 * A row of buttons of which one is pressed.
 *
 * @template {string} Key
 * @param {string} name
 * @param {readonly (readonly [key: Key, label: string, title?: string])[]} entries
 * @param {(key: Key) => void} action
 */
export function choices(name, entries, action) {
  /** @type {Map<string, HTMLButtonElement>} */
  const buttons = new Map()
  for (const [key, label, title] of entries) {
    buttons.set(key, element("button", { type: "button", title, onclick: () => action(key) }, label))
  }
  const row = element("div", { className: "choices", role: "group", "aria-label": name }, ...buttons.values())
  const press = (/** @type {string} */ key) => {
    for (const [other, button] of buttons) button.setAttribute("aria-pressed", String(other === key))
  }
  return { row, press }
}

/**
 * Sentences at the lower edge of the page, each for a while.
 *
 * @param {number} milliseconds
 */
export function toaster(milliseconds) {
  const el = element("div", { className: "toast", role: "status", hidden: true })
  const hide = debounced(() => {
    el.hidden = true
  }, milliseconds)
  const show = (/** @type {string} */ text) => {
    el.textContent = text
    el.hidden = !text
    hide()
  }
  return { el, show }
}

/**
 * @template {unknown[]} Given
 * @param {(...given: Given) => void} action
 * @param {number} milliseconds
 */
export function debounced(action, milliseconds) {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer
  return (/** @type {Given} */ ...given) => {
    clearTimeout(timer)
    timer = setTimeout(() => action(...given), milliseconds)
  }
}

/** @param {{ name: string, mime: string, data: BlobPart }} file */
export function download({ name, mime, data }) {
  const address = URL.createObjectURL(new Blob([data], { type: mime }))
  element("a", { href: address, download: name }).click()
  setTimeout(() => URL.revokeObjectURL(address), 10_000)
}
