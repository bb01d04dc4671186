// Dialogs: share and export, help with shortcuts, the first visit's tour, and what to do when the connection is lost.

import { on_lost_connection } from "../base/connection.js"
import { download, element, icon } from "../base/dom.js"

export const SEEN = "mgiant-explorer-tour"
const OWN_NAME = "mgiant-explorer-browser"
const LOST = "mgiant-explorer-lost"

// What this browser calls itself: views that it saved without a user's name are its own.
export function own_name() {
  const known = window.localStorage.getItem(OWN_NAME)
  if (known !== null) return known
  const name = Array.from(
    window.crypto.getRandomValues(new Uint8Array(16)),
    (byte) => byte.toString(16).padStart(2, "0"),
  ).join("")
  window.localStorage.setItem(OWN_NAME, name)
  return name
}

export class Dialogs {
  constructor(send, host, light) {
    this.send = send
    this.host = host
    this.light = light
    this.parts = {
      more: (state) => this.more(state),
      help: (state) => this.help(state),
      download: (file) => download(file),
      link: (link) => this.link(link),
      say: (text) => this.say(text),
      resume: (token) => this.watch_connection(token),
      reload: () => this.come_back(),
    }
    this.toast = element("div", { className: "toast", role: "status", hidden: true })
    host.append(this.toast)
  }

  open(title, ...content) {
    this.dialog?.remove()
    const close = () => this.dialog.close()
    this.dialog = element(
      "dialog",
      { "aria-label": title, onclose: () => this.dialog.remove() },
      element("header", {}, element("strong", {}, title), icon("close", "Close", close)),
      ...content,
    )
    this.dialog.addEventListener("click", (event) => event.target === this.dialog && close())
    this.host.append(this.dialog)
    this.dialog.showModal()
  }

  more({ exports, figures, summary, samp }) {
    const make = (kind, value, label, title) =>
      element("button", { type: "button", title, onclick: () => this.send({ kind, value }) }, label)
    this.address = element("input", {
      readOnly: true,
      "aria-label": "Link to what is on screen",
      onclick: (event) => event.target.select(),
    })
    const share = element(
      "button",
      { type: "button", className: "main", onclick: () => this.send({ kind: "share" }) },
      "Make a link",
    )
    const rows = figures.map(([key, title, missing]) =>
      element(
        "div",
        { className: "row" },
        element("span", { className: missing ? "hint grow" : "grow", title: missing }, title),
        ...["pdf", "svg", "png"].map((form) =>
          element("button", {
            type: "button",
            disabled: Boolean(missing),
            title: missing || `${title} as ${form.toUpperCase()}`,
            onclick: () => this.send({ kind: "paper", key, form }),
          }, form.toUpperCase())
        ),
      )
    )
    const send = element("button", {
      type: "button",
      disabled: !samp,
      onclick: () => this.send({ kind: "samp" }),
      title: samp
        ? "To every program at this machine's SAMP hub"
        : "Where the explorer runs on your own machine; else download the VOTable and open it",
    }, "Send to TOPCAT, Aladin")
    this.open(
      "Share and export",
      element("h2", {}, "Link that restores everything on screen"),
      element("div", { className: "row" }, this.address, share),
      element("h2", {}, `Table of ${summary}`),
      element(
        "div",
        { className: "row" },
        ...exports.map(([form, label]) =>
          make("export", form, label, `The selected stars with all columns as ${label}`)
        ),
        send,
      ),
      element("h2", {}, `Figures of the paper, of ${summary}`),
      ...rows,
      element("p", { className: "hint" }, "Single views: the menu in the corner of each."),
    )
  }

  link({ token }) {
    const address = new URL(window.location.href)
    address.search = `?link=${token}`
    this.address.value = address.href
    this.address.select()
    navigator.clipboard?.writeText(address.href).then(
      () => this.say("The link is in the clipboard."),
      () => this.say("Copy the link from the field."),
    )
  }

