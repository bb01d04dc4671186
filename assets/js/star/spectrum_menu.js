// The star's buttons and menu: tools, panes, zooms, what is shown, files, and the link.

/** @import { StarFile } from "../protocol.d.ts" */
/** @import { SpectrumTool } from "../figures/spectrum.js" */
/** @import { PaneName, StarDock, Switch } from "./star.js" */

import { copyText } from "../base/clipboard.js"
import { KEY_NAMES, SMOOTHINGS, STAR_FORMS } from "../base/declared.js"
import { element } from "../base/dom.js"
import { options } from "../base/lists.js"
import { inPixels } from "../base/words.js"

/** @type {[key: SpectrumTool, label: string, title: string][]} */
export const SPECTRUM_TOOLS = [
  ["zoom", "Zoom", "Drag zooms"],
  ["pan", "Move", "Drag moves"],
  ["mask", "Mask", "Drag masks pixels for the refit; with Shift it takes them back"],
  ["measure", "Measure", `Drag over a line: width, centroid, Gaussian (${KEY_NAMES.measure})`],
]
/** @type {[key: PaneName, label: string][]} */
export const PANES = [
  ["card", "Card"],
  ["lines", "Lines"],
  ["refit", "Refit"],
  ["evidence", "Evidence"],
  ["compare", "Compare"],
  ["sky", "Sky"],
]

/** @param {StarDock} dock */
export function zoomButtons(dock) {
  /** @type {(text: string, title: string, action: () => void) => HTMLButtonElement} */
  const button = (text, title, action) => element("button", { type: "button", title, onclick: action }, text)
  return [
    button("Ca II", `Zoom to the Ca II triplet (${KEY_NAMES.zoomCa})`, () => dock.zoom("ca")),
    button("TiO", `Zoom to the TiO bands at 7050 Å (${KEY_NAMES.zoomTio})`, () => dock.zoom("tio")),
    button("All", `Whole spectrum (${KEY_NAMES.whole})`, () => dock.whole()),
  ]
}

/** @param {StarDock} dock */
export function spectrumMenu(dock) {
  const { look } = dock.controls
  /** @type {(name: Switch, label: string, off?: boolean) => HTMLElement} */
  const box = (name, label, off) => {
    const input = element("input", {
      type: "checkbox",
      checked: look[name],
      disabled: off,
      onchange: () => dock.toggle(name),
    })
    return element("label", {}, input, ` ${label}`)
  }
  /** @type {HTMLSelectElement} */
  const smoothing = element("select", {
    "aria-label": "Smoothing",
    onchange: () => {
      look.smooth = SMOOTHINGS[smoothing.selectedIndex]
      dock.draw()
    },
  })
  options(smoothing, SMOOTHINGS.map((pixels) => [pixels, pixels ? inPixels(pixels) : "none"]), look.smooth)
  const file = (/** @type {StarFile["form"]} */ form) =>
    element("button", { type: "button", onclick: () => sendStarFile(dock, form) }, form.toUpperCase())
  const link = element("button", { type: "button", onclick: () => copyLink(dock) }, "Link to this star")
  if (!dock.star?.spectrum) return [link]
  return [
    box("lines", `Lines and bands (${KEY_NAMES.lines})`),
    box("model", `Model (${KEY_NAMES.model})`),
    box("residual", `Residuals (${KEY_NAMES.residual})`),
    box("raw", `Not normalised (${KEY_NAMES.raw})`, !dock.raw),
    box("observed", "Observed frame"),
    box("air", "Wavelengths in air"),
    element("label", {}, `Smoothing (${KEY_NAMES.smoother}, ${KEY_NAMES.sharper}) `, smoothing),
    element("div", { className: "row" }, "Files ", ...STAR_FORMS.map(file)),
    link,
  ]
}

/**
 * @param {StarDock} dock
 * @param {StarFile["form"]} form
 */
function sendStarFile(dock, form) {
  if (!dock.star?.spectrum) return
  dock.figure.tellZoom()
  dock.send({ kind: "star_file", form })
}

/** @param {StarDock} dock */
function copyLink(dock) {
  if (!dock.star) return
  const address = new URL(globalThis.location.href)
  address.search = `?star=${dock.star.obsid}`
  void copyText(address.href, "The link is in the clipboard.", (text) => dock.read(text))
}
