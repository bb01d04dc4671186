// Stars in the plane of two columns: images, or single glyphs where few stars are on screen, with overlays.

import { element, large, magnified } from "../base/dom.js"
import { FigureCell } from "./figure.js"
import { arrows } from "./arrows.js"
import { css, unpacked } from "./pixels.js"
import { bytes } from "../base/arrays.js"

const RING_SIZE = 14
const STAR_SIZE = 5
const MAX_DOTS = 200_000

export class Plane extends FigureCell {
  constructor(cell, spec, slot, send) {
    super(cell, spec, slot, send)
    const M = globalThis.Bokeh.Models
    const emptyImage = () => ({ image: [], x: [], y: [], dw: [], dh: [] })
    this.levels = {}
    this.images = {}
    this.overlays = {}
    this.repeated = JSON.stringify([[0, 0]])
    const image = (name, level) => {
      const source = new M.ColumnDataSource({ data: emptyImage(), name })
      const glyph = new M.ImageRGBA({
        image: { field: "image" },
        x: { field: "x" },
        y: { field: "y" },
        dw: { field: "dw" },
        dh: { field: "dh" },
      })
      this.layer(glyph, source, level, name)
      this.images[name] = source
    }
    if (spec.parts) image("texture", "image")
    for (const overlay of spec.overlays) if (overlay.shape.kind === "dots") this.addOverlay(overlay)
    image("everything", "image")
    this.stars = this.points("stars", "image")
    // What a brush changes lies on the upper canvas: axes and the layer of all stars are not painted again.
    image("selected", "overlay")
    this.picked = this.points("picked", "overlay")
    for (const overlay of spec.overlays) if (overlay.shape.kind !== "dots") this.addOverlay(overlay)
    this.focus = new M.ColumnDataSource({ data: { x: [], y: [] }, name: "focus" })
    const ring = new M.Scatter({
      x: { field: "x" },
      y: { field: "y" },
      size: RING_SIZE * magnified(),
      fill_alpha: 0,
      line_width: 2.5,
    })
    this.ring = this.layer(ring, this.focus, "overlay")
  }

  magnify() {
    super.magnify()
    if (!this.ring) return // not built yet
    this.ring.glyph.size = RING_SIZE * magnified()
    for (const { glyph } of [this.stars, this.picked]) glyph.size = STAR_SIZE * magnified()
  }

  points(name, level) {
    const M = globalThis.Bokeh.Models
    const source = new M.ColumnDataSource({ data: { x: [], y: [], id: [], colour: [] }, name })
    const glyph = new M.Scatter({
      x: { field: "x" },
      y: { field: "y" },
      size: STAR_SIZE * magnified(),
      line_color: null,
      fill_alpha: level === "overlay" ? 0.65 : 0.7,
      fill_color: level === "overlay" ? { field: "colour" } : "#888888",
    })
    const renderer = this.layer(glyph, source, level, name)
    renderer.visible = false
    return renderer
  }

  addOverlay({ name, on, shape }) {
    const M = globalThis.Bokeh.Models
    const xy = { x: { field: "x" }, y: { field: "y" } }
    const made = {
      lines: () =>
        this.layer(
          new M.MultiLine({
            xs: { field: "xs" },
            ys: { field: "ys" },
            line_color: { field: "colour" },
            line_dash: "dashed",
            line_width: 1.6,
          }),
          new M.ColumnDataSource({ data: { xs: shape.xs, ys: shape.ys, colour: shape.colours } }),
          "overlay",
        ),
      dots: () =>
        this.layer(
          new M.Scatter({ ...xy, size: 2, line_color: null, fill_color: "#9aa5b1", fill_alpha: 0.55 }),
          new M.ColumnDataSource({ data: { x: shape.x, y: shape.y } }),
          "image",
        ),
      sun: () =>
        this.layer(
          new M.Scatter({
            ...xy,
            marker: "circle_dot",
            size: 13,
            fill_color: "#ffd34d",
            fill_alpha: 0.9,
            line_color: "#1d2733",
            line_width: 1.5,
          }),
          new M.ColumnDataSource({ data: { x: shape.x, y: shape.y } }),
          "overlay",
        ),
      arrows: () =>
        this.layer(
          new M.MultiLine({ xs: { field: "xs" }, ys: { field: "ys" }, line_width: 1.2, line_alpha: 0.85 }),
          new M.ColumnDataSource({ data: { xs: [], ys: [] }, name: "arrows" }),
          "overlay",
        ),
    }[shape.kind]?.()
    if (!made) return // a switch of what the server draws
    made.visible = on
    this.overlays[name] = made
  }

  switchOverlay(name, on) {
    if (this.overlays[name]) this.overlays[name].visible = on
  }

