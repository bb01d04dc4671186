"""Reading of small files with a size limit, which gzip is unpacked within.

A LAMOST spectrum has 0.1 to 0.2 MB. :data:`MAX_BYTES` is a hundred times that, so a catalogue or an image that lies
among the spectra, a sparse file or a gzip bomb costs neither time nor memory.
"""

from __future__ import annotations

import os
import stat
import zlib
from pathlib import Path

from pipeline.domain.spectrum import SpectrumError
from pipeline.sources.folders import shown_name

MAX_BYTES = 16 * 1024**2
"""Maximum size of a spectrum file, stored and unpacked."""

GZIP_MAGIC = b"\x1f\x8b"
_MAX_MEMBERS = 64
_STEP = 1 << 16
_WITH_GZIP_HEADER = 31


def read_bounded(path: Path) -> bytes:
    """Read a file of at most :data:`MAX_BYTES`.

    Raises
    ------
    SpectrumError
        With code not-a-file, too-large or unreadable.
    """
    name = shown_name(path.name)
    try:
        # Without O_NONBLOCK a pipe that took the file's place would never be opened.
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
        with os.fdopen(handle, "rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise SpectrumError("not-a-file", f"{name} is not a file.")
            if status.st_size > MAX_BYTES:
                raise _too_large(name, f"has {_megabytes(status.st_size)}")
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise SpectrumError("unreadable", f"{name} cannot be opened: {error.strerror}.") from error
    if len(content) > MAX_BYTES:
        raise _too_large(name, f"grew beyond {_megabytes(MAX_BYTES)} while it was read")
    return content


def unpacked(content: bytes, name: str) -> bytes:
    """Unpack gzip up to :data:`MAX_BYTES`; other content is returned unchanged.

    Parameters
    ----------
    content : bytes
        Of a file.
    name : str
        For messages.

    Raises
    ------
    SpectrumError
        With code truncated (damaged) or too-large.
    """
    if not content.startswith(GZIP_MAGIC):
        return content
    try:
        return b"".join(_members(memoryview(content), name))
    except (EOFError, zlib.error) as error:
        raise SpectrumError("truncated", f"{name} is a damaged gzip file: {error}.") from error


def _members(content: memoryview, name: str) -> list[bytes]:
    """Unpacked pieces of all members of a gzip file."""
    pieces: list[bytes] = []
    size, place = 0, 0
    for _ in range(_MAX_MEMBERS):
        unpacker = zlib.decompressobj(_WITH_GZIP_HEADER)
        while not unpacker.eof:
            step = content[place : place + _STEP]
            if not step:
                raise EOFError("it ends before its data do")
            place += len(step)
            pieces.append(unpacker.decompress(step, MAX_BYTES + 1 - size))  # what is beyond ends the loop
            size += len(pieces[-1])
            if size > MAX_BYTES:
                raise _too_large(name, f"unpacks to more than {_megabytes(MAX_BYTES)}")
        place -= len(unpacker.unused_data)
        place = len(content) - len(bytes(content[place:]).lstrip(b"\0"))  # members may be followed by padding
        if place == len(content):
            return pieces
    raise _too_large(name, f"has more than {_MAX_MEMBERS} gzip members")


def bounded_tile(content: bytes, most: int, name: str) -> None:
    """Refuse a compressed image tile that would exceed the limit unpacked.

    Raises
    ------
    SpectrumError
        With code too-large.
    """
    if content.startswith(GZIP_MAGIC):
        unpacker = zlib.decompressobj(_WITH_GZIP_HEADER)
        if len(unpacker.decompress(content, most + 1)) > most:
            raise _too_large(name, f"has a tile that unpacks to more than its {most:,} bytes")


def _too_large(name: str, result: str) -> SpectrumError:
    return SpectrumError(
        "too-large", f"{name} {result}; a spectrum has 0.1 MB, and at most {_megabytes(MAX_BYTES)} are read."
    )


def _megabytes(size: int) -> str:
    return f"{size / 1024**2:,.0f} MB"
