"""Large files: continued, from mirrors, verified; dust maps and tables of APOGEE by their profiles."""

import hashlib
import json

import pytest
from fetches import DONE, FAILED, entries, fetch, quick_service, write_profile
from http_archive import Fault

from pipeline.sources.archives.declared import FETCHES
from pipeline.sources.archives.files import FileClient, by_hand
from pipeline.sources.archives.plan import FetchPlan, Item
from pipeline.sources.archives.profile import RemoteFile
from pipeline.sources.archives.profile_reading import ArchiveProfileError, load_archives
from pipeline.sources.archives.steps import Fetching, FetchOptions
from pipeline.sources.dust_maps import DUST_MAPS
from pipeline.stages.paths import download_folder

HDF5 = b"\x89HDF\r\n\x1a\n"
CONTENT = HDF5 + bytes(range(256)) * 20_000
MD5 = hashlib.md5(CONTENT).hexdigest()


@pytest.fixture
def shelf(archive, tmp_path):
    """An archive with one large file at two of its addresses, and the folder of the file."""
    folder = tmp_path / "sas"
    folder.mkdir()
    (folder / "map.h5").write_bytes(CONTENT)
    archive.add_files("/sas", folder)
    archive.add_files("/mirror", folder)
    return archive, folder


def wanted(checksum=f"md5:{MD5}", size=0, services=("first",), record="", **more):
    paths = () if record else ("map.h5",) * len(services)
    options = {"page": "https://page", "kind": "hdf5", **more}
    return RemoteFile("a map", "map.h5", services, paths, size=size, checksum=checksum, record=record, **options)


class Context:
    """Services of a test, and what a client said."""

    def __init__(self, url, **changes):
        self.archives = load_archives().__class__(
            service={
                "first": quick_service(f"{url}/sas", **changes),
                "second": quick_service(f"{url}/mirror", **changes),
                "gone": quick_service("http://127.0.0.1:1", **changes),
                "root": quick_service(url, **changes),
            }
        )
        self.lines, self.bytes = [], 0

    def say(self, line):
        self.lines.append(line)

    def received(self, count):
        self.bytes += count


def get(context, folder, file):
    """Fetch a file in a folder; its entry as recorded, and the error."""
    client = FileClient(context, lambda _request: file)
    with FetchPlan(folder / "map.plan") as plan:
        plan.add([Item("files", "map", {"file": "map"}, "map.h5")])
        (entry,) = plan.entries()
        try:
            plan.record(client.fetch(entry, plan))
        finally:
            client.close()
        return plan.entries()[0]


def test_size_and_checksum_are_said_before_the_download(shelf, tmp_path):
    archive, _ = shelf
    context = Context(archive.url)
    entry = get(context, tmp_path / "out", wanted(size=len(CONTENT)))
    assert context.lines == [f"map.h5 (a map): 5.1 MB, MD5 {MD5}, from {archive.url}/sas/map.h5"]
    assert (tmp_path / "out" / "map.h5").read_bytes() == CONTENT
    assert (entry.state, entry.bytes, entry.sha256) == (DONE, len(CONTENT), hashlib.sha256(CONTENT).hexdigest())
    assert context.bytes == len(CONTENT)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["map.h5", "map.plan"]


@pytest.mark.parametrize("checksum", [f"md5:{MD5}", ""])
def test_a_cut_download_goes_on_where_it_ended(shelf, tmp_path, checksum):
    archive, _ = shelf
    archive.faults.append(Fault("cut", where="map.h5", fraction=0.5, times=2))
    get(Context(archive.url), tmp_path / "out", wanted(checksum))
    ranges = [request.headers.get("range", "") for request in archive.log]
    half = len(CONTENT) // 2
    assert ranges[:2] == ["", f"bytes={half}-"]
    assert int(ranges[2].removeprefix("bytes=").rstrip("-")) > half
    assert all("if-range" in request.headers for request in archive.log[1:])
    assert (tmp_path / "out" / "map.h5").read_bytes() == CONTENT


def test_a_download_goes_on_in_another_run(shelf, tmp_path):
    archive, _ = shelf
    archive.faults.append(Fault("cut", where="map.h5", fraction=0.25, times=3))
    with pytest.raises(Exception, match="the connection ended after"):
        get(Context(archive.url), tmp_path / "out", wanted())
    part = tmp_path / "out" / "map.h5.part"
    size = part.stat().st_size
    assert size > len(CONTENT) // 4
    archive.log.clear()
    get(Context(archive.url), tmp_path / "out", wanted())
    assert [request.headers.get("range") for request in archive.log] == [f"bytes={size}-"]
    assert sum(request.sent for request in archive.log) < len(CONTENT)
    assert not part.exists()