  receive(layer, pixels, colours) {
    const { name } = layer
    if (name === "arrows") {
      this.overlays.arrows.data_source.data = arrows(layer, this.view)
    } else if (name === "dots") {
      this.repeatDots(layer)
    } else if (name === "stars") {
      this.starLayer(layer, colours)
    } else if (name === "picked") {
      this.levels.picked = layer.levels
      this.paintPicked(colours)
    } else {
      this.levels[name] = { window: layer.window, shape: layer.shape, packed: pixels.subarray(layer.from, layer.to) }
      this.paintImage(name, colours)
      if (name === "selected") this.showGlyphs(false)
    }
  }

  showGlyphs(on) {
    if (this.stars.visible === on) return
    this.stars.visible = on
    this.picked.visible = on
    if (on) {
      for (const name of ["everything", "selected"]) {
        this.images[name].data = { image: [], x: [], y: [], dw: [], dh: [] }
        delete this.levels[name]
      }
    }
    this.hover = on ? this.hover ?? this.tooltip() : null
    this.use(this.tool)
  }

  // A longitude comes round: dots lie in each of its turns on screen, and all of them unless they are too many.
  repeatDots({ overlays, images }) {
    const drawn = JSON.stringify(images)
    if (drawn === this.repeated) return
    this.repeated = drawn
    for (const { name, shape } of this.spec.overlays) {
      if (!overlays.includes(name)) continue
      const step = Math.ceil((images.length * shape.x.length) / Math.max(MAX_DOTS, shape.x.length))
      const kept = (values) => Array.from(values).filter((_, k) => k % step === 0)
      const [xs, ys] = [kept(shape.x), kept(shape.y)]
      this.overlays[name].data_source.data = {
        x: images.flatMap(([across]) => xs.map((x) => x + across)),
        y: images.flatMap(([, up]) => ys.map((y) => y + up)),
      }
    }
  }

  tooltip() {
    const M = globalThis.Bokeh.Models
    const { x, y } = this.spec
    const within = (value, { turn }) => (turn ? value - turn * Math.floor(value / turn) : value)
    const words = (value) => String(Number(value.toFixed(Math.abs(value) < 100 ? 3 : 1)))
    // One star, however many lie under the mouse.
    const tooltips = ({ data }, { index, indices }) =>
      element(
        "div",
        { style: `font-size: ${large(12)}` },
        ...[["obsid", String(data.id[index])], [x.label, words(within(data.x[index], x))], [
          y.label,
          words(within(data.y[index], y)),
        ]].map(
          ([label, text]) => element("div", {}, `${label}: `, element("b", {}, text)),
        ),
        indices.length > 1 ? element("div", {}, `+${indices.length - 1} more here`) : null,
      )
    return new M.HoverTool({
      renderers: [this.stars],
      tooltips,
      limit: 1,
      point_policy: "snap_to_data",
      attachment: "horizontal",
    })
  }

  starLayer({ x, y, id }, colours) {
    this.showGlyphs(true)
    this.stars.data_source.data = { x, y, id, colour: id }
    this.paintStars(colours)
  }

  paintStars(colours) {
    this.stars.glyph.fill_color = css(colours.everything, 160)
  }

  paintPicked(colours) {
    const { levels } = this.levels.picked ? { levels: bytes(this.levels.picked) } : { levels: new Uint8Array() }
    const { x, y } = this.stars.data_source.data
    const palette = Array.from({ length: 256 }, (_, level) => css(colours.selected, level))
    const kept = { x: [], y: [], id: [], colour: [] }
    for (let k = 0; k < levels.length; k++) {
      if (levels[k] === 0) continue
      kept.x.push(x[k])
      kept.y.push(y[k])
      kept.colour.push(palette[levels[k]])
    }
    kept.id = kept.x
    this.picked.data_source.data = kept
  }

  paintImage(name, colours) {
    const { window: edges, shape, packed } = this.levels[name]
    const [xLow, xHigh, yLow, yHigh] = edges
    const image = unpacked(packed, shape, colours[name])
    this.images[name].data = { image: [image], x: [xLow], y: [yLow], dw: [xHigh - xLow], dh: [yHigh - yLow] }
  }

  recolour(colours, theme) {
    this.paintTheme(theme)
    this.ring.glyph.line_color = theme.accent
    if (this.overlays.arrows) this.overlays.arrows.glyph.line_color = theme.text
    for (const name of ["texture", "everything", "selected"]) if (this.levels[name]) this.paintImage(name, colours)
    if (this.stars.visible) {
      this.paintStars(colours)
      this.paintPicked(colours)
    }
  }

  mark(xs, ys) {
    this.focus.data = { x: xs, y: ys }
  }
}
