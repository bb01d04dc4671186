"""Large files of archives: continued where they were interrupted, from mirrors in order, verified."""

from __future__ import annotations

import hashlib
import itertools
import os
import re
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from pipeline.sources.archives.fetching import ItemError, ServiceError
from pipeline.sources.archives.file_records import with_record
from pipeline.sources.archives.plan import Entry, FetchPlan, State
from pipeline.sources.archives.profile import Archives, RemoteFile
from pipeline.sources.archives.storing import PART, is_kind, is_web_page, json_words, page_title
from pipeline.sources.archives.transport import Answer, Transport, UnfitAnswerError, announced_bytes
from pipeline.sources.tables.reader import open_table
from pipeline.sources.tables.table_file import TableError

_RANGE = re.compile(r"bytes ([0-9]{1,18})-[0-9]{1,18}/([0-9]{1,18}|\*)")
_BLOCK = 1 << 20
_SPARE_BYTES = 1 << 28
"""Free space that a file of unknown size leaves to others."""


class FileContext(Protocol):
    """Parts of a fetch in progress that a client of files uses."""

    @property
    def archives(self) -> Archives:
        """Services of the files."""

    @property
    def received(self) -> Callable[[int], None]:
        """Callback that takes the number of bytes that arrived."""

    @property
    def say(self) -> Callable[[str], None]:
        """Callback that takes a line for the user."""


class FileClient:
    """Client of large files; one at a time.

    Parameters
    ----------
    context : FileContext
        Services of the files, and who learns of bytes and lines: a ``Fetching``.
    file_of : callable
        File of the request of an item.
    check : callable, optional
        Reads a complete file and returns its rows; raises TableError if it is damaged or another one. By default,
        tables are opened by the reader of tables.
    """

    connections = 1

    def __init__(
        self,
        context: FileContext,
        file_of: Callable[[Mapping[str, Any]], RemoteFile],
        check: Callable[[Path], int] | None = None,
    ) -> None:
        self._context, self._file_of, self._check = context, file_of, check
        self._transports: dict[str, Transport] = {}

    def close(self) -> None:
        """End all waiting and free the connections."""
        for transport in list(self._transports.values()):
            transport.close()

    def fetch(self, entry: Entry, plan: FetchPlan) -> Entry:
        """Get one file, or verify the one that is there under its name.

        Parameters
        ----------
        entry : Entry
            Its ``etag`` and ``job_url`` are version and address of a partial file.
        plan : FetchPlan
            For the folder; receives both before the first byte is written.

        Raises
        ------
        ItemError
            If no service has the file whole.
        """
        wanted, target = self._file_of(entry.item.request), plan.folder / entry.item.path
        if target.is_file():
            return self._taken(entry, wanted, target)
        problems: list[ItemError] = []
        for number, service in enumerate(wanted.services):
            try:
                transport = self._transport(service)
                stated = with_record(wanted, transport) if wanted.record else wanted
                path = stated.paths[min(number, len(stated.paths) - 1)]
                address = transport.token.hidden_in(transport.address(path))
                self._context.say(
                    f"{wanted.name}: now from {address}" if problems else f"{described(stated)}, from {address}"
                )
                return self._download(entry, plan, stated, transport, path)
            except ItemError as error:
                problems.append(error)
        kind = ServiceError if all(isinstance(error, ServiceError) for error in problems) else ItemError
        raise kind(" ".join(map(str, problems)))

    def _transport(self, service: str) -> Transport:
        if service not in self._transports:
            context = self._context
            self._transports[service] = Transport(context.archives.service[service], context.received, context.say)
        return self._transports[service]

    def _taken(self, entry: Entry, wanted: RemoteFile, target: Path) -> Entry:
        """Result for a file that is there already."""
        note = ""
        if wanted.record and not wanted.checksum:
            try:
                wanted = with_record(wanted, self._transport(wanted.services[0]))
            except ServiceError as error:
                note = f"Its checksum was not compared, as the archive could not be asked: {error}"
        return self._verified(entry, wanted, target, target, note)

    def _download(self, entry: Entry, plan: FetchPlan, wanted: RemoteFile, transport: Transport, path: str) -> Entry:
        target = plan.folder / entry.item.path
        part = target.with_name(target.name + PART)
        target.parent.mkdir(parents=True, exist_ok=True)
        download = _Download(entry, plan, wanted, transport.token.hidden_in(transport.address(path)), part)
        transport.get(path, download.receive, download.headers)
        try:
            done = self._verified(download.entry, wanted, part, target)
        except ItemError:
            part.unlink()
            if not download.continued:
                raise
            transport.get(path, download.receive, download.headers)
            done = self._verified(download.entry, wanted, part, target)
        part.replace(target)
        return done

    def _verified(self, entry: Entry, wanted: RemoteFile, path: Path, target: Path, note: str = "") -> Entry:
        size, sha256 = verify(path, wanted, target)
        try:
            rows = self._check(path) if self._check else open_table(path).n_rows if wanted.is_table else None
        except TableError as error:
            raise ItemError(f"{target.name} cannot be used: {error}") from error
        return replace(
            entry,
            state=State.DONE,
            bytes=size,
            sha256=sha256,
            rows=rows,
            job_url="",
            attempts=entry.attempts + 1,
            reason=note,
        )


