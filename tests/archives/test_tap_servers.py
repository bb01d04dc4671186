"""Both TAP services by pyvo: what a client of the Gaia archive does, and what the service in this process adds."""

import time
import warnings

import numpy as np
import pytest
import pyvo
from archive_tables import DISTANCE_NAMES, unit_and_ucd
from astropy.table import Table
from faults import Fault
from pyvo.dal.exceptions import DALOverflowWarning
from pyvo.dal.tap import AsyncTAPJob
from votable_text import vo_type

JOIN = """SELECT u.obsid, g.source_id, g.pmra, g.ruwe, x.original_ext_source_id AS tmass_id, x.number_of_mates AS mates,
t.designation, t.ks_m, t.ks_msigcom, w.designation AS allwise_id, w.w1mpro, d.r_med_geo
FROM TAP_UPLOAD.stars AS u
JOIN gaiadr3.gaia_source AS g ON g.source_id = u.source_id
LEFT OUTER JOIN gaiadr3.tmass_psc_xsc_best_neighbour AS x ON x.source_id = g.source_id
LEFT OUTER JOIN gaiadr3.tmass_psc_xsc_join AS xj ON xj.clean_tmass_psc_xsc_oid = x.clean_tmass_psc_xsc_oid
LEFT OUTER JOIN gaiadr1.tmass_original_valid AS t ON t.designation = xj.original_psc_source_id
LEFT OUTER JOIN gaiadr3.allwise_best_neighbour AS wx ON wx.source_id = g.source_id
LEFT OUTER JOIN gaiadr1.allwise_original_valid AS w ON w.allwise_oid = wx.allwise_oid
LEFT OUTER JOIN "external".gaiaedr3_distance AS d ON d.source_id = g.source_id"""

ENDLESS = (
    "SELECT COUNT(*) AS n FROM gaiadr3.gaia_source AS a, gaiadr3.gaia_source AS b, gaiadr3.gaia_source AS c "
    "WHERE a.ra + b.ra + c.ra < 1"
)


@pytest.fixture
def service(tap):
    return pyvo.dal.TAPService(tap.url)


@pytest.fixture
def stars(tap):
    """Identifiers of all stars, to upload."""
    ids = np.array(tap.tables["gaiadr3.gaia_source"].table["source_id"])
    return Table({"source_id": ids, "obsid": np.arange(ids.size) + 1})


def result_of(job):
    """Table of a job that ends well."""
    job.run().wait(timeout=60)
    job.raise_if_error()
    assert job.phase == "COMPLETED"
    return job.fetch_result().to_table()


def phase_in(job, phases, seconds=20.0):
    """Whether a job gets into one of the phases in time."""
    end = time.monotonic() + seconds
    while job.phase not in phases:
        if time.monotonic() > end:
            return False
        time.sleep(0.1)
    return True


def test_a_service_describes_itself(tap, service):
    assert {name for name, table in tap.tables.items() if table.schema} <= set(service.tables.keys())
    assert (service.maxrec, service.hardlimit) == (2000, 20_000)
    assert any("upload-inline" in method.ivo_id for method in service.upload_methods)


def test_columns_are_found_in_tap_schema_with_types_units_and_ucds(tap, service):
    for full in ("gaiadr3.gaia_source", "external.gaiaedr3_distance", "gaiadr1.allwise_original_valid"):
        query = f"SELECT column_name, unit, ucd, datatype FROM TAP_SCHEMA.columns WHERE table_name = '{full}'"
        found = {row["column_name"]: row for row in service.run_sync(query, maxrec=500).to_table()}
        table = tap.tables[full].table
        assert set(found) == set(table.colnames)
        for name, row in found.items():
            assert (plain(row["unit"]) or "", plain(row["ucd"]) or "") == unit_and_ucd(table[name]), name
            if table[name].dtype.kind != "S":
                assert row["datatype"] == vo_type(table[name].dtype)[0], name
    assert found["ra"]["unit"] == "deg"


