"""Positioned reads of files that are truncated, replaced, renamed or overwritten while open."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from pipeline.products.catalog import Catalog
from pipeline.products.catalog_file import CatalogFile
from pipeline.products.manifest import ProductError
from pipeline.products.opened_file import OpenedFile, StoredRows
from pipeline.products.spectra import SpectrumStore, SpectrumStoreWriter

ROOT = Path(__file__).parents[2]
OBSID = np.arange(100, 140)
PIXELS = 700


@pytest.fixture
def values():
    return np.random.default_rng(1).normal(size=(OBSID.size, PIXELS)).astype("f4")


@pytest.fixture
def product(tmp_path, values):
    writer = SpectrumStoreWriter(tmp_path, OBSID, np.linspace(4000.0, 9000.0, PIXELS), simulated=True, note="")
    writer.put(slice(None), flux=values, ivar=np.ones_like(values), mask=values > 2)
    writer.close()
    return tmp_path


def test_rows_are_those_of_a_memory_map(product, values):
    store = SpectrumStore(product)
    some = np.array([3, 4, 5, 20, 7, 39, 0])
    for rows in (slice(None), slice(5, 9), slice(30, 99), slice(1, 30, 7), some, np.array([], int), np.int64([2, 2])):
        flux, _, mask = store.pixels(rows)
        np.testing.assert_array_equal(flux, values[rows])
        np.testing.assert_array_equal(mask, values[rows] > 2)
        assert flux.flags.writeable
    star = store.get(107)
    np.testing.assert_array_equal(star.flux, values[7])
    assert not star.has_model
    assert not store.has_continuum


@pytest.mark.parametrize("rows", [np.array([-1]), np.array([3, 40])])
def test_a_row_that_is_not_there_is_an_error(product, rows):
    with pytest.raises(IndexError, match="rows 0 to 39"):
        SpectrumStore(product).pixels(rows)


def test_a_file_that_is_cut_ends_no_process(product):
    script = (
        "import sys; from pathlib import Path; from pipeline.products.spectra import SpectrumStore\n"
        "from pipeline.products.manifest import ProductError\n"
        "place = Path(sys.argv[1]); store = SpectrumStore(place); store.get(105)\n"
        "(place / 'spectra' / 'flux.npy').write_bytes(b'')\n"
        "try: store.get(105)\n"
        "except ProductError as error: print(error)\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", script, str(product)], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert ended.returncode == 0, ended
    assert "flux.npy is shorter than" in ended.stdout


def test_renamed_and_deleted_files_stay_readable_and_their_successors_are_not_read(product, values):
    store = SpectrumStore(product)
    for file in store.files:
        file.pin()
    (product / "spectra").rename(product / "away")
    (product / "away" / "flux.npy").unlink()
    (product / "spectra").mkdir()
    np.save(product / "spectra" / "flux.npy", values + 1)
    np.testing.assert_array_equal(store.get(103).flux, values[3])
    assert store.refusal == ""


def test_content_that_is_written_over_a_pinned_file_is_refused(product, values):
    store, path = SpectrumStore(product), product / "spectra" / "flux.npy"
    for file in store.files:
        file.pin()
    np.testing.assert_array_equal(store.get(103).flux, values[3])
    right = path.read_bytes()
    path.write_bytes(right[:-5] + b"other")
    for read in (lambda: store.get(103), lambda: store.pixels(slice(0, 2)), lambda: store.block(slice(1))):
        with pytest.raises(ProductError, match=r"flux.npy was changed while it was open"):
            read()
    assert "flux.npy" in store.refusal
    path.write_bytes(right)
    store.files[0].pin()
    np.testing.assert_array_equal(store.get(103).flux, values[3])


def test_a_damaged_header_names_its_file(product, values):
    path = product / "spectra" / "flux.npy"
    right = path.read_bytes()
    for content, told in (
        (b"", "no NumPy array"),
        (b"\x93NUMPY\x07\x00", "no NumPy array"),
        (right[:-1], "bytes, its header announces"),
        (right + b"x", "bytes, its header announces"),
        (right.replace(b"<f4", b"<i4", 1), "expected rows of float32"),
    ):
        path.write_bytes(content)
        with pytest.raises(ProductError, match=told) as caught:
            SpectrumStore(product)
        assert str(path) in str(caught.value)
    np.save(path, values.T.copy(order="F"))
    with pytest.raises(ProductError, match="expected rows"):
        StoredRows(path, "<f4")


@pytest.mark.timeout(20)
def test_what_is_no_file_is_refused_at_once(tmp_path):
    os.mkfifo(tmp_path / "fifo")
    for name in ("fifo", "missing", "."):
        with pytest.raises(ProductError):
            OpenedFile(tmp_path / name)


def test_pages_of_the_catalogue_are_checked_and_a_replaced_file_is_refused(tmp_path):
    teff = np.random.default_rng(2).uniform(3500, 4000, OBSID.size)
    stars = {"obsid": OBSID, "teff": teff, "in_training": OBSID > 120, "quality": 0}
    path = Catalog.from_frame(pd.DataFrame(stars)).write(tmp_path, simulated=True)
    right = path.read_bytes()
    metadata = pq.ParquetFile(path).metadata
    at = metadata.row_group(0).column(1).data_page_offset + metadata.row_group(0).column(1).total_compressed_size - 9
    name = metadata.row_group(0).column(1).path_in_schema
    path.write_bytes(right[:at] + bytes([right[at] ^ 1]) + right[at + 1 :])
    with pytest.raises(ProductError, match="is not readable Parquet"):
        CatalogFile(path).frame()
    path.write_bytes(right)
    file = CatalogFile(path)
    file.opened.pin()
    assert len(file.numbers(name)) == len(file)
    os.utime(path, ns=(1, 1))
    with pytest.raises(ProductError, match="was changed while it was open"):
        file.numbers(name)
