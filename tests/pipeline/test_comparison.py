"""Comparisons with references and other tables: statistics, matching, files, errors."""

import gzip
import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from astropy.table import Table

from pipeline.__main__ import main
from pipeline.domain.columns import BY_NAME
from pipeline.products.catalog import Catalog
from pipeline.products.comparison import Compared, difference_statistics, write_comparison
from pipeline.products.manifest import Manifest


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


def test_self_consistency_without_a_label_model_says_why_there_is_none(tiny, tmp_path, capsys):
    bare = Path(shutil.copytree(tiny, tmp_path / "bare"))
    shutil.rmtree(bare / "model")
    manifest = Manifest.read(bare)
    files = {name: digest for name, digest in manifest.files.items() if not name.startswith("model/")}
    skipped = ({"name": "labels", "status": "skipped", "reason": "needs reference labels: no star has any"},)
    replace(manifest, files=files, stages=skipped).write(bare)
    assert main(["self-consistency", str(bare), "--output", str(tmp_path / "out")]) == 2
    assert "has no label model: its stage labels needs reference labels: no star has any." in capsys.readouterr().err


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


def test_a_split_without_test_stars_is_refused(tiny, catalog, tmp_path, capsys):
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
        ("teff=name", "holds text where numbers are expected"),
        ("teff=Teff [pc]", "no unit of teff"),
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
    assert "'d' is no column of notes.txt. There are hello." in capsys.readouterr().err
    (tmp_path / "notes.txt").write_bytes(b"\x00\x01\x02")
    assert main([*command, "distance=d"]) == 2
    assert "notes.txt is neither text nor FITS" in capsys.readouterr().err


def compared(tiny, path, *columns):
    """Run the command; its document."""
    command = ["compare", str(tiny), str(path), "--output", str(path.parent / "out")]
    assert main(command + [word for one in columns for word in ("--column", one)]) == 0
    return told(path.parent / "out")


@pytest.fixture(scope="module")
def alone(catalog):
    """Stars of one observation with a Gaia id and measured values."""
    usable = (catalog["n_obs"] == 1) & (catalog["gaia_source_id"] > 0) & catalog[["teff", "rv"]].notna().all(axis=1)
    assert usable.sum() > 60
    return catalog[usable].iloc[:60]


@pytest.mark.parametrize("share", [0.1, 0.6])
@pytest.mark.parametrize("sentinel", [-9999.0, -9999.99, 99999.0])
def test_values_that_mean_missing_are_left_out_and_counted(tiny, alone, tmp_path, share, sentinel):
    gone = np.arange(60) < 60 * share
    path = write_other(
        tmp_path, source_id=alone["gaia_source_id"], T=np.where(gone, sentinel, alone["teff"].to_numpy(float) + 28.0)
    )
    found = compared(tiny, path, "teff=T")
    statistics = found["statistics"]["teff"]["all"]
    assert statistics["stars"] == 60 - gone.sum()
    assert statistics["mean"] == pytest.approx(28.0, abs=0.01)
    assert f"{gone.sum()} of 60 values of T mean missing and are left out" in found["notes"]


def test_values_outside_the_valid_range_are_left_out_and_counted(tiny, alone, tmp_path):
    wild = np.where(np.arange(60) == 3, 31_000.0, alone["teff"].to_numpy(float))
    wild[7] = 700.0
    found = compared(tiny, write_other(tmp_path, obsid=alone["obsid"], T=wild), "teff=T")
    assert found["statistics"]["teff"]["all"]["stars"] == 58
    assert "2 of 60 values of T are outside the valid range and are left out" in found["notes"]


def test_a_missing_id_ruins_no_other(tiny, alone, tmp_path):
    frame = pd.DataFrame({"source_id": alone["gaia_source_id"].astype(object), "T": alone["teff"] + 28.0})
    frame.iloc[3, 0] = None
    frame.to_csv(tmp_path / "t.csv", index=False)
    statistics = compared(tiny, tmp_path / "t.csv", "teff=T")["statistics"]["teff"]["all"]
    assert statistics["stars"] == 59
    assert statistics["std"] == pytest.approx(0.0, abs=0.01)


@pytest.mark.parametrize("suffix", ["csv", "fits"])
def test_ids_that_lost_digits_are_not_used(tiny, alone, tmp_path, capsys, suffix):
    lost = {"source_id": alone["gaia_source_id"].astype(float), "T": alone["teff"].astype(float) + 28.0}
    path = tmp_path / f"t.{suffix}"
    Table(lost | {"ra": alone["ra"], "dec": alone["dec"]}).write(path)
    found = compared(tiny, path, "teff=T")
    assert found["statistics"]["teff"]["all"]["std"] == pytest.approx(0.0, abs=0.01)
    assert "60 of 60 identifiers in source_id have lost digits" in found["notes"][0]
    assert "by ra and dec within 1 arcsec" in found["notes"][1]
    Table(lost).write(path, overwrite=True)
    assert main(["compare", str(tiny), str(path), "--column", "teff=T"]) == 2
    assert "no identifier (source_id) is in the catalogue, and it has no ra and dec" in capsys.readouterr().err


