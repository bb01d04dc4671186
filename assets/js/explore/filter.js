// The filter: an expression that is checked while it is typed, with words that could follow.

/** @import { CheckState } from "../payloads.ts" */
/** @import { Request } from "../protocol.d.ts" */
/** @import { Completion } from "./completion.js" */

import { debounced, element } from "../base/dom.js"
import { completionOf, endsInWord, questionOf, splitAt } from "./completion.js"

const ASK_AFTER = 90

/**
 * What an expression is for: the question that a keystroke asks, the action of Enter, and the labels of the field.
 *
 * @typedef {object} Purpose
 * @property {(asked: { text: string, cursor: number }) => void} ask
 * @property {() => void} apply
 * @property {string} label
 * @property {string} placeholder
 */

/** A field for an expression. */
export class ExpressionField {
  /** @type {Completion | null} - Of the last answer. */
  fresh = null
  /** @type {number | null} - Place of the caret for which Tab awaits words. */
  awaited = null
  /** Number of the completion that the arrow keys have marked; -1 for none. */
  marked = -1

  /** @param {Purpose} purpose */
  constructor(purpose) {
    this.purpose = purpose
    this.askSoon = debounced(() => this.ask(), ASK_AFTER)
    this.input = element("textarea", {
      rows: 2,
      spellcheck: false,
      placeholder: purpose.placeholder,
      "aria-label": purpose.label,
      oninput: () => this.written(),
      onkeydown: (event) => this.key(event),
      onkeyup: () => this.follow(),
      onclick: () => this.follow(),
    })
    this.error = element("p", { className: "error", role: "alert", hidden: true })
    this.fits = element("p", { className: "hint" })
    this.notes = element("ul", { className: "notes", "aria-label": "How the expression was understood" })
    this.words = element("ul", { className: "words", role: "listbox", "aria-label": "Completions" })
  }

  get text() {
    return this.input.value
  }

  focus() {
    this.input.focus()
  }

  /** @param {string} text */
  write(text) {
    this.input.value = text
    this.ask()
  }

  /** Forget what was found about an earlier text. */
  reset() {
    this.fresh = null
    this.error.hidden = true
    this.fits.textContent = ""
    for (const list of [this.notes, this.words]) list.replaceChildren()
  }

  get asked() {
    return questionOf(this.input.value, this.input.selectionStart)
  }

  ask() {
    this.purpose.ask(this.asked)
  }

  written() {
    this.awaited = null
    this.askSoon()
  }

  /** The caret moved, so other completions apply. */
  follow() {
    const { asked, fresh } = this
    if (fresh && asked.text === fresh.text && asked.cursor !== fresh.cursor) this.ask()
  }

  /** @param {CheckState} check */
  checked(check) {
    const { asked } = this
    if (check.text !== asked.text) return
    this.mark(-1)
    const begun = check.error && check.suggestions.length > 0 && check.error[2] >= check.cursor // may become a word
    this.error.hidden = !check.error || begun === true
    if (check.error) {
      const [message, from, to] = check.error
      const { before, wrong, after } = splitAt(check.text, from, to)
      const mark = element("mark", {}, wrong || " ")
      this.error.replaceChildren(element("code", {}, before, mark, after), element("span", {}, message))
    }
    this.fits.textContent = check.count ?? ""
    this.notes.replaceChildren(...(check.notes ?? []).map((note) => element("li", {}, note)))
    const fresh = completionOf(check)
    this.fresh = fresh
    const awaited = this.awaited === check.cursor && check.cursor === asked.cursor
    this.awaited = null
    if (awaited && fresh.first) return this.complete(fresh.first)
    this.words.replaceChildren(...check.suggestions.map(([word, help]) =>
      element(
        "li",
        { role: "option", title: help, onclick: () => this.complete(word) },
        element("b", {}, word),
        ` ${help}`,
      )
    ))
  }

  /** @param {string} word */
  complete(word) {
    if (this.fresh === null || this.fresh.text !== this.input.value) return this.ask() // written on since
    const { before, after } = this.fresh
    const caret = before.length + word.length
    this.input.value = before + word + after
    this.input.setSelectionRange(caret, caret)
    this.input.focus()
    this.ask()
  }

  /**
   * Tab completes the word before the caret, with words that may still be on their way.
   *
   * @param {KeyboardEvent} event
   */
  key(event) {
    const { asked, fresh } = this
    const known = fresh?.text === asked.text && fresh.cursor === asked.cursor ? fresh : null
    const completes = known ? known.first !== null : endsInWord(asked.text, this.input.selectionStart)
    if (event.key === "Tab" && !event.shiftKey && completes) {
      event.preventDefault()
      if (known?.first) return this.complete(known.first)
      this.awaited = asked.cursor
      this.ask()
    } else if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault()
      const marked = this.words.children[this.marked]
      if (marked instanceof HTMLElement) marked.click()
      else this.purpose.apply()
    } else if (event.key === "ArrowDown" || event.key === "ArrowUp") this.walk(event)
    else if (event.key === "Escape") this.input.blur()
  }

  /**
   * The arrow keys mark one of the completions, which Enter inserts.
   *
   * @param {KeyboardEvent} event
   */
  walk(event) {
    const count = this.words.children.length
    if (!count) return
    event.preventDefault()
    this.mark(Math.min(Math.max(this.marked + (event.key === "ArrowDown" ? 1 : -1), -1), count - 1))
  }

  /** @param {number} at - Number of the marked completion; -1 for none. */
  mark(at) {
    this.marked = at
    for (const [number, item] of [...this.words.children].entries()) {
      item.classList.toggle("marked", number === at)
      item.setAttribute("aria-selected", String(number === at))
    }
  }
}

/** The filter: selects the stars that an expression fits. */
export class FilterField extends ExpressionField {
  /**
   * @param {(message: Request) => void} send
   * @param {(message: Request) => void} act - Send what is an action of the visitor.
   */
  constructor(send, act) {
    super({
      ask: (asked) => send({ kind: "check", ...asked }),
      apply: () => act({ kind: "filter", text: this.text }),
      label: "Filter expression",
      placeholder: "teff < 3800 & abs(z_gal) > 5",
    })
    const apply = element(
      "button",
      { type: "button", className: "main", onclick: () => this.purpose.apply() },
      "Select",
    )
    const row = element("div", { className: "row" }, this.fits, apply)
    this.content = [this.input, this.words, this.error, row, this.notes]
  }
}
