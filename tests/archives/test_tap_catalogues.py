"""Whole catalogues through TAP, discovered by TAP_SCHEMA, and the check of profiles against services."""

import json
from dataclasses import replace

import msgspec
import numpy as np
import pandas as pd
import pytest
from archive_tables import ArchiveTable, DownloadTables, described
from astropy.table import Table
from http_archive import Fault
from tap_mirrors import GAIA_SERVICES, PLAN_NAME, Run, archives_at

from pipeline.sources.archives.plan import FetchPlan, State
from pipeline.sources.archives.profile_reading import ArchiveProfileError, load_archives
from pipeline.sources.archives.steps import Fetching, FetchOptions
from pipeline.sources.archives.tap_steps import M_GIANT_TABLE
from pipeline.sources.tables.reader import open_table
from pipeline.sources.tables.recognition import recognise

CATALOGUE = "catalogue J/ApJS/266/4/"


@pytest.fixture(scope="session")
def vizier_tables(download):
    carbon = Table({"ObsID": np.arange(5), "RAJ2000": np.ones(5), "DEJ2000": np.ones(5)})
    return [*DownloadTables(download).vizier(), ArchiveTable("", "J/ApJS/266/4/carbon", described(carbon))]


@pytest.fixture
def vizier(archive, vizier_tables):
    return archive.add_tap(vizier_tables, "/vizier/tap").url


@pytest.fixture
def run(tmp_path, vizier):
    return Run(tmp_path / "fetch", archives_at({"vizier": vizier}))


def test_the_largest_table_is_fetched_whole_and_what_was_asked_is_recorded(archive, run, vizier_tables):
    assert run.fetch("m-giants").done == 1
    expected = next(item.table for item in vizier_tables if item.name.endswith("mgiants")).to_pandas()
    table = open_table(run.folder / M_GIANT_TABLE)
    rows = table.read(table.names)
    pd.testing.assert_frame_equal(
        rows.sort_values("ObsID", ignore_index=True).astype({"RV": "float64", "[M/H]": "float64"}),
        expected.sort_values("ObsID", ignore_index=True).astype({"RV": "float64", "[M/H]": "float64"}),
        check_dtype=False,
    )
    frozen = json.loads(run.about()[CATALOGUE])
    assert frozen["table"] == "J/ApJS/266/4/mgiants"
    assert frozen["tables"] == {"J/ApJS/266/4/mgiants": len(rows), "J/ApJS/266/4/carbon": 5}
    assert [column["name"] for column in frozen["columns"]] == list(rows.columns)
    assert frozen["understood"]["obsid"].startswith("ObsID")
    assert frozen["understood"]["ra"] == "RAJ2000 (UCD pos.eq.ra;meta.main)"
    assert set(recognise(table).recipes) >= {"obsid", "ra", "dec", "rv"}
    assert archive.log.peak_requests() == 1


@pytest.mark.parametrize("kind", ["overflow", "cut_silently"])
def test_a_catalogue_that_is_not_whole_is_refused(archive, run, kind):
    archive.faults.append(Fault(kind, where="POST .*phase", times=None, rows=100))
    assert run.fetch("m-giants").failed == 1
    (entry,) = run.entries("m-giants")
    assert "OVERFLOW" in entry.reason if kind == "overflow" else "100 of" in entry.reason
    assert not (run.folder / M_GIANT_TABLE).exists()
    archive.clear()
    assert run.fetch("m-giants").done == 1


def test_a_catalogue_that_is_not_listed_is_reported(tmp_path, archive, vizier_tables):
    few = [item for item in vizier_tables if not item.name.startswith("J/ApJS")]
    url = archive.add_tap(few, "/vizier/tap").url
    run = Run(tmp_path / "fetch", archives_at({"vizier": url}))
    assert run.fetch("m-giants").failed == 1
    assert "lists no table of J/ApJS/266/4/" in run.entries("m-giants")[0].reason


def test_a_column_that_cannot_be_understood_is_recorded_as_a_question(tmp_path, archive, vizier_tables):
    giants = next(item for item in vizier_tables if item.name.endswith("mgiants"))
    table = giants.table.copy()
    table["obsid"] = table["ObsID"]
    url = archive.add_tap([replace(giants, table=described(table))], "/vizier/tap").url
    run = Run(tmp_path / "fetch", archives_at({"vizier": url}))
    assert run.fetch("m-giants").done == 1
    understood = json.loads(run.about()[CATALOGUE])["understood"]
    assert understood.keys() == {"problem"} or understood["obsid"].startswith("obsid")


