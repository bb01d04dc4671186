"""Star tables or folders of spectra opened as products by one command, and its errors."""

import gzip
import json
import re

import numpy as np
import pandas as pd
import pytest

from pipeline.__main__ import main
from pipeline.mock.fits_layouts import write_lamost_fits
from pipeline.mock.survey import simulate
from pipeline.products.catalog import Catalog
from pipeline.products.manifest import Manifest
from pipeline.products.product import verify


def table_a1(n=60):
    rng = np.random.default_rng(3)
    return pd.DataFrame(
        {
            "obsid": np.arange(1, n + 1),
            "ra": rng.uniform(0, 360, n).round(6),
            "dec": rng.uniform(-5, 60, n).round(6),
            "SNR": rng.uniform(20, 200, n).round(2),
            "[M/H]": rng.normal(-0.3, 0.2, n).round(3),
            "T_eff": rng.normal(3800, 100, n).round(1),
            "log g": rng.normal(1.0, 0.3, n).round(2),
            "[alpha/M]": rng.normal(0.1, 0.05, n).round(3),
            "rv": rng.normal(0, 60, n).round(2),
            "rv_err": 4.6,
            "Distance": rng.gamma(3, 2, n).round(3),
            "my grade": rng.choice(list("ABC"), n),
        }
    )


def opened(*arguments):
    return main(["open", *map(str, arguments), "--quiet"])


def understood(folder):
    return json.loads((folder / "understood.json").read_text())


@pytest.fixture(scope="module")
def a1(tmp_path_factory):
    folder = tmp_path_factory.mktemp("a1")
    table_a1().to_csv(folder / "table_a1.csv", index=False)
    (folder / "table_a1.csv").rename(folder / "stars")
    assert opened(folder / "stars", "--into", folder / "out") == 0
    return folder


def test_the_published_table_opens_under_any_name(a1):
    out = a1 / "out"
    for name in ("quick", "product"):
        assert verify(out / name) == []
    catalog = Catalog.read(out / "product")
    table = catalog.table
    for name in ("teff", "logg", "m_h", "alpha_m", "rv", "distance", "glon", "sgr_lambda", "v_gsr", "x_gal"):
        assert table[name].notna().all(), name
    assert set(table["distance_from"]) == {"catalogue"}
    assert [column.label for column in catalog.own] == ["my grade"]
    quick = {stage["name"]: stage["reason"] for stage in Manifest.read(out / "quick").stages}
    assert quick["stream"] == "left out of this build"
    assert not quick["stream coordinates"]
    assert not Manifest.read(out / "product").simulated


def test_what_was_understood_is_in_the_folder_and_in_the_manifest(a1):
    document = understood(a1 / "out")
    assert document["error"] == ""
    columns = {column["ours"]: column for column in document["tables"][0]["columns"]}
    assert columns["m_h"]["theirs"] == "[M/H]"
    assert {"my grade", "SNR"} <= set(document["tables"][0]["names"])
    reasons = {stage["name"]: stage["reason"] for stage in document["stages"]}
    assert reasons["rv"] == "needs spectra: the input has none"
    assert reasons["sky"] == ""
    assert Manifest.read(a1 / "out" / "product").tables[0]["file"] == "stars"