def test_a_file_that_changed_at_the_archive_is_fetched_anew(shelf, tmp_path):
    archive, folder = shelf
    archive.faults.append(Fault("cut", where="map.h5", fraction=0.5, times=3))
    with pytest.raises(Exception, match="the connection ended after"):
        get(Context(archive.url), tmp_path / "out", wanted(""))
    newer = HDF5 + b"new" * 100_000
    (folder / "map.h5").write_bytes(newer)
    get(Context(archive.url), tmp_path / "out", wanted(""))
    assert (tmp_path / "out" / "map.h5").read_bytes() == newer


def test_a_complete_partial_file_is_only_verified(shelf, tmp_path):
    archive, _ = shelf
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "map.h5.part").write_bytes(CONTENT)
    get(Context(archive.url), tmp_path / "out", wanted())
    assert [request.status for request in archive.log] == [416]
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "map.h5.part").write_bytes(CONTENT + b"more")
    get(Context(archive.url), tmp_path / "other", wanted())
    assert (tmp_path / "other" / "map.h5").read_bytes() == CONTENT


def test_a_partial_file_with_other_bytes_is_found_out(shelf, tmp_path):
    archive, _ = shelf
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "map.h5.part").write_bytes(HDF5 + b"damaged")
    get(Context(archive.url), tmp_path / "out", wanted())
    assert (tmp_path / "out" / "map.h5").read_bytes() == CONTENT
    assert [request.status for request in archive.log] == [206, 200]


def test_the_mirror_is_asked_where_the_first_service_fails(shelf, tmp_path):
    archive, _ = shelf
    archive.faults.append(Fault("not_found", where="/sas/", times=None))
    get(Context(archive.url), tmp_path / "out", wanted(services=("gone", "first", "second")))
    assert [request.path for request in archive.log] == ["/sas/map.h5", "/mirror/map.h5"]


def test_a_mirror_continues_the_other_ones_bytes_when_a_checksum_proves_them(shelf, tmp_path):
    archive, _ = shelf
    archive.faults.append(Fault("cut", where="/sas/", fraction=0.5, times=None))
    get(Context(archive.url), tmp_path / "out", wanted(services=("first", "second")))
    assert archive.log[-1].status == 206
    assert archive.log[-1].path == "/mirror/map.h5"


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        (
            Fault("login_page", where="map", times=None),
            "a web page “Sign in” in place of map.h5: it may want",
        ),
        (Fault("json_error", where="map", times=None), "answered 'internal_error; .*' in place of map.h5"),
        (Fault("not_found", where="map", times=None), "HTTP 404 without map.h5"),
        (Fault("forbidden", where="map", times=None), "HTTP 403 without map.h5: it may want a browser"),
        (Fault("damaged", where="map", times=None), f"expected {MD5}.*https://page and must not be trusted"),
        (Fault("empty", where="map", times=None), "an empty body"),
    ],
    ids=lambda value: getattr(value, "kind", ""),
)
def test_what_is_not_the_file_is_never_kept(shelf, tmp_path, fault, says):
    archive, _ = shelf
    archive.faults.append(fault)
    with pytest.raises(Exception, match=says):
        get(Context(archive.url), tmp_path / "out", wanted())
    assert not (tmp_path / "out" / "map.h5").exists()
    assert not (tmp_path / "out" / "map.h5.part").exists()


def test_a_file_of_another_size_is_not_downloaded(shelf, tmp_path):
    archive, _ = shelf
    with pytest.raises(Exception, match=f"has {len(CONTENT):,} bytes, expected 7"):
        get(Context(archive.url), tmp_path / "out", wanted(size=7))


def test_a_full_disk_is_named_before_the_download(shelf, tmp_path, monkeypatch):
    archive, _ = shelf
    monkeypatch.setattr("shutil.disk_usage", lambda _path: type("Usage", (), {"free": 1000})())
    with pytest.raises(Exception, match=r"0\.00 GB free; map\.h5 needs another 0\.01 GB"):
        get(Context(archive.url), tmp_path / "out", wanted())


def test_a_file_put_there_by_hand_is_verified(shelf, tmp_path):
    archive, _ = shelf
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "map.h5").write_bytes(CONTENT)
    entry = get(Context(archive.url), tmp_path / "out", wanted())
    assert entry.state is DONE
    assert not archive.log
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "map.h5").write_bytes(CONTENT[:-1])
    with pytest.raises(Exception, match="Delete it and fetch again"):
        get(Context(archive.url), tmp_path / "other", wanted())
    assert (tmp_path / "other" / "map.h5").exists()


