// Edits of regions on their way to the server: one at a time, of which only the latest waits.

/** @import { EditRegion } from "../protocol.d.ts" */

export class RegionEdits {
  /** @type {EditRegion | null} */
  next = null
  sent = false
  count = 0

  /** @param {(message: EditRegion) => void} send */
  constructor(send) {
    this.send = send
  }

  /** Name of a new gesture, whose edits are one step of undo. */
  gesture() {
    this.count += 1
    return `${Date.now()}-${this.count}`
  }

  /** @param {EditRegion} edit */
  edit(edit) {
    this.next = edit
    if (!this.sent) this.flush()
  }

  /** The server has drawn the last edit, or refused it. */
  received() {
    this.sent = false
    this.flush()
  }

  /** Whether the server does not know all edits yet. */
  get pending() {
    return this.sent || this.next !== null
  }

  flush() {
    const { next } = this
    if (next === null) return
    this.next = null
    this.sent = true
    this.send(next)
  }
}
