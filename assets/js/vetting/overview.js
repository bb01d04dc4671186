// Numbers of a campaign: progress, inspectors, and agreement of reviews.

/** @import { OverviewState } from "../payloads.ts" */

import { element } from "../base/dom.js"

/** @typedef {[text: string, title?: string][]} Heads */

/** @type {Heads} */
const INSPECTOR_HEADS = [
  ["name"],
  ["reviews"],
  ["pace", "Median time between verdicts, without pauses"],
]
/** @type {Heads} - Once all stars are settled. */
const MORE_HEADS = [
  ["adjudications"],
  ["repeats", "Stars that were shown twice"],
  ["same", "Of these, the same verdict both times"],
  ["mean gap", "Mean difference of the two verdicts"],
]
/** @type {Heads} */
const PAIR_HEADS = [["inspectors"], ["stars"], ["Cohen's κ"], ["weighted κ", "With quadratic weights"]]
const BLIND = "The agreement of reviews is shown once all stars are settled, so that reviews stay blind."
const NO_PAIRS = "No star was judged by two inspectors yet."

/** @param {OverviewState} overview */
export function overviewOf({ done, stars, controls, reviews, fleiss, left, inspectors, pairs }) {
  const [given, needed] = reviews
  const words = `${given.toLocaleString("en")} of ${needed.toLocaleString("en")} reviews `
  return [
    element(
      "div",
      { className: "tiles" },
      tile(stars.toLocaleString("en"), `stars, ${controls} of them controls`),
      ...(done ?? []).map(([status, count]) => tile(count.toLocaleString("en"), status)),
      tile(left, "time left"),
      ...(fleiss ? [tile(fleiss[0], `Fleiss' κ of ${fleiss[1]} stars`)] : []),
    ),
    element(
      "label",
      { className: "bar" },
      words,
      element("progress", { max: 1, value: needed ? given / needed : 0 }),
    ),
    tableOf(
      "Inspectors",
      done ? [...INSPECTOR_HEADS, ...MORE_HEADS] : INSPECTOR_HEADS,
      inspectors,
      "No star has been judged yet.",
    ),
    ...(done ? [] : [element("p", { className: "hint" }, BLIND)]),
    ...(pairs ? [tableOf("Agreement of pairs", PAIR_HEADS, pairs, NO_PAIRS)] : []),
  ]
}

/**
 * @param {string} value
 * @param {string} text
 */
function tile(value, text) {
  return element("div", { className: "tile" }, element("b", {}, value), element("span", {}, text))
}

/**
 * @param {string} caption
 * @param {Heads} heads
 * @param {string[][]} rows
 * @param {string} empty - Text for a table without rows.
 */
function tableOf(caption, heads, rows, empty) {
  if (!rows.length) return element("p", { className: "hint" }, empty)
  return element(
    "table",
    { className: "overview" },
    element("caption", {}, caption),
    element(
      "thead",
      {},
      element("tr", {}, ...heads.map(([text, title]) => element("th", { scope: "col", title }, text))),
    ),
    element("tbody", {}, ...rows.map((row) => element("tr", {}, ...row.map((text) => element("td", {}, text))))),
  )
}