def test_identifiers_and_values_are_exact_and_nulls_are_masked(tap, service):
    table = tap.tables["gaiadr3.gaia_source"].table
    table = table[np.argsort(table["source_id"])]
    names = ["source_id", "ra", "dec", "parallax", "pmra", "ruwe", "radial_velocity", "phot_g_mean_mag"]
    found = service.run_sync(
        f"SELECT {', '.join(names)}, duplicated_source FROM gaiadr3.gaia_source ORDER BY source_id"
    ).to_table()
    assert found["source_id"].dtype == np.int64
    assert found["source_id"].min() > 2**53
    for name in names:
        assert found[name].dtype == table[name].dtype, name
        there = np.ma.getmaskarray(found[name]) | np.isnan(np.ma.getdata(found[name]).astype(float))
        missing = np.ma.getmaskarray(table[name])
        assert (there == missing).all(), name
        assert (np.ma.getdata(found[name])[~missing] == np.ma.getdata(table[name])[~missing]).all(), name
    assert np.ma.getmaskarray(table["parallax"]).any()
    assert (np.array(found["duplicated_source"], bool) == np.array(table["duplicated_source"])).all()
    assert str(found["pmra"].unit) == "mas / yr"


def test_a_cone_contains_the_stars_within_its_radius(tap, service):
    table = tap.tables["gaiadr3.gaia_source"].table
    ra, dec = float(table["ra"][0]), float(table["dec"][0])
    found = service.run_sync(
        "SELECT source_id FROM gaiadr3.gaia_source WHERE "
        f"1 = CONTAINS(POINT('ICRS', ra, dec), CIRCLE('ICRS', {ra}, {dec}, 15.0))"
    ).to_table()
    lon, lat = np.radians(np.array(table["ra"])), np.radians(np.array(table["dec"]))
    cosine = np.sin(lat) * np.sin(lat[0]) + np.cos(lat) * np.cos(lat[0]) * np.cos(lon - lon[0])
    inside = np.degrees(np.arccos(np.clip(cosine, -1, 1))) <= 15.0
    assert set(found["source_id"]) == set(np.array(table["source_id"])[inside])
    assert 1 < inside.sum() < len(table)


def test_a_wrong_column_is_an_error_with_its_name(service):
    with pytest.raises(pyvo.dal.DALQueryError, match="no_such_column"):
        service.run_sync("SELECT no_such_column FROM gaiadr3.gaia_source")
    job = service.submit_job("SELECT no_such_column FROM gaiadr3.gaia_source")
    job.run().wait(timeout=60)
    assert job.phase == "ERROR"
    with pytest.raises(pyvo.dal.DALQueryError, match="no_such_column"):
        job.raise_if_error()
    job.delete()


def expected(tables, stars):
    """The join of the query by plain loops."""

    def by_key(full, key):
        table = tables[full].table
        return {row[key]: row for row in table}

    gaia = by_key("gaiadr3.gaia_source", "source_id")
    neighbours = by_key("gaiadr3.tmass_psc_xsc_best_neighbour", "source_id")
    two_micron = by_key("gaiadr1.tmass_original_valid", "designation")
    wise_ids = by_key("gaiadr3.allwise_best_neighbour", "source_id")
    wise = by_key("gaiadr1.allwise_original_valid", "allwise_oid")
    distances = by_key("external.gaiaedr3_distance", "source_id")
    names: dict[int, list] = {}
    for row in tables["gaiadr3.tmass_psc_xsc_join"].table:
        names.setdefault(row["clean_tmass_psc_xsc_oid"], []).append(row["original_psc_source_id"])
    for star in stars:
        number = star["source_id"]
        near = neighbours.get(number)
        for designation in names[near["clean_tmass_psc_xsc_oid"]] if near is not None else [None]:
            allwise = wise.get(wise_ids[number]["allwise_oid"]) if number in wise_ids else None
            yield (
                int(star["obsid"]),
                int(number),
                plain(gaia[number]["pmra"]),
                plain(near["original_ext_source_id"] if near is not None else None),
                plain(two_micron[designation]["ks_m"] if designation is not None else None),
                plain(allwise["w1mpro"] if allwise is not None else None),
                plain(distances[number]["r_med_geo"] if number in distances else None),
            )


def plain(value):
    """A value as Python's own; None for missing ones of any kind."""
    if value is None or value is np.ma.masked:
        return None
    if isinstance(value, bytes | str):
        return (value.decode() if isinstance(value, bytes) else str(value)) or None
    return None if np.isnan(value) else value.item()


