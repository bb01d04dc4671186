"""Residuals of the sky subtraction, learned from the run: noise that mask and ivar do not include.

At rest in the observed frame, the residuals of many stars of one plate and spectrograph have a median pattern and a
spread beyond the stated noise wherever night-sky lines were subtracted badly. Both are added to the variance. The
residuals are taken in units of each spectrum's typical noise, because what is left of the sky weighs most on the
faintest stars.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

MIN_STARS = 12
"""A group with fewer learned stars takes the pattern of the next wider one."""

MAX_STARS, MAX_OF_WIDEST = 60, 300
"""Stars of each group, and of the widest, that are learned from, at most: bounds the time."""

_OF_MEDIAN = np.pi / 2.0
"""Variance of a median over that of a mean, for normal values."""


@dataclass(frozen=True)
class SkyNoise:
    """Variance to add, in squares of each spectrum's typical noise.

    Parameters
    ----------
    pattern : ndarray, shape (n_patterns, p)
        Added variance a pixel.
    of_star : ndarray of int, shape (n_stars,)
        Pattern of each star; -1 for none.
    facts : list of dict
        A dictionary a level: ``level``, ``groups``, ``stars`` that take their pattern from it.
    """

    pattern: FloatArray
    of_star: NDArray[np.int64]
    facts: list[dict[str, str | int]]

    def inflated(self, ivar: FloatArray, mask: NDArray[np.bool_], rows: slice | NDArray[np.intp]) -> FloatArray:
        """Inverse variances of some stars with what the sky adds, shape (n_rows, p).

        Parameters
        ----------
        ivar : ndarray, shape (n_rows, p)
            Of the normalised spectra on the pixels that were learned.
        mask : ndarray of bool, shape (n_rows, p)
            Pixels without information.
        rows : slice or ndarray of int
            Which of the stars these are.
        """
        number = self.of_star[rows]
        usable = (ivar > 0) & ~mask
        if not len(self.pattern):
            return ivar
        extra = np.where(number[:, None] >= 0, self.pattern[np.maximum(number, 0)], 0.0)
        extra = extra * typical_variance(ivar, usable)[:, None]
        return np.where(usable, 1.0 / (1.0 / np.where(usable, ivar, 1.0) + extra), ivar)


def typical_variance(ivar: FloatArray, usable: NDArray[np.bool_]) -> FloatArray:
    """Median variance of each spectrum's usable pixels, shape (n,); 0 without any."""
    ordered = np.sort(np.where(usable, 1.0 / np.where(usable, ivar, 1.0), np.inf), axis=1)
    count = usable.sum(axis=1)
    middle = np.take_along_axis(ordered, (np.maximum(count, 1) // 2)[:, None], axis=1)[:, 0]
    return np.where((count > 0) & np.isfinite(middle), middle, 0.0)


def sample_rows(levels: Sequence[tuple[str, NDArray[np.str_]]]) -> NDArray[np.intp]:
    """Stars to learn from: of each group at most so many, spread evenly over its rows; sorted.

    A star counts for the finest of its groups that has enough stars; those of thin groups count for a wider one.

    Parameters
    ----------
    levels : sequence of (str, ndarray of str, shape (n_stars,))
        As for :func:`learn_sky`.
    """
    waiting = np.ones(len(levels[0][1]), np.bool_)
    kept = [np.zeros(0, np.intp)]
    for number, (_, group) in enumerate(levels):
        most = MAX_OF_WIDEST if number == len(levels) - 1 else MAX_STARS
        rows = np.flatnonzero(waiting & (group != ""))
        _, member, count = np.unique(group[rows], return_inverse=True, return_counts=True)
        rows = rows[np.argsort(member, kind="stable")]
        for part in np.split(rows, np.cumsum(count)[:-1]):
            if part.size >= MIN_STARS:
                spread = np.linspace(0, part.size - 1, min(most, part.size)).round().astype(np.intp)
                kept.append(part[np.unique(spread)])
                waiting[part] = False
    return np.sort(np.concatenate(kept))


def learn_sky(
    residual: FloatArray,
    ivar: FloatArray,
    mask: NDArray[np.bool_],
    learned: NDArray[np.intp],
    levels: Sequence[tuple[str, NDArray[np.str_]]],
) -> SkyNoise:
    """Median residual and excess spread of each star's finest group with enough stars.

    Parameters
    ----------
    residual, ivar : ndarray, shape (m, p)
        Flux minus fit, and inverse variance, of the stars that are learned from, in the observed frame.
    mask : ndarray of bool, shape (m, p)
        Pixels without information; whole rows for stars without a velocity.
    learned : ndarray of int, shape (m,)
        Which of all stars these are.
    levels : sequence of (str, ndarray of str, shape (n_stars,))
        Names of the levels and groups of all stars, the finest first; "" is no group.

    Returns
    -------
    SkyNoise
        ``median^2 + (robust spread^2 - noise^2)``, each without what noise alone would give.
    """
    usable = (ivar > 0) & ~mask
    typical = typical_variance(ivar, usable)
    counted = usable.sum(axis=1) > usable.shape[1] // 2
    scale = np.where(typical > 0, typical, 1.0)[:, None]
    values = np.where(usable, residual / np.sqrt(scale), np.nan)
    noise = np.where(usable, 1.0 / np.where(usable, ivar, 1.0) / scale, np.nan)
    of_star = np.full(len(levels[0][1]) if levels else 0, -1)
    patterns: list[FloatArray] = []
    facts: list[dict[str, str | int]] = []
    for level, group in levels:
        made = taken = 0
        mine = group[learned]
        for name in np.unique(mine[counted & (mine != "")]):
            some = counted & (mine == name)
            waiting = (of_star < 0) & (group == name)
            if some.sum() < MIN_STARS or not waiting.any():
                continue
            of_star[waiting] = len(patterns)
            patterns.append(_excess(values[some], noise[some]))
            made, taken = made + 1, taken + int(waiting.sum())
        facts.append({"level": level, "groups": made, "stars": taken})
    pattern = np.stack(patterns) if patterns else np.zeros((0, residual.shape[1]))
    return SkyNoise(pattern, of_star, facts)


def _excess(values: FloatArray, noise: FloatArray) -> FloatArray:
    """Variance beyond the noise in each pixel of one group; pixels with too few values get 0."""
    enough = np.isfinite(values).sum(axis=0) >= MIN_STARS // 2
    result = np.zeros(values.shape[1])
    some, own = values[:, enough], np.nanmedian(noise[:, enough], axis=0)
    middle = np.nanmedian(some, axis=0)
    spread = (1.4826 * np.nanmedian(np.abs(some - middle), axis=0)) ** 2
    expected = _OF_MEDIAN * np.maximum(spread, own) / np.isfinite(some).sum(axis=0)
    result[enough] = np.maximum(middle**2 - expected, 0.0) + np.maximum(spread - own, 0.0)
    return result
