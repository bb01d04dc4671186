// A vetting room on its channel; the server names the room.

/** @import { PanelModel } from "../bokeh.ts" */
/** @import { Parts } from "../payloads.ts" */
/** @import { Request } from "../protocol.d.ts" */

import { VETTING_HELP } from "../base/declared.js"
import { download, element, icon, toaster } from "../base/dom.js"
import { keyTable } from "../base/key_table.js"
import { receive } from "../base/messages.js"
import { listenToStarKeys } from "../star/keys.js"
import { AdjudicateRoom } from "./adjudicate.js"
import { CampaignsRoom } from "./campaigns.js"
import { listenToVerdictKeys } from "./verdict.js"
import { VetRoom } from "./vet.js"

const NOTICE_MS = 6000
const ROOMS = { vet: VetRoom, adjudicate: AdjudicateRoom, campaigns: CampaignsRoom }

/** @param {HTMLElement} host */
function showHelp(host) {
  /** @type {HTMLDialogElement} */
  const dialog = element(
    "dialog",
    {
      "aria-label": "Shortcuts",
      onclose: () => dialog.remove(),
      onclick: (event) => event.target === dialog && dialog.close(),
    },
    element("header", {}, element("strong", {}, "Shortcuts"), icon("close", "Close", () => dialog.close())),
    keyTable(VETTING_HELP),
  )
  host.append(dialog)
  dialog.showModal()
}

/** @param {{ model: PanelModel }} page */
export function render({ model }) {
  const send = (/** @type {Request} */ message) => model.send_msg(message)
  const toast = toaster(NOTICE_MS)
  const room = new ROOMS[model.room](send, toast.show)
  const star = "star" in room ? room.star : null
  const closed = element("p", { className: "sentence", hidden: true })
  const host = element(
    "div",
    { className: `explore vetting ${model.room}${model.dark ? " dark" : ""}`, tabIndex: -1 },
    element("div", { className: "centre" }, closed, room.el),
    toast.el,
  )
  /** @type {Parts} */
  const parts = {
    ...room.parts,
    message: (text) => toast.show(text),
    download: (file) => download(file),
    closed: (text) => {
      closed.textContent = text
      closed.hidden = !text
      room.el.hidden = Boolean(text)
    },
    theme: (theme) => {
      host.classList.toggle("dark", theme === "dark")
      star?.recolour(theme)
    },
    "star_page": (on) => {
      host.classList.toggle("alone", on)
      star?.widen(on)
    },
  }
  model.on("msg:custom", (message) => receive(parts, message))
  if ("form" in room) listenToVerdictKeys(host, room.form, () => showHelp(host))
  if (star) listenToStarKeys(host, star)
  model.on("after_render", () => send({ kind: "connect" }))
  return host
}
