// The Explore page: all parts send to one channel and receive their fields of the server's messages.

/** @import { PanelModel } from "../bokeh.ts" */
/** @import { Message, Parts } from "../payloads.ts" */
/** @import { Request } from "../protocol.d.ts" */

import { ColumnBook } from "../base/column_book.js"
import { debounced, element } from "../base/dom.js"
import { receive } from "../base/messages.js"
import { followSystem, rememberTheme, startsDark } from "../base/theme.js"
import { listenToStarKeys } from "../star/keys.js"
import { StarDock } from "../star/star.js"
import { Dialogs, ownName } from "./dialogs.js"
import { Dock } from "./dock.js"
import { Frame } from "./frame.js"
import { wasWelcomed } from "./guide.js"
import { listenToPageKeys } from "./keys.js"
import { Notice } from "./notice.js"
import { Side } from "./side.js"
import { Spectra } from "./spectra.js"
import { Stage } from "./stage.js"
import { keepInTab, leftInTab } from "./tab.js"
import { Table } from "./table.js"
import { Toolbar } from "./toolbar.js"

const RING_AFTER = 80
const WRITTEN_AFTER = 400

/** @param {{ model: PanelModel }} page */
export function render({ model }) {
  const send = (/** @type {Request} */ message) => {
    frame.sending(message)
    model.send_msg(message)
  }
  const book = new ColumnBook(send)
  const toolbar = new Toolbar(send, book)
  const stage = new Stage(send, book)
  const spectra = new Spectra(send, book, (open) => {
    host.classList.toggle("spectra-open", open)
    if (!open) table.spectra.focus()
  })
  const table = new Table(send, book, () => spectra.toggle())
  const dock = new Dock(send, book, table, () => stage.planes)
  const side = new Side(send, book)
  const star = new StarDock(send)
  const notice = new Notice(send, (steps) => dialogs.guide.tour(steps, 0))
  const down = element("div", { className: "down" }, spectra.el, stage.el, dock.el)
  const frame = new Frame({ side: side.el, down, dock: dock.el, star: star.el })
  toolbar.add(frame.toggle)
  const centre = element("div", { className: "centre" }, toolbar.el, notice.el, frame.el)
  const host = element("div", { className: startsDark() ? "explore dark" : "explore", tabIndex: -1 }, centre)
  const dialogs = new Dialogs(send, host, toolbar.light, () => side.writing)
  // The spectrum first: with single stars on screen the rings cost a frame in every view.
  const ring = debounced((/** @type {Required<Message>["focus"]} */ places) => stage.ring(places), RING_AFTER)
  /** @type {Parts} */
  const parts = {
    ...stage.parts,
    ...toolbar.parts,
    ...dock.parts,
    ...book.parts,
    ...spectra.parts,
    table: (state) => {
      table.receive(state)
      if (state.focus !== undefined) spectra.mark(state.focus)
    },
    fit: (state) => {
      dock.fit.receive(state)
      stage.dimCurves(state.stale)
    },
    ...dialogs.parts,
    ...notice.parts,
    ...star.parts,
    star: (packet) => {
      star.receive(packet)
      if (packet.kind !== "sentence") frame.starCame()
    },
    switched: ([slot, name, on]) => stage.switched(slot, name, on),
    side: (state) => {
      side.receive(state)
      if (state.open !== undefined) toolbar.side.setAttribute("aria-expanded", String(state.open))
    },
    focus: (places) => ring(places),
    theme: (theme) => {
      const dark = theme === "dark"
      host.classList.toggle("dark", dark)
      rememberTheme(dark)
      stage.theme = theme // its palettes follow
      toolbar.look.theme = theme
      star.recolour(theme)
      dock.repaint()
      spectra.recolour(theme)
    },
    "star_page": (on) => {
      host.classList.toggle("alone", on)
      star.widen(on)
    },
    colours: (colours) => stage.recolour(colours),
    refused: (kind) => star.refused(kind),
  }
  model.on("msg:custom", (message) => receive(parts, message))
  listenToPageKeys(host, send)
  listenToStarKeys(host, star)
  model.on("after_render", () => {
    dialogs.document = globalThis.Bokeh.documents[0]
    const left = leftInTab()
    send({ kind: "connect", seen: wasWelcomed(), browser: ownName(), tab: left?.token ?? null })
    const writing = dialogs.cameBack() ?? left?.writing ?? null
    if (writing !== null) side.write(writing)
    followSystem()
  })
  const keep = () => keepInTab({ token: dialogs.token, writing: side.writing })
  host.addEventListener("input", debounced(keep, WRITTEN_AFTER))
  const leave = () => {
    keep()
    send({ kind: "leave" })
  }
  globalThis.addEventListener("pagehide", leave)
  globalThis.document.addEventListener("visibilitychange", () => {
    if (globalThis.document.visibilityState === "hidden") leave()
  })
  return host
}
