// The page of columns: what the tables' columns are taken for, corrected there, while the catalogue is made.

import { on_lost_connection } from "../base/connection.js"
import { download, element, icon, options, receive, remember_theme } from "../base/dom.js"
import { Picker } from "../base/picker.js"

const NOT_USED = "not used"
const ROUTINE = /^no unit in the file/ // remarks that most columns of a plain text table get
const LEAVE_AFTER = 400 // nothing is on its way to a page that leaves

class ColumnsPage {
  constructor(send, leave) {
    this.send = send
    this.leave = leave
    this.edits = new Map()
    this.added = new Set() // columns of ours that the visitor asked for
    this.follows = element("input", { type: "checkbox", checked: true, onchange: () => this.go_on() })
    this.heading = element("h1", {})
    this.text = element("p", { role: "status" })
    this.bar = element("progress", { max: 1, "aria-label": "Progress" })
    this.enter = element(
      "button",
      { type: "button", className: "main", onclick: () => this.leave() },
      "Open the explorer",
    )
    this.again = element("button", { type: "button", onclick: () => this.send({ kind: "again" }) }, "Try again")
    this.follow = element("label", { className: "hint" }, this.follows, " open the explorer when it is ready")
    this.error = element("p", { className: "error", role: "alert" })
    const top = element(
      "section",
      { className: "card state" },
      element("div", { className: "words" }, this.heading, this.text, this.bar),
      element("div", { className: "doors" }, this.enter, this.again, this.follow),
    )
    this.sheet = element(
      "div",
      { className: "scroll" },
      element("p", { className: "hint" }, "The columns appear here when the files have been read."),
    )
    this.stages = element("div", {})
    this.count = element("p", { className: "hint", role: "status" })
    this.apply = element("button", { type: "button", className: "main", onclick: () => this.send_edits() }, "Apply")
    this.discard = element("button", { type: "button", onclick: () => this.forget() }, "Discard")
    this.save = element("button", {
      type: "button",
      title: "TOML for: python -m pipeline build",
      onclick: () => this.send({ kind: "configuration", corrections: [...this.edits.values()] }),
    }, "Download configuration")
    this.refusal = element("p", { className: "hint refused" })
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
    this.el = element(
      "div",
      { className: "down" },
      top,
      this.error,
      element(
        "div",
        { className: "across" },
        element(
          "section",
          { className: "card sheet" },
          element("header", {}, element("strong", {}, "Interpretation of the columns")),
          this.sheet,
        ),
        side,
      ),
    )
    this.parts = {
      may: (may) => this.permit(may),
      refusal: (text) => {
        this.refusal.textContent = text
      },
      stays: (stays) => {
        this.stays = stays
      },
      status: (status) => this.follow_status(status),
      columns: (columns) => this.receive(columns),
      applied: () => this.stale(true),
      refused: () => this.busy(false),
    }
    this.counted()
  }

  permit(may) {
    this.may = may
    this.el.classList.toggle("locked", !may)
    this.counted()
    if (this.columns) this.draw()
  }

  follow_status(status) {
    const { heading, text, fraction, error, open, retry } = status, failed = retry && !this.status?.retry
    this.status = status
    if (failed && this.columns) this.draw() // with everything open that can be chosen
    this.heading.textContent = heading
    this.text.textContent = text
    this.bar.hidden = fraction === null
    this.bar.value = fraction ?? 0
    this.enter.hidden = !open
    this.again.hidden = !retry || !this.may
    this.error.hidden = !error
    this.error.textContent = error
    this.follow.hidden = open || retry || Boolean(this.stays)
    if (error) this.stale(false)
    this.go_on()
  }

  // To the explorer, unless the visitor asked for this page or is at work on it.
  go_on() {
    const editing = this.edits.size > 0 || this.sheet.querySelector(":popover-open, select:focus") !== null
    if (!this.status?.open || this.stays || !this.follows.checked || editing || this.gone) return
    this.gone = true
    setTimeout(() => this.leave(), LEAVE_AFTER)
  }

  receive(columns) {
    this.columns = columns
    this.roles = new Map(columns.roles.map(([name, ...role]) => [name, role]))
    if (this.applied) this.edits.clear()
    this.stale(false)
    this.draw()
    const reasons = new Map() // stages by the reason why they do not run; "" where they do
    for (const [name, reason] of columns.stages) reasons.set(reason, [...(reasons.get(reason) ?? []), name])
    const item = (names, reason) =>
      element("li", {}, element("b", {}, names.join(", ")), reason ? element("span", {}, reason) : null)
    const list = (title, items) =>
      items.length ? [element("h2", {}, title), element("ul", { className: "stages" }, ...items)] : []
    this.stages.replaceChildren(
      ...list("Will be computed", (reasons.get("") ?? []).map((name) => item([name]))),
      ...list(
        "Not possible with these columns",
        [...reasons].filter(([reason]) => reason).map(([reason, names]) => item(names, reason)),
      ),
    )
  }

