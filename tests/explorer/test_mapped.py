"""Memory-mapped columns of large catalogues equal those of the table in memory."""

import mmap
from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from products_factory import make_products

from explorer.model import library as library_module
from explorer.model.expression import parse
from explorer.model.library import forget_libraries, open_library
from explorer.model.mapped import mapped_table
from pipeline.products.catalog import CATALOG_NAME, Catalog
from pipeline.products.catalog_file import CatalogFile
from pipeline.products.manifest import Manifest, ProductError, file_sha256


@pytest.fixture(scope="module")
def product_directory(tmp_path_factory):
    """Products with a column of text."""
    directory = make_products(tmp_path_factory.mktemp("mapped") / "invented", 400, spectra=False)
    frame = Catalog.read(directory).table.assign(designation=[f"star {row}" for row in range(400)])
    Catalog.from_frame(frame).write(directory, simulated=True)
    manifest = Manifest.read(directory)
    replace(manifest, files={**manifest.files, CATALOG_NAME: file_sha256(directory / CATALOG_NAME)}).write(directory)
    return directory


@pytest.fixture(scope="module")
def table(product_directory):
    return open_library(product_directory).table


@pytest.fixture
def mapped(product_directory, tmp_path):
    return mapped_table(CatalogFile(product_directory / CATALOG_NAME), Manifest.read(product_directory), tmp_path)


def is_mapped(values):
    return isinstance(values.base, memoryview) and isinstance(values.base.obj, mmap.mmap)


def test_mapped_columns_are_those_in_memory(mapped, table):
    assert set(mapped) == set(table)
    for name, values in table.items():
        np.testing.assert_array_equal(mapped[name], values, err_msg=name)
        assert mapped[name].dtype == values.dtype
        assert is_mapped(mapped[name])
        assert not mapped[name].flags.writeable
    assert mapped.text_names == table.text_names
    assert table.text_names == ("designation",)
    for name in table.text_names:
        assert list(mapped.texts(name)) == list(table.texts(name)) == list(table[name])
        assert list(mapped.texts_of(name, np.array([7, 3]))) == ["star 7", "star 3"]
        assert mapped.text(name, 5) == "star 5"


def test_selections_are_the_same(mapped, table):
    text = "teff < 3700 & not LOW_SNR | designation == 'star 3'"
    names = [declared.name for declared in table.columns]
    expected = parse(text, names).mask(table)
    assert expected[3]
    assert not expected.all()
    np.testing.assert_array_equal(parse(text, names).mask(mapped), expected)


@pytest.mark.parametrize("n_plates", [3, 40])
def test_few_words_are_categories(n_plates, tmp_path, monkeypatch):
    monkeypatch.setattr("explorer.model.mapped._BATCH", 64)  # several pieces, each with words that others lack
    directory = make_products(tmp_path / "p", 500, spectra=False)
    plates = [f"plate {row * n_plates // 500:02d}" for row in range(500)]
    Catalog.from_frame(Catalog.read(directory).table.assign(plan_id=plates)).write(directory, simulated=True)
    found = mapped_table(
        CatalogFile(directory / CATALOG_NAME), replace(Manifest.read(directory), files={}), tmp_path / "cache"
    )
    assert list(found.texts("plan_id")) == plates
    categories = found.categories("plan_id")
    if n_plates == 40:
        assert categories is None
    else:
        labels, codes = categories
        assert labels == ("plate 00", "plate 01", "plate 02")
        assert [labels[code] for code in codes] == plates


def test_columns_are_written_once(mapped, product_directory, tmp_path, monkeypatch):
    written = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.*") if path.is_file()}
    assert len(written) == len(mapped.columns)
    assert not list(tmp_path.rglob("*.part"))
    monkeypatch.setattr("explorer.model.mapped._write_numbers", None)
    mapped_table(CatalogFile(product_directory / CATALOG_NAME), Manifest.read(product_directory), tmp_path)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.*") if path.is_file()} == written


def test_what_a_killed_server_left_half_written_is_not_read(product_directory, tmp_path, table):
    manifest = Manifest.read(product_directory)
    folder = tmp_path / manifest.files[CATALOG_NAME][:40]
    folder.mkdir()
    (folder / "teff.1.part").write_bytes(b"half")
    np.testing.assert_array_equal(
        mapped_table(CatalogFile(product_directory / CATALOG_NAME), manifest, tmp_path)["teff"], table["teff"]
    )


def test_another_catalogue_without_a_checksum_has_its_own_columns(tmp_path):
    tables = []
    for seed, n_stars in ((1, 50), (2, 60)):
        directory = make_products(tmp_path / f"p{seed}", n_stars, seed, spectra=False)
        unsigned = replace(Manifest.read(directory), files={})
        tables.append(mapped_table(CatalogFile(directory / CATALOG_NAME), unsigned, tmp_path / "cache"))
    assert [one.n_stars for one in tables] == [50, 60]


def test_columns_of_no_catalogue_are_refused(tmp_path):
    directory = make_products(tmp_path / "p", 30, spectra=False)
    frame = pd.read_parquet(directory / CATALOG_NAME)
    lists = frame.assign(colours=[[1.0, 2.0]] * 30)
    for damaged, reason in ((lists, "colours"), (frame.drop(columns=["obsid"]), "lacks obsid")):
        damaged.to_parquet(directory / CATALOG_NAME)
        with pytest.raises(ProductError, match=reason):
            mapped_table(CatalogFile(directory / CATALOG_NAME), Manifest.read(directory), tmp_path / reason)


def test_only_large_catalogues_are_mapped(product_directory, tmp_path, monkeypatch):
    forget_libraries()
    assert not is_mapped(open_library(product_directory, tmp_path).table["teff"])
    assert not list(tmp_path.iterdir())
    forget_libraries()
    monkeypatch.setattr(library_module, "LARGE", 100)
    assert is_mapped(open_library(product_directory, tmp_path).table["teff"])
    forget_libraries()


def test_row_groups_join_without_a_seam(tmp_path):
    directory = make_products(tmp_path / "p", 500, spectra=False)
    catalog = Catalog.read(directory)
    pq.write_table(catalog.to_arrow(simulated=True), directory / CATALOG_NAME, row_group_size=7)
    found = mapped_table(
        CatalogFile(directory / CATALOG_NAME), replace(Manifest.read(directory), files={}), tmp_path / "cache"
    )
    np.testing.assert_array_equal(found["obsid"], catalog.table["obsid"])
    np.testing.assert_array_equal(found["logg"], catalog.table["logg"])
