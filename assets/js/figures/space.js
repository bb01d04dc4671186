// A space of three columns that a drag or the arrow keys turn: the page turns a sample, the server draws all at rest.

/** @import { CloudLayer, FigureColours, Palettes, PlaneLayer, PlaneSpec, SpaceSpec } from "../payloads.ts" */
/** @import { TurnSpace } from "../protocol.d.ts" */
/** @import { ToolName, ViewMessage } from "./figure.js" */
/** @import { Cloud, Place, Turn } from "./turning.js" */

import { bytes } from "../base/arrays.js"
import { debounced, element, large } from "../base/dom.js"
import { Plane } from "./plane.js"
import { hideAxes, labelsApart } from "./sky_map.js"
import { colourWord, dragged, onScreen, opaque, paintCloud, screenAxes } from "./turning.js"

const KEY_PIXELS = 12.5 // a press of an arrow key, as a drag: 5 degrees
const KEYS_REST = 200 // milliseconds until the server draws all
const GUIDE_SIZE = 10
const CLOUD_LEVEL = 130
/** @type {Record<string, [right: number, down: number]>} */
const TURN_KEYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }

/** @typedef {{ x: number, y: number, turn: Turn, shift: boolean, ends: number[] }} Grab - Where a drag began. */

export class Space extends Plane {
  /** @type {Cloud} */
  cloud = { places: new Uint16Array(), low: 0, width: 1 }
  /** @type {Uint8Array} */
  cloudLevels = new Uint8Array()
  /** @type {Grab | null} */
  grab = null
  /** @type {{ palettes: Palettes, theme: FigureColours } | null} */
  look3d = null
  frames = 0

  /**
   * @param {HTMLElement} cell
   * @param {PlaneSpec & { space: SpaceSpec }} spec
   * @param {number} slot
   * @param {(message: ViewMessage | TurnSpace) => void} send
   */
  constructor(cell, spec, slot, send) {
    super(cell, spec, slot, send)
    hideAxes(this)
    this.sendTurn = send
    this.space = spec.space
    /** @type {Turn} */
    this.turn = { azimuth: spec.space.azimuth, elevation: spec.space.elevation }
    this.screen = element("canvas", { className: "turning", hidden: true })
    this.rest = debounced(() => this.finish(), KEYS_REST)
    this.addGuides(spec.overlays.some(({ name, on }) => name === "guides" && on))
    this.placeGuides()
  }

  /** @param {boolean} on */
  addGuides(on) {
    const M = globalThis.Bokeh.Models
    const xy = { x: { field: "x" }, y: { field: "y" } }
    const lines = new M.MultiLine({ xs: { field: "xs" }, ys: { field: "ys" }, line_width: 1.2 })
    const text = new M.Text({
      ...xy,
      text: { field: "text" },
      text_font_size: large(GUIDE_SIZE),
      x_offset: 6,
      y_offset: 4,
      background_fill_alpha: 0.6,
    })
    const dots = new M.Scatter({
      ...xy,
      size: 10,
      marker: { value: "circle_dot" },
      fill_color: "#ffd34d",
      line_width: 1.5,
    })
    const source = (/** @type {string} */ name, /** @type {string[]} */ fields) =>
      new M.ColumnDataSource({ data: Object.fromEntries(fields.map((field) => [field, []])), name })
    this.guides = {
      lines: this.layer(lines, source("guides", ["xs", "ys"]), "overlay"),
      dots: this.layer(dots, source("marks", ["x", "y"]), "overlay"),
      text: this.layer(text, source("guide_labels", ["x", "y", "text"]), "overlay"),
    }
    this.switchOverlay("guides", on)
  }

  /**
   * @override
   * @param {string} name
   * @param {boolean} on
   */
  switchOverlay(name, on) {
    super.switchOverlay(name, on)
    if (name === "guides" && this.guides) { for (const renderer of Object.values(this.guides)) renderer.visible = on }
  }

  /** Guides and marks as they are seen now. */
  turnedGuides() {
    const axes = screenAxes(this.turn)
    const lines = this.space.guides.map(({ x, y, z, label }) => ({
      points: Array.from(x, (value, k) => onScreen(axes, [value, y[k], z[k]])),
      label,
    }))
    const marks = this.space.marks.map(({ x, y, z, label }) => ({ point: onScreen(axes, [x, y, z]), label }))
    return { lines, marks }
  }

