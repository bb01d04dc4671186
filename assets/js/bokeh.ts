// What the page finds beside its own scripts: Bokeh, whose types come from its wheel, and Panel's model of this script.

import type { Document } from "bokeh/document/document"
import type { add_document_standalone } from "bokeh/embed/standalone"
import type * as Models from "bokeh/models/index"
import type { Request } from "./protocol.d.ts"
import type { Message } from "./payloads.ts"

declare global {
  var Bokeh: {
    readonly Models: typeof Models
    readonly documents: [Document, ...Document[]]
    readonly embed: { readonly add_document_standalone: typeof add_document_standalone }
  }
}

/** Panel's model of a JSComponent: the way to the server. */
export interface PanelModel {
  readonly room: "vet" | "adjudicate" | "campaigns"
  readonly dark: boolean
  "send_msg"(message: Request): void
  on(event: "msg:custom", action: (message: Message) => void): void
  on(event: "after_render", action: () => void): void
}
