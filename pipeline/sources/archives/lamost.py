"""LAMOST spectra by obsid: requested, checked by the reader of spectra, stored by plate."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pipeline.domain.spectrum import SpectrumError
from pipeline.sources.archives.fetching import ItemAbsentError, ItemError, ServiceError
from pipeline.sources.archives.plan import Entry, FetchPlan, State
from pipeline.sources.archives.profile import Service, SpectrumArchive
from pipeline.sources.archives.storing import is_web_page, json_words, page_title, safe_name, write_whole
from pipeline.sources.archives.transport import Answer, Transport, UnfitAnswerError
from pipeline.sources.bounded_files import GZIP_MAGIC, MAX_BYTES
from pipeline.sources.lamost_fits import read_spectrum, spectrum_of

OBSIDS_A_FOLDER = 100_000
"""Obsids are numbered by plate, spectrograph (two digits) and fibre (three digits)."""

_FITS_MAGIC = b"SIMPLE  ="
_DAMAGE = frozenset({"empty", "truncated", "unreadable"})
"""Codes of a spectrum that another request may bring whole."""

_ABSENT = re.compile(r"\b(no|not|none|cannot|does ?n.t)\b", re.IGNORECASE)
_OF_ITEM = re.compile(r"spectr|obsid|observation|file|fits|record|\bdata\b(?! release)", re.IGNORECASE)
_OF_ACCESS = re.compile(
    r"token|log ?in\b|sign.?in\b|authenti|authori|permission|denied|forbidden|quota|rate limit|internal (data|release)",
    re.IGNORECASE,
)


def spectrum_path(obsid: int) -> str:
    """Path of a spectrum in the folder of a fetch, before the archive has named its file."""
    return f"spectra/{obsid // OBSIDS_A_FOLDER:05d}/{obsid}.fits.gz"


@dataclass(frozen=True)
class _File:
    """A file as the archive sent it."""

    name: str
    content: bytes
    etag: str


class SpectrumClient:
    """Client of spectra.

    Parameters
    ----------
    archive : SpectrumArchive
        Paths of the requests.
    service : Service
        The archive's service.
    received, say : callable
        Take the number of bytes that arrived, and lines for the user.
    """

    def __init__(
        self,
        archive: SpectrumArchive,
        service: Service,
        received: Callable[[int], None] = lambda _count: None,
        say: Callable[[str], None] = lambda _line: None,
    ) -> None:
        self.connections = service.connections
        self._archive, self._transport = archive, Transport(service, received, say)

    def close(self) -> None:
        """End all waiting and free the connections."""
        self._transport.close()

    def fetch(self, entry: Entry, plan: FetchPlan) -> Entry:
        """Request one spectrum, at each of the archive's paths until one has it.

        Parameters
        ----------
        entry : Entry
            Its request holds ``obsid``, ``release`` and ``version``. A file at its path, put there by hand, is
            checked and taken; a damaged one is replaced.
        plan : FetchPlan
            For the folder.

        Returns
        -------
        Entry
            Done, with the path of the file under the archive's name.

        Raises
        ------
        ItemAbsentError
            If no path of the archive has it.
        ItemError
            If it could not be fetched.
        """
        obsid = int(entry.item.request["obsid"])
        if (taken := _taken(entry, plan.folder, obsid)) is not None:
            return taken
        words: list[str] = []
        for path in spectrum_addresses(self._archive, entry.item.request):
            try:
                result = self._transport.get(path, lambda answer: self._received(answer, obsid))
            except ItemAbsentError as answer:
                words.append(str(answer))
                continue
            return _stored(replace(entry, etag=result.etag), plan.folder, obsid, result)
        raise ItemAbsentError(words[0])

    def _received(self, answer: Answer, obsid: int) -> _File:
        """File of an answer that holds the spectrum."""
        if answer.status == 404:
            raise ItemAbsentError(f"{answer.address}: the archive answered HTTP 404, not found.")
        content = answer.body(MAX_BYTES)
        if not content.startswith((GZIP_MAGIC, _FITS_MAGIC)):
            raise self._no_spectrum(answer, content)
        check_spectrum(content, obsid)
        if answer.status != 200:
            raise ItemError(f"{answer.address}: the archive answered HTTP {answer.status} with a spectrum.")
        name = safe_name(answer.headers.get("content-disposition", ""))
        name = name or f"{obsid}.fits{'.gz' if content.startswith(GZIP_MAGIC) else ''}"
        return _File(name, content, answer.headers.get("etag", ""))

    def _no_spectrum(self, answer: Answer, content: bytes) -> Exception:
        """What an answer says that is neither FITS nor gzip."""
        hide, where = self._transport.token.hidden_in, answer.address
        words = hide(json_words(content))
        if words and (answer.status in (401, 403) or _OF_ACCESS.search(words)):
            return ServiceError(f"{where}: the archive answered {words!r}. {self._about_token()}")
        if words and _ABSENT.search(words) and _OF_ITEM.search(words):
            return ItemAbsentError(words)
        if words:
            return ItemError(f"{where}: the archive answered {words!r} in place of a spectrum.")
        if is_web_page(content) or answer.status in (401, 403):
            page = f"a web page {hide(page_title(content))}".strip() if content else "no page"
            return ServiceError(
                f"{where}: the archive answered HTTP {answer.status} with {page} in place of a spectrum. "
                f"{self._about_token()}"
            )
        if not content:
            return UnfitAnswerError("the archive sent an empty body")
        return ItemError(f"{where}: the archive sent {len(content):,} bytes that are neither FITS nor gzip.")

    def _about_token(self) -> str:
        variable = self._transport.token.variable
        release = f"{self._archive.release}/{self._archive.version}"
        if not variable:
            return f"{release} may be internal, or need a sign-in in a browser."
        if self._transport.token:
            return (
                f"{release} may be internal, and the token in {variable} was not accepted. Get a new one, or choose a "
                "public release (--release, --check)."
            )
        return (
            f"{release} may be internal: it then needs a token in the environment variable {variable}; "
            "or choose a public release (--release, --check)."
        )


def spectrum_addresses(archive: SpectrumArchive, request: Any) -> list[str]:
    """Paths of a spectrum below the address of the service, in the order in which they are asked."""
    names = {key: request[key] for key in ("release", "version", "obsid")}
    return [pattern.format(**names) for pattern in archive.spectrum]


def check_spectrum(content: bytes, obsid: int) -> None:
    """Check that a file is the spectrum that was asked for.

    Raises
    ------
    UnfitAnswerError
        If it is damaged.
    ItemError
        If it is no usable spectrum, or that of another observation.
    """
    try:
        spectrum = spectrum_of(content, Path(f"{obsid}.fits"))
    except SpectrumError as error:
        if error.code in _DAMAGE:
            raise UnfitAnswerError(f"the archive sent a damaged file: {error}".rstrip(".")) from None
        raise ItemError(f"The archive sent a file that is no usable spectrum: {error}") from error
    _check_obsid(spectrum.obsid, str(spectrum.meta["obsid_source"]), obsid)


def _check_obsid(number: int, source: str, obsid: int) -> None:
    if source != "header":
        raise ItemError(f"The file has no OBSID in its header, so that it cannot be told to be the spectrum {obsid}.")
    if number != obsid:
        raise ItemError(f"The file has OBSID {number} in its header; asked for was {obsid}.")


def _taken(entry: Entry, folder: Path, obsid: int) -> Entry | None:
    """Result for a file that is there already; None without one, and for a damaged one, which is replaced."""
    path = folder / entry.item.path
    if not path.is_file():
        return None
    try:
        spectrum = read_spectrum(path)
    except SpectrumError:
        return None
    try:
        _check_obsid(spectrum.obsid, str(spectrum.meta["obsid_source"]), obsid)
    except ItemError as error:
        raise ItemError(f"{path} is there and is not the spectrum {obsid}: {error} Move it away.") from error
    return _done(entry, entry.item.path, path.read_bytes())


def _stored(entry: Entry, folder: Path, obsid: int, file: _File) -> Entry:
    """Write a spectrum under the archive's name; if another observation's file has that name, under its obsid."""
    relative = Path(entry.item.path).with_name(file.name)
    if _is_of_another(folder / relative, obsid):
        relative = relative.with_name(f"{obsid}-{file.name}")
    write_whole(folder / relative, file.content)
    return _done(entry, relative.as_posix(), file.content)


def _is_of_another(path: Path, obsid: int) -> bool:
    try:
        return path.is_file() and read_spectrum(path).obsid != obsid
    except SpectrumError:
        return False


def _done(entry: Entry, path: str, content: bytes) -> Entry:
    return replace(
        entry,
        item=replace(entry.item, path=path),
        state=State.DONE,
        bytes=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        attempts=entry.attempts + 1,
        reason="",
    )
