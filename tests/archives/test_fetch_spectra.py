"""Spectra by obsid: each fault of an archive, what the user sees, what the plan records."""

import csv
import gzip
import hashlib
import json
import logging
import re

import numpy as np
import pandas as pd
import pytest
from fetches import ABSENT, DONE, FAILED, TODO, entries, fetch, states, write_ids, write_profile
from http_archive import Fault
from lamost_archive import spectra_by_obsid

from pipeline.sources.archives.fetching import ItemError
from pipeline.sources.archives.lamost import SpectrumClient, check_spectrum
from pipeline.sources.archives.plan import FetchPlan, Item
from pipeline.sources.archives.profile_reading import load_archives
from pipeline.sources.lamost_fits import find_spectra, read_spectra

N = 5
TOKEN = "very/secret+token-123"


@pytest.fixture
def obsids(download):
    return pd.read_parquet(download.truth)["obsid"].tolist()[:N]


@pytest.fixture
def started(lamost, obsids, tmp_path):
    """A fetch of a few spectra: arguments of the command, and its folder."""
    profile = write_profile(tmp_path / "profile.toml", lamost.url)
    ids = write_ids(tmp_path / "ids.csv", obsids)
    out = tmp_path / "out"
    return ("spectra", "--ids", ids, "--into", out, "--profile", profile), out


def files_below(out):
    return sorted(path for path in (out / "spectra").rglob("*") if path.is_file())


FAULTS = [
    # kind, options, state, what the user sees
    ("too_many", {"seconds": 1}, DONE, ""),
    ("unavailable", {"seconds": 1}, DONE, ""),
    ("server_error", {}, DONE, ""),
    ("cut", {}, DONE, ""),
    ("cut_unannounced", {}, DONE, ""),
    ("empty", {}, DONE, ""),
    ("reset", {}, DONE, ""),
    ("wrong_obsid", {}, FAILED, r"has OBSID \d+ in its header; asked for was"),
    ("too_many", {"times": None}, FAILED, "HTTP 429 Too Many Requests at the last of 3 attempts"),
    ("unavailable", {"times": None, "seconds": 60}, FAILED, "asks to wait 60 s; at most 2 are waited"),
    ("server_error", {"times": None}, FAILED, "HTTP 500 Internal Server Error at the last of 3"),
    ("cut", {"times": None}, FAILED, "the connection ended after"),
    ("cut_unannounced", {"times": None}, FAILED, "sent a damaged file"),
    ("empty", {"times": None}, FAILED, "an empty body at the last of 3 attempts"),
    ("reset", {"times": None}, FAILED, "Connection reset by peer"),
    ("silent", {"times": None, "seconds": 2}, FAILED, "nothing arrived for 1 s"),
    ("drip", {"times": None, "seconds": 20}, FAILED, "fewer than 90000 a second"),
    (
        "login_page",
        {"times": None},
        FAILED,
        "a web page “Sign in” .*needs a token in the environment variable LAMOST_TOKEN",
    ),
    ("forbidden", {"times": None}, FAILED, "HTTP 403"),
    ("json_error", {"times": None}, FAILED, "the archive answered '.*' in place of a spectrum"),
    ("not_found", {"times": None}, ABSENT, "HTTP 404"),
]


