"""The command fetch: its options, plan, dry run, check, reports, and its record in a build's manifest."""

import json
import re
import socket
from pathlib import Path

import pandas as pd
import pytest
from fetches import DONE, entries, fetch, states, write_ids, write_profile
from http_archive import Fault

from explorer.model.library import load_library
from explorer.rooms.about import AboutView
from pipeline.commands.fetching import PACKAGES, fetches_table
from pipeline.config import load_config
from pipeline.products.manifest import Manifest
from pipeline.sources.archives.declared import FETCHES
from pipeline.sources.archives.plan import FetchPlan, Item
from pipeline.sources.archives.plan_errors import PlanError
from pipeline.sources.archives.profile_reading import load_archives
from pipeline.sources.archives.record import records_of
from pipeline.sources.archives.steps import Fetching, FetchOptions
from pipeline.sources.wheels import MASTAR_GIANTS
from pipeline.stages.runner import build

ROOT = Path(__file__).parents[2]


@pytest.fixture
def obsids(download):
    return pd.read_parquet(download.truth)["obsid"].tolist()


@pytest.fixture
def arguments(lamost, obsids, tmp_path):
    """A fetch of ten spectra."""
    profile = write_profile(tmp_path / "profile.toml", lamost.url, spacing_s=0.3)
    ids = write_ids(tmp_path / "ids.csv", obsids[:10])
    return ("spectra", "--ids", ids, "--into", tmp_path / "out", "--profile", profile)


def test_a_dry_run_shows_the_cost_and_changes_nothing(lamost, arguments, tmp_path, capsys):
    out = tmp_path / "out"
    assert fetch(*arguments, "--dry-run") == 0
    shown = capsys.readouterr().out
    assert re.search(r"^spectra +10 +1\.2 +0\.1  plan", shown, re.MULTILINE)
    assert f"Files go to {out}." in shown
    assert not out.exists()
    assert not lamost.log
    lamost.faults.append(Fault("not_found", where="fits", times=4))  # two spectra, at both addresses
    assert fetch(*arguments) == 0
    before = (out / "spectra.plan").read_bytes()
    capsys.readouterr()
    assert fetch("--plan", out / "spectra.plan", "--dry-run") == 0
    assert re.search(r"^spectra +0 +0\.0 +0\.0  plan", capsys.readouterr().out, re.MULTILINE)
    assert (out / "spectra.plan").read_bytes() == before


def test_every_fetch_has_an_estimate_without_any_request(lamost, arguments, tmp_path, capsys):
    for name, item in FETCHES.items():
        ids = ["--ids", arguments[2]] if item.takes and "ids" in item.takes and name == "spectra" else []
        if "ids" in item.takes and not ids:
            continue
        assert fetch(name, *ids, "--into", tmp_path / name, "--dry-run") == 0, name
        lines = capsys.readouterr().out.splitlines()
        assert [line.split()[0] for line in lines[1:-2]] == [step.name for step in item.steps]
    assert not lamost.log


def test_the_plan_file_continues_with_its_own_options(lamost, arguments, tmp_path, obsids):
    lamost.faults.append(Fault("server_error", where=str(obsids[1]), times=3))
    assert fetch(*arguments) == 1
    assert fetch("--plan", tmp_path / "out" / "spectra.plan") == 0
    assert set(states(tmp_path / "out" / "spectra.plan").values()) == {DONE}


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("xp", "--ids", "a.csv"), "argument --ids: not allowed with xp"),
        (("dust", "--release", "dr10/v2.0"), "argument --release: not allowed with dust"),
        (("spectra", "--name", "x"), "argument --name: not allowed with spectra"),
        (("spectra", "--output", "x"), "argument --output: not allowed with spectra"),
        (("xp", "--output", "x"), "argument --output: not allowed with xp"),
        (("templates", "--check"), "argument --check: not allowed with templates"),
        (("spectra", "--plan", "x.plan"), "argument NAME: not allowed with --plan"),
        (("--plan", "x.plan", "--ids", "a.csv"), "argument --ids: not allowed with --plan"),
        (("nothing",), "invalid choice: 'nothing'"),
    ],
)
def test_no_option_is_ignored(options, says, capsys):
    with pytest.raises(SystemExit) as caught:
        fetch(*options)
    assert caught.value.code == 2
    assert says in capsys.readouterr().err


