"""LAMOST's archive: releases, spectra by obsid, catalogues, in both styles of addresses, with its failures."""

from __future__ import annotations

import gzip
import hashlib
import re
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from urllib.parse import urlencode

import pyarrow.parquet as pq
from astropy.io import fits
from faults import Faults
from plain_files import content_reply, file_reply
from wire import Reply, Request, json_reply, login_reply

from pipeline.mock.archives.writing import TRUTH_NAME

_RELEASE = re.compile(r"/(?:openapi/)?(?P<dr>dr\d+)/(?P<version>v[\d.]+)/(?P<rest>.+)$")
_OLD = re.compile(r"spectrum/fits/(?P<obsid>[^/]*)$")
_CARD = 80
_VALUE = slice(10, 30)


def spectra_by_obsid(folder: Path) -> dict[int, Path]:
    """Spectra of a folder by identifier: from a simulated survey's truth, else from the headers.

    Parameters
    ----------
    folder : Path
        What ``python -m pipeline mock FOLDER --as-archives`` writes, or any folder with FITS spectra below it.
    """
    truth = folder / TRUTH_NAME
    if truth.is_file():
        table = pq.read_table(truth, columns=["obsid", "spectrum"])
        return {
            number: folder / name
            for number, name in zip(table["obsid"].to_pylist(), table["spectrum"].to_pylist(), strict=True)
        }
    paths = [path for path in sorted(folder.rglob("*.fits*")) if path.is_file()]
    numbers = {path: fits.getheader(path).get("OBSID") for path in paths}
    return {int(number): path for path, number in numbers.items() if number is not None}


class Copies(Mapping[int, bytes]):
    """Many spectra from a few: copies, each with an OBSID of its own in the header, for measurements of speed.

    Parameters
    ----------
    paths : iterable of Path
        The originals, gzipped or not; the copies are not.
    first, number : int
        First identifier, and how many.
    """

    def __init__(self, paths: Iterable[Path], first: int, number: int) -> None:
        self._range = range(first, first + number)
        self._originals: list[tuple[bytes, int]] = []
        for path in paths:
            data = path.read_bytes()
            data = gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data
            cards = range(0, len(data), _CARD)
            self._originals.append((data, next(card for card in cards if data[card : card + 9] == b"OBSID   =")))
        if not self._originals:
            raise ValueError("no spectrum to copy")

    def __getitem__(self, obsid: int) -> bytes:
        if obsid not in self._range:
            raise KeyError(obsid)
        data, card = self._originals[obsid % len(self._originals)]
        return data[: card + _VALUE.start] + f"{obsid:>20d}".encode() + data[card + _VALUE.stop :]

    def __iter__(self):
        return iter(self._range)

    def __len__(self) -> int:
        return len(self._range)

    def __contains__(self, obsid: object) -> bool:
        return obsid in self._range


@dataclass
class Release:
    """One version of a data release.

    Parameters
    ----------
    dr, version : str
        Such as "dr10" and "v2.0".
    folder : Path
        Spectra and catalogues; the latter by the name that the archive gives them, gzipped or not.
    public : bool
        Whether it needs no token.
    spectra : mapping of int to Path or bytes, optional
        Spectra by obsid; those of the folder by default.
    absent : set of int
        Observations that this version does not have.
    """

    dr: str
    version: str
    folder: Path
    public: bool = True
    spectra: Mapping[int, Path | bytes] | None = None
    absent: frozenset[int] = field(default=frozenset())

    @cached_property
    def by_obsid(self) -> Mapping[int, Path | bytes]:
        """All its spectra."""
        return spectra_by_obsid(self.folder) if self.spectra is None else self.spectra

    def spectrum(self, obsid: int) -> Path | bytes | None:
        """A spectrum, or None."""
        return None if obsid in self.absent else self.by_obsid.get(obsid)

    def another(self, obsid: int) -> int:
        """Another observation than this one."""
        return next(number for number in self.by_obsid if number != obsid and number not in self.absent)


