// Ticks of linear, logarithmic and symmetric axes: at least three, whose labels fit.

/** @import { Ends } from "../payloads.ts" */

/** @typedef {{ scale?: "linear" | "log" | "symlog", width?: number }} Scaled - As a server's axis declares it. */
/** @typedef {{ at: number[], labels: string[], minor: number[], small: boolean }} Ticks - In coordinates. */
/** @typedef {{ values: number[], labels: string[], minor?: number[] }} Candidate */

/**
 * @typedef {object} Room
 * @property {number} length - Of the axis, in pixels.
 * @property {number} each - Pixels in which one tick is wanted.
 * @property {(text: string) => number} size - Of a label along the axis, in pixels.
 */

const FEWEST = 3
const MOST = 9
const GAP = 9 // between labels
const SMALL = 0.8 // of the size of labels that do not fit otherwise
const DECADES = 300 // as on the server
const LN10 = Math.LN10
const PLAIN = { low: 1e-3, high: 1e5 } // numbers between these need no power of ten
const SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹"

/**
 * Value at a coordinate.
 *
 * @param {Scaled} scaled
 * @param {number} at
 */
export function valueAt({ scale = "linear", width = 1 }, at) {
  if (scale === "linear") return at
  const inside = Math.min(Math.max(at, -DECADES), DECADES)
  return scale === "log" ? 10 ** inside : 2 * width * Math.sinh(inside * LN10)
}

/**
 * Coordinate of a value; NaN where the scale has none.
 *
 * @param {Scaled} scaled
 * @param {number} value
 */
export function coordinateOf({ scale = "linear", width = 1 }, value) {
  if (scale === "linear") return value
  if (scale === "symlog") return Math.asinh(value / (2 * width)) / LN10
  return value > 0 ? Math.log10(value) : NaN
}

/**
 * Ticks of an axis.
 *
 * @param {Ends} ends - Coordinates in drawing order.
 * @param {Scaled} scaled
 * @param {Room} room
 * @returns {Ticks}
 */
export function axisTicks(ends, scaled, room) {
  const families = familiesOf(ends, scaled)
  for (const small of [false, true]) {
    for (const compact of [false, true]) {
      for (const family of families) {
        const placed = family(compact).map((candidate) => placedOn(candidate, ends, scaled))
        const fitting = placed.filter((ticks) => isEnough(ticks) && fits(ticks, ends, room, small ? SMALL : 1))
        const best = withCount(fitting, room.length / room.each)
        if (best) return { ...best, small }
      }
    }
  }
  const all = families.flatMap((family) => family(true)).map((candidate) => placedOn(candidate, ends, scaled))
  const fewest = withCount(all.filter(isEnough), FEWEST) // they overlap: there is no room for three
  return { ...(fewest ?? { at: [], labels: [], minor: [] }), small: true }
}

/** @param {{ at: number[] }} ticks */
function isEnough({ at }) {
  return at.length >= FEWEST && at.length <= MOST
}

/**
 * @template {{ at: number[] }} T
 * @param {T[]} candidates
 * @param {number} wanted
 * @returns {T | undefined}
 */
function withCount(candidates, wanted) {
  const away = (/** @type {T} */ { at }) => Math.abs(at.length - Math.min(Math.max(wanted, FEWEST), MOST - 2))
  return candidates.toSorted((a, b) => away(a) - away(b))[0]
}

/**
 * Whether no label touches the next one.
 *
 * @param {{ at: number[], labels: string[] }} ticks
 * @param {Ends} ends
 * @param {Room} room
 * @param {number} size - Of the text.
 */
function fits({ at, labels }, ends, { length, size: sizeOf }, size) {
  const pixels = at.map((place) => (Math.abs(place - ends[0]) / Math.abs(ends[1] - ends[0])) * length)
  const halves = labels.map((label) => (sizeOf(label) * size) / 2)
  return pixels.every((place, k) =>
    k === 0 || Math.abs(place - pixels[k - 1]) >= halves[k] + halves[k - 1] + GAP * size
  )
}

/**
 * Coordinates of a candidate's ticks that are on screen.
 *
 * @param {Candidate} candidate
 * @param {Ends} ends
 * @param {Scaled} scaled
 */
function placedOn({ values, labels, minor = [] }, ends, scaled) {
  const slack = 1e-9 * Math.abs(ends[1] - ends[0])
  const low = Math.min(...ends) - slack
  const high = Math.max(...ends) + slack
  const places = values.map((value) => coordinateOf(scaled, value))
  const inside = places.flatMap((place, k) => (place >= low && place <= high ? [k] : []))
  const between = minor.map((value) => coordinateOf(scaled, value)).filter((place) => place >= low && place <= high)
  return { at: inside.map((k) => places[k]), labels: inside.map((k) => labels[k]), minor: between }
}

/**
 * Groups of candidates, the preferred ones first.
 *
 * @param {Ends} ends
 * @param {Scaled} scaled
 * @returns {((compact: boolean) => Candidate[])[]}
 */
