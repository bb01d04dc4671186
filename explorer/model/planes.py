"""Planes on which stars are projected: of the sky, and of a space that is turned.

A plane is a value, stored in links with a region that was drawn on it. The coordinates of all stars of a catalogue are
computed once for each plane.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from threading import Lock
from typing import Any, ClassVar, Protocol, TypeAlias, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from pipeline.domain.column import Column
from pipeline.domain.frames import SKY_FRAMES, sky_angles, sky_rotation, unit_vectors
from pipeline.science.space.sky_projection import FloatArray, Projection, centred, project

Points: TypeAlias = tuple[NDArray[np.float32], NDArray[np.float32]]

MAX_PLANES = 4
"""Number of planes whose coordinates are kept for a catalogue, those that were used last."""

_BLOCK = 500_000
_KINDS: dict[str, type[ProjectedPlane]] = {}


@dataclass(frozen=True)
class ProjectedPlane(ABC):
    """A plane of two coordinates that follow from several columns; see the subclasses."""

    kind: ClassVar[str]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Register the class for :func:`plane_from_dict`."""
        super().__init_subclass__(**kwargs)
        _KINDS[cls.kind] = cls

    @property
    @abstractmethod
    def names(self) -> tuple[str, ...]:
        """Columns that the coordinates follow from."""

    @abstractmethod
    def points(self, columns: Mapping[str, NDArray[Any]]) -> Points:
        """Coordinates of the stars of a table, NaN where a column has no value.

        Parameters
        ----------
        columns : mapping of str to ndarray, shape (n,)
            The table.

        Returns
        -------
        tuple of ndarray of float32, shape (n,)
            Horizontal and vertical coordinate.
        """

    @abstractmethod
    def describe(self, known: Mapping[str, Column]) -> str:
        """The plane in words; ``known`` has the labels of columns."""

    def to_dict(self) -> dict[str, Any]:
        """Convert to plain values; :func:`plane_from_dict` is the inverse."""
        return {"kind": self.kind} | asdict(self)


def plane_from_dict(stored: Mapping[str, Any]) -> ProjectedPlane:
    """Read what ``ProjectedPlane.to_dict`` made; ValueError, KeyError or TypeError if damaged."""
    cls = _KINDS[str(stored["kind"])]
    return cls(**{field.name: _READERS[str(field.type)](stored[field.name]) for field in fields(cls)})


@dataclass(frozen=True)
class SkyView:
    """Appearance of the sky: projection, frame and centre.

    Parameters
    ----------
    projection : Projection
        An equal-area projection.
    frame : str
        Key of :data:`pipeline.domain.frames.SKY_FRAMES`.
    lon, lat : float
        Centre in the frame, in degrees; the latitude is 0 unless the projection is zenithal.

    Raises
    ------
    ValueError
        If the frame is unknown, or the projection cannot have the centre.
    """

    projection: Projection = Projection.MOLLWEIDE
    frame: str = "galactic"
    lon: float = 0.0
    lat: float = 0.0

    def __post_init__(self) -> None:
        """Refuse an impossible view."""
        if self.frame not in SKY_FRAMES:
            raise ValueError(f"There is no frame {self.frame!r:.40} of the sky; known are {', '.join(SKY_FRAMES)}.")
        if not (math.isfinite(self.lon) and 0.0 <= self.lon < 360.0 and -90.0 <= self.lat <= 90.0):
            raise ValueError(
                f"The centre of the sky needs a longitude of 0 to 360 and a latitude of -90 to 90 deg; found "
                f"{self.lon:g}, {self.lat:g}."
            )
        if self.lat and not self.projection.has_latitude:
            raise ValueError(
                f"The {self.projection.words} projection is centred on the equator; found a latitude of {self.lat:g} "
                "deg. Use the zenithal one, or the latitude 0."
            )

    @property
    def title(self) -> str:
        """Projection, frame and centre in words."""
        centre = f"{self.lon:g}°" if not self.projection.has_latitude else f"{self.lon:g}° {self.lat:+g}°"
        return f"{self.projection.words}, {SKY_FRAMES[self.frame].title}, centre {centre}"

    @property
    def matrix(self) -> FloatArray:
        """Matrix from unit vectors of the frame to those of the projection, shape (3, 3)."""
        return centred(self.lon, self.lat)

    def to_dict(self) -> dict[str, Any]:
        """Convert to plain values; :func:`sky_view_from_dict` is the inverse."""
        return asdict(self)