class LamostArchive:
    """LAMOST's addresses.

    Parameters
    ----------
    releases : sequence of Release
        What there is.
    faults : Faults
        Of the server; "wrong_obsid" happens here.
    tokens : iterable of str
        Valid tokens, for the releases that are not public.
    """

    def __init__(self, releases: Sequence[Release], faults: Faults, tokens: Iterable[str] = ()) -> None:
        self.releases = {(release.dr, release.version): release for release in releases}
        self.tokens = set(tokens)
        self._faults = faults
        self._packed = tempfile.TemporaryDirectory(prefix="catalogues")

    def close(self) -> None:
        """Remove the gzipped catalogues."""
        self._packed.cleanup()

    def answer(self, request: Request) -> Reply | None:
        """Answer a request below ``/openapi`` or ``/drN/vX.Y``, or None."""
        if request.path == "/openapi/dr_versions":
            return json_reply({"versions": [_described(release) for release in self.releases.values()]})
        if request.path == "/oauth/login":
            return login_reply()
        match = _RELEASE.match(request.path)
        return None if match is None or request.method not in ("GET", "HEAD") else self._of_release(request, match)

    def _of_release(self, request: Request, match: re.Match[str]) -> Reply | None:
        release = self.releases.get((match["dr"], match["version"]))
        if release is None:
            return _error("no_such_release", f"There is no {match['dr']} {match['version']}.")
        if not release.public and request.query.get("token") not in self.tokens:
            return Reply(302, b"", {"Location": f"/oauth/login?{urlencode({'redirect': request.path})}"})
        rest, is_new = match["rest"], request.path.startswith("/openapi/")
        old = _OLD.match(rest)
        if (is_new and rest == "lrs/spectrum/fits") or (old and not is_new):
            return self._spectrum(request, release, old["obsid"] if old else request.query.get("obsid", ""))
        if rest == ("lrs/catalog" if is_new else "catdl"):
            return self._catalogue(request, release, request.query.get("name", ""))
        return None

    def _spectrum(self, request: Request, release: Release, text: str) -> Reply:
        obsid = int(text) if text.isdecimal() else -1
        spectrum = release.spectrum(obsid)
        if spectrum is None:
            return _error("not_found", f"There is no spectrum with obsid {text}.")
        if self._faults.take(request, "wrong_obsid"):
            other = release.spectrum(release.another(obsid))
            spectrum = other if other is not None else spectrum
        if isinstance(spectrum, bytes):
            name, etag = f"spec-{obsid}.fits", f'"{obsid}"'
            return content_reply(request, spectrum, len(spectrum), etag=etag, kind="application/fits", name=name)
        kind = "application/gzip" if spectrum.suffix == ".gz" else "application/fits"
        return file_reply(request, spectrum, kind=kind, name=spectrum.name)

    def _catalogue(self, request: Request, release: Release, name: str) -> Reply:
        """A catalogue by name, gzipped on the way when the folder has it as it is."""
        if "/" in name or not name.startswith(f"{release.dr}_{release.version}_"):
            return _error("not_found", f"There is no catalogue {name!r}.")
        path = release.folder / name
        if not path.is_file() and name.endswith(".gz") and path.with_suffix("").is_file():
            path = self._gzipped(path.with_suffix(""))
        if not path.is_file():
            return _error("not_found", f"There is no catalogue {name!r}.")
        return file_reply(request, path, kind="application/gzip", name=name)

    def _gzipped(self, path: Path) -> Path:
        key = hashlib.sha256(str(path).encode()).hexdigest()[:12]
        packed = Path(self._packed.name) / f"{key}_{path.name}.gz"
        if not packed.exists():
            part = packed.with_suffix(f".{id(path)}")
            part.write_bytes(gzip.compress(path.read_bytes(), 1, mtime=0))
            part.replace(packed)
        return packed


def _described(release: Release) -> dict[str, str | bool]:
    status = "public" if release.public else "internal"
    return {"dr_version": release.dr, "sub_version": release.version, "public_status": status}


def _error(code: str, text: str) -> Reply:
    """LAMOST's error: JSON with status 200."""
    return json_reply({"error": code, "description": text})
