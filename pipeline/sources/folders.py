"""Files of a folder at any depth, linked folders once; unreadable ones are returned with their reason.

Nothing is left out in silence: an unreadable folder, a broken link, a FIFO or a second way to the same file is a
:class:`FolderProblem`. Names that are not UTF-8 are kept for opening and shown with escapes (:func:`shown_name`).
"""

from __future__ import annotations

import errno
import os
import stat
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

_KINDS = (
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)
_Key = tuple[int, int]
"""Device and inode: what a file or folder is, whatever its name."""


@dataclass(frozen=True)
class FolderProblem:
    """One entry of a folder that gives no file.

    Parameters
    ----------
    path : Path
        Of the entry.
    code : str
        unreadable-folder, broken-link, not-a-file, linked-again or unreadable.
    reason : str
        A sentence.
    """

    path: Path
    code: str
    reason: str


@dataclass
class Listing:
    """What a folder holds.

    Parameters
    ----------
    files : list of Path
        Regular files, folder by folder in the order of their names; those of linked folders last.
    problems : list of FolderProblem
        Entries that give no file.
    """

    files: list[Path] = field(default_factory=list)
    problems: list[FolderProblem] = field(default_factory=list)

    def __iter__(self) -> Iterator[Path]:
        return iter(self.files)

    def __len__(self) -> int:
        return len(self.files)


def shown_name(name: str | os.PathLike[str]) -> str:
    r"""Name as text that any file can hold: bytes that are not UTF-8 and control characters as escapes (``\xe9``)."""
    text = os.fsencode(name).decode("utf-8", "backslashreplace")
    if text.isprintable():
        return text
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode("ascii") for letter in text
    )


def list_files(folder: Path) -> Listing:
    """List all regular files below a folder.

    Links are followed. A folder is read once: a link to a folder that is read already, or to one above, is a problem
    of the listing, and so are links that lead to one file by several ways.

    Parameters
    ----------
    folder : Path
        An existing folder.
    """
    return _Walk(folder).listing


class _Walk:
    """One walk: folders first as they are, then those behind links in the order in which these were met."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.listing = folder, Listing()
        self._read: dict[_Key, str] = {}
        self._inodes, self._devices = array("Q"), array("Q")
        self._linked_files: list[tuple[str, _Key]] = []
        self._above = _folders_above(folder)
        self._links: list[tuple[str, _Key]] = []
        self._below(str(folder))
        for path, key in self._links:  # grows while links inside linked folders are met
            self._follow(path, key)
        self._take_linked_files()

    def _below(self, top: str) -> None:
        stack: list[tuple[str, int, int]] = [(top, -1, 0)]
        while stack:
            path, inode, device = stack.pop()
            if inode >= 0:
                self.listing.files.append(Path(path))
                self._inodes.append(inode)
                self._devices.append(device)
                continue
            try:
                status = Path(path).stat()
                self._read[(status.st_dev, status.st_ino)] = path
                found = self._entries(path)
            except OSError as error:
                self._problem(path, "unreadable-folder", f"The folder {{}} cannot be read: {error.strerror}.")
                continue
            # In the order of names: files that follow a folder come after what that one holds.
            stack += [(*entry, status.st_dev) for entry in reversed(found)]

    def _entries(self, path: str) -> list[tuple[str, int]]:
        """Sorted files (with their inodes) and folders (with -1) of one folder; links are kept for later."""
        found: list[tuple[str, int]] = []
        with os.scandir(path) as entries:
            for entry in sorted(entries, key=lambda one: one.name):
                if entry.is_symlink():
                    self._link(entry.path)
                elif entry.is_dir():
                    found.append((entry.path, -1))
                elif entry.is_file():
                    found.append((entry.path, entry.inode()))
                else:
                    self._not_a_file(entry.path, entry.stat().st_mode)
        return found

    def _link(self, path: str) -> None:
        try:
            status = Path(path).stat()
        except OSError as error:
            why = "it leads to itself" if error.errno == errno.ELOOP else error.strerror
            self._problem(path, "broken-link", f"{{}} is a link that leads to no file: {why}.")
            return
        key = status.st_dev, status.st_ino
        if stat.S_ISDIR(status.st_mode):
            self._links.append((path, key))
        elif stat.S_ISREG(status.st_mode):
            self._linked_files.append((path, key))
        else:
            self._not_a_file(path, status.st_mode)

    def _follow(self, path: str, key: _Key) -> None:
        if key in self._above:
            self._problem(path, "linked-again", "The link {} leads to a folder above the one that is read.")
        elif key in self._read:
            first = shown_name(os.path.relpath(self._read[key], self.folder))
            self._problem(path, "linked-again", f"The link {{}} leads to a folder that is read already, as {first}.")
        else:
            self._below(path)

    def _take_linked_files(self) -> None:
        if not self._linked_files:
            return
        wanted = {key for _, key in self._linked_files}
        known = {
            key: path
            for *key_parts, path in zip(self._devices, self._inodes, self.listing.files, strict=True)
            if (key := (key_parts[0], key_parts[1])) in wanted
        }
        for path, key in self._linked_files:
            if key in known:
                first = shown_name(os.path.relpath(known[key], self.folder))
                self._problem(path, "linked-again", f"{{}} is a link to a file that is read already, as {first}.")
                continue
            known[key] = Path(path)
            self.listing.files.append(known[key])

    def _not_a_file(self, path: str, mode: int) -> None:
        kind = next((words for is_kind, words in _KINDS if is_kind(mode)), "no file")
        self._problem(path, "not-a-file", f"{{}} is {kind}, not a file.")

    def _problem(self, path: str, code: str, sentence: str) -> None:
        relative = shown_name(os.path.relpath(path, self.folder))
        name = shown_name(self.folder) if relative == "." else relative
        self.listing.problems.append(FolderProblem(Path(path), code, sentence.replace("{}", name, 1)))


def _folders_above(folder: Path) -> set[_Key]:
    """Of each folder that contains this one."""
    found = set()
    for parent in folder.resolve().parents:
        status = parent.stat()
        found.add((status.st_dev, status.st_ino))
    return found
