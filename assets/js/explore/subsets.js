// Named subsets as a tree, and saved views as a list.

/** @import { SideState, SubsetNode, SubsetState } from "../payloads.ts" */
/** @import { Request } from "../protocol.d.ts" */

import { element, icon } from "../base/dom.js"

const MARKS = [
  ["add", "+", "Add to the selection"],
  ["intersect", "∩", "Intersect with the selection"],
  ["subtract", "−", "Remove from the selection"],
]
const NONE_YET = "None yet: select stars and give them a name."

export class SubsetTree {
  /** @param {(message: Request) => void} act */
  constructor(act) {
    this.act = act
    this.el = element("ul", { className: "tree", "aria-label": "Subsets" })
  }

  /** @param {SubsetState[]} subsets */
  fill(subsets) {
    const none = element("li", { className: "hint" }, NONE_YET)
    this.el.replaceChildren(...(subsets.length ? subsets.map((one) => this.item(one)) : [none]))
  }

  /** @param {SubsetState} subset */
  item({ name, colour, count, description }) {
    const act = (/** @type {string} */ action) => () => this.act({ kind: "subset", name, action })
    const pick = element(
      "button",
      { type: "button", className: "name", title: `Select: ${description}`, onclick: act("replace") },
      element("i", { className: "swatch", style: `background:${colour}` }),
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
    const line = element(
      "div",
      { className: "line" },
      icon("chevron_right", "Definition", act("open")),
      pick,
      element("span", { className: "number" }, count),
      ...signs,
      icon("delete_outline", `Forget ${name}`, act("remove")),
    )
    return element("li", { id: `subset-${name}` }, line)
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
