"""The real TAP server of the tests itself: its crash, its end, its packages."""

import subprocess
import sys
import time
from pathlib import Path

import pytest
import pyvo
import requests
import tap_packages
from pyvo.dal.tap import AsyncTAPJob

from tests.__main__ import run_all

QUERY = "SELECT source_id FROM gaiadr3.gaia_source"
ENDLESS = (
    "SELECT COUNT(*) AS n FROM gaiadr3.gaia_source AS a, gaiadr3.gaia_source AS b, gaiadr3.gaia_source AS c, "
    "gaiadr3.gaia_source AS d"
)


@pytest.mark.tap_server
def test_a_finished_job_survives_a_crash_of_the_server(tap_server):
    service = pyvo.dal.TAPService(tap_server.url)
    done = service.submit_job(QUERY, maxrec=5000)
    done.run().wait(timeout=60)
    running = service.submit_job(ENDLESS)
    running.run()
    end = time.monotonic() + 60
    while not tap_server.queries() and time.monotonic() < end:
        time.sleep(0.1)
    tap_server.kill()
    with pytest.raises(pyvo.dal.DALServiceError, match="refused"):
        AsyncTAPJob(done.url)
    assert len(tap_server.queries()) == 1
    tap_server.serve()
    assert len(AsyncTAPJob(done.url).fetch_result()) == len(tap_server.tables["gaiadr3.gaia_source"].table)
    again = AsyncTAPJob(running.url)
    assert again.phase == "EXECUTING"
    again.abort()
    again.delete()
    done.delete()


@pytest.mark.tap_server
def test_a_query_ends_with_its_job(tap_server):
    job = pyvo.dal.TAPService(tap_server.url).submit_job(ENDLESS)
    job.run()
    end = time.monotonic() + 60
    while not tap_server.busy_backends() and time.monotonic() < end:
        time.sleep(0.1)
    assert tap_server.busy_backends()
    job.abort()
    job.delete()
    end = time.monotonic() + 20
    while tap_server.busy_backends() and time.monotonic() < end:
        time.sleep(0.2)
    assert tap_server.busy_backends() == 0


def test_missing_packages_are_named_with_the_remedy(monkeypatch):
    monkeypatch.setattr(tap_packages, "PACKAGES", {"python3-gavo": Path("/nowhere"), "present": Path("/")})
    reason = tap_packages.reason_without()
    assert reason.startswith("no real TAP server: python3-gavo not installed")
    assert "apt-get install --no-install-recommends python3-gavo present" in reason
    monkeypatch.setattr(tap_packages, "PACKAGES", {"present": Path("/")})
    assert tap_packages.reason_without() == ""


def test_a_failed_installation_is_reported_by_its_last_line(capsys):
    failing = [sys.executable, "-c", "import sys; sys.exit('E: no network')"]
    assert run_all("Packages", [failing, ["never"]]).endswith("failed: E: no network")
    assert "Packages:" in capsys.readouterr().out
    assert run_all("Packages", [[sys.executable, "-c", ""]]) == ""


def test_the_archive_serves_other_processes(download):
    program = Path(__file__).with_name("http_archive.py")
    command = [sys.executable, str(program), str(download.directory), "--copies", "5000"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
        try:
            lamost, _, tap = running.stdout.readline().split()
            answer = requests.get(f"{lamost}/openapi/dr10/v2.0/lrs/spectrum/fits?obsid=4999", timeout=10)
            assert answer.content.startswith(b"SIMPLE")
            found = pyvo.dal.TAPService(tap).run_sync("SELECT COUNT(*) AS n FROM gaiadr3.gaia_source")
            assert found["n"][0] > 300
        finally:
            running.terminate()
        assert running.stdout.read() == "2 requests\n"
