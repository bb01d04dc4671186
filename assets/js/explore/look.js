// The popover of the toolbar's colours: the whole legend, colour map, scale, size and opacity of the stars.

/** @import { Legend, LookState, ThemeName } from "../payloads.ts" */
/** @import { Appearance, Request } from "../protocol.d.ts" */

import { COLOUR_MAPS, DEFAULT_APPEARANCE, LIMITS } from "../base/declared.js"
import { debounced, element, popup } from "../base/dom.js"
import { swatch, wholeLegend } from "../base/legend.js"
import { asNumber, endWords } from "./look_values.js"

const SEND_AFTER = 60
const PREVIEWED = 3 // swatches on the button

export class LookMenu {
  /** @type {LookState | null} */
  state = null
  /** @type {Legend | null} */
  legend = null
  /** @type {ThemeName} */
  theme = "light"

  /** @param {(message: Request) => void} send */
  constructor(send) {
    this.sendSoon = debounced((/** @type {Appearance} */ look) => send({ kind: "restyle", look }), SEND_AFTER)
    this.preview = element("span", { className: "preview", "aria-hidden": "true" })
    this.button = element(
      "button",
      {
        type: "button",
        className: "keys",
        title: "Key of the colours; colour map, scale, size and opacity of the stars",
        "aria-expanded": "false",
      },
      this.preview,
      "Key",
    )
    this.whole = element("div", {})
    this.maps = element("div", { className: "maps", role: "radiogroup", "aria-label": "Colour map" })
    this.reversed = this.box("Reversed", (on) => this.change({ reversed: on }))
    this.logarithmic = this.box("Logarithmic", (on) => this.change({ logarithmic: on }))
    this.low = this.end("First value", (low) => this.change({ low }))
    this.high = this.end("Last value", (high) => this.change({ high }))
    this.tail = element("input", {
      type: "number",
      min: String(LIMITS.tail[0]),
      max: String(LIMITS.tail[1]),
      step: "0.5",
      "aria-label": "Per cent of the stars beyond each end",
      onchange: () =>
        this.change({ tail: asNumber(this.tail.value) ?? DEFAULT_APPEARANCE.tail, low: null, high: null }),
    })
    this.size = this.slider("Size", LIMITS.dotSize, (size) => this.change({ size }))
    this.opacity = this.slider("Opacity", LIMITS.opacity, (opacity) => this.change({ opacity }))
    /** @type {(...children: (HTMLElement | string)[]) => HTMLElement} */
    const row = (...children) => element("div", { className: "row" }, ...children)
    this.scale = element(
      "div",
      { className: "scale" },
      row(this.low, "to", this.high),
      row("or leave out", this.tail, "% at each end"),
    )
    this.colours = element("div", {}, this.maps, row(this.reversed.label, this.logarithmic.label))
    const usual = element("button", { type: "button", onclick: () => this.change(DEFAULT_APPEARANCE) }, "Usual look")
    this.menu = popup(this.button, () => {
      this.show()
      return [this.whole, this.colours, this.scale, this.size.label, this.opacity.label, row(usual)]
    })
    this.menu.el.classList.add("look")
  }

  /**
   * @param {string} text
   * @param {(on: boolean) => void} action
   */
  box(text, action) {
    /** @type {HTMLInputElement} */
    const input = element("input", { type: "checkbox", onchange: () => action(input.checked) })
    return { input, label: element("label", {}, input, ` ${text}`) }
  }

  /**
   * @param {string} title
   * @param {(value: number | null) => void} action
   */
  end(title, action) {
    /** @type {HTMLInputElement} */
    const input = element("input", {
      type: "text",
      inputMode: "decimal",
      title: `${title} of the colours; empty for the usual one`,
      "aria-label": title,
      onchange: () => action(asNumber(input.value)),
    })
    return input
  }

  /**
   * @param {string} text
   * @param {readonly number[]} limits
   * @param {(value: number) => void} action
   */
  slider(text, [min, max], action) {
    /** @type {HTMLInputElement} */
    const input = element("input", {
      type: "range",
      min: String(min),
      max: String(max),
      step: "0.05",
      oninput: () => action(input.valueAsNumber),
    })
    return { input, label: element("label", { className: "slide" }, element("span", {}, text), input) }
  }

  /** @param {Partial<Appearance>} changes */
  change(changes) {
    if (!this.state) return
    this.state = { ...this.state, look: { ...this.state.look, ...changes } }
    this.sendSoon(this.state.look)
  }

  /** @param {LookState} state */
  receive(state) {
    this.state = state
    this.show()
  }

  /** @param {Legend} legend */
  showLegend(legend) {
    this.legend = legend
    const { entries, gradient } = legend
    const marks = entries
      ? entries.slice(0, PREVIEWED).map(([, colour]) => swatch(colour))
      : [element("i", { style: `background:${gradient}` })]
    this.preview.replaceChildren(...marks)
    this.whole.replaceChildren(wholeLegend(legend))
  }

  /** Write the state into the controls, but not into one that is being used. */
  show() {
    if (!this.state) return
    const { scale, ends } = this.state
    const look = { ...DEFAULT_APPEARANCE, ...this.state.look }
    const root = this.menu.el.getRootNode()
    const used = root instanceof ShadowRoot || root instanceof Document ? root.activeElement : null
    /** @type {(input: HTMLInputElement, value: string) => void} */
    const write = (input, value) => {
      if (input !== used || input.type !== "range") input.value = value
    }
    this.colours.hidden = scale === "category"
    this.scale.hidden = scale !== "value"
    this.logarithmic.label.hidden = scale !== "value"
    this.reversed.input.checked = look.reversed
    this.logarithmic.input.checked = look.logarithmic
    write(this.low, look.low === null ? "" : String(look.low))
    write(this.high, look.high === null ? "" : String(look.high))
    this.low.placeholder = ends ? endWords(ends[0]) : ""
    this.high.placeholder = ends ? endWords(ends[1]) : ""
    write(this.tail, String(look.tail))
    write(this.size.input, String(look.size))
    write(this.opacity.input, String(look.opacity))
    this.showMaps(look.colour_map, used)
  }

  /**
   * @param {string} chosen
   * @param {Element | null} used
   */
  showMaps(chosen, used) {
    const usual = this.state?.usual_map
    const kept = used instanceof HTMLElement ? used.dataset.map : undefined
    this.maps.replaceChildren(
      ...COLOUR_MAPS.map((map) => {
        const on = map.key === (chosen || usual)
        return element(
          "button",
          {
            type: "button",
            role: "radio",
            title: map.key === usual ? `${map.title} (usual)` : map.title,
            "aria-label": map.title,
            "aria-checked": String(on),
            "data-map": map.key,
            onclick: () => this.change({ colour_map: map.key === usual ? "" : map.key }),
          },
          element("i", { style: `background:${map[this.theme]}` }),
          element("span", {}, map.title),
        )
      }),
    )
    if (kept === undefined) return
    for (const one of this.maps.children) if (one instanceof HTMLElement && one.dataset.map === kept) one.focus()
  }
}
