// What can be chosen of a projected view: projection, frame and centre of the sky; columns and direction of a space.

/** @import { PlaneSpec, SkySpec, SpaceSpec } from "../payloads.ts" */
/** @import { Request } from "../protocol.d.ts" */
/** @import { Turn } from "../figures/turning.js" */
/** @import { AxesForm } from "./axes_form.js" */

import { element } from "../base/dom.js"
import { options } from "../base/lists.js"
import { Space } from "../figures/space.js"

/** @type {[label: string, title: string, turn: Turn][]} */
const DIRECTIONS = [
  ["From above", "The first two columns", { azimuth: 0, elevation: 90 }],
  ["From the side", "The first column and the third", { azimuth: 0, elevation: 0 }],
  ["Along the first", "The second column and the third", { azimuth: 90, elevation: 0 }],
]

/**
 * Rows of the menu of a projected view.
 *
 * @param {AxesForm} form
 * @param {PlaneSpec} spec
 * @param {unknown} view
 */
export function projectionRows(form, spec, view) {
  const rows = spec.sky ? skyRows(form.slot, form.send, spec.sky) : []
  const turned = spec.space && view instanceof Space ? spaceRows(form, spec.space, view) : []
  return [...rows, ...turned, form.contours(spec.contours)]
}

/**
 * @param {number} slot
 * @param {(message: Request) => void} send
 * @param {SkySpec} sky
 */
function skyRows(slot, send, sky) {
  const change = () => {
    const chosen = sky.projections.find(([key]) => key === projection.value) ?? sky.projections[0]
    send({
      kind: "choose_sky",
      slot,
      projection: /** @type {"mollweide"} */ (chosen[0]),
      frame: frame.value,
      lon: lon.value,
      lat: lat.value,
    })
  }
  /** @type {HTMLSelectElement} */
  const projection = element("select", { "aria-label": "Projection", onchange: change })
  options(projection, sky.projections, sky.projection)
  /** @type {HTMLSelectElement} */
  const frame = element("select", { "aria-label": "Coordinates", onchange: change })
  options(frame, sky.frames, sky.frame)
  const lon = angle("Longitude of the centre in degrees", sky.lon, change)
  const lat = angle("Latitude of the centre in degrees", sky.lat, change)
  lat.disabled = !sky.has_latitude
  const poles = [90, -90].map((pole) =>
    element("button", {
      type: "button",
      onclick: () => {
        lat.value = String(pole)
        change()
      },
    }, pole > 0 ? "North" : "South")
  )
  return [
    element("div", { className: "row" }, "Projection ", projection),
    element("div", { className: "row" }, "Coordinates ", frame),
    element("div", { className: "row" }, "Centre ", lon, " ", lat, " °", ...(sky.has_latitude ? poles : [])),
  ]
}

/**
 * @param {string} label
 * @param {string} value
 * @param {() => void} onchange
 */
function angle(label, value, onchange) {
  /** @type {HTMLInputElement} */
  const field = element("input", { type: "text", size: 7, value, "aria-label": label, title: label, onchange })
  return field
}

/**
 * @param {AxesForm} form
 * @param {SpaceSpec} space
 * @param {Space} view
 */
function spaceRows(form, { columns }, view) {
  const turn = (/** @type {Turn} */ to) => {
    view.turnTo(to)
    view.finish()
  }
  const [x, y, z] = /** @type {const} */ (["x", "y", "z"]).map((axis, k) =>
    element("div", { className: "row" }, `${axis.toUpperCase()} `, form.column(axis, columns[k]))
  )
  const buttons = DIRECTIONS.map(([label, title, to]) =>
    element("button", { type: "button", title, onclick: () => turn(to) }, label)
  )
  const hint = "Pan (P): a drag turns, with Shift it moves; arrow keys turn the view that has the focus."
  return [x, y, z, element("div", { className: "row" }, ...buttons), element("p", { className: "hint" }, hint)]
}
