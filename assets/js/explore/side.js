// The panel on the left: filter by expression, named subsets, member lists, a cone on the sky, saved views.

import { debounced, element, grouped, icon, options, send_file } from "../base/dom.js"

const ASK_AFTER = 90
const WORD_BEFORE = /(?<![\p{L}\p{N}_])[\p{L}_][\p{L}\p{N}_]*$/u
const REST_OF_WORD = /^[\p{L}\p{N}_]+/u

export class Side {
  constructor(send) {
    this.send = send
    this.el = element("aside", { className: "side", hidden: true, "aria-label": "Filter and subsets" })
    this.parts = { side: (state) => this.receive(state) }
    this.built = false
  }

  build() {
    this.built = true
    this.ask_soon = debounced(() => this.ask(), ASK_AFTER)
    this.input = element("textarea", {
      rows: 2,
      spellcheck: false,
      placeholder: "teff < 3800 & abs(z_gal) > 5",
      "aria-label": "Filter expression",
      oninput: () => this.written(),
      onkeydown: (event) => this.key(event),
      onkeyup: () => this.follow(),
      onclick: () => this.follow(),
    })
    this.error = element("p", { className: "error", role: "alert", hidden: true })
    this.fits = element("p", { className: "hint" })
    this.words = element("ul", { className: "words", role: "listbox", "aria-label": "Completions" })
    const apply = element("button", { type: "button", className: "main", onclick: () => this.apply() }, "Select")
    this.name = element("input", { placeholder: "name of a subset", "aria-label": "Name of the subset", maxLength: 40 })
    const keep = element("button", {
      type: "button",
      title: "Name the selected stars",
      onclick: () => this.keep(),
    }, "Save selection")
    this.tree = element("ul", { className: "tree", "aria-label": "Subsets" })
    this.categories = element("select", {
      "aria-label": "Subsets by category",
      title: "Create a subset for each value of a column",
      onchange: () => this.by_category(),
    })
    this.file = element("input", { type: "file", hidden: true, onchange: () => this.upload() })
    const list = element("button", {
      type: "button",
      title:
        "Any table with obsid, source_id, or ra and dec: CSV, FITS, VOTable, Parquet, ..., gzipped or not; or ids alone",
      onclick: () => this.file.click(),
    }, "Member list…")
    const number = (label, title) =>
      element("input", { type: "number", step: "any", placeholder: label, title, "aria-label": title })
    this.verdicts = element("select", { "aria-label": "Stars by verdict", onchange: () => this.by_verdict() })
    this.judged = element(
      "div",
      { hidden: true },
      element("h2", {}, "Vetting verdicts"),
      element("div", { className: "row" }, this.verdicts),
    )
    this.cone = [
      number("RA °", "Right ascension in degrees"),
      number("Dec °", "Declination in degrees"),
      number("r °", "Radius in degrees"),
    ]
    const circle = element("button", { type: "button", onclick: () => this.circle() }, "Cone")
    this.view_name = element("input", {
      placeholder: "name of a view",
      "aria-label": "Name of the view",
      maxLength: 60,
    })
    const save = element("button", {
      type: "button",
      title: "Save the views and the selection under a name",
      onclick: () => this.save_view(),
    }, "Save view")
    this.views = element("ul", { className: "tree", "aria-label": "Saved views" })
    this.said = element("p", { className: "hint", role: "status" })
    this.listed = element("p", { className: "hint", role: "status" })
    this.el.replaceChildren(
      element("h2", {}, "Filter"),
      this.input,
      this.words,
      this.error,
      element("div", { className: "row" }, this.fits, apply),
      element("h2", {}, "Subsets"),
      this.tree,
      element("div", { className: "row" }, this.name, keep),
      element("div", { className: "row" }, this.categories),
      element("h2", {}, "From a list or the sky"),
      element("div", { className: "row" }, list, this.file),
      this.listed,
      element("div", { className: "row" }, ...this.cone, circle),
      this.judged,
      element("h2", {}, "Saved views"),
      this.views,
      element("div", { className: "row" }, this.view_name, save),
      this.said,
    )
  }