def test_what_cannot_be_begun_is_said(tmp_path, capsys):
    (tmp_path / "text.plan").write_text("no plan")
    (tmp_path / "names.csv").write_text("name,colour\na,b\n")
    with FetchPlan(tmp_path / "other.plan") as plan:
        plan.describe({"fetch": "unknown", "options": "{}"})
    with FetchPlan(tmp_path / "newer.plan") as plan:
        plan.describe({"version": "99"})
    for options, says in (
        (("--plan", tmp_path / "none.plan"), "There is no plan file"),
        (("--plan", tmp_path / "text.plan"), "is not a plan file"),
        (("--plan", tmp_path / "other.plan"), "is a plan of a fetch 'unknown'"),
        (("--plan", tmp_path / "newer.plan"), "is a plan of version 99"),
        (("spectra", "--into", tmp_path / "a"), "name a table with a column obsid"),
        (("spectra", "--into", tmp_path / "a", "--ids", tmp_path / "none.csv"), "does not exist"),
        (
            ("spectra", "--into", tmp_path / "a", "--ids", tmp_path / "names.csv"),
            "names.csv has no column obsid; it has name, colour. Name the column of",
        ),
        (("spectra", "--into", tmp_path / "a", "--profile", tmp_path / "none.toml"), "cannot be read"),
        (("apogee", "--into", tmp_path / "a", "--name", "allStarLight"), "Did you mean 'allStarLite'?"),
    ):
        assert fetch(*options) == 2, options
        assert says in capsys.readouterr().err


def test_the_release_is_compared_with_the_archives_list(lamost, arguments, download, tmp_path, capsys):
    lamost.add_lamost(download.directory, "dr11", "v2.0")
    lamost.add_lamost(download.directory, "dr12", "v1.0", public=False)
    profile = arguments[-2:]
    assert fetch("spectra", *profile, "--check") == 0
    assert capsys.readouterr().out.splitlines() == [
        "ok: Release dr10/v2.0 is public.",
        "ok: Later public releases: dr11/v2.0 (--release).",
    ]
    assert fetch("lamost-catalogue", *profile, "--check", "--release", "dr12/v1.0") == 1
    assert "DIFFERS: Release dr12/v1.0 is 'internal', not public; it needs a token" in capsys.readouterr().out
    assert fetch("spectra", *profile, "--check", "--release", "dr3/v9") == 1
    assert "lists no release dr3/v9; it lists dr10/v2.0, dr11/v2.0, dr12/v1.0" in capsys.readouterr().out
    lamost.faults.append(Fault("login_page", where="dr_versions"))
    assert fetch("spectra", *profile, "--check") == 1
    assert "is no list of releases" in capsys.readouterr().err
    assert fetch("dust", "--check") == 0
    assert "offer no description to compare with" in capsys.readouterr().out
    assert not (tmp_path / "out").exists()


