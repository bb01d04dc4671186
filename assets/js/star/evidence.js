// Evidence for the fit: chi-squared by window, correlation, Ca II lines, hull, posterior, and stars that are alike.

/** @import { ChartOptions } from "../figures/chart.js" */
/** @import { Correlation, EvidenceState, HullState, PosteriorState, Refusal, Star } from "../payloads.ts" */
/** @import { Alikes, Request } from "../protocol.d.ts" */

import { LIMITS } from "../base/declared.js"
import { element } from "../base/dom.js"
import { withError } from "../base/words.js"
import { Chart } from "../figures/chart.js"
import { binned, endsOf } from "../figures/scales.js"

const NO_CCF =
  "The CCF is stored only for stars with a doubtful velocity, and this star has no model to correlate with."
const BINS = 24
/** @type {[by: string, label: string][]} */
const KINDS = [["spectrum", "by spectrum"], ["labels", "by labels"], ["training", "training stars"]]

const hint = (/** @type {string} */ text) => element("p", { className: "hint" }, text)
const heading = (/** @type {string} */ text) => element("h3", {}, text)

export class EvidencePane {
  /** @type {Chart[]} */
  charts = []
  /** @type {string | null} - Star of which the server was asked. */
  asked = null
  /** @type {EvidenceState | null} */
  evidence = null

  /** @param {(message: Request) => void} send */
  constructor(send) {
    this.send = send
    const part = () => element("section")
    this.parts = { fit: part(), velocity: part(), hull: part(), posterior: part(), alike: part() }
    this.count = element("input", { type: "number" })
    this.list = element("div")
    this.el = element("div", { className: "evidence" }, ...Object.values(this.parts))
  }

  /** Request the evidence again when the pane is next shown. */
  forget() {
    this.asked = null
  }

  /** @param {Star | null} star */
  ask(star) {
    const obsid = star?.obsid ?? null
    if (obsid !== null && this.asked === obsid) return
    this.asked = obsid
    this.charts = []
    for (const part of Object.values(this.parts)) part.replaceChildren()
    if (obsid === null) return
    this.parts.fit.replaceChildren(hint("Gathering evidence …"))
    this.send({ kind: "evidence" })
  }

  /** @param {Omit<ChartOptions, "width"> & { width?: number }} options */
  chart(options) {
    const made = new Chart({ width: Math.max(Math.min(this.el.clientWidth - 12, 900), 240), ...options })
    this.charts.push(made)
    return made
  }

  repaint() {
    for (const chart of this.charts) chart.paint()
  }

  /** @param {EvidenceState | Refusal} evidence */
  receive(evidence) {
    if (!("windows" in evidence)) {
      this.parts.fit.replaceChildren(element("p", { className: "sentence" }, evidence.sentence))
      return
    }
    if (evidence.obsid !== this.asked) return
    this.evidence = evidence
    this.fit(evidence)
    this.velocity(evidence)
    this.hull(evidence.hull)
    this.alikeHead()
    this.parts.posterior.replaceChildren(...(evidence.hull ? [heading("Posterior"), hint("Drawing …")] : []))
  }

  /** @param {EvidenceState} evidence */
  fit({ windows }) {
    const heights = windows.map(([, , value]) => value)
    const known = heights.filter((value) => value !== null)
    if (!known.length) {
      this.parts.fit.replaceChildren(heading("χ² by window"), hint("No residuals, as there is no model."))
      return
    }
    const chart = this.chart({
      height: 120,
      x: "rest wavelength [Å]",
      y: "reduced χ²",
      label: "Reduced chi-squared by window of 250 Å",
    })
    this.parts.fit.replaceChildren(heading("χ² by window of 250 Å, noise and model error together"), chart.el)
    const end = windows[windows.length - 1][1]
    const edges = [...windows.map(([low]) => low), end]
    chart.draw([edges[0], end], [0, Math.max(1.3, ...known) * 1.08], [
      { kind: "bars", edges, heights, colour: "strong" },
      { kind: "level", at: 1, colour: "text" },
    ])
  }

  /** @param {EvidenceState} evidence */
  velocity({ ccf, lines, rv }) {
    const drawn = [
      ...ccf.map((correlation) => this.correlation(correlation)),
      ...(lines.length ? [this.lines(lines, rv)] : []),
    ]
    const none = ccf.length ? [] : [hint(NO_CCF)]
    this.parts.velocity.replaceChildren(heading("Velocity"), ...none, ...drawn.flatMap(({ content }) => content))
    for (const { draw } of drawn) draw()
  }