  receive({ open, check, subsets, views, saved, said, place, children, verdicts, categories }) {
    if (open !== undefined) {
      if (open && !this.built) this.build()
      this.el.hidden = !open
      if (open) this.input.focus()
      if (open && this.unwritten) {
        this.input.value = this.unwritten
        this.unwritten = ""
        this.ask()
      }
    }
    if (!this.built) return
    if (check) this.checked(check)
    if (subsets) {
      this.tree.replaceChildren(
        ...(subsets.length
          ? subsets.map((one) => this.subset(one))
          : [element("li", { className: "hint" }, "None yet: select stars and give them a name.")]),
      )
    }
    if (subsets?.some(({ name }) => name === this.kept)) {
      this.name.value = ""
      this.kept = null
    }
    if (children) this.open_subset(children)
    if (verdicts) {
      this.judged.hidden = !verdicts.length
      options(this.verdicts, [["", "Select stars by verdict…"], ...verdicts], "")
    }
    if (categories) {
      this.categories.hidden = !categories.length
      grouped(this.categories, [["", "A subset for each value of…", ""], ...categories], "")
    }
    if (saved) this.view_name.value = ""
    if (views) this.views.replaceChildren(...views.map((name) => this.view(name)))
    if (said !== undefined) this.show_note(said, place)
  }

  // Where it belongs, until the next action: "list" and "refused" are of a member list.
  show_note(text, place) {
    this.said.textContent = place ? "" : text
    this.listed.textContent = place ? text : ""
    this.listed.classList.toggle("refused", place === "refused")
  }

  act(message) {
    this.show_note("")
    this.send(message)
  }

  // The text in an open drawer, for a page that is made anew; null while the drawer is closed.
  get writing() {
    return this.built && !this.el.hidden ? this.input.value : null
  }

  write(text) {
    this.unwritten = text
    this.send({ kind: "side", open: true })
  }

  // What the words are asked for; the server counts letters, the browser halves of some.
  get asked() {
    const { value, selectionStart } = this.input
    return { text: value, cursor: Array.from(value.slice(0, selectionStart)).length }
  }

  ask() {
    this.send({ kind: "check", ...this.asked })
  }

  written() {
    this.awaited = null
    this.ask_soon()
  }

  // The caret moved: other words fit there.
  follow() {
    if (this.fresh && this.asked.text === this.fresh.text && this.asked.cursor !== this.fresh.cursor) this.ask()
  }

  checked({ text, cursor, error, count, words, start }) {
    const { asked } = this
    if (text !== asked.text) return
    const letters = Array.from(text), cut = (from, to) => letters.slice(from, to).join("")
    this.error.hidden = !error
    if (error) {
      const [message, from, to] = error
      const mark = element("mark", {}, cut(from, to) || " ")
      this.error.replaceChildren(element("code", {}, cut(0, from), mark, cut(to)), element("span", {}, message))
    }
    this.fits.textContent = count ?? ""
    const begun = cut(start, cursor), first = words.length && words[0][0] !== begun ? words[0][0] : null
    this.fresh = { text, cursor, first, before: cut(0, start), after: cut(cursor).replace(REST_OF_WORD, "") }
    const awaited = this.awaited === cursor && cursor === asked.cursor
    this.awaited = null
    if (awaited && first) return this.complete(first)
    this.words.replaceChildren(...words.map(([word, help]) =>
      element(
        "li",
        { role: "option", title: help, onclick: () => this.complete(word) },
        element("b", {}, word),
        ` ${help}`,
      )
    ))
  }

  complete(word) {
    const { text, before, after } = this.fresh
    if (text !== this.input.value) return this.ask() // written on since
    this.input.value = before + word + after
    this.input.setSelectionRange(before.length + word.length, before.length + word.length)
    this.input.focus()
    this.ask()
  }

