"""The whole chain: archives, fetch, build; its catalogue is that of the build straight from the files."""

import json
import re

import numpy as np
import pytest
from archive_tables import DownloadTables
from http_archive import HttpArchive
from served_survey import serve

from pipeline.commands import run
from pipeline.config import load_config, shipped_configurations
from pipeline.domain.columns import BY_NAME
from pipeline.products.catalog import Catalog
from pipeline.products.manifest import Manifest
from pipeline.sources.tables.reader import open_table
from pipeline.stages.runner import build

SECTION = re.compile(r"^\[(?!input|\[)", re.MULTILINE)
QUICK = """
[spectra]
first_angstrom = 8000.0
last_angstrom = 8950.0
[velocity]
zero_point_group = "spectrograph"
apply_zero_points = true
[labels]
c_grid = [10.0]
gamma_grid = [0.1]
folds = 3
out_of_fold_models = 2
min_snr = 20.0
[distance]
draws = 15
[kinematics]
draws = 4
stream_particles = 300
map_min_stars = 2
"""
DIRECT = """
name = "direct"
[[input.source]]
spectra = "{spectra}"
obsids = "{giants}"
[[input.source]]
table = "{m_stars}"
[[input.source]]
table = "{general}"
[[input.source]]
table = "{gaia}"
[[input.source]]
table = "{tmass}"
[[input.source]]
table = "{by_gaia}"
[[input.source]]
table = "{distances}"
[[input.source]]
table = "{allstar}"
labels = "reference"
[[input.source]]
table = "{giants}"
match = "obsid"
"""
OF_ORIGIN = {"obsid_source", "source_file"}
"""Columns that say which file a value is from, and so differ by intention."""


def giants_of(files, path):
    """The list of M giants as a file, for the build without archives."""
    table = next(item.table for item in DownloadTables(files).vizier() if item.name.endswith("mgiants"))
    table.to_pandas().to_csv(path, index=False)
    return path


def allwise_by_gaia(files, path):
    """AllWISE with Gaia identifiers; a match on the sky would also have stars that Gaia lacks."""
    tables = {item.name: item.table.to_pandas() for item in DownloadTables(files).gaia_archive()}
    neighbours = tables["allwise_best_neighbour"][["source_id", "allwise_oid"]]
    tables["allwise_original_valid"].merge(neighbours, on="allwise_oid").to_parquet(path, index=False)
    return path


def input_of(name):
    """A shipped configuration up to its settings."""
    text = shipped_configurations()[name].read_text(encoding="utf-8")
    return text[: SECTION.search(text).start()]


@pytest.fixture(scope="module")
def fetched(tmp_path_factory, download):
    """The folder of a fetch that a user's command has filled, and the requests that it took."""
    folder = tmp_path_factory.mktemp("chain")
    with HttpArchive() as archive:
        serve(archive, download, folder / "served", folder / "own.toml")
        command = ["fetch", "qiu2023", "--into", str(folder / "qiu2023"), "--profile", str(folder / "own.toml")]
        assert run(command) == 0
        requests = len(archive.log)
        assert run(command) == 0
        again = len(archive.log) - requests
    return folder, requests, again


@pytest.fixture(scope="module")
def products(fetched, download):
    folder, _, _ = fetched
    giants = giants_of(download, folder / "giants.csv")
    (folder / "fetched.toml").write_text(input_of("qiu2023") + QUICK)
    by_gaia = allwise_by_gaia(download, folder / "allwise_by_gaia.parquet")
    (folder / "direct.toml").write_text(DIRECT.format(giants=giants, by_gaia=by_gaia, **vars(download)) + QUICK)
    made = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MGIANT_DATA", str(folder))
        for name in ("fetched", "direct"):
            made[name] = folder / f"product-{name}"
            build(load_config(str(folder / f"{name}.toml")), made[name], quiet=True)
    return made


def test_each_file_of_the_configuration_is_there(fetched):
    folder, requests, again = fetched
    spectra = list((folder / "qiu2023" / "spectra").rglob("*.fits*"))
    giants = open_table(folder / "qiu2023" / "m_giants.parquet")
    assert len(spectra) == giants.n_rows > 100
    assert requests < giants.n_rows + 60
    assert again == 0, "a second run requests nothing"
    record = json.loads((folder / "qiu2023" / "qiu2023.fetch.json").read_text())
    assert [step["step"] for step in record["steps"]] == [
        *("m-giants", "lamost-catalogue", "spectra", "apogee", "gaia-from-dr2", "gaia", "dust")
    ]


def test_the_catalogue_is_that_of_the_files_without_archives(products):
    direct, fetched = (Catalog.read(products[name]).table.set_index("obsid") for name in ("direct", "fetched"))
    assert len(direct) > 100
    assert direct.index.equals(fetched.index)
    declared = [name for name in direct.columns if name in BY_NAME]
    assert set(declared) == {name for name in fetched.columns if name in BY_NAME}
    different = {}
    for name in declared:
        first, second = direct[name], fetched[name]
        equal = (first == second) | (first.isna() & second.isna())
        if not equal.all():
            different[name] = int((~equal).sum())
    assert set(different) <= OF_ORIGIN, different
    assert np.isfinite(fetched["teff"]).mean() > 0.5
    assert (fetched["gaia_source_id"] > 2**53).mean() > 0.8


def test_the_product_says_that_it_is_simulated_and_where_its_files_are_from(products):
    manifest = Manifest.read(products["fetched"])
    assert manifest.simulated
    tables = {table["file"]: table for table in manifest.tables}
    assert tables["gaia.parquet"]["schema"] == "Gaia DR3 with 2MASS, AllWISE and distances (fetch gaia)"
    assert tables["gaia.parquet"]["match"]["gaia"] > 100
    steps = {part["step"]: part for part in manifest.archives}
    assert set(steps) >= {"m-giants", "lamost-catalogue", "spectra", "apogee", "gaia"}
    assert "LEFT OUTER JOIN gaiadr3.tmass_psc_xsc_best_neighbour" in steps["gaia"]["request"]["query"]
    assert steps["m-giants"]["services"][0]["note"] == "VizieR at the CDS, Strasbourg"


def test_a_build_without_the_files_names_each_with_its_place(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("MGIANT_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("MGIANT_DATA", raising=False)
    assert run(["build", "qiu2023", "--output", str(tmp_path / "product"), "--quiet"]) == 2
    text = capsys.readouterr().err
    place = tmp_path / "home" / "downloads" / "qiu2023"
    for words in (
        "7 of the inputs of 'qiu2023' are missing",
        "python -m pipeline fetch qiu2023",
        f"put its largest table (FITS, VOTable or CSV) into {place} as m_giants.parquet",
        "SHA1 7aa2f381de0e8e246f9833cc7da540ef45096702",
        "bayestar2019.h5 (dust map Bayestar2019, Green et al. 2019): 727.9 MB, MD5 ab815d2fd3068d1b81a1bd61fb18a722",
        "https://www.lamost.org/dr9/v2.0/",
        "LAMOST spectra by obsid: The list of M giants gives the observations",
    ):
        assert words in text, words
