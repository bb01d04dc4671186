// The star's card: published labels, quality bits, other observations, links and verdicts.

/** @import { Star, StarFacts } from "../payloads.ts" */
/** @import { Request } from "../protocol.d.ts" */

import { copyText } from "../base/clipboard.js"
import { element } from "../base/dom.js"

const CARD_HEAD = [
  ["", ""],
  ["value", "The published label"],
  ["σ calibrated", "Calibrated uncertainty of the value"],
  ["σ formal", "Uncertainty of the value from the Fisher matrix alone"],
  ["reference", "The label that it was trained or compared with"],
]

/**
 * @param {Star} star
 * @param {(message: Request) => void} send
 * @param {(text: string) => void} notify
 * @returns {HTMLElement[]}
 */
export function cardOf({ facts, remarks }, send, notify) {
  const bits = facts.bits.length
    ? element("ul", { className: "bits" }, ...facts.bits.map((text) => element("li", {}, text)))
    : element("p", { className: "hint" }, "No quality bit is set.")
  return [
    ...labelsOf(facts),
    bits,
    copiesOf(facts, notify),
    ...repeatsOf(facts, send),
    ...linksOf(facts),
    ...verdictsOf(remarks),
    ...facts.groups.map(groupOf),
  ]
}

/** @param {StarFacts} facts */
function labelsOf({ labels }) {
  if (!labels.length) return []
  const head = CARD_HEAD.map(([text, title]) => element("th", { scope: "col", title }, text))
  const rows = labels.map(([, label, unit, value, calibrated, formal, reference, doubt]) =>
    element(
      "tr",
      doubtful(doubt),
      element("th", { scope: "row" }, unit ? `${label} [${unit}]` : label),
      ...[value, calibrated, formal, reference].map((text) => element("td", {}, text)),
    )
  )
  const table = element(
    "table",
    { className: "sliders" },
    element("thead", {}, element("tr", {}, ...head)),
    element("tbody", {}, ...rows),
  )
  return [table]
}

/**
 * Attributes of a value; those of a doubtful one state why.
 *
 * @param {string} doubt - Quality bits in words, "" for none.
 * @param {string} [about]
 */
function doubtful(doubt, about = "") {
  const title = doubt ? `${about && `${about}. `}Doubtful, by its quality bits: ${doubt}.` : about
  return { className: doubt ? "doubtful" : "", title }
}

/**
 * @param {StarFacts} facts
 * @param {(text: string) => void} notify
 */
function copiesOf({ copies }, notify) {
  const buttons = copies.map(([label, text]) =>
    element("button", {
      type: "button",
      title: `Copy ${text}`,
      onclick: () => void copyText(text, `Copied ${text}`, notify),
    }, label)
  )
  return element("p", { className: "row wrap" }, "Copy: ", ...buttons)
}

/**
 * @param {StarFacts} facts
 * @param {(message: Request) => void} send
 */
function repeatsOf({ repeats }, send) {
  if (!repeats.length) return []
  const buttons = repeats.map((obsid) =>
    element("button", { type: "button", onclick: () => send({ kind: "focus", obsid }) }, obsid)
  )
  return [element("p", { className: "row wrap" }, "Also observed as ", ...buttons)]
}

/** @param {StarFacts} facts */
function linksOf({ links }) {
  if (!links.length) return []
  const anchors = links.map(([name, href]) =>
    element("a", { href, target: "_blank", rel: "noopener noreferrer" }, name)
  )
  return [element("p", { className: "row wrap" }, "Elsewhere: ", ...anchors)]
}

/** @param {Star["remarks"]} remarks */
function verdictsOf(remarks) {
  if (!remarks.length) return []
  const items = remarks.map(([campaign, text, note]) =>
    element("li", {}, element("b", {}, campaign), ` ${text}`, ...(note ? [element("q", {}, note)] : []))
  )
  return [
    element("section", { className: "remarks" }, element("h3", {}, "Verdicts"), element("ul", {}, ...items)),
  ]
}

/** @param {StarFacts["groups"][number]} group */
function groupOf([title, entries]) {
  const pairs = entries.map(([, label, text, about, doubt]) =>
    element("div", doubtful(doubt, about), element("dt", {}, label), element("dd", {}, text))
  )
  return element("section", {}, element("h3", {}, title), element("dl", { className: "pairs" }, ...pairs))
}
