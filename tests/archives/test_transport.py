"""The transport: politeness, repeats, redirects, limits of rate and time, interruption."""

import re
import socket
import threading
import time
import traceback

import pytest
from fetches import quick_service
from http_archive import Fault

from pipeline import __version__
from pipeline.sources.archives.fetching import ItemError, ServiceError
from pipeline.sources.archives.polite_session import InterruptedFetchError, PoliteAdapter
from pipeline.sources.archives.profile import Service
from pipeline.sources.archives.profile_reading import ArchiveProfileError, load_archives
from pipeline.sources.archives.retrying import retry_after_s
from pipeline.sources.archives.transport import Transport, UnfitAnswerError

CONTENT = bytes(range(256)) * 400


@pytest.fixture
def files(archive, tmp_path):
    """An archive with one file, and its address."""
    (tmp_path / "sas").mkdir()
    (tmp_path / "sas" / "one.bin").write_bytes(CONTENT)
    archive.add_files("/sas", tmp_path / "sas")
    return archive


def body(transport, path="sas/one.bin"):
    return transport.get(path, lambda answer: answer.body(10**6))


def got(archive, **changes):
    transport = Transport(quick_service(archive.url, **changes))
    try:
        return body(transport)
    finally:
        transport.close()


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("too_many", {"seconds": 1}),
        ("unavailable", {"seconds": 1, "as_date": True}),
        ("server_error", {}),
        ("cut", {}),
        ("reset", {"fraction": 0.0}),
        ("reset", {"fraction": 0.5}),
        ("silent", {"seconds": 3}),
        ("drip", {"seconds": 30}),
    ],
)
def test_a_fault_that_passes_is_repeated(files, kind, options):
    files.faults.append(Fault(kind, where="one.bin", **options))
    assert got(files, min_bytes_s=50_000.0) == CONTENT
    assert len(files.log) == 2
    assert files.faults.unused == []


@pytest.mark.parametrize("as_date", [False, True])
def test_retry_after_is_waited_for_by_all_threads(files, as_date):
    files.faults.append(Fault("unavailable", where="one.bin", seconds=2, as_date=as_date))
    transport = Transport(quick_service(files.url, max_wait_s=5.0))
    threads = [threading.Thread(target=body, args=(transport,)) for _ in range(3)]
    threads[0].start()
    while not files.log:
        time.sleep(0.01)
    time.sleep(0.1)
    for thread in threads[1:]:
        thread.start()
    for thread in threads:
        thread.join()
    transport.close()
    assert len(files.log) == 4
    assert files.log.gaps()[0] > (0.9 if as_date else 1.9)  # a date has whole seconds


def test_a_long_wait_is_said(files):
    files.faults.append(Fault("unavailable", where="one.bin", seconds=6))
    lines = []
    transport = Transport(quick_service(files.url, max_wait_s=9.0), say=lines.append)
    assert body(transport) == CONTENT
    transport.close()
    (line,) = lines
    assert line.startswith(
        f"{files.url.removeprefix('http://')}: the archive answered HTTP 503 Service Unavailable; the next request"
    )


