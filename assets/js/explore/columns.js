// The page of columns: how the tables' columns were interpreted, and corrections, while the catalogue is built.

/** @import { PanelModel } from "../bokeh.ts" */
/** @import { ColumnsState, Parts, StatusState } from "../payloads.ts" */
/** @import { Request } from "../protocol.d.ts" */

import { onLostConnection } from "../base/connection.js"
import { download, element, toaster } from "../base/dom.js"
import { receive } from "../base/messages.js"
import { followSystem, rememberTheme, startsDark } from "../base/theme.js"
import { Corrections, goesOn, stagesByReason } from "./corrections.js"
import { Sheet } from "./sheet.js"

const LEAVE_AFTER = 400 // nothing is on its way to a page that leaves
const SAY_MS = 8000
const CHOOSE = "Choose another column of the file, or another unit, where something was misunderstood."

class ColumnsPage {
  corrections = new Corrections()
  /** @type {StatusState | null} */
  status = null
  permitted = false
  requested = false
  gone = false
  applied = false
  waits = false

  /**
   * @param {(message: Request) => void} send
   * @param {() => void} leave
   */
  constructor(send, leave) {
    this.send = send
    this.leave = leave
    this.follows = element("input", { type: "checkbox", checked: true, onchange: () => this.goOn() })
    this.heading = element("h1", {})
    this.text = element("p", { role: "status" })
    this.bar = element("progress", { max: 1, "aria-label": "Progress" })
    /** @type {(text: string, className: string | null, action: () => void) => HTMLButtonElement} */
    const button = (text, className, action) => element("button", { type: "button", className, onclick: action }, text)
    this.enter = button("Open the explorer", "main", () => this.leave())
    this.rebuild = button("Try again", null, () => this.send({ kind: "rebuild" }))
    this.follow = element("label", { className: "hint" }, this.follows, " open the explorer when it is ready")
    this.error = element("p", { className: "error", role: "alert" })
    this.sheet = new Sheet(this.corrections, {
      edit: (table, ours, theirs, unit) => this.edit(table, ours, theirs, unit),
      undo: (table, ours) => this.undo(table, ours),
      settle: () => this.goOn(),
    })
    this.stages = element("div", {})
    this.count = element("p", { className: "hint", role: "status" })
    this.apply = button("Apply", "main", () => this.sendEdits())
    this.discard = button("Discard", null, () => this.forget())
    this.save = button("Download configuration", null, () => {
      this.send({ kind: "configuration", corrections: this.corrections.all })
    })
    this.save.title = "TOML for: python -m pipeline build"
    this.refusal = element("p", { className: "hint refused" })
    this.el = this.layout()
    /** @type {Parts} */
    this.parts = {
      permitted: (permitted) => this.permit(permitted),
      refusal: (text) => {
        this.refusal.textContent = text
      },
      requested: (requested) => {
        this.requested = requested
      },
      status: (status) => this.followStatus(status),
      columns: (columns) => this.receive(columns),
      applied: () => this.stale(true),
      refused: () => this.busy(false),
    }
    this.counted()
  }

  layout() {
    const top = element(
      "section",
      { className: "card state" },
      element("div", { className: "words" }, this.heading, this.text, this.bar),
      element("div", { className: "buttons" }, this.enter, this.rebuild, this.follow),
    )
    const side = element(
      "aside",
      { className: "card steps" },
      element("header", {}, element("strong", {}, "Corrections")),
      element(
        "div",
        { className: "pane" },
        this.refusal,
        this.count,
        element("div", { className: "row" }, this.apply, this.discard),
        element("div", { className: "row" }, this.save),
        this.stages,
      ),
    )
    const sheet = element(
      "section",
      { className: "card sheet" },
      element("header", {}, element("strong", {}, "Interpretation of the columns")),
      this.sheet.el,
    )
    return element("div", { className: "down" }, top, this.error, element("div", { className: "across" }, sheet, side))
  }

  /** @param {boolean} permitted */
  permit(permitted) {
    this.permitted = permitted
    this.sheet.permitted = permitted
    this.el.classList.toggle("locked", !permitted)
    this.counted()
    this.sheet.draw()
  }

  /** @param {StatusState} status */
  followStatus(status) {
    const { heading, text, fraction, error, open, retry } = status
    const failed = retry && !this.status?.retry
    this.status = status
    this.sheet.retry = retry
    if (failed) this.sheet.draw() // with everything open that can be chosen
    this.heading.textContent = heading
    this.text.textContent = text
    this.bar.hidden = fraction === null
    this.bar.value = fraction ?? 0
    this.enter.hidden = !open
    this.rebuild.hidden = !retry || !this.permitted
    this.error.hidden = !error
    this.error.textContent = error
    this.follow.hidden = open || retry || this.requested
    if (error) this.stale(false)
    this.goOn()
  }