  draw() {
    const opened = new Set([...this.sheet.querySelectorAll("details[open]")].map((one) => one.dataset.key))
    this.sheet.replaceChildren(...this.columns.tables.flatMap((table, number) => this.table(table, number)))
    if (!this.columns.tables.length) {
      this.sheet.append(
        element("p", { className: "hint" }, "There is no table: everything is measured from the spectra."),
      )
    }
    for (const one of this.sheet.querySelectorAll("details")) one.open ||= opened.has(one.dataset.key)
  }

  table(table, number) {
    const users = new Map()
    for (const { ours, theirs } of table.columns) users.set(theirs, [...(users.get(theirs) ?? []), ours])
    const heads = ["column", "in the file", "unit", "known", "min · median · max", "replaced", "recognised by"]
    const fed = table.columns.map((column) => this.fed(table, number, column, users))
    const absent = this.absent(table, number, users)
    const grid = (rows) =>
      element(
        "table",
        {},
        element("thead", {}, element("tr", {}, ...heads.map((text) => element("th", { scope: "col" }, text)))),
        element("tbody", {}, ...rows),
      )
    const fold = (key, title, open, ...content) =>
      element("details", { open, "data-key": `${number} ${key}` }, element("summary", {}, title), ...content)
    return [
      element(
        "section",
        { className: "file" },
        element("h2", {}, table.file, element("small", {}, table.heading)),
        ...(table.match ? [element("p", { className: "hint" }, `Joined to the stars: ${table.match}`)] : []),
        ...table.notes.map((note) => element("p", { className: "remark" }, note)),
        fed.length ? grid(fed) : element(
          "p",
          { className: "hint" },
          table.names.length ? "No column was recognised yet." : "This file could not be read.",
        ),
        ...(table.own.length
          ? [
            fold(
              "own",
              `Your own columns (${table.own.length.toLocaleString("en")})`,
              false,
              element("p", { className: "own" }, ...table.own.map((name) => element("code", {}, name))),
            ),
          ]
          : []),
        ...(table.names.length
          ? [
            fold(
              "absent",
              `Not in this file, as far as recognised (${absent.length - 1})`,
              !fed.length || Boolean(this.status?.retry),
              element("div", { className: "absent" }, ...absent),
            ),
          ]
          : []),
      ),
    ]
  }

  fed(table, number, column, users) {
    const { ours, theirs, unit_from, unit_to, share } = column
    const edit = this.edits.get(`${number} ${ours}`)
    const [low, middle, high] = column.range
    const unit = column.unit_from && column.unit_from !== unit_to ? `${unit_from} → ${unit_to || "1"}` : unit_to
    return element(
      "tr",
      { className: edit ? "edited" : "" },
      this.name(column.label, ours, column.description),
      element("td", {}, this.chosen(table, number, ours, theirs, users, column.corrected)),
      element("td", {}, this.unit(table, number, ours, theirs, column.units, unit_from || unit_to, unit)),
      element(
        "td",
        { className: "number" },
        column.known,
        element("i", { className: "share" }, element("i", { style: `width: ${100 * share}%` })),
      ),
      element(
        "td",
        { className: "number" },
        ...(column.range.length
          ? [low, element("small", {}, " · "), element("b", {}, middle), element("small", {}, " · "), high]
          : []),
      ),
      element("td", {}, column.replaced),
      element(
        "td",
        {},
        column.corrected ? corrected_mark() : column.why === table.schema ? "known schema" : column.why,
        ...(column.note
          ? [element("small", { className: ROUTINE.test(column.note) ? "routine" : "remark" }, column.note)]
          : []),
      ),
    )
  }

  // Columns of ours that this file does not feed, those that matter first, and a way to any other one.
  absent(table, number, users) {
    const known = new Set([...table.columns.map(({ ours }) => ours), ...table.absent.map(([ours]) => ours)])
    const others = [...this.added].filter((ours) => !known.has(ours))
    const rows = [...table.absent, ...others.map((ours) => [ours, false])].map(([ours, corrected]) => {
      const [label, description, unit, units] = this.roles.get(ours), edit = this.edits.get(`${number} ${ours}`)
      const name = element(
        "span",
        { className: "name", title: `${label}: ${description}` },
        element("b", {}, label),
        label === ours ? null : element("code", {}, ours),
      )
      return element(
        "div",
        { className: edit ? "edited" : "" },
        name,
        this.chosen(table, number, ours, "", users, corrected),
        element(
          "span",
          { className: "soft" },
          edit?.theirs ? this.unit(table, number, ours, "", units, unit, unit) : corrected ? corrected_mark() : unit,
        ),
      )
    })
    if (!this.may) return [...rows, ""]
    const another = new Picker(
      "Another column of the catalogue",
      () =>
        [...this.roles].filter(([name]) => !known.has(name) && !this.added.has(name)).map((
          [name, [label, description]],
        ) => [name, name, `${label}: ${description}`]),
      (ours) => this.add(ours),
    )
    another.show("another column…", true)
    return [...rows, element("div", {}, another.el)]
  }

