// Small tools that every part uses. Text goes in as text, never as HTML.

const LONG_LIST = 150 // columns in a list without a search
const MAX_LISTED = 300

export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag)
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value)
    else if (name in made && name !== "list" && name !== "style") made[name] = value
    else made.setAttribute(name, value === true ? "" : value)
  }
  made.append(...children.filter((child) => child !== null && child !== undefined))
  return made
}

// Give each field of a message to what shows it; one that nothing shows is an error of the server or of this page.
export function receive(parts, message) {
  const unknown = Object.keys(message).filter((name) => !(name in parts))
  for (const [name, value] of Object.entries(message)) parts[name]?.(value, message)
  if (unknown.length) throw new Error(`The server sent unknown message fields: ${unknown.join(", ")}`)
}

// A file in one message, or where it is large in parts that go before it.
const PART_BYTES = 512000
const FEW_PARTS = 2

export async function send_file(send, kind, file, part_kind = "upload") {
  const data = new Uint8Array(await file.arrayBuffer())
  const encoded = (from, to) => {
    let text = ""
    for (let at = from; at < Math.min(to, data.length); at += 32768) {
      text += String.fromCharCode(...data.subarray(at, Math.min(at + 32768, to)))
    }
    return btoa(text)
  }
  if (data.length <= FEW_PARTS * PART_BYTES) return send({ kind, size: data.length, data: encoded(0, data.length) })
  const upload = `${Date.now()}-${Math.random()}`
  for (let part = 0; part * PART_BYTES < data.length; part++) {
    send({ kind: part_kind, upload, part, data: encoded(part * PART_BYTES, (part + 1) * PART_BYTES) })
  }
  return send({ kind, size: data.length, upload })
}

// Until the browser is closed, the pages of the server begin in the theme that was chosen last.
export function remember_theme(dark) {
  document.cookie = `mgiant-dark=${dark ? 1 : 0}; path=/; SameSite=Lax`
}

export function icon(name, title, action, attributes = {}) {
  const glyph = element("span", { className: "icon", "aria-hidden": "true" }, name)
  return element("button", { type: "button", title, "aria-label": title, onclick: action, ...attributes }, glyph)
}

// How much larger words and dots are in very large windows: --large of explore.css, which does not reach into figures.
export function magnified() {
  return window.innerWidth >= 3400 ? 1.5 : window.innerWidth >= 2600 ? 1.25 : 1
}

// Call when that changes, as long as an element is on the page or on its way there.
export function on_magnified(el, action) {
  let before = magnified(), seen = false
  const check = () => {
    seen ||= el.isConnected
    if (seen && !el.isConnected) return window.removeEventListener("resize", check)
    if (magnified() === before) return
    before = magnified()
    action()
  }
  window.addEventListener("resize", check)
}

export function large(pixels) {
  return `${Math.round(pixels * magnified())}px`
}

// A menu under its button. It lies over everything, so no card cuts it; Escape and a click elsewhere close it.
// It ends where the button ends, or begins where it begins.
export function popup(button, fill, side = "right") {
  const el = element("div", { className: "popup", popover: "auto" })
  const close = () => el.matches(":popover-open") && el.hidePopover()
  button.popoverTargetElement = el
  el.addEventListener("beforetoggle", ({ newState }) => {
    const open = newState === "open"
    button.setAttribute("aria-expanded", String(open))
    if (!open) return window.removeEventListener("resize", close)
    window.addEventListener("resize", close)
    el.replaceChildren(...fill())
    const { top, left, right, bottom } = button.getBoundingClientRect(), below = window.innerHeight - bottom
    const place = below > top
      ? { top: `${bottom + 2}px`, bottom: "auto" }
      : { top: "auto", bottom: `${window.innerHeight - top + 2}px` }
    const across = side === "left" ? { left: `${left}px` } : { right: `${window.innerWidth - right}px` }
    Object.assign(el.style, { ...place, ...across, maxHeight: `${Math.max(below, top) - 10}px` })
  })
  const refresh = () => el.matches(":popover-open") && el.replaceChildren(...fill())
  return { el, close, refresh }
}

export function options(select, entries, value) {
  const texts = entries.map(([key, label, off]) => element("option", { value: key, disabled: off }, label))
  select.replaceChildren(...texts)
  select.value = value
}

// Options under the headings of their groups; those without one come first.
export function grouped(select, entries, value) {
  const groups = new Map([["", select]])
  select.replaceChildren()
  for (const [key, label, heading] of entries) {
    if (!groups.has(heading)) groups.set(heading, select.appendChild(element("optgroup", { label: heading })))
    groups.get(heading).append(element("option", { value: key }, label))
  }
  select.value = value
}

// A list of columns, with a search where it is long.
export class ColumnList {
  constructor(name, choose) {
    this.entries = []
    this.select = element("select", { "aria-label": name, onchange: () => choose(this.select.value) })
    this.search = element("input", {
      type: "search",
      className: "find",
      placeholder: "search",
      "aria-label": "Find a column",
      hidden: true,
      oninput: () => this.refill(),
    })
    this.el = element("span", { className: "columns" }, this.select, this.search)
  }

  get value() {
    return this.select.value
  }

  set value(value) {
    this.select.value = value
    if (this.select.value !== value) this.refill(value)
  }

  fill(entries, value) {
    this.entries = entries
    this.search.hidden = entries.length <= LONG_LIST
    this.refill(value)
  }

  refill(value = this.select.value) {
    const words = this.search.value.toLowerCase().split(/\s+/)
    const found = this.entries.filter(([key, label]) =>
      words.every((word) => key.includes(word) || label.toLowerCase().includes(word))
    )
    const chosen = this.entries.find(([key]) => key === value)
    const shown = found.slice(0, MAX_LISTED), more = found.length - shown.length
    grouped(this.select, chosen && !shown.includes(chosen) ? [chosen, ...shown] : shown, value)
    if (more > 0) this.select.append(element("option", { disabled: true }, `${more.toLocaleString("en")} more: search`))
  }
}

export function choices(name, entries, action) {
  // A row of buttons of which one is pressed.
  const buttons = new Map()
  for (const [key, label, title] of entries) {
    buttons.set(key, element("button", { type: "button", title, onclick: () => action(key) }, label))
  }
  const row = element("div", { className: "choices", role: "group", "aria-label": name }, ...buttons.values())
  const press = (key) => {
    for (const [other, button] of buttons) button.setAttribute("aria-pressed", String(other === key))
  }
  return { row, press }
}

export function debounced(action, milliseconds) {
  let timer = null
  return (...given) => {
    clearTimeout(timer)
    timer = setTimeout(() => action(...given), milliseconds)
  }
}

export function download({ name, mime, data }) {
  const address = URL.createObjectURL(new Blob([data], { type: mime }))
  element("a", { href: address, download: name }).click()
  setTimeout(() => URL.revokeObjectURL(address), 10_000)
}

export function bytes(buffer) {
  return buffer instanceof ArrayBuffer
    ? new Uint8Array(buffer)
    : new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength)
}
