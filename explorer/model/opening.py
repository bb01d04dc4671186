"""Opening of star tables or spectra: runs ``python -m pipeline open`` in a child process.

The command first writes how it understood the columns, then a quick product without orbits and stream membership, then
the whole one. Everything is kept in one folder under a key of the files' contents, with the corrections that a visitor
made, so that the same files open at once the next time.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from explorer.model.building import BuildProgress, BuildRunner, BuildStatus, BusyError
from explorer.model.corrections import (
    Correction,
    check,
    configuration_text,
    corrected,
    corrections_in,
    read_configuration,
    relocated,
)
from explorer.model.library import Library, load_library
from explorer.model.opened_files import HASHES_NAME, OpenError, content_key
from explorer.model.understood import Understood, understood_from
from pipeline.products.lock import OutputBusyError
from pipeline.products.manifest import MANIFEST_NAME, Manifest, ProductError
from pipeline.products.versions import remove_product
from pipeline.stopping import END_WITH_INPUT

OPENED_NAME = "opened"
"""Folder of the data folder with one folder for each set of files."""

CONFIGURATION_NAME = "open.toml"
UNDERSTOOD_NAME = "understood.json"
QUICK_NAME, WHOLE_NAME = "quick", "product"
ENDED_NAME = "ended"
"""Marker file of a successful command, also without a complete product."""

LEFT_OUT = (
    "With {rows:,} stars, orbits and stream membership are not computed automatically. Download the configuration "
    "(About, columns page) and run: python -m pipeline build"
)
Stamp = tuple[int, int, int]


@dataclass(frozen=True)
class OpeningState:
    """Progress of an opening.

    Parameters
    ----------
    understood : Understood or None
        Interpretation of the columns; None before the files are read.
    progress : BuildProgress
        Progress of the command.
    quick, whole : bool
        Which product is complete.
    opened : bool
        Whether the newest complete product is in memory, so that a page shows it at once.
    failure : str
        Why the command, or the product, failed; "" while it did not.
    left_out : str
        Why the whole product is not made although the command ended well; "" where it is or will be.
    """

    understood: Understood | None
    progress: BuildProgress
    quick: bool = False
    whole: bool = False
    opened: bool = False
    failure: str = ""
    left_out: str = ""


def open_command(files: Sequence[Path], folder: Path, progress_file: Path) -> tuple[str, ...]:
    """Command that makes products of files."""
    named = [str(path) for path in files]
    into = ("--into", str(folder), "--progress-file", str(progress_file))
    return (sys.executable, "-m", "pipeline", END_WITH_INPUT, "open", *named, *into)


class Opening:
    """Products made of some files, shared by all visitors.

    Parameters
    ----------
    files : sequence of Path
        Absolute: a folder of spectra, then tables.
    folder : Path
        Folder of the products and the configuration.
    columns : Path, optional
        Folder of memory-mapped columns of large catalogues.
    prepare : callable
        Called with each library that was opened, before a page shows it.
    command : callable
        Makes the command of files, folder and progress file.
    """

    def __init__(
        self,
        files: Sequence[Path],
        folder: Path,
        columns: Path | None = None,
        prepare: Callable[[Library], None] = lambda _: None,
        command: Callable[[Sequence[Path], Path, Path], tuple[str, ...]] = open_command,
    ) -> None:
        self.files, self.folder, self.columns = tuple(files), folder, columns
        self._prepare = prepare
        progress_file = folder / "progress.jsonl"
        self.runner = BuildRunner(
            command(self.files, folder, progress_file),
            folder,
            progress_file,
            complete=lambda: self._complete() and self._readable(),
            before=self._prepare_folder,
            after=self._note_end,
        )
        self._guard = threading.Lock()
        self._opening: threading.Thread | None = None
        self._shown: tuple[Stamp, Library] | None = None
        self._unreadable: tuple[Stamp, str] | None = None
        self._understood: tuple[Stamp, Understood | None] | None = None
        self._started = False

    @property
    def name(self) -> str:
        """File names, for a heading."""
        more = len(self.files) - 1
        return f"{self.files[0].name} and {more} more" if more else self.files[0].name

    def start(self) -> None:
        """Make the products unless they exist or are being made; later calls do nothing.

        A failed command is repeated on request only, see :meth:`correct`, not by each new visitor.
        """
        with self._guard:
            started, self._started = self._started, True
        if started:
            return
        self.runner.start()
        self.library()

    def state(self) -> OpeningState:
        """Current progress."""
        understood, progress, library = self.understood(), self.runner.progress(), self.library()
        quick, whole = self._there(QUICK_NAME), self._there(WHOLE_NAME)
        left_out = ""
        if progress.status is BuildStatus.DONE and not whole:
            rows = max((table.rows for table in understood.tables), default=0) if understood else 0
            left_out = LEFT_OUT.format(rows=rows)
        return OpeningState(
            understood=understood,
            progress=progress,
            quick=quick,
            whole=whole,
            opened=library is not None and self._is_newest(),
            failure=self._failure(progress, understood),
            left_out=left_out,
        )

    def _failure(self, progress: BuildProgress, understood: Understood | None) -> str:
        """Why the command failed or its products cannot be opened; "" if neither."""
        newest = self._newest()
        if newest is not None and self._unreadable is not None:
            stamp, reason = self._unreadable
            if stamp == _stamp(newest / MANIFEST_NAME):
                return reason
        if progress.status is BuildStatus.FAILED:
            return progress.message
        return understood.error if understood and progress.status is not BuildStatus.RUNNING else ""

    def understood(self) -> Understood | None:
        """Interpretation of the columns; None before the command has written it."""
        path = self.folder / UNDERSTOOD_NAME
        stamp = _stamp(path)
        if stamp is None:
            return None
        if self._understood is None or self._understood[0] != stamp:
            try:
                self._understood = stamp, understood_from(path.read_text("utf-8"))
            except (ValueError, KeyError, TypeError, FileNotFoundError):  # being written, or removed since
                return None
        return self._understood[1]

    def library(self) -> Library | None:
        """The newest open product; None before the first; a newer one is opened in the background.

        Reading and mapping millions of stars takes long: no page waits for it.
        """
        newest = self._newest()
        stamp = _stamp(newest / MANIFEST_NAME) if newest is not None else None
        with self._guard:
            known = (self._shown, self._unreadable)
            busy = self._opening is not None and self._opening.is_alive()
            if newest is not None and stamp is not None and not busy and all(k is None or k[0] != stamp for k in known):
                self._opening = threading.Thread(target=self._open, args=(newest, stamp), name="opening", daemon=True)
                self._opening.start()
            return self._shown[1] if self._shown is not None and newest is not None else None

    def wait_for_library(self) -> Library | None:
        """Wait until an existing complete product is open; None if there is none."""
        opening = self._opening
        if opening is not None:
            opening.join()
        return self.library()

    def _open(self, directory: Path, stamp: Stamp) -> None:
        try:
            library = load_library(directory, self.columns)
        except (ProductError, OSError, ValueError, KeyError) as error:
            with self._guard:
                self._unreadable = stamp, str(error)
            return
        try:
            self._prepare(library)
        finally:  # what cannot be prepared is shown all the same
            self._show(stamp, library)

    def _show(self, stamp: Stamp, library: Library) -> None:
        with self._guard:
            before = self._shown[1] if self._shown is not None else None
            same = before is not None and _same(before, library)  # made again after an interruption: nothing is new
            self._shown = stamp, before if before is not None and same else library

    def _is_newest(self) -> bool:
        newest = self._newest()
        return newest is not None and self._shown is not None and self._shown[0] == _stamp(newest / MANIFEST_NAME)

    def correct(self, corrections: Sequence[Correction]) -> None:
        """Store corrections and make the products again; without any, repeat the last run.

        Raises
        ------
        OpenError
            If a correction cannot be used.
        BusyError
            If another process is at work on the same files.
        """
        understood = self.understood()
        check(corrections, understood.tables if understood else ())
        text = self.configuration(corrections) if corrections else ""

        def change() -> None:
            if text:
                _write(self.folder / CONFIGURATION_NAME, text)
            self._drop()

        self.runner.restart(change)

    def configuration(self, corrections: Sequence[Correction] = ()) -> str:
        """The configuration with corrections, as TOML for ``python -m pipeline build``.

        Raises
        ------
        OpenError
            If there is none yet, or a correction cannot be used.
        """
        document = relocated(read_configuration(self.folder / CONFIGURATION_NAME), self.files)
        if corrections:
            understood = self.understood()
            check(corrections, understood.tables if understood else ())
            document = corrected(document, corrections)
        return configuration_text(document, self.files)

    def corrected(self) -> tuple[frozenset[str], ...]:
        """Columns that corrections set, by table."""
        try:
            return corrections_in(read_configuration(self.folder / CONFIGURATION_NAME))
        except OpenError:
            return ()

    def _there(self, name: str) -> bool:
        return (self.folder / name / MANIFEST_NAME).is_file()

    def _newest(self) -> Path | None:
        for name in (WHOLE_NAME, QUICK_NAME):
            if self._there(name):
                return self.folder / name
        return None

    def _complete(self) -> bool:
        return self._there(WHOLE_NAME) or (self._there(QUICK_NAME) and (self.folder / ENDED_NAME).is_file())

    def _readable(self) -> bool:
        """Whether the newest product has the layout of this program version."""
        newest = self._newest()
        try:
            return newest is not None and bool(Manifest.read(newest))
        except ProductError:
            return False

    def _note_end(self) -> None:
        if self._there(QUICK_NAME):
            (self.folder / ENDED_NAME).touch()

    def _drop(self) -> None:
        """Remove the products; the configuration stays."""
        for name in (UNDERSTOOD_NAME, ENDED_NAME):
            (self.folder / name).unlink(missing_ok=True)
        try:
            for name in (QUICK_NAME, WHOLE_NAME):
                remove_product(self.folder / name)
        except OutputBusyError as error:
            raise BusyError(str(error)) from error

    def _prepare_folder(self) -> None:
        """Remove products of another layout, update file paths, and remove the result of a failed run."""
        if self._complete():
            self._drop()
        if not self._there(QUICK_NAME):
            (self.folder / UNDERSTOOD_NAME).unlink(missing_ok=True)
        path = self.folder / CONFIGURATION_NAME
        if path.is_file():
            document = read_configuration(path)
            here = relocated(document, self.files)
            if here != document:
                _write(path, configuration_text(here, self.files))


def _write(path: Path, text: str) -> None:
    draft = path.with_suffix(".draft")
    draft.write_text(text, encoding="utf-8")
    draft.replace(path)


def _same(item: Library, other: Library) -> bool:
    """Whether two libraries have the same files and columns."""
    if item.products.directory != other.products.directory:
        return False
    first, second = item.products.manifest, other.products.manifest
    return dict(first.files) == dict(second.files) and first.tables == second.tables


def _stamp(path: Path) -> Stamp | None:
    """Value that changes when a file is rewritten; None without the file."""
    try:
        stat = path.stat()
    except FileNotFoundError:
        return None
    return (stat.st_mtime_ns, stat.st_size, stat.st_ino)


@lru_cache(maxsize=4)
def opening_of(files: tuple[Path, ...], home: Path, columns: Path, prepare: Callable[[Library], None]) -> Opening:
    """The shared opening of this process for some files.

    Raises
    ------
    OpenError
        If a file cannot be read.
    """
    folder = home / OPENED_NAME
    return Opening(files, folder / content_key(files, folder / HASHES_NAME), columns, prepare)
