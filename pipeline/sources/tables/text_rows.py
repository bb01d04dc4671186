"""Rows of a text table converted for Arrow's CSV reader: UTF-8, LF, no comments, single blanks."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pipeline.sources.tables.table_file import Origin
from pipeline.sources.tables.text_encoding import utf8_chunks
from pipeline.sources.tables.text_layout import Layout

_COMMENT = re.compile(rb"^#.*\n?", re.MULTILINE)
_DOUBLE_RULE = re.compile(rb"^[=+ \t]+\n?", re.MULTILINE)
_BLANKS = re.compile(rb'("(?:[^"\n]|"")*")|[^\S\n]+')
_BLANKS_UNQUOTED = re.compile(rb"[^\S\n]+")
_EDGES = re.compile(rb"^ | $", re.MULTILINE)


class RowStream:
    """A file object for Arrow.

    Parameters
    ----------
    origin : Origin
        The file.
    layout : Layout
        How it is laid out.
    """

    closed = False

    def __init__(self, origin: Origin, layout: Layout) -> None:
        self._stream = origin.open()
        self._layout = layout
        self._chunks = self._clean(utf8_chunks(self._stream, layout.encoding, origin))
        self._ready = memoryview(b"")
        self._delimiter = layout.delimiter.encode()
        self._padded = re.compile(re.escape(self._delimiter) + b' +"') if layout.delimiter.strip() else None
        self.has_quotes = False

    def read(self, size: int = -1) -> bytes:
        """Read a limited number of bytes; empty at the end."""
        if size < 0:
            return b"".join([self._ready, *self._chunks])
        while not self._ready:
            chunk = next(self._chunks, None)
            if chunk is None:
                return b""
            self._ready = memoryview(chunk)
        part, self._ready = bytes(self._ready[:size]), self._ready[size:]
        return part

    def close(self) -> None:
        """Close the file."""
        self._stream.close()
        self.closed = True

    def _clean(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        skip = self._layout.skip_lines
        for chunk in chunks:
            text = chunk
            while skip and text:
                text = text.partition(b"\n")[2]
                skip -= 1
            if b"#" in text and (text.startswith(b"#") or b"\n#" in text):
                text = _COMMENT.sub(b"", text)
            quotes = b'"' in text
            self.has_quotes |= quotes
            if not self._delimiter:
                if text.startswith(b"=") or b"\n=" in text:
                    text = _DOUBLE_RULE.sub(b"", text)
                text = _BLANKS.sub(_unquoted, text) if quotes else _BLANKS_UNQUOTED.sub(b" ", text)
                text = _EDGES.sub(b"", text)
            elif quotes and self._padded is not None and b" " in text:
                text = self._padded.sub(self._delimiter + b'"', text)
            if text:
                yield text


def _unquoted(result: re.Match[bytes]) -> bytes:
    return result[1] or b" "