def dataverse(filename="map.h5", md5=MD5):
    file = {"id": 7, "filename": filename, "contentType": "application/x-hdf", "filesize": len(CONTENT), "md5": md5}
    other = {"id": 6, "filename": "read.me", "contentType": "text/plain", "filesize": 3, "md5": "0"}
    return {"data": {"latestVersion": {"files": [{"dataFile": other}, {"dataFile": file}]}}}


def zenodo(url):
    file = {"key": "map.h5", "size": len(CONTENT), "checksum": f"md5:{MD5}", "links": {"self": f"{url}/sas/map.h5"}}
    return {"files": [file]}


@pytest.mark.parametrize("theirs", ["", "application/x-hdf"])
def test_a_dataverse_record_supplies_what_is_not_known(shelf, tmp_path, theirs):
    archive, folder = shelf
    (folder / "record.json").write_text(json.dumps(dataverse()))
    (folder / "api" / "access" / "datafile").mkdir(parents=True)
    (folder / "api" / "access" / "datafile" / "7").write_bytes(CONTENT)
    context = Context(archive.url)
    get(context, tmp_path / "out", wanted("", record="record.json", theirs=theirs))
    assert context.lines == [f"map.h5 (a map): 5.1 MB, MD5 {MD5}, from {archive.url}/sas/api/access/datafile/7"]
    assert (tmp_path / "out" / "map.h5").read_bytes() == CONTENT


def test_a_zenodo_record(shelf, tmp_path):
    archive, folder = shelf
    (folder / "record.json").write_text(json.dumps(zenodo(archive.url)))
    context = Context(archive.url)
    get(context, tmp_path / "out", wanted("", record="record.json"))
    assert context.lines == [f"map.h5 (a map): 5.1 MB, MD5 {MD5}, from {archive.url}/sas/map.h5"]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("<html>", "is no record of files"),
        (json.dumps(dataverse("other.h5")), "names no file map.h5"),
        (json.dumps(dataverse(md5="0")), "states no checksum"),
        ("[]", "is no record of files"),
        (None, "HTTP 404 without map.h5"),
    ],
)
def test_an_archive_without_a_record_says_so(shelf, tmp_path, content, says):
    archive, folder = shelf
    if content is not None:
        (folder / "record.json").write_text(content)
    with pytest.raises(Exception, match=says):
        get(Context(archive.url), tmp_path / "out", wanted("", record="record.json"))


def test_a_file_put_there_by_hand_is_taken_with_a_note_while_the_archive_is_down(tmp_path):
    (tmp_path / "map.h5").write_bytes(CONTENT)
    entry = get(Context("http://127.0.0.1:1"), tmp_path, wanted("", record="record.json"))
    assert entry.state is DONE
    assert entry.reason.startswith("Its checksum was not compared, as the archive could not be asked:")


def test_the_command_fetches_a_dust_map_into_the_downloads(shelf, tmp_path, monkeypatch, capsys):
    archive, folder = shelf
    monkeypatch.setenv("MGIANT_HOME", str(tmp_path / "home"))
    (folder / "api" / "access" / "datafile").mkdir(parents=True)
    (folder / "api" / "access" / "datafile" / "3424724").write_bytes(CONTENT)
    extra = f'[file.bayestar2019]\nsize = {len(CONTENT)}\nchecksum = "md5:{MD5}"\n'
    profile = write_profile(tmp_path / "profile.toml", archive.url, extra)
    profile.write_text(profile.read_text().replace(f'"{archive.url}"', f'"{archive.url}/sas"'))
    assert fetch("dust", "--map", "green19", "--profile", profile) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("bayestar2019.h5 (dust map Bayestar2019, Green et al. 2019): 5.1 MB, MD5 ")
    target = download_folder() / "bayestar2019.h5"
    assert lines[-1] == str(target)
    assert target.read_bytes() == CONTENT
    target.unlink()
    archive.faults.append(Fault("not_found", times=None))
    assert fetch("dust", "--profile", profile) == 1
    error = capsys.readouterr().err
    assert f"put it into {target.parent} as bayestar2019.h5" in error
    assert "https://doi.org/10.7910/DVN/2EJ9TX" in error
    assert MD5 in error
    target.write_bytes(CONTENT)
    assert fetch("dust", "--profile", profile) == 0
    assert fetch("dust", "--map", "bayestar19", "--profile", profile) == 2
    assert "Did you mean 'bayestar2019'?" in capsys.readouterr().err


