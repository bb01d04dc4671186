// The grid of views, which can be swapped and enlarged, and the images that the server sends for them.

/** @import { ColumnBook } from "../base/column_book.js" */
/** @import { ToolName, ViewMessage } from "../figures/figure.js" */
/** @import { ColoursState, ColumnEntry, Layer, Message, Palettes } from "../payloads.ts" */
/** @import { Parts, StageState, ThemeName } from "../payloads.ts" */
/** @import { RegionMark, Request, TurnSpace, ViewSize } from "../protocol.d.ts" */

import { bytes, paletteOf } from "../base/arrays.js"
import { FIGURES } from "../base/declared.js"
import { debounced, element, onMagnified } from "../base/dom.js"
import { RegionEdits } from "../figures/region_edits.js"
import { Card } from "./card.js"

const LOOK_AFTER = 40
const PAINTED_AFTER = 50
const PALETTE_NAMES = /** @type {const} */ (["everything", "members", "selected", "histogram"])

const noColours = () => new Uint32Array(256)

/** @typedef {{ title: string, x: string, y: string }} ViewPlane - A view and its columns. */

export class Stage {
  /** @type {Card[]} */
  cards = []
  /** @type {Palettes} */
  colours = {
    everything: noColours(),
    members: noColours(),
    selected: noColours(),
    histogram: noColours(),
    dots: { size: 1, opacity: 1, layered: false },
  }
  /** @type {Map<number, ViewSize>} - What views show, until it is sent. */
  waiting = new Map()
  /** @type {NonNullable<StageState["catalogue"]>} */
  catalogue = []
  /** @type {ColumnEntry[]} */
  columns = []
  /** @type {ThemeName} */
  theme = "light"
  /** @type {ToolName} */
  tool = "box"
  painted = false
  /** @type {RegionMark[]} */
  regions = []

  /**
   * @param {(message: Request) => void} send
   * @param {ColumnBook} book
   */
  constructor(send, book) {
    this.send = send
    this.edits = new RegionEdits(send)
    this.book = book
    this.el = element("div", { className: "stage" })
    this.flushLooks = debounced(() => {
      if (!this.waiting.size) return
      this.send({ kind: "look", views: [...this.waiting.values()] })
      this.waiting.clear()
    }, LOOK_AFTER)
    onMagnified(this.el, () => {
      for (const { view } of this.cards) view?.magnify()
      this.recolour({})
    })
    /** @type {Parts} */
    this.parts = {
      stage: (stage) => this.build(stage),
      layers: (layers, message) => this.receive(layers, message),
      pixels: () => {}, // of the layers
      notes: (notes) => notes.forEach(([slot, text]) => this.cards[slot].note(text)),
      fit_curves: (curves) => curves.forEach((drawn) => this.cards[drawn.slot]?.fitCurves(drawn)),
      regions: (marks) => {
        this.regions = marks
        this.edits.received()
        this.showRegions()
      },
      tool: (tool) => this.use(tool),
      home: () => this.cards.forEach(({ view }) => view?.home()),
    }
  }

  /**
   * Collect viewports in one message: when the page is laid out every view sends one.
   *
   * @param {ViewMessage | TurnSpace} message
   */
  fromView(message) {
    if (message.kind !== "look") return this.send(message)
    const { kind: _, ...size } = message
    this.waiting.set(size.slot, size)
    this.flushLooks()
  }

  /** @param {StageState} state */
  build({ panels, enlarged, catalogue, columns }) {
    this.catalogue = catalogue ?? this.catalogue
    this.columns = columns ?? this.columns
    if (panels.length !== this.cards.length) {
      for (const card of this.cards) card.leave()
      this.cards = panels.map((_, slot) => new Card(slot, this))
      this.el.replaceChildren(...this.cards.map((card) => card.el))
      this.el.dataset.views = String(panels.length)
      const across = panels.length > 1 ? Math.ceil(panels.length / 2) : 1
      this.el.style.setProperty("--across", String(across))
      this.el.style.setProperty("--down", String(panels.length > 1 ? 2 : 1))
    }
    for (const [slot, spec] of panels.entries()) if (spec !== null) this.cards[slot].fill(spec)
    for (const card of this.cards) card.enlarge(enlarged)
    this.showRegions()
    if (this.cards.every(({ spec }) => spec?.kind === "missing")) this.reportPainted() // no view will be painted
  }

  /** Report once that the first views are painted, after which it sends the rest of the page. */
  reportPainted() {
    if (this.painted) return
    this.painted = true
    requestAnimationFrame(() => setTimeout(() => this.send({ kind: "painted" }), PAINTED_AFTER))
  }

  /** Show each view its regions. */
  showRegions() {
    for (const card of this.cards) card.receiveRegions(this.regions.filter(({ slot }) => slot === card.slot))
  }

  /**
   * Views of two columns.
   *
   * @returns {ViewPlane[]}
   */
  get planes() {
    return this.cards.flatMap(({ spec }) =>
      spec?.kind === "plane" && !spec.sky && !spec.space
        ? [{ title: spec.title, x: spec.x.column, y: spec.y.column }]
        : []
    )
  }

  /** Colours of the plots. */
  get look() {
    return { colours: this.colours, theme: FIGURES[this.theme], tool: this.tool }
  }

  /**
   * @param {Layer[]} layers
   * @param {Message} message
   */
  receive(layers, { pixels }) {
    const packed = pixels ? bytes(pixels) : new Uint8Array()
    for (const layer of layers) this.cards[layer.slot]?.receive(layer, packed, this.colours)
    this.reportPainted()
  }

  /** @param {ColoursState} state */
  recolour({ dots, ...palettes }) {
    this.colours.dots = dots ?? this.colours.dots
    for (const name of PALETTE_NAMES) {
      const palette = palettes[name]
      if (palette) this.colours[name] = paletteOf(palette)
    }
    const { colours, theme: shown } = this.look
    this.el.classList.toggle("dark", this.theme === "dark")
    for (const { view } of this.cards) view?.recolour(colours, shown)
  }

  /**
   * Pale the curves of a fit while a newer one is computed.
   *
   * @param {boolean} stale
   */
  dimCurves(stale) {
    for (const { view } of this.cards) view?.dimCurves(stale)
  }

  /** @param {ToolName} tool */
  use(tool) {
    this.tool = tool
    this.el.dataset.tool = tool
    for (const { view } of this.cards) view?.use(tool)
  }

  /**
   * Mark the focused star.
   *
   * @param {[slot: number, xs: number[], ys: number[]][]} places
   */
  ring(places) {
    for (const [slot, xs, ys] of places) this.cards[slot]?.mark(xs, ys)
  }

  /**
   * @param {number} slot
   * @param {string} name
   * @param {boolean} on
   */
  switched(slot, name, on) {
    this.cards[slot].switched(name, on)
  }
}
