// Shortcuts with what they do, for help.

import { element } from "./dom.js"

/** @param {readonly (readonly [keys: string, meaning: string])[]} shortcuts */
export function keyTable(shortcuts) {
  const rows = shortcuts.map(([keys, meaning]) =>
    element(
      "tr",
      {},
      element("th", {}, ...keys.split(" ").map((key) => element("kbd", {}, key))),
      element("td", {}, meaning),
    )
  )
  return element("table", { className: "keys" }, ...rows)
}
