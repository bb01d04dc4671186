// A histogram: grey bars of all stars, coloured ones of the selection; a drag along the axis selects a range.

import { FigureCell } from "./figure.js"
import { css } from "./pixels.js"

export class Bars extends FigureCell {
  constructor(cell, spec, slot, send) {
    super(cell, { ...spec, y: { ...spec.y, ends: [0, 1], home: [0, 1] } }, slot, send)
    const M = globalThis.Bokeh.Models
    this.dimensions = "width"
    this.wheel.dimensions = "width"
    this.logarithmic = spec.logarithmic
    const quads = (name, level) => {
      const source = new M.ColumnDataSource({ data: { left: [], right: [], top: [], bottom: [] }, name })
      const sides = Object.fromEntries(["left", "right", "top", "bottom"].map((side) => [side, { field: side }]))
      return this.layer(new M.Quad({ ...sides, line_color: null }), source, level, name)
    }
    this.quads = { everything: quads("everything", "image"), selected: quads("selected", "overlay") }
    if (spec.logarithmic) {
      this.axes.y.formatter = new M.CustomJSTickFormatter({
        code: "return Number.isInteger(tick) ? String(10 ** tick) : ''",
      })
      this.axes.y.ticker = new M.BasicTicker({ desired_num_ticks: 4, mantissas: [1] })
    }
  }

  receive({ name, edges, counts }) {
    const height = (count) => (this.logarithmic ? Math.log10(Math.max(count, 0.7)) : count)
    const floor = this.logarithmic ? Math.log10(0.7) : 0
    const top = Array.from(counts, height)
    const data = {
      left: Array.from(edges.slice(0, -1)),
      right: Array.from(edges.slice(1)),
      top,
      bottom: top.map(() => floor),
    }
    this.quads[name].data_source.data = data
    if (name === "everything") this.yRange.setv({ start: floor, end: Math.max(...top, height(1) + 0.1) * 1.05 })
  }

  recolour(colours, theme) {
    this.paintTheme(theme)
    this.quads.everything.glyph.fill_color = css(colours.everything, 120)
    this.quads.selected.glyph.fill_color = css(colours.histogram, 140)
  }

  home() {
    this.xRange.setv({ start: this.spec.x.home[0], end: this.spec.x.home[1] })
  }

  mark() {}
  switchOverlay() {}
}
