// A searchable list under a button: typing filters it, arrows and Enter choose, Escape closes it.

import { element, popup } from "./dom.js"
import { rankedChoices } from "./matches.js"

/** @import { Choice } from "./matches.js" */

const MAX_SHOWN = 200
/** @type {Record<string, number>} */
const STEPS = { ArrowDown: 1, ArrowUp: -1, PageDown: 8, PageUp: -8 }
let pickers = 0

/** @template Value */
export class Picker {
  /** @type {Choice<Value>[]} */
  all = []
  /** @type {Choice<Value>[]} */
  shown = []
  /** @type {HTMLLIElement[]} */
  rows = []
  at = 0

  /**
   * @param {string} label
   * @param {() => Choice<Value>[]} choices - Asked when the list opens.
   * @param {(value: Value) => void} pick
   */
  constructor(label, choices, pick) {
    this.choices = choices
    this.pick = pick
    this.id = `picker-${++pickers}`
    this.button = element("button", {
      type: "button",
      className: "pick",
      "aria-label": label,
      "aria-haspopup": "listbox",
    })
    this.list = element("ul", { role: "listbox", id: this.id, "aria-label": label })
    this.search = this.searchField(label)
    this.menu = popup(this.button, () => this.fill(label), "left")
    this.menu.el.classList.add("picker")
    this.el = element("span", { className: "picked" }, this.button, this.menu.el)
  }

  /**
   * @param {string} text
   * @param {boolean} empty
   */
  show(text, empty) {
    this.button.replaceChildren(text)
    this.button.title = text
    this.button.classList.toggle("empty", empty)
  }

  /**
   * @param {string} label
   * @returns {HTMLInputElement}
   */
  searchField(label) {
    return element("input", {
      type: "search",
      autofocus: true,
      placeholder: "Search",
      role: "combobox",
      "aria-label": `Search: ${label}`,
      "aria-controls": this.id,
      "aria-expanded": "true",
      autocomplete: "off",
      spellcheck: false,
      oninput: () => this.narrow(),
      onkeydown: (event) => this.key(event),
    })
  }

  /** @param {string} label */
  fill(label) {
    this.all = this.choices()
    this.list = element("ul", { role: "listbox", id: this.id, "aria-label": label })
    this.search = this.searchField(label)
    this.narrow()
    return [this.search, this.list]
  }

  narrow() {
    const choices = rankedChoices(this.all, this.search.value)
    this.shown = choices.slice(0, MAX_SHOWN)
    this.rows = this.shown.map(([value, text, hint], at) =>
      element(
        "li",
        {
          role: "option",
          id: `${this.id}-${at}`,
          onclick: () => this.choose(value),
          onmousemove: () => this.move(at),
        },
        element("span", {}, text),
        hint ? element("small", {}, hint) : null,
      )
    )
    const more = choices.length - this.shown.length
    this.list.replaceChildren(
      ...this.rows,
      ...(more > 0 ? [element("li", { className: "hint" }, `${more.toLocaleString("en")} more: type to narrow`)] : []),
      ...(choices.length ? [] : [element("li", { className: "hint" }, "Nothing matches.")]),
    )
    this.move(0)
  }

  /** @param {number} at */
  move(at) {
    this.rows[this.at]?.removeAttribute("aria-selected")
    this.at = Math.max(0, Math.min(at, this.rows.length - 1))
    this.rows[this.at]?.setAttribute("aria-selected", "true")
    this.search.setAttribute("aria-activedescendant", `${this.id}-${this.at}`)
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    const step = STEPS[event.key]
    if (step) {
      this.move(this.at + step)
      this.rows[this.at]?.scrollIntoView({ block: "nearest" })
    } else if (event.key === "Enter" && this.shown.length) {
      this.choose(this.shown[this.at][0])
    } else {
      return
    }
    event.preventDefault()
  }

  /** @param {Value} value */
  choose(value) {
    this.menu.close()
    this.button.focus()
    this.pick(value)
  }
}
