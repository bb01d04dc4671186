"""Answers that no server should send: headers out of range, bodies without end, redirects to nowhere."""

import gzip
import socket
import time

import pytest
from fetches import quick_service
from raw_server import RawServer, endless, reply

from pipeline.sources.archives import polite_session
from pipeline.sources.archives.fetching import ItemError
from pipeline.sources.archives.redaction import Token
from pipeline.sources.archives.retrying import Reach, retry_after_s
from pipeline.sources.archives.tap import Request, TapAccess, UnreachableError
from pipeline.sources.archives.transport import Transport

TOO_LONG = "9" * 5000
QUERY = Request("SELECT a FROM b", 10)


def got(server, **changes):
    transport = Transport(quick_service(server.url, **({"attempts": 2} | changes)))
    try:
        return transport.get("x", lambda answer: answer.body(1_000_000))
    finally:
        transport.close()


@pytest.mark.parametrize("length", ["three", "-3", TOO_LONG, "3.0", ""])
def test_a_length_that_is_none_is_not_used(length):
    with RawServer(lambda _: reply(f"Content-Length: {length}", "Connection: close", body=b"abc")) as server:
        assert got(server) == b"abc"


@pytest.mark.parametrize(
    ("location", "says"),
    [
        ("http://[::1/x", "redirects to something that is no address"),
        ("http://a\xbdb.org/x", "redirects to something that is no address"),
        ("file:///etc/passwd", "redirects to file://, which is not encrypted"),
        ("", "redirects in a circle"),
        ("http://127.0.0.1:99999/x", "the connection failed"),
    ],
)
def test_a_redirect_to_nowhere_is_one_failed_item(location, says):
    with (
        RawServer(lambda _: reply(f"Location: {location}", "Content-Length: 0", status="302 Found")) as server,
        pytest.raises(ItemError, match=says),
    ):
        got(server)


def test_the_body_of_a_redirect_is_not_read():
    with RawServer(lambda _: endless("Location: /x", status="302 Found")) as server:
        with pytest.raises(ItemError, match="redirects in a circle"):
            got(server)
        assert server.sent < 100_000_000


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("Mon, 01 Jan 2024 00:00:00 +99999999999999", None),
        ("Mon, 01 Jan 99999 00:00:00 GMT", None),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0.0),
        (TOO_LONG, 315_576_000.0),
        ("Fri, 31 Dec 9999 23:59:59 -2300", 315_576_000.0),
    ],
)
def test_no_retry_after_is_out_of_range(value, seconds):
    assert retry_after_s(value) == seconds
    with (
        RawServer(
            lambda _: reply(f"Retry-After: {value}", "Content-Length: 0", status="503 Service Unavailable")
        ) as server,
        pytest.raises(ItemError, match="HTTP 503 Service Unavailable"),
    ):
        got(server)


def test_retry_after_as_a_date_is_compared_with_the_servers_clock():
    late = "Wed, 21 Oct 2015 07:28:30 GMT"
    assert retry_after_s(late, "Wed, 21 Oct 2015 07:28:00 GMT") == 30.0
    assert retry_after_s(late, "no date") == 0.0


@pytest.mark.parametrize(
    "answer", [b"SSH-2.0-OpenSSH\r\n", b"HTTP/1.1 abc x\r\n\r\n", reply("X: " + "y" * 100_000), b"5\r\nabc"]
)
def test_what_is_no_http_is_one_line(answer):
    with RawServer(lambda _: answer) as server, pytest.raises(ItemError, match="the connection failed") as caught:
        got(server)
    assert "\n" not in str(caught.value)


def test_a_chunked_body_that_is_cut_is_said_plainly():
    cut = reply("Transfer-Encoding: chunked", body=b"5\r\nabc")
    with (
        RawServer(lambda _: cut) as server,
        pytest.raises(ItemError, match="the connection ended in the middle of the answer at the last of 2 attempts"),
    ):
        got(server)


def test_a_body_without_end_is_not_received_by_a_library(monkeypatch):
    monkeypatch.setattr(polite_session, "MAX_LIBRARY_BYTES", 1_000_000)
    with RawServer(lambda _: endless()) as server:
        access = TapAccess("a", quick_service(server.url, attempts=1))
        with pytest.raises(UnreachableError, match="sent more than 1,000,000 bytes; no more are read"):
            access.synchronous(QUERY)
        access.close()


def test_a_packed_body_is_limited_unpacked(monkeypatch):
    monkeypatch.setattr(polite_session, "MAX_LIBRARY_BYTES", 1_000_000)
    bomb = gzip.compress(bytes(100_000_000))
    answer = reply("Content-Encoding: gzip", f"Content-Length: {len(bomb)}", body=bomb)
    with RawServer(lambda _: answer) as server:
        access = TapAccess("a", quick_service(server.url, attempts=1))
        with pytest.raises(UnreachableError, match="sent more than 1,000,000 bytes"):
            access.synchronous(QUERY)
        access.close()


