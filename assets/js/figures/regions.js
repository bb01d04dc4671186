// Regions of the selection over a figure: their outlines, moved and reshaped by mouse and keyboard.

/** @import { Ends } from "../payloads.ts" */
/** @import { RegionMark, Request } from "../protocol.d.ts" */
/** @import { FigureCell } from "./figure.js" */
/** @import { RegionEdits } from "./region_edits.js" */
/** @import { Handle, RegionPoints, Shift } from "./region_shapes.js" */

import {
  isFlat,
  movedRegion,
  regionHandles,
  regionOutline,
  reshapedRegion,
  svgPath,
  turnsInView,
} from "./region_shapes.js"

const SVG = "http://www.w3.org/2000/svg"
const FAR = 10_000 // pixels, which no frame has
const ARROW_STEP = 1 // pixels of an arrow key
const LARGE_STEP = 10
const BURST_MS = 1000 // key presses within which are one step of undo
const GRIP = 9
const DOT = 4
const CURSORS = { x: "ew-resize", y: "ns-resize", both: "grab" }
/** @type {Record<string, Shift>} - In pixels, downwards. */
const ARROW_SHIFTS = {
  ArrowLeft: { x: -1, y: 0 },
  ArrowRight: { x: 1, y: 0 },
  ArrowUp: { x: 0, y: -1 },
  ArrowDown: { x: 0, y: 1 },
}

/**
 * @typedef {object} Drawn
 * @property {SVGGElement} el
 * @property {SVGPathElement} hit
 * @property {SVGPathElement[]} lines
 * @property {Map<string, SVGGElement>} handles
 */
/** @typedef {{ left: number, top: number, width: number, height: number, x: Ends, y: Ends }} Frame */

/**
 * @typedef {object} Drag
 * @property {RegionMark} mark
 * @property {string | null} handle - Null for the region as a whole.
 * @property {RegionPoints} before
 * @property {Shift} from - In pixels.
 * @property {string} gesture
 */

export class RegionLayer {
  /** @type {RegionMark[]} */
  marks = []
  /** @type {Map<string, Drawn>} */
  drawn = new Map()
  /** @type {Map<string, RegionPoints>} - Edited regions that the server has not sent yet, by path. */
  edited = new Map()
  /** @type {Drag | null} */
  drag = null
  /** @type {{ key: string, gesture: string, at: number } | null} - Of the last arrow key. */
  burst = null

  /**
   * @param {FigureCell} figure
   * @param {RegionEdits} edits
   * @param {(message: Request) => void} send
   * @param {(mark: RegionMark) => void} open - Shows the numbers of a region.
   */
  constructor(figure, edits, send, open) {
    this.figure = figure
    this.edits = edits
    this.send = send
    this.open = open
    this.frame = svgElement("svg", { class: "frame" })
    this.el = svgElement("svg", { class: "regions" }, this.frame)
  }

  /** @param {RegionMark[]} marks */
  receive(marks) {
    this.marks = marks
    if (!this.drag && !this.edits.pending) this.edited.clear()
    this.place()
  }

  /**
   * The frame of the figure in pixels, and the ends of its axes; null before it is laid out.
   *
   * @returns {Frame | null}
   */
  get bounds() {
    const { view, xRange, yRange } = this.figure
    if (!view) return null
    const { left, top, width, height } = view.frame.bbox
    return { left, top, width, height, x: [xRange.start, xRange.end], y: [yRange.start, yRange.end] }
  }

  /** Draw the regions where they are now. */
  place() {
    const bounds = this.bounds
    if (!bounds || bounds.width < 8 || bounds.height < 8) return
    const { left, top, width, height } = bounds
    setAttributes(this.frame, { x: left, y: top, width, height })
    const seen = new Set()
    for (const mark of this.marks) {
      const points = this.pointsOf(mark)
      const { x, y } = this.figure.spec
      for (const across of turnsInView(points.x, bounds.x, x.turn)) {
        for (const up of turnsInView(points.y, bounds.y, y.turn)) {
          const offset = { x: across + mark.origin[0], y: up + mark.origin[1] }
          const key = `${regionKey(mark)}|${offset.x}|${offset.y}`
          seen.add(key)
          this.draw(key, mark, points, offset, bounds)
        }
      }
    }
    for (const [key, { el }] of this.drawn) {
      if (seen.has(key)) continue
      el.remove()
      this.drawn.delete(key)
    }
  }

