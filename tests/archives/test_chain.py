"""The whole chain: archives, fetch, build; its catalogue is that of the build straight from the files."""

import json
import re
from contextlib import redirect_stdout
from io import StringIO

import numpy as np
import pytest
from http_archive import HttpArchive
from served_survey import differing_columns, serve, write_configurations

from pipeline.commands import run
from pipeline.config import load_config
from pipeline.products.catalog import Catalog
from pipeline.products.manifest import Manifest
from pipeline.sources.tables.reader import open_table
from pipeline.stages.runner import build


@pytest.fixture(scope="module")
def fetched(tmp_path_factory, download):
    """The folder of a fetch that a user's command has filled, and the requests that it took."""
    folder = tmp_path_factory.mktemp("chain")
    with HttpArchive() as archive:
        serve(archive, download, folder / "served", folder / "own.toml")
        command = ["fetch", "qiu2023", "--into", str(folder / "qiu2023"), "--profile", str(folder / "own.toml")]
        with redirect_stdout(StringIO()) as checked:
            run([*command, "--check"])
        archive.clear()
        with redirect_stdout(StringIO()) as planned:
            assert run([*command, "--dry-run"]) == 0
        assert len(archive.log) == 0, "a dry run requests nothing"
        assert run(command) == 0
        requests = len(archive.log)
        assert run(command) == 0
        again = len(archive.log) - requests
    (folder / "check.txt").write_text(checked.getvalue())
    (folder / "dry-run.txt").write_text(planned.getvalue())
    return folder, requests, again


@pytest.fixture(scope="module")
def products(fetched, download):
    folder, _, _ = fetched
    configurations = write_configurations(download, folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MGIANT_DATA", str(folder))
        for name, path in configurations.items():
            build(load_config(str(path)), folder / f"product-{name}", quiet=True)
    return {name: folder / f"product-{name}" for name in configurations}


def test_each_file_of_the_configuration_is_there(fetched):
    folder, requests, again = fetched
    spectra = list((folder / "qiu2023" / "spectra").rglob("*.fits*"))
    giants = open_table(folder / "qiu2023" / "m_giants.parquet")
    assert len(spectra) == giants.n_rows > 100
    assert requests < giants.n_rows + 60
    assert again == 0, "a second run requests nothing"
    selected = open_table(folder / "qiu2023" / "lrs_catalogue_m_giants.parquet")
    assert selected.n_rows == giants.n_rows, "of all observations, those of the M giants"
    assert selected.simulated
    record = json.loads((folder / "qiu2023" / "qiu2023.fetch.json").read_text())
    assert [step["step"] for step in record["steps"]] == [
        *("m-giants", "lamost-catalogue", "m-giant-observations", "spectra", "apogee", "gaia-from-dr2", "gaia", "dust")
    ]


def test_what_it_will_cost_and_whether_the_profiles_fit_is_known_before(fetched):
    folder, _, _ = fetched
    planned = (folder / "dry-run.txt").read_text()
    assert re.search(r"^spectra +43,000 +5,160\.0 +\d.* expected: an earlier step gives obsids", planned, re.MULTILINE)
    checked = (folder / "check.txt").read_text()
    assert "Gaia mirror of the ARI, Heidelberg: tables, columns and units are as the profile has them" in checked
    assert "J/ApJS/266/4/mgiants has 5 columns: ObsID, RAJ2000, DEJ2000" in checked
    assert "DIFFERS: VizieR at the CDS, Strasbourg returns at most 20,000 rows" in checked


def test_the_catalogue_is_that_of_the_files_without_archives(products):
    direct, fetched = (Catalog.read(products[name]).table.set_index("obsid") for name in ("direct", "fetched"))
    assert len(direct) > 100
    assert direct.index.equals(fetched.index)
    assert differing_columns(direct, fetched) == {}
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
        f"put it into {place} as m_giants.parquet, whatever its format",
        "SHA1 7aa2f381de0e8e246f9833cc7da540ef45096702",
        "bayestar2019.h5 (dust map Bayestar2019, Green et al. 2019): 727.9 MB, MD5 ab815d2fd3068d1b81a1bd61fb18a722",
        "https://www.lamost.org/dr9/v2.0/",
        "After these files only the command can get: rows of the M giants",
    ):
        assert words in text, words
