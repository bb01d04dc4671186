// A histogram: grey bars of all stars, coloured ones of the selection; a drag along the axis selects a range.

/** @import { RenderLevel } from "bokeh/core/enums" */
/** @import { BarsLayer, BarsSpec, FigureColours, Palettes } from "../payloads.ts" */
/** @import { ViewMessage } from "./figure.js" */

import { FigureCell } from "./figure.js"
import { css } from "./pixels.js"
import { barsOf } from "./scales.js"
import { coordinateOf } from "./ticks.js"

/** @type {[number, number]} */
const UNIT = [0, 1] // until there are numbers

export class Bars extends FigureCell {
  /**
   * @param {HTMLElement} cell
   * @param {BarsSpec} spec
   * @param {number} slot
   * @param {(message: ViewMessage) => void} send
   */
  constructor(cell, spec, slot, send) {
    super(cell, { title: spec.title, x: spec.x, y: { ...spec.y, ends: UNIT, home: UNIT } }, slot, send)
    this.useScales()
    /** @type {"width" | "both"} */
    this.dimensions = "width"
    this.wheel.dimensions = "width"
    this.numbers = spec.y
    this.quads = { everything: this.bars("everything", "image"), selected: this.bars("selected", "overlay") }
  }

  /**
   * @param {string} name
   * @param {RenderLevel} level
   */
  bars(name, level) {
    const M = globalThis.Bokeh.Models
    const source = new M.ColumnDataSource({ data: { left: [], right: [], top: [], bottom: [] }, name })
    const quad = new M.Quad({
      left: { field: "left" },
      right: { field: "right" },
      top: { field: "top" },
      bottom: { field: "bottom" },
      line_color: null,
    })
    return this.layer(quad, source, level, name)
  }

  /** @param {BarsLayer} layer */
  receive({ name, edges, counts }) {
    const { data, ends } = barsOf(edges, counts, this.numbers.scale === "log")
    this.quads[name].data_source.data = data
    if (name !== "everything") return
    const typed = this.numbers.ends?.map((end) => coordinateOf(this.numbers, end)) ?? ends
    const [start, end] = this.numbers.flipped ? typed.toReversed() : typed
    this.yRange.setv({ start, end })
  }

  /**
   * @param {Palettes} colours
   * @param {FigureColours} theme
   */
  recolour(colours, theme) {
    this.paintTheme(theme)
    this.quads.everything.glyph.fill_color = css(colours.everything, 120)
    this.quads.selected.glyph.fill_color = css(colours.histogram, 140)
  }

  /** @override */
  home() {
    this.xRange.setv({ start: this.spec.x.home[0], end: this.spec.x.home[1] })
  }
}