function familiesOf(ends, scaled) {
  const edges = /** @type {Ends} */ (ends.map((end) => valueAt(scaled, end)).sort((a, b) => a - b))
  const linear = (/** @type {boolean} */ compact) => linearCandidates(edges, compact)
  if ((scaled.scale ?? "linear") === "linear") return [linear]
  const { every, between } = powerCandidates(edges, scaled)
  return [() => every, () => between, linear]
}

/**
 * Multiples of 1, 2 or 5 times a power of ten.
 *
 * @param {Ends} edges - Values, ascending.
 * @param {boolean} compact
 * @returns {Candidate[]}
 */
function linearCandidates([low, high], compact) {
  const span = high - low
  if (!(span > 0) || !Number.isFinite(span)) return []
  const power = Math.floor(Math.log10(span))
  const steps = [-2, -1, 0].flatMap((less) => [1, 2, 5].map((factor) => factor * 10 ** (power + less)))
  return steps.filter((step) => span / step <= MOST + 1).map((step) => {
    const first = Math.ceil(low / step - 1e-9)
    const count = Math.floor(high / step + 1e-9) - first + 1
    const values = Array.from({ length: Math.max(count, 0) }, (_, k) => Number(((first + k) * step).toPrecision(15)))
    return { values, labels: values.map((value) => linearLabel(value, step, Math.max(-low, high), compact)) }
  })
}

/**
 * @param {number} value
 * @param {number} step
 * @param {number} largest - Of the axis.
 * @param {boolean} compact - 12k rather than 12000.
 */
function linearLabel(value, step, largest, compact) {
  const digits = (/** @type {number} */ unit) => Math.max(0, -Math.floor(Math.log10(step / unit) + 1e-9))
  if (value === 0 && (compact || largest >= 1e6 || largest < 1e-4)) return "0"
  if (largest >= 1e7 || largest < 1e-4) {
    const power = Math.floor(Math.log10(largest))
    return minus(`${(value / 10 ** power).toFixed(digits(10 ** power))}×10${superscript(power)}`)
  }
  if (largest >= 1e6 && step >= 1e3) return minus(`${(value / 1e6).toFixed(digits(1e6))}M`)
  if (compact && largest >= 1e3 && step >= 10) return minus(`${(value / 1e3).toFixed(digits(1e3))}k`)
  return minus(value.toFixed(digits(1)))
}

/**
 * Powers of ten, all or some of them, and 1, 2, 5 times these; on either side of zero on a symmetric axis.
 *
 * @param {Ends} edges - Values, ascending.
 * @param {Scaled} scaled
 * @returns {{ every: Candidate[], between: Candidate[] }}
 */
function powerCandidates([low, high], { scale, width = 1 }) {
  const least = scale === "symlog" ? width : low
  const first = Math.floor(Math.log10(least) + 1e-9)
  const last = Math.ceil(Math.log10(Math.max(Math.abs(low), Math.abs(high))) - 1e-9)
  const powers = Array.from({ length: Math.max(last - first + 1, 0) }, (_, k) => first + k)
  const signed = (/** @type {number[]} */ up) =>
    scale === "symlog" ? [...up.map((value) => -value).reverse(), 0, ...up] : up
  const times = (/** @type {number[]} */ factors, /** @type {number[]} */ of) =>
    signed(of.flatMap((power) => factors.map((factor) => Number(`${factor}e${power}`))))
  const minor = times([2, 3, 4, 5, 6, 7, 8, 9], powers.length > 8 ? [] : powers)
  const inside = (/** @type {number} */ value) => value >= low && value <= high
  const some = [1, 2, 3, 4, 5, 10, 20, 50, 100].map((step) => powers.filter((power) => power % step === 0))
  if (scale === "symlog") some.push(powers.slice(1)) // the first ones are near to zero
  const every = some.map((kept) => {
    const values = times([1], kept)
    return {
      values,
      labels: powerLabels(values, inside),
      minor: kept.length < powers.length - 1 ? times([1], powers) : minor,
    }
  })
  const between = powers.length > 6 ? [] : [[1, 2, 5], [1, 3]].map((factors) => {
    const values = times(factors, powers)
    return { values, labels: powerLabels(values, inside), minor }
  })
  return { every, between }
}

/**
 * Labels that are all plain numbers, or all powers of ten.
 *
 * @param {number[]} values
 * @param {(value: number) => boolean} inside - Whether a value is on screen.
 */
function powerLabels(values, inside) {
  const sizes = values.filter((value) => value !== 0 && inside(value)).map(Math.abs)
  const plain = Math.min(...sizes) >= PLAIN.low && Math.max(...sizes) < PLAIN.high
  return values.map((value) => {
    if (value === 0 || plain) return minus(String(value))
    const power = Math.floor(Math.log10(Math.abs(value)) + 1e-9)
    const factor = Math.round(Math.abs(value) / 10 ** power)
    return `${value < 0 ? "−" : ""}${factor === 1 ? "" : `${factor}×`}10${superscript(power)}`
  })
}

/** @param {number} power */
function superscript(power) {
  const digits = Array.from(String(Math.abs(power)), (digit) => SUPERSCRIPTS[Number(digit)])
  return `${power < 0 ? "⁻" : ""}${digits.join("")}`
}

/** @param {string} text */
function minus(text) {
  return text.replace("-", "−")
}
