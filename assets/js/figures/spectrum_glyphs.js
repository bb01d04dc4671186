// Glyphs and data of the spectrum's two figures.

/** @import { ColumnDataSource, GlyphRenderer, LabelSet, VStrip } from "bokeh/models/index" */
/** @import { Ends } from "../payloads.ts" */
/** @import { FigureCell } from "./figure.js" */

const field = (/** @type {string} */ name) => ({ field: name })

/** Data of the plots without a star. */
export function spectrumSources() {
  const M = globalThis.Bokeh.Models
  /** @type {(names: string[], name?: string) => ColumnDataSource} */
  const source = (names, name) =>
    new M.ColumnDataSource({ data: Object.fromEntries(names.map((column) => [column, []])), name: name ?? null })
  return {
    curve: source(["w", "flux", "low", "high", "model"], "spectrum"),
    trial: source(["w", "flux"], "trial"),
    masked: source(["left", "right"]),
    own: source(["left", "right"]),
    telluric: source(["left", "right", "name"]),
    pins: source(["xs", "ys", "colour"], "pins"),
    pull: source(["w", "pull"], "residuals"),
    clipped: source(["w", "at", "marker"], "clipped"),
    against: source(["xs", "ys", "colour"], "against"),
    features: source(["w", "top", "bottom", "name", "ink", "text"], "features"),
    area: source(["w", "flux", "level"], "measured"),
    fit: source(["w", "flux"], "fit"),
  }
}

/** @typedef {ReturnType<typeof spectrumSources>} SpectrumSources */

/** @param {Ends[]} intervals */
export function strips(intervals) {
  return { left: intervals.map(([left]) => left), right: intervals.map(([, right]) => right) }
}

/**
 * Remove the star from the plots.
 *
 * @param {SpectrumSources} sources
 */
export function emptySources(sources) {
  for (const source of Object.values(sources)) {
    source.data = Object.fromEntries(source.columns().map((name) => [name, []]))
  }
}

/**
 * @param {FigureCell} flux
 * @param {FigureCell} pull
 * @param {SpectrumSources} sources
 */
export function spectrumGlyphs(flux, pull, sources) {
  const M = globalThis.Bokeh.Models
  const strips = {
    masked: [flux, pull].map((cell) => stripOf(cell, sources.masked, "underlay")),
    telluric: [flux, pull].map((cell) => stripOf(cell, sources.telluric, "underlay")),
    own: [flux, pull].map((cell) => stripOf(cell, sources.own, "overlay")),
  }
  const w = { x: field("w") }
  const lines = () => new M.MultiLine({ xs: field("xs"), ys: field("ys"), line_color: field("colour"), line_width: 1 })
  const band = new M.VArea({ ...w, y1: field("low"), y2: field("high"), fill_alpha: 0.22 })
  return {
    ...strips,
    band: flux.layer(band, sources.curve, "glyph"),
    pins: flux.layer(lines(), sources.pins, "glyph"),
    flux: flux.layer(new M.Line({ ...w, y: field("flux"), line_width: 1 }), sources.curve, "glyph"),
    model: flux.layer(new M.Line({ ...w, y: field("model"), line_width: 1.2 }), sources.curve, "glyph"),
    trial: flux.layer(
      new M.Line({ ...w, y: field("flux"), line_width: 1.4, line_alpha: 0.9 }),
      sources.trial,
      "overlay",
    ),
    area: flux.layer(
      new M.VArea({ ...w, y1: field("flux"), y2: field("level"), fill_alpha: 0.35 }),
      sources.area,
      "overlay",
    ),
    level: flux.layer(
      new M.Line({ ...w, y: field("level"), line_width: 1.4, line_dash: "dashed" }),
      sources.area,
      "overlay",
    ),
    fit: flux.layer(new M.Line({ ...w, y: field("flux"), line_width: 1.6 }), sources.fit, "overlay"),
    pull: pull.layer(new M.Line({ ...w, y: field("pull"), line_width: 0.8 }), sources.pull, "glyph"),
    clipped: pull.layer(
      new M.Scatter({ ...w, y: field("at"), marker: field("marker"), size: 6, line_color: null }),
      sources.clipped,
      "overlay",
    ),
    against: pull.layer(lines(), sources.against, "glyph"),
    marks: flux.layer(
      new M.Segment({
        x0: field("w"),
        x1: field("w"),
        y0: field("bottom"),
        y1: field("top"),
        line_color: field("ink"),
        line_alpha: 0.6,
        line_dash: "dotted",
      }),
      sources.features,
      "underlay",
    ),
    names: upright(flux, {
      x: field("w"),
      y: field("top"),
      source: sources.features,
      x_offset: 4,
      y_offset: -2,
      text_align: "right",
      text_color: field("text"),
    }),
    about: note(pull),
    bands: upright(flux, { x: field("left"), y: 4, y_units: "screen", source: sources.telluric, x_offset: 12 }),
  }
}

/** @typedef {ReturnType<typeof spectrumGlyphs>} SpectrumGlyphs */

/**
 * @param {FigureCell} cell
 * @param {ColumnDataSource} source
 * @param {"underlay" | "overlay"} level
 * @returns {GlyphRenderer<VStrip>}
 */
function stripOf(cell, source, level) {
  const M = globalThis.Bokeh.Models
  return cell.layer(new M.VStrip({ x0: field("left"), x1: field("right"), line_color: null }), source, level)
}

/**
 * A note in the lower left corner.
 *
 * @param {FigureCell} cell
 */
function note(cell) {
  const label = new globalThis.Bokeh.Models.Label({ x: 6, y: 3, x_units: "screen", y_units: "screen", text: "" })
  cell.figure.add_layout(label, "center")
  return label
}

/**
 * Vertical labels.
 *
 * @param {FigureCell} cell
 * @param {Partial<LabelSet.Attrs>} attributes
 */
function upright(cell, attributes) {
  const labels = new globalThis.Bokeh.Models.LabelSet({ text: field("name"), angle: Math.PI / 2, ...attributes })
  cell.figure.add_layout(labels, "center")
  return labels
}
