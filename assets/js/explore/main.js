// The Explore page: every part sends to one channel and gets what the server tells it.

import { debounced, element, rememberTheme } from "../base/dom.js"
import { Dialogs, ownName, SEEN } from "./dialogs.js"
import { listenToKeys } from "./keys.js"
import { Side } from "./side.js"
import { Stage } from "./stage.js"
import { Table } from "./table.js"
import { Toolbar } from "./toolbar.js"
import { StarDock } from "../star/star.js"
import { listenToStarKeys } from "../star/keys.js"
import { receive } from "../base/messages.js"

const RING_AFTER = 80

export function render({ model }) {
  const send = (message) => model.send_msg(message)
  const toolbar = new Toolbar(send), stage = new Stage(send), table = new Table(send), side = new Side(send)
  const star = new StarDock(send)
  const down = element("div", { className: "down" }, stage.el, table.el)
  const centre = element(
    "div",
    { className: "centre" },
    toolbar.el,
    element("div", { className: "across" }, side.el, down, star.el),
  )
  const host = element("div", { className: "explore", tabIndex: -1 }, centre)
  const dialogs = new Dialogs(send, host, toolbar.light)
  dialogs.writing = () => side.writing
  const parts = {
    ...stage.parts,
    ...toolbar.parts,
    ...table.parts,
    ...side.parts,
    ...dialogs.parts,
    ...star.parts,
    switched: ([slot, name, on]) => stage.switched(slot, name, on),
    side: (state) => {
      side.receive(state)
      if (state.open !== undefined) toolbar.side.setAttribute("aria-expanded", String(state.open))
    },
    // The spectrum first: with single stars on screen the rings cost a frame in every view.
    focus: debounced((places) => stage.parts.focus(places), RING_AFTER),
    theme: (dark) => {
      host.classList.toggle("dark", dark)
      rememberTheme(dark)
    },
    star_page: (on) => {
      host.classList.toggle("alone", on)
      star.widen(on)
    },
    colours: (colours) => {
      stage.recolour(colours)
      if (colours.theme) star.recolour(colours.theme)
    },
    tour: (steps) => dialogs.firstVisit(steps),
    refused: (kind) => star.refused(kind),
  }
  model.on("msg:custom", (message) => receive(parts, message))
  listenToKeys(host, send)
  listenToStarKeys(host, star)
  model.on("after_render", () => {
    dialogs.document = globalThis.Bokeh.documents[0]
    send({ kind: "connect", seen: globalThis.localStorage.getItem(SEEN) !== null, browser: ownName() })
    const writing = dialogs.cameBack()
    if (writing !== null) side.write(writing)
  })
  return host
}
