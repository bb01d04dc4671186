"""Footers and page headers of uploaded Parquet files, compared with pyarrow, and false sizes."""

import io

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.sources.tables.parquet_footer import ParquetFooter
from pipeline.sources.tables.table_file import Limits, TableError

NO_LIMITS = Limits(10**12, 10**9, 10**6)


def packed(columns, **look):
    stream = io.BytesIO()
    pq.write_table(pa.table(columns), stream, **look)
    return stream.getvalue()


def unpacked(data, name):
    """What a column unpacks to, by trying limits."""
    low, high = 0, 10**9
    while low < high:
        middle = (low + high) // 2
        try:
            ParquetFooter(data, "t", Limits(middle, 10**9, 10**6)).check_pages([name])
            high = middle
        except TableError:
            low = middle + 1
    return low


@pytest.mark.parametrize("compression", ["none", "snappy", "gzip", "zstd", "brotli", "lz4"])
@pytest.mark.parametrize("version", ["1.0", "2.0"])
@pytest.mark.parametrize("groups", [300, 100_000])
def test_sizes_are_those_that_pyarrow_writes(compression, version, groups):
    rng = np.random.default_rng(3)
    columns = {
        "id": pa.array(rng.integers(0, 2**62, 5000), mask=rng.random(5000) < 0.1),
        "x": rng.normal(size=5000),
        "word": [f"star {number % 700}" for number in range(5000)],
        "list": [[1, 2]] * 5000,
    }
    data = packed(
        columns, compression=compression, data_page_version=version, row_group_size=groups, data_page_size=2000
    )
    ParquetFooter(data, "t", NO_LIMITS).check_pages(["id", "x", "word"])
    metadata = pq.ParquetFile(io.BytesIO(data)).metadata
    for number, name in enumerate(("id", "x", "word")):
        told = sum(metadata.row_group(g).column(number).total_uncompressed_size for g in range(metadata.num_row_groups))
        assert 0.5 * told < unpacked(data, name) <= told, "pyarrow counts the headers of pages too"


def test_the_limits_are_found_out_before_anything_is_unpacked():
    for columns, look, words in (
        ({"id": np.zeros(3_000_000, np.int64)}, {}, "more than 2,000,000 rows"),
        ({f"c{number}": [1] for number in range(2500)}, {}, "footer of|2,500 columns"),
        ({"id": pa.array([b"1" * 2000] * 2, pa.binary(2000))}, {}, "cells of 2,000 bytes"),
    ):
        with pytest.raises(TableError, match=words):
            ParquetFooter(packed(columns, **look), "t", Limits(16_000_000, 2_000_000, 2000))
    footer = ParquetFooter(packed({"id": ["1" * (1 << 26)]}, compression="zstd"), "t", Limits(16_000_000, 10, 10))
    with pytest.raises(TableError, match="unpacks to more than 16,000,000 bytes"):
        footer.check_pages(["id"])
    footer.check_pages(["another"])
    long = [f"{'1' * 4000}{number}" for number in range(100)]
    delta = packed({"id": long}, use_dictionary=False, column_encoding={"id": "DELTA_BYTE_ARRAY"})
    with pytest.raises(TableError, match="delta-encoded text"):
        ParquetFooter(delta, "t", Limits(16_000_000, 1000, 10)).check_pages(["id"])


def test_damaged_footers_are_refused_in_a_sentence():
    data = packed({"id": np.arange(100), "x": np.arange(100.0)})
    rng = np.random.default_rng(2)
    size = int.from_bytes(data[-8:-4], "little")
    refusals = []
    for _ in range(3000):
        damaged = bytearray(data)
        for _ in range(rng.integers(1, 5)):
            damaged[rng.integers(4, len(data))] = rng.integers(256)
        try:
            ParquetFooter(bytes(damaged), "t", Limits(10**6, 10**4, 50)).check_pages(["id", "x"])
        except TableError as error:
            refusals.append(str(error))
    assert len(refusals) > 100
    assert all(words.startswith("t ") for words in refusals)
    for cut in (data[:-1], data[:10], b"", b"PAR1", data[: -size - 8] + data[-8:], b"PAR1" + b"\xff" * 8 + b"PAR1"):
        with pytest.raises(TableError, match="damaged or cut-short"):
            ParquetFooter(cut, "t", NO_LIMITS)
