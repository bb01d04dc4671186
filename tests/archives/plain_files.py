"""Files over HTTP as archives serve them: Range, If-Range, ETag, checksums."""

from __future__ import annotations

import hashlib
import re
from email.utils import formatdate
from pathlib import Path

from wire import FilePart, Reply, Request, text_reply

_SMALL = 1 << 20
_RANGE = re.compile(r"bytes=(\d*)-(\d*)$")


def file_reply(request: Request, path: Path, *, kind: str = "application/octet-stream", name: str = "") -> Reply:
    """A file or the part of it that the request asks for.

    Parameters
    ----------
    request : Request
        Its headers Range, If-Range and If-None-Match are honoured.
    path : Path
        The file.
    kind : str
        Content-Type.
    name : str
        Name for Content-Disposition; none by default.
    """
    state = path.stat()
    return content_reply(
        request,
        path,
        state.st_size,
        etag=f'"{state.st_size:x}-{state.st_mtime_ns:x}"',
        kind=kind,
        name=name,
        modified=formatdate(state.st_mtime, usegmt=True),
    )


def content_reply(
    request: Request,
    content: Path | bytes,
    size: int,
    *,
    etag: str,
    kind: str = "application/octet-stream",
    name: str = "",
    modified: str = "",
) -> Reply:
    """Content of a known size or the part of it that the request asks for."""
    headers = {"Content-Type": kind, "Accept-Ranges": "bytes", "ETag": etag}
    if modified:
        headers["Last-Modified"] = modified
    if name:
        headers["Content-Disposition"] = f"attachment; filename={name}"
    if request.headers.get("if-none-match") == etag:
        return Reply(304, b"", headers)
    wanted = _RANGE.match(request.headers.get("range", ""))
    if wanted is None or request.headers.get("if-range", etag) not in (etag, modified or etag):
        return Reply(200, _part(content, 0, size), headers)
    first, last = wanted.groups()
    start = int(first) if first else max(0, size - int(last or 0))
    stop = min(int(last) + 1, size) if first and last else size
    if start >= stop:
        return Reply(416, b"", headers | {"Content-Range": f"bytes */{size}"})
    return Reply(206, _part(content, start, stop), headers | {"Content-Range": f"bytes {start}-{stop - 1}/{size}"})


def _part(content: Path | bytes, start: int, stop: int) -> bytes | FilePart:
    """Part of the content; small files are read at once."""
    if isinstance(content, bytes):
        return content[start:stop]
    if stop - start > _SMALL:
        return FilePart(content, start, stop)
    with content.open("rb") as file:
        file.seek(start)
        return file.read(stop - start)


class PlainFiles:
    """A folder below a path, as the Science Archive Server of SDSS serves it.

    Any name that ends in ``.sha1sum`` gives the checksums of the files of its folder.

    Parameters
    ----------
    prefix : str
        Path of the folder, such as ``/sas``.
    folder : Path
        The folder.
    """

    def __init__(self, prefix: str, folder: Path) -> None:
        self.prefix = "/" + prefix.strip("/") + "/"
        self.folder = folder.resolve()

    def answer(self, request: Request) -> Reply | None:
        """The file, a list of checksums, or None."""
        if request.method not in ("GET", "HEAD") or not request.path.startswith(self.prefix):
            return None
        path = (self.folder / request.path.removeprefix(self.prefix)).resolve()
        if not path.is_relative_to(self.folder):
            return None
        if path.is_file():
            return file_reply(request, path)
        if path.name.endswith(".sha1sum") and path.parent.is_dir():
            files = sorted(each for each in path.parent.iterdir() if each.is_file())
            return text_reply("".join(f"{sha1(each)}  {each.name}\n" for each in files))
        return None


def sha1(path: Path) -> str:
    """SHA-1 of a file in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha1").hexdigest()
