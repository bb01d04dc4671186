// A file in one message; a large one in parts that precede it.

/** @import { Request } from "../protocol.d.ts" */

import { LIMITS } from "./declared.js"

const FEW_PARTS = 2
const STRIDE = 32768 // arguments that a function takes

/** @typedef {{ kind: "members" | "merge" | "open_session" } | { kind: "overlay_file", name: string }} FileMessage */

/**
 * Bytes in base64.
 *
 * @param {Uint8Array} data
 */
export function base64(data) {
  let text = ""
  for (let at = 0; at < data.length; at += STRIDE) text += String.fromCharCode(...data.subarray(at, at + STRIDE))
  return btoa(text)
}

/**
 * The messages of a file, in their order.
 *
 * @param {FileMessage} request - Without the file.
 * @param {Uint8Array} data
 * @param {"upload" | "record_part"} partKind
 * @param {string} upload - What the parts are called.
 * @returns {Generator<Request>}
 */
export function* uploadMessages(request, data, partKind, upload) {
  if (data.length <= FEW_PARTS * LIMITS.partBytes) {
    yield { ...request, size: data.length, data: base64(data) }
    return
  }
  for (let part = 0; part * LIMITS.partBytes < data.length; part++) {
    const piece = data.subarray(part * LIMITS.partBytes, (part + 1) * LIMITS.partBytes)
    yield { kind: partKind, upload, part, data: base64(piece) }
  }
  yield { ...request, size: data.length, upload }
}

/**
 * @param {(message: Request) => void} send
 * @param {FileMessage} request - Without the file.
 * @param {Blob} file
 * @param {"upload" | "record_part"} [partKind]
 */
export async function sendFile(send, request, file, partKind = "upload") {
  const data = new Uint8Array(await file.arrayBuffer())
  for (const message of uploadMessages(request, data, partKind, `${Date.now()}-${Math.random()}`)) send(message)
}
