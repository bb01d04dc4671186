"""The two sides of a cross-match, and pairs of their rows."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

MAX_CANDIDATES = int(np.iinfo(np.int16).max)
"""More rows of the other table than this for one base row are refused: the key that they share is a filling value."""

MAX_PROPER_MOTION_MASYR = 20_000.0
"""Twice that of Barnard's star: no star moves faster."""

EPOCHS_YR = (1700.0, 2300.0)
"""Julian years that an epoch may have; other numbers are days or filling values."""


@dataclass(frozen=True, eq=False)
class Side:
    """One side of a cross-match: what is known of each row. Columns that the table lacks are None.

    Parameters
    ----------
    obsid : ndarray of int, shape (n,), optional
        LAMOST's number of the observation; unknown where it is not positive.
    gaia_dr3, gaia_dr2 : ndarray of int, shape (n,), optional
        Gaia's identifiers, of two different numberings; unknown where they are not positive.
    ra, dec : ndarray, shape (n,), optional
        Position in degrees (ICRS) at the epoch; NaN where unknown.
    pmra, pmdec : ndarray, shape (n,), optional
        Proper motion in mas/yr; ``pmra`` includes cos(dec). NaN where unknown: the row does not move.
    epoch_yr : float or ndarray, shape (n,)
        Julian year of the position; NaN where unknown: the row does not move.

    Raises
    ------
    ValueError
        If there is neither an identifier nor a position, if columns differ in length, if an identifier is not of
        integer type, or if a position, proper motion or epoch is outside its range.
    """

    obsid: IntArray | None = None
    gaia_dr3: IntArray | None = None
    gaia_dr2: IntArray | None = None
    ra: FloatArray | None = None
    dec: FloatArray | None = None
    pmra: FloatArray | None = None
    pmdec: FloatArray | None = None
    epoch_yr: float | FloatArray = float("nan")

    def __post_init__(self) -> None:
        for name in ("obsid", "gaia_dr3", "gaia_dr2"):
            self._set(name, _identifiers(name, getattr(self, name)))
        for name in ("ra", "dec", "pmra", "pmdec", "epoch_yr"):
            self._set(name, _numbers(name, getattr(self, name)))
        for first, second in (("ra", "dec"), ("pmra", "pmdec")):
            if (getattr(self, first) is None) != (getattr(self, second) is None):
                raise ValueError(f"Give both {first} and {second}, or neither.")
        if self.pmra is not None and self.ra is None:
            raise ValueError("Proper motions are given without positions: give ra and dec too.")
        self._check_lengths()
        self._check_ranges()

    def _set(self, name: str, value: object) -> None:
        object.__setattr__(self, name, value)

    def _check_lengths(self) -> None:
        columns = {item.name: getattr(self, item.name) for item in fields(self)}
        sizes = {name: column.size for name, column in columns.items() if isinstance(column, np.ndarray)}
        if not sizes or list(sizes) == ["epoch_yr"]:
            raise ValueError("A side of a match needs identifiers (obsid, gaia_dr3, gaia_dr2) or positions (ra, dec).")
        if len(set(sizes.values())) > 1:
            raise ValueError(f"The columns of one side must have one length; found {sizes}.")

    def _check_ranges(self) -> None:
        if self.dec is not None:
            _check_range("dec", self.dec, -90.0, 90.0, "degrees")
        if self.pmra is not None and self.pmdec is not None:
            for name, values in (("pmra", self.pmra), ("pmdec", self.pmdec)):
                _check_range(name, values, -MAX_PROPER_MOTION_MASYR, MAX_PROPER_MOTION_MASYR, "mas/yr")
        _check_range("epoch_yr", np.asarray(self.epoch_yr), *EPOCHS_YR, "Julian years")

    def __len__(self) -> int:
        for column in (self.obsid, self.gaia_dr3, self.gaia_dr2, self.ra):
            if column is not None:
                return column.size
        raise AssertionError("a side without columns is refused at construction")

    def take(self, rows: NDArray[np.integer]) -> Side:
        """The side of these rows, in their order."""
        columns = {item.name: getattr(self, item.name) for item in fields(self)}
        taken = {name: column[rows] for name, column in columns.items() if isinstance(column, np.ndarray)}
        return Side(**(columns | taken))

    @property
    def epochs(self) -> FloatArray:
        """Epoch of each row in Julian years, shape (n,); NaN where unknown."""
        return np.broadcast_to(np.asarray(self.epoch_yr, np.float64), (len(self),))

    @property
    def placed(self) -> BoolArray:
        """Mask of the rows that have a position, shape (n,)."""
        if self.ra is None or self.dec is None:
            return np.zeros(len(self), bool)
        return np.isfinite(self.ra) & np.isfinite(self.dec)

    @property
    def moves(self) -> BoolArray:
        """Mask of the rows that have a position, an epoch and a proper motion, shape (n,)."""
        if self.pmra is None or self.pmdec is None:
            return np.zeros(len(self), bool)
        return self.placed & np.isfinite(self.pmra) & np.isfinite(self.pmdec) & np.isfinite(self.epochs)