def test_a_service_that_does_not_answer_is_not_compared_and_asked_for_both_queries_at_once(tmp_path, capsys):
    """Each wait is announced; nothing is said of tables that nobody has seen."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        quick = f'address = "http://127.0.0.1:{free.getsockname()[1]}"\nspacing_s = 0.0\nwait_s = 1.4\nattempts = 2\n'
    keys = ("gaia-ari", "gaia-aip", "gaia-esac")
    (tmp_path / "own.toml").write_text("".join(f"[service.{key}]\n{quick}" for key in keys))
    assert fetch("gaia", "--check", "--profile", tmp_path / "own.toml") == 1
    printed = capsys.readouterr()
    assert [line.partition(" cannot be reached")[0] for line in printed.out.splitlines()] == [
        "not compared: Gaia mirror of the ARI, Heidelberg",
        "not compared: Gaia mirror of the AIP, Potsdam",
        "not compared: Gaia archive of ESA, ESAC",
    ]
    assert len(re.findall(r"Connection refused; asked again in \d s\.$", printed.err, re.MULTILINE)) == 3


def test_a_total_with_unknown_sizes_is_a_lower_limit(tmp_path, capsys):
    assert fetch("qiu2023", "--into", tmp_path, "--dry-run") == 0
    assert re.search(r"^all +43,041  over 5,919\.5 ", capsys.readouterr().out, re.MULTILINE)
    assert fetch("apogee", "--into", tmp_path, "--dry-run") == 0
    assert re.search(r"^all +1  unknown ", capsys.readouterr().out, re.MULTILINE)


def test_a_dry_run_of_a_package_downloads_nothing(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("MGIANT_HOME", str(tmp_path))
    assert fetch("templates", "--dry-run") == 0
    lines = capsys.readouterr().out.splitlines()
    packages = [item.package for item in (PACKAGES["templates"], MASTAR_GIANTS)]
    assert [line.split()[0] for line in lines[:2]] == packages
    assert all("SHA-256" in line for line in lines[:2])
    assert lines[2] == f"The files go to {tmp_path / 'downloads'}."
    assert not any((tmp_path / "downloads").glob("*"))


def test_many_failures_are_counted_by_reason(lamost, arguments, obsids, tmp_path, capsys):
    for number in obsids[2:6]:
        lamost.faults.append(Fault("server_error", where=str(number), times=None))
    lamost.faults.append(Fault("wrong_obsid", where=str(obsids[7]), times=None))
    assert fetch(*arguments) == 1
    printed = capsys.readouterr()
    assert "spectra: 5 of 10 done, 5 of them now" in printed.out
    assert "5 failed" in printed.out
    lines = printed.err.splitlines()
    assert lines[0].startswith(f"spectra: 4 failed; the first, {obsids[2]}: ")
    assert lines[1].startswith(f"spectra {obsids[7]}: failed: ")
    assert sum(line.startswith("by hand: ") for line in lines) == 5
    assert lines[-1].endswith(f"fetch --plan {tmp_path / 'out' / 'spectra.plan'}")


def test_the_readme_has_the_table_of_fetches():
    readme = (ROOT / "README.md").read_text("utf-8").splitlines()
    rows = fetches_table().splitlines()
    start = readme.index(rows[0])
    assert readme[start : start + len(rows) + 1] == [*rows, ""]
    assert [row.split("`")[1] for row in rows[2:]] == [*FETCHES, *PACKAGES]


def test_without_a_name_the_table_is_printed(capsys):
    assert fetch() == 0
    assert capsys.readouterr().out == f"{fetches_table()}\n"


def test_a_build_takes_the_record_of_its_fetch_into_its_manifest(lamost, arguments, obsids, tmp_path):
    out = tmp_path / "out"
    profile = write_profile(tmp_path / "profile.toml", lamost.url)
    write_ids(tmp_path / "ids.csv", obsids[:40])
    assert fetch(*arguments) == 0
    assert fetch("lamost-catalogue", "--into", out, "--profile", profile) == 0
    catalogue = entries(out / "lamost-catalogue.plan")["LRS_mstellar"]
    (tmp_path / "run.toml").write_text(
        '[[input.source]]\nspectra = "out/spectra"\n'
        f'[[input.source]]\ntable = "out/{catalogue.item.path}"\n'
        '[[input.source]]\ntable = "ids.csv"\n'
        '[velocity]\ntemplates = "synthetic"\n'
    )
    build(load_config(str(tmp_path / "run.toml")), tmp_path / "product", quiet=True)
    manifest = Manifest.read(tmp_path / "product")
    spectra, table = sorted(manifest.archives, key=lambda part: part["fetch"] != "spectra")
    assert spectra["items"] == {"done": 40}
    assert spectra["request"]["release"] == "dr10"
    assert spectra["services"] == [{"address": lamost.url, "note": "LAMOST data archive"}]
    assert re.fullmatch(r"[0-9a-f]{64}", spectra["sha256"])
    assert spectra["fetched"][0] <= spectra["fetched"][1]
    assert table["file"] == catalogue.item.path
    assert table["sha256"] == catalogue.sha256 == manifest.inputs[Path(catalogue.item.path).name]
    assert table["rows"] == catalogue.rows
    shown = AboutView(load_library(tmp_path / "product")).text()
    assert "<h2>Inputs from archives</h2>" in shown
    assert table["sha256"] in shown
    assert "release: dr10; version: v2.0" in shown


def test_a_file_that_changed_since_its_fetch_has_no_record(lamost, tmp_path):
    profile = write_profile(tmp_path / "profile.toml", lamost.url)
    out = tmp_path / "out"
    assert fetch("lamost-catalogue", "--into", out, "--profile", profile) == 0
    entry = entries(out / "lamost-catalogue.plan")["LRS_mstellar"]
    path = out / entry.item.path
    assert len(records_of(path, entry.sha256)) == 1
    assert records_of(path, "0" * 64) == []
    assert records_of(tmp_path / "profile.toml", "0" * 64) == []
    (out / "lamost-catalogue.fetch.json").write_text("{")
    assert records_of(path, entry.sha256) == [
        {"problem": "lamost-catalogue.fetch.json cannot be read as the record of a fetch (JSONDecodeError)."}
    ]


def test_the_record_holds_no_secret_and_is_json(arguments, tmp_path, monkeypatch):
    monkeypatch.setenv("LAMOST_TOKEN", "token-of-a-test")
    assert fetch(*arguments) == 0
    text = (tmp_path / "out" / "spectra.fetch.json").read_text("utf-8")
    assert "token-of-a-test" not in text
    assert json.loads(text)["options"]["ids"] == str(arguments[2])


def test_steps_are_declared_completely(tmp_path):
    for item in FETCHES.values():
        assert item.help
        assert set(item.takes) <= {"ids", "names", "release"}
        names = [step.name for step in item.steps]
        assert len(set(names)) == len(names)
        with FetchPlan(tmp_path / item.name) as plan:
            fetching = Fetching(plan, load_archives(), FetchOptions())
            for step in item.steps:
                assert step.services(fetching)
                assert step.request(fetching)
                assert step.expected(fetching).basis


def test_a_plan_follows_its_items(tmp_path):
    first, second = (Item("step", name, {"a": 1}, f"{name}.fits", 7) for name in "xy")
    with FetchPlan(tmp_path / "plan") as plan:
        assert plan.add([first, second]) == 2
        assert plan.add([first, second]) == 0
        (entry, _) = plan.entries()
        plan.record(entry.__class__(Item("step", "x", {"a": 1}, "other.fits", 7), DONE, bytes=3))
        assert plan.add([first]) == 0, "a file under the archive's own name was planned anew"
        assert plan.entries()[0].item.path == "other.fits"
        assert plan.withdraw("step", []) == 1
        assert [entry.item.name for entry in plan.entries()] == ["x"]
        plan.fix("release", "dr9")
        with pytest.raises(PlanError, match="is a plan for release dr9, and files of it are there; asked for was dr10"):
            plan.fix("release", "dr10")
        assert plan.forget_lost_files() == ["x"]
        plan.fix("release", "dr10")
        plan.copy_to(tmp_path / "copy")
        assert plan.progress().left == 1
    with FetchPlan(tmp_path / "copy", tmp_path / "elsewhere") as copy:
        assert copy.folder == tmp_path / "elsewhere"
        assert [entry.item.name for entry in copy.entries()] == ["x"]
