// Evidence for the fit: chi-squared by window, correlation, Ca II lines, hull, posterior, and stars that are alike.

import { element } from "../base/dom.js"
import { binned, Chart, ends_of } from "../figures/chart.js"

export class EvidencePane {
  constructor(send) {
    this.send = send
    this.charts = []
    this.el = element("div", { className: "evidence" })
    this.parts = {}
    for (const name of ["fit", "velocity", "hull", "posterior", "alike"]) this.parts[name] = element("section")
    this.el.append(...Object.values(this.parts))
  }

  ask(star) {
    if (this.asked === star?.obsid) return
    this.asked = star?.obsid
    this.star = star
    this.charts = []
    for (const part of Object.values(this.parts)) part.replaceChildren()
    if (!star?.obsid) return
    this.parts.fit.replaceChildren(element("p", { className: "hint" }, "Gathering evidence …"))
    this.send({ kind: "evidence" })
  }

  chart(options) {
    const made = new Chart({ width: Math.max(Math.min(this.el.clientWidth - 12, 900), 240), ...options })
    this.charts.push(made)
    return made
  }

  repaint() {
    for (const chart of this.charts) chart.paint()
  }

  receive(found) {
    if (found.sentence) {
      this.parts.fit.replaceChildren(element("p", { className: "sentence" }, found.sentence))
      return
    }
    if (found.obsid !== this.asked) return
    this.found = found
    this.fit(found)
    this.velocity(found)
    this.hull(found)
    this.alike_head()
    this.parts.posterior.replaceChildren(
      ...(found.hull ? [element("h3", {}, "Posterior"), element("p", { className: "hint" }, "Drawing …")] : []),
    )
  }

  fit({ windows }) {
    const known = windows.filter(([, , value]) => value !== null)
    if (!known.length) {
      this.parts.fit.replaceChildren(
        element("h3", {}, "χ² by window"),
        element("p", { className: "hint" }, "No residuals, as there is no model."),
      )
      return
    }
    const chart = this.chart({
      height: 120,
      x: "rest wavelength [Å]",
      y: "reduced χ²",
      label: "Reduced chi-squared by window of 250 Å",
    })
    this.parts.fit.replaceChildren(element("h3", {}, "χ² by window of 250 Å, noise and model error together"), chart.el)
    const edges = [...windows.map(([low]) => low), windows.at(-1)[1]], heights = windows.map(([, , value]) => value)
    chart.draw([edges[0], edges.at(-1)], [0, Math.max(1.3, ...known.map(([, , value]) => value)) * 1.08], [{
      kind: "bars",
      edges,
      heights,
      colour: "strong",
    }, { kind: "level", at: 1, colour: "text" }])
  }

  velocity({ ccf, lines, rv }) {
    const content = [element("h3", {}, "Velocity")]
    const later = []
    for (const one of ccf) {
      const chart = this.chart({
        height: 120,
        x: "radial velocity [km/s]",
        y: "correlation",
        label: "Cross-correlation function",
      })
      const peaks = one.peaks.map(([at, height]) => `${at.toFixed(0)} km/s (${height.toFixed(2)})`).join(", ")
      content.push(element("p", { className: "hint" }, `CCF with ${one.template}; peaks: ${peaks || "none"}`), chart.el)
      const shapes = [
        { kind: "line", xs: one.x, ys: one.y, colour: "strong" },
        ...one.peaks.map(([at]) => ({ kind: "upright", at, colour: "warn" })),
      ]
      later.push(() => chart.draw([one.x[0], one.x.at(-1)], ends_of(one.y), shapes))
    }
    if (!ccf.length) {
      content.push(
        element(
          "p",
          { className: "hint" },
          "The CCF is stored only for stars with a doubtful velocity, and this star has no model to correlate with.",
        ),
      )
    }
    if (lines.length) {
      const xs = lines.map((one) => one[1]),
        errors = lines.map((one) => one[2] || 0),
        ys = lines.map((_, k) => lines.length - k)
      const rows = lines.map(([name], k) => ({ value: ys[k], text: name.replace(/\D/g, "") }))
      const chart = this.chart({
        height: 92,
        x: "radial velocity [km/s]",
        rows,
        label: "Velocities of the Ca II lines",
      })
      content.push(
        element(
          "p",
          { className: "hint" },
          lines.map(([name, at, error]) => `${name} ${at.toFixed(1)} ± ${error.toFixed(1)}`).join("; ") +
            " km/s; dashed: published",
        ),
        chart.el,
      )
      const reach = [
        ...xs.map((x, k) => x - errors[k]),
        ...xs.map((x, k) => x + errors[k]),
        ...(rv === null ? [] : [rv]),
      ]
      later.push(() =>
        chart.draw(ends_of(reach, 0.15), [0.4, lines.length + 0.6], [{
          kind: "spans",
          xs,
          ys,
          errors,
          colour: "strong",
        }, ...(rv === null ? [] : [{ kind: "upright", at: rv, colour: "warn" }])])
      )
    }
    this.parts.velocity.replaceChildren(...content)
    later.forEach((draw) => draw())
  }

