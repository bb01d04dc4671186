// Entries of a list that match typed text.

/**
 * A value, its text, and a hint beside it.
 *
 * @template Value
 * @typedef {readonly [value: Value, text: string, hint?: string]} Choice
 */

/**
 * Choices whose text or hint has the typed text: the same text first, then those that begin with it.
 *
 * @template Value
 * @param {Choice<Value>[]} choices
 * @param {string} text
 */
export function rankedChoices(choices, text) {
  const wanted = text.trim().toLowerCase()
  if (!wanted) return choices
  const rank = (/** @type {string} */ known) => known === wanted ? 0 : known.startsWith(wanted) ? 1 : 2
  return choices
    .filter(([, known, hint]) => known.toLowerCase().includes(wanted) || hint?.toLowerCase().includes(wanted))
    .sort((a, b) => rank(a[1].toLowerCase()) - rank(b[1].toLowerCase()))
}
