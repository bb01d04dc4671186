"""FITS tables: every kind of column, several tables in a file, contradictions."""

import gzip
import io

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy.io import fits
from astropy.io.votable import from_table
from astropy.table import Table

from pipeline.sources.tables.reader import open_table
from pipeline.sources.tables.table_file import TableError
from tests.pipeline.fits_by_hand import fits_bytes, packed


def read(data, *names):
    table = open_table(data, "t")
    return table.read(names or table.names)


FITS_COLUMNS = {
    "big-endian": (("K", packed(">i8", 2**62 + 1, -5, 0), {}), "int", [2**62 + 1, -5, 0]),
    "TNULL": (("K", packed(">i8", 2**62 + 1, 7, 0), {"TNULL": 7}), "int", [2**62 + 1, None, 0]),
    "unsigned 64": (("K", packed(">i8", -(2**63), -(2**63) + 5, 5), {"TZERO": 2**63}), "int", [0, 5, None]),
    "unsigned 32": (("J", packed(">i4", -(2**31), 0, 2**31 - 1), {"TZERO": 2**31}), "int", [0, 2**31, 2**32 - 1]),
    "unsigned 16": (("I", packed(">i2", -32768, 0, 5), {"TZERO": 32768}), "int", [0, 32768, 32773]),
    "signed byte": (("B", packed("u1", 0, 128, 255), {"TZERO": -128}), "int", [-128, 0, 127]),
    "scaled": (
        ("I", packed(">i2", 10, -4, -999), {"TSCAL": 0.5, "TZERO": 1.25, "TNULL": -999}),
        "float",
        [6.25, -0.75, None],
    ),
    "float": (("E", packed(">f4", 1.5, np.nan, -2), {}), "float", [1.5, None, -2.0]),
    "scaled float": (("D", packed(">f8", 1.5, 2, -2), {"TSCAL": 2.0}), "float", [3.0, 4.0, -4.0]),
    "logical": (("L", [b"T", b"F", b"\0"], {}), "bool", [True, False, None]),
    "text": (("5A", [b"ab   ", b"c\0xyz", "\u00e9 d ".encode().ljust(5)[:5]], {}), "str", ["ab", "c", "\u00e9 d"]),
    "empty text": (("0A", [b"", b"", b""], {}), "str", ["", "", ""]),
}


@pytest.mark.parametrize("name", FITS_COLUMNS)
@pytest.mark.parametrize("zipped", [False, True])
def test_every_kind_of_fits_column(name, zipped):
    column, kind, expected = FITS_COLUMNS[name]
    data = fits_bytes(("J", packed(">i4", 1, 2, 3), {}), column, ("2X", [b"\xc0", b"\0", b"\0"], {}))
    table = open_table(gzip.compress(data) if zipped else data, "t")
    assert table.by_name["c2"].kind == kind
    frame = table.read(["c2", "c1"])
    assert [None if pd.isna(one) else one for one in frame["c2"]] == expected
    assert frame["c1"].tolist() == [1, 2, 3]


def test_columns_of_several_values_are_passed_over_and_read_as_arrays():
    columns = [
        ("3E", [np.array(row, ">f4").tobytes() for row in ((1, 2, 3), (4, 5, 6), (7, 8, np.nan))], {}),
        ("PJ(2)", [bytes(8)] * 3, {}),
        ("QD(2)", [bytes(16)] * 3, {}),
        ("20X", [bytes(3)] * 3, {}),
        ("C", [bytes(8)] * 3, {}),
        ("M", [bytes(16)] * 3, {}),
        ("6A", [b"abcdef"] * 3, {"TDIM": "(3,2)"}),
        ("K", packed(">i8", 1, 2, 3), {}),
    ]
    table = open_table(fits_bytes(*columns), "t")
    assert [item.kind for item in table.fields] == ["array"] * 7 + ["int"]
    assert table.read(["c8"])["c8"].tolist() == [1, 2, 3]
    np.testing.assert_array_equal(np.concatenate(list(table.arrays("c1")))[:2], [[1, 2, 3], [4, 5, 6]])
    with pytest.raises(TableError, match="no arrays of numbers"):
        list(table.arrays("c2"))