  // Tab completes the word before the caret, with words that may still be on their way.
  key(event) {
    const { text, cursor } = this.asked
    const fresh = text === this.fresh?.text && cursor === this.fresh.cursor
    const may_complete = fresh ? this.fresh.first !== null : WORD_BEFORE.test(text.slice(0, this.input.selectionStart))
    if (event.key === "Tab" && !event.shiftKey && may_complete) {
      event.preventDefault()
      if (fresh) return this.complete(this.fresh.first)
      this.awaited = cursor
      this.ask()
    } else if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault()
      this.apply()
    } else if (event.key === "Escape") this.input.blur()
  }

  apply() {
    this.act({ kind: "filter", text: this.input.value })
  }

  keep() {
    this.kept = this.name.value.trim()
    this.act({ kind: "keep", name: this.kept })
  }

  subset({ name, colour, count, words }) {
    const act = (action) => () => this.act({ kind: "subset", name, action })
    const open = icon("chevron_right", "Definition", act("open"))
    const pick = element(
      "button",
      { type: "button", className: "name", title: `Select: ${words}`, onclick: act("replace") },
      element("i", { className: "swatch", style: `background:${colour}` }),
      name,
    )
    const marks = [["add", "+", "Add to the selection"], ["intersect", "∩", "Intersect with the selection"], [
      "subtract",
      "−",
      "Remove from the selection",
    ]]
    return element(
      "li",
      { id: `subset-${name}` },
      element(
        "div",
        { className: "line" },
        open,
        pick,
        element("span", { className: "number" }, count),
        ...marks.map(([mode, sign, title]) =>
          element("button", {
            type: "button",
            className: "sign",
            title,
            "aria-label": `${title}: ${name}`,
            onclick: act(mode),
          }, sign)
        ),
        icon("delete_outline", `Forget ${name}`, act("remove")),
      ),
    )
  }

  open_subset({ name, nodes }) {
    const item = this.tree.querySelector(`#subset-${CSS.escape(name)}`)
    const old = item.querySelector("ul")
    if (old) return old.remove()
    const leaf = ({ joint, words, count, nodes: inner }) =>
      element(
        "li",
        {},
        element("span", { className: "joint" }, joint),
        ` ${words} `,
        element("span", { className: "number" }, count),
        inner.length ? element("ul", {}, ...inner.map(leaf)) : null,
      )
    item.append(element("ul", {}, ...nodes.map(leaf)))
  }

  view(name) {
    return element(
      "li",
      {},
      element(
        "div",
        { className: "line" },
        element("button", {
          type: "button",
          className: "name",
          title: "Show this view",
          onclick: () => this.act({ kind: "view", name }),
        }, name),
        icon("delete_outline", `Forget ${name}`, () => this.act({ kind: "forget_view", name })),
      ),
    )
  }

  by_category() {
    if (this.categories.value) this.act({ kind: "categories", column: this.categories.value })
    this.categories.value = ""
  }

  by_verdict() {
    if (this.verdicts.value) this.act({ kind: "verdicts", name: this.verdicts.value })
    this.verdicts.value = ""
  }

  save_view() {
    this.act({ kind: "save_view", name: this.view_name.value.trim() })
  }

  circle() {
    const [ra, dec, radius] = this.cone.map((input) => input.valueAsNumber)
    if (![ra, dec, radius].every(Number.isFinite)) {
      this.said.textContent = "Give right ascension, declination and radius in degrees."
      return
    }
    this.said.textContent = ""
    this.send({ kind: "filter", text: `cone(${ra}, ${dec}, ${radius})` })
  }

  async upload() {
    const [file] = this.file.files
    this.file.value = ""
    if (!file) return
    this.show_note(`Reading ${file.name}…`, "list")
    if (file.size > 16_000_000) return this.send({ kind: "members", size: file.size, data: "" })
    await send_file(this.send, "members", file)
  }
}
