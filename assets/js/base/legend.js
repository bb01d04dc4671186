// Legend of colours, beside a title.

/** @import { Legend } from "../payloads.ts" */

import { element } from "./dom.js"

/** @param {Legend} legend */
export function gradient({ label, low, high, gradient: colours, entries }) {
  const words = element("span", {}, label)
  if (entries) {
    const swatch = (/** @type {[string, string]} */ [name, colour]) =>
      element("b", {}, element("i", { className: "swatch", style: `background:${colour}` }), name)
    return [words, ...entries.map(swatch)]
  }
  return [words, element("b", {}, low), element("i", { style: `background:${colours}` }), element("b", {}, high)]
}
