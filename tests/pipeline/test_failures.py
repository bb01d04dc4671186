"""Full disks, refused paths and lack of memory: one sentence, status 2, no partial output."""

import errno
import os
import resource
import signal
import subprocess
import sys
import warnings
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from explorer.listening import listening_refusal
from pipeline import memory_limit
from pipeline.commands import run
from pipeline.config import load_config
from pipeline.failures import failure_sentence
from pipeline.products.array_file import ArrayFile
from pipeline.products.spectra import SpectrumStore, SpectrumStoreWriter, write_blank_models
from pipeline.stages import checkpoints, space
from pipeline.stages.checkpoints import CheckpointWarning
from pipeline.stages.space import SpaceError, build_bytes, require_space

ROOT = Path(__file__).parents[2]
SMALL = '[input]\nkind = "mock"\nn_stars = 60\nn_training = 30\n'


def no_room(*_):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


# --- arrays on disk -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rows", [slice(2, 5), slice(None), np.array([6, 0, 1, 3]), np.array([], int), slice(0, 7, 3)])
def test_an_array_file_is_written_as_a_map_is(tmp_path, rows):
    values = np.random.default_rng(1).normal(size=(7, 3))[np.arange(7)[rows]]
    mapped = np.lib.format.open_memmap(tmp_path / "map.npy", mode="w+", dtype="<f4", shape=(7, 3))
    mapped[:] = 1.5
    mapped[rows] = values
    mapped.flush()
    with ArrayFile(tmp_path / "file.npy", "<f4", (7, 3), 1.5) as written:
        written[rows] = values
    assert (tmp_path / "file.npy").read_bytes() == (tmp_path / "map.npy").read_bytes()


def test_values_are_broadcast_and_columns_of_one_dimension_are_written(tmp_path):
    with ArrayFile(tmp_path / "a.npy", "|b1", (4,)) as written:
        written[1:3] = True
    assert np.load(tmp_path / "a.npy").tolist() == [False, True, True, False]
    with pytest.raises(ValueError, match="broadcast"), ArrayFile(tmp_path / "b.npy", "<f8", (4, 2)) as written:
        written[0:2] = np.zeros(3)


def test_no_room_leaves_no_file_and_names_it(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "posix_fallocate", no_room)
    with pytest.raises(OSError, match="No space left") as raised:
        ArrayFile(tmp_path / "a.npy", "<f4", (1000, 10))
    assert raised.value.filename == str(tmp_path / "a.npy")
    assert not list(tmp_path.iterdir())


def test_a_program_that_maps_the_earlier_file_keeps_it(tmp_path):
    writer = SpectrumStoreWriter(tmp_path, np.array([1, 2]), np.array([5000.0]), simulated=True, note="test")
    writer.put(slice(0, 2), flux=np.ones((2, 1)), model=np.full((2, 1), 3.0))
    writer.close()
    store = SpectrumStore(tmp_path)
    write_blank_models(tmp_path).close()
    assert store.models(slice(0, 2)).tolist() == [[3.0], [3.0]]
    assert np.isnan(SpectrumStore(tmp_path).models(slice(0, 2))).all()


def test_nothing_is_written_through_a_memory_map():
    """A full disk then ends the program with SIGBUS; :class:`ArrayFile` writes instead."""
    for package in ("pipeline", "explorer"):
        for path in (ROOT / package).rglob("*.py"):
            text = path.read_text("utf-8")
            assert "open_memmap" not in text, path
            assert 'mode="r+"' not in text, path
            assert 'mode="w+"' not in text, path
            assert 'mmap_mode="r+"' not in text, path


# --- sentences ------------------------------------------------------------------------------------------------------


def test_own_warnings_are_sentences_and_those_of_others_keep_their_place(monkeypatch):
    monkeypatch.setattr(warnings, "formatwarning", warnings.formatwarning)
    assert run(["stages"]) == 0
    own, other = checkpoints.__file__, np.__file__
    lost = CheckpointWarning("The checkpoint 01_sky cannot be used.")
    assert warnings.formatwarning(lost, CheckpointWarning, own, 7) == f"warning: {lost}\n"
    assert warnings.formatwarning("It is damaged.", UserWarning, own, 7) == "warning: It is damaged.\n"
    for category, place in ((RuntimeWarning, own), (UserWarning, other), (np.exceptions.ComplexWarning, own)):
        assert f"{place}:7: {category.__name__}: odd" in warnings.formatwarning("odd", category, place, 7)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.ENOTDIR, errno.EFBIG])
def test_an_error_of_the_system_is_a_sentence(number):
    said = failure_sentence(OSError(number, os.strerror(number), "/a/b"))
    assert said.startswith("/a/b: ")
    assert said.endswith(".")
    assert os.strerror(number) not in said


def test_errors_of_libraries_are_understood(tmp_path):
    place = tmp_path / "out"
    arrow = OSError("[Errno 28] Error writing bytes to file. Detail: [errno 28] No space left on device")
    for error in (arrow, OSError("639004 requested and 558064 written"), OSError(errno.ENOSPC, "No space")):
        assert failure_sentence(error, place).startswith(f"A file of {place}: the disk is full")
    with pytest.raises(MemoryError) as numpy_error:
        np.empty(1 << 55)
    for error in (numpy_error.value, pa.ArrowMemoryError("malloc of size 8 failed"), MemoryError()):
        assert failure_sentence(error).startswith("There is not enough memory")
    assert "Unable to allocate" in failure_sentence(numpy_error.value)
    assert "thread" in failure_sentence(RuntimeError("can't start new thread"))
    assert "was killed" in failure_sentence(BrokenProcessPool("a child process terminated abruptly"))
    assert failure_sentence(RuntimeError("a mistake of ours")) == ""
    assert failure_sentence(FileExistsError("x exists; choose another.")) == "x exists; choose another."


