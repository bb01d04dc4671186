// Named subsets as a tree, and saved views as a list.

/** @import { SideState, SubsetNode, SubsetState } from "../payloads.ts" */
/** @import { Request } from "../protocol.d.ts" */

import { LIMITS, SUBSET_COLOURS } from "../base/declared.js"
import { element, icon, popup } from "../base/dom.js"
import { swatch } from "../base/legend.js"

const MARKS = [
  ["add", "+", "Add to the selection"],
  ["intersect", "∩", "Intersect with the selection"],
  ["subtract", "−", "Remove from the selection"],
]
const NONE_YET = "None yet: select stars and give them a name."

export class SubsetTree {
  /** @type {string | null} - Key of the control that gets the focus back when the list is filled anew. */
  focused = null

  /** @param {(message: Request) => void} act */
  constructor(act) {
    this.act = act
    this.el = element("ul", { className: "tree subsets", "aria-label": "Subsets" })
    this.el.addEventListener("focusin", ({ target }) => {
      if (target instanceof HTMLElement) this.focused = target.dataset.control ?? null
    })
    this.el.addEventListener("focusout", ({ relatedTarget }) => {
      if (relatedTarget) this.focused = null
    })
  }

  /** @param {SubsetState[]} subsets */
  fill(subsets) {
    const none = element("li", { className: "hint" }, NONE_YET)
    const { focused } = this
    const items = subsets.map((subset, place) =>
      this.item(subset, { first: !place, last: place === subsets.length - 1 })
    )
    this.el.replaceChildren(...(items.length ? items : [none]))
    if (focused) {
      for (const control of this.el.querySelectorAll("button")) {
        if (control.dataset.control === focused) control.focus()
      }
    }
  }

  /**
   * @param {SubsetState} subset
   * @param {{ first: boolean, last: boolean }} place - In the order of the list.
   */
  item({ name, colour, count, description, visible }, { first, last }) {
    const act = (/** @type {string} */ action) => () => this.act({ kind: "subset", name, action })
    const pick = element(
      "button",
      { type: "button", className: "name", title: `Select ${name}: ${description}`, onclick: act("replace") },
      name,
    )
    const signs = MARKS.map(([mode, sign, title]) =>
      element("button", {
        type: "button",
        className: "sign",
        title,
        "aria-label": `${title}: ${name}`,
        onclick: act(mode),
      }, sign)
    )
    const eye = icon(
      visible ? "visibility" : "visibility_off",
      visible ? `Hide ${name}` : `Show ${name}`,
      () => this.act({ kind: "show_subset", name, visible: !visible }),
      { "data-control": `eye ${name}`, "aria-pressed": String(visible) },
    )
    const paint = this.painter(name, colour)
    const more = icon("more_vert", `Rename, move, definition: ${name}`, null, { "data-control": `more ${name}` })
    const line = element("div", { className: visible ? "line" : "line unseen" })
    const entry = (/** @type {string} */ text, /** @type {() => void} */ action, off = false) =>
      element("button", {
        type: "button",
        disabled: off,
        onclick: () => {
          menu.close()
          action()
        },
      }, text)
    const menu = popup(more, () => [
      entry("Rename…", () => this.rename(name, pick)),
      entry("Move up", () => this.act({ kind: "move_subset", name, by: -1 }), first),
      entry("Move down", () => this.act({ kind: "move_subset", name, by: 1 }), last),
      entry("Definition", act("open")),
      entry(`Forget ${name}`, act("remove")),
    ])
    menu.el.classList.add("choose")
    line.append(eye, paint.button, pick, element("span", { className: "number" }, count), ...signs, more)
    return element("li", { id: `subset-${name}` }, line, paint.el, menu.el)
  }

  /**
   * The swatch of a subset, under which its colour is chosen.
   *
   * @param {string} name
   * @param {string} colour
   */
  painter(name, colour) {
    const title = `Colour of ${name}`
    const button = element(
      "button",
      { type: "button", className: "paint", title, "aria-label": title, "data-control": `paint ${name}` },
      swatch(colour),
    )
    const choose = (/** @type {string} */ chosen) => {
      menu.close()
      this.act({ kind: "colour_subset", name, colour: chosen })
    }
    const menu = popup(button, () => {
      const swatches = SUBSET_COLOURS.map((known) =>
        element("button", {
          type: "button",
          title: known,
          "aria-label": `Colour ${known}`,
          "aria-pressed": String(known === colour),
          onclick: () => choose(known),
        }, swatch(known))
      )
      /** @type {HTMLInputElement} */
      const own = element("input", { type: "color", value: colour, onchange: () => choose(own.value) })
      return [
        element("div", { className: "swatches" }, ...swatches),
        element("label", {}, "Another colour ", own),
      ]
    }, "left")
    return { button, el: menu.el }
  }

  /**
   * Write another name in place of the old one: Enter renames, Escape leaves it.
   *
   * @param {string} name
   * @param {HTMLElement} shown
   */
  rename(name, shown) {
    /** @type {HTMLInputElement} */
    const field = element("input", {
      className: "name",
      value: name,
      maxLength: LIMITS.subsetName,
      "aria-label": `New name of ${name}`,
      onkeydown: ({ key }) => {
        if (key === "Enter") this.act({ kind: "rename_subset", name, new: field.value })
        else if (key === "Escape") field.replaceWith(shown)
      },
      onblur: () => {
        if (field.value.trim() === name) field.replaceWith(shown)
      },
    })
    shown.replaceWith(field)
    field.focus()
    field.select()
  }

  /** @param {NonNullable<SideState["children"]>} children */
  open({ name, nodes }) {
    const item = this.el.querySelector(`#subset-${CSS.escape(name)}`)
    const before = item?.querySelector("ul")
    if (before) before.remove()
    else item?.append(element("ul", {}, ...nodes.map(leaf)))
  }
}

/**
 * @param {SubsetNode} node
 * @returns {HTMLElement}
 */
function leaf({ joint, description, count, nodes }) {
  return element(
    "li",
    {},
    element("span", { className: "joint" }, joint),
    ` ${description} `,
    element("span", { className: "number" }, count),
    nodes.length ? element("ul", {}, ...nodes.map(leaf)) : null,
  )
}

/**
 * A saved view.
 *
 * @param {string} name
 * @param {(message: Request) => void} act
 */
export function viewItem(name, act) {
  const show = element("button", {
    type: "button",
    className: "name",
    title: "Show this view",
    onclick: () => act({ kind: "view", name }),
  }, name)
  const forget = icon("delete_outline", `Forget ${name}`, () => act({ kind: "forget_view", name }))
  return element("li", {}, element("div", { className: "line" }, show, forget))
}