  /**
   * @param {RegionMark} mark
   * @returns {RegionPoints}
   */
  pointsOf(mark) {
    return this.edited.get(regionKey(mark)) ?? { form: mark.form, x: Array.from(mark.x), y: Array.from(mark.y) }
  }

  /**
   * @param {string} key
   * @param {RegionMark} mark
   * @param {RegionPoints} points
   * @param {Shift} offset - Of a turn of a longitude.
   * @param {Frame} bounds
   */
  draw(key, mark, points, offset, bounds) {
    const drawn = this.drawn.get(key) ?? this.build(key)
    const toPixels = framePixels(bounds, offset)
    const curved = mark.line_x.length > 0 && !this.edited.has(regionKey(mark))
    const outline = curved
      ? Array.from(mark.line_x, (x, k) => /** @type {[number, number]} */ ([x, mark.line_y[k]]))
      : regionOutline(points, bounds)
    const path = svgPath(outline, toPixels)
    for (const line of [drawn.hit, ...drawn.lines]) line.setAttribute("d", path)
    drawn.el.classList.toggle("excluded", mark.excluded)
    setAttributes(drawn.hit, { "aria-label": `Move region: ${mark.title}` })
    this.drawHandles(drawn, mark, regionHandles(points, bounds), toPixels, bounds)
  }

  /**
   * @param {Drawn} drawn
   * @param {RegionMark} mark
   * @param {Handle[]} handles
   * @param {ReturnType<typeof framePixels>} toPixels
   * @param {Frame} bounds
   */
  drawHandles(drawn, mark, handles, toPixels, { width, height }) {
    const present = new Set(handles.map(({ id }) => id))
    for (const [id, el] of drawn.handles) {
      if (present.has(id)) continue
      el.remove()
      drawn.handles.delete(id)
    }
    for (const { id, x, y, label, along } of handles) {
      const el = drawn.handles.get(id) ?? this.buildHandle(drawn, id, along)
      const [left, top] = toPixels(x, y)
      const inside = left >= 0 && left <= width && top >= 0 && top <= height
      setAttributes(el, { transform: `translate(${left} ${top})`, "aria-label": `${label}: ${mark.title}` })
      el.style.display = inside ? "" : "none"
    }
  }

  /** @param {string} key */
  build(key) {
    const hit = svgElement("path", { class: "hit", role: "button", tabindex: 0 })
    const lines = [svgElement("path", { class: "casing" }), svgElement("path", { class: "line" })]
    const el = svgElement("g", { class: "region" }, ...lines, hit)
    /** @type {Drawn} */
    const drawn = { el, hit, lines, handles: new Map() }
    this.drawn.set(key, drawn)
    this.frame.append(el)
    this.listen(hit, key, null)
    const reachable = (/** @type {boolean} */ on) => {
      for (const handle of drawn.handles.values()) setAttributes(handle, { tabindex: on ? 0 : -1 })
    }
    el.addEventListener("focusin", () => reachable(true))
    el.addEventListener("focusout", ({ relatedTarget }) => {
      if (!(relatedTarget instanceof Node && el.contains(relatedTarget))) reachable(false)
    })
    return drawn
  }

  /**
   * @param {Drawn} drawn
   * @param {string} id
   * @param {Handle["along"]} along
   */
  buildHandle(drawn, id, along) {
    const dots = [svgElement("circle", { class: "grip", r: GRIP }), svgElement("circle", { class: "dot", r: DOT })]
    const el = svgElement("g", { class: "handle", role: "button", tabindex: -1, "data-id": id }, ...dots)
    el.style.cursor = CURSORS[along]
    drawn.handles.set(id, el)
    drawn.el.append(el)
    const key = [...this.drawn].find(([, known]) => known === drawn)?.[0] ?? ""
    this.listen(el, key, id)
    return el
  }