FIRST_SKY = SkyView()
"""The sky at first."""


def sky_view_from_dict(stored: Mapping[str, Any]) -> SkyView:
    """Read the output of :meth:`SkyView.to_dict`; ValueError, KeyError or TypeError if it is damaged."""
    return SkyView(Projection(stored["projection"]), str(stored["frame"]), float(stored["lon"]), float(stored["lat"]))


@dataclass(frozen=True)
class SkyPlane(ProjectedPlane):
    """The sky in a projection, in degrees; longitude grows along the horizontal axis.

    Parameters
    ----------
    view : SkyView
        Projection, frame and centre.
    source : str
        Key of the frame whose columns give the positions.
    """

    kind: ClassVar[str] = "sky"

    view: SkyView
    source: str

    def __post_init__(self) -> None:
        """Refuse an unknown frame."""
        if self.source not in SKY_FRAMES:
            raise ValueError(f"There is no frame {self.source!r:.40} of the sky; known are {', '.join(SKY_FRAMES)}.")

    @property
    def names(self) -> tuple[str, ...]:
        """Columns of longitude and latitude."""
        return SKY_FRAMES[self.source].longitude, SKY_FRAMES[self.source].latitude

    def points(self, columns: Mapping[str, NDArray[Any]]) -> Points:
        """Coordinates on the plane in degrees."""
        lon, lat = (columns[name] for name in self.names)
        matrix = self.view.matrix @ sky_rotation(self.source, self.view.frame)
        x, y = np.empty(lon.size, np.float32), np.empty(lon.size, np.float32)
        for first in range(0, lon.size, _BLOCK):
            part = slice(first, first + _BLOCK)
            vectors = unit_vectors(lon[part], np.where(np.abs(lat[part]) <= 90.0, lat[part], np.nan))
            x[part], y[part] = project(self.view.projection, vectors @ matrix.T)
        return x, y

    def angles(self, columns: Mapping[str, NDArray[Any]], rows: NDArray[np.integer[Any]]) -> tuple[FloatArray, ...]:
        """Longitude and latitude of some stars in the frame of the view, in degrees."""
        lon, lat = (columns[name][rows] for name in self.names)
        if self.source == self.view.frame:
            return np.asarray(lon, np.float64), np.asarray(lat, np.float64)
        return sky_angles(unit_vectors(lon, lat) @ sky_rotation(self.source, self.view.frame).T)

    def describe(self, known: Mapping[str, Column]) -> str:  # noqa: ARG002 - the frame has a name
        """Projection, frame and centre."""
        return f"the sky ({self.view.title})"


@dataclass(frozen=True)
class Turn:
    """Direction from which a space is seen.

    Parameters
    ----------
    azimuth : float
        Turn about the third axis in degrees, 0 to 360; at 0 the first axis points to the right.
    elevation : float
        Height of the eye over the plane of the first two axes in degrees, -90 to 90; at 90 they are seen from above.

    Raises
    ------
    ValueError
        If an angle is beyond these limits.
    """

    azimuth: float = 330.0
    elevation: float = 25.0

    def __post_init__(self) -> None:
        """Refuse impossible angles."""
        if not (0.0 <= self.azimuth < 360.0 and -90.0 <= self.elevation <= 90.0):
            raise ValueError(
                f"A view of space needs an azimuth of 0 to 360 and an elevation of -90 to 90 deg; found "
                f"{self.azimuth:g}, {self.elevation:g}."
            )

    @property
    def matrix(self) -> FloatArray:
        """Rows are the horizontal and vertical axis of the screen and the direction to the eye, shape (3, 3)."""
        across, up = math.radians(self.azimuth), math.radians(self.elevation)
        (sine, cosine), (high, low) = (math.sin(across), math.cos(across)), (math.sin(up), math.cos(up))
        return np.array(
            [
                [cosine, sine, 0.0],
                [-sine * high, cosine * high, low],
                [sine * low, -cosine * low, high],
            ]
        )

    @property
    def words(self) -> str:
        """The angles in words."""
        return f"azimuth {self.azimuth:.4g}°, elevation {self.elevation:.4g}°"

    def to_dict(self) -> dict[str, Any]:
        """Convert to plain values; :func:`turn_from_dict` is the inverse."""
        return asdict(self)


