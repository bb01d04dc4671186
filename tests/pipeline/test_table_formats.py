"""Every format of tables obeys the laws of readers."""

import io
import re

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy.io.votable import from_table
from astropy.table import MaskedColumn, Table

from tests.laws.reader_laws import ReaderLaws

ASCII_WORDS = ["plain", "a, b", 'say "no"', "", "alpha Cen", "two  words", "x;y"]


def astropy_table(columns, about, *, encode=False):
    """The table as astropy holds it, gaps masked."""
    table = Table()
    for name, values in columns.items():
        if any(one is None for one in values):
            gaps = [one is None for one in values]
            table[name] = MaskedColumn([0 if one is None else one for one in values], mask=gaps, dtype=np.int64)
        elif values and isinstance(values[0], str):
            table[name] = np.char.encode(np.array(values), "utf-8") if encode else np.array(values)
        else:
            kinds = {"id": np.int64, "value": np.float64, "short": np.float32, "truth": bool, "words": "U9"}
            table[name] = np.array(values, kinds.get(name) if not values else None)
        unit, description = about.get(name, (None, None))
        table[name].unit, table[name].description = unit, description
    return table


def as_lists(table, names):
    """Columns of an astropy table with None and NaN for gaps."""
    return {name: [None if one is np.ma.masked else one for one in table[name]] for name in names}


@pytest.mark.filterwarnings("ignore::astropy.units.UnitsWarning")
class TestFits(ReaderLaws):
    form = "FITS"
    most_columns = 999
    has_descriptions = False

    def written(self, columns, about):
        stream = io.BytesIO()
        astropy_table(columns, about, encode=True).write(stream, format="fits")
        return stream.getvalue()

    def independent(self, data, names):
        return as_lists(Table.read(io.BytesIO(data), format="fits"), names)


@pytest.mark.filterwarnings("ignore::astropy.io.votable.exceptions.VOWarning")
class VOTableLaws(ReaderLaws):
    form = "VOTable"
    layout = ""
    most_columns = 300

    def written(self, columns, about):
        stream = io.BytesIO()
        document = from_table(astropy_table(columns, about))
        for item in document.get_first_table().fields:
            if item.datatype == "long":
                item.values.null = -999_999  # noqa: PD011 - no pandas
        document.to_xml(stream, tabledata_format=self.layout)
        return stream.getvalue()

    def independent(self, data, names):
        return as_lists(Table.read(io.BytesIO(data), format="votable"), names)


class TestVOTableTabledata(VOTableLaws):
    layout = "tabledata"


class TestVOTableBinary(VOTableLaws):
    layout = "binary"


class TestVOTableBinary2(VOTableLaws):
    layout = "binary2"


class TestParquet(ReaderLaws):
    form = "Parquet"
    gzips = False
    most_columns = 5000

    def written(self, columns, about):
        kinds = {
            "id": pa.int64(),
            "value": pa.float64(),
            "short": pa.float32(),
            "words": pa.string(),
            "truth": pa.bool_(),
        }
        fields = [
            pa.field(
                name,
                kinds.get(name, pa.int64()),
                metadata=dict(zip(("unit", "description"), about.get(name, ("", "")), strict=True)),
            )
            for name in columns
        ]
        stream = io.BytesIO()
        pq.write_table(pa.table(columns, schema=pa.schema(fields)), stream, row_group_size=50)
        return stream.getvalue()

    def independent(self, data, names):
        frame = pd.read_parquet(io.BytesIO(data), dtype_backend="numpy_nullable")
        return {name: [None if one is pd.NA else one for one in frame[name]] for name in names}


class TextLaws(ReaderLaws):
    form = "text"
    cut_is_told = False
    has_units = has_descriptions = False
    delimiter = ","

    def written(self, columns, _about):
        frame = pd.DataFrame({name: pd.Series(values, dtype=object) for name, values in columns.items()})
        return frame.to_csv(index=False, sep=self.delimiter).encode()

    def independent(self, data, names):
        frame = pd.read_csv(io.BytesIO(data), sep=self.delimiter, dtype_backend="numpy_nullable", dtype={"id": "Int64"})
        return {name: [None if one is pd.NA else one for one in frame[name]] for name in names}


class TestCsv(TextLaws):
    most_columns = 5000


class TestSemicolons(TextLaws):
    delimiter = ";"


class TestTabs(TextLaws):
    delimiter = "\t"


class TestBars(TextLaws):
    delimiter = "|"


class TestUtf16(TextLaws):
    def written(self, columns, about):
        return super().written(columns, about).decode().encode("utf-16")

    def independent(self, data, names):
        return super().independent(data.decode("utf-16").encode(), names)


