"""A small HTTP/1.1 server in threads, with a log of requests and faults on the wire."""

from __future__ import annotations

import itertools
import json
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from email.utils import formatdate
from http import HTTPStatus
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from faults import WIRE, WITH_RETRY, Fault, Faults

LOGIN_PAGE = b"""<!DOCTYPE html>
<html><head><title>Sign in</title></head><body><form action="/oauth/login" method="post">
<input name="user"><input name="password" type="password"><button>Sign in</button></form></body></html>
"""
_MAX_HEAD = 64 * 1024
_PIECES = 40
_BLOCK = 1 << 20


@dataclass(slots=True)
class Request:
    """A request as it arrived; headers have lower-case names."""

    method: str
    target: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes
    connection: int
    started: float
    ended: float = 0.0
    status: int = 0
    sent: int = 0
    fault: str = ""

    @property
    def text(self) -> str:
        """``METHOD /path?query``, where faults search."""
        return f"{self.method} {self.target}"


@dataclass(frozen=True, slots=True)
class FilePart:
    """Bytes of a file, read while they are sent."""

    path: Path
    start: int
    stop: int

    def __len__(self) -> int:
        return self.stop - self.start


@dataclass(slots=True)
class Reply:
    """An answer; the server adds Content-Length."""

    status: int = 200
    body: bytes | FilePart = b""
    headers: dict[str, str] = field(default_factory=dict)


def pieces(body: bytes | FilePart, start: int, stop: int) -> Iterator[bytes]:
    """Part of a body in blocks."""
    if isinstance(body, bytes):
        yield body[start:stop]
        return
    with body.path.open("rb") as file:
        file.seek(body.start + start)
        left = stop - start
        while left > 0 and (block := file.read(min(left, _BLOCK))):
            yield block
            left -= len(block)


def text_reply(text: str, kind: str = "text/plain; charset=utf-8", status: int = 200) -> Reply:
    """Text of a kind."""
    return Reply(status, text.encode(), {"Content-Type": kind})


def json_reply(content: object, status: int = 200) -> Reply:
    """JSON."""
    return Reply(status, json.dumps(content).encode(), {"Content-Type": "application/json"})


def login_reply() -> Reply:
    """The login page, with status 200."""
    return Reply(200, LOGIN_PAGE, {"Content-Type": "text/html; charset=utf-8"})


class Log(list[Request]):
    """Requests in the order of their arrival, and what the tests of politeness ask of them."""

    def matching(self, where: str) -> list[Request]:
        """Requests whose ``METHOD /path?query`` contains a text."""
        return [request for request in list(self) if where in request.text]

    def gaps(self, where: str = "") -> list[float]:
        """Seconds between the beginnings of consecutive requests."""
        times = [request.started for request in self.matching(where)]
        return [later - earlier for earlier, later in itertools.pairwise(times)]

    def user_agents(self) -> set[str]:
        """All User-Agent headers; "" for none."""
        return {request.headers.get("user-agent", "") for request in list(self)}

    def peak_requests(self, where: str = "") -> int:
        """Most requests in progress at a time."""
        now = time.monotonic()
        events = [
            event for request in self.matching(where) for event in ((request.started, 1), (request.ended or now, -1))
        ]
        most = current = 0
        for _, step in sorted(events):
            current += step
            most = max(most, current)
        return most