def test_ascii_tables_of_fits_are_read():
    columns = [
        ("I10", [b"1234567890", b"         7", b"      -999"], {"TBCOL": 1, "TNULL": "-999"}),
        ("F8.3", [b"   1.500", b"        ", b"  -2.25 "], {"TBCOL": 11}),
        ("D12.4", [b"  1.5D-03   ", b"   2.0D+00  ", b"            "], {"TBCOL": 19}),
        ("A4", [b"ab  ", b"    ", b"c d "], {"TBCOL": 31}),
    ]
    frame = read(fits_bytes(*columns, kind="TABLE"))
    assert frame["c1"].tolist()[:2] == [1234567890, 7]
    assert frame["c1"].isna().tolist() == [False, False, True]
    np.testing.assert_array_equal(frame["c2"], [1.5, np.nan, -2.25])
    np.testing.assert_array_equal(frame["c3"], [1.5e-3, 2.0, np.nan])
    assert frame["c4"].tolist() == ["ab", "", "c d"]


def test_the_largest_of_several_tables_is_read():
    stream = io.BytesIO()
    small, large, also = (fits.BinTableHDU(Table({name: np.arange(n)})) for name, n in (("s", 2), ("l", 9), ("a", 9)))
    image = fits.ImageHDU(np.zeros((50, 50)))
    fits.HDUList([fits.PrimaryHDU(np.zeros((3, 3))), image, small, large, also]).writeto(stream)
    for data in (stream.getvalue(), gzip.compress(stream.getvalue())):
        assert open_table(data, "t").names == ("l",), "of equally large ones the first"
    document = from_table(Table({"s": [1]}))
    document.resources.append(from_table(Table({"l": [1, 2, 3]})).resources[0])
    stream = io.BytesIO()
    document.to_xml(stream)
    assert open_table(stream.getvalue(), "t").names == ("l",)


def test_repeated_names_are_distinguished():
    same = {"TTYPE": "same"}
    data = fits_bytes(
        ("J", packed(">i4", 1, 2, 3), same), ("J", packed(">i4", 4, 5, 6), same), ("J", packed(">i4", 7, 8, 9), {})
    )
    table = open_table(data, "t")
    assert table.names == ("same", "same_2", "c3")
    assert table.read(["same_2"])["same_2"].tolist() == [4, 5, 6]
    doubled = pa.table([[1], [2]], names=["a", "a"])
    stream = io.BytesIO()
    pq.write_table(doubled, stream)
    with pytest.raises(TableError, match="several columns of one name"):
        open_table(stream.getvalue(), "t")


def test_a_fits_table_that_contradicts_itself_is_refused():
    good = fits_bytes(("K", packed(">i8", 1, 2, 3), {}))
    for wrong, right, words in (
        (b"NAXIS1  =                    9", b"NAXIS1  =                    8", "fill 8 bytes a row and NAXIS1 says 9"),
        (b"TFORM1  = 'Z       '", b"TFORM1  = 'K       '", "is not FITS (TFORM1)"),
        (b"NAXIS2  =           9999999999", b"NAXIS2  =                    3", "cut short"),
        (b"NAXIS2  =                   -3", b"NAXIS2  =                    3", "damaged FITS"),
        (b"TFIELDS =                    5", b"TFIELDS =                    1", "TFORM2"),
        (b"BITPIX  =                 'ab'", b"BITPIX  =                    8", "damaged FITS"),
    ):
        assert good.count(right)
        with pytest.raises(TableError) as refused:
            open_table(good.replace(right, wrong), "t").read(["c1"])
        assert words in str(refused.value)
    wide = (
        fits_bytes(("100A", [b" " * 100] * 3, {}))
        .replace(b"100A", b"999999999A")
        .replace(b"NAXIS1  =                  100", b"NAXIS1  =            999999999")
    )
    with pytest.raises(TableError):
        open_table(wide, "t")
