// Lines one after the other.

/** @import { LineListState, RestLine } from "../protocol.d.ts" */

const NEAR = 1e-3 // Angstrom, below which a line is the one on screen

/**
 * Lines of some lists in order of wavelength.
 *
 * @param {LineListState[]} lists
 * @param {string} name - Of one list, or "" for all that are shown.
 * @param {readonly [number, number]} ends - Between which they are.
 * @returns {RestLine[]}
 */
export function linesOf(lists, name, [first, last]) {
  return lists
    .filter((list) => name ? list.name === name : list.on)
    .flatMap(({ lines }) => lines)
    .filter(([, wavelength]) => wavelength > first && wavelength < last)
    .sort((a, b) => a[1] - b[1])
}

/**
 * The next line after a wavelength, or the one before it; at the end the first one follows.
 *
 * @param {RestLine[]} lines - In order of wavelength.
 * @param {number} at
 * @param {1 | -1} by
 */
export function nextLine(lines, at, by) {
  if (by > 0) return lines.find(([, wavelength]) => wavelength > at + NEAR) ?? lines.at(0)
  return lines.findLast(([, wavelength]) => wavelength < at - NEAR) ?? lines.at(-1)
}
