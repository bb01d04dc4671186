"""The archive in this process: addresses, failures of LAMOST, faults on demand, the log."""

import gzip
import hashlib
import io
import threading
import time
from email.utils import parsedate_to_datetime

import pandas as pd
import pytest
import requests
from astropy.io import fits
from faults import KINDS, WIRE
from http_archive import Fault
from lamost_archive import Copies, spectra_by_obsid

OPENAPI = "/openapi/dr10/v2.0/lrs/spectrum/fits?obsid="


@pytest.fixture
def http():
    with requests.Session() as session:
        yield session


@pytest.fixture
def obsids(download):
    return pd.read_parquet(download.truth)["obsid"].tolist()


def obsid_of(content):
    data = gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content
    return fits.getheader(io.BytesIO(data))["OBSID"]


def test_a_spectrum_has_the_same_bytes_by_both_addresses_and_its_own_name(lamost, download, http, obsids):
    spectra = spectra_by_obsid(download.directory)
    for obsid in obsids[:20]:
        new = http.get(f"{lamost.url}{OPENAPI}{obsid}")
        old = http.get(f"{lamost.url}/dr10/v2.0/spectrum/fits/{obsid}")
        assert new.content == old.content == spectra[obsid].read_bytes()
        assert new.headers["Content-Disposition"] == f"attachment; filename={spectra[obsid].name}"
        assert obsid_of(new.content) == obsid
    assert {path.suffix for path in spectra.values()} == {".fits", ".gz"}


def test_spectra_of_any_folder_are_found_by_their_headers(download, shared_data):
    plates = spectra_by_obsid(download.directory)
    assert spectra_by_obsid(download.spectra) == plates
    real = spectra_by_obsid(shared_data / "spectra")
    assert {fits.getheader(path)["OBSID"] for path in real.values()} == set(real)
    assert len(real) >= 6


def test_a_missing_spectrum_is_json_with_status_200(lamost, http, obsids):
    for url in (f"{OPENAPI}5", f"{OPENAPI}none", "/dr10/v2.0/spectrum/fits/5"):
        answer = http.get(lamost.url + url)
        assert answer.status_code == 200
        assert answer.json()["error"] == "not_found"
    assert http.get(f"{lamost.url}/openapi/dr3/v1.0/lrs/spectrum/fits?obsid={obsids[0]}").json()["error"]


def test_an_internal_release_needs_a_token_and_else_leads_to_a_login_page(archive, download, http, obsids):
    archive.add_lamost(download.directory, absent=obsids[:1])
    archive.add_lamost(download.directory, "dr12", "v1.0", public=False, tokens=["right"])
    url = f"{archive.url}/openapi/dr12/v1.0/lrs/spectrum/fits?obsid={obsids[0]}"
    for token in ("", "&token=wrong"):
        answer = http.get(url + token)
        assert answer.status_code == 200
        assert "text/html" in answer.headers["Content-Type"]
        assert answer.history[0].status_code == 302
    assert obsid_of(http.get(f"{url}&token=right").content) == obsids[0]
    assert http.get(f"{archive.url}{OPENAPI}{obsids[0]}").json()["error"] == "not_found"
    versions = http.get(f"{archive.url}/openapi/dr_versions").json()["versions"]
    assert [(one["dr_version"], one["sub_version"], one["public_status"]) for one in versions] == [
        ("dr10", "v2.0", "public"),
        ("dr12", "v1.0", "internal"),
    ]


def test_catalogues_come_by_the_archives_names(lamost, download, http):
    general = http.get(f"{lamost.url}/dr10/v2.0/catdl?name=dr10_v2.0_LRS_catalogue.csv.gz")
    assert general.content == download.general.read_bytes()
    m_stars = http.get(f"{lamost.url}/dr10/v2.0/catdl?name=dr10_v2.0_LRS_mstellar.fits.gz")
    assert gzip.decompress(m_stars.content) == download.m_stars.read_bytes()
    assert http.get(f"{lamost.url}/dr10/v2.0/catdl?name=dr10_v2.0_LRS_qso.fits.gz").json()["error"] == "not_found"
    assert http.get(f"{lamost.url}/dr10/v2.0/catdl?name=../truth.parquet").json()["error"] == "not_found"


def test_a_file_comes_in_parts_and_whole_when_it_has_changed(archive, tmp_path, http):
    content = bytes(range(256)) * 9000
    (tmp_path / "a.bin").write_bytes(content)
    (tmp_path / "small.txt").write_text("small")
    address = archive.add_files("/sas", tmp_path)
    head = http.head(f"{address}a.bin")
    assert head.headers["Content-Length"] == str(len(content))
    assert head.content == b""
    etag = head.headers["ETag"]
    for wanted, start, stop in (("1000-", 1000, None), ("10-19", 10, 20), ("-7", len(content) - 7, None)):
        part = http.get(f"{address}a.bin", headers={"Range": f"bytes={wanted}", "If-Range": etag})
        assert (part.status_code, part.content) == (206, content[start:stop])
    changed = http.get(f"{address}a.bin", headers={"Range": "bytes=10-", "If-Range": '"another"'})
    assert (changed.status_code, changed.content) == (200, content)
    assert http.get(f"{address}a.bin", headers={"Range": f"bytes={len(content)}-"}).status_code == 416
    assert http.get(f"{address}a.bin", headers={"If-None-Match": etag}).status_code == 304
    sums = http.get(f"{address}all.sha1sum").text.splitlines()
    assert f"{hashlib.sha1(content).hexdigest()}  a.bin" in sums
    assert len(sums) == 2
    assert http.get(f"{address}../secret").status_code == 404