class Server:
    """Answers requests on a free port of this machine until :meth:`stop`.

    Parameters
    ----------
    answer : callable
        Gives the reply to a request, or None where there is nothing: 404.
    port : int
        The port; a free one by default.
    """

    def __init__(self, answer: Callable[[Request], Reply | None], port: int = 0) -> None:
        self.faults = Faults()
        self.log = Log()
        self.peak_connections = 0
        self.connections = 0
        """Connections accepted so far."""
        self.errors: list[BaseException] = []
        """Exceptions of ``answer``, which the client sees as status 500: a test wants none."""
        self._answer = answer
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._listening = socket.create_server(("127.0.0.1", port), backlog=256)
        self.port = int(self._listening.getsockname()[1])
        self.url = f"http://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._accept, name=f"archive-{self.port}", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Close the port and all connections."""
        self._stopping.set()
        with suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        with self._lock:
            connections = list(self._open)
        for connection in connections:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self._thread.join(5.0)

    def wait(self, seconds: float) -> None:
        """Sleep, but not beyond the end of the server."""
        self._stopping.wait(seconds)

    def _accept(self) -> None:
        while not self._stopping.is_set():
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            with self._lock:
                self.connections += 1
                self._open.add(connection)
                self.peak_connections = max(self.peak_connections, len(self._open))
                number = self.connections
            threading.Thread(target=self._serve, args=(connection, number), daemon=True).start()

    def _serve(self, connection: socket.socket, number: int) -> None:
        """Answer the requests of one connection."""
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            rest = b""
            with suppress(OSError):
                while not self._stopping.is_set():
                    request, rest = _read(connection, rest, number)
                    if request is None or not self._respond(connection, request):
                        break
        finally:
            with self._lock:
                self._open.discard(connection)
            connection.close()

    def _respond(self, connection: socket.socket, request: Request) -> bool:
        """Answer one request; whether the connection stays open."""
        self.log.append(request)
        try:
            fault = self.faults.take(request, *WIRE)
            reply = self._reply(request, fault)
            if fault is not None and fault.kind in ("slow", "silent"):
                self.wait(fault.seconds)
                if fault.kind == "silent":
                    return False
            request.status = reply.status
            return self._send(connection, request, reply, fault)
        finally:
            request.ended = time.monotonic()

    def _reply(self, request: Request, fault: Fault | None) -> Reply:
        """The right answer, or the one that a fault puts in its place."""
        instead = _instead(fault) if fault is not None else None
        if instead is not None:
            return instead
        try:
            reply = self._answer(request)
        except Exception as error:  # noqa: BLE001 - the thread must answer; the test reads `errors`
            self.errors.append(error)
            return text_reply(f"{type(error).__name__}: {error}", status=500)
        return text_reply("There is nothing here.", status=404) if reply is None else reply

    def _send(self, connection: socket.socket, request: Request, reply: Reply, fault: Fault | None) -> bool:
        kind = fault.kind if fault is not None else ""
        keep = request.headers.get("connection", "").lower() != "close"
        headers = {"Content-Length": str(len(reply.body)), "Date": formatdate(usegmt=True), **reply.headers}
        if kind == "cut_unannounced":
            del headers["Content-Length"]
            keep = False
        if not keep:
            headers["Connection"] = "close"
        lines = [f"HTTP/1.1 {reply.status} {HTTPStatus(reply.status).phrase}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        head = ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
        body = b"" if request.method == "HEAD" or reply.status in (204, 304) else reply.body
        if fault is not None and (kind == "reset" or (body and kind in ("cut", "cut_unannounced", "damaged", "drip"))):
            return self._send_badly(connection, request, head, body, fault) and keep
        if isinstance(body, bytes):
            connection.sendall(head + body)
            request.sent = len(body)
        else:
            connection.sendall(head)
            self._send_part(connection, request, body, 0, len(body))
        return keep

    @staticmethod
    def _send_part(connection: socket.socket, request: Request, body: bytes | FilePart, start: int, stop: int) -> None:
        for piece in pieces(body, start, stop):
            connection.sendall(piece)
            request.sent += len(piece)

    def _send_badly(
        self, connection: socket.socket, request: Request, head: bytes, body: bytes | FilePart, fault: Fault
    ) -> bool:
        """Send an answer with a fault in its body; whether the connection stays open."""
        size = len(body)
        place = int(size * fault.fraction)
        if fault.kind != "reset" or place:
            connection.sendall(head)
        match fault.kind:
            case "damaged":
                place = min(place, size - 1)
                self._send_part(connection, request, body, 0, place)
                wrong = next(pieces(body, place, place + 1))
                self._send_part(connection, request, bytes([wrong[0] ^ 0xFF]), 0, 1)
                self._send_part(connection, request, body, place + 1, size)
                return True
            case "drip":
                step = max(1, -(-size // _PIECES))
                for start in range(0, size, step):
                    self.wait(fault.seconds / _PIECES)
                    self._send_part(connection, request, body, start, min(start + step, size))
                return True
            case "reset":
                self._send_part(connection, request, body, 0, place)
                self.wait(0.05)  # what was sent arrives before the reset
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            case _:
                self._send_part(connection, request, body, 0, place)
        return False


_INSTEAD: dict[str, Callable[[], Reply]] = {
    "too_many": lambda: text_reply("Too many requests.", status=429),
    "unavailable": lambda: text_reply("Service unavailable.", status=503),
    "server_error": lambda: text_reply("<html><body>Internal Server Error</body></html>", "text/html", 500),
    "not_found": lambda: text_reply("Not Found", status=404),
    "forbidden": lambda: text_reply("Forbidden", status=403),
    "login_page": login_reply,
    "json_error": lambda: json_reply({"error": "internal_error", "description": "The database does not answer."}),
    "empty": lambda: Reply(200, b"", {"Content-Type": "application/octet-stream"}),
}
"""Answers that faults put in the place of the right one."""


def _instead(fault: Fault) -> Reply | None:
    """Answer in the place of the right one; None where a fault only changes its sending."""
    if fault.kind not in _INSTEAD:
        return None
    reply = _INSTEAD[fault.kind]()
    if fault.kind in WITH_RETRY:
        after = formatdate(time.time() + fault.seconds, usegmt=True) if fault.as_date else f"{fault.seconds:g}"
        reply.headers["Retry-After"] = after
    return reply


def _read(connection: socket.socket, rest: bytes, number: int) -> tuple[Request | None, bytes]:
    """Next request of a connection and the bytes after it; None at the end."""
    while b"\r\n\r\n" not in rest:
        data = connection.recv(65536)
        if not data or len(rest) > _MAX_HEAD:
            return None, b""
        rest += data
    started = time.monotonic()
    head, _, rest = rest.partition(b"\r\n\r\n")
    line, *lines = head.decode("latin-1").split("\r\n")
    method, target, _version = line.split(" ", 2)
    headers = {name.strip().lower(): value.strip() for name, _, value in (each.partition(":") for each in lines)}
    if headers.get("expect", "").lower() == "100-continue":
        connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
    if "chunked" in headers.get("transfer-encoding", ""):
        body, rest = _read_chunks(connection, rest)
    else:
        parts, length = [rest], int(headers.get("content-length", 0))
        size = len(rest)
        while size < length:
            data = connection.recv(1 << 18)
            if not data:
                return None, b""
            parts.append(data)
            size += len(data)
        whole = b"".join(parts)
        body, rest = whole[:length], whole[length:]
    split = urlsplit(target)
    query = dict(parse_qsl(split.query, keep_blank_values=True))
    return Request(method, target, unquote(split.path), query, headers, body, number, started), rest


def _read_chunks(connection: socket.socket, rest: bytes) -> tuple[bytes, bytes]:
    """Body in chunks, and the bytes after it."""

    def until(length: int) -> None:
        nonlocal rest
        while len(rest) < length:
            data = connection.recv(65536)
            if not data:
                raise ConnectionError("the body ended too early")
            rest += data

    body = b""
    while True:
        while b"\r\n" not in rest:
            until(len(rest) + 1)
        line, _, rest = rest.partition(b"\r\n")
        size = int(line.split(b";")[0], 16)
        until(size + 2)
        body, rest = body + rest[:size], rest[size + 2 :]
        if size == 0:
            return body, rest