def test_a_library_does_not_wait_for_drops():
    def drops(_request):
        yield reply("Content-Length: 1000")
        for _ in range(200):
            time.sleep(0.05)
            yield b"x"

    with RawServer(drops) as server:
        access = TapAccess("a", quick_service(server.url, attempts=1, timeout_s=0.5))
        with pytest.raises(UnreachableError, match="bytes in 1 s, fewer than 500 a second"):
            access.synchronous(QUERY)
        access.close()


@pytest.mark.parametrize("packed", [False, True])
def test_a_library_receives_an_answer_as_it_was_sent(packed):
    body = gzip.compress(b"abc") if packed else b"abc"
    headers = ["Connection: close", "Transfer-Encoding: chunked", *(["Content-Encoding: gzip"] if packed else [])]
    chunked = f"{len(body):x}\r\n".encode() + body + b"\r\n0\r\n\r\n"
    with RawServer(lambda _: reply(*headers, body=chunked)) as server:
        transport = Transport(quick_service(server.url))
        response = transport.session.get(server.url, stream=True)
        assert response.raw.read(decode_content=True) == b"abc"
        assert transport.session.get(server.url).content == b"abc"
        transport.close()


@pytest.mark.skipif(not socket.has_ipv6, reason="this machine has no IPv6")
def test_an_address_of_ipv6():
    try:
        server = RawServer(lambda _: reply("Content-Length: 2", body=b"ok"), socket.AF_INET6)
    except OSError:
        pytest.skip("this machine has no loopback of IPv6")
    with server:
        assert got(server) == b"ok"


def test_a_proxy_of_the_environment_is_used_and_its_password_is_not_shown(monkeypatch):
    with RawServer(lambda _: reply("Content-Length: 2", body=b"ok")) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url.replace("http://", "http://user:secret-word@"))
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.delenv("NO_PROXY", raising=False)
        transport = Transport(quick_service("http://archive.example.org"))
        assert transport.get("x", lambda answer: answer.body(100)) == b"ok"
        transport.close()
        assert proxy.requests[0].startswith(b"GET http://archive.example.org/x HTTP/1.1")
    transport = Transport(quick_service("http://archive.example.org"))
    with pytest.raises(ItemError) as caught:
        transport.get("x", lambda answer: answer.body(100))
    transport.close()
    assert "secret-word" not in str(caught.value)


@pytest.mark.parametrize("target", ["to%2bken%2Fword", "to%2Bken%2fword", "next%3Dto%252Bken%252Fword", "to+ken/word"])
def test_a_token_is_recognised_however_it_is_written(monkeypatch, target):
    monkeypatch.setenv("TEST_TOKEN", "to+ken/word")
    assert Token("TEST_TOKEN").is_in(f"https://other.org/?a={target}")
    assert not Token("TEST_TOKEN").is_in("https://other.org/?a=tokenword")


class TestOutOfReach:
    """Services that get no connection."""

    def test_attempts_are_few_until_it_has_answered(self):
        reach = Reach(5)
        assert reach.attempts == 2
        reach.given_up()
        assert reach.attempts == 1
        reach.answered()
        assert reach.attempts == 5
        assert Reach(1).attempts == 1

    def test_it_is_reported_at_once_and_given_up_soon(self):
        lines = []
        transport = Transport(quick_service("http://127.0.0.1:1", attempts=5, wait_s=1.4), say=lines.append)
        for attempts in ("at the last of 2 attempts", "at the only attempt"):
            with pytest.raises(ItemError, match=attempts):
                transport.get("x", lambda answer: answer.body(100))
        transport.close()
        (line,) = lines
        assert line.startswith("127.0.0.1:1: the connection failed: ")
        assert line.endswith(" s.")

    def test_one_that_has_answered_has_all_attempts(self):
        with RawServer(lambda _: reply("Content-Length: 2", "Connection: close", body=b"ok")) as server:
            transport = Transport(quick_service(server.url, attempts=4))
            assert transport.get("x", lambda answer: answer.body(100)) == b"ok"
        with pytest.raises(ItemError, match="at the last of 4 attempts"):
            transport.get("x", lambda answer: answer.body(100))
        transport.close()

    def test_a_tap_service_is_reported_too(self):
        lines = []
        access = TapAccess("a", quick_service("http://127.0.0.1:1", attempts=5, wait_s=1.4), say=lines.append)
        with pytest.raises(UnreachableError, match=r"cannot be reached: .* at the last of 2 attempts"):
            access.synchronous(QUERY)
        with pytest.raises(UnreachableError, match=r"refused$"):
            access.synchronous(QUERY)
        access.close()
        assert len(lines) == 1