FIRST_TURN = Turn()
"""The direction at first: from above the plane, the first axis to the right."""


def turn_from_dict(stored: Mapping[str, Any]) -> Turn:
    """Read the output of :meth:`Turn.to_dict`; ValueError, KeyError or TypeError if it is damaged."""
    return Turn(float(stored["azimuth"]), float(stored["elevation"]))


@dataclass(frozen=True)
class TurnedPlane(ProjectedPlane):
    """A space of three columns, seen from a direction, without perspective.

    Parameters
    ----------
    x, y, z : str
        Columns of the space.
    turn : Turn
        Direction from which it is seen.
    centre : tuple of float
        Values of the columns in the middle of the plane.
    unit : tuple of float
        Length of a unit of the plane along each column.
    """

    kind: ClassVar[str] = "turned"

    x: str
    y: str
    z: str
    turn: Turn
    centre: tuple[float, float, float]
    unit: tuple[float, float, float]

    def __post_init__(self) -> None:
        """Refuse a space without an extent."""
        if len(self.centre) != 3 or len(self.unit) != 3 or not all(map(math.isfinite, self.centre)):
            raise ValueError("A space needs a centre and a unit of three finite numbers.")
        if not all(math.isfinite(size) and size > 0.0 for size in self.unit):
            raise ValueError(f"The units of a space must be above 0; found {self.unit}.")

    @property
    def names(self) -> tuple[str, ...]:
        """The columns of the space."""
        return self.x, self.y, self.z

    def points(self, columns: Mapping[str, NDArray[Any]]) -> Points:
        """Coordinates on the plane, in its unit."""
        matrix = self.turn.matrix
        x, y = np.zeros(columns[self.x].size, np.float32), np.zeros(columns[self.x].size, np.float32)
        for name, middle, unit, across, up in zip(self.names, self.centre, self.unit, *matrix[:2], strict=True):
            with np.errstate(over="ignore", invalid="ignore"):
                values = ((columns[name] - middle) / unit).astype(np.float32)
                x += np.float32(across) * values
                y += np.float32(up) * values
        return x, y

    def describe(self, known: Mapping[str, Column]) -> str:
        """Columns and direction."""
        labels = ", ".join(known[name].label if name in known else name for name in self.names)
        return f"{labels} seen from {self.turn.words}"


_READERS: dict[str, Callable[[Any], Any]] = {
    "SkyView": sky_view_from_dict,
    "Turn": turn_from_dict,
    "str": str,
    "tuple[float, float, float]": lambda stored: tuple(float(value) for value in stored),
}
"""Readers of the fields of a stored plane, by annotation."""


class KeptPlanes:
    """Coordinates of one table on the planes that were used last; safe for several threads."""

    def __init__(self) -> None:
        self._points: dict[Any, Points] = {}
        self._lock = Lock()

    def get(self, plane: ProjectedPlane, columns: Mapping[str, NDArray[Any]], state: Any = None) -> Points:
        """Coordinates on a plane, computed at first use; ``state`` identifies the values of the columns."""
        key = (plane, state)
        with self._lock:
            points = self._points.pop(key, None)
        if points is None:
            points = plane.points(columns)
            for values in points:
                values.setflags(write=False)
        with self._lock:
            self._points[key] = points
            while len(self._points) > MAX_PLANES:
                self._points.pop(next(iter(self._points)))
        return points


@runtime_checkable
class KeepsPlanes(Protocol):
    """A table that keeps the coordinates of its stars on planes."""

    def projected(self, plane: ProjectedPlane) -> Points:
        """Coordinates of every star on a plane."""
