// The grid of views: cards that can be swapped and enlarged, and the pictures that the server sends for them.

import { bytes, ColumnList, debounced, element, icon, on_magnified, options, popup } from "../base/dom.js"
import { Bars } from "../figures/bars.js"
import { Plane } from "../figures/plane.js"

const LOOK_AFTER = 40

export class Stage {
  constructor(send) {
    this.send = send
    this.el = element("div", { className: "stage" })
    this.cards = []
    this.colours = {}
    this.tool = "box"
    this.waiting = new Map()
    this.flush_looks = debounced(() => {
      if (!this.waiting.size) return
      this.send({ kind: "look", views: [...this.waiting.values()] })
      this.waiting.clear()
    }, LOOK_AFTER)
    on_magnified(this.el, () => {
      for (const { view } of this.cards) view?.magnify?.()
      if (this.theme) this.recolour({ theme: this.theme })
    })
    this.parts = {
      stage: (stage) => this.build(stage),
      colours: (colours) => this.recolour(colours),
      layers: (layers, message) => this.receive(layers, message),
      pixels: () => {}, // of the layers
      focus: (places) => places.forEach(([slot, xs, ys]) => this.cards[slot]?.view?.mark?.(xs, ys)),
      notes: (notes) => notes.forEach(([slot, text]) => this.note(slot, text)),
      tool: (tool) => this.use(tool),
      home: () => this.cards.forEach((card) => card.view?.home?.()),
    }
  }

  from_view(message) {
    // Looks are gathered: when the page is laid out every view has one to send.
    if (message.kind !== "look") return this.send(message)
    const { slot, window: edges, width, height } = message
    this.waiting.set(slot, { slot, window: edges, width, height })
    this.flush_looks()
  }

  build({ panels, enlarged, catalogue, columns, theme }) {
    this.theme = theme ?? this.theme
    this.catalogue = catalogue ?? this.catalogue
    this.columns = columns ?? this.columns
    if (panels.length !== this.cards.length) {
      this.cards.forEach((card) => card.view?.close?.())
      this.cards = panels.map((_, slot) => this.card(slot))
      this.el.replaceChildren(...this.cards.map((card) => card.el))
      const across = panels.length > 1 ? Math.ceil(panels.length / 2) : 1
      this.el.style.setProperty("--across", across)
      this.el.style.setProperty("--down", panels.length > 1 ? 2 : 1)
    }
    panels.forEach((spec, slot) => {
      if (spec !== null) this.fill(this.cards[slot], spec)
    })
    this.enlarge(enlarged)
  }

  card(slot) {
    const card = { slot }
    card.select = element("select", {
      className: "view",
      title: "Show another view here",
      "aria-label": "View",
      onchange: () => this.send({ kind: "swap", slot, view: card.select.value }),
    })
    card.part = element("select", {
      className: "part",
      title: "Slice in height",
      "aria-label": "Slice in height",
      onchange: () => this.send({ kind: "part", slot, part: Number(card.part.value) }),
    })
    card.caption = element("span", { className: "caption" })
    card.bar = element("span", { className: "legend" })
    card.note = element("em")
    card.menu = icon("more_vert", "Axes, overlays and pictures", null, { "aria-expanded": "false" })
    card.popup = popup(card.menu, () => this.menu(card))
    card.grow = icon("open_in_full", "Enlarge", () => this.send({ kind: "enlarge", slot }))
    const extras = element("div", { className: "extras" }, card.note, card.bar, card.caption)
    const head = element("header", {}, card.select, card.part, extras, card.menu, card.grow)
    card.plot = element("div", { className: "plot" })
    card.el = element("section", { className: "card" }, head, card.plot, card.popup.el)
    return card
  }

  fill(card, spec) {
    card.view?.close?.()
    card.spec = spec
    card.view = null
    options(card.select, this.catalogue, spec.view)
    card.part.hidden = !spec.parts
    if (spec.parts) options(card.part, spec.parts.map((label, k) => [k, label]), spec.part)
    card.caption.title = spec.about ?? ""
    card.caption.replaceChildren(
      ...spec.caption.map(([text, colour]) => element("span", { style: colour ? `color:${colour}` : null }, text)),
    )
    card.bar.replaceChildren(...(spec.bar ? gradient(spec.bar) : []))
    card.note.replaceChildren()
    card.popup.close()
    card.el.setAttribute("aria-label", spec.title)
    if (spec.kind === "missing") {
      card.plot.replaceChildren(element("p", { className: "sentence" }, spec.sentence))
      return
    }
    card.plot.replaceChildren()
    const View = spec.kind === "bars" ? Bars : Plane
    card.view = new View(card.plot, spec, card.slot, (message) => this.from_view(message))
    card.view.recolour(this.colours, this.theme)
    void card.view.show(this.theme, this.tool)
  }

