// Completion of a filter expression. The server counts letters, the browser halves of some.

/** @import { CheckState } from "../payloads.ts" */

const WORD_BEFORE = /(?<![\p{L}\p{N}_])[\p{L}_][\p{L}\p{N}_]*$/u
const REST_OF_WORD = /^[\p{L}\p{N}_]+/u

/**
 * State of the field for which completions are requested.
 *
 * @param {string} text
 * @param {number} caret - In halves of letters, as the browser counts.
 */
export function questionOf(text, caret) {
  return { text, cursor: Array.from(text.slice(0, caret)).length }
}

/**
 * Whether a word that could be completed ends at the caret.
 *
 * @param {string} text
 * @param {number} caret
 */
export function endsInWord(text, caret) {
  return WORD_BEFORE.test(text.slice(0, caret))
}

/**
 * Completion that an answer allows: the word that Tab inserts, and the text before and after it.
 *
 * @typedef {{ text: string, cursor: number, first: string | null, before: string, after: string }} Completion
 */

/**
 * @param {Pick<CheckState, "text" | "cursor" | "start" | "suggestions">} check
 * @returns {Completion}
 */
export function completionOf({ text, cursor, start, suggestions }) {
  const letters = Array.from(text)
  const begun = letters.slice(start, cursor).join("")
  const first = suggestions.length && suggestions[0][0] !== begun ? suggestions[0][0] : null
  const after = letters.slice(cursor).join("").replace(REST_OF_WORD, "")
  return { text, cursor, first, before: letters.slice(0, start).join(""), after }
}

/**
 * A text split at its fault.
 *
 * @param {string} text
 * @param {number} start - In letters.
 * @param {number} end
 */
export function splitAt(text, start, end) {
  const letters = Array.from(text)
  const cut = (/** @type {number} */ from, /** @type {number} */ to) => letters.slice(from, to).join("")
  return { before: cut(0, start), wrong: cut(start, end), after: cut(end, letters.length) }
}