@pytest.mark.parametrize(
    ("kind", "options", "state", "says"), FAULTS, ids=[f"{kind}-{state}" for kind, _, state, _ in FAULTS]
)
def test_the_table_of_faults(lamost, started, obsids, capsys, kind, options, state, says):
    arguments, out = started
    write_profile(arguments[-1], lamost.url, min_bytes_s=90_000.0)
    lamost.faults.append(Fault(kind, where=str(obsids[2]), **options))
    assert fetch(*arguments) == (1 if state is FAILED else 0)
    assert lamost.faults.unused == []
    output = capsys.readouterr()
    plan = entries(out / "spectra.plan")
    assert [plan[str(number)].state for number in obsids] == [DONE, DONE, state, DONE, DONE]
    entry = plan[str(obsids[2])]
    assert len(files_below(out)) == N - (state is not DONE)
    assert not list(out.rglob("*.part"))
    rejects = out / "spectra.rejects.csv"
    if state is DONE:
        assert entry.reason == ""
        assert not rejects.exists()
        assert output.err == ""
        return
    (row,) = csv.DictReader(rejects.open())
    assert (row["item"], row["state"], row["reason"]) == (str(obsids[2]), str(state), entry.reason)
    assert re.search(says, entry.reason), entry.reason
    if state is FAILED:
        assert entry.reason in output.err
        (by_hand,) = (line for line in output.err.splitlines() if line.startswith("by hand: get it in a browser"))
        assert str(obsids[2]) in by_hand
        assert f"put it into {out / 'spectra'}" in by_hand
        assert f"fetch --plan {out / 'spectra.plan'}" in output.err
        lamost.faults.clear()
        assert fetch("--plan", out / "spectra.plan") == 0
        assert states(out / "spectra.plan") == dict.fromkeys(map(str, obsids), DONE)
        assert not rejects.exists()
        spectra = sum(str(obsids[0]) in request.text for request in lamost.log)
        assert spectra == 1, "the second run asked for a spectrum that was there"
    else:
        requests = len(lamost.log)
        assert fetch("--plan", out / "spectra.plan") == 0
        assert len(lamost.log) == requests, "an absent spectrum was asked for again"


def test_files_are_the_archives_own_and_the_reader_of_folders_finds_them(started, download, obsids):
    arguments, out = started
    assert fetch(*arguments) == 0
    known = spectra_by_obsid(download.directory)
    spectra = {spectrum.obsid: path for path, spectrum in read_spectra(find_spectra(out / "spectra"))}
    assert sorted(spectra) == sorted(obsids)
    plan = entries(out / "spectra.plan")
    for obsid, path in spectra.items():
        assert path.name == known[obsid].name
        assert path.parent.name == f"{obsid // 100_000:05d}"
        assert path.read_bytes() == known[obsid].read_bytes()
        entry = plan[str(obsid)]
        assert entry.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
        assert entry.bytes == path.stat().st_size
        assert entry.etag
    record = json.loads((out / "spectra.fetch.json").read_text())
    (step,) = record["steps"]
    assert step["items"] == {"done": N}
    assert step["request"]["release"] == "dr10"
    assert "{obsid}" in step["request"]["paths"][0]
    assert {name: file["sha256"] for name, file in step["files"].items()} == {
        entry.item.path: entry.sha256 for entry in plan.values()
    }


def test_the_second_address_is_tried_where_the_first_has_none(lamost, started, obsids):
    arguments, out = started
    lamost.faults.append(Fault("not_found", where=f"openapi.*{obsids[1]}"))
    assert fetch(*arguments) == 0
    assert states(out / "spectra.plan")[str(obsids[1])] is DONE
    texts = [request.target for request in lamost.log if str(obsids[1]) in request.target]
    assert texts == [
        f"/openapi/dr10/v2.0/lrs/spectrum/fits?obsid={obsids[1]}",
        f"/dr10/v2.0/spectrum/fits/{obsids[1]}",
    ]


def test_what_the_archive_says_of_an_absent_spectrum_is_recorded(started, obsids, tmp_path, capsys):
    arguments, out = started
    write_ids(tmp_path / "ids.csv", [*obsids, 77, obsids[0]])
    assert fetch(*arguments) == 0
    plan = entries(out / "spectra.plan")
    assert len(plan) == N + 1
    assert plan["77"].state is ABSENT
    assert plan["77"].reason == "not_found; There is no spectrum with obsid 77."
    assert f"{N} of {N + 1} done, {N} of them now" in capsys.readouterr().out