  receive(layers, { pixels }) {
    const packed = pixels ? bytes(pixels) : new Uint8Array()
    for (const layer of layers) this.cards[layer.slot]?.view?.receive?.(layer, packed, this.colours)
    if (!this.painted) {
      this.painted = true
      requestAnimationFrame(() => setTimeout(() => this.send({ kind: "painted" }), 50))
    }
  }

  recolour({ theme, bars, ...palettes }) {
    this.theme = theme ?? this.theme
    for (const [name, palette] of Object.entries(palettes)) {
      this.colours[name] = new Uint32Array(bytes(palette).slice().buffer)
    }
    this.el.classList.toggle("dark", this.theme.dark)
    for (const card of this.cards) card.view?.recolour(this.colours, this.theme)
    for (const [slot, bar] of bars ?? []) this.cards[slot]?.bar.replaceChildren(...gradient(bar))
  }

  note(slot, text) {
    const { note } = this.cards[slot]
    const [words, title] = text ?? ["", ""]
    note.title = title
    note.replaceChildren(
      ...(words
        ? [
          element("span", { className: "icon", role: "img", "aria-label": title }, "visibility_off"),
          element("span", { className: "long" }, words),
          element("span", { className: "short" }, short_count(words)),
        ]
        : []),
    )
  }

  use(tool) {
    this.tool = tool
    for (const card of this.cards) card.view?.use?.(tool)
  }

  enlarge(slot) {
    this.cards.forEach((card) => {
      const alone = slot === card.slot
      card.el.hidden = slot !== null && slot !== undefined && !alone
      card.el.classList.toggle("alone", alone)
      card.grow.title = alone ? "Back to the grid" : "Enlarge"
      card.grow.setAttribute("aria-label", card.grow.title)
      card.grow.firstChild.textContent = alone ? "close_fullscreen" : "open_in_full"
    })
  }

  menu({ slot, spec }) {
    const axis = (name) => {
      const list = new ColumnList(`${name} axis`, (column) => this.send({ kind: "axis", slot, axis: name, column }))
      list.fill(this.columns, spec[name].column)
      return element("label", {}, `${name.toUpperCase()} `, list.el)
    }
    const overlay = ({ name, label, on }) => {
      const box = element("input", {
        type: "checkbox",
        checked: on,
        onchange: () => this.send({ kind: "switch", slot, name, on: box.checked }),
      })
      return element("label", {}, box, ` ${label}`)
    }
    const picture = (form) =>
      element(
        "button",
        { type: "button", onclick: () => this.send({ kind: "picture", slot, form }) },
        form.toUpperCase(),
      )
    if (spec.kind === "missing") {
      return [element("p", { className: "hint" }, "No options: see the message of the view.")]
    }
    return [
      ...(spec.kind === "bars" ? ["x"] : ["x", "y"]).map(axis),
      ...spec.overlays.map(overlay),
      element("div", { className: "row" }, "Picture ", ...["png", "pdf", "svg"].map(picture)),
    ]
  }

  switched(slot, name, on) {
    const { spec, view } = this.cards[slot]
    for (const overlay of spec.overlays) if (overlay.name === name) overlay.on = on
    view.switch_overlay(name, on)
  }
}

// "12,270 outside" where there is room for "12k" beside the sign alone.
function short_count(words) {
  const count = Number(words.split(" ")[0].replaceAll(",", ""))
  return count >= 1000 ? `${Math.round(count / 1000)}k` : words.split(" ")[0]
}

export function gradient({ label, low, high, gradient: colours, entries }) {
  const words = element("span", {}, label)
  if (entries) {
    const swatch = ([name, colour]) =>
      element("b", {}, element("i", { className: "swatch", style: `background:${colour}` }), name)
    return [words, ...entries.map(swatch)]
  }
  return [words, element("b", {}, low), element("i", { style: `background:${colours}` }), element("b", {}, high)]
}
