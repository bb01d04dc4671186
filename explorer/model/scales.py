"""Scales of axes: linear, logarithmic, and symmetric logarithmic, between values and coordinates.

Stars are drawn, zoomed and found in coordinates, in which every axis is linear. A coordinate of a logarithmic axis is a
decade; one of a symmetric axis is a decade far from zero, on either side of it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

_DECADES = 300.0
"""Coordinates beyond so many decades have the value there, so that every value of an axis is finite."""

_NEAR_ZERO = 0.1
"""Fraction of the absolute values that a symmetric scale shows nearly linearly."""


class ScaleKind(StrEnum):
    """How values are spread over an axis."""

    LINEAR = "linear"
    LOG = "log"
    SYMLOG = "symlog"


@dataclass(frozen=True)
class Scale:
    """Scale of an axis.

    Parameters
    ----------
    kind : ScaleKind
        Linear; logarithmic; or symmetric, by the inverse hyperbolic sine, which also shows zero and negative values.
    width : float
        Absolute value below which a symmetric scale is about linear, in the column's unit.

    Raises
    ------
    ValueError
        If the width is not above 0.
    """

    kind: ScaleKind = ScaleKind.LINEAR
    width: float = 1.0

    def __post_init__(self) -> None:
        """Refuse a width that no scale can have."""
        if not (self.width > 0.0 and math.isfinite(self.width)):
            raise ValueError(f"The width of a scale must be above 0; found {self.width}.")

    @property
    def is_linear(self) -> bool:
        """Whether coordinates are the values."""
        return self.kind is ScaleKind.LINEAR

    def forward(self, values: NDArray[Any]) -> NDArray[Any]:
        """Coordinates of values.

        Parameters
        ----------
        values : ndarray, shape (n,)
            Values in the column's unit.

        Returns
        -------
        ndarray of float64, shape (n,)
            ``log10(v)``, NaN where v <= 0; or ``asinh(v / 2w) / ln 10``, which is near ``±log10(|v| / w)`` for large
            values (Lupton, Gunn & Szalay 1999, Eq. 3). A linear scale returns the values as they are.
        """
        if self.is_linear:
            return values
        exact = np.asarray(values, np.float64)
        if self.kind is ScaleKind.LOG:
            with np.errstate(divide="ignore", invalid="ignore"):
                return np.asarray(np.log10(np.where(exact > 0.0, exact, np.nan)))
        return np.asarray(np.arcsinh(exact / (2.0 * self.width)) / math.log(10.0))

    def inverse(self, coordinates: NDArray[Any]) -> NDArray[Any]:
        """Values of coordinates, the inverse of :meth:`forward`; finite ones at any coordinate."""
        if self.is_linear:
            return coordinates
        inside = np.clip(np.asarray(coordinates, np.float64), -_DECADES, _DECADES)
        if self.kind is ScaleKind.LOG:
            return np.asarray(10.0**inside)
        reach = min(_DECADES, _DECADES - math.log10(self.width))
        return np.asarray(2.0 * self.width * np.sinh(np.clip(inside, -reach, reach) * math.log(10.0)))

    def coordinate(self, value: float) -> float:
        """Coordinate of one value; NaN where the scale has none."""
        return float(self.forward(np.array([value]))[0])

    def value(self, coordinate: float) -> float:
        """Value of one coordinate."""
        return float(self.inverse(np.array([coordinate]))[0])

    def named(self, label: str) -> str:
        """Label of a quantity on this scale."""
        return label if self.is_linear else f"{self.kind} {label}"

    def to_dict(self) -> dict[str, Any]:
        """Convert to plain values; :func:`scale_from_dict` is the inverse."""
        return asdict(self)


LINEAR = Scale()
"""The scale of an axis unless another one is chosen."""


def scale_from_dict(stored: Mapping[str, Any]) -> Scale:
    """Read the output of :meth:`Scale.to_dict`; ValueError, KeyError or TypeError if it is damaged."""
    return Scale(ScaleKind(stored["kind"]), float(stored["width"]))


def symmetric_scale(values: NDArray[Any]) -> Scale:
    """Symmetric scale for some values, about linear for the tenth of them nearest to zero."""
    sizes = np.abs(values[np.isfinite(values) & (values != 0)], dtype=np.float64)
    if not sizes.size:
        return Scale(ScaleKind.SYMLOG)
    return Scale(ScaleKind.SYMLOG, 10.0 ** math.floor(math.log10(float(np.quantile(sizes, _NEAR_ZERO)))))
