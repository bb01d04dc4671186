"""Files of a fetch on disk: safe names, complete or absent, recognised by their first bytes."""

from __future__ import annotations

import json
import os
import re
from email.message import Message
from pathlib import Path

PART = ".part"
"""End of the name of a file that is not complete."""

_UNSAFE = re.compile(r"[^A-Za-z0-9._+-]+")
_MAX_NAME = 120
_MAX_WORDS = 200
_MAGIC = {
    "fits": (b"SIMPLE  =",),
    "gzip": (b"\x1f\x8b",),
    "hdf5": (b"\x89HDF\r\n\x1a\n",),
    "text": (),
}
"""First bytes of each kind of file; none for text, which must be no web page."""

KINDS = tuple(_MAGIC)


def write_whole(path: Path, content: bytes) -> None:
    """Write a file under another name, flush it to the disk, and rename it.

    Raises
    ------
    OSError
        If the disk is full or not writable; the file is then not there.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(path.name + PART)
    try:
        with draft.open("wb") as handle:
            handle.write(content)
            handle.flush()
            os.fsync(handle.fileno())
    except OSError:
        draft.unlink(missing_ok=True)
        raise
    draft.replace(path)


def safe_name(disposition: str) -> str:
    """File name of a header ``Content-Disposition`` (RFC 6266) that no system takes for more than a name.

    Parameters
    ----------
    disposition : str
        The header.

    Returns
    -------
    str
        Letters, digits and ``. _ + -``, not beginning with a dot; "" if the header names none.
    """
    message = Message()
    message["Content-Disposition"] = " ".join(disposition.split())
    name = (message.get_filename() or "").replace("\\", "/").rpartition("/")[2]
    return _UNSAFE.sub("_", name).lstrip(".-")[:_MAX_NAME]


def is_kind(head: bytes, kind: str) -> bool:
    """Whether the first bytes of a file are those of its kind."""
    if kind == "text":
        return bool(head) and not is_web_page(head) and b"\x00" not in head
    return head.startswith(_MAGIC[kind])


def is_web_page(head: bytes) -> bool:
    """Whether the first bytes are those of an HTML page."""
    text = head[:2000].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    return text.startswith((b"<!doctype html", b"<html")) or (text.startswith(b"<") and b"<html" in text)


def page_title(head: bytes) -> str:
    """Title of an HTML page in quotes, for messages; "" without one."""
    match = re.search(rb"<title[^>]*>(.{0,200}?)</title>", head, re.IGNORECASE | re.DOTALL)
    text = plain_line(match[1].decode("utf-8", "replace")) if match else ""
    return f"“{text}”" if text else ""


def json_words(content: bytes) -> str:
    """Error of a JSON document as one line of text, for messages; "" for anything else."""
    if content[:1] not in (b"{", b"["):
        return ""
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        return ""
    keys = ("error", "description", "message", "detail", "msg")
    given = [document.get(key) for key in keys] if isinstance(document, dict) else []
    words = [str(value) for value in given if value not in (None, "", True, False)] or [str(document)]
    return plain_line("; ".join(words))


def plain_line(text: str) -> str:
    """Words of an archive as one line of limited length, without characters that control a terminal."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())[:_MAX_WORDS]