def test_a_list_of_which_the_archive_has_nothing_is_doubted(started, tmp_path, capsys):
    arguments, _ = started
    write_ids(tmp_path / "ids.csv", [77, 78])
    assert fetch(*arguments) == 1
    printed = capsys.readouterr()
    assert "spectra: 0 of 2 done (0.0 MB), 2 absent." in printed.out
    assert "spectra: the archive has none of the 2 items: is the release right" in printed.err
    assert not printed.out.endswith("/spectra\n"), "a folder that is not there was named as the result"


def test_an_archive_that_is_down_ends_the_step_and_not_each_item(tmp_path, capsys):
    profile = write_profile(tmp_path / "profile.toml", "http://127.0.0.1:1", attempts=1, connections=1)
    ids = write_ids(tmp_path / "ids.csv", range(1000, 1100))
    out = tmp_path / "out"
    assert fetch("spectra", "--ids", ids, "--into", out, "--profile", profile) == 1
    found = list(states(out / "spectra.plan").values())
    assert (found.count(FAILED), found.count(TODO)) == (5, 95)
    error = capsys.readouterr().err
    assert "after 5 failures of the archive in a row, the other 95 items were not requested" in error
    assert "Connection refused" in error


def test_a_file_put_there_by_hand_is_checked_and_taken(lamost, started, download, obsids):
    arguments, out = started
    known = spectra_by_obsid(download.directory)
    folder = out / "spectra" / f"{obsids[0] // 100_000:05d}"
    folder.mkdir(parents=True)
    by_hand = [folder / f"{number}.fits.gz" for number in obsids[:2]]
    by_hand[0].write_bytes(known[obsids[0]].read_bytes())
    by_hand[1].write_bytes(known[obsids[0]].read_bytes())  # another observation's
    assert fetch(*arguments) == 1
    plan = entries(out / "spectra.plan")
    assert plan[str(obsids[0])].state is DONE
    assert plan[str(obsids[1])].state is FAILED
    assert f"is there and is not the spectrum {obsids[1]}" in plan[str(obsids[1])].reason
    assert by_hand[1].exists()
    assert not lamost.log.matching(f"obsid={obsids[0]}")


def test_a_full_disk_ends_the_run_and_loses_nothing(started, obsids, monkeypatch, capsys):
    from pipeline.sources.archives import lamost as client

    arguments, out = started
    write, written = client.write_whole, []

    def fill(path, content):
        written.append(path)
        if len(written) > 2:
            raise OSError(28, "No space left on device", str(path))
        write(path, content)

    monkeypatch.setattr(client, "write_whole", fill)
    assert fetch(*arguments) == 2
    error = capsys.readouterr().err
    assert "No space left on device" in error or "full" in error
    found = states(out / "spectra.plan")
    assert list(found.values()).count(DONE) <= 2
    assert FAILED not in found.values()
    monkeypatch.setattr(client, "write_whole", write)
    assert fetch("--plan", out / "spectra.plan") == 0
    assert states(out / "spectra.plan") == dict.fromkeys(map(str, obsids), DONE)


def test_lost_files_are_fetched_again_and_nothing_else(lamost, started, capsys):
    arguments, out = started
    assert fetch(*arguments) == 0
    first, second = files_below(out)[:2]
    whole = first.read_bytes(), second.read_bytes()
    first.unlink()
    second.write_bytes(b"x")
    lamost.log.clear()
    assert fetch("--plan", out / "spectra.plan") == 0
    assert (first.read_bytes(), second.read_bytes()) == whole
    assert len(lamost.log) == 2
    assert "2 files are gone or have another size" in capsys.readouterr().out


def test_another_release_needs_another_folder(lamost, started, download, tmp_path, capsys):
    arguments, _ = started
    lamost.add_lamost(download.directory, "dr11", "v1.0")
    assert fetch(*arguments) == 0
    assert fetch(*arguments, "--release", "dr11/v1.0") == 2
    assert "is a plan for LAMOST release dr10/v2.0" in capsys.readouterr().err
    assert fetch(*arguments[:3], "--into", tmp_path / "dr11", *arguments[5:], "--release", "dr11/v1.0") == 0
    assert lamost.log.matching("/openapi/dr11/v1.0/")
    assert fetch(*arguments, "--release", "eleven") == 2
    assert "is written with its version: dr10/v2.0" in capsys.readouterr().err


