// The live refit: a slider for each label and for the velocity, fixed labels, and the result of the fit.

/** @import { FitResult, PaintedTrial, RefitSetup, Refusal, SliderSpec, Star } from "../payloads.ts" */
/** @import { Proposed, Request, TrialDrawing } from "../protocol.d.ts" */
/** @import { SpectrumControls } from "./controls.js" */

import { KEY_NAMES, LIMITS } from "../base/declared.js"
import { element } from "../base/dom.js"
import { digitsOf } from "../base/words.js"
import { trialOf } from "./kept.js"

const SLIDER_HEAD = [
  ["", ""],
  ["", ""],
  ["now", "The slider's value"],
  ["hold", "Kept by the fit"],
  ["published", "The published value"],
  ["refit", "The fitted value"],
  ["σ calibrated", "Calibrated uncertainty of the fitted value"],
  ["σ formal", "Uncertainty of the fitted value from the Fisher matrix alone"],
]
const TRAINED = "A training star: its published labels come from models that never saw it, the refit from one that did."

/** One label: its slider, whether the fit keeps it fixed, and its published value. */
class SliderRow {
  /** @param {SliderSpec} spec */
  constructor([name, label, unit, low, high, step]) {
    this.isVelocity = name === "rv"
    this.low = low
    this.high = high
    this.digits = digitsOf(step)
    this.home = (low + high) / 2
    this.slider = element("input", {
      type: "range",
      "aria-label": `${label} of the model`,
      min: low,
      max: high,
      step: "any",
    })
    this.now = element("output")
    this.held = element("input", {
      type: "checkbox",
      checked: this.isVelocity,
      "aria-label": `Hold ${label}`,
      title: "Keep the slider's value in the fit",
    })
    this.published = element("td")
    this.refit = element("td")
    this.calibrated = element("td")
    this.formal = element("td")
    this.el = element(
      "tr",
      {},
      element("th", { scope: "row" }, unit ? `${label} [${unit}]` : label),
      element("td", {}, this.slider),
      element("td", {}, this.now),
      element("td", {}, this.held),
      this.published,
      this.refit,
      this.calibrated,
      this.formal,
    )
  }

  get value() {
    return Number(this.slider.value)
  }

  /** @param {number} value */
  move(value) {
    this.slider.value = String(value)
    this.now.textContent = value.toFixed(this.digits)
  }

  /**
   * @param {number | null | undefined} value - The published one.
   * @param {boolean} missing - Whether there is no spectrum.
   */
  show(value, missing) {
    const known = value !== null && value !== undefined
    if (this.isVelocity) {
      this.home = known ? value : 0
      Object.assign(this.slider, { min: this.home + this.low, max: this.home + this.high })
    } else this.home = known ? value : (this.low + this.high) / 2
    this.slider.disabled = missing
    this.published.textContent = known ? value.toFixed(this.digits) : "–"
  }

  reset() {
    this.move(this.home)
    this.held.checked = this.isVelocity
    for (const cell of [this.refit, this.calibrated, this.formal]) cell.textContent = ""
  }
}

export class RefitPane {
  number = 0
  waiting = false
  asked = false
  /** Whether the model of the sliders is shown. */
  tries = false
  /** @type {Map<string, SliderRow>} */
  rows = new Map()
  /** @type {Star | null} */
  star = null

  /**
   * @param {(message: Request) => void} send
   * @param {SpectrumControls} controls
   * @param {object} actions
   * @param {(trial: PaintedTrial) => void} actions.onTrial
   * @param {() => void} actions.onChange - The mask was changed, or the trial model taken away.
   */
  constructor(send, controls, { onTrial, onChange }) {
    this.send = send
    this.controls = controls
    this.onTrial = onTrial
    this.onChange = onChange
    this.el = element("div", { className: "refit" })
    this.fit = element("button", {
      type: "button",
      className: "main",
      title: `Fit again with what is held and masked (${KEY_NAMES.fit})`,
      onclick: () => this.ask(),
    }, "Refit")
    this.back = element(
      "button",
      { type: "button", title: "Published labels, no mask", onclick: () => this.reset() },
      "Reset",
    )
    this.clear = element(
      "button",
      { type: "button", title: "Take the masks back", onclick: () => this.unmask() },
      "Unmask all",
    )
    this.note = element("p", { className: "hint", role: "status" })
    this.reason = element("input", {
      placeholder: "why (for those who vet)",
      "aria-label": "Why",
      maxLength: LIMITS.reason,
    })
    this.keep = element("button", {
      type: "button",
      disabled: true,
      title: "Record the last fit for vetting; the published value stays",
      onclick: () => this.propose(),
    }, "Propose")
    this.masks = element("p", { className: "hint" })
  }

