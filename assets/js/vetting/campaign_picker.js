// Name of the user, sign-out, and choice of the campaign.

/** @import { CampaignChoice } from "../payloads.ts" */
/** @import { Enter, Request } from "../protocol.d.ts" */

import { element } from "../base/dom.js"
import { options } from "../base/lists.js"

/**
 * A button that goes to another room.
 *
 * @param {(message: Request) => void} send
 * @param {Enter["room"]} room
 */
export function enterButton(send, room) {
  const go = () => send({ kind: "enter", room })
  return element("button", { type: "button", className: "main enter", hidden: true, onclick: go }, `Go to ${room}`)
}

/** @param {(message: Request) => void} send */
export function campaignPicker(send) {
  /** @type {HTMLSelectElement} */
  const select = element("select", {
    "aria-label": "Campaign",
    onchange: () => send({ kind: "campaign", id: select.value }),
  })
  const person = element("strong", {})
  const out = element("a", { href: "./logout", hidden: true }, "Sign out") // until the state says that one can
  const show = (/** @type {CampaignChoice} */ { campaigns, campaign, person: name, signed }) => {
    person.textContent = name
    out.hidden = !signed
    options(select, campaigns, campaign)
    select.hidden = !campaigns.length
  }
  return { el: select, person, out, show }
}