@pytest.mark.parametrize("output", ["file/out", "file/a/out", "file"])
def test_a_build_into_a_file_is_a_sentence(tmp_path, capsys, output):
    (tmp_path / "file").write_text("")
    (tmp_path / "small.toml").write_text(SMALL)
    assert run(["build", str(tmp_path / "small.toml"), "--output", str(tmp_path / output), "--quiet"]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert f"{tmp_path}/file" in said


@pytest.mark.parametrize("arguments", [["mock", "{}/a", "--stars", "2"], ["open", "{}", "--into", "{}/a"]])
def test_other_commands_into_a_file_are_sentences(tmp_path, capsys, arguments):
    (tmp_path / "file").write_text("")
    assert run([text.format(tmp_path / "file") for text in arguments]) == 2
    said = capsys.readouterr().err
    assert said.startswith("error: ")
    assert said.count("\n") == 1


def test_no_memory_and_no_room_in_the_middle_are_sentences(tmp_path, capsys, monkeypatch):
    (tmp_path / "small.toml").write_text(SMALL)
    command = ["build", str(tmp_path / "small.toml"), "--output", str(tmp_path / "out"), "--quiet"]
    for error in (MemoryError("Unable to allocate 9 GiB"), OSError(errno.EROFS, "x", str(tmp_path / "y"))):

        def fail(*_, error=error, **_more):
            raise error

        monkeypatch.setattr("pipeline.commands.build", fail)
        assert run(command) == 2
        said = capsys.readouterr().err
        assert said.count("\n") == 1
        assert "Traceback" not in said


# --- space ----------------------------------------------------------------------------------------------------------


def test_a_build_that_cannot_fit_is_refused_before_it_starts(tmp_path, monkeypatch):
    (tmp_path / "small.toml").write_text(SMALL)
    config = load_config(str(tmp_path / "small.toml"))
    needed = build_bytes(config)
    assert 60 * 94_000 < needed < 60 * 120_000 + 16_000_000
    usage = type(space.shutil.disk_usage(tmp_path))
    monkeypatch.setattr(space.shutil, "disk_usage", lambda _: usage(2 * needed, 1, needed))
    require_space(config, tmp_path / "new" / "out.work")
    monkeypatch.setattr(space.shutil, "disk_usage", lambda _: usage(2 * needed, 1, needed - 1))
    with pytest.raises(SpaceError, match=r"free space; the build needs about 0\.02 GB for 60 spectra"):
        require_space(config, tmp_path / "new" / "out.work")
    (tmp_path / "out.work").mkdir()
    (tmp_path / "out.work" / "flux.npy").write_bytes(b"1" * 5000)
    require_space(config, tmp_path / "out.work")  # what an earlier run wrote counts


# --- memory ---------------------------------------------------------------------------------------------------------


def test_a_limit_of_address_space_that_is_too_low_is_refused_at_once():
    def limit():
        resource.setrlimit(resource.RLIMIT_AS, (900_000 * 1024, 900_000 * 1024))

    command = [sys.executable, "-m", "pipeline", "stages"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, preexec_fn=limit)
    assert done.returncode == 2
    assert done.stderr.startswith("error: The limit on address space (ulimit -v) is 0.92 GB;")
    assert done.stderr.count("\n") == 1


def test_more_threads_need_more_and_no_limit_refuses_nothing(monkeypatch):
    monkeypatch.setattr(memory_limit.os, "sched_getaffinity", lambda _: set(range(8)))
    monkeypatch.setattr(memory_limit.resource, "getrlimit", lambda _: (1_200_000_000, -1))
    assert "2.00 GB with 8 threads" in memory_limit.memory_refusal({})
    assert "set OPENBLAS_NUM_THREADS=1" in memory_limit.memory_refusal({})
    assert memory_limit.memory_refusal({"OPENBLAS_NUM_THREADS": "1"}) == ""
    monkeypatch.setattr(memory_limit.resource, "getrlimit", lambda _: (resource.RLIM_INFINITY, -1))
    assert memory_limit.memory_refusal({}) == ""


def test_a_process_that_stays_at_its_limit_is_ended(monkeypatch):
    said = []
    monkeypatch.setattr(memory_limit, "STUCK_SECONDS", 0.2)
    monkeypatch.setattr(memory_limit, "_EVERY_SECONDS", 0.02)
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    memory_limit._watch(used + 1000, said.append)
    assert "There is not enough memory" in said[0]


# --- addresses ------------------------------------------------------------------------------------------------------


def test_an_address_that_cannot_be_listened_on_is_a_sentence():
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert "another program uses it" in listening_refusal("127.0.0.1", port)
        command = [sys.executable, "run_app.py", "--no-browser", "--address", "127.0.0.1", "--port", str(port)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 2
        assert done.stderr.count("\n") == 1
    assert "this computer does not have that address" in listening_refusal("192.0.2.1", 5006)
    assert "from 0 to 65535" in listening_refusal("localhost", 99999)
    assert "no address" in listening_refusal("a" * 70, 5006)
    assert listening_refusal("127.0.0.1", 0) == ""
    assert listening_refusal("localhost", 0) == ""


def test_a_limit_on_the_size_of_files_is_a_sentence_and_no_signal(tmp_path):
    code = (
        "import resource, sys; from pathlib import Path\n"
        "from pipeline.failures import failure_sentence; from pipeline.products.array_file import ArrayFile\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))\n"
        "try: ArrayFile(Path(sys.argv[1]), '<f4', (1000, 10))\n"
        "except OSError as error: sys.exit(failure_sentence(error))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "a")], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert done.returncode != -signal.SIGXFSZ
    assert f"{tmp_path / 'a'}: it would be larger than the limit" in done.stderr
