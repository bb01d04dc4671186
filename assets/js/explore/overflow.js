// The end of a toolbar that does not fit: its items move under a button, the last ones first.

import { icon, popup } from "../base/dom.js"
import { excess } from "../base/sizes.js"

const STAYS = ".always, .stays"
const BUTTON = 26

export class Overflow {
  /** @type {Map<HTMLElement, number>} - Widths in the bar. */
  widths = new Map()
  /** @type {Map<Element, number>} - Largest widths of those that stay: a key that shrinks when others leave moves none back. */
  staying = new Map()
  barWidth = 0
  moved = 0

  /**
   * @param {HTMLElement} bar - Its children of the classes `always`, `stays`, `gap` and `extras` remain.
   * @param {HTMLElement[]} first - Those that leave first, in this order; the others follow from the end of the bar.
   */
  constructor(bar, first) {
    this.bar = bar
    /** @type {NodeListOf<HTMLElement>} */
    const leaving = bar.querySelectorAll(`:scope > :not(${STAYS}, .gap, .extras, .popup)`)
    const children = [...leaving]
    this.items = [...children.filter((item) => !first.includes(item)), ...first.toReversed()]
    this.places = this.items.map((item) => {
      const place = document.createComment("") // where an item returns to
      item.before(place)
      return place
    })
    this.button = icon("more_horiz", "More tools", null, { className: "stays", hidden: true, "aria-expanded": "false" })
    this.menu = popup(this.button, () => this.items.slice(this.items.length - this.moved))
    this.menu.el.classList.add("more-tools")
    this.menu.el.addEventListener("toggle", ({ newState }) => newState === "closed" && this.fit())
    bar.querySelector(".gap")?.after(this.button)
    bar.append(this.menu.el)
    const resized = new ResizeObserver(() => this.fit())
    for (const child of bar.children) resized.observe(child)
    resized.observe(bar)
  }

  /** Move items to where they fit; an open menu stays as it is. */
  fit() {
    const { bar, items, menu } = this
    if (menu.el.matches(":popover-open") || !bar.clientWidth) return
    const gap = Number.parseFloat(getComputedStyle(bar).columnGap) || 0
    for (const item of items.slice(0, items.length - this.moved)) this.widths.set(item, outer(item, gap))
    if (bar.clientWidth !== this.barWidth) this.staying.clear()
    this.barWidth = bar.clientWidth
    for (const child of bar.querySelectorAll(":scope > :is(.always, .stays)")) {
      if (child !== this.button) this.staying.set(child, Math.max(outer(child, gap), this.staying.get(child) ?? 0))
    }
    const fixed = [...this.staying.values()].reduce((sum, width) => sum + width, 0)
    const room = innerWidthOf(bar) + gap - fixed
    const count = excess(items.map((item) => this.widths.get(item) ?? 0), room, BUTTON + gap)
    if (count !== this.moved) this.move(count)
  }

  /** @param {number} count */
  move(count) {
    const first = this.items.length - count
    for (const [k, item] of this.items.entries()) {
      if (k >= first) this.menu.el.append(item)
      else if (item.parentNode !== this.bar) this.places[k].after(item)
    }
    this.moved = count
    this.button.hidden = !count
  }
}

/**
 * Width of an item with its margins and the gap beside it; 0 if it is hidden.
 *
 * @param {Element} item
 * @param {number} gap
 */
function outer(item, gap) {
  if (!(item instanceof HTMLElement) || !item.offsetWidth) return 0
  const { marginLeft, marginRight } = getComputedStyle(item)
  return item.offsetWidth + Number.parseFloat(marginLeft) + Number.parseFloat(marginRight) + gap
}

/** @param {HTMLElement} bar */
function innerWidthOf(bar) {
  const { paddingLeft, paddingRight } = getComputedStyle(bar)
  return bar.clientWidth - Number.parseFloat(paddingLeft) - Number.parseFloat(paddingRight)
}
