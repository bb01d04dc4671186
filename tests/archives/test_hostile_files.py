"""Large files of servers that send more, less or other bytes than they should, and disks that fill up."""

import json
import shutil
from types import SimpleNamespace

import pytest
from raw_server import RawServer, endless, reply
from test_large_files import CONTENT, HDF5, Context, get, wanted

from pipeline.sources.archives.fetching import ItemError
from pipeline.sources.archives.plan import State
from pipeline.sources.archives.storing import write_whole


@pytest.mark.parametrize("length", ["many", "-1", "9" * 5000])
def test_a_length_that_is_none_does_not_end_the_fetch(tmp_path, length):
    answer = reply(f"Content-Length: {length}", "Connection: close", body=CONTENT)
    with RawServer(lambda _: answer) as server:
        assert get(Context(server.url), tmp_path, wanted()).state is State.DONE


def test_ten_gigabytes_that_are_announced_are_refused_at_once(tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: SimpleNamespace(free=5 * 10**9))
    answer = reply(f"Content-Length: {10**10}", body=HDF5)
    with RawServer(lambda _: answer) as server, pytest.raises(ItemError, match=r"needs another 10\.00 GB"):
        get(Context(server.url), tmp_path, wanted(""))


@pytest.mark.parametrize("size", [len(CONTENT), 0])
def test_a_body_without_end_is_cut_and_leaves_nothing(tmp_path, monkeypatch, size):
    free = iter([10**9] * 3 + [10**8] * 9)
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: SimpleNamespace(free=next(free)))
    says = "sent more than the 5,120,008 bytes of map.h5" if size else "states no size, and after .* is nearly full"
    block = HDF5 + bytes(1 << 20)
    with RawServer(lambda _: endless(block=block)) as server, pytest.raises(ItemError, match=says):
        get(Context(server.url), tmp_path, wanted("", size=size))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["map.plan"]


def test_the_rest_of_another_version_is_not_joined(tmp_path):
    """The server sends a part, breaks off, and continues with another file whatever it is asked."""
    half = len(CONTENT) // 2

    def answer(request):
        if b"Range: " in request:
            return reply(
                f"Content-Range: bytes {half}-{len(CONTENT) - 1}/{len(CONTENT)}",
                'ETag: "second"',
                f"Content-Length: {len(CONTENT) - half}",
                body=bytes(len(CONTENT) - half),
                status="206 Partial Content",
            )
        first = not any(b"Range: " in seen for seen in server.requests)
        return reply(
            'ETag: "first"', f"Content-Length: {len(CONTENT)}", body=CONTENT[: half if first else len(CONTENT)]
        )

    with RawServer(answer) as server:
        assert get(Context(server.url), tmp_path, wanted("", size=len(CONTENT))).state is State.DONE
    assert (tmp_path / "map.h5").read_bytes() == CONTENT


@pytest.mark.parametrize(
    "record",
    [
        '{"files": [{"key": "map.h5", "links": {"self": "x"}, "size": 1e999, "checksum": "md5:0"}]}',
        '{"files": [{"key": "map.h5", "links": "x", "size": 1, "checksum": "md5:0"}]}',
        '{"files": 7}',
        '{"data": {"latestVersion": null}}',
        json.dumps({"files": [{"key": "map.h5", "links": {"self": "x"}, "size": [], "checksum": 1}]}),
        "7",
        "[" * 100_000,
    ],
)
def test_a_record_of_other_values_is_no_record(tmp_path, record):
    answer = reply(f"Content-Length: {len(record)}", body=record.encode())
    with RawServer(lambda _: answer) as server, pytest.raises(ItemError, match="is no record of files"):
        get(Context(server.url), tmp_path, wanted("", record="record.json"))


def test_a_file_that_does_not_fit_on_the_disk_leaves_no_part(tmp_path, monkeypatch):
    def full(_descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_whole(tmp_path / "a" / "b.fits", b"abc")
    assert list((tmp_path / "a").iterdir()) == []