  placeGuides() {
    if (!this.guides) return
    const { lines, marks } = this.turnedGuides()
    this.guides.lines.data_source.data = {
      xs: lines.map(({ points }) => points.map(([x]) => x)),
      ys: lines.map(({ points }) => points.map(([, y]) => y)),
    }
    this.guides.dots.data_source.data = { x: marks.map(({ point }) => point[0]), y: marks.map(({ point }) => point[1]) }
    const ends = lines.map(({ points, label }) => ({ point: points[points.length - 1], text: label }))
    const named = [...marks.map(({ point, label }) => ({ point, text: label })), ...ends]
    const labels = labelsApart(this, named.filter(({ text }) => text !== ""))
    this.guides.text.data_source.data = {
      x: labels.map(({ point }) => point[0]),
      y: labels.map(({ point }) => point[1]),
      text: labels.map(({ text }) => text),
    }
  }

  /**
   * @override
   * @param {FigureColours} theme
   * @param {ToolName} tool
   */
  async show(theme, tool) {
    await super.show(theme, tool)
    const { cell } = this
    cell.append(this.screen)
    cell.tabIndex = 0
    cell.setAttribute("role", "application")
    cell.setAttribute("aria-label", `${this.spec.title}: arrow keys turn it`)
    cell.addEventListener("pointerdown", (event) => this.take(event))
    cell.addEventListener("keydown", (event) => this.press(event))
  }

  /**
   * The tool that moves a plane turns a space.
   *
   * @override
   * @param {ToolName} name
   */
  use(name) {
    super.use(name)
    if (this.chosen === null && name === "pan") {
      this.drag = null
      this.arrangeTools()
    }
  }

  /** @param {PointerEvent} event */
  take(event) {
    if (this.tool !== "pan" || event.button !== 0 || !this.isInFrame(event)) return
    this.hideTooltip()
    const { xRange, yRange, turn } = this
    const ends = [xRange.start, xRange.end, yRange.start, yRange.end]
    this.grab = { x: event.clientX, y: event.clientY, turn, shift: event.shiftKey, ends }
    // Bokeh needs the events of the pointer too, or takes its own gesture for one that is under way.
    const move = (/** @type {PointerEvent} */ moved) => this.drag3d(moved)
    const ending = new AbortController()
    globalThis.addEventListener("pointermove", move, ending)
    for (const end of /** @type {const} */ (["pointerup", "pointercancel"])) {
      globalThis.addEventListener(end, () => {
        ending.abort()
        this.drop()
      }, ending)
    }
  }

  /** @param {PointerEvent} event */
  drag3d(event) {
    if (!this.grab || !this.view) return
    const [right, down] = [event.clientX - this.grab.x, event.clientY - this.grab.y]
    if (this.grab.shift) {
      const { width, height } = this.view.frame.bbox
      const [left, end, low, high] = this.grab.ends
      const [across, up] = [(right * (end - left)) / width, (down * (high - low)) / height]
      this.xRange.setv({ start: left - across, end: end - across })
      this.yRange.setv({ start: low + up, end: high + up })
    } else this.turnTo(dragged(this.grab.turn, right, down))
  }

  drop() {
    const { grab } = this
    this.grab = null
    if (grab && !grab.shift && grab.turn !== this.turn) this.finish()
  }

  /** @param {KeyboardEvent} event */
  press(event) {
    const arrow = TURN_KEYS[event.key]
    if (!arrow || event.shiftKey || event.ctrlKey || event.altKey || event.metaKey) return
    event.stopPropagation() // the arrows of the page step from star to star
    event.preventDefault()
    this.turnTo(dragged(this.turn, arrow[0] * KEY_PIXELS, arrow[1] * KEY_PIXELS))
    this.rest()
  }

  /**
   * Show the sample from another direction.
   *
   * @param {Turn} turn
   */
  turnTo(turn) {
    this.turn = turn
    if (this.frames) return
    this.frames = requestAnimationFrame(() => {
      this.frames = 0
      this.paintCloud()
    })
  }

