// Notice of a lost connection, over the whole page; the page reloads when the server answers.

/** @import { Document } from "bokeh/document/document" */

import { element } from "./dom.js"
import { whenAnswered } from "./reconnect.js"

const AGAIN_AFTER = 1500
const ALIVE = "static/js/bokeh.min.js" // every server of the page has it, and making a page is dear
const LOST_WORDS = "The connection to the server is lost. This page is restored automatically when the server responds."
const OVER_ALL =
  `position: fixed; left: 50%; bottom: 22px; transform: translateX(-50%); z-index: 2000; padding: 10px 18px;
  border-radius: 6px; background: #8c1d18; color: #ffffff; font: 14px Explorer, Helvetica Neue, Arial, sans-serif;`
// For a page that cannot reload by itself: of an older server, at an address that moved, behind another sign-in.
const RELOAD = `margin-left: 14px; padding: 4px 12px; border: 1px solid #ffffff; border-radius: 4px;
  background: transparent; color: inherit; font: inherit; cursor: pointer;`

/**
 * @param {Document} document
 * @param {() => void} lost
 * @param {() => void} back
 */
export function onLostConnection(document, lost, back) {
  let seen = false
  document.on_event("connection_lost", () => {
    if (seen) return
    seen = true
    lost()
    const reload = element(
      "button",
      { type: "button", style: RELOAD, onclick: () => globalThis.location.reload() },
      "Reload this page",
    )
    // In every room.
    globalThis.document.body.append(element("div", { role: "alert", style: OVER_ALL }, LOST_WORDS, reload))
    whenAnswered(() => fetch(ALIVE, { method: "HEAD", cache: "no-store" }), AGAIN_AFTER, back)
  })
}
