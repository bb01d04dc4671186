"""Services of sky images and of names as data: addresses below a service, surveys, the query."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

_Seconds = Annotated[float, Meta(gt=0.0)]


class SkySurvey(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A survey of the sky.

    Parameters
    ----------
    title : str
        Its name and bands, for the menu.
    hips : str
        Identifier of its HiPS (Hierarchical Progressive Survey, IVOA).
    """

    title: str
    hips: str


class SkyService(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A service of square images with North up and East to the left, in a gnomonic projection.

    Parameters
    ----------
    service : str
        Key of its service.
    path : str
        Path of an image below the service's address; fields {hips}, {ra}, {dec}, {fov_deg}, {pixels}.
    pixels : int
        Width and height of an image; another size is refused.
    total_s : float
        Seconds in which an image must have arrived.
    survey : dict of str to SkySurvey
        Surveys by key, in the order of the menu.
    """

    service: str
    path: str
    pixels: Annotated[int, Meta(ge=64, le=2000)]
    total_s: _Seconds
    survey: dict[str, SkySurvey]


class NameService(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A service of names around a position, by a synchronous query of TAP.

    Parameters
    ----------
    service : str
        Key of its service.
    path : str
        Path of the answer below the service's address; fields {rows}, {query}.
    query : str
        Query in ADQL; fields {ra}, {dec}, {radius_deg}. It returns main_id, otype_txt, ra, dec and ids.
    radius_arcsec : float
        Radius of the search.
    rows : int
        One row more than can be right.
    total_s : float
        Seconds in which the answer must have arrived.
    """

    service: str
    path: str
    query: str
    radius_arcsec: Annotated[float, Meta(gt=0.0, le=60.0)]
    rows: Annotated[int, Meta(ge=2)]
    total_s: _Seconds
