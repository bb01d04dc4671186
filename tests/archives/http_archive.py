"""An archive in this process, for tests: LAMOST, plain files, TAP, and faults on demand.

``python tests/archives/http_archive.py FOLDER`` serves the files of ``python -m pipeline mock FOLDER --as-archives``
to clients of other processes.
"""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Protocol, Self

sys.path.insert(0, str(Path(__file__).parent))  # when it is run as a program

from archive_tables import ArchiveTable, DownloadTables
from faults import Fault, Faults
from lamost_archive import Copies, LamostArchive, Release, spectra_by_obsid
from plain_files import PlainFiles
from sky_archive import SkyArchive
from tap_archive import TapArchive
from wire import Log, Reply, Request, Server

from pipeline.mock.archives import ArchiveFiles

__all__ = ["Fault", "HttpArchive", "Release"]


class Part(Protocol):
    """Some of the addresses."""

    def answer(self, request: Request) -> Reply | None:
        """Answer a request, or None where another part may."""


class HttpArchive:
    """An archive on a free port, from its construction until :meth:`stop`.

    ``faults.append(Fault("unavailable", where="obsid=12", times=2, seconds=1))`` makes requests fail; ``log`` has all
    requests. Parts are added by ``add_lamost``, ``add_files``, ``add_tap`` and ``add_sky``.
    """

    def __init__(self, port: int = 0) -> None:
        self._parts: list[Part] = []
        self._lamost: LamostArchive | None = None
        self._taps: list[TapArchive] = []
        self.server = Server(self._answer, port)
        self.url = self.server.url

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def faults(self) -> Faults:
        """The faults to come."""
        return self.server.faults

    @property
    def log(self) -> Log:
        """Requests so far."""
        return self.server.log

    def clear(self) -> None:
        """Forget faults, requests and the largest number of connections."""
        self.faults.clear()
        self.log.clear()
        self.server.errors.clear()
        self.server.peak_connections = 0

    def add_lamost(
        self,
        folder: Path,
        dr: str = "dr10",
        version: str = "v2.0",
        *,
        public: bool = True,
        spectra: Mapping[int, Path | bytes] | None = None,
        absent: Iterable[int] = (),
        tokens: Iterable[str] = (),
    ) -> Release:
        """Add a release of LAMOST; :class:`lamost_archive.Release` describes the parameters."""
        release = Release(dr, version, folder, public, spectra, frozenset(absent))
        if self._lamost is None:
            self._lamost = LamostArchive([], self.faults)
            self._parts.append(self._lamost)
        self._lamost.releases[dr, version] = release
        self._lamost.tokens |= set(tokens)
        return release

    def add_files(self, prefix: str, folder: Path) -> str:
        """Add a folder of plain files below a path, and return its address."""
        part = PlainFiles(prefix, folder)
        self._parts.append(part)
        return self.url + part.prefix

    def add_tap(self, tables: Iterable[ArchiveTable], prefix: str = "/tap", **limits: float) -> TapArchive:
        """Add a TAP service; :class:`tap_archive.TapArchive` describes its limits. Its address is ``url``."""
        service = TapArchive(self.url, tables, self.faults, prefix=prefix, **limits)
        self._taps.append(service)
        self._parts.append(service)
        return service

    def add_sky(self) -> SkyArchive:
        """Add services of sky images and of names; :class:`sky_archive.SkyArchive` has their profile."""
        part = SkyArchive(self.url)
        self._parts.append(part)
        return part

    def stop(self) -> None:
        """Close the port and all connections."""
        self.server.stop()
        for service in self._taps:
            service.close()
        if self._lamost is not None:
            self._lamost.close()

    def _answer(self, request: Request) -> Reply | None:
        replies = (part.answer(request) for part in self._parts)
        return next((reply for reply in replies if reply is not None), None)


def main() -> None:
    """Serve a folder until Ctrl-C or SIGTERM."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="folder of `python -m pipeline mock FOLDER --as-archives`")
    parser.add_argument("--port", type=int, default=0, help="port (default: a free one)")
    parser.add_argument("--release", default="dr10/v2.0", help="release and version (default: dr10/v2.0)")
    parser.add_argument("--copies", type=int, help="serve so many copies of the spectra, with obsid 1 and up, instead")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    dr, _, version = options.release.partition("/")
    with HttpArchive(options.port) as archive:
        originals = list(spectra_by_obsid(options.folder).values())
        copies = Copies(originals, 1, options.copies) if options.copies else None
        archive.add_lamost(options.folder, dr, version, spectra=copies)
        archive.add_files("/sas", options.folder)
        service = archive.add_tap(DownloadTables(ArchiveFiles.in_folder(options.folder)).all())
        print(f"{archive.url} and {service.url}", flush=True)
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            print(f"{len(archive.log):,} requests", flush=True)


if __name__ == "__main__":
    main()
