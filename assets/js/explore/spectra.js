// A page of small spectra of the selected stars, painted on canvases.

/** @import { ColumnBook } from "../base/column_book.js" */
/** @import { Parts, ThemeName } from "../payloads.ts" */
/** @import { Request, Thumbnail, ThumbnailPage, Thumbnails } from "../protocol.d.ts" */

import { bytes } from "../base/arrays.js"
import { ColumnMenu } from "../base/column_menu.js"
import { INK } from "../base/declared.js"
import { choices, element, icon, relabel } from "../base/dom.js"
import { strokes } from "./thumbnail_strokes.js"

/** @type {[key: Thumbnails["stretch"], label: string, title: string][]} */
const STRETCHES = [
  ["all", "All", "The whole spectrum"],
  ["ca", "Ca II", "The Ca II triplet"],
  ["tio", "TiO", "The TiO bands at 7050 Å"],
]
/** @type {[title: string, name: string, by: number][]} */
const PAGE_TURNS = [
  ["Previous page of spectra (Page Up)", "navigate_before", -1],
  ["Next page of spectra (Page Down)", "navigate_next", 1],
]

export class Spectra {
  /** @type {ThemeName} */
  theme = "light"
  /** @type {ThumbnailPage | null} */
  page = null
  focused = ""
  open = false
  /** Whether the first page is awaited, which takes the keyboard. */
  opening = false
  /** @type {Thumbnails["stretch"]} */
  stretch = "all"

  /**
   * @param {(message: Request) => void} send
   * @param {ColumnBook} book
   * @param {(open: boolean) => void} onOpen
   */
  constructor(send, book, onOpen) {
    this.send = send
    this.onOpen = onOpen
    this.counts = element("span", { className: "page" })
    this.columns = new ColumnMenu("Sort the spectra by", book, (column) => this.ask(0, column))
    this.direction = icon("arrow_upward", "Ascending: click for descending", () => this.turnRound())
    this.stretches = choices("Part of the spectra", STRETCHES, (stretch) => {
      this.stretch = stretch
      this.stretches.press(stretch)
      this.ask(this.page?.page ?? 0)
    })
    this.stretches.press("all")
    this.turns = PAGE_TURNS.map(([title, name, by]) => icon(name, title, () => this.turn(by)))
    this.sentence = element("p", { className: "sentence", hidden: true })
    this.grid = element("div", {
      className: "thumbs",
      role: "list",
      "aria-label": "Spectra of the selection",
      onkeydown: (event) => this.key(event),
    })
    const head = element(
      "header",
      {},
      element("strong", {}, "Spectra of the selection"),
      this.stretches.row,
      element("span", { className: "hint" }, "by ", this.columns.el),
      this.direction,
      this.counts,
      ...this.turns,
      icon("close", "Back to the views (Escape)", () => this.close()),
    )
    this.el = element("section", { className: "card spectra", hidden: true }, head, this.sentence, this.grid)
    this.el.addEventListener("keydown", ({ key }) => key === "Escape" && this.close())
    const resized = new ResizeObserver(() => this.paint())
    resized.observe(this.grid)
    /** @type {Parts} */
    this.parts = { thumbnails: (page) => this.receive(page) }
  }

  toggle() {
    if (this.open) this.close()
    else this.show(true)
  }

  close() {
    this.show(false)
  }

  /** @param {boolean} open */
  show(open) {
    this.open = this.opening = open
    this.el.hidden = !open
    this.onOpen(open)
    this.send({ kind: "thumbnails", page: open ? 0 : null, stretch: this.stretch, order: "", descending: false })
  }

  /**
   * @param {number} page
   * @param {string} [order] - "" leaves it.
   * @param {boolean} [descending]
   */
  ask(page, order = "", descending = false) {
    this.send({ kind: "thumbnails", page, stretch: this.stretch, order, descending })
  }

  /** @param {number} by */
  turn(by) {
    const { page = 0, pages = 1 } = this.page ?? {}
    const next = Math.min(Math.max(page + by, 0), pages - 1)
    if (next !== page) this.ask(next)
  }

  turnRound() {
    const [column, descending] = this.page?.order ?? ["", false]
    this.ask(0, column || "obsid", !descending)
  }