def test_a_shorter_list_withdraws_what_is_not_done(lamost, started, obsids, tmp_path):
    arguments, out = started
    write_ids(tmp_path / "ids.csv", [*obsids, 77])
    lamost.faults.append(Fault("server_error", where=str(obsids[4]), times=None))
    assert fetch(*arguments) == 1
    write_ids(tmp_path / "ids.csv", obsids[:3])
    assert fetch(*arguments) == 0
    assert sorted(states(out / "spectra.plan")) == sorted(map(str, obsids[:4]))


def test_an_internal_release_needs_a_token_that_no_output_shows(
    archive, download, obsids, tmp_path, monkeypatch, capfd, caplog
):
    archive.add_lamost(download.directory, public=False, tokens=[TOKEN])
    profile = write_profile(tmp_path / "profile.toml", archive.url)
    ids = write_ids(tmp_path / "ids.csv", [*obsids, 77])
    out = tmp_path / "out"
    arguments = ("spectra", "--ids", ids, "--into", out, "--profile", profile)
    monkeypatch.delenv("LAMOST_TOKEN", raising=False)
    assert fetch(*arguments) == 1
    assert "needs a token in the environment variable LAMOST_TOKEN" in capfd.readouterr().err
    monkeypatch.setenv("LAMOST_TOKEN", "wrong-token")
    assert fetch(*arguments) == 1
    assert "the token in LAMOST_TOKEN was not accepted" in capfd.readouterr().err

    monkeypatch.setenv("LAMOST_TOKEN", TOKEN)
    logging.getLogger("urllib3").setLevel(logging.DEBUG)
    with caplog.at_level(logging.DEBUG):
        archive.faults.append(Fault("server_error", where=str(obsids[1]), times=None))
        archive.faults.append(Fault("reset", where=str(obsids[2]), fraction=0.0, times=None))
        archive.faults.append(Fault("login_page", where=str(obsids[3]), times=None))
        assert fetch(*arguments) == 1
        assert fetch("--plan", out / "spectra.plan", "--dry-run") == 0
        assert fetch(*arguments, "--check") == 1  # the release is internal
    assert any(request.query.get("token") == TOKEN for request in archive.log)
    assert "obsid=" in caplog.text, "the log of urllib3 was not searched"
    printed = capfd.readouterr()
    texts = [printed.out, printed.err, caplog.text, repr([vars(record) for record in caplog.records])]
    contents = [path.read_bytes() for path in out.rglob("*") if path.is_file() and "spectra/" not in str(path)]
    assert len(contents) >= 3  # plan, record, rejects
    for form in (TOKEN, "very%2Fsecret%2Btoken-123", "secret"):
        assert not [text for text in texts if form in text]
        assert not [content for content in contents if form.encode() in content]


def test_no_traceback_of_a_defect_shows_the_token(archive, download, obsids, tmp_path, monkeypatch):
    import traceback

    archive.add_lamost(download.directory, tokens=[TOKEN])
    monkeypatch.setenv("LAMOST_TOKEN", TOKEN)
    write_profile(tmp_path / "profile.toml", archive.url)
    archives = load_archives(tmp_path / "profile.toml")
    client = SpectrumClient(archives.spectra["lamost"], archives.service["lamost"])
    monkeypatch.setattr("pipeline.sources.archives.lamost.check_spectrum", lambda *_: 1 / 0)
    item = Item("spectra", "1", {"obsid": obsids[0], "release": "dr10", "version": "v2.0"}, "spectra/1.fits")
    with FetchPlan(tmp_path / "plan") as plan:
        plan.add([item])
        (entry,) = plan.entries()
        with pytest.raises(ZeroDivisionError) as caught:
            client.fetch(entry, plan)
    text = "".join(traceback.TracebackException.from_exception(caught.value, capture_locals=False).format())
    assert "secret" not in text
    assert "secret" not in repr(client)
    client.close()


