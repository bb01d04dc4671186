// A file in one message, or where it is large in parts that go before it.

const PART_BYTES = 512000
const FEW_PARTS = 2

export async function sendFile(send, kind, file, partKind = "upload") {
  const data = new Uint8Array(await file.arrayBuffer())
  const encoded = (from, to) => {
    let text = ""
    for (let at = from; at < Math.min(to, data.length); at += 32768) {
      text += String.fromCharCode(...data.subarray(at, Math.min(at + 32768, to)))
    }
    return btoa(text)
  }
  if (data.length <= FEW_PARTS * PART_BYTES) return send({ kind, size: data.length, data: encoded(0, data.length) })
  const upload = `${Date.now()}-${Math.random()}`
  for (let part = 0; part * PART_BYTES < data.length; part++) {
    send({ kind: partKind, upload, part, data: encoded(part * PART_BYTES, (part + 1) * PART_BYTES) })
  }
  return send({ kind, size: data.length, upload })
}