def test_the_command_fetches_apogee_and_its_reader_accepts_it(archive, download, tmp_path, capsys):
    archive.add_files("/mast", download.directory)
    name = "allStar-dr17-synspec_rev1.fits"
    sha1 = hashlib.sha1((download.directory / name).read_bytes()).hexdigest()
    extra = f'[file.allStar]\nchecksum = "sha1:{sha1}"\npaths = ["{name}", "{name}"]\n'
    profile = write_profile(tmp_path / "profile.toml", archive.url, extra)
    out = tmp_path / "out"
    assert fetch("apogee", "--into", out, "--profile", profile) == 0
    assert (out / name).read_bytes() == (download.directory / name).read_bytes()
    entry = entries(out / "apogee.plan")["allStar"]
    assert entry.rows > 0
    assert str(out / name) in capsys.readouterr().out
    (out / name).unlink()
    other = write_profile(tmp_path / "other.toml", archive.url, extra.replace(sha1, "0" * 40))
    assert fetch("apogee", "--into", out, "--profile", other) == 1
    assert entries(out / "apogee.plan")["allStar"].state is FAILED
    assert f"has SHA1 {sha1}, expected {'0' * 40}" in capsys.readouterr().err


def test_a_table_that_is_cut_at_the_archive_is_refused(archive, download, tmp_path):
    folder = tmp_path / "sas"
    folder.mkdir()
    name = "allStarLite-dr17-synspec_rev1.fits"
    content = (download.directory / "allStar-dr17-synspec_rev1.fits").read_bytes()
    (folder / name).write_bytes(content[: len(content) // 2])
    archive.add_files("/sas", folder)
    extra = f'[file.allStarLite]\npaths = ["{name}"]\n'
    profile = write_profile(tmp_path / "profile.toml", archive.url, extra)
    out = tmp_path / "out"
    assert fetch("apogee", "--name", "allStarLite", "--into", out, "--profile", profile) == 1
    entry = entries(out / "apogee.plan")["allStarLite"]
    assert "cannot be used" in entry.reason
    assert not (out / name).exists()


def test_a_catalogue_is_read_to_its_end(lamost, tmp_path, capsys):
    profile = write_profile(tmp_path / "profile.toml", lamost.url)
    out = tmp_path / "out"
    arguments = ("lamost-catalogue", "--into", out, "--profile", profile)
    assert fetch(*arguments) == 0
    entry = entries(out / "lamost-catalogue.plan")["LRS_mstellar"]
    assert entry.rows > 100
    assert entry.item.path == "catalogues/dr10_v2.0_LRS_mstellar.fits.gz"
    assert fetch(*arguments, "--name", "LRS_nothing") == 1
    assert "There is no catalogue" in capsys.readouterr().err
    assert fetch(*arguments, "--name", "../x") == 2
    assert "catalogues of LAMOST are named such as" in capsys.readouterr().err
    lamost.faults.append(Fault("damaged", where="LRS_mstellar", times=None, fraction=0.6))
    assert fetch("lamost-catalogue", "--into", tmp_path / "other", "--profile", profile) == 1
    assert "cannot be used" in capsys.readouterr().err


def test_what_is_recorded_of_the_dust_maps_is_complete():
    archives = load_archives()
    names = {file.name for file in archives.file.values() if file.group == "dust"}
    assert names == {name for kind in DUST_MAPS.values() for name in kind.files}
    for file in archives.file.values():
        assert file.page.startswith("https://")
        assert bool(file.record) or len(file.paths) == len(file.services)
        assert file.group in FETCHES


def test_how_each_file_is_got_by_hand_is_said(tmp_path):
    for name in ("apogee", "dust"):
        with FetchPlan(tmp_path / name) as plan:
            fetching = Fetching(plan, load_archives(), FetchOptions())
            (step,) = FETCHES[name].steps
            for item in step.items(fetching):
                file = fetching.archives.file[item.name]
                text = step.by_hand(fetching, item)
                assert text == by_hand(file, tmp_path / item.path)
                assert file.page in text
                assert file.checksum.partition(":")[2] in text


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('checksum = "crc:1"', "checksum"),
        ('kind = "zip"', "kind"),
        ("paths = []", "one path for each of its services"),
        ('services = ["nowhere"]', "nowhere"),
    ],
)
def test_a_profile_of_a_file_that_cannot_be_used_is_refused(tmp_path, text, says):
    (tmp_path / "mine.toml").write_text(f"[file.allStar]\n{text}\n")
    with pytest.raises(ArchiveProfileError, match=says):
        load_archives(tmp_path / "mine.toml")
