// Unique identifiers.

/** @param {Uint8Array} data */
export function hex(data) {
  return Array.from(data, (byte) => byte.toString(16).padStart(2, "0")).join("")
}

/** A random UUID. crypto.randomUUID exists on secure addresses only; a group's server may be plain HTTP. */
export function uuid() {
  const random = globalThis.crypto.getRandomValues(new Uint8Array(16))
  random[6] = (random[6] & 0x0f) | 0x40
  random[8] = (random[8] & 0x3f) | 0x80
  const text = hex(random)
  return [text.slice(0, 8), text.slice(8, 12), text.slice(12, 16), text.slice(16, 20), text.slice(20)].join("-")
}
