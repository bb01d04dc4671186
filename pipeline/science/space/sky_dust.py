"""Two-dimensional dust map, distributed along the sightline by the analytic disc.

It has clouds on the sky and is smooth along the sightline.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pipeline.science.space.dust import ExponentialDisc

FloatArray = NDArray[np.float64]

BEHIND_DISC_KPC = 400.0


@dataclass(frozen=True)
class ColumnInDisc:
    """The analytic disc, scaled on each sightline so that all its dust is the column of a map.

    Parameters
    ----------
    name : str
        Caption of the map and of the disc together.
    column : callable
        (l, b) in degrees, shape (n,) -> E(B-V) of the whole sightline, shape (n,); NaN outside the map, where the disc
        stays as it is.
    files : tuple of Path
        What the map was read from.
    disc : ExponentialDisc
        The profile along the sightline.
    """

    name: str
    column: Callable[[FloatArray, FloatArray], FloatArray]
    files: tuple[Path, ...] = ()
    disc: ExponentialDisc = field(default_factory=ExponentialDisc)

    @property
    def coefficients(self) -> Mapping[str, float]:
        """A_band / E(B-V) of the disc: the map's E(B-V) is a true one."""
        return self.disc.coefficients

    def reddening(self, glon_deg: ArrayLike, glat_deg: ArrayLike, distance_kpc: ArrayLike) -> FloatArray:
        """Implement :meth:`DustMap.reddening`; NaN where the distance is NaN or negative."""
        return self.disc.reddening(glon_deg, glat_deg, distance_kpc) * self._scale(glon_deg, glat_deg)

    def reddening_profile(self, glon_deg: ArrayLike, glat_deg: ArrayLike, distance_kpc: ArrayLike) -> FloatArray:
        """See :meth:`~pipeline.science.space.dust.DustMap.reddening_profile`."""
        profile = self.disc.reddening_profile(glon_deg, glat_deg, distance_kpc)
        return profile * np.atleast_1d(self._scale(glon_deg, glat_deg))[:, None]

    def reach_kpc(self, glon_deg: ArrayLike, glat_deg: ArrayLike) -> FloatArray:
        """Infinity, shape (n,): the column holds all dust."""
        return self.disc.reach_kpc(glon_deg, glat_deg)

    def covers(self, glon_deg: FloatArray, glat_deg: FloatArray) -> NDArray[np.bool_]:
        """Whether the map, not the disc alone, gives the column of each sightline, shape (n,)."""
        return np.isfinite(self.column(glon_deg, glat_deg))

    def _scale(self, glon_deg: ArrayLike, glat_deg: ArrayLike) -> FloatArray:
        glon, glat = np.broadcast_arrays(np.asarray(glon_deg, float), np.asarray(glat_deg, float))
        whole = self.disc.reddening(glon, glat, np.full(glon.shape, BEHIND_DISC_KPC))
        scale = self.column(glon.ravel(), glat.ravel()).reshape(glon.shape) / whole
        return np.asarray(np.where(np.isfinite(scale), np.maximum(scale, 0.0), 1.0))
