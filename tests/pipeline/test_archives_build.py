"""The simulated survey through files in the archives' formats gives the catalogue of the direct build."""

import numpy as np
import pandas as pd
import pytest

from pipeline.config import load_config
from pipeline.domain.columns import BY_NAME
from pipeline.mock.archives import write_archives
from pipeline.mock.survey import simulate
from pipeline.products.catalog import Catalog
from pipeline.products.manifest import Manifest
from pipeline.stages.runner import build
from tests.quick_build import with_quick_settings

EXPECTED_DIFFERENCES = {"obsid_source", "source_file"}
"""Where an identifier and a row come from is another place by intention."""


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    folder = tmp_path_factory.mktemp("archives")
    files = write_archives(simulate(160, seed=11, training=90), folder / "files", 90, field_stars=60)
    products = {}
    for name, path in (("direct", files.direct), ("archives", files.build)):
        quick = path.with_name(f"quick_{name}.toml")
        quick.write_text(with_quick_settings(path.read_text()))
        products[name] = folder / name
        build(load_config(str(quick)), folder / name, quiet=True)
    return files, products


def test_every_contract_column_is_equal(both):
    _, products = both
    direct, archives = (Catalog.read(products[name]).table.set_index("obsid") for name in ("direct", "archives"))
    assert direct.index.equals(archives.index)
    declared = [name for name in archives.columns if name in BY_NAME]
    assert set(declared) == set(direct.columns)
    different = set()
    for name in declared:
        first, second = direct[name], archives[name]
        if not ((first == second) | (first.isna() & second.isna())).all():
            different.add(name)
    assert different == EXPECTED_DIFFERENCES


def test_each_way_of_matching_finds_the_right_rows(both):
    files, products = both
    truth = pd.read_parquet(files.truth).set_index("obsid")
    table = Catalog.read(products["archives"]).table.set_index("obsid").loc[truth.index]
    for words, method in (("allwise", "sky"), ("photometry_float_ids", "sky"), ("gaia_source", "gaia")):
        found = table[f"{words}_match"]
        assert set(found) <= {method, ""}
        assert (found != "").mean() > 0.9
    assert (table["dr10_v2_0_lrs_catalogue_match"] == "obsid").all()
    assert table["allwise_sep"].max() < 1.5


def test_the_manifest_says_what_was_understood_and_simulated(both):
    manifest = Manifest.read(both[1]["archives"])
    assert manifest.simulated
    assert "simulated" in manifest.simulated_note
    tables = {table["file"]: table for table in manifest.tables}
    assert tables["allStar-dr17-synspec_rev1.fits"]["schema"] == "APOGEE allStar DR17"
    refused = [note for note in tables["photometry_float_ids.csv"]["notes"] if "lost their last digits" in note]
    assert refused
    assert not [name for name in tables["dr10_v2.0_LRS_mstellar.fits"]["columns"] if name["ours"].startswith("m_h")]


def test_duplicates_of_the_reference_leave_the_best_row(both):
    table = Catalog.read(both[1]["archives"]).table
    known = table[np.isfinite(table["teff_ref"])]
    assert len(known) > 90
    assert (known["snr_ref"] > 0).all()
