// Name of the user, sign-out, and choice of the campaign.

/** @import { CampaignChoice } from "../payloads.ts" */
/** @import { Request } from "../protocol.d.ts" */

import { element } from "../base/dom.js"
import { options } from "../base/lists.js"

/** @param {(message: Request) => void} send */
export function campaignPicker(send) {
  /** @type {HTMLSelectElement} */
  const select = element("select", {
    "aria-label": "Campaign",
    onchange: () => send({ kind: "campaign", id: select.value }),
  })
  const person = element("strong", {})
  const out = element("a", { href: "./logout" }, "Sign out")
  const show = (/** @type {CampaignChoice} */ { campaigns, campaign, person: name, signed }) => {
    person.textContent = name
    out.hidden = !signed
    options(select, campaigns, campaign)
    select.hidden = !campaigns.length
  }
  return { el: select, person, out, show }
}