def rows_of(found):
    names = ("obsid", "source_id", "pmra", "tmass_id", "ks_m", "w1mpro", "r_med_geo")
    return sorted((tuple(plain(row[name]) for name in names) for row in found), key=str)


def test_uploaded_identifiers_are_joined_to_six_tables_in_both_modes(tap, service, stars):
    wanted = sorted(expected(tap.tables, stars), key=str)
    assert len(wanted) > len(stars)
    assert any(row[3] is None for row in wanted)
    assert any(row[5] is None for row in wanted)
    found = service.run_sync(JOIN, uploads={"stars": stars}, maxrec=5000)
    assert found.query_status == "OK"
    assert rows_of(found.to_table()) == wanted
    job = service.submit_job(JOIN, uploads={"stars": stars}, maxrec=5000)
    assert job.phase == "PENDING"
    assert rows_of(result_of(job)) == wanted
    job.delete()


def test_a_job_is_resumed_by_its_url_and_gone_when_it_is_deleted(service, stars):
    job = service.submit_job(JOIN, uploads={"stars": stars[:20]}, maxrec=500)
    result_of(job)
    again = AsyncTAPJob(job.url)
    assert again.phase == "COMPLETED"
    assert set(again.fetch_result().to_table()["source_id"]) == set(stars["source_id"][:20])
    again.delete()
    with pytest.raises(pyvo.dal.DALServiceError, match="404"):
        AsyncTAPJob(job.url)


def test_a_running_job_can_be_aborted(service):
    job = service.submit_job(ENDLESS)
    job.run()
    assert phase_in(job, {"EXECUTING"})
    job.abort()
    assert phase_in(job, {"ABORTED"})
    job.delete()


def test_a_job_ends_at_its_time_limit(service):
    job = service.submit_job(ENDLESS)
    job.execution_duration = 2
    job.run()
    assert phase_in(job, {"ERROR"}, 40.0)
    with pytest.raises(pyvo.dal.DALQueryError, match="timed out"):
        job.raise_if_error()
    job.delete()


def test_a_result_that_was_cut_says_overflow_but_pyvo_only_warns_without_maxrec(service):
    query = "SELECT a.source_id FROM gaiadr3.gaia_source AS a, gaiadr3.dr2_neighbourhood AS b"
    with pytest.warns(DALOverflowWarning):
        found = service.run_sync(query)
    assert (len(found), found.query_status) == (2000, "OVERFLOW")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = service.run_sync(query, maxrec=50)
    assert (len(found), found.query_status) == (50, "OVERFLOW")
    whole = service.run_sync("SELECT source_id FROM gaiadr3.gaia_source", maxrec=5000)
    assert whole.query_status == "OK"


def test_too_large_an_upload_is_refused(service):
    many = Table({"source_id": np.arange(450_000) + 2**60})
    with pytest.raises(pyvo.dal.DALServiceError) as refused:
        service.submit_job("SELECT * FROM TAP_UPLOAD.many", uploads={"many": many})
    assert refused.value.code == 413
    with pytest.raises(pyvo.dal.DALQueryError, match="bytes of upload"):
        service.run_sync("SELECT * FROM TAP_UPLOAD.many", uploads={"many": many[:12_000]})


def test_names_of_vizier_are_quoted_and_keep_their_case(tap_in_process):
    service = pyvo.dal.TAPService(tap_in_process.url)
    table = tap_in_process.tables["I/352/gedr3dis"].table
    found = service.run_sync('SELECT "Source", "b_rgeo", "B_rgeo" FROM "I/352/gedr3dis"').to_table()
    assert found.colnames == ["Source", "b_rgeo", "B_rgeo"]
    for name in found.colnames:
        assert (np.array(found[name]) == np.array(table[name])).all()
        assert found[name].unit == table[name].unit
    with pytest.raises(pyvo.dal.DALQueryError, match="b_Rgeo"):
        service.run_sync('SELECT "b_Rgeo" FROM "I/352/gedr3dis"')
    columns = service.run_sync("SELECT column_name FROM TAP_SCHEMA.columns WHERE table_name = 'I/352/gedr3dis'")
    assert list(columns["column_name"]) == [
        DISTANCE_NAMES[name] for name in tap_in_process.tables["external.gaiaedr3_distance"].table.colnames
    ]
    giants = service.run_sync('SELECT TOP 3 g.ObsID, g."[M/H]" FROM "J/ApJS/266/4/mgiants" AS g').to_table()
    assert giants.colnames == ["ObsID", "[M/H]"]
    assert len(giants) == 3


