// The form of a verdict, which inspectors and adjudicators fill alike. A digit saves; nothing needs the mouse.

// A digit that was pressed before one could see the star was meant for the one before.

import { element, options } from "../base/dom.js"

const SEEN_AFTER_MS = 250

export class VerdictForm {
  constructor(send, say, room) {
    Object.assign(this, { send, say, place: `mgiant-verdict-${room}` })
    this.flags = new Set()
    this.verdicts = element("div", { className: "marks", role: "group", "aria-label": "Verdict" })
    this.boxes = element("div", { className: "flags", role: "group", "aria-label": "Problems" })
    this.note = element("textarea", {
      rows: 2,
      "aria-label": "Comment",
      placeholder: "Comment (c)",
      maxLength: 10000,
      onkeydown: (event) => this.typed(event),
      oninput: () => this.keep(),
    })
    this.values = element("table", { className: "sliders" })
    this.word = element("input", {
      "aria-label": "Proposed class",
      maxLength: 40,
      placeholder: "such as carbon star",
      oninput: () => this.keep(),
    })
    const other = element(
      "details",
      {},
      element("summary", {}, "Propose other values"),
      this.values,
      element("label", { className: "row" }, "Class ", this.word),
      element("p", { className: "hint" }, "Published values stay; the adjudicator sees yours."),
    )
    this.earlier = element("p", { className: "hint" })
    this.el = element(
      "div",
      { className: "form" },
      this.earlier,
      element("h2", {}, "Problems"),
      this.boxes,
      element("h2", {}, "Comment"),
      this.note,
      other,
      element("h2", {}, "Verdict (its digit saves it)"),
      this.verdicts,
    )
    this.other = other
  }

  show({ star, verdicts, flags, quantities, before, taken_back, who, campaign }) {
    Object.assign(this, { who, campaign })
    const fresh = this.star !== star || this.before !== before?.id || taken_back
    if (this.star !== star) this.shown_at = performance.now()
    Object.assign(this, {
      star,
      rules: { verdicts, flags },
      quantities,
      busy: false,
      before: before?.id,
      given: before?.verdict,
    })
    if (!fresh) return
    const said = this.begun() ?? before ?? taken_back
    this.earlier.textContent = before
      ? `You gave ${before.verdict} on ${before.utc.slice(0, 16).replace("T", " ")} UTC; a new verdict replaces it.`
      : ""
    this.earlier.hidden = !before
    this.flags = new Set(said?.flags ?? [])
    this.note.value = said?.note ?? ""
    this.word.value = said?.proposal.class ?? ""
    this.other.open = Boolean(said && Object.keys(said.proposal).length)
    this.inputs = new Map()
    this.values.replaceChildren(...quantities.map(([name, label, unit, published]) => {
      const input = element("input", {
        type: "number",
        step: "any",
        "aria-label": `Proposed ${label}`,
        value: said?.proposal[name] ?? "",
        oninput: () => this.keep(),
      })
      this.inputs.set(name, input)
      return element(
        "tr",
        {},
        element("th", { scope: "row" }, unit ? `${label} [${unit}]` : label),
        element("td", {}, published === null ? "–" : Number(published.toPrecision(4)).toString()),
        element("td", {}, input),
      )
    }))
    this.paint()
  }

  paint() {
    const { verdicts, flags } = this.rules
    this.verdicts.replaceChildren(...verdicts.map(([digit, text]) =>
      element(
        "button",
        {
          type: "button",
          "aria-pressed": String(digit === this.given),
          onclick: () => this.save(digit),
        },
        element("kbd", {}, String(digit)),
        ` ${text}`,
      )
    ))
    this.boxes.replaceChildren(...flags.map(([flag, key]) =>
      element(
        "button",
        {
          type: "button",
          "aria-pressed": String(this.flags.has(flag)),
          onclick: () => this.flip(flag),
        },
        ...(key ? [element("kbd", {}, key)] : []),
        ` ${flag}`,
      )
    ))
  }

  fitted(labels) {
    for (const [name, value] of Object.entries(labels)) {
      const input = this.inputs?.get(name)
      if (input) input.value = Number(value.toPrecision(6))
    }
    this.other.open = true
    this.keep()
  }

  flip(flag) {
    if (!this.flags.delete(flag)) this.flags.add(flag)
    this.paint()
    this.keep()
  }

  // What is begun on a star outlives a look at another one, and a page that is loaded again.
  get shelf() {
    return `${this.place}:${this.who}:${this.campaign}:${this.star}`
  }

  keep() {
    window.sessionStorage.setItem(
      this.shelf,
      JSON.stringify({ flags: [...this.flags], note: this.note.value, proposal: this.proposal() }),
    )
  }

