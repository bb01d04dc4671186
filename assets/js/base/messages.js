// Messages of the server, passed to the parts of the page.

/** @import { Message, Parts } from "../payloads.ts" */

/**
 * Pass each field of a message to its receiver; a field without one is an error of the server or of this page.
 *
 * @param {Parts} parts
 * @param {Message} message
 */
export function receive(parts, message) {
  // Each receiver takes the type of its field, which TypeScript cannot infer for a name from a message.
  const known = /** @type {Map<string, (value: unknown, message: Message) => void>} */ (new Map(Object.entries(parts)))
  const fields = Object.entries(message)
  for (const [name, value] of fields) known.get(name)?.(value, message)
  const unknown = fields.map(([name]) => name).filter((name) => !known.has(name))
  if (unknown.length) throw new Error(`The server sent unknown message fields: ${unknown.join(", ")}`)
}
