"""Uploads in parts, for files too large for one message, within limits for a page and in total."""

from __future__ import annotations

import base64
import binascii
import threading
import time
import weakref
from collections.abc import Callable

from explorer import protocol
from explorer.model.selection import SelectionError

PART_BYTES = 512_000
"""Size of a part, as in the scripts."""

MAX_HELD_BYTES = 400_000_000
"""Maximum size of the stored parts of all pages."""

KEPT_S = 60.0
"""Time in seconds after which the parts of an incomplete file may be dropped."""

_HELD: weakref.WeakSet[Uploads] = weakref.WeakSet()
_LOCK = threading.Lock()


class Uploads:
    """Collects the parts of one file at a time.

    Parameters
    ----------
    most : int
        Bytes of a file.
    clock : callable
        Monotonic clock in seconds; tests replace it.
    """

    def __init__(self, max_bytes: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.max_bytes, self._clock = max_bytes, clock
        self._latest = clock()
        self._id = ""
        self._data = bytearray()
        self._next = 0
        with _LOCK:
            _HELD.add(self)

    @property
    def held(self) -> int:
        """Size of the stored parts."""
        return len(self._data)

    def part(self, request: protocol.Upload | protocol.RecordPart) -> None:
        """Store a part; parts come in order, and the first part of a file replaces an earlier file.

        Raises
        ------
        SelectionError
            If the file is too large, or too much is held for all pages.
        """
        name, number = request.upload, request.part
        if number == 0:
            self._id, self._data, self._next = name, bytearray(), 0
        if name != self._id or number != self._next:
            return  # :meth:`whole` refuses what lacks a part
        try:
            data = base64.b64decode(request.data, validate=True)
        except binascii.Error as error:
            raise ValueError(f"A part of an upload is not valid base64: {error}.") from error
        if self.held + len(data) > self.max_bytes:
            self.forget()
            raise SelectionError(f"The file has more than {self.max_bytes:,} bytes, the maximum size.")
        if _held_for_all() + len(data) > MAX_HELD_BYTES:
            self.forget()
            raise SelectionError("The server is reading too many other files now. Try again in a minute.")
        self._data += data
        self._next += 1
        self._latest = self._clock()

    def given(self, request: protocol.Members | protocol.Merge | protocol.OpenSession | protocol.OverlayFile) -> bytes:
        """The file of a request, or the one uploaded in parts before.

        Raises
        ------
        SelectionError
            If it is not whole.
        """
        if request.upload is not None:
            return self.whole(request.upload, request.size)
        try:
            return base64.b64decode(request.data or "", validate=True)
        except ValueError as error:
            raise SelectionError(f"The file was not received completely ({error}). Choose it again.") from error

    def whole(self, name: str, size: int) -> bytes:
        """Return the file and remove it.

        Raises
        ------
        SelectionError
            If a part is missing.
        """
        if name != self._id or self.held != size:
            self.forget()
            raise SelectionError("The file was not received completely. Choose it again.")
        data = bytes(self._data)
        self.forget()
        return data

    def forget(self) -> None:
        """Drop the stored parts."""
        self._id, self._data, self._next = "", bytearray(), 0

    def forget_old(self) -> None:
        """Drop an incomplete file whose next part does not arrive."""
        if self.held and self._clock() - self._latest > KEPT_S:
            self.forget()


def _held_for_all() -> int:
    """Size of the stored parts of all pages, without expired ones."""
    with _LOCK:
        pages = list(_HELD)
    for page in pages:
        page.forget_old()
    return sum(page.held for page in pages)