  begun() {
    return JSON.parse(window.sessionStorage.getItem(this.shelf))
  }

  proposal() {
    const proposal = {}
    for (const [name, input] of this.inputs) {
      if (input.value !== "") proposal[name] = Number(input.value)
    }
    if (this.word.value.trim()) proposal.class = this.word.value.trim()
    return proposal
  }

  save(verdict) {
    if (!this.star || this.busy) return
    const draft = {
      kind: "judge",
      id: uuid(),
      star: this.star,
      campaign: this.campaign,
      verdict,
      flags: [...this.flags],
      note: this.note.value,
      proposal: this.proposal(),
    }
    this.resumed = true
    window.sessionStorage.setItem(this.place, JSON.stringify({ who: this.who, campaign: this.campaign, draft }))
    this.hand_in(draft)
  }

  save_seen(verdict) {
    if (performance.now() - this.shown_at > SEEN_AFTER_MS) this.save(verdict)
  }

  hand_in(draft) {
    this.busy = true
    this.send(draft)
  }

  // A verdict is kept here until the server has it: one that was lost on its way is handed in again. Its id makes that safe.
  resume({ who }) {
    const kept = JSON.parse(window.sessionStorage.getItem(this.place))
    if (this.resumed || kept?.who !== who) return
    this.resumed = true
    this.send({ kind: "campaign", id: kept.campaign })
    this.say(`The verdict on ${kept.draft.star} was not received: it is sent again.`)
    this.hand_in(kept.draft)
  }

  saved() {
    const { draft } = JSON.parse(window.sessionStorage.getItem(this.place)) ?? {}
    if (draft) window.sessionStorage.removeItem(`${this.place}:${this.who}:${draft.campaign}:${draft.star}`)
    this.answered("judge")
  }

  answered(kind) {
    if (kind !== "judge") return
    this.busy = false
    window.sessionStorage.removeItem(this.place)
  }

  // The form is free again; the draft waits for a page that is loaded anew, unless another one follows.
  out_of_reach(kind) {
    if (kind === "judge") this.busy = false
  }

  typed(event) {
    if (event.key === "Escape") this.note.blur()
    if (event.key !== "Enter" || !event.ctrlKey) return
    event.preventDefault()
    this.note.blur()
    if (this.given === undefined || this.given === null) {
      this.say("The comment is kept. Now press the digit of a verdict.")
    } else this.save(this.given)
  }

  key(pressed) {
    if (!this.star || !this.rules) return false
    const flag = this.rules.flags.find(([, key]) => key === pressed)
    const verdict = this.rules.verdicts.find(([digit]) => String(digit) === pressed)
    if (flag) this.flip(flag[0])
    else if (verdict) this.save_seen(verdict[0])
    else if (pressed === "c") this.note.focus()
    else if (pressed === "u") this.send({ kind: "vet_undo", id: uuid() })
    else if (pressed === "U") this.send({ kind: "vet_redo", id: uuid() })
    else return false
    return true
  }
}

// crypto.randomUUID exists on secure addresses only; a group's server may be plain HTTP in its own network.
function uuid() {
  const random = window.crypto.getRandomValues(new Uint8Array(16))
  random[6] = (random[6] & 0x0f) | 0x40
  random[8] = (random[8] & 0x3f) | 0x80
  const hex = [...random].map((byte) => byte.toString(16).padStart(2, "0")).join("")
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-")
}

// Who is here, the way out, and the campaign.
export function campaign_picker(send) {
  const select = element("select", {
    "aria-label": "Campaign",
    onchange: () => send({ kind: "campaign", id: select.value }),
  })
  const who = element("strong", {}), out = element("a", { href: "./logout" }, "Sign out")
  const show = ({ campaigns, campaign, who: name, signed }) => {
    who.textContent = name
    out.hidden = !signed
    options(select, campaigns.map(([id, name]) => [id, name]), campaign)
    select.hidden = !campaigns.length
  }
  return { el: select, who, out, show }
}

export function listen_to_verdict_keys(host, form, more = {}) {
  const listen = (event) => {
    if (!host.isConnected) return window.removeEventListener("keydown", listen)
    const target = event.composedPath()[0]
    const typing = target instanceof Element && target.closest("input, textarea, select, dialog, [contenteditable]")
    if (typing || event.ctrlKey || event.metaKey || event.altKey || event.repeat || !host.offsetParent) return
    if (more[event.key]) more[event.key]()
    else if (!form.key(event.key)) return
    event.preventDefault()
  }
  window.addEventListener("keydown", listen)
}
