"""Download of dust maps from a test server, damage, and sightlines compared with the disc."""

import hashlib
import json
import re
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import numpy as np
import pytest

from pipeline import __main__ as command_line
from pipeline import commands
from pipeline.config import DUST_CHOICES, ConfigError, load_config
from pipeline.science.space.dust import ExponentialDisc
from pipeline.sources.dust_files import DUST_FILES, MapFile, fetch_map_file
from pipeline.sources.dust_maps import DUST_MAPS, DustMapError, open_dust_map
from pipeline.sources.dust_sightlines import read_sightlines
from pipeline.sources.wheels import FetchError

CONTENT = bytes(range(256)) * 5000
MD5 = hashlib.md5(CONTENT).hexdigest()


@contextmanager
def server(answers):
    """A web server: path -> (status, body), and the addresses it was asked for."""
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            status, body = answers.get(self.path, (404, b""))
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_args):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        Thread(target=running.serve_forever, args=(0.02,), daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}", asked
        running.shutdown()


def dataverse(filename="map.h5", md5=MD5):
    file = {"id": 7, "filename": filename, "contentType": "application/x-hdf", "filesize": len(CONTENT), "md5": md5}
    other = {"id": 6, "filename": "read.me", "contentType": "text/plain", "filesize": 3, "md5": "0"}
    files = [{"dataFile": other}, {"dataFile": file}]
    return json.dumps({"data": {"latestVersion": {"files": files}}}).encode()


def zenodo(start):
    file = {"key": "map.h5", "size": len(CONTENT), "checksum": f"md5:{MD5}", "links": {"self": f"{start}/content"}}
    return json.dumps({"files": [file]}).encode()


def test_size_and_checksum_are_reported_before_the_download(tmp_path):
    told = []
    with server({"/a/map.h5": (200, CONTENT)}) as (start, asked):
        wanted = MapFile("map.h5", "page", f"{start}/a/map.h5", len(CONTENT), MD5)
        path = fetch_map_file(wanted, tmp_path / "new", lambda line: told.append((line, list(asked))))
        assert path.read_bytes() == CONTENT
        assert [line for line, _ in told] == [f"map.h5: 1.3 MB, MD5 {MD5}, from {start}/a/map.h5"]
        assert told[0][1] == []
        assert fetch_map_file(wanted, tmp_path / "new", lambda line: told.append((line, list(asked)))) == path
        assert asked == ["/a/map.h5"]
        assert "already here" in told[1][0]
    assert [file.name for file in path.parent.iterdir()] == ["map.h5"]


@pytest.mark.parametrize("theirs", ["", "application/x-hdf"])
def test_a_dataverse_record_supplies_missing_metadata(tmp_path, theirs):
    told = []
    answers = {"/api/datasets/x": (200, dataverse()), "/api/access/datafile/7": (200, CONTENT)}
    with server(answers) as (start, asked):
        wanted = MapFile("map.h5", "page", record=f"{start}/api/datasets/x", theirs=theirs)
        assert fetch_map_file(wanted, tmp_path, told.append).read_bytes() == CONTENT
        assert asked == ["/api/datasets/x", "/api/access/datafile/7"]
    assert told == [f"map.h5: 1.3 MB, MD5 {MD5}, from {start}/api/access/datafile/7"]


def test_a_zenodo_record_and_a_server_that_alone_knows_the_size(tmp_path):
    told, answers = [], {"/content": (200, CONTENT)}
    with server(answers) as (start, _):
        answers["/api/records/1"] = (200, zenodo(start))
        fetch_map_file(MapFile("map.h5", "page", record=f"{start}/api/records/1"), tmp_path / "a", told.append)
        fetch_map_file(MapFile("map.h5", "page", f"{start}/content", md5=MD5), tmp_path / "b", told.append)
    assert told == [f"map.h5: 1.3 MB, MD5 {MD5}, from {start}/content"] * 2


def test_a_wrong_checksum_is_never_kept_as_the_map(tmp_path):
    with server({"/map.h5": (200, CONTENT[:-1])}) as (start, _):
        wanted = MapFile("map.h5", "https://page", f"{start}/map.h5", len(CONTENT), MD5)
        with pytest.raises(FetchError, match=f"expected {MD5}.*https://page and must not be trusted"):
            fetch_map_file(wanted, tmp_path, lambda _line: None)
        assert not (tmp_path / "map.h5").exists()
        (tmp_path / "map.h5").write_bytes(b"half a map")
        with pytest.raises(FetchError, match="Delete it and fetch again"):
            fetch_map_file(wanted, tmp_path, lambda _line: None)