@dataclass
class _Download:
    """A file on its way.

    Parameters
    ----------
    entry : Entry
        With version and address of the partial file.
    plan : FetchPlan
        Receives both.
    wanted : RemoteFile
        The file.
    address : str
        Where it comes from; without a token.
    part : Path
        The partial file.
    continued : bool
        Whether bytes of an earlier request are in it.
    """

    entry: Entry
    plan: FetchPlan
    wanted: RemoteFile
    address: str
    part: Path
    continued: bool = False

    def headers(self) -> dict[str, str]:
        """Headers that ask for the rest, on condition that the file is still the same."""
        size = self._size()
        version = self.entry.etag if self.entry.job_url == self.address else ""
        if not size or not (version or self.wanted.checksum):
            return {}
        return {"Range": f"bytes={size}-"} | ({"If-Range": version} if version else {})

    def receive(self, answer: Answer) -> None:
        """Write an answer to the partial file."""
        if answer.status == 416:
            self._refused_range(answer)
            return
        if answer.status == 206:
            start, total = self._range(answer)
            self.continued = True
        elif answer.status == 200:
            start, total = 0, announced_bytes(answer.headers.get("content-length", "")) or 0
        else:
            raise ItemError(
                f"{self.address}: the archive answered HTTP {answer.status} without {self.wanted.name}"
                + (": it may want a browser." if answer.status in (202, 401, 403) else ".")
            )
        if total and self.wanted.size and total != self.wanted.size:
            raise ItemError(f"{self.address}: the archive's file has {total:,} bytes, expected {self.wanted.size:,}.")
        first = next(answer.chunks, b"")
        if start == 0:
            self._check_beginning(first)
            self._restart(answer)
        self._check_space(total - start)
        with self.part.open("ab") as handle:
            for chunk in self._limited(itertools.chain([first], answer.chunks), start, total):
                handle.write(chunk)
            handle.flush()
            os.fsync(handle.fileno())
        if total and self._size() != total:
            raise UnfitAnswerError(f"the archive sent {self._size():,} of {total:,} bytes")

    def _limited(self, chunks: Iterable[bytes], start: int, total: int) -> Iterator[bytes]:
        """Chunks up to the file's size; where it is unknown, until the disk has little space left."""
        most, size, next_look = total or self.wanted.size, start, start
        for chunk in chunks:
            size += len(chunk)
            if most and size > most:
                self.part.unlink()
                raise ItemError(f"{self.address}: the archive sent more than the {most:,} bytes of {self.wanted.name}.")
            if not most and size >= next_look:
                self._check_growing(size)
                next_look = size + _BLOCK * 64
            yield chunk

    def _check_growing(self, size: int) -> None:
        if shutil.disk_usage(self.part.parent).free < _SPARE_BYTES:
            self.part.unlink()
            raise ItemError(
                f"{self.address}: the archive states no size, and after {size:,} bytes of {self.wanted.name} "
                f"{self.part.parent} is nearly full. Free space, or choose another folder (--into)."
            )

    def _size(self) -> int:
        return self.part.stat().st_size if self.part.is_file() else 0

    def _restart(self, answer: Answer) -> None:
        """Record the version of a new partial file, which begins empty: never the bytes of one with another's."""
        self.part.unlink(missing_ok=True)
        self.continued = False
        etag = answer.headers.get("etag", "")
        version = etag if etag.startswith('"') else answer.headers.get("last-modified", "")
        self.entry = replace(self.entry, etag=version, job_url=self.address)
        self.plan.record(self.entry)

    def _range(self, answer: Answer) -> tuple[int, int]:
        match = _RANGE.fullmatch(answer.headers.get("content-range", ""))
        if match is None or int(match[1]) != self._size():
            raise ItemError(f"{self.address}: the archive sent another range than asked for.")
        asked, sent = self.headers().get("If-Range", ""), answer.headers.get("etag", "")
        if sent and asked.startswith('"') and sent != asked:  # a service that ignores the condition
            self.part.unlink()
            raise UnfitAnswerError("the archive's file is another one than the partial one, which is fetched anew")
        return int(match[1]), int(match[2]) if match[2] != "*" else 0

    def _refused_range(self, answer: Answer) -> None:
        """Accept that nothing is left; start anew where the partial file is longer than the whole one."""
        if answer.headers.get("content-range", "") == f"bytes */{self._size()}":
            return
        self.part.unlink(missing_ok=True)
        raise UnfitAnswerError("the archive's file is shorter than the partial one, which is fetched anew")

    def _check_beginning(self, head: bytes) -> None:
        if is_kind(head, self.wanted.kind):
            return
        if not head:
            raise UnfitAnswerError("the archive sent an empty body")
        if is_web_page(head):
            raise ItemError(
                f"{self.address}: the archive sent a web page {page_title(head)} in place of {self.wanted.name}: it "
                "may want a browser, or a sign-in."
            )
        words = json_words(head)
        sent = f"answered {words!r}" if words else f"sent a file that is not {self.wanted.kind}"
        raise ItemError(f"{self.address}: the archive {sent} in place of {self.wanted.name}.")

    def _check_space(self, needed: int) -> None:
        free = shutil.disk_usage(self.part.parent).free
        if needed > free:
            raise ItemError(
                f"{self.part.parent} has {free / 1e9:.2f} GB free; {self.wanted.name} needs another "
                f"{needed / 1e9:.2f} GB. Free space, or choose another folder (--into)."
            )


