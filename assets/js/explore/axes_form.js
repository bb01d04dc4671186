// The axes of a view as a form: column, scale, direction and limits of each, equal units, and contours.

/** @import { Bars as BarsFigure } from "../figures/bars.js" */
/** @import { ColumnBook } from "../base/column_book.js" */
/** @import { AxisSpec, BarsSpec, ColumnEntry, ContoursSpec, PlaneSpec } from "../payloads.ts" */
/** @import { Plane } from "../figures/plane.js" */
/** @import { Request } from "../protocol.d.ts" */

import { ColumnMenu } from "../base/column_menu.js"
import { LIMITS } from "../base/declared.js"
import { element } from "../base/dom.js"
import { options } from "../base/lists.js"
import { valueAt } from "../figures/ticks.js"
import { binsOf } from "./samples_pane.js"

/** @typedef {"x" | "y"} Along */
/** @typedef {Pick<AxisSpec, "column" | "scale" | "width" | "unit" | "flipped" | "scales">} FormAxis */
/** @typedef {ContoursSpec["of"]} ContoursOf */

const SCALE_NAMES = { linear: "Linear", log: "Log", symlog: "Symlog" }
const SCALE_MEANINGS = "Log shows values above 0; symlog (asinh) shows all, and is about linear near 0"

/** @type {[ContoursOf, string][]} */
const CONTOURS = [["", "None"], ["selected", "Of selected stars"], ["all", "Of all stars"]]
const DIGITS = 5 // of limits

export class AxesForm {
  /**
   * @param {number} slot
   * @param {(message: Request) => void} send
   * @param {ColumnEntry[]} columns
   * @param {ColumnBook} book
   */
  constructor(slot, send, columns, book) {
    this.slot = slot
    this.book = book
    this.send = send
    this.columns = columns
  }

  /**
   * @param {PlaneSpec | BarsSpec} spec
   * @param {Plane | BarsFigure} view - Whose zoom the limits show.
   */
  rows(spec, view) {
    const heads = ["", "Column", "Scale", "Minimum", "Maximum", "Flip", ""]
    const grid = element(
      "div",
      { className: "axes", role: "group", "aria-label": "Axes" },
      ...heads.map((head) => element("span", { className: "head" }, head)),
      ...this.axis("x", spec.x, view),
      ...this.axis("y", spec.y, view),
    )
    return spec.kind === "bars" ? [grid, this.bins(spec)] : [grid, this.aspect(spec), this.contours(spec.contours)]
  }

  /**
   * One row: its name, column, scale, limits, direction and reset.
   *
   * @param {Along} axis
   * @param {FormAxis} spec
   * @param {Plane | BarsFigure} view
   */
  axis(axis, spec, view) {
    const { slot, send } = this
    const name = axis.toUpperCase()
    /** @type {HTMLSelectElement} */
    const scale = element("select", {
      title: SCALE_MEANINGS,
      "aria-label": `${name} scale`,
      onchange: () => send({ kind: "axis_scale", slot, axis, scale: scaleNamed(scale.value) }),
    })
    options(scale, (spec.scales ?? []).map((key) => [key, SCALE_NAMES[key]]), spec.scale)
    /** @type {HTMLInputElement} */
    const flip = element("input", {
      type: "checkbox",
      checked: spec.flipped ?? false,
      title: "Read the axis in the other direction",
      "aria-label": `Flip ${name}`,
      onchange: () => send({ kind: "axis_flip", slot, axis, on: flip.checked }),
    })
    const reset = element("button", {
      type: "button",
      title: "Linear, in its usual direction, from end to end",
      "aria-label": `Reset ${name}`,
      onclick: () => send({ kind: "axis_reset", slot, axis }),
    }, "Reset")
    return [
      element("b", {}, name),
      spec.column === undefined ? element("span", {}, "Number of stars") : this.column(axis, spec.column),
      scale,
      ...this.limits(axis, spec, view),
      flip,
      reset,
    ]
  }

  /**
   * @param {Along | "z"} axis
   * @param {string} shown
   */
  column(axis, shown) {
    const { slot, send } = this
    const menu = new ColumnMenu(`${axis} axis`, this.book, (column) => send({ kind: "axis", slot, axis, column }))
    menu.fill(this.columns, shown)
    return menu.el
  }

  /**
   * @param {Along} axis
   * @param {FormAxis} spec
   * @param {Plane | BarsFigure} view
   */
  limits(axis, spec, view) {
    const { slot, send } = this
    const { start, end } = axis === "x" ? view.xRange : view.yRange
    const [low, high] = [start, end].map((at) => valueAt(spec, at)).sort((a, b) => a - b).map(shortNumber)
    const unit = spec.unit ? ` in ${spec.unit}` : ""
    const field = (/** @type {string} */ which, /** @type {string} */ value) => {
      /** @type {HTMLInputElement} */
      const input = element("input", {
        type: "text",
        value,
        title: `${which}${unit}; another unit can be typed, and an empty field is where the view starts`,
        "aria-label": `${axis.toUpperCase()} ${which.toLowerCase()}${unit}`,
        onchange: () => send({ kind: "axis_limits", slot, axis, low: first.value, high: last.value }),
      })
      return input
    }
    const first = field("Minimum", low)
    const last = field("Maximum", high)
    return [first, last]
  }

  /** @param {BarsSpec} spec */
  bins(spec) {
    const { slot, send } = this
    /** @type {HTMLInputElement} */
    const bins = element("input", {
      type: "number",
      min: "0",
      max: String(LIMITS.bins),
      value: String(spec.bins),
      "aria-label": "Number of bars",
      onchange: () => send({ kind: "bins", slot, value: binsOf(bins.value) }),
    })
    return element("label", {}, "Bars (0: usual number) ", bins)
  }

  /** @param {PlaneSpec} spec */
  aspect({ square }) {
    const { slot, send } = this
    /** @type {HTMLInputElement} */
    const box = element("input", {
      type: "checkbox",
      checked: square,
      onchange: () => send({ kind: "aspect", slot, equal: box.checked }),
    })
    return element("label", { title: "A unit is as long on both axes" }, box, " Equal units on both axes")
  }

  /** @param {ContoursSpec} contours */
  contours({ of, levels }) {
    const { slot, send } = this
    const change = () => {
      const typed = percents.value.split(/[\s,;/%]+/).filter((text) => text !== "").map(Number)
      send({ kind: "contours", slot, of: contoursNamed(which.value), levels: typed })
    }
    /** @type {HTMLSelectElement} */
    const which = element("select", { "aria-label": "Contours", onchange: change })
    options(which, CONTOURS, of)
    /** @type {HTMLInputElement} */
    const percents = element("input", {
      type: "text",
      value: levels.join(", "),
      title: "Per cent of the stars in view that each contour encloses",
      "aria-label": "Contour levels in per cent",
      onchange: change,
    })
    return element("div", { className: "row contours" }, "Contours ", which, percents, " %")
  }
}

/** @param {number} value */
function shortNumber(value) {
  return String(Number(value.toPrecision(DIGITS)))
}

/** @param {string} value */
function scaleNamed(value) {
  return value === "log" || value === "symlog" ? value : "linear"
}

/**
 * @param {string} value
 * @returns {ContoursOf}
 */
function contoursNamed(value) {
  return value === "selected" || value === "all" ? value : ""
}