@pytest.fixture
def faulty(tap_in_process):
    yield tap_in_process.archive.faults
    tap_in_process.archive.clear()


QUERY = "SELECT source_id FROM gaiadr3.gaia_source"


def test_faults_of_a_query_in_one_request(tap_in_process, faulty):
    service = pyvo.dal.TAPService(tap_in_process.url)
    whole = len(service.run_sync(QUERY, maxrec=5000))
    faulty.append(Fault("votable_error", where="gaia_source"))
    with pytest.raises(pyvo.dal.DALQueryError, match="does not answer"):
        service.run_sync(QUERY, maxrec=5000)
    faulty.append(Fault("overflow", where="gaia_source", rows=7))
    cut = service.run_sync(QUERY, maxrec=5000)
    assert (len(cut), cut.query_status) == (7, "OVERFLOW")
    faulty.append(Fault("cut_silently", where="gaia_source", rows=7))
    cut = service.run_sync(QUERY, maxrec=5000)
    assert (len(cut), cut.query_status) == (7, "OK")
    for kind in ("login_page", "json_error", "cut", "damaged", "reset", "unavailable"):
        faulty.append(Fault(kind, where="/sync", fraction=0.4))
        with pytest.raises((pyvo.dal.DALServiceError, pyvo.dal.DALFormatError)):
            service.run_sync(QUERY, maxrec=5000)
    assert faulty.unused == []
    assert len(service.run_sync(QUERY, maxrec=5000)) == whole


def test_faults_of_a_job(tap_in_process, faulty):
    service = pyvo.dal.TAPService(tap_in_process.url)

    def started(*faults):
        for fault in faults:
            faulty.append(fault)
        return service.submit_job(QUERY, maxrec=5000).run()

    queued = started(Fault("stays_queued", seconds=60))
    assert not phase_in(queued, {"EXECUTING", "COMPLETED"}, 0.5)
    assert queued.phase == "QUEUED"
    queued.abort()
    assert queued.phase == "ABORTED"
    executing = started(Fault("stays_executing", seconds=2))
    assert phase_in(executing, {"EXECUTING"})
    assert phase_in(executing, {"COMPLETED"})
    assert len(executing.fetch_result()) > 100
    broken = started(Fault("job_error"))
    assert phase_in(broken, {"ERROR"})
    with pytest.raises(pyvo.dal.DALQueryError, match="does not answer"):
        broken.raise_if_error()
    cut = started(Fault("overflow", rows=5))
    assert phase_in(cut, {"COMPLETED"})
    assert cut.fetch_result().query_status == "OVERFLOW"
    faulty.append(Fault("votable_error", where="results/result"))
    with pytest.raises(pyvo.dal.DALQueryError, match="cannot be read"):
        cut.fetch_result()
    faulty.append(Fault("job_gone", where="GET /tap/async/"))
    with pytest.raises(pyvo.dal.DALServiceError, match="404"):
        AsyncTAPJob(cut.url)
    with pytest.raises(pyvo.dal.DALServiceError, match="404"):
        AsyncTAPJob(cut.url)
    assert faulty.unused == []


def test_a_job_is_gone_after_its_time(tap_in_process):
    job = pyvo.dal.TAPService(tap_in_process.url).submit_job(QUERY)
    assert job.phase == "PENDING"
    with pytest.raises(pyvo.dal.DALServiceError, match="404"):
        job.destruction = "2020-01-01T00:00:00Z"
    with pytest.raises(pyvo.dal.DALServiceError, match="404"):
        AsyncTAPJob(job.url)


def test_no_more_jobs_run_than_allowed(archive, tables):
    service = archive.add_tap(tables, at_a_time=1)
    client = pyvo.dal.TAPService(service.url)
    archive.faults.append(Fault("stays_executing", seconds=60))
    first, second = client.submit_job(QUERY).run(), client.submit_job(QUERY).run()
    assert phase_in(first, {"EXECUTING"})
    assert not phase_in(second, {"EXECUTING", "COMPLETED"}, 0.4)
    first.abort()
    assert phase_in(second, {"COMPLETED"})
