// Typed arrays from what the server sends.

export function bytes(buffer) {
  return buffer instanceof ArrayBuffer
    ? new Uint8Array(buffer)
    : new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength)
}

export function plain(values) {
  return values === undefined || values === null ? undefined : new Float32Array(values)
}
