"""Integrity checks of product files against the manifest, when opened and while they are served.

What is loaded whole is hashed before. Spectra and own columns of the catalogue are read on demand:
their files stay open, so that they can be renamed or deleted, and content that is written over them is refused. Large
ones of them are hashed in a thread.
"""

from __future__ import annotations

import hashlib
import logging
import stat
import threading
import weakref
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path, PurePosixPath

from pipeline.products.catalog_file import CATALOG_NAME
from pipeline.products.identity import check_identity
from pipeline.products.manifest import MANIFEST_NAME, Manifest, ProductError
from pipeline.products.opened_file import REMEDY, FileStamp, OpenedFile

AT_ONCE_BYTES = 16_000_000
"""Maximum size of files that are hashed before the page is shown, about 10 ms each."""

_LOG = logging.getLogger("explorer.products")


class CheckState(StrEnum):
    """Progress of the check of a product."""

    CHECKED = "checked"
    CHECKING = "being checked"
    UNLISTED = "without checksums"
    DAMAGED = "damaged"


def manifest_hash(directory: Path) -> str:
    """SHA-256 of a product's manifest, which contains the hashes of all files; "" without a manifest."""
    try:
        return hashlib.sha256((directory / MANIFEST_NAME).read_bytes()).hexdigest()
    except OSError:
        return ""


@dataclass
class _Judgement:
    """Check result of the content under one name or one descriptor.

    Parameters
    ----------
    judged, seen : FileStamp or None
        State when the content was hashed, and at the last look; None while the file is missing.
    result : str
        Damage found by the hash; "" if the content is correct.
    trouble : str
        Current problem; "" if the content is correct.
    """

    judged: FileStamp | None
    seen: FileStamp | None
    result: str = ""
    trouble: str = ""


