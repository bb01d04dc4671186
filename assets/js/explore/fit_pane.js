// The fit to one sample: a running median and a straight line, or a Gaussian, with their numbers.

/** @import { ColumnBook } from "../base/column_book.js" */
/** @import { ColumnEntry } from "../payloads.ts" */
/** @import { FitUpdate, Request, SampleChoice } from "../protocol.d.ts" */

import { ColumnMenu } from "../base/column_menu.js"
import { choices, element, icon, popup } from "../base/dom.js"
import { DistributionChart, RelationChart } from "./answer_charts.js"
import { exportRows, listSamples, sampleList } from "./samples_pane.js"

/** @type {["line" | "gaussian", string, string][]} */
const MODELS = [
  ["line", "Line", "Running median and straight line of y on x"],
  ["gaussian", "Gaussian", "Normal distribution of one column"],
]

export class FitPane {
  /** @type {ColumnEntry[]} */
  columns = []
  /** @type {SampleChoice[]} */
  samples = []
  axes = { x: "", y: "" }

  /**
   * @param {(message: Request) => void} send
   * @param {ColumnBook} book
   */
  constructor(send, book) {
    this.sample = sampleList("Fitted sample", (sample) => send({ kind: "fit_sample", sample }))
    this.model = choices("Kind of fit", MODELS, (model) => send({ kind: "fit_sample", model }))
    this.y = new ColumnMenu("Fitted column", book, (y) => send({ kind: "fit_sample", y }))
    this.x = new ColumnMenu("Column of x", book, (x) => send({ kind: "fit_sample", x }))
    this.on = element("span", { className: "word" }, "on ", this.x.el)
    /** @type {HTMLInputElement} */
    this.shown = element("input", {
      type: "checkbox",
      onchange: () => send({ kind: "fit_sample", shown: this.shown.checked }),
    })
    this.inViews = element(
      "label",
      { className: "word", title: "Draw the fit over each view of its columns" },
      this.shown,
      " in views",
    )
    const save = icon("download", "Export figure and numbers", null, { "aria-expanded": "false" })
    const menu = popup(save, () => exportRows(send))
    this.header = element(
      "header",
      {},
      this.model.row,
      element("span", { className: "word" }, "of ", this.y.el),
      this.on,
      element("label", { className: "word" }, "for ", this.sample),
      this.inViews,
      element("span", { className: "gap" }),
      save,
    )
    this.sentence = element("p", { className: "sentence", hidden: true })
    this.body = element("tbody")
    this.notes = element("p", { className: "hint" })
    this.relation = new RelationChart("Stars with the fitted line and the running median")
    this.distribution = new DistributionChart("Histogram with the fitted Gaussian")
    const numbers = element("div", { className: "numbers" }, element("table", {}, this.body), this.notes)
    this.block = element("section", { className: "block" }, numbers, this.relation.el, this.distribution.el)
    const answer = element("div", { className: "answer" }, this.sentence, this.block)
    this.el = element("section", { className: "pane fit", "aria-label": "Fit" }, this.header, answer, menu.el)
  }

  /** @param {ColumnEntry[]} columns */
  offerColumns(columns) {
    this.columns = columns
    this.x.fill(columns, this.axes.x)
    this.y.fill(columns, this.axes.y)
  }

  /** @param {FitUpdate} state */
  receive({ stale, samples, sample, model, x, y, shown, sentence, rows, sentences, relation, distribution }) {
    this.samples = samples ?? this.samples
    if (sample !== undefined) this.sample.dataset.key = sample
    if (samples || sample !== undefined) listSamples(this.sample, this.samples, this.sample.dataset.key ?? "")
    if (model) {
      this.model.press(model)
      this.on.hidden = model === "gaussian"
    }
    if (x !== undefined) this.x.value = this.axes.x = x
    if (y !== undefined) this.y.value = this.axes.y = y
    if (shown !== undefined) this.shown.checked = shown
    this.el.classList.toggle("stale", stale)
    if (sentence !== undefined) {
      this.sentence.textContent = sentence
      this.sentence.hidden = !sentence
      this.block.hidden = Boolean(sentence)
    }
    if (rows) {
      this.body.replaceChildren(
        ...rows.map(([name, value]) =>
          element("tr", {}, element("th", { scope: "row" }, name), element("td", {}, value))
        ),
      )
    }
    if (sentences) this.notes.textContent = sentences.join(" ")
    if (relation !== undefined) this.relation.el.hidden = relation === null
    if (distribution !== undefined) this.distribution.el.hidden = distribution === null
    if (relation) this.relation.show(relation)
    if (distribution) this.distribution.show(distribution)
  }

  /** Paint the charts again, in other colours. */
  repaint() {
    this.relation.paint()
    this.distribution.paint()
  }
}