def verify(path: Path, wanted: RemoteFile, target: Path) -> tuple[int, str]:
    """Compare a file with what is known of it.

    Parameters
    ----------
    path : Path
        The file, also a partial one.
    wanted : RemoteFile
        Kind, size and checksum.
    target : Path
        Its name when it is complete, for messages.

    Returns
    -------
    size : int
        Bytes.
    sha256 : str
        Checksum.

    Raises
    ------
    ItemError
        If one of them differs.
    """
    kind, _, stated = wanted.checksum.partition(":")
    digests = {name: hashlib.new(name, usedforsecurity=False) for name in {kind or "sha256", "sha256"}}
    head, size = b"", 0
    with path.open("rb") as handle:
        while block := handle.read(_BLOCK):
            head, size = head or block, size + len(block)
            for digest in digests.values():
                digest.update(block)
    remedy = (
        f"Delete it and fetch again; if it happens twice, it was replaced at {wanted.page} and must not be trusted."
    )
    if not is_kind(head, wanted.kind):
        raise ItemError(f"{target} is not {wanted.kind}: it begins with other bytes. {remedy}")
    if stated and digests[kind].hexdigest() != stated.lower():
        raise ItemError(f"{target} has {kind.upper()} {digests[kind].hexdigest()}, expected {stated}. {remedy}")
    if wanted.size and size != wanted.size:
        raise ItemError(f"{target} has {size:,} bytes, expected {wanted.size:,}. {remedy}")
    return size, digests["sha256"].hexdigest()


def described(wanted: RemoteFile) -> str:
    """Name, contents, size and checksum of a file as one line."""
    size = f"{wanted.size / 1e6:,.1f} MB" if wanted.size else "size unknown"
    kind, _, stated = wanted.checksum.partition(":")
    checksum = f"{kind.upper()} {stated}" if stated else "no checksum stated"
    return f"{wanted.name} ({wanted.contents}): {size}, {checksum}"


def by_hand(wanted: RemoteFile, target: Path) -> str:
    """How to get a file without this program."""
    return (
        f"{described(wanted)}: get it in a browser from {wanted.page}, put it into {target.parent} as {target.name} "
        "and repeat the command, which checks it."
    )