def test_a_correction_in_the_configuration_is_followed(a1, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    path = json.dumps(str(a1 / "stars"))
    (out / "open.toml").write_text(
        f'name = "x"\n[[input.source]]\ntable = {path}\ncolumns = {{rv_gaia = "rv", rv = ""}}\n'
    )
    assert opened(a1 / "stars", "--into", out) == 0
    table = Catalog.read(out / "product").table
    assert "rv" not in table
    assert table["rv_gaia"].notna().all()


def test_distances_come_from_the_parallax_where_nothing_else_is_known(tmp_path):
    n = 30
    frame = pd.DataFrame({"ra": np.linspace(1, 300, n), "dec": np.linspace(-5, 50, n), "parallax": 2.0})
    frame["parallax_error"] = np.where(np.arange(n) % 2, 0.01, 1.0)
    frame.to_parquet(tmp_path / "gaia.parquet")
    assert opened(tmp_path / "gaia.parquet", "--into", tmp_path / "out") == 0
    table = Catalog.read(tmp_path / "out" / "product").table
    near = table["parallax_err"] < 0.5
    np.testing.assert_allclose(table.loc[near, "distance"], 0.5, rtol=1e-6)
    assert set(table.loc[near, "distance_from"]) == {"parallax"}
    assert table.loc[~near, "distance"].isna().all()


def test_a_folder_of_spectra_opens(tmp_path):
    write_lamost_fits(simulate(20, seed=2, training=0), tmp_path / "spectra" / "deep" / "er", "dr9")
    (tmp_path / "spectra" / "notes.txt").write_text("not a spectrum")
    assert opened(tmp_path / "spectra", "--into", tmp_path / "out") == 0
    table = Catalog.read(tmp_path / "out" / "product").table
    assert len(table) == 20
    assert table["rv"].notna().mean() > 0.8
    assert Manifest.read(tmp_path / "out" / "product").simulated


BAD = {
    "a web page": (b"<!DOCTYPE html><html><body>Sign in</body></html>", "is a web page"),
    "empty": (b"  \n", "is empty"),
    "header alone": (b"ra,dec,rv\n", "no row|holds no"),
    "JSON": (b'{"error": "no such table"}', "is JSON"),
    "distance in pc": (None, "kpc expected for distance; is it pc"),
    "hours": (None, "hours"),
    "two magnitudes": (None, r"may both be k_mag.*columns = \{k_mag"),
    "no position": (b"name,mass\na,1\nb,2\n", "holds no star"),
    "magnitudes of 99": (None, None),
}


def bad_table(kind):
    frame = table_a1(80)
    if kind == "distance in pc":
        frame["Distance"] *= 1000.0
    elif kind == "hours":
        frame["ra"] /= 15.0
    elif kind == "two magnitudes":
        frame = frame.assign(Kmag=9.0, ks_m=9.1)
    elif kind == "magnitudes of 99":
        frame["j_m"] = 99.999
    return frame.to_csv(index=False).encode()


@pytest.mark.parametrize("kind", BAD)
@pytest.mark.parametrize("packed", [False, True])
def test_bad_input_is_a_sentence_and_nothing_is_lost(tmp_path, capsys, kind, packed):
    data, words = BAD[kind]
    data = bad_table(kind) if data is None else data
    path = tmp_path / "t.csv"
    path.write_bytes(gzip.compress(data) if packed else data)
    status = opened(path, "--into", tmp_path / "out")
    told = capsys.readouterr().err
    if words is None:
        assert status == 0
        assert Catalog.read(tmp_path / "out" / "product").table["j_mag"].isna().all()
        return
    assert status == 2
    assert re.search(words, told), told
    assert "Traceback" not in told
    assert understood(tmp_path / "out")["error"] in told
    assert path.read_bytes()


def test_check_says_what_tables_hold_before_anything_is_fitted(tmp_path, capsys):
    table_a1().to_csv(tmp_path / "a.csv", index=False)
    assert main(["tables", "check", str(tmp_path / "a.csv")]) == 0
    text = capsys.readouterr().out
    plan = text.partition("stages on these inputs together:")[2].splitlines()[1:]
    assert len({re.search(r"  (?=can run|needs )", line).end() for line in plan}) == 1, "one below the other"
    for words in ("schema: unknown", "teff", "T_eff", "kept as own columns (1): my_grade", "needs spectra"):
        assert words in text
    assert main(["tables", "check", "--json", str(tmp_path / "a.csv")]) == 0
    assert json.loads(capsys.readouterr().out)["tables"][0]["rows"] == 60
    assert main(["tables", "check", "--spectra", str(tmp_path / "a.csv")]) == 0
    assert 'labels = "reference"' in capsys.readouterr().out


def test_every_shared_table_of_stars_opens_under_another_name(shared_data, tmp_path):
    names = (
        "gaia_archive/gdr3_sm.fits",
        "lamost_dr4_mgiants_x_apokasc_even.csv",
        "m_dwarfs_lamost/m_dwarf_labels_catalog_B.csv",
    )
    for number, name in enumerate(names):
        copy = tmp_path / f"table{number}"
        copy.symlink_to(shared_data / name)
        assert opened(copy, "--into", tmp_path / f"out{number}") == 0
        assert len(Catalog.read(tmp_path / f"out{number}" / "quick").table) > 50
