"""Laws of all readers of tables; the test class of a format inherits them and writes the format."""

from __future__ import annotations

import gzip
import random
import zlib
from contextlib import suppress

import numpy as np
import pandas as pd
import pytest

from pipeline.sources.tables.reader import open_table
from pipeline.sources.tables.table_file import Limits, TableError

IDS = [3_000_000_000_000_000_001, None, 2**63 - 1, 2**53 + 1, 17, None, -1]
VALUES = [0.1, np.nan, -1.5e-30, 12345.678901234567, 3.0, 1e300, -0.0]
SHORT = [1.5, np.nan, -2.25, 1e10, 0.1, 3.0, 7.0]
WORDS = ["plain", "a, b", 'say "no"', "", "\u03b1 Cen \u00e9", "two  words", "x;y|z"]
TRUTH = [True, False, True, True, False, False, True]
COPIES = 30
"""The seven rows are repeated so that there are several blocks."""


def standard(words=WORDS):
    """The table that every format writes."""
    return {
        "id": IDS * COPIES,
        "value": VALUES * COPIES,
        "short": [np.float32(one) for one in SHORT] * COPIES,
        "words": list(words) * COPIES,
        "truth": TRUTH * COPIES,
    }


class ReaderLaws:
    """What holds of each format; a subclass overrides what its format is."""

    form = ""
    """Name that the reader gives it."""
    suffix = ""
    """How files usually end; the reader must not look at it."""
    words = WORDS
    """Texts that the format can hold."""
    has_truth = True
    has_units = True
    has_descriptions = True
    gzips = True
    rtol = 0.0
    """Of numbers; 0 where they are exact."""
    cut_is_told = True
    """Whether a cut file can be told from a shorter one."""
    most_columns = 500

    def written(self, columns, about):
        """The bytes of a table in this format; ``about`` holds unit and description by name."""
        raise NotImplementedError

    def independent(self, data, names):
        """The same bytes read by another program, as lists by name; None where there is none."""
        raise NotImplementedError

    @pytest.fixture(scope="class")
    @classmethod
    def columns(cls):
        table = standard(cls.words)
        return table if cls.has_truth else {name: values for name, values in table.items() if name != "truth"}

    @pytest.fixture(scope="class")
    @classmethod
    def data(cls, columns):
        return cls().written(columns, {"value": ("km/s", "A velocity of stars"), "short": ("mag", "A magnitude")})

    @pytest.fixture(params=["bytes", "file", "gzip file"])
    def source(self, request, data, tmp_path):
        if "gzip" in request.param:
            if not self.gzips:
                pytest.skip("this format is not read packed")
            data = gzip.compress(data)
        if "file" not in request.param:
            return data
        path = tmp_path / "table.strange"
        path.write_bytes(data)
        return path

    def open(self, source, limits=None):
        return open_table(source, "the table", limits)

    def test_names_kinds_units_and_descriptions(self, source, columns):
        table = self.open(source)
        assert table.form == self.form
        assert table.names == tuple(columns)
        kinds = {item.name: item.kind for item in table.fields}
        assert kinds["id"] == "int"
        assert kinds["value"] == kinds["short"] == "float"
        assert kinds["words"] == "str"
        if self.has_truth:
            assert kinds["truth"] == "bool"
        if self.has_units:
            assert table.by_name["value"].unit.replace(" ", "") in ("km/s", "km.s-1", "kms-1")
            assert table.by_name["short"].unit == "mag"
            assert table.by_name["words"].unit in ("", "---")
        if self.has_descriptions:
            assert table.by_name["value"].description == "A velocity of stars"

    def test_identifiers_are_exact_to_64_bits_and_gaps_stay(self, source, columns):
        values = self.open(source).read(["id"])["id"]
        assert [None if pd.isna(one) else int(one) for one in values] == columns["id"]
        assert str(values.dtype) == "Int64"

    def test_numbers_keep_their_value_and_nan(self, source, columns):
        frame = self.open(source).read(["value", "short"])
        np.testing.assert_allclose(frame["value"].to_numpy(np.float64), columns["value"], rtol=self.rtol, atol=0.0)
        np.testing.assert_allclose(
            frame["short"].to_numpy(np.float32), np.array(columns["short"], np.float32), rtol=max(self.rtol, 1e-7)
        )
        assert str(frame["value"].dtype) == "float64"

    def test_text_is_the_same_text(self, source, columns):
        values = self.open(source).read(["words"])["words"]
        assert values.tolist() == columns["words"]
        assert str(values.dtype) == "str"

    def test_truth_is_true_or_false(self, source, columns):
        if not self.has_truth:
            pytest.skip("the format holds no truth values")
        values = self.open(source).read(["truth"])["truth"]
        assert values.tolist() == columns["truth"]
        assert str(values.dtype) == "bool"

    def test_only_named_columns_are_read_in_the_order_of_their_names(self, source):
        names = ["words", "id"]
        frame = self.open(source).read(names)
        assert list(frame.columns) == names
        assert len(frame) == len(IDS) * COPIES

    @pytest.mark.parametrize("rows", [7, 64, 10_000])
    def test_blocks_together_are_the_whole(self, data, columns, rows):
        names = [name for name in columns if name != "short"]
        table = self.open(data)
        whole = table.read(names)
        parts = list(table.blocks(names, rows))
        assert all(len(part) <= rows for part in parts)
        again = pd.concat(parts, ignore_index=True)
        for name in names:
            assert [str(one) for one in again[name]] == [str(one) for one in whole[name]], name

    def test_an_identifier_column_keeps_every_digit_as_text(self, source, columns):
        values = self.open(source).read_exact("id")
        assert [str(one) if not pd.isna(one) and str(one) else None for one in values] == [
            None if one is None else str(one) for one in columns["id"]
        ]

    def test_another_program_reads_the_same(self, data, columns):
        names = [name for name in columns if name != "words"]
        found, told = self.open(data).read(names), self.independent(data, names)
        for name in names:
            ours, theirs = found[name].tolist(), told[name]
            assert len(ours) == len(theirs)
            for one, other in zip(ours, theirs, strict=True):
                if pd.isna(one) or pd.isna(other):
                    assert pd.isna(one)
                    assert pd.isna(other)
                else:
                    assert (
                        one == pytest.approx(other, rel=max(self.rtol, 1e-7), abs=0.0) if name != "id" else one == other
                    )

    def test_a_table_without_rows_has_its_columns(self, columns):
        table = self.open(self.written({name: values[:0] for name, values in columns.items()}, {}))
        assert table.names == tuple(columns)
        frame = table.read(["id", "words"])
        assert list(frame.columns) == ["id", "words"]
        assert frame.empty

    def test_limits_are_kept(self, data, columns):
        for limits, words in (
            (Limits(max_columns=2), "at most 2 are read"),
            (Limits(max_rows=100), r"rows"),
            (Limits(max_bytes=200), r"unpacks to more than 200 bytes|footer|longer|lines"),
        ):
            packed = gzip.compress(data) if self.gzips else data
            with pytest.raises(TableError, match=words):
                self.open(packed, limits).read(list(columns)[:2])
        enough = Limits(max_bytes=10**7, max_rows=len(IDS) * COPIES, max_columns=len(columns))
        assert len(self.open(data, enough).read(["id"])) == len(IDS) * COPIES

    def test_a_cut_file_is_refused_in_a_sentence(self, data, columns):
        names = list(columns)
        content = data.rstrip(b"\0")
        for share in (0.03, 0.5, 0.9, 0.99):
            with pytest.raises(TableError, match=r"^the table") if self.cut_is_told else suppress(TableError):
                table = self.open(content[: int(share * len(content))])
                table.read([name for name in names if name in table.names])
        if self.gzips:
            packed = gzip.compress(data)
            for size in (len(packed) // 3, len(packed) - 20):
                with pytest.raises(TableError, match=r"damaged or cut short|is cut short"):
                    self.open(packed[:size]).read(names)

    def test_damage_is_read_or_refused_and_never_anything_else(self, data):
        rng = random.Random(zlib.crc32(self.form.encode()))
        for _ in range(15):
            damaged = bytearray(data)
            for _ in range(rng.randrange(1, 20)):
                damaged[rng.randrange(len(damaged))] = rng.randrange(256)
            for limits in (None, Limits(10**6, 10**4, 100)):
                with suppress(TableError):
                    table = self.open(bytes(damaged), limits)
                    table.read([item.name for item in table.fields if item.kind != "array"])

    def test_many_columns_are_read(self):
        count = self.most_columns
        columns = {f"c{number}": [number, number + 1] for number in range(count)}
        table = self.open(self.written(columns, {}))
        assert len(table.fields) == count
        names = [f"c{count - 1}", "c0"]
        assert table.read(names).to_numpy().tolist() == [[count - 1, 0], [count, 1]]

    def test_no_refusal_quotes_content(self, columns):
        secret = {**columns, "words": ["SECRET77"] * len(columns["words"])}
        data = self.written(secret, {})
        refusals = []
        for part in (data[: len(data) // 2], data[:-30], data.replace(b"3000000", b"SECRET77"), data[len(data) // 2 :]):
            for limits in (None, Limits(10**4, 10, 2)):
                try:
                    table = self.open(part, limits)
                    table.read(list(table.names))
                except TableError as error:
                    refusals.append(str(error))
        assert refusals
        assert not [words for words in refusals if "SECRET77" in words]
