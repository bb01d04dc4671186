// One vetting room on one channel; which one says the server.

import { download, element, receive } from "../base/dom.js"
import { listen_to_star_keys } from "../star/star.js"
import { AdjudicateRoom } from "./adjudicate.js"
import { CampaignsRoom } from "./campaigns.js"
import { listen_to_verdict_keys } from "./verdict.js"
import { VetRoom } from "./vet.js"

const VETTING_KEYS = [
  ["0 1 2 3 4", "verdict: save, and show the next star"],
  ["q w e r t", "flags: RV, continuum, sky, wrong class, artefact"],
  ["c", "comment; Ctrl+Enter keeps it, Esc closes it"],
  ["j", "postpone this star"],
  ["k", "previous star"],
  ["u", "undo the last verdict"],
  ["Shift+U", "redo"],
  ["g", "go to a star that you have judged"],
  ["s d", "smooth more, less"],
  ["l m v a", "lines, model, residuals, raw"],
  ["z Shift+Z x", "Ca II, TiO, whole spectrum"],
  ["f", "fit again"],
]

export function render({ model }) {
  const send = (message) => model.send_msg(message)
  const toast = element("div", { className: "toast", role: "status", hidden: true })
  let timer = null
  const say = (text) => {
    toast.textContent = text
    toast.hidden = !text
    clearTimeout(timer)
    timer = setTimeout(() => {
      toast.hidden = true
    }, 6000)
  }
  const room = new { vet: VetRoom, adjudicate: AdjudicateRoom, campaigns: CampaignsRoom }[model.room](send, say)
  const closed = element("p", { className: "sentence", hidden: true })
  const host = element(
    "div",
    { className: `explore vetting ${model.room}`, tabIndex: -1 },
    element("div", { className: "centre" }, closed, room.el),
    toast,
  )
  const help = () => {
    const dialog = element(
      "dialog",
      {
        "aria-label": "Shortcuts",
        onclose: () => dialog.remove(),
        onclick: () => dialog.close(),
      },
      element("header", {}, element("strong", {}, "Shortcuts")),
      element(
        "table",
        { className: "keys" },
        ...VETTING_KEYS.map(([keys, meaning]) =>
          element(
            "tr",
            {},
            element("th", {}, ...keys.split(" ").map((key) => element("kbd", {}, key))),
            element("td", {}, meaning),
          )
        ),
      ),
    )
    host.append(dialog)
    dialog.showModal()
  }
  const parts = {
    ...room.parts,
    say,
    download: (file) => download(file),
    closed: (text) => {
      closed.textContent = text
      closed.hidden = !text
      room.el.hidden = Boolean(text)
    },
    theme: (ink) => {
      host.classList.toggle("dark", ink.dark)
      room.star?.recolour(ink)
    },
    star_page: (on) => {
      host.classList.toggle("alone", on)
      room.star?.widen(on)
    },
  }
  model.on("msg:custom", (message) => receive(parts, message))
  if (room.form) {
    listen_to_verdict_keys(host, room.form, { "?": help })
    listen_to_star_keys(host, room.star)
  }
  model.on("after_render", () => send({ kind: "connect" }))
  return host
}
