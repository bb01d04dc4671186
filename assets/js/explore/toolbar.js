// The toolbar above the views: count, tools, modes, undo, colours, and buttons of dialogs.

/** @import { ColumnBook } from "../base/column_book.js" */
/** @import { Parts, ToolbarState } from "../payloads.ts" */
/** @import { Mode, Request, Tool } from "../protocol.d.ts" */

import { ColumnMenu } from "../base/column_menu.js"
import { KEY_NAMES } from "../base/declared.js"
import { choices, element, icon } from "../base/dom.js"
import { gradient } from "../base/legend.js"
import { options } from "../base/lists.js"
import { LookMenu } from "./look.js"
import { Overflow } from "./overflow.js"

/** @type {[key: Mode["value"], label: string, title: string][]} */
const MODES = [
  ["replace", "New", "A gesture replaces the selection"],
  ["add", "Add", "A gesture adds to the selection (Shift)"],
  ["intersect", "Intersect", "A gesture keeps the intersection with the selection (Ctrl)"],
  ["subtract", "Subtract", "A gesture removes from the selection (Shift and Ctrl)"],
  ["xor", "Xor", "A gesture keeps stars in exactly one of both"],
]
/** @type {[key: Tool["value"], label: string, title: string][]} */
const TOOLS = [
  ["box", "Box", `Drag a rectangle (${KEY_NAMES.box})`],
  ["lasso", "Lasso", `Drag an outline (${KEY_NAMES.lasso})`],
  ["polygon", "Polygon", "Click corners; a double-click or Enter ends, Escape drops it"],
  ["pan", "Pan", `Drag the view (${KEY_NAMES.pan}); the wheel zooms`],
]
const GRIDS = [1, 2, 4, 6, 8]

export class Toolbar {
  /**
   * @param {(message: Request) => void} send
   * @param {ColumnBook} book
   */
  constructor(send, book) {
    this.count = element("div", { className: "count stays", role: "status" })
    this.subset = element("span", { className: "chip", hidden: true })
    this.person = element("span", { className: "who always", hidden: true })
    this.tools = choices("Drag tool", TOOLS, (value) => send({ kind: "tool", value }))
    this.modes = choices("Selection mode", MODES, (value) => send({ kind: "mode", value }))
    this.undo = icon("undo", `Undo (${KEY_NAMES.undo})`, () => send({ kind: "undo" }))
    this.redo = icon("redo", `Redo (${KEY_NAMES.redo})`, () => send({ kind: "redo" }))
    this.colour = new ColumnMenu("Colour by", book, (value) => send({ kind: "colour", value }))
    /** @type {HTMLSelectElement} */
    this.grid = element("select", {
      "aria-label": "Number of views",
      title: "Number of views",
      onchange: () => send({ kind: "grid", value: Number(this.grid.value) }),
    })
    options(this.grid, GRIDS.map((n) => [n, `${n} view${n > 1 ? "s" : ""}`]), 6)
    this.legend = element("span", { className: "legend" })
    this.look = new LookMenu(send)
    this.look.button.classList.add("stays")
    this.extras = element("span", { className: "extras" }, this.legend)
    new ResizeObserver(() => this.fitLegend()).observe(this.extras)
    this.light = element("span", {
      className: "light always",
      title: "Connected",
      role: "status",
      "aria-label": "Connected",
    })
    const always = { className: "always" }
    const stays = { className: "stays", "aria-expanded": "false" }
    this.side = icon(
      "filter_alt",
      `Filter, subsets, saved views (${KEY_NAMES.side})`,
      () => send({ kind: "side" }),
      stays,
    )
    this.share = icon("ios_share", "Link, export, figures of the paper", () => send({ kind: "list_exports" }), always)
    const clear = icon("deselect", "Select all stars", () => send({ kind: "clear" }))
    const home = icon("zoom_out_map", `Reset every zoom (${KEY_NAMES.home})`, () => send({ kind: "home" }))
    this.el = element(
      "div",
      { className: "toolbar", role: "toolbar", "aria-label": "Explore" },
      this.side,
      this.count,
      this.subset,
      this.tools.row,
      this.modes.row,
      this.undo,
      this.redo,
      clear,
      home,
      element("span", { className: "gap" }),
      element(
        "span",
        { className: "colour", title: "Colour the selected stars by the mean of a column in each pixel" },
        element("span", { className: "lead" }, "Colour "),
        this.colour.el,
      ),
      this.look.button,
      this.look.menu.el,
      this.extras,
      this.grid,
      this.share,
      icon("help_outline", `Help and shortcuts (${KEY_NAMES.help})`, () => send({ kind: "help" }), always),
      this.person,
      this.light,
    )
    this.overflow = new Overflow(this.el, [this.grid, home, clear])
    /** @type {Parts} */
    this.parts = {
      toolbar: (state) => this.receive(state),
      person: (name) => {
        this.person.textContent = name
        this.person.title = `Verdicts are recorded as ${name}'s`
        this.person.hidden = !name
      },
      legend: (legend) => {
        this.legend.replaceChildren(...gradient(legend))
        this.look.showLegend(legend)
        this.fitLegend()
      },
      look: (state) => this.look.receive(state),
    }
  }

  /** @param {HTMLButtonElement} button - Beside the others that are always there. */
  add(button) {
    this.share.before(button)
  }

  /** Show the colours on the button where there is no room for the legend beside it. */
  fitLegend() {
    const shown = this.legend.getBoundingClientRect().top <= this.extras.getBoundingClientRect().top + 2
    this.look.preview.hidden = shown && this.extras.clientWidth > 0
  }

  /** @param {ToolbarState} state */
  receive({ count, subset, tool, mode, undo, redo, colours, colour_by: colourBy, grid }) {
    if (count) {
      const [selected, all, share] = count
      this.count.replaceChildren(element("b", {}, selected), ` of ${all} selected`)
      this.count.title = `${selected} of ${all} stars (${share} %)`
    }
    if (subset) {
      const [name, colour] = subset
      this.subset.hidden = !name
      this.subset.title = `Selected: ${name}`
      this.subset.replaceChildren(
        ...(colour ? [element("i", { className: "swatch", style: `background:${colour}` })] : []),
        name,
      )
    }
    if (tool) this.tools.press(tool)
    if (mode) this.modes.press(mode)
    if (undo !== undefined) this.undo.disabled = !undo
    if (redo !== undefined) this.redo.disabled = !redo
    if (colours) this.colour.fill(colours, colourBy ?? "")
    if (colourBy) this.colour.value = colourBy
    if (grid) this.grid.value = String(grid)
  }
}
