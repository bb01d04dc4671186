"""Served products: rebuilt, changed, damaged or removed while visitors use them.

One thread a process looks every few seconds: a ``stat`` a file. Visitors keep the build that they opened; new ones get
the newest one that could be opened.
"""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TypeAlias

from explorer.model.checked_files import CheckState, look_at_all, manifest_hash
from explorer.model.library import Library, open_library
from pipeline.products.manifest import MANIFEST_NAME, ProductError
from pipeline.products.opened_file import FileStamp
from pipeline.products.versions import current_version

LOOK_S = 2.0
"""Interval in seconds between checks of the files."""

_LOG = logging.getLogger("explorer.products")
_Tree: TypeAlias = tuple[Path, str, frozenset[tuple[Path, FileStamp]]]


@dataclass(frozen=True)
class ServedState:
    """State of a served path.

    Parameters
    ----------
    newest : Library or None
        Library of new visitors; None before the first.
    gone : str
        That the directory holds no product any more; "" while it does.
    trouble : str
        Why the build that is there now cannot be opened; "" where it can.
    builds : int
        Builds that were opened, one after the other.
    """

    newest: Library | None
    gone: str = ""
    trouble: str = ""
    builds: int = 0

    @property
    def damage(self) -> tuple[str, ...]:
        """Descriptions of the damaged files of the newest library."""
        files = self.newest.files if self.newest is not None else None
        return tuple(files.damage.values()) if files is not None else ()

    @property
    def good(self) -> bool:
        """Whether the product exists, can be opened and has no known damage."""
        return not (self.gone or self.trouble or self.damage)


class Served:
    """The products at one path.

    Parameters
    ----------
    directory : Path
        Product directory, or a link to one; followed anew at each look.
    cache : Path, optional
        Folder of memory-mapped columns of large catalogues.
    prepare : callable
        Called with each library that is opened in the background, before visitors get it.
    """

    def __init__(
        self, directory: Path, cache: Path | None = None, prepare: Callable[[Library], None] = lambda _: None
    ) -> None:
        self.directory, self.cache, self._prepare = directory, cache, prepare
        self._lock = threading.Lock()
        self._first = threading.Lock()
        self._state = ServedState(None)
        self._visits: Counter[Library] = Counter()
        self._seen: _Tree | None = None
        self._failed: _Tree | None = None
        self._opening: threading.Thread | None = None

    @property
    def state(self) -> ServedState:
        """Current state."""
        return self._state

    def library(self) -> Library:
        """Library for a new visitor, the newest one.

        Raises
        ------
        ProductError
            If nothing could be opened yet, or the catalogue itself turned out to be damaged.
        """
        with self._first:
            if self._state.newest is None:
                self._state = ServedState(open_library(self.directory, self.cache), builds=1)
        newest = self._state.newest
        assert newest is not None
        if newest.files is not None and newest.files.fatal:
            raise ProductError(newest.files.fatal)
        return newest

    def enter(self, library: Library) -> Callable[[], None]:
        """Register a visit of a library; call the result at its end.

        The last visit of an old library closes it.
        """
        with self._lock:
            self._visits[library] += 1
        ended = threading.Event()

        def leave() -> None:
            if not ended.is_set():
                ended.set()
                with self._lock:
                    self._visits[library] -= 1
                self._close_old()

        return leave

    def _close_old(self) -> None:
        with self._lock:
            unused = [item for item, visits in self._visits.items() if visits <= 0 and item is not self._state.newest]
            for library in unused:
                del self._visits[library]
                library.kept.clear()  # what is made of a library refers to it

    def look(self) -> None:
        """Detect a new build or a removed product; a new build is opened in the background."""
        newest = self._state.newest
        if newest is None or newest.files is None or (self._opening is not None and self._opening.is_alive()):
            return
        try:
            place = current_version(self.directory).resolve()
        except ProductError as error:
            self._note(gone=str(error))
            return
        identity = manifest_hash(place)
        if not identity:
            self._note(gone=f"{newest.files.directory} has no {MANIFEST_NAME} any more: restore it or build it again.")
            return
        same = (place, identity) == (newest.files.directory, newest.files.identity)
        if same and not newest.files.damage:
            self._note()
            return
        tree = (place, identity, _tree(place))
        if tree == self._failed:
            return
        if tree != self._seen:  # it is still being written
            self._seen = tree
            self._note(trouble="" if same else self._state.trouble)
            return
        self._opening = threading.Thread(target=self._open, args=(newest, tree), name="opening", daemon=True)
        self._opening.start()

    def _open(self, before: Library, tree: _Tree) -> None:
        try:
            library = open_library(self.directory, self.cache)
        except (ProductError, OSError, ValueError, KeyError) as error:
            self._failed = tree
            if before.files is None or tree[1] != before.files.identity:  # else its damage is reported already
                self._note(trouble=f"The new build cannot be opened: {error}")
            return
        try:
            self._prepare(library)
        finally:  # what cannot be prepared is shown all the same
            created = library.products.manifest.created
            _LOG.info("A newer build of %s is served to new visitors, made on %s.", self.directory, created)
            self._visits.setdefault(before, 0)
            self._failed, self._state = None, ServedState(library, builds=self._state.builds + 1)
            self._close_old()

    def _note(self, gone: str = "", trouble: str = "") -> None:
        before = self._state
        if (gone, trouble) == (before.gone, before.trouble):
            return
        self._state = ServedState(before.newest, gone, trouble, before.builds)
        if gone or trouble:
            _LOG.error("%s", gone or trouble)
        else:
            _LOG.info("The product in %s is available again.", self.directory)


