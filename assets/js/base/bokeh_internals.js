// Private parts of Bokeh, each with its reason; tests/test_javascript.py fails when one of them no longer exists.

/** @import { Document } from "bokeh/document/document" */
/** @import { PlotView } from "bokeh/models/plots/plot_canvas" */
/** @import { HoverTool, HoverToolView } from "bokeh/models/tools/inspectors/hover_tool" */

/**
 * A document of a figure alone: the page's own one is of the class that Bokeh does not hand out.
 *
 * @returns {Document}
 */
export function newDocument() {
  const Made = /** @type {new () => Document} */ (globalThis.Bokeh.documents[0].constructor)
  return new Made()
}

/**
 * Bokeh keeps every document that it has shown.
 *
 * @param {Document} document
 */
export function forgetDocument(document) {
  const at = globalThis.Bokeh.documents.indexOf(document)
  if (at >= 0) globalThis.Bokeh.documents.splice(at, 1)
  document.clear()
}

/**
 * Clip every glyph to the frame: Bokeh clips only glyphs on the lower canvas.
 *
 * @param {PlotView} view
 */
export function clipGlyphs(view) {
  for (const renderer of view.computed_renderer_views) {
    if ("glyph" in renderer) Object.defineProperty(renderer, "needs_clip", { get: () => true })
  }
}

/**
 * Close the tooltip of a hover tool: nothing else does while the mouse stays where it is.
 *
 * @param {PlotView} view
 * @param {HoverTool} tool
 */
export function closeTooltip(view, tool) {
  const hover = /** @type {HoverToolView | undefined} */ (view.tool_views.get(tool))
  hover?._move_exit()
}

/**
 * Pixels as ImageRGBA takes them: with the two fields that Bokeh asks of an image.
 *
 * @param {Uint32Array} pixels
 * @param {[height: number, width: number]} shape
 */
export function asImage(pixels, shape) {
  return Object.assign(pixels, { dimension: 2, shape })
}

/**
 * Show the page in a theme, as its own button does: Panel loses what the server changes of it outside a callback.
 *
 * @param {boolean} dark
 */
export function showTheme(dark) {
  const roots = globalThis.Bokeh.documents.flatMap((document) => document.roots())
  for (const { data } of /** @type {{ data?: { dark_theme?: boolean } }[]} */ (roots)) {
    if (data && "dark_theme" in data && data.dark_theme !== dark) data.dark_theme = dark
  }
}