class CheckedFiles:
    """Checked files of one product directory.

    Parameters
    ----------
    directory : Path
        The directory itself, not a link to it.
    manifest : Manifest
        Its manifest.
    later : collection of str
        Names of files that are read on demand: see :meth:`hold`.

    Attributes
    ----------
    identity : str
        Hash of the manifest.
    fatal : str
        Why the catalogue may not be shown; "" if it may.

    Raises
    ------
    ProductError
        If a file is missing, of another build or damaged; large ones of ``later`` are not hashed yet.
    """

    def __init__(self, directory: Path, manifest: Manifest, later: Collection[str] = ()) -> None:
        self.directory, self.manifest, self.identity, self.fatal = directory, manifest, manifest_hash(directory), ""
        self._lock = threading.Lock()
        self._bytes = [0, 0]
        self._held: dict[str, OpenedFile] = {}
        self._open: dict[str, _Judgement] = {}
        self._large: list[str] = []
        self._reported: set[str] = set()
        self._named = {name: self._checked(name, later) for name in manifest.files}
        check_identity(directory, manifest)

    def hold(self, files: Iterable[OpenedFile]) -> None:
        """Watch open files of the product that are read later."""
        names = {self.directory / name: name for name in self.manifest.files}
        for file in files:
            file.pin()
            name = names.get(file.path)
            if name is not None:
                self._held[name] = file
                self._open[name] = _Judgement(file.stamp, file.stamp)

    def _checked(self, name: str, later: Collection[str]) -> _Judgement:
        """Check a file as it is opened."""
        path, pure = self.directory / name, PurePosixPath(name)
        if pure.is_absolute() or ".." in pure.parts:
            raise ProductError(f"{self.directory / MANIFEST_NAME} lists {name!r}, which is outside. {REMEDY}")
        stamp = _stamp_of(path)
        if stamp is None:
            raise ProductError(f"{path} is listed in {MANIFEST_NAME} and missing. {REMEDY}")
        if name in later and stamp.size > AT_ONCE_BYTES:
            self._large.append(name)
        elif OpenedFile(path).sha256() != self.manifest.files[name]:
            raise ProductError(_differs(path))
        return _Judgement(stamp, stamp)

    def demand_unchanged(self, *names: str) -> None:
        """Refuse files, by default all, that changed since they were checked, as they may be of two builds.

        Raises
        ------
        ProductError
            Naming the first file.
        """
        for name in names or self._named:
            stamps = {_stamp_of(self.directory / name), *({self._open[name].judged} if name in self._open else ())}
            if stamps != {self._named[name].judged}:
                raise ProductError(f"{self.directory / name} was changed after the product was opened. Open it again.")
        if manifest_hash(self.directory) != self.identity:
            raise ProductError(f"{self.directory} was replaced after it was opened. Open it again.")

    def start(self, when_fatal: Callable[[], None] | None = None) -> None:
        """Start to watch the files, and hash the large ones in a thread.

        Parameters
        ----------
        when_fatal : callable, optional
            Called when the catalogue turns out to be damaged: remove what was made of it.
        """
        _ALIVE.add(self)
        self._bytes = [0, sum(self._held[name].size for name in self._large)]
        if self._large:
            threading.Thread(target=self._check_large, args=(when_fatal,), name="checking", daemon=True).start()

    def _check_large(self, when_fatal: Callable[[], None] | None) -> None:
        for name in tuple(self._large):
            file, judgement = self._held[name], self._open[name]
            result = self._hashed(name, file, self._count)
            with self._lock:
                self._large.remove(name)
                changed = file.stamp != judgement.judged
                if not changed:  # else the next look judges it
                    self._judge(file, judgement, result)
            if name == CATALOG_NAME and (result or changed):
                self.fatal = result or f"{file.path} was changed before its check was complete. {REMEDY}"
                if when_fatal is not None:
                    when_fatal()

    def _count(self, size: int) -> None:
        self._bytes[0] += size

    def _hashed(self, name: str, file: OpenedFile, follow: Callable[[int], None] = lambda _: None) -> str:
        """Reason if the content differs from the manifest; "" if it agrees."""
        try:
            return "" if file.sha256(follow) == self.manifest.files[name] else _differs(file.path)
        except ProductError as error:
            return str(error)

    def _report(self, result: str) -> None:
        """Log damage once for each file and kind."""
        if result and result not in self._reported:
            _LOG.error("Damaged product: %s", result)
            self._reported.add(result)

    def _judge(self, file: OpenedFile, judgement: _Judgement, result: str) -> None:
        """Store the check result of an open file."""
        self._report(result)
        if judgement.result and not result:
            self._reported.discard(judgement.result)  # restored: it is news when it happens again
        judgement.result = judgement.trouble = result
        if result:
            file.refusal = result
        else:
            file.pin(judgement.judged)

    # --- while it is served -----------------------------------------------------------------------------------------

    def look(self) -> None:
        """Detect changed, truncated or removed files by ``stat``; changed ones are hashed again when stable."""
        replaced = manifest_hash(self.directory) != self.identity
        for name, judgement in self._named.items():
            if replaced:  # the folder is another product now: only what is open belongs to this one
                judgement.trouble = ""
            else:
                self._look_at_name(name, judgement)
        for name, file in self._held.items():
            judgement, now = self._open[name], file.stamp
            if name in self._large or now == judgement.seen == judgement.judged:
                continue
            if now != judgement.seen:
                judgement.seen, judgement.trouble = now, f"{file.path} is being changed. {REMEDY}"
                file.refusal = judgement.trouble
                _LOG.warning("%s was changed while it is served; it is checked again.", file.path)
                continue
            result = self._hashed(name, file)
            if file.stamp == now:
                judgement.judged = now
                self._judge(file, judgement, result)

    def _look_at_name(self, name: str, judgement: _Judgement) -> None:
        path = self.directory / name
        now, before = _stamp_of(path), judgement.seen
        judgement.seen = now
        if now == judgement.judged:
            judgement.trouble = judgement.result
        elif now is None:
            judgement.judged, judgement.result = None, f"{path} is missing. {REMEDY}"
        elif now != before:
            judgement.trouble = f"{path} is being changed. {REMEDY}"
            return
        else:
            try:
                result = self._hashed(name, OpenedFile(path))
            except ProductError as error:
                result = str(error)
            if _stamp_of(path) != now:
                return
            judgement.judged, judgement.result = now, result
        self._report(judgement.result)
        judgement.trouble = judgement.result

    # --- state ------------------------------------------------------------------------------------------------------

    @property
    def damage(self) -> dict[str, str]:
        """Descriptions of the damaged files, by name."""
        result = {name: item.trouble for name, item in self._named.items() if item.trouble}
        return result | self.withheld | ({CATALOG_NAME: self.fatal} if self.fatal else {})

    @property
    def withheld(self) -> dict[str, str]:
        """Damaged open files, of which nothing is shown any more."""
        return {name: item.trouble for name, item in self._open.items() if item.trouble}

    @property
    def state(self) -> CheckState:
        """Progress of the check."""
        if self.damage:
            return CheckState.DAMAGED
        if not self.manifest.files:
            return CheckState.UNLISTED
        return CheckState.CHECKING if self._large else CheckState.CHECKED

    @property
    def share(self) -> float:
        """Fraction of the large files that was hashed, 0 to 1."""
        done, whole = self._bytes
        return min(done / whole, 1.0) if whole and self._large else 1.0


_ALIVE: weakref.WeakSet[CheckedFiles] = weakref.WeakSet()


def look_at_all() -> None:
    """Check the files of all open products for changes."""
    for files in tuple(_ALIVE):
        files.look()


def _stamp_of(path: Path) -> FileStamp | None:
    """Identity, size and time of a regular file; None if there is none."""
    try:
        status = path.stat()
    except OSError:
        return None
    return FileStamp.of(status) if stat.S_ISREG(status.st_mode) else None


def _differs(path: Path) -> str:
    return f"{path} differs from its checksum in {MANIFEST_NAME}: it is damaged or of another build. {REMEDY}"