  /** @param {ThumbnailPage} page */
  receive(page) {
    this.page = page
    const [column, descending] = page.order
    if (page.columns) this.columns.fill(page.columns, column || "obsid")
    this.columns.value = column || "obsid"
    const words = descending ? "Descending: click for ascending" : "Ascending: click for descending"
    relabel(this.direction, descending ? "arrow_downward" : "arrow_upward", words)
    this.sentence.textContent = page.sentence
    this.sentence.hidden = !page.sentence
    this.el.classList.toggle("none", !page.stars.length)
    this.counts.textContent = page.counts
    this.turns[0].disabled = page.page <= 0
    this.turns[1].disabled = page.page >= page.pages - 1
    const { activeElement } = /** @type {ShadowRoot} */ (this.grid.getRootNode())
    const hadFocus = this.opening || this.grid.contains(activeElement)
    this.opening = false
    this.grid.replaceChildren(...page.stars.map((star) => this.thumb(star)))
    this.mark(this.focused)
    this.paint()
    if (hadFocus) this.buttons[0]?.focus()
  }

  /** @returns {HTMLButtonElement[]} */
  get buttons() {
    return [...this.grid.querySelectorAll("button")]
  }

  /** @param {Thumbnail} star */
  thumb([obsid, text, drawn]) {
    const caption = element("span", { className: "caption" }, element("b", {}, obsid), text && ` ${text}`)
    const content = drawn ? element("canvas") : element("em", {}, "no spectrum")
    const open = () => this.send({ kind: "focus", obsid })
    const button = element(
      "button",
      { type: "button", "data-obsid": obsid, onclick: open, title: `Show ${obsid}` },
      caption,
      content,
    )
    return element("div", { role: "listitem" }, button)
  }

  /** @param {string} obsid - Of the star that is shown. */
  mark(obsid) {
    this.focused = obsid
    for (const button of this.buttons) button.classList.toggle("focused", button.dataset.obsid === obsid)
  }

  /** @param {ThemeName} theme */
  recolour(theme) {
    this.theme = theme
    this.paint()
  }

  paint() {
    if (!this.page || !this.open) return
    const { bins, heights } = this.page
    const all = bytes(heights)
    for (const [k, canvas] of [...this.grid.querySelectorAll("canvas")].entries()) {
      this.paintOne(canvas, all.subarray(2 * k * bins, 2 * (k + 1) * bins))
    }
  }

  /**
   * @param {HTMLCanvasElement} canvas
   * @param {Uint8Array} heights - Of flux, then of the model.
   */
  paintOne(canvas, heights) {
    const scale = globalThis.devicePixelRatio
    const [width, height] = [canvas.clientWidth * scale, canvas.clientHeight * scale].map(Math.round)
    if (!width || !height) return
    Object.assign(canvas, { width, height })
    const context = canvas.getContext("2d")
    if (!context) return
    const bins = heights.length / 2
    const ink = INK[this.theme]
    context.lineWidth = scale
    context.lineJoin = "round"
    for (const [part, colour] of /** @type {const} */ ([[1, ink.model], [0, ink.data]])) {
      context.strokeStyle = colour
      context.beginPath()
      for (const [first, ...rest] of strokes(heights.subarray(part * bins, (part + 1) * bins), width, height)) {
        context.moveTo(...first)
        for (const point of rest) context.lineTo(...point)
      }
      context.stroke()
    }
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    const { buttons } = this
    const at = buttons.findIndex((button) => button.matches(":focus"))
    const across = new Set(buttons.map((button) => button.offsetLeft)).size
    /** @type {Record<string, () => void>} */
    const actions = {
      ArrowRight: () => buttons[Math.min(at + 1, buttons.length - 1)]?.focus(),
      ArrowLeft: () => buttons[Math.max(at - 1, 0)]?.focus(),
      ArrowDown: () => buttons[Math.min(at + across, buttons.length - 1)]?.focus(),
      ArrowUp: () => buttons[Math.max(at - across, 0)]?.focus(),
      PageDown: () => this.turn(1),
      PageUp: () => this.turn(-1),
      Home: () => buttons[0]?.focus(),
      End: () => buttons.at(-1)?.focus(),
      Escape: () => this.close(),
    }
    const action = actions[event.key]
    if (!action) return
    action()
    event.preventDefault()
    event.stopPropagation() // arrows step from star to star elsewhere
  }
}