  /**
   * @param {SVGElement} el
   * @param {string} key
   * @param {string | null} handle
   */
  listen(el, key, handle) {
    const mark = () => this.marks.find((known) => regionKey(known) === key.split("|")[0])
    el.addEventListener("pointerdown", (event) => {
      const pressed = mark()
      if (event.button !== 0 || !pressed) return
      event.stopPropagation() // no new region begins here
      el.setPointerCapture(event.pointerId)
      this.drag = {
        mark: pressed,
        handle,
        before: this.pointsOf(pressed),
        from: { x: event.clientX, y: event.clientY },
        gesture: this.edits.gesture(),
      }
      this.drawn.get(key)?.el.classList.add("dragged")
    })
    el.addEventListener("pointermove", (event) => {
      const { drag } = this
      if (!drag || !el.hasPointerCapture(event.pointerId)) return
      this.step(drag, { x: event.clientX - drag.from.x, y: event.clientY - drag.from.y })
    })
    el.addEventListener("lostpointercapture", () => {
      this.drag = null
      this.drawn.get(key)?.el.classList.remove("dragged")
      if (!this.edits.pending) this.edited.clear()
      this.place()
    })
    el.addEventListener("keydown", (event) => {
      const pressed = mark()
      if (!pressed || event.ctrlKey || event.metaKey || event.altKey || !this.key(event, pressed, handle)) return
      event.preventDefault()
      event.stopPropagation() // the page's arrows choose stars
    })
  }

  /**
   * Take a key; whether it has a meaning here.
   *
   * @param {KeyboardEvent} event
   * @param {RegionMark} mark
   * @param {string | null} handle
   */
  key({ key, shiftKey }, mark, handle) {
    if (key === "Enter" || key === " ") this.open(mark)
    else if (key === "Delete" || key === "Backspace") this.send({ kind: "remove_region", path: mark.path })
    else if (!(key in ARROW_SHIFTS)) return false
    else {
      const pixels = shiftKey ? LARGE_STEP : ARROW_STEP
      const { x, y } = ARROW_SHIFTS[key]
      const drag = {
        mark,
        handle,
        before: this.pointsOf(mark),
        from: { x: 0, y: 0 },
        gesture: this.burstOf(mark, handle),
      }
      this.step(drag, { x: pixels * x, y: pixels * y })
    }
    return true
  }

  /**
   * Name of the gesture of a key: presses in quick succession are one.
   *
   * @param {RegionMark} mark
   * @param {string | null} handle
   */
  burstOf(mark, handle) {
    const key = `${regionKey(mark)}|${handle}`
    const now = performance.now()
    const same = this.burst !== null && this.burst.key === key && now - this.burst.at < BURST_MS
    const gesture = same && this.burst ? this.burst.gesture : this.edits.gesture()
    this.burst = { key, gesture, at: now }
    return gesture
  }

  /**
   * Move a region, or one of its handles, by pixels.
   *
   * @param {Drag} drag
   * @param {Shift} pixels
   */
  step({ mark, handle, before, gesture }, pixels) {
    const bounds = this.bounds
    if (!bounds || !(pixels.x || pixels.y)) return
    const by = {
      x: (pixels.x / bounds.width) * (bounds.x[1] - bounds.x[0]),
      y: (-pixels.y / bounds.height) * (bounds.y[1] - bounds.y[0]),
    }
    const now = handle === null ? movedRegion(before, by) : reshapedRegion(before, handle, by)
    if (isFlat(now)) return
    this.edited.set(regionKey(mark), now)
    this.place()
    const { x, y } = now
    this.edits.edit({ kind: "edit_region", slot: mark.slot, path: mark.path, gesture, x, y })
  }
}

/** @param {RegionMark} mark */
function regionKey({ path, form }) {
  return `${form}:${path.join(".")}`
}

/**
 * From coordinates to pixels of the frame; those far away are limited, as SVG draws no larger ones.
 *
 * @param {Frame} bounds
 * @param {Shift} offset
 * @returns {(x: number, y: number) => [number, number]}
 */
function framePixels({ width, height, x: [left, right], y: [bottom, top] }, offset) {
  const near = (/** @type {number} */ at) => Math.max(-FAR, Math.min(FAR, at))
  return (x, y) => [
    near(((x + offset.x - left) / (right - left)) * width),
    near((1 - (y + offset.y - bottom) / (top - bottom)) * height),
  ]
}

/**
 * @template {keyof SVGElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, string | number>} attributes
 * @param {...Node} children
 * @returns {SVGElementTagNameMap[Tag]}
 */
function svgElement(tag, attributes, ...children) {
  const made = document.createElementNS(SVG, tag)
  setAttributes(made, attributes)
  made.append(...children)
  return made
}

/**
 * @param {Element} el
 * @param {Record<string, string | number>} attributes
 */
function setAttributes(el, attributes) {
  for (const [name, value] of Object.entries(attributes)) el.setAttribute(name, String(value))
}
