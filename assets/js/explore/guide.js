// The guide: the welcome of a first visit, the stories, and the tour of the controls; one bubble at a time.

/** @import { Parts, TourStep, Welcome } from "../payloads.ts" */
/** @import { Request } from "../protocol.d.ts" */
/** @import { Child } from "../base/dom.js" */
/** @import { TourContent } from "./tour.js" */

import { element } from "../base/dom.js"
import { listenToKeys } from "../base/keys.js"
import { readLeft, resumeLabel } from "./left_tour.js"
import { Tour } from "./tour.js"

const WELCOMED = "mgiant-explorer-tour"
const STORED_TOUR = "mgiant-explorer-left-tour"
const CONTROLS = "The controls"

/** Whether this browser has dismissed the welcome. */
export function wasWelcomed() {
  return globalThis.localStorage.getItem(WELCOMED) !== null
}

export class Guide {
  /** @type {Tour | null} */
  bubble = null
  /** Step at which the story that is requested begins. */
  at = 0

  /**
   * @param {(message: Request) => void} send
   * @param {HTMLElement} host
   * @param {(title: string, ...content: Child[]) => HTMLDialogElement} open - Opens a dialog.
   */
  constructor(send, host, open) {
    this.send = send
    this.host = host
    this.open = open
    /** @type {Parts} */
    this.parts = {
      welcome: (welcome) => this.welcome(welcome),
      story: (story) => this.show(story, this.at),
    }
    listenToKeys(host, (event) => this.bubble?.take(event) ?? false)
  }

  /** @param {Welcome} welcome */
  welcome({ title, sentences, stories, tour }) {
    const close = (/** @type {() => void} */ then) => {
      dialog.close()
      then()
    }
    const cards = stories.map(([key, name, about, lack]) =>
      element(
        "button",
        { type: "button", disabled: Boolean(lack), onclick: () => close(() => this.start(key, 0)) },
        element("strong", {}, name),
        element("span", {}, lack || about),
      )
    )
    const dialog = this.open(
      title,
      ...sentences.map((sentence) => element("p", {}, sentence)),
      element("div", { className: "stories" }, ...cards),
      element(
        "div",
        { className: "row end" },
        element("button", { type: "button", onclick: () => close(() => this.tour(tour, 0)) }, "Tour of the controls"),
        element("button", { type: "button", className: "main", onclick: () => dialog.close() }, "Start exploring"),
      ),
    )
    dialog.classList.add("welcome")
    dialog.addEventListener("close", () => globalThis.localStorage.setItem(WELCOMED, "1"))
    cards.find((card) => !card.disabled)?.focus()
  }

  /**
   * Buttons of the help: the welcome, the tour, and what was left of one.
   *
   * @param {Welcome} welcome
   * @param {() => void} close
   */
  buttons(welcome, close) {
    const left = readLeft(globalThis.localStorage.getItem(STORED_TOUR))
    /** @type {[label: string, action: () => void][]} */
    const actions = [
      ["Welcome and stories", () => this.welcome(welcome)],
      ["Start the tour", () => this.tour(welcome.tour, 0)],
    ]
    if (left !== null) {
      const { key, at } = left
      actions.push([resumeLabel(left), () => key ? this.start(key, at) : this.tour(welcome.tour, at)])
    }
    return actions.map(([label, action]) => {
      const onclick = () => {
        close()
        action()
      }
      return element("button", { type: "button", onclick }, label)
    })
  }

  /**
   * Request a story, which the server sets up.
   *
   * @param {string} key
   * @param {number} at
   */
  start(key, at) {
    this.at = at
    this.send({ kind: "start_story", key })
  }

  /**
   * @param {TourStep[]} steps
   * @param {number} at
   */
  tour(steps, at) {
    this.show({ key: "", title: CONTROLS, steps }, at)
  }

  /**
   * @param {TourContent} content
   * @param {number} at
   */
  show(content, at) {
    const { key, title } = content
    const note = (/** @type {number} */ step, /** @type {number} */ count) => {
      if (step >= count) return globalThis.localStorage.removeItem(STORED_TOUR)
      globalThis.localStorage.setItem(STORED_TOUR, JSON.stringify({ key, title, at: step, count }))
    }
    globalThis.localStorage.setItem(WELCOMED, "1")
    this.bubble?.end()
    this.bubble = new Tour(this.host, content, at, note)
  }
}
