"""The TAP client on both servers: the one in this process, and GAVO DaCHS where it is installed."""

import json
from dataclasses import replace

import msgspec
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from astropy.table import Table
from pyvo.dal import TAPService
from tap_mirrors import GAIA_SERVICES, PLAN_NAME, Run, archives_at, write_ids

from pipeline.sources.archives.plan import FetchPlan, State
from pipeline.sources.archives.steps import Fetching, FetchOptions
from pipeline.sources.archives.tap_files import unpacked
from pipeline.sources.archives.tap_steps import ABSENT_TABLE, GAIA_TABLE

NO_SUCH_ID = 1_234_567_890_123_456_789
RESERVED = {"external.gaiaedr3_distance": '"external".gaiaedr3_distance'}
"""``external`` is a reserved word of ADQL."""


@pytest.fixture
def archives(tap):
    made = archives_at(dict.fromkeys(GAIA_SERVICES, tap.url))
    named = {key: msgspec.structs.replace(made.service[key], tables=RESERVED) for key in GAIA_SERVICES}
    return msgspec.structs.replace(made, service=made.service | named)


@pytest.fixture
def gaia(tap):
    return tap.tables["gaiadr3.gaia_source"].table.to_pandas().set_index("source_id")


@pytest.fixture
def run(tmp_path, archives, gaia):
    ids = write_ids(tmp_path / "ids.csv", source_id=[*gaia.index, NO_SUCH_ID])
    return Run(tmp_path / "fetch", archives, FetchOptions(ids=ids))


def test_all_rows_are_exact(run, gaia):
    summary = run.fetch("gaia")
    assert summary.done == 1, run.entries("gaia")[0].reason
    table = pq.read_table(run.folder / GAIA_TABLE).to_pandas().set_index("source_id")
    assert sorted(gaia.index) == table.index.tolist()
    expected = gaia.loc[table.index]
    for name in ("ra", "dec", "parallax", "pmra", "pmdec", "ruwe", "bp_rp", "radial_velocity", "phot_g_mean_mag"):
        np.testing.assert_array_equal(table[name], expected[name], err_msg=name)
    assert pd.read_csv(run.folder / ABSENT_TABLE)["source_id"].tolist() == [NO_SUCH_ID]
    counts = json.loads(run.about()[GAIA_TABLE])
    assert (counts["absent"], counts["undecided"], counts["not fetched"]) == (1, 0, 0)
    assert counts["several"] > 5, "2MASS identifiers that name two sources"
    assert (table["tmass_id"].fillna("") == table["tmass_designation"].fillna("")).all()


def test_units_and_ucds_are_kept(run):
    run.fetch("gaia")
    fields = pq.read_schema(run.folder / GAIA_TABLE)
    assert fields.field("pmra").metadata[b"unit"] == b"mas/yr"
    assert fields.field("ra").metadata[b"ucd"] == b"pos.eq.ra;meta.main"
    assert str(fields.field("source_id").type) == "int64"


def test_identifiers_of_dr2(tmp_path, archives, tap):
    pairs = tap.tables["gaiadr3.dr2_neighbourhood"].table.to_pandas().head(25)
    ids = write_ids(tmp_path / "ids.csv", gaia_dr2_source_id=pairs["dr2_source_id"])
    run = Run(tmp_path / "fetch", archives, FetchOptions(ids=ids))
    assert run.fetch("gaia-from-dr2", "gaia").done == 2
    table = pq.read_table(run.folder / GAIA_TABLE).to_pandas()
    assert sorted(table["source_id"]) == sorted(pairs["dr3_source_id"])


def test_a_job_of_an_earlier_run_is_taken_up_by_its_address(run, tap):
    with FetchPlan(run.folder / PLAN_NAME) as plan:
        plan.add(run.step("gaia").items(Fetching(plan, run.archives, run.options)))
        (entry,) = plan.entries("gaia")
        query = entry.item.request["query"].replace("external.", '"external".')
        ids = {"ids": Table({"source_id": unpacked(entry.item.request["ids"])})}
        job = TAPService(tap.url).submit_job(query, maxrec=10_000, uploads=ids)
        plan.record(replace(entry, state=State.SUBMITTED, job_url=job.url))
    assert job.phase == "PENDING"
    before = {item.jobid for item in TAPService(tap.url).get_job_list()}
    assert run.fetch("gaia").done == 1
    after = {item.jobid for item in TAPService(tap.url).get_job_list()}
    assert after <= before - {job.job_id}, "no other job was submitted, and this one is deleted"


def test_a_job_that_is_gone_is_submitted_again(run, tap):
    with FetchPlan(run.folder / PLAN_NAME) as plan:
        plan.add(run.step("gaia").items(Fetching(plan, run.archives, run.options)))
        (entry,) = plan.entries("gaia")
        plan.record(replace(entry, state=State.SUBMITTED, job_url=f"{tap.url}/async/gone"))
    assert run.fetch("gaia").done == 1


def test_a_query_that_is_refused_is_reported_in_the_services_words(run):
    query = run.archives.query["gaia"]
    tables = [msgspec.structs.replace(table, on="g.nothing = u.source_id") for table in query.tables[:1]]
    wrong = msgspec.structs.replace(query, tables=(*tables, *query.tables[1:]))
    run.archives = msgspec.structs.replace(run.archives, query=run.archives.query | {"gaia": wrong})
    assert run.fetch("gaia").failed == 1
    (entry,) = run.entries("gaia")
    assert "nothing" in entry.reason.partition("Heidelberg")[2].partition(";")[0], entry.reason


def test_the_check_finds_no_difference(run, tmp_path):
    with FetchPlan(tmp_path / PLAN_NAME) as plan:
        result = list(run.step("gaia").check(Fetching(plan, run.archives, FetchOptions())))
    assert not [item.text for item in result if item.differs]
    assert any("returns at most 20,000 rows" in item.text for item in result)


def test_a_service_that_cuts_the_result_is_not_believed(run, tap):
    if not hasattr(tap, "archive"):
        pytest.skip("the limit of the real server is fixed at 20,000 rows")
    rows, tap.max_rows = tap.max_rows, 100
    try:
        assert run.fetch("gaia").failed == 1
    finally:
        tap.max_rows = rows
    assert "OVERFLOW" in run.entries("gaia")[0].reason
