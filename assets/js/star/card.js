// The star's card: published labels, quality bits, other observations, links and verdicts.

import { element } from "../base/dom.js"

export function cardOf({ facts, remarks }, send) {
  const row = ([, label, unit, value, calibrated, formal, reference]) =>
    element(
      "tr",
      {},
      element("th", { scope: "row" }, unit ? `${label} [${unit}]` : label),
      ...[value, calibrated, formal, reference].map((text) => element("td", {}, text)),
    )
  const head = [["", ""], ["value", "The published label"], ["σ calibrated", "Calibrated uncertainty of the value"], [
    "σ formal",
    "Uncertainty of the value from the Fisher matrix alone",
  ], ["reference", "The label that it was trained or compared with"]]
  const labels = facts.labels.length
    ? [
      element(
        "table",
        { className: "sliders" },
        element(
          "thead",
          {},
          element("tr", {}, ...head.map(([text, title]) => element("th", { scope: "col", title }, text))),
        ),
        element("tbody", {}, ...facts.labels.map(row)),
      ),
    ]
    : []
  const bits = facts.bits.length
    ? element("ul", { className: "bits" }, ...facts.bits.map((text) => element("li", {}, text)))
    : element("p", { className: "hint" }, "No quality bit is set.")
  const link = ([name, address]) => element("a", { href: address, target: "_blank", rel: "noopener noreferrer" }, name)
  const links = facts.links.length
    ? [element("p", { className: "row wrap" }, "Elsewhere: ", ...facts.links.map(link))]
    : []
  const again = facts.repeats.length
    ? [
      element(
        "p",
        { className: "row wrap" },
        "Also observed as ",
        ...facts.repeats.map((one) =>
          element("button", { type: "button", onclick: () => send({ kind: "focus", obsid: one }) }, one)
        ),
      ),
    ]
    : []
  const said = remarks.length
    ? [
      element(
        "section",
        { className: "remarks" },
        element("h3", {}, "Verdicts"),
        element(
          "ul",
          {},
          ...remarks.map(([campaign, text, note]) =>
            element("li", {}, element("b", {}, campaign), ` ${text}`, ...(note ? [element("q", {}, note)] : []))
          ),
        ),
      ),
    ]
    : []
  const groups = facts.groups.map(([title, entries]) =>
    element(
      "section",
      {},
      element("h3", {}, title),
      element(
        "dl",
        { className: "pairs" },
        ...entries.map(([, label, text, about]) =>
          element("div", { title: about }, element("dt", {}, label), element("dd", {}, text))
        ),
      ),
    )
  )
  return [...labels, bits, ...again, ...links, ...said, ...groups]
}
