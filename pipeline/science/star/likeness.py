"""Stars whose spectra look alike."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Block: TypeAlias = Callable[[slice], tuple[NDArray[np.float32], NDArray[np.float32]]]

_BLOCK = 256
_PIXELS_A_BIN = 8


def closest(obsid: NDArray[np.int64], distance: NDArray[np.float64], most: int) -> tuple[int, ...]:
    """Return the ids of at most ``most`` stars in order of a distance, those of unknown distance left out."""
    known = np.flatnonzero(np.isfinite(distance))
    order = known[np.argsort(distance[known], kind="stable")[:most]]
    return tuple(int(value) for value in obsid[order])


class Likeness:
    """Finds stars whose spectra look alike, at the resolution of eight pixels.

    Parameters
    ----------
    obsid : ndarray of int64, shape (n_stars,)
        Observation ids.
    n_pixels : int
        Pixels a spectrum.
    block : callable
        Takes a slice of rows and returns flux and inverse variance, each of shape (n_rows, n_pixels).
    """

    def __init__(self, obsid: NDArray[np.int64], n_pixels: int, block: Block) -> None:
        self.obsid = obsid
        n_bins = n_pixels // _PIXELS_A_BIN
        self.flux = np.zeros((len(obsid), n_bins), np.float32)
        self.ivar = np.zeros((len(obsid), n_bins), np.float32)
        for start in range(0, len(obsid), _BLOCK):
            rows = slice(start, start + _BLOCK)
            flux, ivar = block(rows)
            used = n_bins * _PIXELS_A_BIN
            shape = (len(flux), n_bins, _PIXELS_A_BIN)
            weight = ivar[:, :used].reshape(shape)
            self.ivar[rows] = weight.sum(axis=2)
            total = (np.nan_to_num(flux[:, :used]).reshape(shape) * weight).sum(axis=2)
            self.flux[rows] = total / np.maximum(self.ivar[rows], 1e-20)

    def nearest(self, obsid: int, most: int) -> tuple[int, ...]:
        """Stars in order of mean squared difference over their noise; by obsid, without the star itself."""
        at = int(np.flatnonzero(self.obsid == obsid)[0])
        distance = np.empty(len(self.obsid))
        for start in range(0, len(distance), 4096):
            rows = slice(start, start + 4096)
            both = self.ivar[rows] * self.ivar[at]
            weight = both / np.maximum(self.ivar[rows] + self.ivar[at], 1e-20)
            count = (both > 0).sum(axis=1)
            chi2 = (weight * (self.flux[rows] - self.flux[at]) ** 2).sum(axis=1)
            distance[rows] = np.where(2 * count > both.shape[1], chi2 / np.maximum(count, 1), np.nan)
        distance[at] = np.nan
        return closest(self.obsid, distance, most)
