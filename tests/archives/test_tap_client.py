"""Rows by identifiers through TAP: exact, whole, from the first mirror that has them, and resumed after a kill."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from astropy.table import Table
from http_archive import Fault
from pyvo.dal import TAPService
from tap_mirrors import GAIA_SERVICES, PLAN_NAME, Run, archives_at, write_ids

from pipeline.sources.archives.plan import FetchPlan, State
from pipeline.sources.archives.steps import Fetching, FetchOptions, MissingInputError
from pipeline.sources.archives.tap_files import unpacked
from pipeline.sources.archives.tap_steps import ABSENT_TABLE, GAIA_TABLE
from pipeline.sources.tables.reader import open_table
from pipeline.sources.tables.recognition import recognise
from pipeline.sources.tables.star_columns import read_stars
from pipeline.sources.tables.table_file import TableError

NO_SUCH_ID = 1_234_567_890_123_456_789


@pytest.fixture(scope="session")
def gaia(download):
    return pd.read_parquet(download.gaia).set_index("source_id")


@pytest.fixture
def mirrors(archive, tables):
    """Three services with the same tables, below the paths of their keys."""
    return {key: archive.add_tap(tables, f"/{key}/tap").url for key in GAIA_SERVICES}


@pytest.fixture
def run(tmp_path, gaia, mirrors):
    ids = write_ids(tmp_path / "ids.csv", source_id=gaia.index[:40])
    return Run(tmp_path / "fetch", archives_at(mirrors), FetchOptions(ids=ids))


def submissions(archive, key):
    return [request for request in archive.log.matching("POST ") if request.path == f"/{key}/tap/async"]


def left_jobs(url):
    return TAPService(url).get_job_list()


def test_rows_are_those_of_the_archive_to_the_last_digit(tmp_path, gaia, mirrors):
    wanted = gaia.index.to_numpy()
    assert wanted.min() > 2**53
    listed = np.concatenate([wanted[:50], wanted[:7], [NO_SUCH_ID, 0]])
    ids = write_ids(tmp_path / "ids.csv", source_id=listed)
    run = Run(tmp_path / "fetch", archives_at(mirrors, upload_rows=20), FetchOptions(ids=ids))
    assert run.fetch("gaia").done == 3
    table = open_table(run.folder / GAIA_TABLE)
    rows = table.read(table.names)
    assert rows["source_id"].dtype == "int64"
    assert rows["source_id"].tolist() == sorted(wanted[:50].tolist())
    expected = gaia.loc[rows["source_id"]]
    for name in ("ra", "dec", "parallax", "pmra", "ruwe", "radial_velocity", "phot_g_mean_mag"):
        np.testing.assert_array_equal(rows[name].to_numpy(), expected[name].to_numpy(), err_msg=name)
    assert rows["parallax"].isna().any(), "null stays missing"
    assert table.by_name["pmra"].unit in ("mas/yr", "mas.yr**-1")
    assert table.by_name["ra"].ucd == "pos.eq.ra;meta.main"
    assert table.simulated
    absent = pd.read_csv(run.folder / ABSENT_TABLE)
    assert absent.to_numpy().tolist() == [[NO_SUCH_ID, "absent in Gaia DR3"]]
    counts = json.loads(run.about()[GAIA_TABLE])
    assert (counts["rows"], counts["absent"], counts["not fetched"]) == (50, 1, 0)


def test_of_several_rows_that_of_the_best_neighbour_is_kept(tmp_path, download, gaia, mirrors):
    ids = write_ids(tmp_path / "ids.csv", source_id=gaia.index)
    run = Run(tmp_path / "fetch", archives_at(mirrors), FetchOptions(ids=ids))
    run.fetch("gaia")
    table = pq.read_table(run.folder / GAIA_TABLE).to_pandas()
    counts = json.loads(run.about()[GAIA_TABLE])
    assert counts["several"] > 5
    assert counts["undecided"] == 0
    assert (table["tmass_id"].fillna("") == table["tmass_designation"].fillna("")).all()
    two_micron = pd.read_csv(download.tmass).set_index("source_id")["ks_m"]
    known = table[table["tmass_id"].notna()].set_index("source_id")["ks_m"]
    np.testing.assert_allclose(known, two_micron.loc[known.index], rtol=1e-6)


def test_the_joined_table_is_a_known_schema_with_units(run):
    run.fetch("gaia")
    table = open_table(run.folder / GAIA_TABLE)
    stars = read_stars(table, recognise(table))
    assert stars.profile == "Gaia DR3 with 2MASS, AllWISE and distances (fetch gaia)"
    assert {"gaia_source_id", "j_mag", "w1_mag", "ph_qual", "distance_geo_84", "pmra_pmdec_corr"} <= set(stars.frame)
    assert np.nanmedian(stars.frame["distance_geo"]) < 30.0, "in kpc"
    assert (stars.epoch_yr == 2016.0).all()
    assert not [name for name in stars.frame if name in ("teff", "rv")]


def test_identifiers_of_dr2_lead_to_those_of_dr3(tmp_path, download, mirrors):
    pairs = pd.read_csv(download.dr2).head(30)
    listed = [*pairs["dr2_source_id"], NO_SUCH_ID]
    ids = write_ids(tmp_path / "ids.csv", gaia_dr2_source_id=listed)
    run = Run(tmp_path / "fetch", archives_at(mirrors, upload_rows=20), FetchOptions(ids=ids))
    assert run.fetch("gaia-from-dr2", "gaia").done == 4
    table = pq.read_table(run.folder / GAIA_TABLE).to_pandas()
    both = table[["dr2_source_id", "source_id"]].sort_values("dr2_source_id").to_numpy()
    assert both.tolist() == pairs.iloc[:, :2].sort_values("dr2_source_id").to_numpy().tolist()
    assert NO_SUCH_ID in pd.read_csv(run.folder / ABSENT_TABLE)["source_id"].tolist()


def test_a_column_that_has_the_numbers_of_dr2_is_used_as_such(tmp_path, download, mirrors):
    pairs = pd.read_csv(download.dr2).head(5)
    ids = write_ids(tmp_path / "ids.csv", gaia_source_id=pairs["dr2_source_id"])
    run = Run(tmp_path / "fetch", archives_at(mirrors), FetchOptions(ids=ids, names=("dr2",)))
    run.fetch("gaia-from-dr2", "gaia")
    table = pq.read_table(run.folder / GAIA_TABLE)
    assert sorted(table["source_id"].to_pylist()) == sorted(pairs["dr3_source_id"])


def test_a_table_without_identifiers_is_refused_with_their_names(tmp_path):
    ids = write_ids(tmp_path / "ids.csv", ra=[1.0], dec=[2.0])
    with pytest.raises(MissingInputError, match=r"no column of Gaia identifiers.*gaia_dr2_source_id"):
        Run(tmp_path / "fetch", archives_at({}), FetchOptions(ids=ids)).fetch("gaia")
    with pytest.raises(MissingInputError, match="--ids TABLE"):
        Run(tmp_path / "fetch", archives_at({})).fetch("gaia")


NEXT_MIRROR = {
    "votable_error": ("votable_error", "GET /gaia-ari.*results", "answered ERROR"),
    "overflow": ("overflow", "POST /gaia-ari.*phase", "QUERY_STATUS OVERFLOW"),
    "cut_silently": ("cut_silently", "POST /gaia-ari.*phase", "no row for 35 of 40 identifiers"),
    "job_error": ("job_error", "POST /gaia-ari.*phase", "ended the job as ERROR"),
    "login_page": ("login_page", "GET /gaia-ari.*results", "a web page"),
    "json_error": ("json_error", "GET /gaia-ari.*results", "text in place of a VOTable"),
    "forbidden": ("forbidden", "POST /gaia-ari.*async", "answered HTTP 403"),
    "not_found": ("not_found", "POST /gaia-ari.*sync", "answered HTTP 404"),
    "server_error": ("server_error", "POST /gaia-ari.*async", "answered HTTP 500"),
}


@pytest.mark.parametrize("name", NEXT_MIRROR)
def test_a_service_that_does_not_deliver_is_followed_by_the_next(archive, run, name):
    kind, where, _ = NEXT_MIRROR[name]
    archive.faults.append(Fault(kind, where=where, times=None, rows=5))
    assert run.fetch("gaia").done == 1
    (entry,) = run.entries("gaia")
    assert (entry.state, entry.rows, entry.job_url) == (State.DONE, 40, "")
    assert submissions(archive, "gaia-aip")
    assert not submissions(archive, "gaia-esac")


@pytest.mark.parametrize("name", NEXT_MIRROR)
def test_when_no_service_delivers_the_plan_says_what_each_did(archive, run, name):
    kind, where, words = NEXT_MIRROR[name]
    archive.faults.append(Fault(kind, where=where.replace("gaia-ari", "gaia-.*"), times=None, rows=5))
    assert run.fetch("gaia").failed == 1
    (entry,) = run.entries("gaia")
    assert entry.state == State.FAILED
    for place in ("ARI", "AIP", "ESAC"):
        assert re.search(rf"{place}[^;]*{words}", entry.reason), entry.reason
    archive.clear()
    assert run.fetch("gaia").done == 1, "a second run asks again"


PASSING = {
    "too_many": ("too_many", "POST .*async", {"seconds": 1.0}),
    "unavailable": ("unavailable", "GET .*results", {"seconds": 1.0}),
    "unavailable, by date": ("unavailable", "GET .*async/", {"seconds": 1.0, "as_date": True}),
    "reset of a submission": ("reset", "POST .*async$", {"fraction": 0.0}),
    "reset of a result": ("reset", "GET .*results", {"fraction": 0.5}),
    "cut result": ("cut", "GET .*results", {"fraction": 0.5}),
    "result cut without its length": ("cut_unannounced", "GET .*results", {"fraction": 0.5}),
    "empty result": ("empty", "GET .*results", {}),
    "server error": ("server_error", "GET .*async/", {}),
    "job gone": ("job_gone", "GET .*async/", {"after": 3}),
}


@pytest.mark.parametrize("name", PASSING)
def test_a_fault_that_passes_is_waited_for(archive, run, name):
    kind, where, more = PASSING[name]
    archive.faults.append(Fault(kind, where=where, times=1, **more))
    assert run.fetch("gaia").done == 1
    (entry,) = run.entries("gaia")
    assert (entry.state, entry.rows) == (State.DONE, 40)
    assert not submissions(archive, "gaia-aip"), "the first service delivered"


def test_retry_after_is_honoured(archive, run):
    archive.faults.append(Fault("too_many", where="POST .*async$", times=2, seconds=2.0))
    run.fetch("gaia")
    gaps = np.diff([request.started for request in submissions(archive, "gaia-ari")])
    assert gaps.size == 2
    assert (gaps >= 2.0).all()


def test_a_job_that_stays_queued_is_given_up_and_deleted(archive, run, mirrors):
    archive.faults.append(Fault("stays_queued", where="POST /gaia-ari.*phase", times=None, seconds=60.0))
    run.archives = archives_at(mirrors, job_s=2.5)
    assert run.fetch("gaia").done == 1
    assert submissions(archive, "gaia-aip")
    assert len(left_jobs(mirrors["gaia-ari"])) == 0


def test_a_service_that_is_not_there_comes_last_for_the_rest_of_the_run(archive, tmp_path, gaia, mirrors):
    ids = write_ids(tmp_path / "ids.csv", source_id=gaia.index[:40])
    here = {**mirrors, "gaia-ari": "http://127.0.0.1:9/tap"}
    run = Run(tmp_path / "fetch", archives_at(here, upload_rows=10, attempts=2), FetchOptions(ids=ids))
    assert run.fetch("gaia").done == 4
    assert len(submissions(archive, "gaia-aip")) == 4


def test_services_that_are_not_there_leave_the_other_items_for_the_next_run(tmp_path, gaia):
    ids = write_ids(tmp_path / "ids.csv", source_id=gaia.index[:160])
    nowhere = dict.fromkeys(GAIA_SERVICES, "http://127.0.0.1:9/tap")
    run = Run(tmp_path / "fetch", archives_at(nowhere, upload_rows=10, attempts=1), FetchOptions(ids=ids))
    summary = run.fetch("gaia")
    assert summary.stopped
    states = [entry.state for entry in run.entries("gaia")]
    assert State.TODO in states
    assert State.FAILED in states


def test_a_mirror_without_a_table_is_passed_over(archive, tmp_path, tables, gaia):
    few = [table for table in tables if table.name != "gaiaedr3_distance"]
    here = {"gaia-ari": archive.add_tap(few, "/few/tap").url, "gaia-aip": archive.add_tap(tables, "/all/tap").url}
    ids = write_ids(tmp_path / "ids.csv", source_id=gaia.index[:10])
    run = Run(tmp_path / "fetch", archives_at({**here, "gaia-esac": here["gaia-ari"]}), FetchOptions(ids=ids))
    assert run.fetch("gaia").done == 1
    assert not archive.log.matching("POST /few/tap/async")
    assert archive.log.matching("POST /all/tap/async")


def test_a_table_may_have_another_name_at_a_service(archive, tmp_path, tables, gaia):
    moved = [replace(table, schema="bailer_jones") if table.schema == "external" else table for table in tables]
    url = archive.add_tap(moved, "/tap").url
    archives = archives_at(dict.fromkeys(GAIA_SERVICES, url))
    named = {
        key: msgspec.structs.replace(service, tables={"external.gaiaedr3_distance": '"bailer_jones".gaiaedr3_distance'})
        for key, service in archives.service.items()
    }
    ids = write_ids(tmp_path / "ids.csv", source_id=gaia.index[:10])
    run = Run(tmp_path / "fetch", msgspec.structs.replace(archives, service=named), FetchOptions(ids=ids))
    assert run.fetch("gaia").done == 1


def test_small_queries_are_synchronous_where_the_service_allows(archive, tmp_path, gaia, mirrors):
    ids = write_ids(tmp_path / "ids.csv", source_id=gaia.index[:40])
    run = Run(tmp_path / "fetch", archives_at(mirrors, sync_rows=200), FetchOptions(ids=ids))
    assert run.fetch("gaia").done == 1
    assert not archive.log.matching("POST /gaia-ari/tap/async")
    archive.clear()
    run = Run(tmp_path / "again", archives_at(mirrors, sync_rows=100), FetchOptions(ids=ids))
    run.fetch("gaia")
    assert archive.log.matching("POST /gaia-ari/tap/async"), "40 identifiers may have 160 rows"


def test_jobs_are_deleted_when_their_result_is_kept(run, mirrors):
    run.fetch("gaia")
    assert len(left_jobs(mirrors["gaia-ari"])) == 0


def test_a_second_run_requests_nothing(archive, run):
    run.fetch("gaia")
    first = (run.folder / GAIA_TABLE).read_bytes()
    archive.clear()
    assert run.fetch("gaia").done == 0
    assert len(archive.log) == 0
    assert (run.folder / GAIA_TABLE).read_bytes() == first


def test_another_list_of_identifiers_replaces_the_result(run, tmp_path, gaia):
    run.fetch("gaia")
    run.options = FetchOptions(ids=write_ids(tmp_path / "ids.csv", source_id=gaia.index[40:50]))
    assert run.fetch("gaia").done == 1
    assert sorted(pq.read_table(run.folder / GAIA_TABLE)["source_id"].to_pylist()) == sorted(gaia.index[40:50])


def test_politeness(archive, tmp_path, gaia, mirrors):
    ids = write_ids(tmp_path / "ids.csv", source_id=gaia.index[:60])
    run = Run(tmp_path / "fetch", archives_at(mirrors, upload_rows=10, spacing_s=0.1), FetchOptions(ids=ids))
    assert run.fetch("gaia").done == 6
    assert np.mean(archive.log.gaps()) > 0.099, "arrivals may be late, starts are spaced"
    assert archive.log.peak_requests() <= 2
    assert all(agent.startswith("mgiant-explorer/") for agent in archive.log.user_agents())


def test_a_table_that_was_put_there_by_hand_is_taken(archive, run, gaia):
    run.folder.mkdir()
    rows = gaia.head(20).reset_index()
    rows.to_csv(run.folder / GAIA_TABLE, index=False)
    content = (run.folder / GAIA_TABLE).read_bytes()
    assert run.fetch("gaia").done == 0
    assert (run.folder / GAIA_TABLE).read_bytes() == content
    assert len(archive.log) == 0


def test_what_was_put_there_by_hand_must_be_a_table_with_identifiers(run):
    run.folder.mkdir()
    (run.folder / GAIA_TABLE).write_text("<html>Sign in</html>")
    with pytest.raises(TableError, match=r"gaia.parquet is a web page"):
        run.fetch("gaia")
    write_ids(run.folder / GAIA_TABLE, ra=[1.0], dec=[1.0])
    with pytest.raises(MissingInputError, match="no column of Gaia identifiers"):
        run.fetch("gaia")


PROGRAM = """
import sys
sys.path[:0] = {path!r}
from tap_mirrors import Run, archives_at
from pipeline.sources.archives.steps import FetchOptions
from pathlib import Path
Run(Path({folder!r}), archives_at({mirrors!r}), FetchOptions(ids={ids!r})).fetch("gaia")
"""


def killed_when_submitted(run, mirrors):
    """Start a run in another process and kill it once the plan has a job."""
    here = str(Path(__file__).parent)
    program = PROGRAM.format(path=[here], folder=str(run.folder), mirrors=mirrors, ids=run.options.ids)
    process = subprocess.Popen([sys.executable, "-c", program], env=os.environ)
    wal = run.folder / f"{PLAN_NAME}-wal"
    try:
        for _ in range(1200):
            if wal.exists() and b"/tap/async/" in wal.read_bytes():
                break
            assert process.poll() is None, "ended before it was killed"
            time.sleep(0.05)
        time.sleep(0.5)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()


def test_a_job_survives_the_death_of_the_client(archive, run, mirrors):
    archive.faults.append(Fault("stays_executing", where="POST /gaia-ari.*phase", times=1, seconds=6.0))
    killed_when_submitted(run, mirrors)
    (entry,) = run.entries("gaia")
    assert entry.state == State.SUBMITTED
    assert entry.job_url.startswith(mirrors["gaia-ari"])
    assert run.fetch("gaia").done == 1
    assert len(submissions(archive, "gaia-ari")) == 1, "the job is taken up, not submitted again"
    assert len(left_jobs(mirrors["gaia-ari"])) == 0


def test_a_job_that_was_not_started_is_started(archive, run, mirrors):
    with FetchPlan(run.folder / PLAN_NAME) as plan:
        plan.add(run.step("gaia").items(Fetching(plan, run.archives, run.options)))
        (entry,) = plan.entries("gaia")
        ids = {"ids": Table({"source_id": unpacked(entry.item.request["ids"])})}
        job = TAPService(mirrors["gaia-aip"]).submit_job(entry.item.request["query"], maxrec=500, uploads=ids)
        plan.record(replace(entry, state=State.SUBMITTED, job_url=job.url))
    assert job.phase == "PENDING"
    assert run.fetch("gaia").done == 1
    assert len(submissions(archive, "gaia-aip")) == 1
    assert not submissions(archive, "gaia-ari"), "the service that has the job is asked"


def test_a_job_that_is_gone_is_submitted_again(archive, run, mirrors):
    archive.faults.append(Fault("stays_executing", where="POST /gaia-ari.*phase", times=1, seconds=60.0))
    killed_when_submitted(run, mirrors)
    for job in left_jobs(mirrors["gaia-ari"]):
        TAPService(mirrors["gaia-ari"])._session.delete(f"{mirrors['gaia-ari']}/async/{job.jobid}")
    assert run.fetch("gaia").done == 1
    assert len(submissions(archive, "gaia-ari")) == 2
