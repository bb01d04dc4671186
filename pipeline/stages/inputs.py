"""Input files of a build as they were when they were read, so that a changed one is noticed."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import pandas as pd

from pipeline.products.manifest import file_sha256
from pipeline.sources.folders import list_files


@dataclass(frozen=True)
class InputRecord:
    """One input file, or the list of files in a folder.

    Parameters
    ----------
    path : str
        Absolute path.
    size, mtime_ns : int
        Of the file before it was read; the number of files and 0 for a folder.
    sha256 : str
        Of the file's content, or of a folder's sorted names; "" for a file that was not read.
    folder : bool
        Whether it is a folder.
    ctime_ns : int
        Time of the file's last change by the system's clock, which no copy with old times can set; 0 for a folder.
    """

    path: str
    size: int
    mtime_ns: int
    sha256: str
    folder: bool = False
    ctime_ns: int = 0

    @classmethod
    def of_file(cls, path: Path, sha256: str | None = None) -> InputRecord:
        """Record a file. Call it before reading, so that a later change differs from the record.

        Parameters
        ----------
        path : Path
            Of the file.
        sha256 : str, optional
            Its hash where that is known; computed by default.
        """
        place = str(path.absolute())
        try:
            status = path.stat()
            content = file_sha256(path) if sha256 is None else sha256
            return cls(place, status.st_size, status.st_mtime_ns, content, ctime_ns=status.st_ctime_ns)
        except OSError:  # the reader will reject it with a reason; once it can be read, it counts as changed
            return cls(place, -1, 0, "")

    @classmethod
    def of_folder(cls, folder: Path, files: Iterable[Path]) -> InputRecord:
        """Record which files a folder holds, at any depth."""
        names = sorted(path.relative_to(folder).as_posix() for path in files)
        digest = hashlib.sha256("\n".join(names).encode(errors="surrogateescape")).hexdigest()
        return cls(str(folder.absolute()), len(names), 0, digest, folder=True)

    @classmethod
    def of_absent_folder(cls, folder: Path) -> InputRecord:
        """Record that an optional folder does not exist: once it does, the input counts as changed."""
        return cls(str(folder.absolute()), -1, 0, "", folder=True)

    def unchanged(self) -> bool:
        """Whether the input is still what was recorded: same size and times, or else same content."""
        path = Path(self.path)
        if self.folder and self.size < 0:
            return not path.exists()
        if self.folder:
            return path.is_dir() and InputRecord.of_folder(path, files_below(path)) == self
        try:
            status = path.stat()
        except OSError:
            return False
        if status.st_size != self.size:
            return False
        if (status.st_mtime_ns, status.st_ctime_ns) == (self.mtime_ns, self.ctime_ns):
            return True
        return bool(self.sha256) and InputRecord.of_file(path).sha256 == self.sha256


def files_below(folder: Path) -> list[Path]:
    """All files below a folder, those of linked folders too; unreadable files are left to the stage that reads."""
    return list_files(folder).files


def digest_of(records: Iterable[InputRecord]) -> str:
    """SHA-256 over the names and hashes of several files, in any order."""
    lines = sorted(f"{Path(record.path).name} {record.sha256}" for record in records)
    return hashlib.sha256("\n".join(lines).encode(errors="surrogateescape")).hexdigest()


def write_records(records: Iterable[InputRecord], path: Path) -> None:
    """Write records as Parquet: a folder may hold hundreds of thousands of spectra, with names that are no UTF-8."""
    columns: Mapping[str, type] = {
        "path": object,
        "size": int,
        "mtime_ns": int,
        "sha256": str,
        "folder": bool,
        "ctime_ns": int,
    }
    rows = [asdict(record) | {"path": os.fsencode(record.path)} for record in records]
    pd.DataFrame(rows, columns=list(columns)).astype(columns).to_parquet(path, index=False)


def read_records(path: Path) -> list[InputRecord]:
    """Read what :func:`write_records` wrote."""
    table = pd.read_parquet(path)
    columns = (table[field.name].tolist() for field in fields(InputRecord))
    return [InputRecord(os.fsdecode(path), *values) for path, *values in zip(*columns, strict=True)]
