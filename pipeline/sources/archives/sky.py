"""Client of sky images and of names at a position: one polite request each, checked answers."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from io import BytesIO
from math import degrees, radians
from typing import Any, TypeVar
from urllib.parse import quote

import msgspec
import numpy as np
from astropy.coordinates import angular_separation
from PIL import Image, UnidentifiedImageError

from pipeline.sources.archives.fetching import ItemError
from pipeline.sources.archives.polite_session import InterruptedFetchError
from pipeline.sources.archives.profile import Archives
from pipeline.sources.archives.profile_reading import ArchiveProfileError
from pipeline.sources.archives.sky_profile import NameService, SkyService
from pipeline.sources.archives.tap_answers import AnswerError, quoted, read_answer
from pipeline.sources.archives.transport import Answer, Transport

MAX_IMAGE_BYTES = 2 << 20
MAX_NAMES_BYTES = 1 << 20
MAX_NAMES = 20
"""Most stars around a position that are kept, the nearest first."""

_FORMATS = {"JPEG": "image/jpeg", "PNG": "image/png"}
_MAX_TEXT = 2000

Result = TypeVar("Result")


class SkyError(Exception):
    """There is no image or name; the message is a sentence without the address of the request."""


class EmptySkyError(SkyError):
    """A survey does not cover a position: the same request would not help."""


@dataclass(frozen=True)
class SkyPicture:
    """A checked image.

    Parameters
    ----------
    data : bytes
        JPEG or PNG.
    mime : str
        Its content type.
    """

    data: bytes = field(repr=False)
    mime: str


class NamedStar(msgspec.Struct, frozen=True):
    """An object of a service of names.

    Parameters
    ----------
    name : str
        Its main identifier.
    kind : str
        Its type, as the service abbreviates it.
    others : tuple of str
        Its other identifiers.
    separation_arcsec : float
        Distance from the position that was asked for.
    """

    name: str
    kind: str
    others: tuple[str, ...]
    separation_arcsec: float


class SkyClient:
    """Requests images and names; used by several threads, which share the spacing of each service.

    Parameters
    ----------
    archives : Archives
        Services, surveys and queries.
    proceed : callable
        Called with each part of an answer, in the thread that receives it; what it raises ends the request.

    Raises
    ------
    ArchiveProfileError
        If a path or the query has a field that nothing fills.
    """

    def __init__(self, archives: Archives, proceed: Callable[[], None] = lambda: None) -> None:
        self.images: SkyService = archives.sky["images"]
        self.search: NameService = archives.names["simbad"]
        self._proceed = proceed
        self._transports = {
            key: Transport(archives.service[key], lambda _count: proceed())
            for key in (self.images.service, self.search.service)
        }
        try:
            self.name_path(0.0, 0.0)
            for survey in self.images.survey:
                self.image_path(survey, 0.0, 0.0, 1.0)
        except (KeyError, IndexError, ValueError) as error:
            raise ArchiveProfileError(
                f"A path or the query of sky.images or names.simbad has a field that nothing fills: {error}."
            ) from None

    @property
    def image_site(self) -> str:
        """The service of images, in words."""
        return self._site(self.images.service)

    @property
    def name_site(self) -> str:
        """The service of names, in words."""
        return self._site(self.search.service)

    def image_path(self, survey: str, ra: float, dec: float, field_arcmin: float) -> str:
        """Path of an image below the service's address.

        Parameters
        ----------
        survey : str
            Key of a survey.
        ra, dec : float
            ICRS position of the centre in degrees.
        field_arcmin : float
            Width and height of the image in minutes of arc.
        """
        return self.images.path.format(
            hips=quote(self.images.survey[survey].hips, safe=""),
            ra=f"{ra % 360.0:.6f}",
            dec=f"{dec:.6f}",
            fov_deg=f"{field_arcmin / 60.0:.8f}",
            pixels=self.images.pixels,
        )

    def image(self, survey: str, ra: float, dec: float, field_arcmin: float) -> SkyPicture:
        """Request an image; parameters as :meth:`image_path`.

        Raises
        ------
        SkyError
            If the service does not deliver an image of the size that was asked for.
        """

        def receive(answer: Answer) -> SkyPicture:
            body = self._body(answer, MAX_IMAGE_BYTES, self.images.total_s)
            kind = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
            if kind not in _FORMATS.values():
                raise ItemError(f"the service sent {kind or 'content of no kind'} in place of an image")
            return self.checked(body, self.images.survey[survey].title)

        return self._get(self.images.service, self.image_path(survey, ra, dec, field_arcmin), receive)

    def checked(self, data: bytes, title: str = "The survey") -> SkyPicture:
        """Decode an image whole and check its size, before anybody sees it.

        Raises
        ------
        EmptySkyError
            If all pixels are equal: the survey does not cover the position.
        ItemError
            If it is no JPEG or PNG of the size that was asked for, or damaged.
        """
        side = self.images.pixels
        try:
            with Image.open(BytesIO(data), formats=tuple(_FORMATS)) as image:
                kind, size = str(image.format), image.size
                if size != (side, side):  # before any pixel is decoded
                    raise ItemError(f"the service sent an image of {size[0]} x {size[1]} pixels, not {side} x {side}")
                pixels = np.asarray(image.convert("RGB"))
        except (UnidentifiedImageError, Image.DecompressionBombError, OSError, ValueError, SyntaxError) as error:
            raise ItemError(f"the service sent no image that can be decoded ({type(error).__name__})") from None
        if (pixels == pixels[0, 0]).all():
            raise EmptySkyError(f"{title} has no image of this position.")
        return SkyPicture(data, _FORMATS[kind])

    def name_path(self, ra: float, dec: float) -> str:
        """Path of the names around an ICRS position in degrees, below the service's address."""
        search = self.search
        place = {"ra": f"{ra % 360.0:.6f}", "dec": f"{dec:.6f}", "radius_deg": f"{search.radius_arcsec / 3600.0:.8f}"}
        return search.path.format(rows=search.rows, query=quote(search.query.format(**place), safe=""))

    def names(self, ra: float, dec: float) -> tuple[NamedStar, ...]:
        """Request the objects around an ICRS position in degrees, the nearest first.

        Raises
        ------
        SkyError
            If the service does not deliver them.
        """

        def receive(answer: Answer) -> tuple[NamedStar, ...]:
            body = self._body(answer, MAX_NAMES_BYTES, self.search.total_s)
            try:
                rows = read_answer(body, self.search.rows).to_pylist()
                stars = [_named(row, ra, dec) for row in rows]
            except AnswerError as error:
                raise ItemError(f"the service {error}") from None
            return tuple(sorted(stars, key=lambda star: star.separation_arcsec)[:MAX_NAMES])

        return self._get(self.search.service, self.name_path(ra, dec), receive)

    def _site(self, key: str) -> str:
        service = self._transports[key].service
        return service.note or service.address

    def _body(self, answer: Answer, max_bytes: int, total_s: float) -> bytes:
        """A whole body in time."""
        end, parts, size = time.monotonic() + total_s, [], 0
        if answer.status != 200:
            raise ItemError(f"the service answered HTTP {answer.status}")
        for chunk in answer.chunks:
            size += len(chunk)
            parts.append(chunk)
            if size > max_bytes:
                raise ItemError(f"the service sent more than {max_bytes:,} bytes; no more are read")
            if time.monotonic() > end:
                raise ItemError(f"the answer was not complete after {total_s:g} s")
        return b"".join(parts)

    def _get(self, key: str, path: str, receive: Callable[[Answer], Result]) -> Result:
        """Request an address once; errors become sentences without it, which holds the coordinates."""
        transport = self._transports[key]
        self._proceed()
        try:
            return transport.get(path, receive)
        except InterruptedFetchError:
            raise SkyError(f"{self._site(key)}: the request was ended.") from None
        except ItemError as error:
            reason = str(error).removeprefix(f"{transport.address(path)}: ").rstrip(".")
            raise SkyError(f"{self._site(key)}: {reason}.") from None


def _named(row: Mapping[str, Any], ra: float, dec: float) -> NamedStar:
    """A star from a row of a result.

    Raises
    ------
    AnswerError
        If the row has no name or no position.
    """
    by_name = {str(name).lower(): value for name, value in row.items()}
    name, place = by_name.get("main_id"), [by_name.get("ra"), by_name.get("dec")]
    there = [radians(value) for value in place if isinstance(value, int | float)]
    if not isinstance(name, str) or len(there) != 2:
        raise AnswerError(f"sent a row without a name or a position: {quoted(str(dict(row)))}")
    separation = degrees(float(angular_separation(radians(ra), radians(dec), *there))) * 3600.0
    main = " ".join(name.split())[:_MAX_TEXT]
    others = (" ".join(part.split()) for part in str(by_name.get("ids") or "")[:_MAX_TEXT].split("|"))
    kind = " ".join(str(by_name.get("otype_txt") or "").split())[:_MAX_TEXT]
    return NamedStar(main, kind, tuple(part for part in others if part and part != main), separation)
