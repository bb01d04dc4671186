import { assert, assertEquals } from "../testing.js"
import { RegionEdits } from "./region_edits.js"

/** @import { EditRegion } from "../protocol.d.ts" */

/** @type {(x: number) => EditRegion} */
const edit = (x) => ({ kind: "edit_region", slot: 0, path: [], gesture: "g", x: [x, 9], y: [] })

Deno.test("edits wait for the answer to the one before, and only the latest is sent", () => {
  /** @type {number[]} */
  const sent = []
  const edits = new RegionEdits(({ x }) => sent.push(x[0]))
  for (const x of [1, 2, 3]) edits.edit(edit(x))
  assertEquals(sent, [1])
  edits.received()
  assertEquals(sent, [1, 3])
  assert(edits.pending)
  edits.received()
  assertEquals(sent, [1, 3])
  assert(!edits.pending)
  edits.edit(edit(4))
  assertEquals(sent, [1, 3, 4])
})

Deno.test("each gesture has a name of its own", () => {
  const edits = new RegionEdits(() => {})
  assert(edits.gesture() !== edits.gesture())
})