class TestCarriageReturns(TextLaws):
    def written(self, columns, about):
        return super().written(columns, about).replace(b"\n", b"\r")


class TestCrLfAndMark(TextLaws):
    def written(self, columns, about):
        return b"\xef\xbb\xbf" + super().written(columns, about).replace(b"\n", b"\r\n")


class TestWhiteSpace(TextLaws):
    """Columns padded with blanks, words in quotes, gaps as nan."""

    def written(self, columns, _about):
        def cell(one):
            return (
                "nan" if one is None else f'"{one.replace(chr(34), chr(34) * 2)}"' if isinstance(one, str) else str(one)
            )

        lines = ["  ".join(columns), *("   ".join(map(cell, row)) for row in zip(*columns.values(), strict=True))]
        return "\n".join(f" {line} " for line in lines).encode()

    def independent(self, data, names):
        frame = pd.read_csv(io.BytesIO(data), sep=r"\s+", dtype=str, keep_default_na=False)
        parse = {"id": lambda one: None if one == "nan" else int(one), "truth": lambda one: one == "True"}
        return {name: [parse.get(name, float)(one) for one in frame[name]] for name in names}


class TestCommentedHeader(TestWhiteSpace):
    """Names behind a hash, as numpy.savetxt and TOPCAT write them."""

    def written(self, columns, about):
        names, sign, rows = super().written(columns, about).partition(b"\n")
        return b"# made by hand\n#" + names + sign + rows

    def independent(self, data, names):
        return super().independent(data.split(b"\n", 1)[1].lstrip(b"#"), names)

    def test_a_table_without_rows_has_its_columns(self):
        pytest.skip("a file of comments alone holds no table")


@pytest.mark.filterwarnings("ignore::astropy.units.UnitsWarning")
class TestEcsv(ReaderLaws):
    form = "ECSV"
    cut_is_told = False

    def written(self, columns, about):
        stream = io.StringIO()
        astropy_table(columns, about).write(stream, format="ascii.ecsv")
        return stream.getvalue().encode()

    def independent(self, data, names):
        return as_lists(Table.read(data.decode(), format="ascii.ecsv"), names)


class TestEcsvWithCommas(TestEcsv):
    def written(self, columns, about):
        stream = io.StringIO()
        astropy_table(columns, about).write(stream, format="ascii.ecsv", delimiter=",")
        return stream.getvalue().encode()


class TestIpac(ReaderLaws):
    form = "IPAC table"
    words = ASCII_WORDS
    has_truth = False
    has_descriptions = False
    cut_is_told = False
    most_columns = 300

    def written(self, columns, about):
        stream = io.StringIO()
        astropy_table(columns, about).write(stream, format="ascii.ipac")
        return stream.getvalue().encode()

    def independent(self, data, names):
        return as_lists(Table.read(data.decode(), format="ascii.ipac"), names)


@pytest.mark.filterwarnings("ignore::astropy.units.UnitsWarning")
class TestMachineReadable(ReaderLaws):
    """The form of AAS journals, which describes itself."""

    form = "CDS table"
    words = ASCII_WORDS
    has_truth = False
    cut_is_told = False
    rtol = 1e-12
    most_columns = 300

    def written(self, columns, about):
        kinds = {"id": "I20", "value": "E25.17", "short": "E15.8", "words": "A10"}
        places, start = [], 1
        for name in columns:
            kind = kinds.get(name, "I6")
            width = int(re.findall(r"\d+", kind)[0])
            unit, words = about.get(name, ("---", f"The {name}"))
            words = ("? " if name in ("id", "value", "short") else "") + words
            places.append(f"{start:>5d}-{start + width - 1:<5d} {kind:<8} {unit:<8} {name:<10} {words}")
            start += width + 1
        rule = "-" * 80
        head = ["Title: A table", "Authors: Nobody", "Table: One", "=" * 80]
        head += ["Byte-by-byte Description of file: t.txt", rule, "   Bytes Format Units  Label  Explanations", rule]
        rows = [
            " ".join(cell(one, kinds.get(name, "I6")) for name, one in zip(columns, row, strict=True))
            for row in zip(*columns.values(), strict=True)
        ]
        return "\n".join([*head, *places, rule, *rows, ""]).encode()

    def independent(self, data, names):
        return as_lists(Table.read(data.decode(), format="ascii.mrt"), names)


def cell(one, kind):
    """A cell of a fixed width; blank where there is no value."""
    width = int(re.findall(r"\d+", kind)[0])
    if pd.isna(one):
        return " " * width
    if kind.startswith("A"):
        return f"{one:<{width}}"
    return f"{one:>{width}d}" if kind.startswith("I") else f"{float(one):>{width}.{kind.split('.')[1]}E}"
