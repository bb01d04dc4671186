"""Frozen releases: unchanged measurements, readable formats, reproducible bytes."""

import hashlib
import os
import re
import shutil
import subprocess
import threading
import warnings
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from astropy.io import fits
from astropy.table import Table

from pipeline.__main__ import main
from pipeline.domain.columns import BY_NAME, COLUMNS, RELEASE_COLUMNS
from pipeline.products import release as release_module
from pipeline.products.catalog import Catalog, cast
from pipeline.products.manifest import Manifest, ProductError, checksums
from pipeline.products.product import REPORT_NAME
from pipeline.products.release import NAME_PATTERN, freeze, merged_verdicts
from pipeline.products.vetting import FIT_COLUMNS, Verdict, fit_hash, read_verdicts, write_verdicts

N = 60


@pytest.fixture(scope="module")
def products(tmp_path_factory):
    """A catalogue of every column with invented numbers, some missing."""
    rng = np.random.default_rng(3)
    frame = {}
    for declared in COLUMNS:
        low = declared.low if declared.low is not None else -10.0
        high = declared.high if declared.high is not None else low + 5000.0
        if declared.dtype == "str":
            values = np.array([f"text {k} α" if k % 3 else "" for k in range(N)], object)
        elif declared.dtype == "bool":
            values = rng.random(N) < 0.5
        elif declared.is_float:
            values = rng.uniform(low, high, N)
            values[rng.random(N) < 0.2] = np.nan if declared.nullable else low
        else:
            values = rng.integers(int(max(low, 0)), int(min(high, 10_000)) + 1, N)
        frame[declared.name] = cast(pd.Series(values), declared)
    frame["obsid"] = pd.Series(np.arange(N) * 7919 + 101, dtype="int64")
    directory = tmp_path_factory.mktemp("release") / "made up"
    directory.mkdir()
    Catalog(pd.DataFrame(frame)).write(directory, simulated=True)
    (directory / REPORT_NAME).write_text('{"sanity": []}')
    Manifest("invented", True, "All of it is invented.", {}, {}, {}, files=checksums(directory)).write(directory)
    return directory


def verdict_on(products, row, **changes):
    table = Catalog.read(products).table
    fit = fit_hash({name: table[name].iloc[row] for name in FIT_COLUMNS})
    one = Verdict(
        int(table["obsid"].iloc[row]), 3, (), 2, 1.0, "agreed", fit, "invented", "2026-01-31T12:00:00.000000Z"
    )
    return replace(one, **changes)


@pytest.fixture(scope="module")
def verdicts(products):
    return (
        verdict_on(products, 0),
        verdict_on(products, 1, verdict=1, issues=("RV", "sky"), status="adjudicated", agreement=0.0),
        verdict_on(products, 2, verdict=-1, status="conflict", agreement=0.0),
        verdict_on(products, 3, fit="0" * 32),
        verdict_on(products, 4, proposal={"teff": 3500.0, "class": "carbon | star"}),
        verdict_on(products, 5, verdict=-1, reviews=1, status="incomplete", agreement=float("nan")),
    )


@pytest.fixture(scope="module")
def release(products, verdicts, tmp_path_factory):
    return freeze(products, verdicts, "v1", tmp_path_factory.mktemp("out") / "v1", authors=("Qiu, Dan",)).directory


def equal(ours, theirs, declared):
    if declared.is_float:
        theirs = np.ma.filled(np.ma.asarray(theirs).astype(float), np.nan).astype(ours.dtype)
        return np.array_equal(ours, theirs, equal_nan=True)
    if declared.dtype == "str":
        theirs = np.ma.filled(np.ma.asarray(theirs).astype(str), "")
        return np.array_equal(
            [str(one).replace("α", "\\u03b1") for one in ours], np.char.replace(theirs, "α", "\\u03b1")
        )
    return np.array_equal(ours.astype(int), np.ma.filled(np.ma.asarray(theirs).astype(float), np.nan).astype(int))


def read(release, form):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if form == "parquet":
            return Table.from_pandas(pd.read_parquet(release / "catalog.parquet"))
        if form == "cds":
            return Table.read(release / "catalog.dat", format="ascii.cds", readme=str(release / "ReadMe"))
        return Table.read(release / f"catalog.{form}")


@pytest.mark.parametrize("form", ["fits", "vot", "parquet", "cds"])
def test_measured_values_are_those_of_the_catalogue(products, release, form):
    ours, theirs = Catalog.read(products).table, read(release, form)
    changed = [name for name in ours.columns if not equal(ours[name].to_numpy(), theirs[name], BY_NAME[name])]
    assert changed == []
    assert list(theirs.colnames)[-len(RELEASE_COLUMNS) :] == [declared.name for declared in RELEASE_COLUMNS]


@pytest.mark.parametrize("form", ["fits", "vot", "parquet", "cds"])
def test_what_vetting_adds(release, form):
    table = read(release, form)[:7]
    assert list(table["vet_flag"]) == [3, 1, -1, -1, 3, -1, -1]
    assert list(table["vet_n"]) == [2, 2, 2, 2, 2, 1, 0]
    assert [str(one) for one in np.ma.filled(np.ma.asarray(table["vet_status"]), "")] == [
        *("agreed", "adjudicated", "conflict", "outdated", "agreed", "incomplete", "")
    ]
    assert str(table["vet_issues"][1]) == "RV,sky"
    assert set(table["vet_release"]) == {"v1"}


