import { assertEquals } from "../testing.js"
import { rowsOfText, textOfRows } from "./region_rows.js"

Deno.test("corners are read as they are written", () => {
  const rows = [["3500", "0.5"], ["4e3", "-0.7"]]
  assertEquals(textOfRows(rows), "3500, 0.5\n4e3, -0.7")
  assertEquals(rowsOfText(textOfRows(rows)), rows)
})

Deno.test("corners may be parted by blanks, tabs and semicolons, with units", () => {
  assertEquals(rowsOfText("1 2\n\n3\t4\r\n 5; 6 ;\n7 kpc, 8 pc\n"), [["1", "2"], ["3", "4"], ["5", "6"], [
    "7 kpc",
    "8 pc",
  ]])
})
