"""The cross-match: for each star observation of the base, its row of another table."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pipeline.science.crossmatch.choice import Choice, choose_by_id, choose_on_sky, contested
from pipeline.science.crossmatch.geometry import separations_arcsec
from pipeline.science.crossmatch.ids import IdIndex
from pipeline.science.crossmatch.sides import BoolArray, FloatArray, IntArray, Side, stars_differ
from pipeline.science.crossmatch.sky import sky_pairs

METHODS = ("best", "obsid", "gaia", "sky")
"""Available methods of matching."""

_STEPS = ("", "obsid", "gaia", "sky")
"""Names of the steps by their number in :attr:`Match.step`."""

_ID_NAMES = {"obsid": "obsids", "gaia_dr3": "Gaia DR3 identifiers", "gaia_dr2": "Gaia DR2 identifiers"}


@dataclass(frozen=True, eq=False)
class Match:
    """The row of the other table for each base row.

    Parameters
    ----------
    other : ndarray of int, shape (n,)
        Row of the other table, -1 where there is none.
    separation_arcsec : ndarray, shape (n,)
        Angle between the two positions at a common epoch, for matches by identifier too; NaN where unknown.
    candidates : ndarray of int16, shape (n,)
        Rows of the other table that could have been chosen: with the same identifier, or within the radius and not
        another star's by their identifiers. More than 1 are repeat rows of one star or several stars. A base row that
        lost its row to a nearer star keeps the number.
    step : ndarray of int8, shape (n,)
        How the row was found: 0 not at all, 1 by obsid, 2 by Gaia identifier, 3 on the sky.
    summary : dict of str to int
        ``rows`` and ``other_rows``: sizes. ``obsid``, ``gaia``, ``sky``: base rows matched by each. ``unmatched``:
        the rest. ``ambiguous``: matched on the sky with rows of several stars within the radius. ``duplicates``:
        matched to one of several rows of one star. ``excluded``: pairs that were refused because an identifier of the
        two rows differs. ``contested``: base rows that lost their row to a nearer star; they are unmatched.
    """

    other: IntArray
    separation_arcsec: FloatArray
    candidates: NDArray[np.int16]
    step: NDArray[np.int8]
    summary: dict[str, int] = field(default_factory=dict)

    def __len__(self) -> int:
        return self.other.size

    @property
    def method(self) -> NDArray[np.str_]:
        """How each row was matched: "obsid", "gaia", "sky", or "" where it was not; shape (n,)."""
        return np.array(_STEPS)[self.step]


def match(
    base: Side,
    other: Side,
    *,
    method: str = "best",
    radius_arcsec: float = 1.5,
    preferred: ArrayLike | None = None,
    threads: int | None = None,
) -> Match:
    """Find the row of another table for each star observation of the base.

    Parameters
    ----------
    base, other : Side
        The star observations (n rows), and the table to find them in (m rows).
    method : {"best", "obsid", "gaia", "sky"}
        The way to match; all but "best" are one step (Gaia: two, DR3 and DR2) without another to fall back on.
    radius_arcsec : float
        Largest separation of a match on the sky, after proper motion to a common epoch.
    preferred : array_like, shape (m,), optional
        Preference among several rows of one star, for example S/N, or -inf for a row that the survey itself marks as
        a duplicate. The higher the better; NaN is the worst.
    threads : int, optional
        Workers; the cores of this process by default.

    Returns
    -------
    Match
        One row of the other table, or none, for each base row.

    Raises
    ------
    ValueError
        If the method is unknown or a side lacks what it needs, if ``preferred`` has another length than the other
        table, if the radius is not positive, or if more than 32,767 rows are candidates for one.

    Notes
    -----
    "best" goes through the steps obsid, Gaia DR3, Gaia DR2, sky, as far as both sides have what a step needs; a base
    row without a match is used in the next step. Two rows with different Gaia identifiers of one release are
    never one star, whatever the step after obsid; nor does "best" join rows with different obsids, because a row with
    an obsid describes that observation. Identifiers of DR2 are compared with those of DR2 alone.

    Of several rows with the same identifier the most preferred is chosen, then the nearest, then the first. On the sky
    the nearest row is chosen; if there are several rows of its star (the same Gaia identifier, or positions within
    0.2 arcsec), the most preferred of these. Any number of base rows may have one row of the other table, as repeat
    observations of a star do; base rows with different Gaia identifiers may not: on the sky the nearest keeps it.
    """
    weights = None if preferred is None else np.asarray(preferred, np.float64)
    if weights is not None and weights.shape != (len(other),):
        raise ValueError(f"preferred must have one number for each of {len(other)} rows; found shape {weights.shape}.")
    steps = _steps(base, other, method)
    n = len(base)
    result = Match(np.full(n, -1), np.full(n, np.nan), np.zeros(n, np.int16), np.zeros(n, np.int8))
    total = dict.fromkeys(("ambiguous", "duplicates", "excluded", "contested"), 0)
    several = np.zeros(n, bool), np.zeros(n, bool)
    for step in steps:
        rows = np.flatnonzero(result.other < 0)
        for i, j, separation in _pairs(step, base, other, rows, radius_arcsec, threads):
            wrong = _excluded(step, method, base, i, other, j)
            total["excluded"] += int(wrong.sum())
            pairs = i[~wrong], j[~wrong], separation[~wrong]
            chosen = choose_on_sky(other, *pairs, weights) if step == "sky" else choose_by_id(*pairs, weights)
            _store(result, chosen, _STEPS.index("gaia" if step.startswith("gaia") else step))
            several[0][chosen.base] = chosen.candidates > chosen.repeats
            several[1][chosen.base] = chosen.repeats > 1
    total["contested"] = _give_up_contested(base, result)
    matched = result.other >= 0
    total["ambiguous"], total["duplicates"] = (int((flag & matched).sum()) for flag in several)
    counts = np.bincount(result.step, minlength=len(_STEPS))
    result.summary.update(rows=n, other_rows=len(other), unmatched=int(counts[0]))
    result.summary.update({name: int(counts[number]) for number, name in enumerate(_STEPS) if name})
    result.summary.update(total)
    return result


def _steps(base: Side, other: Side, method: str) -> list[str]:
    """The steps of a method that both sides can take, in order."""
    if method not in METHODS:
        raise ValueError(f"match must be one of {', '.join(map(repr, METHODS))}; found {method!r}.")
    wanted = {"obsid": ["obsid"], "gaia": ["gaia_dr3", "gaia_dr2"], "sky": ["ra"]}
    names = [name for some in wanted.values() for name in some] if method == "best" else wanted[method]
    common = [name for name in names if getattr(base, name) is not None and getattr(other, name) is not None]
    if not common:
        needs = {
            "best": "an identifier or a position that both sides have",
            "obsid": "obsids on both sides",
            "gaia": "Gaia identifiers of one release on both sides (those of DR2 and of DR3 are different numberings)",
            "sky": "positions (ra, dec) on both sides",
        }
        raise ValueError(
            f"A match {method!r} needs {needs[method]}; the base has {_contents(base)}, the other table has "
            f"{_contents(other)}."
        )
    return ["sky" if name == "ra" else name for name in common]


def _contents(side: Side) -> str:
    has = [text for name, text in _ID_NAMES.items() if getattr(side, name) is not None]
    has += ["positions"] if side.ra is not None else []
    return " and ".join([", ".join(has[:-1]), has[-1]] if len(has) > 1 else has)


def _pairs(
    step: str, base: Side, other: Side, rows: IntArray, radius_arcsec: float, threads: int | None
) -> Iterator[tuple[IntArray, IntArray, FloatArray]]:
    """Pairs of a step with their separations; all of one base row are in one part."""
    if step == "sky":
        yield from sky_pairs(base, other, radius_arcsec, rows=rows, threads=threads)
        return
    index = IdIndex(getattr(other, step), _ID_NAMES[step].rstrip("s"))
    for i, j in index.pairs(getattr(base, step), rows):
        yield i, j, separations_arcsec(base, other, i, j)


def _excluded(step: str, method: str, base: Side, i: IntArray, other: Side, j: IntArray) -> BoolArray:
    """Pairs that another identifier contradicts."""
    if step == "obsid":
        return np.zeros(i.size, bool)
    wrong = stars_differ(base, i, other, j)
    if method == "best" and base.obsid is not None and other.obsid is not None:
        mine, theirs = base.obsid[i], other.obsid[j]
        wrong |= (mine > 0) & (theirs > 0) & (mine != theirs)
    return wrong


def _store(result: Match, chosen: Choice, step: int) -> None:
    result.other[chosen.base] = chosen.other
    result.separation_arcsec[chosen.base] = chosen.separation_arcsec
    result.candidates[chosen.base] = chosen.candidates
    result.step[chosen.base] = step


def _give_up_contested(base: Side, result: Match) -> int:
    """Take contested rows from all but the nearest star; the number of base rows that lose theirs."""
    rows = np.flatnonzero(result.other >= 0)
    on_sky = result.step[rows] == _STEPS.index("sky")
    lost = rows[contested(base, rows, result.other[rows], result.separation_arcsec[rows], on_sky)]
    result.other[lost] = -1
    result.separation_arcsec[lost] = np.nan
    result.step[lost] = 0
    return int(lost.size)