  name(label, ours, description) {
    return element("th", { scope: "row", title: description }, label, label === ours ? null : element("code", {}, ours))
  }

  chosen(table, number, ours, theirs, users, corrected) {
    const edit = this.edits.get(`${number} ${ours}`)
    const now = edit && edit.theirs !== null ? edit.theirs : theirs
    const text = edit?.theirs === null ? "as recognised" : now || NOT_USED
    if (!this.may) return element("span", { className: now ? "" : "soft" }, text)
    const picker = new Picker(`Column of ${table.file} for ${ours}`, () => [
      ["", NOT_USED],
      ...(corrected ? [[null, "as recognised", "without this correction"]] : []),
      ...table.names.map((name) => [name, name, (users.get(name) ?? []).filter((one) => one !== ours).join(", ")]),
    ], (value) => this.edit(number, ours, value, ""))
    picker.show(text, !now)
    picker.menu.el.addEventListener("toggle", () => this.go_on())
    const back = edit ? icon("undo", `Undo the change of ${ours}`, () => this.undo(number, ours)) : null
    return element("span", { className: "choice" }, picker.el, back)
  }

  unit(table, number, ours, theirs, units, unit, text) {
    const edit = this.edits.get(`${number} ${ours}`), chosen = edit?.theirs ?? theirs
    if (!this.may || units.length < 2 || !table.names.includes(chosen)) return element("span", {}, text)
    const select = element("select", {
      "aria-label": `Unit of ${ours} in ${table.file}`,
      onchange: () => this.edit(number, ours, chosen, select.value),
      onblur: () => this.go_on(),
    })
    const other = chosen !== theirs // whose unit is known when the file is read again
    options(
      select,
      [...(other ? [["", "as in the file"]] : []), ...units.map((one) => [one, one])],
      edit?.unit || (other ? "" : unit),
    )
    const [, to] = text.split(" → ")
    return element("span", {}, select, to && !other ? element("small", {}, ` → ${to}`) : null)
  }

  edit(number, ours, theirs, unit) {
    const column = this.columns.tables[number].columns.find((one) => one.ours === ours)
    const before = column?.theirs ?? "", unit_before = column ? column.unit_from || column.unit_to : ""
    if (theirs === before && (!unit || unit === unit_before)) this.edits.delete(`${number} ${ours}`)
    else this.edits.set(`${number} ${ours}`, { table: number, ours, theirs, unit })
    this.draw()
    this.counted()
  }

  add(ours) {
    this.added.add(ours)
    this.draw()
  }

  undo(number, ours) {
    this.edits.delete(`${number} ${ours}`)
    this.draw()
    this.counted()
    this.go_on()
  }

  forget() {
    this.edits.clear()
    this.counted()
    this.draw()
    this.go_on()
  }

  send_edits() {
    this.busy(true)
    this.send({ kind: "apply", corrections: [...this.edits.values()] })
  }

  busy(on) {
    this.waits = on
    this.counted()
  }

  // After Apply the page shows what was chosen, but nothing can be chosen until the files are read again.
  stale(on) {
    this.applied = on
    this.sheet.inert = on
    this.sheet.classList.toggle("stale", on)
    this.busy(on)
  }

  counted() {
    const n = this.edits.size
    this.count.textContent = !this.may || this.columns?.tables.length === 0
      ? ""
      : n
      ? `${n} ${n === 1 ? "change" : "changes"}: applied, the catalogue is recomputed.`
      : "Choose another column of the file, or another unit, where something was misunderstood."
    this.apply.hidden = this.discard.hidden = !this.may
    this.apply.disabled = !n || this.waits
    this.discard.disabled = !n || this.waits
  }
}

function corrected_mark() {
  return element(
    "span",
    { className: "mark", title: "By a correction: choose 'as recognised' to take it back" },
    "corrected",
  )
}

export function render({ model }) {
  const send = (message) => model.send_msg(message)
  const toast = element("div", { className: "toast", role: "status", hidden: true })
  let timer = null
  const say = (text) => {
    toast.textContent = text
    toast.hidden = !text
    clearTimeout(timer)
    timer = setTimeout(() => {
      toast.hidden = true
    }, 8000)
  }
  const leave = () => {
    const address = new URL(window.location.href)
    address.searchParams.delete("columns")
    if (address.href === window.location.href) window.location.reload()
    else window.location.replace(address.href)
  }
  const page = new ColumnsPage(send, leave)
  const host = element("div", { className: "explore columns" }, element("div", { className: "centre" }, page.el), toast)
  const parts = {
    ...page.parts,
    say,
    download,
    theme: (dark) => {
      host.classList.toggle("dark", dark)
      remember_theme(dark)
    },
  }
  model.on("msg:custom", (message) => receive(parts, message))
  model.on("after_render", () => {
    on_lost_connection(window.Bokeh.documents[0], () => {}, () => window.location.reload())
    send({ kind: "connect" })
  })
  return host
}