def _tree(place: Path) -> frozenset[tuple[Path, FileStamp]]:
    """State of all files of a directory."""
    result = set()
    for path in place.rglob("*"):
        try:
            result.add((path, FileStamp.of(path.stat())))
        except OSError:  # removed meanwhile: the next look differs
            continue
    return frozenset(result)


def is_newer(shown: Library, newest: Library | None) -> bool:
    """Whether a library differs in content from the shown one."""
    if newest is None or newest is shown:
        return False
    first, second = shown.products.manifest, newest.products.manifest
    damaged = shown.files is not None and bool(shown.files.withheld or shown.files.fatal)
    return damaged or dict(first.files) != dict(second.files)


_SERVED: dict[tuple[Path, Path | None], Served] = {}
_STARTING = threading.Lock()


def served_products(
    directory: Path, cache: Path | None = None, prepare: Callable[[Library], None] = lambda _: None
) -> Served:
    """The shared :class:`Served` of this process for a path."""
    start_watching()
    with _STARTING:
        return _SERVED.setdefault((directory, cache), Served(directory, cache, prepare))


@lru_cache(maxsize=1)
def start_watching() -> None:
    """Start checking the files of all products periodically, once a process."""
    threading.Thread(target=_watch, name="watching", daemon=True).start()


def _watch() -> None:
    pause = threading.Event()
    while not pause.wait(LOOK_S):
        try:
            look_at_all()
            for item in tuple(_SERVED.values()):
                item.look()
        except Exception:  # noqa: BLE001 - the looks must go on, and the log has the whole of it
            _LOG.exception("The files of a product could not be checked.")


def product_health(state: ServedState | None, shown: Library | None = None) -> dict[str, object]:
    """State of a product for ``/health``.

    Parameters
    ----------
    state : ServedState or None
        State of a served path; None for opened files.
    shown : Library, optional
        Library of opened files.
    """
    state = state or ServedState(shown)
    library = state.newest
    if library is None:
        return {"ok": True, "state": "being opened"}
    manifest, files = library.products.manifest, library.files
    check = files.state if files is not None else CheckState.UNLISTED
    return {
        "ok": state.good,
        "name": manifest.name,
        "build": manifest.build or (files.identity[:32] if files is not None else ""),
        "created": manifest.created,
        "stars": library.table.n_stars,
        "simulated": manifest.simulated,
        "state": "gone" if state.gone else check.value,
        "checked": round(files.share, 3) if files is not None else 0.0,
        "rebuilt": state.builds > 1,
        "problems": [_without_places(text, library) for text in (state.gone, state.trouble, *state.damage) if text],
    }


def _without_places(text: str, library: Library) -> str:
    """Remove the folders of this server from a sentence, as ``/health`` is public."""
    place = library.products.directory
    return text.replace(f"{place}/", "").replace(str(place), place.name)
