"""Comparisons with references and other tables: the numbers, the matching, the files, the complaints."""

import json

import numpy as np
import pandas as pd
import pytest
from astropy.table import Table

from pipeline.__main__ import main
from pipeline.domain.columns import BY_NAME
from pipeline.products.catalog import Catalog
from pipeline.products.comparison import Compared, difference_statistics, write_comparison


@pytest.fixture(scope="module")
def catalog(tiny):
    return Catalog.read(tiny).table


def write_other(folder, **columns):
    """Another survey's table of some of the stars."""
    table = Table({name: np.asarray(values) for name, values in columns.items()})
    path = folder / "other.fits"
    table.write(path, overwrite=True)
    return path


def told(folder):
    return json.loads((folder / "comparison.json").read_text())


def test_statistics_are_those_of_the_finite_differences():
    values = np.array([1.0, 2.0, 3.0, np.nan, 10.0])
    found = difference_statistics(values)
    assert found["stars"] == 4
    assert found["mean"] == 4.0
    assert found["median"] == 2.5
    assert found["std"] == pytest.approx(np.std([1, 2, 3, 10]))
    assert found["robust_scatter"] == pytest.approx(1.4826 * 1.0)
    assert difference_statistics(np.full(3, np.nan)) == {"stars": 0}


def test_self_consistency_never_judges_a_star_that_trained(tiny, tmp_path):
    assert main(["self-consistency", str(tiny), "--output", str(tmp_path / "out")]) == 0
    table = Table.read(tmp_path / "out" / "comparison.ecsv")
    catalog = Catalog.read(tiny).table.set_index("obsid")
    trained = catalog["in_training"].sum()
    judged = catalog.loc[table["obsid"]]
    assert judged["in_training"].sum() == trained - round(trained * 2770 / 3670)
    faint = judged[~judged["in_training"]]
    assert len(faint)
    assert faint["snr"].max() < catalog.loc[catalog["in_training"], "snr"].min()
    found = told(tmp_path / "out")
    assert found["simulated"] is True
    for name, samples in found["statistics"].items():
        reference = judged[f"{name}_ref"].to_numpy()
        np.testing.assert_allclose(np.asarray(table[f"{name}_reference"].value), reference, rtol=1e-6)
        for sample in samples.values():
            assert sample["std"] > 0
    assert found["statistics"]["teff"]["S/N ≥ 20"]["robust_scatter"] < 0.5 * np.std(catalog["teff_ref"].dropna())
    assert (tmp_path / "out" / "comparison.pdf").read_bytes().startswith(b"%PDF")


def test_a_split_that_leaves_nobody_is_refused(tiny, catalog, tmp_path, capsys):
    everybody = str(int(catalog["in_training"].sum()))
    assert main(["self-consistency", str(tiny), "--training", everybody, "--output", str(tmp_path)]) == 2
    assert "leave some to judge" in capsys.readouterr().err


def test_another_table_is_matched_by_identifier(tiny, catalog, tmp_path):
    some = catalog.iloc[10:30]
    path = write_other(tmp_path, obsid=some["obsid"][::-1], Teff=some["teff"][::-1] + 25.0)
    assert main(["compare", str(tiny), str(path), "--column", "teff=Teff", "--output", str(tmp_path / "out")]) == 0
    statistics = told(tmp_path / "out")["statistics"]["teff"]["all"]
    assert statistics["stars"] == int(some["teff"].notna().sum()) > 0
    assert statistics["mean"] == pytest.approx(25.0, abs=0.01)
    assert statistics["std"] == pytest.approx(0.0, abs=0.01)


def test_another_table_is_matched_by_position(tiny, catalog, tmp_path):
    some = catalog[catalog["n_obs"] == 1].iloc[:40]  # observations of one star share its position
    far = some["dec"] + np.where(np.arange(40) < 15, 0.3, 5.0) / 3600
    path = write_other(tmp_path, RA=some["ra"], DEC=far, velocity=some["rv"] - 3.0)
    assert main(["compare", str(tiny), str(path), "--column", "rv=velocity", "--output", str(tmp_path / "out")]) == 0
    statistics = told(tmp_path / "out")["statistics"]["rv"]["all"]
    assert statistics["stars"] == 15
    assert statistics["mean"] == pytest.approx(-3.0, abs=0.01)


@pytest.mark.parametrize(
    ("column", "complaint"),
    [
        ("tef=Teff", "Did you mean 'teff'"),
        ("teff=Tefff", "Did you mean 'Teff'"),
        ("teff", "OURS=THEIRS"),
        ("designation=Teff", "numeric column"),
        ("teff=name", "holds no numbers"),
    ],
)
def test_wrong_columns_are_named(tiny, catalog, tmp_path, capsys, column, complaint):
    some = catalog.iloc[:5]
    path = write_other(tmp_path, obsid=some["obsid"], Teff=some["teff"], name=list("abcde"))
    assert main(["compare", str(tiny), str(path), "--column", column, "--output", str(tmp_path / "out")]) == 2
    assert complaint in capsys.readouterr().err


def test_units_of_the_other_table_are_converted_or_refused(tiny, catalog, tmp_path, capsys):
    some = catalog[catalog["distance"].notna()].iloc[:20]
    table = Table(
        {"obsid": some["obsid"], "d": some["distance"] * 1000.0, "t": some["teff"]}, units={"d": "pc", "t": "K"}
    )
    table.write(tmp_path / "other.ecsv")
    command = ["compare", str(tiny), str(tmp_path / "other.ecsv"), "--output", str(tmp_path / "out"), "--column"]
    assert main([*command, "distance=d"]) == 0
    assert told(tmp_path / "out")["statistics"]["distance"]["all"]["std"] == pytest.approx(0.0, abs=1e-4)
    assert told(tmp_path / "out")["statistics"]["distance"]["all"]["mean"] == pytest.approx(0.0, abs=1e-4)
    assert main([*command, "distance=t"]) == 2
    assert "no unit of distance" in capsys.readouterr().err
    (tmp_path / "notes.txt").write_text("hello")
    command[2] = str(tmp_path / "notes.txt")
    assert main([*command, "distance=d"]) == 2
    assert "notes.txt is no FITS" in capsys.readouterr().err


def test_strangers_are_told(tiny, tmp_path, capsys):
    path = write_other(tmp_path, ra=[0.0], dec=[-89.0], rv=[1.0])
    assert main(["compare", str(tiny), str(path), "--column", "rv=rv", "--output", str(tmp_path / "out")]) == 2
    assert "No star" in capsys.readouterr().err
    path = write_other(tmp_path, rv=[1.0])
    assert main(["compare", str(tiny), str(path), "--column", "rv=rv", "--output", str(tmp_path / "out")]) == 2
    assert "no ra and dec" in capsys.readouterr().err


def test_a_quantity_without_any_pair_still_draws(tmp_path):
    nothing = np.full(3, np.nan)
    stars = pd.DataFrame({"obsid": [1, 2, 3]})
    found = write_comparison(
        tmp_path,
        "empty",
        ("a", "b"),
        stars,
        [Compared(BY_NAME["teff"], nothing, nothing)],
        {"all": np.ones(3, bool)},
        simulated=False,
    )
    assert found == {"teff": {"all": {"stars": 0}}}
    assert (tmp_path / "comparison.png").stat().st_size > 1000