@pytest.mark.parametrize("by", ["gaia_source_id", "position"])
def test_every_observation_of_a_star_is_compared(tiny, catalog, tmp_path, by):
    several = catalog[(catalog["n_obs"] > 1) & (catalog["gaia_source_id"] > 0) & catalog["rv"].notna()]
    stars = several.drop_duplicates("star")
    observations = several[several["star"].isin(stars["star"])]
    assert len(observations) > len(stars) > 3
    columns = {"SOURCE_ID": stars["gaia_source_id"]} if by != "position" else {"RA": stars["ra"], "DEC": stars["dec"]}
    path = write_other(tmp_path, v=np.zeros(len(stars)), **columns)
    found = compared(tiny, path, "rv=v")
    table = Table.read(tmp_path / "out" / "comparison.ecsv")
    assert sorted(table["obsid"]) == sorted(observations["obsid"])
    np.testing.assert_allclose(
        np.sort(table["rv_catalogue"].value), np.sort(observations["rv"].to_numpy(float)), rtol=1e-6
    )
    assert f"{len(observations)} pairs of rows of {len(stars)} stars" in found["title"]


def test_the_column_of_ids_that_matches_most_decides(tiny, alone, catalog, tmp_path):
    others = catalog[~catalog["star"].isin(alone["star"])]["obsid"].to_numpy()[:2]
    obsid = np.concatenate([others, np.arange(58) + 101])
    path = write_other(tmp_path, obsid=obsid, GAIAEDR3_SOURCE_ID=alone["gaia_source_id"], T=alone["teff"] + 28.0)
    found = compared(tiny, path, "teff=T")
    assert found["statistics"]["teff"]["all"]["std"] == pytest.approx(0.0, abs=0.01)
    assert "60 of 60 rows of other.fits match 60 observations by GAIAEDR3_SOURCE_ID" in found["notes"]
    assert "obsid matches 2 rows and is not used" in found["notes"]
    path = write_other(tmp_path, obsid=obsid, RA=alone["ra"], DEC=alone["dec"], T=alone["teff"] + 28.0)
    found = compared(tiny, path, "teff=T")
    assert found["statistics"]["teff"]["all"]["std"] == pytest.approx(0.0, abs=0.01)
    assert "by RA and DEC within 1 arcsec" in found["notes"][0]


def test_rows_without_a_position_match_nothing(tiny, alone, tmp_path):
    ra = alone["ra"].to_numpy(float).copy()
    ra[5] = np.nan
    found = compared(tiny, write_other(tmp_path, RA=ra, DEC=alone["dec"], T=alone["teff"]), "teff=T")
    assert found["statistics"]["teff"]["all"]["stars"] == 59


@pytest.mark.parametrize("packed", [False, True])
def test_tables_with_bars_and_packed_ones_are_read(tiny, alone, tmp_path, packed):
    text = "obsid|teff\n" + "\n".join(f"{o}|{t}" for o, t in zip(alone["obsid"], alone["teff"], strict=True))
    path = tmp_path / ("LRS_stellar.csv.gz" if packed else "LRS_stellar.csv")
    path.write_bytes(gzip.compress(text.encode()) if packed else text.encode())
    assert compared(tiny, path, "teff=teff")["statistics"]["teff"]["all"]["stars"] == 60


def test_units_are_given_in_brackets(tiny, catalog, tmp_path):
    some = catalog[catalog["distance"].notna()].iloc[:20]
    path = write_other(tmp_path, obsid=some["obsid"], d=some["distance"] * 1e6)
    found = compared(tiny, path, "distance=d [mpc]")  # thousandths of a parsec
    assert found["statistics"]["distance"]["all"]["std"] == pytest.approx(0.0, abs=1e-3)


def test_a_column_that_the_catalogue_lacks_is_named_with_those_like_it(tiny, alone, tmp_path, capsys):
    folder = tmp_path / "without"
    shutil.copytree(tiny, folder)
    own = Catalog.read(tiny).table.drop(columns=["rv", "rv_err"])
    Catalog.from_frame(own).write(folder, simulated=True)
    path = write_other(tmp_path, obsid=alone["obsid"], v=alone["rv"])
    assert main(["compare", str(folder), str(path), "--column", "rv=v", "--output", str(tmp_path / "out")]) == 2
    error = capsys.readouterr().err
    assert "'rv' is no numeric column" in error
    assert "Did you mean 'rv_" in error


def test_unmatched_stars_are_reported(tiny, tmp_path, capsys):
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
