// What is begun of verdicts, kept in the browser: it outlives a look at another star, and a page that is loaded again.

/** @import { Proposal } from "../payloads.d.ts" */
/** @import { Judge } from "../protocol.d.ts" */

import { VERDICT_KEYS } from "../base/declared.js"

/** @typedef {Pick<Storage, "getItem" | "setItem" | "removeItem">} Shelf */
/** @typedef {{ flags: string[], note: string, proposal: Proposal }} Begun */
/** @typedef {{ who: string, campaign: string, star: string }} Place */
/** @typedef {{ who: string, campaign: string, draft: Judge }} HandedIn */

export class Drafts {
  /**
   * @param {Shelf} shelf
   * @param {string} room
   */
  constructor(shelf, room) {
    this.shelf = shelf
    this.name = `mgiant-verdict-${room}`
  }

  /** @param {Place} place */
  nameOf({ who, campaign, star }) {
    return `${this.name}:${who}:${campaign}:${star}`
  }

  /**
   * @param {Place} place
   * @param {Begun} begun
   */
  keep(place, begun) {
    this.shelf.setItem(this.nameOf(place), JSON.stringify(begun))
  }

  /**
   * What is begun on a star.
   *
   * @param {Place} place
   * @returns {Begun | null}
   */
  begun(place) {
    return JSON.parse(this.shelf.getItem(this.nameOf(place)) ?? "null")
  }

  /**
   * A verdict is kept until the server has it.
   *
   * @param {HandedIn} handedIn
   */
  handIn(handedIn) {
    this.shelf.setItem(this.name, JSON.stringify(handedIn))
  }

  /**
   * The verdict of which the server has not said that it has it.
   *
   * @returns {HandedIn | null}
   */
  handedIn() {
    return JSON.parse(this.shelf.getItem(this.name) ?? "null")
  }

  /** The server has refused the verdict, or has it. */
  answered() {
    this.shelf.removeItem(this.name)
  }

  /**
   * The server has the verdict: what was begun on its star is over.
   *
   * @param {string} who
   */
  saved(who) {
    const draft = this.handedIn()?.draft
    if (draft) this.shelf.removeItem(this.nameOf({ who, campaign: String(draft.campaign), star: draft.star }))
    this.answered()
  }
}

/** @typedef {Exclude<keyof typeof VERDICT_KEYS, "help">} FormAction */

/**
 * What a key does in the form of a verdict.
 *
 * @typedef {{ flag: string } | { verdict: number } | { action: FormAction }} KeyMeaning
 */

/** @type {ReadonlyMap<string, KeyMeaning>} */
const ACTION_KEYS = new Map([
  [VERDICT_KEYS.comment, { action: "comment" }],
  [VERDICT_KEYS.undo, { action: "undo" }],
  [VERDICT_KEYS.redo, { action: "redo" }],
])

/**
 * @param {string} key
 * @param {{ verdicts: [digit: number, text: string][], flags: [flag: string, key: string][] }} rules
 * @returns {KeyMeaning | undefined}
 */
export function meaningOfKey(key, { verdicts, flags }) {
  const flag = flags.find(([, own]) => own === key)
  if (flag) return { flag: flag[0] }
  const verdict = verdicts.find(([digit]) => String(digit) === key)
  return verdict ? { verdict: verdict[0] } : ACTION_KEYS.get(key)
}

/**
 * What is proposed: numbers that were typed, and a class.
 *
 * @param {Iterable<[name: string, text: string]>} numbers
 * @param {string} word
 */
export function proposalOf(numbers, word) {
  /** @type {Proposal} */
  const proposal = {}
  for (const [name, text] of numbers) if (text !== "") proposal[name] = Number(text)
  if (word.trim()) proposal.class = word.trim()
  return proposal
}
