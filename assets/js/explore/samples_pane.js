// The comparison of two samples: choices, numbers, histograms and the map of their difference.

/** @import { ColumnBook } from "../base/column_book.js" */
/** @import { ColumnEntry } from "../payloads.ts" */
/** @import { ViewPlane } from "./stage.js" */
/** @import { ComparedColumn, CompareUpdate, DifferenceDrawing, Request, SampleChoice } from "../protocol.d.ts" */

import { ColumnMenu } from "../base/column_menu.js"
import { ANSWER_FORMS, LIMITS, PICTURE_FORMS } from "../base/declared.js"
import { element, icon, popup } from "../base/dom.js"
import { options } from "../base/lists.js"
import { DifferenceChart, DistributionChart } from "./answer_charts.js"

const WAITING = "errors and tests follow"
/** @type {[height: "fraction" | "density" | "number", label: string][]} */
const HEIGHTS = [["fraction", "Fraction of stars"], ["density", "Density"], ["number", "Number of stars"]]

/**
 * Buttons that export the numbers and the figure of the open tab.
 *
 * @param {(message: Request) => void} send
 */
export function exportRows(send) {
  const button = (/** @type {string} */ label, /** @type {Request} */ message) =>
    element("button", { type: "button", onclick: () => send(message) }, label)
  return [
    element(
      "div",
      { className: "row" },
      "Figure ",
      ...PICTURE_FORMS.map((form) => button(form.toUpperCase(), { kind: "answer_picture", form })),
    ),
    element(
      "div",
      { className: "row" },
      "Numbers ",
      ...ANSWER_FORMS.map(([form, label]) => button(label, { kind: "answer_table", form })),
    ),
  ]
}

/**
 * A number of bins that the server takes; 0 chooses it.
 *
 * @param {string} text
 */
export function binsOf(text) {
  return Math.min(Math.max(Math.round(Number(text)) || 0, 0), LIMITS.bins)
}

/**
 * A list of samples.
 *
 * @param {string} label
 * @param {(key: string) => void} choose
 */
export function sampleList(label, choose) {
  /** @type {HTMLSelectElement} */
  const select = element("select", { className: "sample", "aria-label": label, title: label })
  select.addEventListener("change", () => choose(select.value))
  return select
}

/**
 * Show the samples in a list, also one that is gone.
 *
 * @param {HTMLSelectElement} select
 * @param {SampleChoice[]} samples
 * @param {string} key
 */
export function listSamples(select, samples, key) {
  const gone = samples.some(([known]) => known === key) ? [] : [[key, `${key.replace(/^(in|out):/, "")} (gone)`]]
  options(select, /** @type {SampleChoice[]} */ ([...samples, ...gone]), key)
}

export class SamplesPane {
  /** @type {ColumnEntry[]} */
  columns = []
  /** @type {SampleChoice[]} */
  samples = []
  /** @type {string[]} */
  chosen = []
  /** @type {string[]} */
  plane = []
  /** @type {Map<string, ColumnBlock>} */
  blocks = new Map()

