// Regions of the selection in a view as numbers: each can be typed, removed, and a new one be added.

/** @import { BarsSpec, PlaneSpec } from "../payloads.ts" */
/** @import { RegionMark, Request } from "../protocol.d.ts" */
/** @import { RegionForm } from "../figures/region_shapes.js" */

import { element, icon } from "../base/dom.js"
import { options } from "../base/lists.js"
import { rowsOfText, textOfRows } from "./region_rows.js"

/** @type {Record<RegionForm, string>} */
const NAMES = { box: "Box", range: "Range", polygon: "Outline", circle: "Circle" }
const OUTLINE_HELP = "One corner a line: two numbers, parted by a comma or a blank"

/** @typedef {{ el: HTMLElement, rows: () => string[][] }} Fields */

export class RegionsForm {
  /** @type {RegionForm | null} - Of a new region, while its numbers are typed. */
  adding = null

  /**
   * @param {number} slot
   * @param {(message: Request) => void} send
   * @param {() => void} refresh - Shows the form anew.
   */
  constructor(slot, send, refresh) {
    this.slot = slot
    this.send = send
    this.refresh = refresh
  }

  /**
   * @param {PlaneSpec | BarsSpec} spec
   * @param {RegionMark[]} marks
   */
  rows(spec, marks) {
    const axes = spec.kind === "bars" ? [spec.x] : [spec.x, spec.y]
    return element(
      "div",
      { className: "regions-form", role: "group", "aria-label": "Regions" },
      element("b", {}, "Regions of the selection"),
      ...marks.map((mark, k) => this.known(mark, k + 1, axes)),
      spec.kind === "plane" && (spec.sky || spec.space) ? null : this.choice(axes), // a projection has no columns
      this.adding && element("div", { className: "region-row" }, ...this.fresh(this.adding, axes)),
    )
  }

  /**
   * @param {RegionMark} mark
   * @param {number} number
   * @param {{ column: string, label: string }[]} axes
   */
  known(mark, number, axes) {
    const change = () => this.send({ kind: "type_region", slot: mark.slot, path: mark.path, rows: fields.rows() })
    const labels = mark.form === "range"
      ? [mark.x.length ? axes[0].label : axes[1].label]
      : axes.map(({ label }) => label)
    const fields = fieldsOf(mark.form, `Region ${number}`, labels, mark.fields, change)
    const remove = icon("close", `Remove region ${number}`, () => this.send({ kind: "remove_region", path: mark.path }))
    const name = element(
      "span",
      { className: "name", title: mark.title },
      `${mark.excluded ? "not " : ""}${NAMES[mark.form]}`,
    )
    return element("div", { className: "region-row" }, name, mark.fields.length ? fields.el : null, remove)
  }

  /** @param {{ column: string }[]} axes */
  choice(axes) {
    const columns = axes.map(({ column }) => column).sort().join()
    /** @type {RegionForm[]} */
    const forms = axes.length < 2 ? ["range"] : columns === "dec,ra" ? ["box", "polygon", "circle"] : ["box", "polygon"]
    /** @type {HTMLSelectElement} */
    const select = element("select", {
      "aria-label": "New region by numbers",
      onchange: () => {
        this.adding = forms.find((form) => form === select.value) ?? null
        this.refresh()
      },
    })
    /** @type {[string, string][]} */
    const named = forms.map((form) => [form, NAMES[form]])
    options(select, [["", "New region by numbers…"], ...named], this.adding ?? "")
    return select
  }

  /**
   * @param {RegionForm} form
   * @param {{ label: string }[]} axes
   */
  fresh(form, axes) {
    const fields = fieldsOf(form, "New region", axes.map(({ label }) => label), null, () => {})
    const add = element("button", {
      type: "button",
      onclick: () => {
        this.adding = null
        this.send({ kind: "add_region", slot: this.slot, form, rows: fields.rows() })
        this.refresh()
      },
    }, "Select")
    return [element("span", { className: "name" }, NAMES[form]), fields.el, add]
  }
}

/**
 * Fields of the numbers of a region.
 *
 * @param {RegionForm} form
 * @param {string} name - What the fields are called, for those who hear them.
 * @param {string[]} labels - Of the axes.
 * @param {string[][] | null} texts
 * @param {() => void} change
 * @returns {Fields}
 */
function fieldsOf(form, name, labels, texts, change) {
  if (form === "polygon") {
    /** @type {HTMLTextAreaElement} */
    const area = element("textarea", {
      rows: 4,
      title: `${OUTLINE_HELP}: ${labels.join(", ")}`,
      placeholder: labels.join(", "),
      "aria-label": `${name}: corners`,
      value: textOfRows(texts ?? []),
      onchange: change,
    })
    return { el: area, rows: () => rowsOfText(area.value) }
  }
  const shape = form === "circle" ? [["RA", "Dec", "radius"]] : labels.map((label) => [`${label} from`, `${label} to`])
  const inputs = shape.map((row, k) =>
    row.map((label, m) => {
      /** @type {HTMLInputElement} */
      const input = element("input", {
        type: "text",
        value: texts?.[k]?.[m] ?? "",
        placeholder: label,
        title: `${label}: a number, with a unit if you like`,
        "aria-label": `${name}: ${label}`,
        onchange: change,
      })
      return input
    })
  )
  const lines = inputs.map((row, k) =>
    element("div", { className: "numbers-row" }, form === "circle" ? null : element("span", {}, labels[k]), ...row)
  )
  return {
    el: element("div", { className: "grow" }, ...lines),
    rows: () => inputs.map((row) => row.map(({ value }) => value)),
  }
}