def test_politeness_of_a_fetch(lamost, download, tmp_path):
    obsids = pd.read_parquet(download.truth)["obsid"].tolist()[:20]
    profile = write_profile(tmp_path / "profile.toml", lamost.url, spacing_s=0.05, connections=2)
    ids = write_ids(tmp_path / "ids.csv", obsids)
    assert fetch("spectra", "--ids", ids, "--into", tmp_path / "out", "--profile", profile) == 0
    assert len(lamost.log) == 20
    gaps = lamost.log.gaps()
    assert sum(gaps) / len(gaps) > 0.045  # a single one is as late as its thread
    assert lamost.server.peak_connections <= 2
    assert lamost.log.peak_requests() <= 2
    (agent,) = lamost.log.user_agents()
    assert agent.startswith("mgiant-explorer/")


@pytest.mark.shared
def test_real_spectra_are_served_accepted_and_stored(archive, shared_data, tmp_path):
    real = spectra_by_obsid(shared_data / "spectra")
    archive.add_lamost(shared_data / "spectra", spectra=real)
    profile = write_profile(tmp_path / "profile.toml", archive.url)
    ids = write_ids(tmp_path / "ids.csv", real)
    out = tmp_path / "out"
    assert fetch("spectra", "--ids", ids, "--into", out, "--profile", profile) == 0
    assert len(real) >= 6
    stored = {path.name: path.read_bytes() for path in files_below(out)}
    assert stored == {path.name: path.read_bytes() for path in real.values()}


@pytest.mark.shared
def test_the_bytes_of_a_real_spectrum_with_another_obsid_are_refused(shared_data):
    real = spectra_by_obsid(shared_data / "spectra")
    for obsid, path in real.items():
        check_spectrum(path.read_bytes(), obsid)
        with pytest.raises(ItemError, match=f"has OBSID {obsid} in its header; asked for was {obsid + 1}"):
            check_spectrum(path.read_bytes(), obsid + 1)


@pytest.mark.shared
def test_a_real_spectrum_without_an_obsid_is_refused(shared_data):
    path = shared_data / "spectra" / "spec-55862-B6212_sp06-102.fits.gz"
    with pytest.raises(ItemError, match="has no OBSID in its header"):
        check_spectrum(path.read_bytes(), 1558627654906102)


def test_two_observations_with_one_file_name_are_both_kept(archive, download, obsids, tmp_path):
    known = spectra_by_obsid(download.directory)
    same = {}
    for number in obsids[:2]:
        folder = tmp_path / str(number)
        folder.mkdir()
        data = known[number].read_bytes()
        (folder / "spec.fits.gz").write_bytes(data if data[:2] == b"\x1f\x8b" else gzip.compress(data))
        same[number] = folder / "spec.fits.gz"
    archive.add_lamost(tmp_path, spectra=same)
    profile = write_profile(tmp_path / "profile.toml", archive.url, connections=1)
    ids = write_ids(tmp_path / "ids.csv", same)
    out = tmp_path / "out"
    assert fetch("spectra", "--ids", ids, "--into", out, "--profile", profile) == 0
    assert [path.name for path in files_below(out)] == [f"{obsids[1]}-spec.fits.gz", "spec.fits.gz"]


def test_obsids_are_read_exactly_from_any_table(started, obsids, tmp_path):
    arguments, out = started
    numbers = np.array([*obsids, 9007199254740993], np.int64)
    pd.DataFrame({"obsid": numbers, "snr": 1.0}).to_parquet(tmp_path / "ids.csv")
    assert fetch(*arguments) == 0
    assert "9007199254740993" in states(out / "spectra.plan")