def test_a_wait_for_a_service_that_does_not_answer_is_said_once_for_all_threads():
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    lines = []
    transport = Transport(quick_service(f"http://127.0.0.1:{port}", attempts=2, wait_s=2.0), say=lines.append)
    threads = [threading.Thread(target=pytest.raises, args=(ServiceError, body, transport)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (line,) = lines
    assert re.fullmatch(
        rf"127\.0\.0\.1:{port}: the connection failed: .*Connection refused; asked again in \d s\.", line
    )


def test_a_pause_counts_once_for_all_threads():
    adapter = PoliteAdapter(quick_service("http://a"), threading.Event())
    assert [adapter.pause(seconds) for seconds in (100.0, 100.0, 50.0, 300.0)] == [True, False, False, True]


@pytest.mark.parametrize(
    ("kind", "options", "service", "says"),
    [
        ("too_many", {}, True, "HTTP 429 Too Many Requests at the last of 3 attempts"),
        ("unavailable", {"seconds": 3600}, True, r"HTTP 503 .* asks to wait 3,600 s; at most 2 are waited"),
        ("server_error", {}, False, "HTTP 500 Internal Server Error at the last of 3 attempts"),
        ("cut", {}, False, "the connection ended after 51,200 bytes; 51,200 more were announced"),
        ("reset", {"fraction": 0.0}, True, "the connection failed: Connection reset by peer"),
        ("silent", {"seconds": 3}, True, "nothing arrived for 1 s"),
        ("drip", {"seconds": 30}, False, "fewer than 50000 a second"),
    ],
)
def test_a_fault_that_stays_becomes_a_sentence(files, kind, options, service, says):
    files.faults.append(Fault(kind, where="one.bin", times=None, **options))
    with pytest.raises(ItemError, match=says) as caught:
        got(files, min_bytes_s=50_000.0)
    assert isinstance(caught.value, ServiceError) == service
    assert caught.value.__context__ is None
    assert len(files.log) == (1 if options.get("seconds") == 3600 else 3)


def test_an_archive_that_is_not_there_is_named_with_the_reason():
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(ServiceError, match=f"127.0.0.1:{port}.*Connection refused at the last of 2 attempts"):
        Transport(quick_service(f"http://127.0.0.1:{port}")).get("x", lambda answer: answer)


def test_a_damaged_answer_is_requested_again(files):
    transport, seen = Transport(quick_service(files.url)), []

    def received(answer):
        seen.append(answer.body(10**6))
        if len(seen) == 1:
            raise UnfitAnswerError("the archive sent a damaged file")
        return seen[-1]

    assert transport.get("sas/one.bin", received) == CONTENT
    assert len(files.log) == 2


def test_starts_are_spaced_connections_few_and_the_program_names_itself(files):
    service = quick_service(files.url, spacing_s=0.1, connections=2)
    transport = Transport(service)
    threads = [threading.Thread(target=body, args=(transport,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(files.log) == 8
    assert min(files.log.gaps()) > 0.08
    (agent,) = files.log.user_agents()
    assert agent.startswith(f"mgiant-explorer/{__version__} ")
    assert {request.headers.get("referer") for request in files.log} == {None}
    transport.close()


def test_a_closed_transport_ends_its_waits_at_once(files):
    files.faults.append(Fault("unavailable", where="one.bin", times=None, seconds=60))
    transport, ended = Transport(quick_service(files.url, max_wait_s=100.0)), []

    def wait():
        try:
            body(transport)
        except InterruptedFetchError:
            ended.append(time.monotonic())

    threads = [threading.Thread(target=wait) for _ in range(2)]
    for thread in threads:
        thread.start()
    time.sleep(0.5)
    started = time.monotonic()
    transport.close()
    for thread in threads:
        thread.join(5.0)
    assert len(ended) == 2
    assert max(ended) - started < 1.0


def test_a_body_beyond_the_limit_is_not_read(files):
    with pytest.raises(ItemError, match="sent more than 1,000 bytes"):
        Transport(quick_service(files.url)).get("sas/one.bin", lambda answer: answer.body(1000))


def test_an_error_of_the_disk_is_no_error_of_the_network(files):
    def received(_answer):
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        Transport(quick_service(files.url)).get("sas/one.bin", received)
    assert len(files.log) == 1


def test_a_token_goes_to_its_own_archive_only_and_into_no_text(files, monkeypatch):
    monkeypatch.setenv("TEST_TOKEN", "se/cret+token")
    transport = Transport(quick_service(files.url, token_variable="TEST_TOKEN", attempts=1))
    body(transport)
    assert files.log[0].query == {"token": "se/cret+token"}
    assert "se" not in repr(transport.token).replace("service", "")
    other = quick_service(files.url.replace("127.0.0.1", "localhost"), token_variable="TEST_TOKEN", attempts=1)
    Transport(other).get(f"{files.url}/sas/one.bin", lambda answer: answer.body(10**6))
    assert files.log[1].query == {}
    try:
        Transport(quick_service("http://127.0.0.1:1", token_variable="TEST_TOKEN")).get("x?a=1", lambda answer: answer)
    except ServiceError as error:
        text = "".join(traceback.format_exception(error)) + repr(error.__dict__)
    assert "cret" not in text


@pytest.mark.parametrize("token", ["abc", "töken-of-letters", "to\nken-line"])
def test_a_token_that_is_none_is_refused_without_being_shown(monkeypatch, token):
    monkeypatch.setenv("TEST_TOKEN", token)
    with pytest.raises(ValueError, match="TEST_TOKEN holds no token") as caught:
        Transport(quick_service("http://127.0.0.1:1", token_variable="TEST_TOKEN"))
    assert token not in str(caught.value)


@pytest.mark.parametrize(
    ("value", "seconds"), [("", None), ("12", 12.0), (" 7 ", 7.0), ("-3", None), ("soon", None), ("1e3", None)]
)
def test_retry_after_as_a_number(value, seconds):
    assert retry_after_s(value) == seconds


def test_retry_after_as_a_date_of_the_past_waits_no_time():
    assert retry_after_s("Wed, 21 Oct 2015 07:28:00 GMT") == 0.0


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("connections = 100", "connections"),
        ("attempts = 0", "attempts"),
        ('address = "ftp://a"', "address"),
        ("spacing_s = -1", "spacing_s"),
        ("colour = 1", "colour"),
    ],
)
def test_an_impolite_profile_is_refused(tmp_path, line, says):
    (tmp_path / "mine.toml").write_text(f"[service.lamost]\n{line}\n")
    with pytest.raises(ArchiveProfileError, match=says):
        load_archives(tmp_path / "mine.toml")


def test_every_shipped_service_is_polite():
    services = load_archives().service
    assert len(services) > 5
    for service in services.values():
        assert isinstance(service, Service)
        assert service.connections <= 4
        assert service.spacing_s >= 0.2
        assert service.address.startswith("https://")