def test_a_list_that_was_put_there_by_hand_is_taken(archive, run):
    run.folder.mkdir()
    (run.folder / M_GIANT_TABLE).write_text("obsid,ra,dec\n101001,10.0,41.0\n101002,11.0,42.0\n")
    assert run.fetch("m-giants").done == 1
    (entry,) = run.entries("m-giants")
    assert (entry.rows, entry.reason) == (2, "put there by hand")
    assert len(archive.log) == 0


def test_what_was_put_in_the_place_of_the_list_must_be_a_table(run):
    run.folder.mkdir()
    (run.folder / M_GIANT_TABLE).write_text('{"error": "no"}')
    assert run.fetch("m-giants").failed == 1
    assert "remove it" in run.entries("m-giants")[0].reason


def findings(archives, name, folder):
    with FetchPlan(folder / PLAN_NAME) as plan:
        fetching = Fetching(plan, archives, FetchOptions())
        return list(Run(folder, archives).step(name).check(fetching))


@pytest.fixture(scope="session")
def gaia_tables(download):
    return DownloadTables(download).gaia_archive()


def test_the_check_finds_nothing_where_all_is_as_declared(archive, tmp_path, gaia_tables):
    url = archive.add_tap(gaia_tables, "/tap").url
    result = findings(archives_at(dict.fromkeys(GAIA_SERVICES, url)), "gaia", tmp_path)
    assert not [item.text for item in result if item.differs]
    texts = " ".join(item.text for item in result)
    assert "returns at most 20,000 rows; the profile asks for up to 80,000" in texts
    assert "takes uploads of at most 20,000,000 bytes; the profile needs 1,120,000" in texts


def test_the_check_names_tables_columns_units_and_limits_that_differ(archive, tmp_path, gaia_tables):
    changed = []
    for item in gaia_tables:
        table = item.table.copy()
        if item.name == "gaia_source":
            table.remove_column("ruwe")
            table["parallax"].unit = "arcsec"
        if item.name != "gaiaedr3_distance":
            changed.append(replace(item, table=table))
    here = archive.add_tap(changed, "/tap", max_upload=10_000, max_rows=5000).url
    addresses = {"gaia-ari": here, "gaia-aip": here, "gaia-esac": "http://127.0.0.1:9/tap"}
    result = findings(archives_at(addresses, attempts=1), "gaia", tmp_path)
    differing = [item.text for item in result if item.differs]
    for words in (
        "ARI, Heidelberg lists no table external.gaiaedr3_distance",
        "AIP, Potsdam: gaiadr3.gaia_source has no column ruwe",
        "gaiadr3.gaia_source.parallax is in arcsec, the profile has mas",
        "returns at most 5,000 rows",
        "takes uploads of at most 10,000 bytes; the profile needs 1,120,000",
    ):
        assert any(words in text for text in differing), (words, differing)
    (silent,) = (item.text for item in result if not item.is_compared)
    assert "ESAC cannot be reached: the connection failed" in silent


def test_the_check_lists_what_a_catalogue_has(tmp_path, run):
    texts = [item.text for item in findings(run.archives, "m-giants", tmp_path)]
    assert any("J/ApJS/266/4/mgiants has 5 columns: ObsID, RAJ2000" in text for text in texts)


WRONG_PROFILES = {
    "needs either tables": '[query.x]\ncontents = ""\nservices = ["vizier"]\n',
    "names 'nothing', which it does not return": '[query.gaia]\nnearest = "nothing"\n',
    "needs identifier, present": '[query.gaia]\nsame = ["tmass_id"]\n',
    "names the service 'nowhere'": '[query.gaia]\nservices = ["nowhere"]\n',
}


@pytest.mark.parametrize("words", WRONG_PROFILES)
def test_a_profile_that_cannot_work_is_refused(tmp_path, words):
    path = tmp_path / "own.toml"
    path.write_text(WRONG_PROFILES[words])
    with pytest.raises(ArchiveProfileError, match=words):
        load_archives(path)


def test_a_profile_of_the_users_replaces_single_values(tmp_path):
    path = tmp_path / "own.toml"
    path.write_text('[service.gaia-ari]\naddress = "http://localhost/tap"\n')
    shipped, own = load_archives(), load_archives(path)
    assert own.service["gaia-ari"] == msgspec.structs.replace(
        shipped.service["gaia-ari"], address="http://localhost/tap"
    )
    assert own.query == shipped.query


def test_an_interrupted_catalogue_goes_on_with_the_columns_that_were_asked(archive, run):
    archive.faults.append(Fault("server_error", where="GET .*results", times=None))
    assert run.fetch("m-giants").failed == 1
    with FetchPlan(run.folder / PLAN_NAME) as plan:
        (entry,) = plan.entries("m-giants")
    assert entry.state == State.FAILED
    archive.clear()
    assert run.fetch("m-giants").done == 1
