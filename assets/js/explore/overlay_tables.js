// Tables of the user's own over the views: isochrones, tracks, member lists, other catalogues.

/** @import { ColumnBook } from "../base/column_book.js" */
/** @import { ColumnEntry, OverlayState } from "../payloads.ts" */
/** @import { OverlayChange, Request } from "../protocol.d.ts" */

import { ColumnMenu } from "../base/column_menu.js"
import { LIMITS } from "../base/declared.js"
import { element, icon } from "../base/dom.js"
import { options } from "../base/lists.js"
import { sendFile } from "../base/upload.js"

const TABLE_FORMATS = "A table with a line of column names: CSV, FITS, VOTable, ECSV, Parquet, ..., gzipped or not. " +
  "Columns that are recognised are drawn in each view of two of them."

export class OverlayTables {
  /** @type {OverlayState[]} */
  tables = []
  /** @type {ColumnEntry[]} */
  columns = []
  /** @type {Set<string>} - Tables whose columns are shown. */
  opened = new Set()

  /**
   * @param {(message: Request) => void} send
   * @param {ColumnBook} book
   */
  constructor(send, book) {
    this.send = send
    this.book = book
    this.list = element("ul", { className: "overlay-tables", "aria-label": "Tables over the views" })
    this.file = element("input", {
      type: "file",
      hidden: true,
      "aria-label": "Table to lay over the views",
      onchange: () => void this.upload(),
    })
    this.note = element("p", { className: "hint", role: "status" })
    const choose = element(
      "button",
      { type: "button", title: TABLE_FORMATS, onclick: () => this.file.click() },
      "Lay a table over the views…",
    )
    this.content = [element("div", { className: "row" }, choose, this.file), this.note, this.list]
  }

  /**
   * @param {OverlayState[]} tables
   * @param {ColumnEntry[] | undefined} columns
   */
  fill(tables, columns = this.columns) {
    this.columns = columns
    const before = new Set(this.tables.map(({ name }) => name))
    for (const { name, uses } of tables) if (!before.has(name) && uses.length < 2) this.opened.add(name)
    this.tables = tables
    this.list.replaceChildren(...tables.map((table) => this.item(table)))
  }

  /**
   * @param {string} text
   * @param {boolean} refused
   */
  report(text, refused) {
    this.note.textContent = text
    this.note.classList.toggle("refused", refused)
  }

  /** @param {OverlayState} table */
  item(table) {
    const { name, colour, on, rows, shown } = table
    const box = element("input", {
      type: "checkbox",
      checked: on,
      "aria-label": `Show ${name}`,
      onchange: () => this.change(name, { on: box.checked }),
    })
    const ink = element("input", {
      type: "color",
      value: colour,
      "aria-label": `Colour of ${name}`,
      onchange: () => this.change(name, { colour: ink.value }),
    })
    const label = element("input", {
      value: name,
      maxLength: LIMITS.overlayName,
      "aria-label": `Name of ${name}`,
      onchange: () => this.rename(name, label.value.trim()),
    })
    const remove = icon("delete_outline", `Remove ${name}`, () => this.send({ kind: "overlay_forget", name }))
    const more = element(
      "details",
      {
        open: this.opened.has(name),
        ontoggle: () => more.open ? this.opened.add(name) : this.opened.delete(name),
      },
      element("summary", {}, `${rows.toLocaleString("en")} rows, ${shown}`),
      ...this.details(table),
    )
    return element("li", {}, element("div", { className: "row" }, box, ink, label, remove), more)
  }

  /** @param {OverlayState} table */
  details({ name, style, columns, breaks, uses }) {
    /** @type {HTMLSelectElement} */
    const look = element("select", {
      "aria-label": `Look of ${name}`,
      onchange: () => this.change(name, { style: look.value === "line" ? "line" : "points" }),
    })
    options(look, [["line", "line"], ["points", "points"]], style)
    /** @type {HTMLSelectElement} */
    const cut = element("select", {
      "aria-label": `New line of ${name} at each change of`,
      onchange: () => this.change(name, { breaks: cut.value }),
    })
    options(cut, [["", "one line"], ...columns.map((column) => /** @type {const} */ ([column, column]))], breaks)
    const lines = style === "line" ? [element("label", {}, "new line at each change of ", cut)] : []
    const used = uses.map(([ours, theirs]) => this.use(name, columns, ours, theirs))
    return [
      element("div", { className: "row" }, look, ...lines),
      element("div", { className: "uses" }, ...used, this.added(name, columns, uses.map(([ours]) => ours))),
    ]
  }

  /**
   * A column of the catalogue, and what is drawn for it.
   *
   * @param {string} name
   * @param {string[]} columns
   * @param {string} ours
   * @param {string} theirs
   */
  use(name, columns, ours, theirs) {
    const title = this.columns.find(([key]) => key === ours)?.[1] ?? ours
    /** @type {HTMLSelectElement} */
    const select = element("select", {
      "aria-label": `${title} of ${name}`,
      onchange: () => this.send({ kind: "overlay_use", name, ours, theirs: select.value }),
    })
    options(select, [["", "not drawn"], ...columns.map((column) => /** @type {const} */ ([column, column]))], theirs)
    return element("label", { title }, element("span", {}, title), select)
  }

  /**
   * One more column of the catalogue, whose column of the table is chosen after it.
   *
   * @param {string} name
   * @param {string[]} columns
   * @param {string[]} used
   */
  added(name, columns, used) {
    const list = new ColumnMenu(`Another column for ${name}`, this.book, (ours) => {
      row.replaceWith(this.use(name, columns, ours, ""))
    }, "another column…")
    list.fill(this.columns.filter(([key]) => !used.includes(key)), "")
    const row = element("div", { className: "row" }, list.el)
    return row
  }

  /**
   * @param {string} name
   * @param {string} label
   */
  rename(name, label) {
    if (this.opened.delete(name)) this.opened.add(label)
    this.change(name, { label })
  }

  /**
   * @param {string} name
   * @param {Omit<Partial<OverlayChange>, "kind" | "name">} fields
   */
  change(name, fields) {
    this.send({ kind: "overlay_change", name, ...fields })
  }

  async upload() {
    const file = this.file.files?.[0]
    this.file.value = ""
    if (!file) return
    this.report(`Reading ${file.name}…`, false)
    if (file.size > LIMITS.overlayBytes) {
      const most = LIMITS.overlayBytes.toLocaleString("en")
      return this.report(`${file.name} has ${file.size.toLocaleString("en")} bytes; at most ${most} are read.`, true)
    }
    await sendFile(this.send, { kind: "overlay_file", name: file.name }, file)
  }
}
