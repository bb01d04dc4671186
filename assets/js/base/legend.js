// Legends of colours: a line beside a title, and the whole of it in a popover.

/** @import { Caption, Legend } from "../payloads.ts" */

import { element } from "./dom.js"

/** @param {string} colour */
export function swatch(colour) {
  return element("i", { className: "swatch", style: `background:${colour}` })
}

/** @param {Legend} legend */
export function gradient({ label, low, high, gradient: colours, entries }) {
  const words = element("span", {}, label)
  if (entries) return [words, ...entries.map(([name, colour]) => element("b", {}, swatch(colour), name))]
  return [words, element("b", {}, low), element("i", { style: `background:${colours}` }), element("b", {}, high)]
}

/**
 * A legend with room: a wide bar with its ends below, or a category a line.
 *
 * @param {Legend} legend
 */
export function wholeLegend({ label, low, high, gradient: colours, entries }) {
  const title = element("strong", {}, label)
  if (entries) {
    const lines = entries.map(([name, colour]) => element("li", {}, swatch(colour), element("span", {}, name)))
    return element("div", { className: "key" }, title, element("ul", {}, ...lines))
  }
  const bar = element("i", { className: "bar", style: `background:${colours}` })
  const ends = element("span", { className: "ends" }, element("b", {}, low), element("b", {}, high))
  return element("div", { className: "key" }, title, bar, ends)
}

/**
 * Words on an overlay; a mark before them has its colour, so that the words can be read.
 *
 * @param {Caption} caption
 */
export function captionWords([text, colour, mark]) {
  const sign = mark ? element("i", { className: `mark ${mark}`, style: `color:${colour}` }) : null
  return element("span", {}, sign, text)
}
