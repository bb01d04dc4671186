// The live refit: a slider for every label and for the velocity, what to hold, what is masked, and what the fit answers.

import { element } from "../base/dom.js"

export class RefitPane {
  constructor(send, figure) {
    Object.assign(this, { send, figure })
    this.number = 0
    this.el = element("div", { className: "refit" })
    this.rows = new Map()
    this.waiting = false
  }

  setup({ sentence, labels }) {
    this.labels = labels ?? []
    if (sentence || !labels) {
      this.el.replaceChildren(element("p", { className: "sentence" }, sentence || "There is no label model here."))
      return
    }
    this.rows.clear()
    const body = element("tbody", {}, ...labels.map((one) => this.row(one)))
    const head = [
      ["", ""],
      ["", ""],
      ["now", "The slider's value"],
      ["hold", "Kept by the fit"],
      ["published", "The published value"],
      ["refit", "The fitted value"],
      ["σ calibrated", "Calibrated uncertainty of the fitted value"],
      ["σ formal", "Uncertainty of the fitted value from the Fisher matrix alone"],
    ].map(([text, title]) => element("th", { scope: "col", title }, text))
    this.fit = element("button", {
      type: "button",
      className: "main",
      title: "Fit again with what is held and masked (f)",
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
    this.told = element("p", { className: "hint", role: "status" })
    this.why = element("input", { placeholder: "why (for those who vet)", "aria-label": "Why", maxLength: 2000 })
    this.keep = element("button", {
      type: "button",
      disabled: true,
      title: "Record the last fit for vetting; the published value stays",
      onclick: () => this.propose(),
    }, "Propose")
    this.masks = element("p", { className: "hint" })
    this.el.replaceChildren(
      element("table", { className: "sliders" }, element("thead", {}, element("tr", {}, ...head)), body),
      element("div", { className: "row" }, this.fit, this.back, this.clear, this.masks),
      this.told,
      element("div", { className: "row" }, this.why, this.keep),
    )
  }

  row([name, label, unit, low, high, step]) {
    const digits = step >= 1 ? 0 : step >= 0.1 ? 1 : 2
    const slider = element("input", {
      type: "range",
      "aria-label": `${label} of the model`,
      min: low,
      max: high,
      step: "any",
      oninput: () => this.slide(),
    })
    const now = element("output"),
      held = element("input", {
        type: "checkbox",
        checked: name === "rv",
        "aria-label": `Hold ${label}`,
        title: "Keep the slider's value in the fit",
      })
    const cells = { published: element("td"), refit: element("td"), calibrated: element("td"), formal: element("td") }
    this.rows.set(name, { slider, now, held, digits, low, high, cells, home: (low + high) / 2 })
    const text = unit ? `${label} [${unit}]` : label
    return element(
      "tr",
      {},
      element("th", { scope: "row" }, text),
      element("td", {}, slider),
      element("td", {}, now),
      element("td", {}, held),
      ...Object.values(cells),
    )
  }

  show(star) {
    this.star = star
    if (!this.rows.size) return
    const missing = !star?.flux
    for (const part of [this.fit, this.back, this.clear]) part.disabled = missing
    for (const [name, row] of this.rows) {
      const value = star?.published?.[name]
      row.known = value !== null && value !== undefined
      if (name === "rv") {
        const middle = row.known ? value : 0
        Object.assign(row.slider, { min: middle + row.low, max: middle + row.high })
        row.home = middle
      } else row.home = row.known ? value : (row.low + row.high) / 2
      row.slider.disabled = missing
      row.cells.published.textContent = row.known ? value.toFixed(row.digits) : "–"
    }
    this.reset(false)
  }

  // Back to what is published; the mask too when somebody asks.
  reset(masks = true) {
    for (const [name, row] of this.rows) {
      row.slider.value = row.home
      row.held.checked = name === "rv"
      row.now.textContent = row.home.toFixed(row.digits)
      for (const cell of ["refit", "calibrated", "formal"]) row.cells[cell].textContent = ""
    }
    if (!this.rows.size) return
    this.keep.disabled = true
    this.told.textContent = this.star?.facts?.in_training
      ? "A training star: its published labels come from models that never saw it, the refit from one that did."
      : ""
    this.number++
    if (masks && this.figure.ownMask.length) this.unmask()
    this.figure.setTrial(null)
    this.showMasks()
  }

  unmask() {
    this.figure.mask([-Infinity, Infinity], false)
  }

  showMasks() {
    if (!this.masks) return
    const count = this.figure.ownMask.length
    this.masks.textContent = count
      ? `${count} stretch${count > 1 ? "es" : ""} masked`
      : "Mask: drag with the mask tool; Shift takes back."
  }

  get values() {
    return Object.fromEntries([...this.rows].map(([name, row]) => [name, Number(row.slider.value)]))
  }

  // One question at a time: while one is under way only the last position waits.
  slide() {
    for (const row of this.rows.values()) row.now.textContent = Number(row.slider.value).toFixed(row.digits)
    if (this.asked) {
      this.waiting = true
      return
    }
    this.asked = true
    this.send({ kind: "slide", labels: this.values, number: ++this.number })
  }

  slid({ obsid, number, model }) {
    this.asked = false
    if (obsid === this.star?.obsid && number === this.number) this.figure.setTrial(model)
    if (this.waiting) {
      this.waiting = false
      this.slide()
    }
  }

  ask() {
    if (!this.rows.size || this.fit.disabled) return
    const fixed = {}
    for (const [name, row] of this.rows) if (row.held.checked || name === "rv") fixed[name] = Number(row.slider.value)
    this.fit.disabled = true
    this.told.textContent = "Fitting …"
    this.send({ kind: "refit", fixed, fit_rv: !this.rows.get("rv").held.checked, masked: this.figure.ownMask })
  }

  answer(found) {
    this.fit.disabled = false
    if (found.sentence) {
      this.told.textContent = found.sentence
      return
    }
    if (found.obsid !== this.star?.obsid) return
    for (const [name, value, calibrated, formal] of found.rows) {
      const row = this.rows.get(name)
      Object.assign(row.cells.refit, { textContent: value, className: found.at_bound.includes(name) ? "warn" : "" })
      row.cells.calibrated.textContent = calibrated === "-" ? "" : calibrated
      row.cells.formal.textContent = formal
      row.slider.value = found.values[name]
      row.now.textContent = found.values[name].toFixed(row.digits)
    }
    const bound = found.at_bound.length ? ` At the edge of the training range: ${found.at_bound.join(", ")}.` : ""
    this.told.textContent =
      `χ² ${found.chi2} (published labels: ${found.published_chi2}), reduced ${found.reduced}, ${found.n_pixels} pixels, ${found.reason}.${bound}`
    this.number++
    this.figure.setTrial(found.model)
    this.keep.disabled = false
  }

  propose() {
    this.send({ kind: "propose", why: this.why.value })
  }

  proposed({ json, why }) {
    this.lastProposal = json
    this.keep.disabled = true
    this.why.value = ""
    this.told.textContent = `Recorded for vetting${why ? `: ${why}` : ""}. The published labels stay as they are.`
  }
}
