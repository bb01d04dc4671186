// Dialogs: share and export, help with shortcuts, the welcome, and what to do when the connection is lost.

/** @import { Document } from "bokeh/document/document" */
/** @import { HelpState, ExportsState, Parts } from "../payloads.ts" */
/** @import { Link, Request } from "../protocol.d.ts" */
/** @import { Child } from "../base/dom.js" */

import { onLostConnection } from "../base/connection.js"
import { LIMITS, PICTURE_FORMS } from "../base/declared.js"
import { download, element, icon, toaster } from "../base/dom.js"
import { keyTable } from "../base/key_table.js"
import { sendFile } from "../base/upload.js"
import { hex } from "../base/uuid.js"
import { Guide } from "./guide.js"
import { keepInTab } from "./tab.js"

const OWN_NAME = "mgiant-explorer-browser"
const LOST = "mgiant-explorer-lost"
const SHORT_MS = 6000

/** Identifier of this browser, which owns the views that it saved without a user's name. */
export function ownName() {
  const known = globalThis.localStorage.getItem(OWN_NAME)
  if (known !== null) return known
  const name = hex(globalThis.crypto.getRandomValues(new Uint8Array(16)))
  globalThis.localStorage.setItem(OWN_NAME, name)
  return name
}

export class Dialogs {
  /** @type {Document | null} */
  document = null
  /** @type {HTMLDialogElement | null} */
  dialog = null
  token = ""
  watched = false

  /**
   * @param {(message: Request) => void} send
   * @param {HTMLElement} host
   * @param {HTMLElement} light
   * @param {() => string | null} writing - What the visitor is writing; null for nothing.
   */
  constructor(send, host, light, writing) {
    this.send = send
    this.host = host
    this.light = light
    this.writing = writing
    this.toast = toaster(SHORT_MS)
    this.address = element("input", {
      readOnly: true,
      "aria-label": "Link to the current state",
      onclick: () => this.address.select(),
    })
    host.append(this.toast.el)
    this.guide = new Guide(send, host, (title, ...content) => this.open(title, ...content))
    /** @type {Parts} */
    this.parts = {
      ...this.guide.parts,
      exports: (state) => this.listExports(state),
      help: (state) => this.help(state),
      download: (file) => download(file),
      link: (link) => this.link(link),
      message: (text) => this.toast.show(text),
      resume: (token) => this.watchConnection(token),
      reload: () => this.comeBack(),
    }
  }

  /**
   * @param {string} title
   * @param {...Child} content
   */
  open(title, ...content) {
    this.dialog?.remove()
    /** @type {HTMLDialogElement} */
    const dialog = element(
      "dialog",
      { "aria-label": title, onclose: () => dialog.remove() },
      element("header", {}, element("strong", {}, title), icon("close", "Close", () => dialog.close())),
      ...content,
    )
    dialog.addEventListener("click", (event) => event.target === dialog && dialog.close())
    this.dialog = dialog
    this.host.append(dialog)
    dialog.showModal()
    return dialog
  }

  /** @param {ExportsState} state */
  listExports({ forms, figures, summary, samp }) {
    this.address.value = ""
    const share = element(
      "button",
      { type: "button", className: "main", onclick: () => this.send({ kind: "share" }) },
      "Create a link",
    )
    const tables = forms.map(([form, label]) =>
      element("button", {
        type: "button",
        title: `The selected stars with all columns as ${label}`,
        onclick: () => this.send({ kind: "export", value: form }),
      }, label)
    )
    const send = element("button", {
      type: "button",
      disabled: !samp,
      onclick: () => this.send({ kind: "samp" }),
      title: samp
        ? "To every program at this machine's SAMP hub"
        : "If the explorer runs on your own computer; else download the VOTable and open it",
    }, "Send to TOPCAT, Aladin")
    this.open(
      "Share and export",
      element("h2", {}, "Link to the current state"),
      element("div", { className: "row" }, this.address, share),
      ...this.sessionRows(),
      element("h2", {}, `Table of ${summary}`),
      element("div", { className: "row" }, ...tables, send),
      element("h2", {}, `Figures of the paper, of ${summary}`),
      ...figures.map((figure) => this.paperRow(figure)),
      element("p", { className: "hint" }, "Single views: the menu in the corner of each."),
    )
  }