  /** @param {RefitSetup} setup */
  setup({ sentence, labels }) {
    this.rows = new Map(labels?.map((label) => [label[0], new SliderRow(label)]))
    if (sentence || !labels) {
      this.el.replaceChildren(element("p", { className: "sentence" }, sentence || "There is no label model here."))
      return
    }
    const rows = [...this.rows.values()]
    for (const { slider } of rows) slider.addEventListener("input", () => this.slide())
    const head = SLIDER_HEAD.map(([text, title]) => element("th", { scope: "col", title }, text))
    this.el.replaceChildren(
      element(
        "table",
        { className: "sliders" },
        element("thead", {}, element("tr", {}, ...head)),
        element("tbody", {}, ...rows.map(({ el }) => el)),
      ),
      element("div", { className: "row" }, this.fit, this.back, this.clear, this.masks),
      this.note,
      element("div", { className: "row" }, this.reason, this.keep),
    )
  }

  /** @param {Star | null} star */
  show(star) {
    this.star = star
    if (!this.rows.size) return
    const missing = !star?.spectrum
    for (const part of [this.fit, this.back, this.clear]) part.disabled = missing
    for (const [name, row] of this.rows) row.show(star?.published[name], missing)
    this.restore()
  }

  /** Move the sliders to the published labels. */
  restore() {
    for (const row of this.rows.values()) row.reset()
    this.keep.disabled = true
    this.note.textContent = this.star?.facts.in_training ? TRAINED : ""
    this.number++
    this.tries = false
    this.showMasks()
  }

  /** Restore the published labels and the mask. */
  reset() {
    this.restore()
    this.unmask()
  }

  unmask() {
    this.controls.masked = []
    this.showMasks()
    this.onChange()
  }

  showMasks() {
    const count = this.controls.masked.length
    this.masks.textContent = count
      ? `${count} stretch${count > 1 ? "es" : ""} masked`
      : "Mask: drag with the mask tool; Shift takes back."
  }

  /** Labels of the trial model; null without one. */
  get trial() {
    return this.tries ? this.values : null
  }

  get values() {
    return Object.fromEntries([...this.rows].map(([name, row]) => [name, row.value]))
  }

  /** Send one request at a time; meanwhile only the last position is queued. */
  slide() {
    for (const row of this.rows.values()) row.now.textContent = row.value.toFixed(row.digits)
    if (this.asked) {
      this.waiting = true
      return
    }
    this.asked = true
    this.tries = true
    this.send({ kind: "slide", labels: this.values, number: ++this.number })
  }

  /**
   * @param {string | null} obsid - Null where the question was refused, as are the other ones.
   * @param {number | null} number
   * @param {TrialDrawing | null} trial
   */
  tried(obsid, number, trial) {
    this.asked = false
    if (trial && obsid === this.star?.obsid && number === this.number) this.onTrial(trialOf(trial))
    if (this.waiting) {
      this.waiting = false
      this.slide()
    }
  }

  ask() {
    if (!this.rows.size || this.fit.disabled) return
    /** @type {Record<string, number>} */
    const fixed = {}
    for (const [name, row] of this.rows) if (row.held.checked || row.isVelocity) fixed[name] = row.value
    this.fit.disabled = true
    this.note.textContent = "Fitting …"
    this.send({ kind: "refit", fixed, fit_rv: !this.rows.get("rv")?.held.checked, masked: this.controls.masked })
  }

  /** @param {FitResult | Refusal} answer */
  answer(answer) {
    this.fit.disabled = false
    if (!("rows" in answer)) {
      this.note.textContent = answer.sentence
      return
    }
    if (answer.obsid !== this.star?.obsid) return
    const { at_bound: atBound, values } = answer
    for (const [name, value, calibrated, formal] of answer.rows) {
      const row = this.rows.get(name)
      if (!row) continue
      Object.assign(row.refit, { textContent: value, className: atBound.includes(name) ? "warn" : "" })
      row.calibrated.textContent = calibrated === "-" ? "" : calibrated
      row.formal.textContent = formal
      row.move(values[name])
    }
    const bound = atBound.length ? ` At the edge of the training range: ${atBound.join(", ")}.` : ""
    const published = `(published labels: ${answer.published_chi2})`
    this.note.textContent = `χ² ${answer.chi2} ${published}, reduced ${answer.reduced}, ${answer.n_pixels} pixels, ` +
      `${answer.reason}.${bound}`
    this.number++
    this.tries = true
    this.onTrial(trialOf(answer.trial))
    this.keep.disabled = false
  }

  propose() {
    this.send({ kind: "propose", reason: this.reason.value })
  }

  /** @param {Proposed} proposed */
  proposed({ obsid, reason }) {
    if (obsid !== this.star?.obsid) return
    this.keep.disabled = true
    this.reason.value = ""
    this.note.textContent = `Recorded for vetting${reason ? `: ${reason}` : ""}. The published labels stay as they are.`
  }
}