  help({ shortcuts, gestures, views, tour }) {
    const key = ([keys, meaning]) =>
      element(
        "tr",
        {},
        element("th", {}, ...keys.split(" ").map((one) => element("kbd", {}, one))),
        element("td", {}, meaning),
      )
    const start = element("button", {
      type: "button",
      onclick: () => {
        this.dialog.close()
        this.tour(tour)
      },
    }, "Show me around")
    this.open(
      "Help",
      element("ul", {}, ...gestures.map((text) => element("li", {}, text))),
      element("h2", {}, "Views"),
      element(
        "table",
        { className: "views" },
        ...views.map(([title, about]) => element("tr", {}, element("th", {}, title), element("td", {}, about))),
      ),
      element("h2", {}, "Keyboard"),
      element("table", { className: "keys" }, ...shortcuts.map(key)),
      element("div", { className: "row" }, start),
    )
  }

  first_visit(steps) {
    if (window.localStorage.getItem(SEEN) === null) this.tour(steps)
  }

  tour(steps) {
    window.localStorage.setItem(SEEN, "1")
    let at = 0
    this.bubble?.remove()
    const text = element("p"), next = element("button", { type: "button", className: "main" })
    const end = () => {
      this.bubble.remove()
      this.ringed?.classList.remove("ringed")
    }
    const show = () => {
      const [selector, words] = steps[at]
      this.ringed?.classList.remove("ringed")
      this.ringed = this.host.querySelector(selector)
      this.ringed?.classList.add("ringed")
      text.textContent = words
      next.textContent = at === steps.length - 1 ? "Done" : `Next (${at + 1}/${steps.length})`
      const box = this.ringed?.getBoundingClientRect() ?? { left: 200, bottom: 200, top: 200 }
      const below = box.bottom + 170 < window.innerHeight
      this.bubble.style.left = `${Math.max(8, Math.min(box.left, window.innerWidth - 340))}px`
      this.bubble.style.top = below ? `${box.bottom + 10}px` : `${Math.max(8, box.top + 40)}px`
    }
    next.addEventListener("click", () => (++at < steps.length ? show() : end()))
    const leave = ({ key }) => key === "Escape" && end()
    this.bubble = element(
      "div",
      { className: "tour", role: "dialog", "aria-label": "Tour", onkeydown: leave },
      text,
      element("div", { className: "row" }, element("button", { type: "button", onclick: end }, "Skip"), next),
    )
    this.host.append(this.bubble)
    show()
    next.focus()
  }

  say(text) {
    this.toast.textContent = text
    this.toast.hidden = !text
    clearTimeout(this.silence)
    this.silence = setTimeout(() => {
      this.toast.hidden = true
    }, 6000)
  }

  connection(state, words) {
    this.light.className = `light always ${state}`
    this.light.title = words
    this.light.setAttribute("aria-label", words)
  }

  // Bokeh's own client says when the socket goes; when the server answers again the page comes back as it was.
  watch_connection(token) {
    this.token = token
    const { document } = this
    if (document === undefined || this.watched) return
    this.watched = true
    on_lost_connection(document, () => this.connection("lost", "Connection lost"), () => this.come_back())
  }

  // The server knows what was on screen, the browser what was being written and the page's own address.
  come_back() {
    const address = new URL(window.location.href)
    window.sessionStorage.setItem(LOST, JSON.stringify({ search: address.search, writing: this.writing() }))
    address.search = `?link=${this.token}`
    window.location.replace(address.href)
  }

  // What a page that came back was writing, once; its address is the old one again, as this link is soon out of date.
  came_back() {
    const kept = window.sessionStorage.getItem(LOST)
    if (kept === null) return null
    window.sessionStorage.removeItem(LOST)
    const { search, writing } = JSON.parse(kept)
    window.history.replaceState(null, "", window.location.pathname + search)
    return writing
  }
}
