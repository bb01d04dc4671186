import { assertEquals as equal } from "../testing.js"
import { inGroups, outline, searchedColumns } from "./column_search.js"

/** @import { SearchedColumn } from "./column_search.js" */
/** @type {(name: string, label: string, meaning: string, group?: string, synonyms?: string) => SearchedColumn} */
const column = (name, label, meaning, group = "Labels", synonyms = "") => {
  return { name, label, unit: "dex", meaning, group, synonyms }
}
const COLUMNS = [
  column("teff", "Teff", "Effective temperature", "Labels", "teff_k"),
  column("m_h", "[M/H]", "Overall metallicity", "Labels", "feh fe_h"),
  column("alpha_m", "[α/M]", "Alpha abundance relative to metals"),
  column("distance", "d", "Distance", "Distance"),
]
const names = (/** @type {string} */ text) => searchedColumns(COLUMNS, text).map(({ name }) => name)

Deno.test("columns are found by label, meaning, synonym and group", () => {
  equal(names("[m/h]"), ["m_h"])
  equal(names("metal"), ["m_h", "alpha_m"])
  equal(names("FEH"), ["m_h"])
  equal(names("fe_"), ["m_h"])
  equal(names("d"), ["distance", "teff", "m_h", "alpha_m"])
  equal(names("metal over"), ["m_h"])
  equal(names("nothing"), [])
})

Deno.test("without a word all columns keep their order, under their groups", () => {
  equal(searchedColumns(COLUMNS, " "), COLUMNS)
  equal(inGroups(COLUMNS).map(([group, columns]) => [group, columns.length]), [["Labels", 3], ["Distance", 1]])
})

Deno.test("a histogram is outlined bar by bar", () => {
  equal(outline([1, 3], 4), "M0 4V3H1V1H2V4Z")
})
