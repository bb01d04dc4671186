// Drafts of verdicts in the browser's storage, which survive a change of star and a reload of the page.

/** @import { Proposal } from "../payloads.ts" */
/** @import { Judge } from "../protocol.d.ts" */

import { VERDICT_KEYS } from "../base/declared.js"

/** @typedef {Pick<Storage, "getItem" | "setItem" | "removeItem">} Shelf */
/** @typedef {{ flags: string[], note: string, proposal: Proposal }} Begun */
/** @typedef {{ person: string, campaign: string, star: string }} Place */
/** @typedef {{ person: string, campaign: string, draft: Judge }} HandedIn */

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
  nameOf({ person, campaign, star }) {
    return `${this.name}:${person}:${campaign}:${star}`
  }

  /**
   * @param {Place} place
   * @param {Begun} begun
   */
  keep(place, begun) {
    this.shelf.setItem(this.nameOf(place), JSON.stringify(begun))
  }

  /**
   * The draft of a star's verdict.
   *
   * @param {Place} place
   * @returns {Begun | null}
   */
  begun(place) {
    return JSON.parse(this.shelf.getItem(this.nameOf(place)) ?? "null")
  }

  /**
   * Store a verdict until the server has confirmed it.
   *
   * @param {HandedIn} handedIn
   */
  handIn(handedIn) {
    this.shelf.setItem(this.name, JSON.stringify(handedIn))
  }

  /**
   * The verdict that the server has not confirmed.
   *
   * @returns {HandedIn | null}
   */
  handedIn() {
    return JSON.parse(this.shelf.getItem(this.name) ?? "null")
  }

  /** Remove a verdict that the server has refused or confirmed. */
  answered() {
    this.shelf.removeItem(this.name)
  }

  /**
   * The server has confirmed the verdict: remove the draft of its star.
   *
   * @param {string} person
   */
  saved(person) {
    const draft = this.handedIn()?.draft
    if (draft) this.shelf.removeItem(this.nameOf({ person, campaign: String(draft.campaign), star: draft.star }))
    this.answered()
  }
}

/** @typedef {Exclude<keyof typeof VERDICT_KEYS, "help">} FormAction */

/**
 * Action of a key in the form of a verdict.
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
 * The proposal: typed numbers, and a class.
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