  /** Request all stars from the present direction. */
  finish() {
    this.sendTurn?.({ kind: "turn_space", slot: this.slot, ...this.turn })
  }

  /** The sample over the plane at rest, in pixels of the page. */
  paintCloud() {
    if (!this.view || !this.look3d) return
    const { left, top, width, height } = this.view.frame.bbox
    const pen = this.screen.getContext("2d")
    if (!pen || width < 2 || height < 2) return
    Object.assign(this.screen, { width, height, hidden: false })
    Object.assign(this.screen.style, { left: `${left}px`, top: `${top}px`, width: `${width}px`, height: `${height}px` })
    const { palettes, theme } = this.look3d
    const background = colourWord(theme.background)
    const image = new ImageData(width, height)
    const pixels = new Uint32Array(image.data.buffer)
    pixels.fill(background)
    const { xRange, yRange } = this
    /** @type {import("./turning.js").Screen} */
    const screen = { width, height, x: [xRange.start, xRange.end], y: [yRange.start, yRange.end] }
    const rest = opaque(palettes.everything[CLOUD_LEVEL], background)
    const selected = palettes.selected.map((colour) => opaque(colour, background))
    paintCloud(pixels, screen, this.cloud, this.cloudLevels, screenAxes(this.turn), { rest, selected })
    pen.putImageData(image, 0, 0)
    if (this.guides?.lines.visible) this.drawGuides(pen, screen, theme)
  }

  /**
   * @param {CanvasRenderingContext2D} pen
   * @param {import("./turning.js").Screen} screen
   * @param {FigureColours} theme
   */
  drawGuides(pen, { width, height, x, y }, theme) {
    const place = (/** @type {[number, number]} */ [across, up]) => /** @type {[number, number]} */ ([
      ((across - x[0]) / (x[1] - x[0])) * width,
      ((y[1] - up) / (y[1] - y[0])) * height,
    ])
    const { lines, marks } = this.turnedGuides()
    pen.font = `${large(GUIDE_SIZE)} sans-serif`
    pen.strokeStyle = theme.text
    pen.fillStyle = theme.text
    pen.globalAlpha = 0.7
    for (const { points, label } of lines) {
      pen.beginPath()
      for (const point of points) pen.lineTo(...place(point))
      pen.stroke()
      const [across, down] = place(points[points.length - 1])
      pen.fillText(label, across + 6, down + 4)
    }
    pen.globalAlpha = 1
    for (const { point, label } of marks) {
      const [across, down] = place(point)
      pen.fillText(label, across + 6, down + 4)
      pen.beginPath()
      pen.arc(across, down, 5, 0, 7)
      pen.stroke()
    }
  }

  /**
   * @override
   * @param {PlaneLayer} layer
   * @param {Uint8Array} pixels
   * @param {Palettes} colours
   */
  receive(layer, pixels, colours) {
    if (layer.name === "cloud") this.receiveCloud(layer)
    else if (layer.name === "cloud_levels") {
      this.cloudLevels = bytes(layer.levels)
      if (!this.grab) this.atRest()
    } else super.receive(layer, pixels, colours)
  }

  /** @param {CloudLayer} layer */
  receiveCloud({ places, low, width }) {
    this.cloud = { places: new Uint16Array(bytes(places).slice().buffer), low, width }
  }

  /** All stars are drawn from the present direction. */
  atRest() {
    this.screen.hidden = true
    this.placeGuides()
  }

  /**
   * @override
   * @param {FigureColours} theme
   */
  paintTheme(theme) {
    super.paintTheme(theme)
    this.figure.outline_line_color = null
  }

  /** @override */
  magnify() {
    super.magnify()
    if (this.guides) this.guides.text.glyph.text_font_size = large(GUIDE_SIZE)
  }

  /**
   * @override
   * @param {Palettes} colours
   * @param {FigureColours} theme
   */
  recolour(colours, theme) {
    super.recolour(colours, theme)
    this.look3d = { palettes: colours, theme }
    if (!this.guides) return
    this.guides.lines.glyph.line_color = theme.text
    this.guides.lines.glyph.line_alpha = 0.6
    this.guides.text.glyph.setv({ text_color: theme.text, background_fill_color: theme.background })
    this.guides.dots.glyph.line_color = theme.text
  }
}