  /** Open the explorer, unless the visitor asked for this page or is working on it. */
  goOn() {
    const { status, requested } = this
    const editing = this.corrections.size > 0 || this.sheet.busy
    if (this.gone || !goesOn({ status, requested, follows: this.follows.checked, editing })) return
    this.gone = true
    setTimeout(() => this.leave(), LEAVE_AFTER)
  }

  /** @param {ColumnsState} columns */
  receive(columns) {
    this.sheet.receive(columns)
    if (this.applied) this.corrections.clear()
    this.stale(false)
    this.sheet.draw()
    const reasons = stagesByReason(columns.stages)
    const computed = (reasons.get("") ?? []).map((name) => stageItem([name], ""))
    const impossible = [...reasons].filter(([reason]) => reason).map(([reason, names]) => stageItem(names, reason))
    this.stages.replaceChildren(
      ...stageList("Will be computed", computed),
      ...stageList("Not possible with these columns", impossible),
    )
  }

  /**
   * @param {number} table
   * @param {string} ours
   * @param {string | null} theirs
   * @param {string} unit
   */
  edit(table, ours, theirs, unit) {
    this.corrections.choose(this.sheet.columns?.tables ?? [], { table, ours, theirs, unit })
    this.sheet.draw()
    this.counted()
  }

  /**
   * @param {number} table
   * @param {string} ours
   */
  undo(table, ours) {
    this.corrections.undo(table, ours)
    this.sheet.draw()
    this.counted()
    this.goOn()
  }

  forget() {
    this.corrections.clear()
    this.counted()
    this.sheet.draw()
    this.goOn()
  }

  sendEdits() {
    this.busy(true)
    this.send({ kind: "apply", corrections: this.corrections.all })
  }

  /** @param {boolean} on */
  busy(on) {
    this.waits = on
    this.counted()
  }

  /**
   * After Apply the page shows the choices, which cannot be changed until the files are read again.
   *
   * @param {boolean} on
   */
  stale(on) {
    this.applied = on
    this.sheet.el.inert = on
    this.sheet.el.classList.toggle("stale", on)
    this.busy(on)
  }

  counted() {
    const n = this.corrections.size
    const changes = `${n} ${n === 1 ? "change" : "changes"}: applied, the catalogue is recomputed.`
    const silent = !this.permitted || this.sheet.columns?.tables.length === 0
    this.count.textContent = silent ? "" : n ? changes : CHOOSE
    this.apply.hidden = this.discard.hidden = !this.permitted
    this.apply.disabled = !n || this.waits
    this.discard.disabled = !n || this.waits
  }
}

/**
 * @param {string[]} names
 * @param {string} reason
 */
function stageItem(names, reason) {
  return element("li", {}, element("b", {}, names.join(", ")), reason ? element("span", {}, reason) : null)
}

/**
 * @param {string} title
 * @param {HTMLElement[]} items
 */
function stageList(title, items) {
  return items.length ? [element("h2", {}, title), element("ul", { className: "stages" }, ...items)] : []
}

function leave() {
  const address = new URL(globalThis.location.href)
  address.searchParams.delete("columns")
  if (address.href === globalThis.location.href) globalThis.location.reload()
  else globalThis.location.replace(address.href)
}

/** @param {{ model: PanelModel }} page */
export function render({ model }) {
  const send = (/** @type {Request} */ message) => model.send_msg(message)
  const toast = toaster(SAY_MS)
  const page = new ColumnsPage(send, leave)
  const centre = element("div", { className: "centre" }, page.el)
  const host = element(
    "div",
    { className: startsDark() ? "explore columns dark" : "explore columns" },
    centre,
    toast.el,
  )
  /** @type {Parts} */
  const parts = {
    ...page.parts,
    message: (text) => toast.show(text),
    download: (file) => download(file),
    theme: (theme) => {
      const dark = theme === "dark"
      host.classList.toggle("dark", dark)
      rememberTheme(dark)
    },
  }
  model.on("msg:custom", (message) => receive(parts, message))
  model.on("after_render", () => {
    onLostConnection(globalThis.Bokeh.documents[0], () => {}, () => globalThis.location.reload())
    send({ kind: "connect" })
    followSystem()
  })
  return host
}