def test_copies_of_a_spectrum_differ_in_their_identifier_only(archive, download, http):
    originals = list(spectra_by_obsid(download.directory).values())[:3]
    archive.add_lamost(download.directory, spectra=Copies(originals, 2_000_000_000, 1000))
    for obsid in (2_000_000_000, 2_000_000_999):
        content = http.get(f"{archive.url}{OPENAPI}{obsid}").content
        with fits.open(io.BytesIO(content)) as opened, fits.open(originals[obsid % 3]) as original:
            assert opened[0].header["OBSID"] == obsid
            assert opened[-1].data.tobytes() == original[-1].data.tobytes()
    assert http.get(f"{archive.url}{OPENAPI}2000001000").json()["error"] == "not_found"


def outcome(http, url):
    """Status and body, or the name of the exception."""
    try:
        answer = http.get(url, timeout=5)
    except requests.RequestException as error:
        return type(error).__name__, b""
    return answer.status_code, answer.content


@pytest.mark.parametrize("kind", [*WIRE, "wrong_obsid"])
def test_each_fault_happens_as_often_as_declared_and_where_declared(lamost, http, obsids, kind):
    url = f"{lamost.url}{OPENAPI}{obsids[1]}"
    right = outcome(http, url)
    fault = lamost.faults.append(Fault(kind, where=rf"obsid={obsids[1]}$", times=2, after=1, seconds=0.2))
    assert outcome(http, f"{lamost.url}{OPENAPI}{obsids[2]}")[0] == 200
    assert outcome(http, url) == right
    started = time.monotonic()
    for _ in range(2):
        status, body = outcome(http, url)
        if kind in ("drip", "slow"):
            assert (status, body) == right
        else:
            assert (status, body) != right
    if kind in ("drip", "slow", "silent"):
        assert time.monotonic() - started > 0.35
    assert outcome(http, url) == right
    assert (fault.used, fault.spent, lamost.faults.unused) == (2, True, [])
    assert [request.fault for request in lamost.log].count(kind) == 2


def test_the_body_of_a_fault_is_what_it_says(lamost, http, obsids):
    url = f"{lamost.url}{OPENAPI}{obsids[1]}"
    right = http.get(url).content
    for kind in ("cut_unannounced", "damaged", "json_error", "login_page", "wrong_obsid"):
        lamost.faults.append(Fault(kind, fraction=0.25))
    assert http.get(url).content == right[: len(right) // 4]
    damaged = http.get(url).content
    assert [n for n in range(len(right)) if damaged[n] != right[n]] == [len(right) // 4]
    assert "error" in http.get(url).json()
    assert b"<html>" in http.get(url).content
    other = http.get(url)
    assert obsid_of(other.content) in set(obsids) - {obsids[1]}
    lamost.faults.append(Fault("cut", fraction=0.25))
    with pytest.raises(requests.exceptions.ChunkedEncodingError, match="IncompleteRead"):
        http.get(url)


def test_retry_after_is_seconds_or_a_date(lamost, http, obsids):
    url = f"{lamost.url}{OPENAPI}{obsids[0]}"
    lamost.faults.append(Fault("too_many", seconds=7))
    lamost.faults.append(Fault("unavailable", seconds=60, as_date=True))
    first, second = http.get(url), http.get(url)
    assert (first.status_code, first.headers["Retry-After"]) == (429, "7")
    assert second.status_code == 503
    left = parsedate_to_datetime(second.headers["Retry-After"]).timestamp() - time.time()
    assert 50 < left <= 60


def test_an_unknown_fault_is_refused():
    with pytest.raises(ValueError, match="unknown fault 'tired'; there are too_many"):
        Fault("tired")
    assert all(text for text in KINDS.values())


def test_the_log_says_who_asked_how_often_and_how_many_at_a_time(lamost, http, obsids):
    lamost.faults.append(Fault("slow", times=None, seconds=1.5))
    threads = [threading.Thread(target=requests.get, args=(f"{lamost.url}{OPENAPI}{obsids[n]}",)) for n in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert lamost.log.peak_requests() == lamost.server.peak_connections == 3
    lamost.clear()
    for _ in range(3):
        http.get(f"{lamost.url}{OPENAPI}{obsids[0]}&token=mine", headers={"User-Agent": "tests/1"})
        time.sleep(0.05)
    assert lamost.log.peak_requests() == 1
    assert lamost.server.connections == 4
    assert min(lamost.log.gaps("obsid=")) > 0.05
    assert lamost.log.user_agents() == {"tests/1"}
    assert [request.query["token"] for request in lamost.log] == ["mine"] * 3
    assert all(request.sent and request.status == 200 for request in lamost.log)


def test_nothing_answers_after_the_end(archive, http):
    archive.stop()
    with pytest.raises(requests.ConnectionError):
        http.get(archive.url, timeout=5)