def test_units_ucds_and_descriptions_read_back(release):
    header = fits.getheader(release / "catalog.fits", 1)
    votable, cds = read(release, "vot"), read(release, "cds")
    for number, declared in enumerate((*COLUMNS, *RELEASE_COLUMNS), 1):
        assert header[f"TTYPE{number}"] == declared.name
        assert header[f"TUCD{number}"] == declared.ucd
        assert header[f"TCOMM{number}"] == declared.description.encode("ascii", "backslashreplace").decode()
        assert bool(header.get(f"TUNIT{number}")) == bool(declared.unit)
        assert votable[declared.name].meta["ucd"] == declared.ucd
        assert votable[declared.name].description.split() == declared.description.split()
        assert (votable[declared.name].unit is None) == (cds[declared.name].unit is None) == (declared.unit == "")
    assert "SIMULATED" in str(header["COMMENT"])


def test_the_same_inputs_give_the_same_bytes(products, verdicts, release, tmp_path):
    again = freeze(products, verdicts, "v1", tmp_path / "again", authors=("Qiu, Dan",)).directory
    assert checksums(again) == checksums(release)
    sums = dict(reversed(line.split("  ")) for line in (release / "SHA256SUMS").read_text().splitlines())
    assert set(sums) == {path.name for path in release.iterdir()} - {"SHA256SUMS"}
    assert all(hashlib.sha256((release / name).read_bytes()).hexdigest() == told for name, told in sums.items())


def test_the_changelog_lists_changes_by_vetting(products, verdicts, release, tmp_path):
    text = (release / "CHANGELOG.md").read_text()
    assert "| teff 3500 (published" not in text  # the class comes first
    assert "class carbon / star; teff 3500 (published" in text
    later = [replace(verdicts[0], verdict=1, issues=("sky",)), *verdicts[1:]]
    second = freeze(products, later, "v2", tmp_path / "v2", previous=release).directory
    assert f"- {verdicts[0].obsid}: verdict 3 became 1 (sky)" in (second / "CHANGELOG.md").read_text()
    assert "## Since v1" in (second / "CHANGELOG.md").read_text()
    assert 'family-names: "Qiu"' in (release / "CITATION.cff").read_text()


def test_stilts_reads_every_table(release):
    stilts = shutil.which("stilts")
    if stilts is None:
        pytest.skip("STILTS is not installed (Debian: apt-get install stilts), so it could not judge the tables.")
    lint = subprocess.run([stilts, "votlint", release / "catalog.vot"], capture_output=True, text=True, check=False)
    assert lint.returncode == 0, lint.stdout + lint.stderr
    assert not re.search("ERROR|WARNING", lint.stdout + lint.stderr), lint.stdout + lint.stderr
    for name in ("catalog.vot", "catalog.fits"):
        command = [stilts, "tpipe", f"in={release / name}", "cmd=meta name ucd", "ofmt=csv"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert "teff,phys.temperature.effective" in done.stdout


@pytest.mark.parametrize("name", ["", ".", "../v1", "v1/../../x", "v 1", "-v", "v1\n", "a" * 41])
def test_a_name_that_is_a_path_is_refused(products, tmp_path, name):
    assert not NAME_PATTERN.fullmatch(name)
    with pytest.raises(ProductError, match="no name of a release"):
        freeze(products, (), name, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_release_is_never_overwritten(products, release):
    with pytest.raises(ProductError, match="never overwritten"):
        freeze(products, (), "v1", release)


def test_of_two_freezes_of_one_name_one_wins_and_the_other_leaves_nothing(products, verdicts, tmp_path, monkeypatch):
    both, told = threading.Barrier(2), []

    def words_together(*given):
        both.wait(60)
        return words(*given)

    def work():
        try:
            told.append(freeze(products, verdicts, "v1", tmp_path / "out" / "v1").directory)
        except Exception as error:  # noqa: BLE001 - told in the main thread
            told.append(error)

    words = release_module._words
    monkeypatch.setattr(release_module, "_words", words_together)
    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    lost = [one for one in told if isinstance(one, Exception)]
    assert [type(one) for one in lost] == [ProductError], told
    assert "exists already" in str(lost[0])
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["v1"]
    sums = (tmp_path / "out" / "v1" / "SHA256SUMS").read_text().splitlines()
    for line in sums:
        told_sum, file = line.split("  ")
        assert hashlib.sha256((tmp_path / "out" / "v1" / file).read_bytes()).hexdigest() == told_sum


def test_a_release_can_be_read_by_others_as_far_as_the_umask_lets_them(release):
    mask = os.umask(0)
    os.umask(mask)
    assert release.stat().st_mode & 0o777 == 0o777 & ~mask


def test_the_draft_of_another_process_is_left(products, tmp_path):
    other = tmp_path / ".out.draft"
    other.mkdir()
    (other / "theirs").write_text("x")
    freeze(products, (), "v1", tmp_path / "out")
    assert (other / "theirs").exists()


def test_where_nothing_can_be_written_is_named(products, tmp_path):
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(ProductError, match=r"file/v1 cannot be written"):
        freeze(products, (), "v1", tmp_path / "file" / "v1")


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"verdict": 10}, "row 2: verdict is 10"),
        ({"verdict": -1}, "row 2: verdict is -1, where the status agreed has 0 to 9"),
        ({"verdict": 3, "status": "conflict"}, "row 2: verdict is 3, where the status conflict has -1 to -1"),
        ({"status": "nice"}, "row 2: status is 'nice'"),
        ({"reviews": -1}, "row 2: reviews is -1"),
        ({"agreement": 1.5}, "row 2: agreement is 1.5"),
        ({"agreement": float("inf")}, "row 2: agreement is inf"),
        ({"obsid": -(10**6)}, "obsid is -1000000"),
        ({"proposal": {"teff": [1.0]}}, "row 2: proposal of 'teff'"),
        ({"proposal": {"teff": float("nan")}}, "row 2: proposal of 'teff'"),
        ({"proposal": {"teff": True}}, "row 2: proposal of 'teff'"),
        ({"proposal": {"teff": 10**400}}, "row 2: proposal of 'teff'"),
    ],
)
@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_a_table_with_numbers_that_no_star_can_have_is_refused(verdicts, tmp_path, changes, word, suffix):
    path = tmp_path / f"verdicts.{suffix}"
    write_verdicts([verdicts[0], replace(verdicts[4], **changes)], path, simulated=True)
    with pytest.raises(ProductError, match="is not a table of verdicts") as told:
        read_verdicts(path)
    assert word in str(told.value)