  /** @param {Correlation} correlation */
  correlation({ x, y, peaks, template }) {
    const chart = this.chart({
      height: 120,
      x: "radial velocity [km/s]",
      y: "correlation",
      label: "Cross-correlation function",
    })
    const texts = peaks.map(([at, height]) => `${at.toFixed(0)} km/s (${height.toFixed(2)})`).join(", ")
    const draw = () =>
      chart.draw([x[0], x[x.length - 1]], endsOf(y), [
        { kind: "line", xs: x, ys: y, colour: "strong" },
        ...peaks.map(([at]) => ({ kind: /** @type {const} */ ("upright"), at, colour: "warn" })),
      ])
    return { content: [hint(`CCF with ${template}; peaks: ${texts || "none"}`), chart.el], draw }
  }

  /**
   * @param {EvidenceState["lines"]} lines
   * @param {number | null} rv
   */
  lines(lines, rv) {
    const xs = lines.map(([, at]) => at)
    const errors = lines.map(([, , error]) => error || 0)
    const ys = lines.map((_, k) => lines.length - k)
    const rows = lines.map(([name], k) => ({ value: ys[k], text: name.replace(/\D/g, "") }))
    const chart = this.chart({
      height: 92,
      x: "radial velocity [km/s]",
      rows,
      label: "Velocities of the Ca II lines",
    })
    /** @type {(error: number) => string} */
    const known = (error) => (Number.isFinite(error) ? error.toFixed(1) : "?")
    const texts = lines.map(([name, at, error]) => `${name} ${at.toFixed(1)} ± ${known(error)}`).join("; ")
    const reach = [...xs.map((x, k) => x - errors[k]), ...xs.map((x, k) => x + errors[k])]
    const draw = () =>
      chart.draw(endsOf(rv === null ? reach : [...reach, rv], 0.15), [0.4, lines.length + 0.6], [
        { kind: "spans", xs, ys, errors, colour: "strong" },
        ...(rv === null ? [] : [{ kind: /** @type {const} */ ("upright"), at: rv, colour: "warn" }]),
      ])
    return { content: [hint(`${texts} km/s; dashed: published`), chart.el], draw }
  }

  /** @param {HullState | undefined} hull */
  hull(hull) {
    if (!hull) {
      this.parts.hull.replaceChildren()
      return
    }
    const { names, training, star } = hull
    const width = Math.max(Math.min((this.el.clientWidth - 24) / 2, 440), 130)
    const height = Math.max(130, 0.6 * width)
    const drawn = [[0, 1], [2, 3]].filter(([, y]) => y < names.length).map(([x, y]) => {
      const chart = this.chart({ width, height, x: names[x][1], y: names[y][1], label: "Training stars" })
      return { x, y, chart }
    })
    const words = `Nearest training star at ${hull.distance} standard deviations of the training labels; ` +
      `beyond ${hull.limit} the star counts as outside.`
    this.parts.hull.replaceChildren(
      heading("Place among the training stars"),
      element("div", { className: "row" }, ...drawn.map(({ chart }) => chart.el)),
      element("p", { className: hull.outside ? "hint warn" : "hint" }, words),
    )
    for (const { x, y, chart } of drawn) {
      const xs = training[x]
      const ys = training[y]
      chart.draw(endsOf([...xs, star[x]]), endsOf([...ys, star[y]]), [
        { kind: "dots", xs, ys, colour: "soft", size: 1.2, alpha: 0.45 },
        { kind: "dots", xs: [star[x]], ys: [star[y]], colour: "warn", size: 4, alpha: 1 },
      ])
    }
  }

