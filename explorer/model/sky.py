"""Images of the sky and names at a star's position, from disk or from their services on request."""

from __future__ import annotations

import threading
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import msgspec

from explorer.config import NO_PATH, AppConfig
from explorer.model.sky_cache import SkyCache
from explorer.model.work import check_stopped
from pipeline.sources.archives.fetching import ItemError
from pipeline.sources.archives.profile import Archives
from pipeline.sources.archives.profile_reading import ArchiveProfileError, load_archives
from pipeline.sources.archives.sky import EmptySkyError, NamedStar, SkyClient, SkyError, SkyPicture

__all__ = ["FIELDS_ARCMIN", "NamesResult", "Sky", "SkyError", "SkyPicture", "SkyProfileError", "sky_of"]

NAMES_KEPT = timedelta(days=30)
"""Time after which names are requested again."""

FIELDS_ARCMIN = (1, 3, 10)
"""Widths of images."""


class SkyProfileError(ValueError):
    """The profile of the services cannot be used; the message names file, key and remedy."""


class NamesResult(msgspec.Struct, frozen=True):
    """Objects around a position, the nearest first, and the day on which the service listed them."""

    day: date
    stars: tuple[NamedStar, ...]


class Sky:
    """Images and names; methods that may send a request run in the background.

    Parameters
    ----------
    archives : Archives
        Services, surveys and queries.
    cache : SkyCache
        What was requested before.
    """

    def __init__(self, archives: Archives, cache: SkyCache) -> None:
        self.client, self.cache = SkyClient(archives, check_stopped), cache
        self._addresses = {key: service.address for key, service in archives.service.items()}

    @property
    def surveys(self) -> tuple[tuple[str, str], ...]:
        """Keys and titles of the surveys."""
        return tuple((key, survey.title) for key, survey in self.client.images.survey.items())

    @property
    def radius_arcsec(self) -> float:
        """Radius of the search for names."""
        return self.client.search.radius_arcsec

    def picture(self, survey: str, ra: float, dec: float, field_arcmin: int) -> SkyPicture:
        """An image of the sky around an ICRS position in degrees.

        Raises
        ------
        SkyError
            If the service does not deliver it.
        """
        client = self.client
        key = f"{self._addresses[client.images.service]}/{client.image_path(survey, ra, dec, field_arcmin)}"
        kept = self.cache.get(key)
        if kept is not None:
            try:
                return client.checked(kept)
            except (ItemError, EmptySkyError):  # damaged on disk
                self.cache.drop(key)
        picture = client.image(survey, ra, dec, field_arcmin)
        self.cache.put(key, picture.data)
        return picture

    def names(self, ra: float, dec: float) -> NamesResult:
        """Objects around an ICRS position in degrees.

        Raises
        ------
        SkyError
            If the service does not deliver them.
        """
        key = f"{self._addresses[self.client.search.service]}/{self.client.name_path(ra, dec)}"
        today, kept = datetime.now(UTC).date(), self.cache.get(key)
        if kept is not None:
            try:
                result = msgspec.json.decode(kept, type=NamesResult)
            except (msgspec.DecodeError, UnicodeDecodeError):  # damaged on disk
                self.cache.drop(key)
            else:
                if today - result.day < NAMES_KEPT:
                    return result
        result = NamesResult(today, self.client.names(ra, dec))
        self.cache.put(key, msgspec.json.encode(result))
        return result


_OPEN: dict[tuple[Path, Path], Sky] = {}
_OPENING = threading.Lock()


def sky_of(config: AppConfig) -> Sky | None:
    """The shared :class:`Sky` of this process; None where the server's keeper has not switched it on.

    Raises
    ------
    SkyProfileError
        If the profile cannot be used.
    """
    if config.sky_images == "off":
        return None
    with _OPENING:
        key = config.sky, config.sky_profile
        if key not in _OPEN:
            profiles = () if config.sky_profile == NO_PATH else (config.sky_profile,)
            try:
                _OPEN[key] = Sky(load_archives(*profiles), SkyCache(config.sky))
            except ArchiveProfileError as error:
                raise SkyProfileError(str(error)) from None
        return _OPEN[key]
