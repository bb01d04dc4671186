"""A server that sends bytes as a test wants them, also such as no HTTP server would send."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Self


class RawServer:
    """Sends an answer to each request on a connection of its own, on a free port until the end of the block.

    Parameters
    ----------
    answer : callable
        Takes the bytes of a request; returns those of the answer, or an iterable of their parts.
    family : AddressFamily
        IPv4 or IPv6.
    """

    def __init__(
        self, answer: Callable[[bytes], bytes | Iterable[bytes]], family: socket.AddressFamily = socket.AF_INET
    ) -> None:
        self.requests: list[bytes] = []
        self.sent = 0
        self._answer = answer
        host = "::1" if family == socket.AF_INET6 else "127.0.0.1"
        self._socket = socket.create_server((host, 0), family=family)
        port = self._socket.getsockname()[1]
        self.url = f"http://[{host}]:{port}" if family == socket.AF_INET6 else f"http://{host}:{port}"
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):  # wakes the thread that accepts
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def _accept(self) -> None:
        with suppress(OSError):  # closed
            while True:
                connection, _ = self._socket.accept()
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):  # the client leaves
            request = b""
            while b"\r\n\r\n" not in request:
                received = connection.recv(1 << 16)
                if not received:
                    return
                request += received
            self.requests.append(request)
            answer = self._answer(request)
            for part in [answer] if isinstance(answer, bytes) else answer:
                connection.sendall(part)
                self.sent += len(part)


def reply(*headers: str, body: bytes = b"", status: str = "200 OK") -> bytes:
    """Answer with these headers only."""
    lines = [f"HTTP/1.1 {status}", *headers, "", ""]
    return "\r\n".join(lines).encode("latin-1") + body


def endless(*headers: str, status: str = "200 OK", block: bytes = b"x" * 65536) -> Iterable[bytes]:
    """Answer whose chunked body has no end."""
    yield reply(*headers, "Transfer-Encoding: chunked", status=status)
    while True:
        yield f"{len(block):x}\r\n".encode() + block + b"\r\n"
