// The dock below the views: the table of the selection, a comparison of samples, or a fit; it can be folded.

/** @import { ColumnBook } from "../base/column_book.js" */
/** @import { Parts } from "../payloads.ts" */
/** @import { Dock as DockRequest, DockView, Request } from "../protocol.d.ts" */
/** @import { ViewPlane } from "./stage.js" */
/** @import { Table } from "./table.js" */

import { choices, element, icon, relabel } from "../base/dom.js"
import { SamplesPane } from "./samples_pane.js"
import { FitPane } from "./fit_pane.js"

/** @typedef {NonNullable<DockRequest["tab"]>} DockTab */
/** @type {[tab: DockTab, label: string, title: string][]} */
const TABS = [
  ["table", "Table", "The selected stars"],
  ["compare", "Compare samples", "Compare two samples of stars in any column"],
  ["fit", "Fit", "Running median and line, or a Gaussian, of a sample"],
]

export class Dock {
  open = true

  /**
   * @param {(message: Request) => void} send
   * @param {ColumnBook} book
   * @param {Table} table
   * @param {() => ViewPlane[]} planes - Views of two columns.
   */
  constructor(send, book, table, planes) {
    this.compare = new SamplesPane(send, book, planes)
    this.fit = new FitPane(send, book)
    this.panes = { table, compare: this.compare, fit: this.fit }
    this.tabs = choices("Below the views", TABS, (tab) => send({ kind: "dock", tab }))
    this.fold = icon("expand_more", "Fold", () => send({ kind: "dock", open: !this.open }))
    this.el = element("section", { className: "card dock" }, table.el, this.compare.el, this.fit.el)
    this.turn("table")
    /** @type {Parts} */
    this.parts = {
      dock: (view) => this.receive(view, table),
      compare: (state) => this.compare.receive(state),
    }
  }

  /**
   * @param {DockView} view
   * @param {Table} table
   */
  receive({ tab, open, foot, columns }, table) {
    this.open = open
    this.el.classList.toggle("folded", !open)
    relabel(this.fold, open ? "expand_more" : "expand_less", open ? "Fold" : "Unfold")
    if (columns) {
      this.compare.offerColumns(columns)
      this.fit.offerColumns(columns)
    }
    table.chooseFoot(foot)
    this.el.style.setProperty("--foot", String(foot.length))
    this.turn(tab)
  }

  /** @param {DockTab} tab */
  turn(tab) {
    this.tabs.press(tab)
    this.el.dataset.tab = tab
    for (const [name, pane] of Object.entries(this.panes)) {
      pane.el.hidden = name !== tab
      if (name !== tab) continue
      if (pane.header.firstElementChild !== this.tabs.row) pane.header.prepend(this.tabs.row)
      if (pane.header.lastElementChild !== this.fold) pane.header.append(this.fold)
    }
  }

  /** Paint the charts again, in other colours. */
  repaint() {
    requestAnimationFrame(() => {
      this.compare.repaint()
      this.fit.repaint()
    })
  }
}
