"""Encoding and line ends of text files: UTF-8, UTF-16 with a BOM, GB 18030, else Latin-1."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from typing import IO

from pipeline.sources.tables.table_file import Origin, TableError

_LINE_END = re.compile(r"\r\n|\n|\r")
_CHUNK_BYTES = 1 << 20


def decode_head(head: bytes, name: str, *, whole: bool = False) -> tuple[str, str]:
    """Encoding and text of the first bytes, without a byte order mark.

    Parameters
    ----------
    head : bytes
        Beginning of the file; a character that is cut at its end is left out.
    name : str
        For messages.
    whole : bool
        Whether these are all bytes.

    Returns
    -------
    encoding, text : str
        Latin-1 where the bytes are nothing else; GB 18030 where all that is beyond ASCII are pairs of GB 2312.

    Raises
    ------
    TableError
        If the bytes are no text.
    """
    if head.startswith(codecs.BOM_UTF8):
        return "utf-8-sig", codecs.getincrementaldecoder("utf-8-sig")("replace").decode(head)
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        try:
            return "utf-16", codecs.getincrementaldecoder("utf-16")().decode(head, whole)
        except UnicodeDecodeError:
            raise TableError(f"{name} is damaged UTF-16. Save it as CSV in UTF-8.") from None
    if b"\0" in head:
        raise TableError(
            f"{name} is neither text nor FITS, VOTable or Parquet. Save it as CSV with a header, FITS or VOTable."
        )
    for encoding, as_read in (("utf-8", "utf-8"), ("gb2312", "gb18030")):
        try:
            return as_read, codecs.getincrementaldecoder(encoding)().decode(head)
        except UnicodeDecodeError:
            continue
    return "latin-1", head.decode("latin-1")


def split_lines(text: str) -> list[str]:
    """Split lines as :func:`text_lines`: only CR and LF end one."""
    lines = _LINE_END.split(text)
    return lines[:-1] if lines[-1] == "" else lines


def text_chunks(stream: IO[bytes], encoding: str, origin: Origin) -> Iterator[str]:
    """Yield parts of a text that end with a line end, converted to LF.

    Raises
    ------
    TableError
        If a line is too long for a table.
    """
    decoder = codecs.getincrementaldecoder(encoding)(errors="replace")
    rest = ""
    while True:
        part = stream.read(_CHUNK_BYTES)
        text = rest + decoder.decode(part, final=not part)
        held = "\r" if part and text.endswith("\r") else ""  # half a line end, perhaps
        text = text[: len(text) - len(held)]
        if "\r" in text:
            text = text.replace("\r\n", "\n").replace("\r", "\n")
        end = text.rfind("\n") + 1 if part else len(text)
        if end:
            yield text[:end]
        if not part:
            return
        rest = text[end:] + held
        refuse_long_line(len(rest), origin)


def utf8_chunks(stream: IO[bytes], encoding: str, origin: Origin) -> Iterator[bytes]:
    """Yield parts as :func:`text_chunks` in UTF-8; invalid bytes are replaced. ASCII is unchanged."""
    if not encoding.startswith("utf-8"):
        for text in text_chunks(stream, encoding, origin):
            yield text.encode("utf-8", "replace")
        return
    rest = b""
    first = True
    while True:
        part = stream.read(_CHUNK_BYTES)
        data = rest + (part.removeprefix(codecs.BOM_UTF8) if first else part)
        first = False
        held = b"\r" if part and data.endswith(b"\r") else b""
        data = data[: len(data) - len(held)]
        if b"\r" in data:
            data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        end = data.rfind(b"\n") + 1 if part else len(data)
        if end:
            chunk = data[:end]
            yield chunk if chunk.isascii() else chunk.decode("utf-8", "replace").encode()
        if not part:
            return
        rest = data[end:] + held
        refuse_long_line(len(rest), origin)


def refuse_long_line(letters: int, origin: Origin) -> None:
    """Refuse a line that is too long for a row.

    Raises
    ------
    TableError
        With the limit.
    """
    if letters > origin.limits.max_line:
        raise TableError(f"{origin.name} has a line of more than {origin.limits.max_line:,} letters: it is no table.")


def text_lines(stream: IO[bytes], encoding: str, origin: Origin) -> Iterator[str]:
    """Lines of a text without their ends."""
    for chunk in text_chunks(stream, encoding, origin):
        yield from split_lines(chunk)
