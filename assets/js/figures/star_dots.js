// Single stars of a plane: all in grey, members of subsets, and the selected ones, of which a few are emphasised.

/** @import { RenderLevel } from "bokeh/core/enums" */
/** @import { GlyphRenderer, Scatter } from "bokeh/models/index" */
/** @import { ChosenLayer, DotStyle, FigureColours, Palettes } from "../payloads.ts" */
/** @import { FigureCell } from "./figure.js" */

import { bytes } from "../base/arrays.js"
import { magnified } from "../base/dom.js"
import { chosenStars, css, pickedStars } from "./pixels.js"

const STAR_SIZE = 5
const GREY_LEVEL = 160
const GREY_OPACITY = 0.6
const RIM_COLOUR = "#ffffff"
export const RIM_WIDTH = 1.5 // in pixels, around the ring and a few selected stars
/** Opacity of stars that are not selected, beside a few that are. */
export const FADED = 0.45
const PLACE = { x: { field: "x" }, y: { field: "y" } }

export class StarDots {
  /** @type {Uint8Array} */
  pickedLevels = new Uint8Array()
  /** @type {Uint8Array} - Of stars that keep a colour when they are not selected. */
  memberLevels = new Uint8Array()
  /** @type {ChosenLayer | null} - A few selected stars. */
  few = null
  /** @type {DotStyle} */
  style = { size: 1, opacity: 1, layered: false }
  colourless = "" // colour of a few selected stars without a value

  /** @param {FigureCell} cell */
  constructor(cell) {
    this.stars = this.points(cell, "stars", "image")
    this.members = this.points(cell, "members", "image")
    // What a brush changes is on the upper canvas, so that axes and the layer of all stars are not repainted.
    this.picked = this.points(cell, "picked", "overlay")
  }

  /**
   * @param {FigureCell} cell
   * @param {string} name
   * @param {RenderLevel} level
   * @returns {GlyphRenderer<Scatter>}
   */
  points(cell, name, level) {
    const M = globalThis.Bokeh.Models
    const source = new M.ColumnDataSource({ data: { x: [], y: [], id: [], colour: [] }, name })
    const glyph = new M.Scatter({
      ...PLACE,
      size: STAR_SIZE * magnified(),
      line_color: null,
      fill_color: name === "stars" ? "#888888" : { field: "colour" },
    })
    const renderer = cell.layer(glyph, source, level, name)
    renderer.visible = false
    return renderer
  }

  get visible() {
    return this.stars.visible
  }

  /** @param {boolean} on */
  show(on) {
    this.stars.visible = on
    this.members.visible = on
    this.picked.visible = on || this.few !== null
  }

  /** The stars whose values are shown under the mouse: all on screen, or a few selected ones over an image. */
  get named() {
    return this.stars.visible ? this.stars : this.few ? this.picked : null
  }

  /**
   * Emphasise a few selected stars beside all others, which fade; null for many.
   *
   * @param {ChosenLayer | null} few
   * @returns {boolean} - Whether the sizes changed.
   */
  choose(few) {
    const changes = this.few?.size !== few?.size
    this.few = few
    if (!changes) return false
    this.picked.visible = this.stars.visible || few !== null
    this.dress()
    return true
  }

  /** Set sizes and opacities. */
  dress() {
    const { few, style: { size, opacity } } = this
    const diameter = (/** @type {number} */ usual) => usual * size * magnified()
    this.stars.glyph.setv({ size: diameter(STAR_SIZE), fill_alpha: few ? FADED * GREY_OPACITY : GREY_OPACITY })
    this.members.glyph.setv({ size: diameter(STAR_SIZE), fill_alpha: few ? FADED : 1 })
    this.picked.glyph.setv({
      size: diameter(few ? few.size : STAR_SIZE),
      fill_alpha: few ? 1 : opacity,
      line_color: few ? RIM_COLOUR : null,
      line_width: RIM_WIDTH,
    })
  }

  /**
   * @param {Palettes} colours
   * @param {FigureColours} theme
   */
  recolour(colours, theme) {
    this.style = colours.dots
    this.colourless = theme.text
    this.dress()
    if (this.stars.visible) {
      this.paintStars(colours)
      this.paintMembers(colours)
    }
    if (this.picked.visible) this.paintPicked(colours)
  }

  /** @param {Palettes} colours */
  paintStars(colours) {
    this.stars.glyph.fill_color = css(colours.everything, GREY_LEVEL)
  }

  /** @param {Palettes} colours */
  paintPicked(colours) {
    const { few } = this
    const kept = few
      ? chosenStars(bytes(few.levels), few.x, few.y, colours.selected, this.colourless)
      : this.dotsOf(this.pickedLevels, colours.selected, colours.dots.layered)
    this.picked.data_source.data = { ...kept, id: few ? few.id : kept.x }
  }

  /** @param {Palettes} colours */
  paintMembers(colours) {
    const kept = this.dotsOf(this.memberLevels, colours.members, true)
    this.members.data_source.data = { ...kept, id: kept.x }
  }

  /**
   * @param {Uint8Array} levels
   * @param {Uint32Array} palette
   * @param {boolean} layered
   */
  dotsOf(levels, palette, layered) {
    const source = this.stars.data_source
    return pickedStars(levels, source.get("x"), source.get("y"), palette, layered)
  }
}
