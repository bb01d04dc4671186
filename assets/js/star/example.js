// A drawing of two pixels, for unit tests.

/** @import { SpectrumDrawing } from "../protocol.d.ts" */

/** @type {SpectrumDrawing} */
export const DRAWING = {
  obsid: "1",
  number: 0,
  stretch: 1,
  ends: [4000, 4001],
  label: "wavelength",
  flux: Float32Array.of(1, 2),
  low: Float32Array.of(0, 1),
  high: Float32Array.of(2, 3),
  model: Float32Array.of(1, 1),
  "flux_ends": [0, 3],
  "flux_label": "flux",
  residuals: { values: Float32Array.of(0, 1), ends: [-5, 5], label: "residual", beyond: [] },
  lower: true,
  curves: [],
  marks: [],
  masked: [],
  own: [],
  telluric: [],
  "arm_edge": null,
  pinned: [],
}