  /**
   * @param {(message: Request) => void} send
   * @param {ColumnBook} book
   * @param {() => ViewPlane[]} planes - Views of two columns.
   */
  constructor(send, book, planes) {
    this.send = send
    this.planes = planes
    /** @type {HTMLSelectElement} */
    this.views = element("select", { "aria-label": "Difference map", onchange: () => this.mapView() })
    this.first = sampleList("First sample", (first) => send({ kind: "compare_samples", first }))
    this.second = sampleList("Second sample", (second) => send({ kind: "compare_samples", second }))
    this.swatches = [element("i", { className: "swatch" }), element("i", { className: "swatch" })]
    this.add = new ColumnMenu("Add a column", book, (column) => {
      send({ kind: "compare_samples", columns: [...new Set([...this.chosen, column])] })
    }, "add a column")
    /** @type {HTMLInputElement} */
    this.bins = element("input", {
      type: "number",
      min: "0",
      max: String(LIMITS.bins),
      value: "0",
      "aria-label": "Number of bins",
      onchange: () => send({ kind: "compare_samples", bins: binsOf(this.bins.value) }),
    })
    /** @type {HTMLSelectElement} */
    this.height = element("select", {
      "aria-label": "Height of bars",
      onchange: () => {
        const chosen = HEIGHTS.find(([height]) => height === this.height.value)
        if (chosen) send({ kind: "compare_samples", height: chosen[0] })
      },
    })
    options(this.height, HEIGHTS, "fraction")
    /** @type {HTMLInputElement} */
    this.cumulative = element("input", {
      type: "checkbox",
      onchange: () => send({ kind: "compare_samples", cumulative: this.cumulative.checked }),
    })
    this.mapX = new ColumnMenu("x of the difference map", book, () => this.sendPlane())
    this.mapY = new ColumnMenu("y of the difference map", book, () => this.sendPlane())
    const look = icon("tune", "Histograms and difference map", null, { "aria-expanded": "false" })
    const save = icon("download", "Export figure and numbers", null, { "aria-expanded": "false" })
    this.popups = [popup(look, () => this.lookMenu()), popup(save, () => exportRows(send))]
    this.header = element(
      "header",
      {},
      this.swatches[0],
      this.first,
      element("span", { className: "word" }, "against"),
      this.swatches[1],
      this.second,
      element("span", { className: "word", title: "Compare one more column" }, "in ", this.add.el),
      element("span", { className: "gap" }),
      look,
      save,
    )
    this.sentence = element("p", { className: "sentence", hidden: true })
    this.list = element("div", { className: "blocks" })
    this.map = new DifferenceChart("Difference map of two samples")
    this.mapKey = element("p", { className: "map-key" })
    this.mapPart = element("div", { className: "map", hidden: true }, this.mapKey, this.map.el)
    const body = element("div", { className: "answer" }, this.sentence, this.list, this.mapPart)
    this.el = element(
      "section",
      { className: "pane compare", "aria-label": "Comparison" },
      this.header,
      body,
      ...this.popups.map(({ el }) => el),
    )
  }

  fillMap() {
    this.mapX.fill([["", "–", ""], ...this.columns], this.plane[0] ?? "")
    this.mapY.fill([["", "–", ""], ...this.columns], this.plane[1] ?? "")
    this.listViews()
  }

  lookMenu() {
    this.fillMap()
    return [
      element("label", {}, "Bins (0: automatic) ", this.bins),
      element("label", {}, "Height ", this.height),
      element("label", {}, this.cumulative, " Cumulative"),
      element("label", {}, "Difference map ", this.views),
      element("span", {}, "x ", this.mapX.el),
      element("span", {}, "y ", this.mapY.el),
    ]
  }

  /** Show the map in the plane of a view, or none. */
  mapView() {
    const plane = this.planes()[Number(this.views.value)]
    this.send({ kind: "compare_samples", plane: this.views.value === "none" || !plane ? [] : [plane.x, plane.y] })
  }

  /** List the views; the map may be in the plane of none of them. */
  listViews() {
    const planes = this.planes()
    const [x, y] = this.plane
    const shown = planes.findIndex((plane) => plane.x === x && plane.y === y)
    /** @type {[string, string][]} */
    const other = x && shown < 0 ? [["other", "the columns below"]] : []
    options(
      this.views,
      [["none", "none"], ...planes.map(({ title }, k) => /** @type {const} */ ([String(k), `as ${title}`])), ...other],
      x ? (shown < 0 ? "other" : String(shown)) : "none",
    )
  }

  sendPlane() {
    const [x, y] = [this.mapX.value, this.mapY.value]
    if (x && y) this.send({ kind: "compare_samples", plane: [x, y] })
    else if (this.plane.length && (!x || !y)) this.send({ kind: "compare_samples", plane: [] })
  }

  /** @param {CompareUpdate} state */
  receive(state) {
    const { stale, rough, samples, first, second, columns, bins, height, cumulative, plane } = state
    this.samples = samples ?? this.samples
    if (first !== undefined) this.first.dataset.key = first
    if (second !== undefined) this.second.dataset.key = second
    if (samples || first !== undefined) {
      listSamples(this.first, this.samples, this.first.dataset.key ?? "")
      listSamples(this.second, this.samples, this.second.dataset.key ?? "")
    }
    if (bins !== undefined) this.bins.value = String(bins)
    if (height !== undefined) this.height.value = height
    if (cumulative !== undefined) this.cumulative.checked = cumulative
    if (plane) {
      this.plane = plane
      this.fillMap()
    }
    if (columns) {
      this.chosen = columns
      this.offer()
    }
    this.el.classList.toggle("stale", stale)
    if (rough !== undefined) this.el.classList.toggle("rough", rough)
    if (state.sentence !== undefined) {
      this.sentence.textContent = state.sentence
      this.sentence.hidden = !state.sentence
    }
    if (state.results) this.show(state.results)
    if (state.difference !== undefined) this.showMap(state.difference)
  }

