// Small tools that every part uses. Text goes in as text, never as HTML.

function element(tag, attributes = {}, ...children) {
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

function icon(name, title, action, attributes = {}) {
  const glyph = element("span", {className: "icon", "aria-hidden": "true"}, name)
  return element("button", {type: "button", title, "aria-label": title, onclick: action, ...attributes}, glyph)
}

function options(select, entries, value) {
  const texts = entries.map(([key, label, off]) => element("option", {value: key, disabled: off}, label))
  select.replaceChildren(...texts)
  select.value = value
}

function choices(name, entries, action) {
  // A row of buttons of which one is pressed.
  const buttons = new Map()
  for (const [key, label, title] of entries) {
    buttons.set(key, element("button", {type: "button", title, onclick: () => action(key)}, label))
  }
  const row = element("div", {className: "choices", role: "group", "aria-label": name}, ...buttons.values())
  const press = (key) => {
    for (const [other, button] of buttons) button.setAttribute("aria-pressed", String(other === key))
  }
  return {row, press}
}

function debounced(action, milliseconds) {
  let timer = null
  return (...given) => {
    clearTimeout(timer)
    timer = setTimeout(() => action(...given), milliseconds)
  }
}

function download({name, mime, data}) {
  const address = URL.createObjectURL(new Blob([data], {type: mime}))
  element("a", {href: address, download: name}).click()
  setTimeout(() => URL.revokeObjectURL(address), 10_000)
}

function bytes(buffer) {
  return buffer instanceof ArrayBuffer ? new Uint8Array(buffer) : new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength)
}