@dataclass(frozen=True, eq=False)
class Pairs:
    """Rows of the two sides that belong together.

    Parameters
    ----------
    base, other : ndarray of int, shape (k,)
        Rows of the base and of the other table, in increasing order of the base's row.
    separation_arcsec : ndarray, shape (k,)
        Angle between the two at a common epoch; NaN where unknown.
    candidates : ndarray of int16, shape (k,)
        Rows of the other table that this base row could have been paired with.
    """

    base: IntArray
    other: IntArray
    separation_arcsec: FloatArray
    candidates: NDArray[np.int16]

    def __len__(self) -> int:
        return self.base.size


def stars_differ(first: Side, i: IntArray, second: Side, j: IntArray) -> BoolArray:
    """Mask of the pairs of rows that are different stars by Gaia's identifiers.

    The DR3 identifiers decide where both are known, else those of DR2. One of DR3 is never compared with one of DR2:
    their numberings differ.

    Parameters
    ----------
    first, second : Side
        Sides of the rows; may be the same.
    i, j : ndarray of int, shape (k,)
        Rows of ``first`` and of ``second``.

    Returns
    -------
    ndarray of bool, shape (k,)
        False also where the identifiers are unknown.
    """
    undecided, differ = np.ones(i.size, bool), np.zeros(i.size, bool)
    for mine, theirs in ((first.gaia_dr3, second.gaia_dr3), (first.gaia_dr2, second.gaia_dr2)):
        if mine is None or theirs is None:
            continue
        both = undecided & (mine[i] > 0) & (theirs[j] > 0)
        differ |= both & (mine[i] != theirs[j])
        undecided &= ~both
    return differ


def _identifiers(name: str, values: ArrayLike | None) -> IntArray | None:
    if values is None:
        return None
    array = _plain(name, values)
    if array.dtype.kind not in "iu" and array.size:
        raise ValueError(
            f"{name} must be of integer type; found {array.dtype}. Identifiers above 2^53 lose digits as floats: "
            "read them as int64."
        )
    return array.astype(np.int64, copy=False)


def _numbers(name: str, values: ArrayLike | None) -> FloatArray | float | None:
    if values is None:
        return None
    array = _plain(name, values).astype(np.float64, copy=False)
    return float(array) if array.ndim == 0 else array


def _plain(name: str, values: ArrayLike) -> NDArray[np.generic]:
    if isinstance(values, np.ma.MaskedArray):
        raise ValueError(f"{name} is a masked array: fill missing identifiers with 0 and missing numbers with NaN.")  # noqa: TRY004
    array: NDArray[np.generic] = np.asarray(values)
    if array.ndim > 1:
        raise ValueError(f"{name} must be one number a row; found an array of shape {array.shape}.")
    return array


def _check_range(name: str, values: FloatArray, low: float, high: float, unit: str) -> None:
    outside = np.atleast_1d((values < low) | (values > high))
    if outside.any():
        row = int(np.flatnonzero(outside)[0])
        raise ValueError(
            f"{name} must be from {low:g} to {high:g} {unit}; found {np.atleast_1d(values)[row]:g} in row {row}, and "
            f"{int(outside.sum()) - 1} other rows outside. Fill unknown values with NaN and convert other units."
        )