@pytest.mark.parametrize("flag", ["=cmd|' /C calc'!A0", "@SUM(1)", "'=1", "''-2+3", "＝1", "-", "'RV", "-1", "RV"])
def test_no_text_of_a_csv_of_verdicts_is_computed_and_each_is_read_back(verdicts, tmp_path, flag):
    path = tmp_path / "verdicts.csv"
    given = (replace(verdicts[1], issues=(flag, "sky"), catalogue=flag),)
    write_verdicts(given, path, simulated=True)
    cells = pd.read_csv(path, dtype=str)[["issues", "catalogue"]].iloc[0]
    assert not any(cell[0] in "=@+＝" or cell[:2] == "-2" for cell in cells)
    assert read_verdicts(path) == given


@pytest.mark.parametrize("said", ["2.5", "two", ""])
def test_a_verdict_that_is_no_whole_number_is_refused(verdicts, tmp_path, said):
    path = tmp_path / "verdicts.csv"
    write_verdicts([verdicts[0]], path, simulated=True)
    path.write_text(path.read_text().replace(f"{verdicts[0].obsid},3,", f"{verdicts[0].obsid},{said},"))
    with pytest.raises(ProductError, match="verdict is"):
        read_verdicts(path)


def test_tables_that_differ_in_agreement_contradict_in_any_order(verdicts, tmp_path):
    unknown, half = verdicts[5], replace(verdicts[5], agreement=0.5)
    paths = [tmp_path / "one.csv", tmp_path / "two.csv"]
    write_verdicts([unknown], paths[0], simulated=True)
    write_verdicts([half], paths[1], simulated=True)
    for order in (paths, paths[::-1]):
        with pytest.raises(ProductError, match="something else of star"):
            merged_verdicts(order, simulated=True)
    assert len(merged_verdicts([paths[0], paths[0]], simulated=True)) == 1


def test_a_verdict_on_a_stranger_is_refused(products, tmp_path):
    with pytest.raises(ProductError, match="which the catalogue lacks"):
        freeze(products, (verdict_on(products, 0, obsid=5),), "v1", tmp_path / "out")


def test_the_command_merges_tables_and_refuses_contradictions(products, verdicts, tmp_path, capsys):
    first, second = tmp_path / "one.csv", tmp_path / "two.parquet"
    write_verdicts(verdicts[:4], first, simulated=True)
    write_verdicts(verdicts[3:], second, simulated=True)
    assert [one.obsid for one in read_verdicts(first)] == [one.obsid for one in verdicts[:4]]
    command = ["release", str(products), "--name", "v1", "--verdicts", str(first), "--verdicts", str(second)]
    assert main([*command, "--output", str(tmp_path / "out")]) == 0
    assert "agreed 2" in capsys.readouterr().out
    assert list(pd.read_parquet(tmp_path / "out" / "catalog.parquet")["vet_flag"][:5]) == [3, 1, -1, -1, 3]
    write_verdicts([replace(verdicts[0], verdict=0)], second, simulated=True)
    assert main([*command, "--output", str(tmp_path / "other")]) == 2
    assert "says something else of star" in capsys.readouterr().err
    write_verdicts(verdicts, second, simulated=False)
    assert main(["release", str(products), "--name", "v1", "--verdicts", str(second)]) == 2
    assert "holds verdicts on real stars" in capsys.readouterr().err
