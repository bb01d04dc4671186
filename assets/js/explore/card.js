// A view of the grid: its title with menus, and its plot.

/** @import { Bars as BarsFigure } from "../figures/bars.js" */
/** @import { BarsLayer, BarsSpec, Layer, Legend, MapSpec, MissingSpec, OverlaySpec } from "../payloads.ts" */
/** @import { Palettes, PlaneLayer, PlaneSpec, ViewSpec } from "../payloads.ts" */
/** @import { ChooseMap, FittedCurves, RegionMark } from "../protocol.d.ts" */
/** @import { Stage } from "./stage.js" */

import { PICTURE_FORMS } from "../base/declared.js"
import { element, icon, popup, relabel } from "../base/dom.js"
import { captionWords, gradient, wholeLegend } from "../base/legend.js"
import { options } from "../base/lists.js"
import { shortCount } from "../base/words.js"
import { Bars } from "../figures/bars.js"
import { Corner } from "../figures/corner.js"
import { DiscMap } from "../figures/disc_map.js"
import { Plane } from "../figures/plane.js"
import { RegionLayer } from "../figures/regions.js"
import { SkyMap } from "../figures/sky_map.js"
import { Space } from "../figures/space.js"
import { AxesForm } from "./axes_form.js"
import { CornerForm } from "./corner_form.js"
import { projectionRows } from "./projection_form.js"
import { RegionsForm } from "./regions_form.js"

/** @type {[of: ChooseMap["of"], label: string][]} */
const MAPS_OF = [["selected", "selected"], ["all", "all stars"], ["difference", "selected - all"]]
const NOTHING = "No options: see the message of the view."

export class Card {
  /** @type {ViewSpec | null} */
  spec = null
  /** @type {Plane | Bars | null} */
  view = null
  /** @type {RegionLayer | null} */
  regions = null
  /** @type {RegionMark[]} */
  marks = []
  /** @type {Legend | null} - Colours of the view's own. */
  legend = null
  noted = "" // words of the note

  /**
   * @param {number} slot
   * @param {Stage} stage
   */
  constructor(slot, stage) {
    const { send } = stage
    this.slot = slot
    this.stage = stage
    /** @type {HTMLSelectElement} */
    this.select = element("select", {
      className: "view",
      title: "Show another view here",
      "aria-label": "View",
      onchange: () => send({ kind: "swap", slot, view: this.select.value }),
    })
    /** @type {HTMLSelectElement} */
    this.part = element("select", {
      className: "part",
      title: "Slice in height |Z|",
      "aria-label": "Slice in height",
      onchange: () => send({ kind: "part", slot, part: Number(this.part.value) }),
    })
    /** @type {HTMLSelectElement} */
    this.of = element("select", {
      className: "part",
      title: "Map of selected stars, of all, or their difference",
      "aria-label": "Stars of the map",
      onchange: () => send({ kind: "choose_map", slot, of: /** @type {ChooseMap["of"]} */ (this.of.value) }),
    })
    this.caption = element("span", { className: "caption" })
    this.bar = element("span", { className: "legend" })
    this.hidden = element("em")
    const more = icon("more_vert", "Axes, overlays and pictures", null, { "aria-expanded": "false" })
    this.popup = popup(more, () => this.menu())
    this.regionsForm = new RegionsForm(slot, send, () => this.refreshMenu())
    this.grow = icon("open_in_full", "Enlarge", () => send({ kind: "enlarge", slot }))
    this.extras = element("div", { className: "extras" }, this.hidden, this.bar, this.caption)
    this.key = element("button", { type: "button", className: "more", hidden: true, "aria-expanded": "false" }, "Key")
    this.keys = popup(this.key, () => this.wholeKey())
    const head = element("header", {}, this.select, this.part, this.of, this.extras, this.key, more, this.grow)
    this.plot = element("div", { className: "plot" })
    this.el = element("section", { className: "card" }, head, this.plot, this.popup.el, this.keys.el)
    this.fitting = new ResizeObserver(() => this.fitKey())
    this.fitting.observe(this.extras)
  }

  /** Offer key and note in a popover where they do not fit beside the title. */
  fitKey() {
    const top = this.extras.getBoundingClientRect().top
    const cut = [this.hidden, this.bar, this.caption].some((part) =>
      part.childNodes.length > 0 && part.getBoundingClientRect().top > top + 2
    )
    this.key.hidden = !cut
    if (!cut) this.keys.close()
  }