  /** @param {ColumnEntry[]} columns */
  offerColumns(columns) {
    this.columns = columns
    this.offer()
  }

  offer() {
    const left = this.columns.filter(([name]) => !this.chosen.includes(name))
    this.add.fill(left, "")
    this.add.disabled = this.chosen.length >= LIMITS.compared
  }

  /** @param {ComparedColumn[]} results */
  show(results) {
    const drawn = results.find(({ drawing }) => drawing)?.drawing
    for (const [k, swatch] of this.swatches.entries()) swatch.style.background = drawn?.samples[k].colour ?? ""
    const names = results.map(({ column }) => column)
    const added = names.filter((name) => !this.blocks.has(name))
    for (const [name, block] of this.blocks) {
      if (names.includes(name)) continue
      block.close()
      this.blocks.delete(name)
    }
    const titles = [this.first, this.second].map((select) => select.selectedOptions[0]?.textContent ?? "")
    for (const result of results) {
      const block = this.blocks.get(result.column) ?? new ColumnBlock((column) => this.drop(column))
      this.blocks.set(result.column, block)
      block.show(result, titles, results.length > 1)
    }
    const shown = names.map((name) => this.blocks.get(name)?.el).filter((el) => el !== undefined)
    if (shown.some((el, k) => this.list.children[k] !== el) || shown.length !== this.list.children.length) {
      this.list.replaceChildren(...shown)
    }
    for (const block of this.blocks.values()) block.chart.paint()
    if (results.length > 1 && added.length === 1) this.blocks.get(added[0])?.el.scrollIntoView({ block: "nearest" })
  }

  /** @param {string} column */
  drop(column) {
    this.send({ kind: "compare_samples", columns: this.chosen.filter((name) => name !== column) })
  }

  /** @param {DifferenceDrawing | null} drawing */
  showMap(drawing) {
    this.mapPart.hidden = drawing === null
    if (drawing === null) return
    const [first, second] = [this.first, this.second].map((select) => select.selectedOptions[0]?.textContent ?? "")
    this.mapKey.replaceChildren(
      element("b", { className: "cold" }, `more ${second}`),
      " · ",
      element("b", { className: "hot" }, `more ${first}`),
    )
    this.map.show(drawing)
  }

  /** Paint the charts again, in other colours. */
  repaint() {
    for (const { chart } of this.blocks.values()) chart.paint()
    this.map.paint()
  }
}

/** Numbers and histogram of one column. */
class ColumnBlock {
  /** @param {(column: string) => void} drop */
  constructor(drop) {
    this.column = ""
    this.title = element("strong")
    this.remove = icon("close", "Leave this column out", () => drop(this.column))
    this.headline = element("p", { className: "headline" })
    this.waiting = element("em", { className: "waiting" }, WAITING)
    this.head = element("thead")
    this.body = element("tbody")
    this.notes = element("p", { className: "hint" })
    this.chart = new DistributionChart("Histograms of two samples")
    this.table = element("table", {}, this.head, this.body)
    const numbers = element(
      "div",
      { className: "numbers" },
      element("h3", {}, this.title, this.remove, this.waiting),
      this.headline,
      this.table,
      this.notes,
    )
    this.el = element("section", { className: "block" }, numbers, this.chart.el)
  }

  close() {
    this.chart.close()
    this.el.remove()
  }

  /**
   * @param {ComparedColumn} result
   * @param {string[]} titles - Of both samples.
   * @param {boolean} several - Whether it is not the only column.
   */
  show({ column, title, headline, rows, sentences, drawing }, titles, several) {
    this.column = column
    this.title.textContent = title
    this.remove.hidden = !several
    this.headline.textContent = headline
    this.headline.hidden = !headline
    const heading = (/** @type {string} */ text) => element("th", { scope: "col", title: text }, text)
    this.table.hidden = !rows.length
    this.head.replaceChildren(element("tr", {}, element("td"), ...[...titles, "difference", ""].map(heading)))
    this.body.replaceChildren(
      ...rows.map(([name, ...texts]) =>
        element("tr", {}, element("th", { scope: "row" }, name), ...texts.map((text) => element("td", {}, text)))
      ),
    )
    this.notes.textContent = sentences.join(" ")
    this.chart.el.hidden = drawing === null
    if (drawing) this.chart.show(drawing)
  }
}