  hull({ hull }) {
    if (!hull) {
      this.parts.hull.replaceChildren()
      return
    }
    const pairs = [[0, 1], [2, 3]].filter(([, y]) => y < hull.names.length),
      width = Math.max(Math.min((this.el.clientWidth - 24) / 2, 440), 130)
    const charts = pairs.map((
      [x, y],
    ) => [
      x,
      y,
      this.chart({
        width,
        height: Math.max(130, 0.6 * width),
        x: hull.names[x][1],
        y: hull.names[y][1],
        label: "Training stars",
      }),
    ])
    const words =
      `Nearest training star at ${hull.distance} standard deviations of the training labels; beyond ${hull.limit} the star counts as outside.`
    this.parts.hull.replaceChildren(
      element("h3", {}, "Place among the training stars"),
      element("div", { className: "row" }, ...charts.map(([, , chart]) => chart.el)),
      element("p", { className: hull.outside ? "hint warn" : "hint" }, words),
    )
    for (const [x, y, chart] of charts) {
      const xs = hull.training[x],
        ys = hull.training[y],
        own = { kind: "dots", xs: [hull.star[x]], ys: [hull.star[y]], colour: "warn", size: 4, alpha: 1 }
      chart.draw(ends_of([...xs, hull.star[x]]), ends_of([...ys, hull.star[y]]), [{
        kind: "dots",
        xs,
        ys,
        colour: "soft",
        size: 1.2,
        alpha: 0.45,
      }, own])
    }
  }

  posterior({ obsid, sentence, draws, effective, fitted, calibrated }) {
    if (obsid !== this.asked || !this.found?.hull) return
    if (sentence) {
      this.parts.posterior.replaceChildren(
        element("h3", {}, "Posterior"),
        element("p", { className: "hint" }, sentence),
      )
      return
    }
    const { names, star } = this.found.hull, n = names.length
    const size = Math.max(Math.min((this.el.clientWidth - 70) / n, 200), 56), left = 40, down_room = 16
    const reach = names.map((_, k) => ends_of([...draws[k], star[k]], 0.1))
    const cells = [], later = []
    for (let down = 0; down < n; down++) {
      for (let across = 0; across < n; across++) {
        if (across > down) {
          cells.push(element("span"))
          continue
        }
        // Numbers stand at the outer panels alone: the others share their axes.
        const sides = { x: down === n - 1, y: across === 0 && down > 0 }
        const margin = [4, 4, sides.x ? down_room : 4, across === 0 ? left : 4]
        const chart = this.chart({
          width: size + margin[3] - 4,
          height: size + margin[2] - 4,
          margin,
          sides,
          label: `${names[across][0]} against ${names[down][0]}`,
        })
        const title = element("div", {
          className: "corner",
          title: `${names[across][1]}${across === down ? "" : ` against ${names[down][1]}`}`,
        })
        if (across === down) {
          title.append(element("small", {}, `${names[down][1]}  ${with_error(fitted[down], calibrated[down])}`))
        }
        title.append(chart.el)
        cells.push(title)
        if (across === down) {
          const { edges, heights } = binned(draws[down], reach[down], 24)
          later.push(() =>
            chart.draw(reach[down], [0, 1.1 * Math.max(...heights)], [{
              kind: "bars",
              edges,
              heights,
              colour: "strong",
            }, { kind: "upright", at: star[down], colour: "warn" }])
          )
        } else {
          later.push(() =>
            chart.draw(reach[across], reach[down], [{
              kind: "dots",
              xs: draws[across],
              ys: draws[down],
              colour: "strong",
              size: 1.1,
              alpha: 0.4,
            }, { kind: "dots", xs: [star[across]], ys: [star[down]], colour: "warn", size: 3, alpha: 1 }])
          )
        }
      }
    }
    const words =
      `Draws from the likelihood of noise and model (worth ${effective} independent ones); published in orange. Calibrated errors, which also cover what the model does not know, are the ± beside each label.`
    this.parts.posterior.replaceChildren(
      element("h3", {}, "Posterior"),
      element("div", { className: "corners", style: `grid-template-columns: repeat(${n}, auto)` }, ...cells),
      element("p", { className: "hint" }, words),
    )
    later.forEach((draw) => draw())
  }

  alike_head() {
    this.count = element("input", {
      type: "number",
      min: 1,
      max: 200,
      value: 20,
      "aria-label": "How many",
      title: "How many to select",
    })
    const kinds = [["spectrum", "by spectrum"], ["labels", "by labels"], ["training", "training stars"]]
    const show = kinds.map(([by, label]) =>
      element("button", { type: "button", onclick: () => this.send({ kind: "alike", by }) }, label)
    )
    const pick = kinds.map(([by, label]) =>
      element("button", {
        type: "button",
        title: `Select this star and those nearest ${label}`,
        onclick: () => this.send({ kind: "alike_select", by, count: Number(this.count.value) }),
      }, label)
    )
    this.list = element("div", { className: "row wrap" })
    this.parts.alike.replaceChildren(
      element("h3", {}, "Stars like this"),
      element("div", { className: "row wrap" }, "Show", ...show),
      element("div", { className: "row wrap" }, "Select", this.count, ...pick),
      this.list,
    )
  }

  alike({ obsid, found }) {
    if (obsid !== this.asked) return
    if (!found.length) {
      this.list.replaceChildren(element("span", { className: "hint" }, "No star is similar to this one."))
      return
    }
    this.list.replaceChildren(
      ...found.map((one) =>
        element(
          "span",
          { className: "pair" },
          element("button", {
            type: "button",
            title: "Show this star",
            onclick: () => this.send({ kind: "focus", obsid: one }),
          }, one),
          element("button", {
            type: "button",
            title: "Overlay its spectrum",
            "aria-label": `Pin ${one}`,
            onclick: () => this.send({ kind: "star_pin", obsid: one }),
          }, "+"),
        )
      ),
    )
  }
}

// As many digits as the error has two of.
function with_error(value, error) {
  if (error === null || !(error > 0)) return value.toPrecision(4)
  const digits = Math.min(Math.max(1 - Math.floor(Math.log10(error)), 0), 4)
  return `${value.toFixed(digits)} ± ${error.toFixed(digits)}`
}
