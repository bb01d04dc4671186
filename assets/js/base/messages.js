// Messages of the server, given to the parts of the page.

// Give each field of a message to what shows it; one that nothing shows is an error of the server or of this page.
export function receive(parts, message) {
  const unknown = Object.keys(message).filter((name) => !(name in parts))
  for (const [name, value] of Object.entries(message)) parts[name]?.(value, message)
  if (unknown.length) throw new Error(`The server sent what this page does not show: ${unknown.join(", ")}`)
}