  /** Save what a link restores as a file, or open such a file. */
  sessionRows() {
    const file = element("input", {
      type: "file",
      accept: ".json,application/json",
      hidden: true,
      "aria-label": "Session file",
      onchange: () => void this.openSession(file.files?.[0]),
    })
    const save = element("button", {
      type: "button",
      title: "Views, selection, subsets, computed columns, lines and table as a JSON file",
      onclick: () => this.send({ kind: "save_session" }),
    }, "Save session")
    const open = element("button", {
      type: "button",
      title: "Show a saved session in place of what is on screen, to which a click returns",
      onclick: () => file.click(),
    }, "Open session…")
    return [element("h2", {}, "Session as a file"), element("div", { className: "row" }, save, open, file)]
  }

  /** @param {File} [file] */
  async openSession(file) {
    if (!file) return
    this.dialog?.close()
    if (file.size > LIMITS.sessionBytes) return this.send({ kind: "open_session", size: file.size, data: "" })
    await sendFile(this.send, { kind: "open_session" }, file)
  }

  /** @param {ExportsState["figures"][number]} figure */
  paperRow([key, title, missing]) {
    const buttons = PICTURE_FORMS.map((form) =>
      element("button", {
        type: "button",
        disabled: Boolean(missing),
        title: missing || `${title} as ${form.toUpperCase()}`,
        onclick: () => this.send({ kind: "paper", key, form }),
      }, form.toUpperCase())
    )
    const name = element("span", { className: missing ? "hint grow" : "grow", title: missing }, title)
    return element("div", { className: "row" }, name, ...buttons)
  }

  /** @param {Link} link */
  link({ token }) {
    const address = new URL(globalThis.location.href)
    address.search = `?link=${token}`
    this.address.value = address.href
    this.address.select()
    navigator.clipboard?.writeText(address.href).then(
      () => this.toast.show("The link is in the clipboard."),
      () => this.toast.show("Copy the link from the field."),
    )
  }

  /** @param {HelpState} state */
  help({ shortcuts, gestures, views, welcome }) {
    const dialog = this.open(
      "Help",
      element("div", { className: "row" }, ...this.guide.buttons(welcome, () => dialog.close())),
      element("ul", {}, ...gestures.map((text) => element("li", {}, text))),
      element("h2", {}, "Views"),
      element(
        "table",
        { className: "views" },
        ...views.map(([title, about]) => element("tr", {}, element("th", {}, title), element("td", {}, about))),
      ),
      element("h2", {}, "Keyboard"),
      keyTable(shortcuts),
    )
  }

  /**
   * @param {string} state
   * @param {string} words
   */
  connection(state, words) {
    this.light.className = `light always ${state}`
    this.light.title = words
    this.light.setAttribute("aria-label", words)
  }

  /**
   * Bokeh's client reports a closed socket; when the server answers again the page reloads in its last state.
   *
   * @param {string} token
   */
  watchConnection(token) {
    this.token = token
    keepInTab({ token, writing: this.writing() })
    const { document } = this
    if (document === null || this.watched) return
    this.watched = true
    onLostConnection(document, () => this.connection("lost", "Connection lost"), () => this.comeBack())
  }

  /** The server stores the state on screen; the browser stores unsent text and the page's address. */
  comeBack() {
    const address = new URL(globalThis.location.href)
    globalThis.sessionStorage.setItem(LOST, JSON.stringify({ search: address.search, writing: this.writing() }))
    address.search = `?link=${this.token}`
    globalThis.location.replace(address.href)
  }

  /**
   * Restore unsent text of a reloaded page, once, and its former address: that of the reload soon expires.
   *
   * @returns {string | null}
   */
  cameBack() {
    const kept = globalThis.sessionStorage.getItem(LOST)
    if (kept === null) return null
    globalThis.sessionStorage.removeItem(LOST)
    const { search, writing } = JSON.parse(kept)
    globalThis.history.replaceState(null, "", globalThis.location.pathname + search)
    return writing
  }
}