def test_archives_that_do_not_answer_say_what_to_do(tmp_path):
    answers = {"/api/empty": (202, b""), "/api/html": (200, b"<html>"), "/api/other": (200, dataverse("other.h5"))}
    with server(answers) as (start, _):
        for record, says in (
            ("/api/empty", "HTTP 202 without map.h5: it may want a browser"),
            ("/api/html", "is no record of files"),
            ("/api/other", "names no file map.h5"),
            ("/api/none", "HTTP Error 404"),
        ):
            with pytest.raises(FetchError, match=says) as caught:
                fetch_map_file(MapFile("map.h5", "https://page", record=start + record), tmp_path, print)
            assert f"With a browser it is at https://page: put it into {tmp_path} as map.h5." in str(caught.value)
    gone = MapFile("map.h5", "https://page", f"{start}/map.h5", 1, MD5)  # nobody listens there any more
    with pytest.raises(FetchError, match=r"Check the network.*it checks the file"):
        fetch_map_file(gone, tmp_path, lambda _line: None)


def test_the_command_reports_the_download_and_ends_with_the_reason(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("MGIANT_HOME", str(tmp_path))
    with server({"/map.h5": (200, CONTENT)}) as (start, _):
        file = MapFile("bayestar2019.h5", "https://page", f"{start}/map.h5", len(CONTENT), MD5)
        monkeypatch.setattr(commands, "DUST_FILES", {"bayestar2019": (file,)})
        assert command_line.main(["fetch", "dust"]) == 0
        lines = capsys.readouterr().out.splitlines()
        assert lines[0].startswith("bayestar2019.h5: 1.3 MB, MD5 ")
        assert lines[1] == str(tmp_path / "downloads" / "bayestar2019.h5")
    (tmp_path / "downloads" / "bayestar2019.h5").unlink()
    assert command_line.main(["fetch", "dust", "--map", "bayestar2019"]) == 2
    assert capsys.readouterr().err.startswith("error: Could not download bayestar2019.h5")


def test_what_is_recorded_of_the_files_is_complete():
    assert set(DUST_FILES) == set(DUST_MAPS) - {"sightlines"}
    for choice, files in DUST_FILES.items():
        assert tuple(file.name for file in files) == DUST_MAPS[choice].files
        for file in files:
            assert file.page.startswith("https://")
            assert file.record.startswith("https://") != (re.fullmatch("[0-9a-f]{32}", file.md5) is not None)


def test_the_configuration_knows_every_map(tmp_path):
    assert ("bh-or-disc", "bh", "exponential-disc", *DUST_MAPS) == DUST_CHOICES
    (tmp_path / "run.toml").write_text('[distance]\ndust = "bayestar19"\n')
    with pytest.raises(ConfigError, match=r"distance.dust must be one of .* Did you mean 'bayestar2019'\?"):
        load_config(str(tmp_path / "run.toml"))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("nothing", "holds no"),
        ("# Line-of-Sight Reddening Results\n#  l = 3.0\n", "lacks '', 'BestFit', 'Fit converged'"),
    ],
)
def test_text_that_is_no_sightline_says_what_it_lacks(tmp_path, text, says):
    (tmp_path / "one.txt").write_text(text)
    with pytest.raises(DustMapError, match=says):
        open_dust_map("sightlines", tmp_path / "one.txt")
    with pytest.raises(DustMapError, match=r"missing\. Set distance\.dust_file"):
        open_dust_map("sightlines", tmp_path / "two.txt")


@pytest.mark.shared
def test_real_sightlines_rise_and_their_samples_surround_the_best_fit(shared_data):
    path = shared_data / "bayestar2015_8_sightlines.txt"
    dust, known = open_dust_map("sightlines", path), read_sightlines(path)
    assert len(known) == 8
    for one in known:
        assert one.converged
        assert one.samples.shape == (20, 31)
        for profile in (one.best, *one.samples):
            assert np.all(np.diff(profile) >= 0)
        first, last = one.reliable_modulus
        assert 6 < first < 9
        assert 12 < last < 16
        inside = (one.modulus > first) & (one.modulus < last)
        low, high = np.percentile(one.samples, [0, 100], axis=0)
        assert np.mean((low <= one.best + 5e-4) & (one.best <= high + 5e-4), where=inside) > 0.9
        distance = 10 ** (0.2 * one.modulus - 2)
        found = dust.reddening_profile([one.glon_deg, one.glon_deg], [one.glat_deg, one.glat_deg + 0.2], distance)
        np.testing.assert_allclose(found[0], one.best, rtol=1e-9)
        assert np.isnan(found[1]).all()
        assert dust.reach_kpc([one.glon_deg], [one.glat_deg]) == pytest.approx(10 ** (0.2 * last - 2))


@pytest.mark.shared
def test_by_what_factor_the_disc_misses_real_sightlines(shared_data):
    path = shared_data / "bayestar2015_8_sightlines.txt"
    dust, disc, known = open_dust_map("sightlines", path), ExponentialDisc(), read_sightlines(path)
    glon, glat = np.array([[one.glon_deg, one.glat_deg] for one in known]).T
    end = dust.reach_kpc(glon, glat)
    real, smooth = (of.coefficients["Ks"] * of.reddening(glon, glat, end) for of in (dust, disc))
    # the README states these; the last two sightlines run through clouds, of which the disc knows nothing
    np.testing.assert_allclose(smooth / real, [0.44, 0.67, 0.36, 2.78, 2.09, 0.65, 0.08, 0.22], atol=0.01)