  wholeKey() {
    const { spec, legend } = this
    const captions = spec?.caption.map((caption) => element("li", {}, captionWords(caption))) ?? []
    return [
      legend ? wholeLegend(legend) : null,
      captions.length ? element("ul", { className: "captions" }, ...captions) : null,
      spec?.kind === "plane" && spec.about ? element("p", { className: "hint" }, spec.about) : null,
      this.hidden.title ? element("p", { className: "hint refused" }, `${this.hidden.title}.`) : null,
    ]
  }

  refreshKey() {
    this.keys.refresh()
    this.fitKey()
  }

  /** @param {Legend | null} legend */
  showBar(legend) {
    if (JSON.stringify(legend) === JSON.stringify(this.legend)) return // after most brushes
    this.legend = legend
    this.bar.replaceChildren(...(legend ? gradient(legend) : []))
    this.refreshKey()
  }

  close() {
    this.view?.close()
  }

  /** Close a card that leaves the page. */
  leave() {
    this.close()
    this.fitting.disconnect()
  }

  /** @param {ViewSpec} spec */
  fill(spec) {
    this.close()
    this.spec = spec
    this.view = null
    this.regions = null
    options(this.select, this.stage.catalogue, spec.view)
    const map = spec.kind === "plane" ? spec.map : undefined
    this.part.hidden = !map
    this.of.hidden = !map
    if (map) {
      options(this.part, map.parts.map(([label, lacking], k) => [k, label, lacking]), map.part)
      options(this.of, MAPS_OF, map.of)
    }
    this.caption.title = "about" in spec ? spec.about : ""
    this.caption.replaceChildren(...spec.caption.map(captionWords))
    this.note(null)
    this.key.setAttribute("aria-label", `Key of ${spec.title}`)
    this.showBar(null)
    this.refreshKey()
    this.el.setAttribute("aria-label", spec.title)
    if (spec.kind === "missing") {
      this.popup.close()
      this.plot.replaceChildren(element("p", { className: "sentence" }, spec.sentence))
      return
    }
    this.plot.replaceChildren()
    const { stage } = this
    const view = this.figureOf(spec)
    const { colours, theme, tool } = stage.look
    this.view = view
    this.regions = new RegionLayer(view, stage.edits, stage.send, (mark) => this.showNumbers(mark))
    view.placed = () => this.regions?.place()
    this.regions.receive(this.marks)
    this.plot.append(this.regions.el)
    view.recolour(colours, theme)
    void view.show(theme, tool)
    this.refreshMenu()
  }

  /** @param {Exclude<ViewSpec, MissingSpec>} spec */
  figureOf(spec) {
    const { slot, stage, plot } = this
    /** @type {Space["sendTurn"]} */
    const send = (message) => stage.fromView(message)
    if (spec.kind === "bars") return new Bars(plot, spec, slot, send)
    if (spec.kind === "corner") return new Corner(plot, spec, slot, send)
    const { space } = spec
    if (space) return new Space(plot, { ...spec, space }, slot, send)
    const Shown = spec.map ? DiscMap : spec.sky ? SkyMap : Plane
    return new Shown(plot, spec, slot, send)
  }

  /** Show the view's new state in an open menu, where the keyboard stays at what it changed. */
  refreshMenu() {
    const root = this.el.getRootNode()
    const at = root instanceof ShadowRoot || root instanceof Document ? root.activeElement : null
    const label = at && this.popup.el.contains(at) ? fieldName(at) : null
    this.popup.refresh()
    if (label === null) return
    const fields = [...this.popup.el.querySelectorAll("select, input, button")]
    const same = fields.find((field) => fieldName(field) === label)
    if (same instanceof HTMLElement) same.focus()
  }

  /**
   * @param {Layer} layer
   * @param {Uint8Array} pixels
   * @param {Palettes} colours
   */
  receive(layer, pixels, colours) {
    if (layer.name === "map") this.showBar(layer.bar)
    if (this.view instanceof Bars) {
      if (!isBars(layer)) return
      this.view.receive(layer)
      if (layer.name === "everything") this.refreshMenu() // the bars set an axis
    } else if (!isBars(layer)) this.view?.receive(layer, pixels, colours)
  }

  /** @param {RegionMark[]} marks - Of this view. */
  receiveRegions(marks) {
    const numbers = (/** @type {RegionMark[]} */ of) =>
      JSON.stringify(of.map(({ form, path, fields }) => [form, path, fields]))
    const changed = numbers(marks) !== numbers(this.marks)
    this.marks = marks
    this.regions?.receive(marks)
    if (changed) this.refreshMenu()
  }