  /** @param {PosteriorState | (Refusal & { obsid: string })} posterior */
  posterior(posterior) {
    const hull = this.evidence?.hull
    if (posterior.obsid !== this.asked || !hull) return
    if (!("draws" in posterior)) {
      this.parts.posterior.replaceChildren(heading("Posterior"), hint(posterior.sentence))
      return
    }
    const { draws, effective } = posterior
    const n = hull.names.length
    const reach = hull.names.map((_, k) => endsOf([...draws[k], hull.star[k]], 0.1))
    const size = Math.max(Math.min((this.el.clientWidth - 70) / n, 200), 56)
    const cells = []
    /** @type {(() => void)[]} */
    const later = []
    for (let down = 0; down < n; down++) {
      for (let across = 0; across < n; across++) {
        if (across > down) {
          cells.push(element("span"))
          continue
        }
        const { el, chart } = this.corner(hull.names, down, across, size)
        if (across === down) {
          const text = withError(posterior.fitted[down], posterior.calibrated[down])
          el.prepend(element("small", {}, `${hull.names[down][1]}  ${text}`))
        }
        cells.push(el)
        later.push(() => drawCorner(chart, draws, hull.star, reach, down, across))
      }
    }
    const words = `Draws from the likelihood of noise and model (worth ${effective} independent ones); published in ` +
      "orange. Calibrated errors, which also cover what the model does not know, are the ± beside each label."
    this.parts.posterior.replaceChildren(
      heading("Posterior"),
      element("div", { className: "corners", style: `grid-template-columns: repeat(${n}, auto)` }, ...cells),
      hint(words),
    )
    later.forEach((draw) => draw())
  }

  /**
   * One cell of the corner plot. Only outer cells have numbers, as the others share their axes.
   *
   * @param {HullState["names"]} names
   * @param {number} down
   * @param {number} across
   * @param {number} size
   */
  corner(names, down, across, size) {
    const sides = { x: down === names.length - 1, y: across === 0 && down > 0 }
    const below = sides.x ? 16 : 4
    const left = across === 0 ? 40 : 4
    const chart = this.chart({
      width: size + left - 4,
      height: size + below - 4,
      margin: [4, 4, below, left],
      sides,
      label: `${names[across][0]} against ${names[down][0]}`,
    })
    const title = `${names[across][1]}${across === down ? "" : ` against ${names[down][1]}`}`
    return { el: element("div", { className: "corner", title }, chart.el), chart }
  }

  alikeHead() {
    this.count = element("input", {
      type: "number",
      min: 1,
      max: LIMITS.alike,
      value: 20,
      "aria-label": "How many",
      title: "How many to select",
    })
    const show = KINDS.map(([by, label]) =>
      element("button", { type: "button", onclick: () => this.send({ kind: "alike", by }) }, label)
    )
    const pick = KINDS.map(([by, label]) =>
      element("button", {
        type: "button",
        title: `Select this star and those nearest ${label}`,
        onclick: () => this.send({ kind: "alike_select", by, count: Math.round(Number(this.count.value)) }),
      }, label)
    )
    this.list = element("div", { className: "row wrap" })
    this.parts.alike.replaceChildren(
      heading("Stars like this"),
      element("div", { className: "row wrap" }, "Show", ...show),
      element("div", { className: "row wrap" }, "Select", this.count, ...pick),
      this.list,
    )
  }

  /** @param {Alikes} alikes */
  alike({ obsid, similar }) {
    if (obsid !== this.asked) return
    if (!similar.length) {
      this.list.replaceChildren(element("span", { className: "hint" }, "No star is similar to this one."))
      return
    }
    this.list.replaceChildren(
      ...similar.map((star) =>
        element(
          "span",
          { className: "pair" },
          element("button", {
            type: "button",
            title: "Show this star",
            onclick: () => this.send({ kind: "focus", obsid: star }),
          }, star),
          element("button", {
            type: "button",
            title: "Overlay its spectrum",
            "aria-label": `Pin ${star}`,
            onclick: () => this.send({ kind: "star_pin", obsid: star }),
          }, "+"),
        )
      ),
    )
  }
}

/**
 * @param {Chart} chart
 * @param {PosteriorState["draws"]} draws
 * @param {number[]} star
 * @param {[number, number][]} reach
 * @param {number} down
 * @param {number} across
 */
function drawCorner(chart, draws, star, reach, down, across) {
  if (across === down) {
    const { edges, heights } = binned(draws[down], reach[down], BINS)
    chart.draw(reach[down], [0, 1.1 * Math.max(...heights)], [
      { kind: "bars", edges, heights, colour: "strong" },
      { kind: "upright", at: star[down], colour: "warn" },
    ])
  } else {
    chart.draw(reach[across], reach[down], [
      { kind: "dots", xs: draws[across], ys: draws[down], colour: "strong", size: 1.1, alpha: 0.4 },
      { kind: "dots", xs: [star[across]], ys: [star[down]], colour: "warn", size: 3, alpha: 1 },
    ])
  }
}