  /**
   * Open the menu at the numbers of a region.
   *
   * @param {RegionMark} mark
   */
  showNumbers(mark) {
    this.popup.el.showPopover()
    const label = `Region ${this.marks.indexOf(mark) + 1}:`
    const field = this.popup.el.querySelector(`[aria-label^="${label}"]`)
    if (field instanceof HTMLElement) field.focus()
  }

  /**
   * Note on selected stars that the view does not show.
   *
   * @param {[words: string, title: string] | null} text
   */
  note(text) {
    const [words, title] = text ?? ["", ""]
    if (words === this.noted && title === this.hidden.title) return // after most brushes
    this.noted = words
    this.hidden.title = title
    this.hidden.replaceChildren(
      ...(words
        ? [
          element("span", { className: "icon", role: "img", "aria-label": title }, "visibility_off"),
          element("span", { className: "long" }, words),
          element("span", { className: "short" }, shortCount(words)),
        ]
        : []),
    )
    this.fitKey()
  }

  /** @param {number | null | undefined} slot - Of the view that is alone. */
  enlarge(slot) {
    const alone = slot === this.slot
    this.el.hidden = slot !== null && slot !== undefined && !alone
    this.el.classList.toggle("alone", alone)
    relabel(this.grow, alone ? "close_fullscreen" : "open_in_full", alone ? "Back" : "Enlarge")
  }

  menu() {
    const { slot, spec, stage } = this
    if (spec === null || spec.kind === "missing") return [element("p", { className: "hint" }, NOTHING)]
    const { send, columns, book } = stage
    const form = new AxesForm(slot, send, columns, book)
    const isProjected = spec.kind === "plane" && (spec.sky || spec.space)
    const axes = spec.kind === "corner"
      ? new CornerForm(slot, send, columns, book).rows(spec)
      : isProjected
      ? projectionRows(form, spec, this.view)
      : this.view
      ? form.rows(spec, this.view)
      : []
    const picture = (/** @type {string} */ form) =>
      element(
        "button",
        { type: "button", onclick: () => stage.send({ kind: "picture", slot, form }) },
        form.toUpperCase(),
      )
    const map = spec.kind === "plane" && spec.map ? [this.mapRow(spec.map)] : []
    return [
      ...map,
      ...axes,
      ...(spec.kind === "corner" ? [] : [this.regionsForm.rows(spec, this.marks)]),
      ...spec.overlays.map((overlay) => this.overlayBox(overlay)),
      element("div", { className: "row" }, "Picture ", ...PICTURE_FORMS.map(picture)),
    ]
  }

  /**
   * Slice and stars of a map, which the title of a narrow view has no room for.
   *
   * @param {MapSpec} map
   */
  mapRow({ parts }) {
    /** @type {HTMLSelectElement} */
    const part = element("select", { "aria-label": "Height", onchange: () => choose(this.part, part.value) })
    options(part, parts.map(([label, lacking], k) => [k, label, lacking]), this.part.value)
    /** @type {HTMLSelectElement} */
    const of = element("select", { "aria-label": "Map of", onchange: () => choose(this.of, of.value) })
    options(of, MAPS_OF, this.of.value)
    return element("div", { className: "row" }, "|Z| ", part, " Map of ", of)
  }

  /** @param {OverlaySpec} overlay */
  overlayBox({ name, label, on }) {
    const { slot, stage } = this
    /** @type {HTMLInputElement} */
    const box = element("input", {
      type: "checkbox",
      checked: on,
      "aria-label": label,
      onchange: () => stage.send({ kind: "switch", slot, name, on: box.checked }),
    })
    return element("label", {}, box, ` ${label}`)
  }

  /**
   * @param {string} name
   * @param {boolean} on
   */
  switched(name, on) {
    for (const overlay of this.spec?.overlays ?? []) if (overlay.name === name) overlay.on = on
    if (this.view instanceof Plane) this.view.switchOverlay(name, on)
  }

  /** @param {FittedCurves} curves */
  fitCurves(curves) {
    this.view?.fitCurves(curves)
  }

  /**
   * @param {number[]} xs
   * @param {number[]} ys
   */
  mark(xs, ys) {
    if (this.view instanceof Plane) this.view.mark(xs, ys)
  }
}

/** @param {Element} field - Whose label may have its value too. */
function fieldName(field) {
  return field.getAttribute("data-field") ?? field.getAttribute("aria-label")
}

/** @type {(select: HTMLSelectElement, value: string) => void} */
function choose(select, value) {
  select.value = value
  select.dispatchEvent(new Event("change"))
}

/**
 * @param {PlaneLayer | BarsLayer} layer
 * @returns {layer is BarsLayer}
 */
function isBars(layer) {
  return "counts" in layer
}
