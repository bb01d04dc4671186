"""Chance-corrected agreement between inspectors."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike


def cohen_kappa(
    first: Sequence[int], second: Sequence[int], categories: Sequence[int], *, quadratic: bool = False
) -> float:
    """Cohen's kappa (1960) of two inspectors over the same stars.

    Parameters
    ----------
    first, second : sequence of int, length n
        Their verdicts on the same n stars.
    categories : sequence of int
        All possible verdicts.
    quadratic : bool
        Whether a disagreement counts with the square of its size (Cohen 1968), as fits an ordered scale.

    Returns
    -------
    float
        1 is agreement, 0 is chance; NaN without stars or where both always give the same one verdict, as chance
        alone would then agree too.
    """
    if len(first) != len(second):
        raise ValueError(f"Kappa needs verdicts on the same stars; found {len(first)} and {len(second)}.")
    ranks = {category: index for index, category in enumerate(sorted(categories))}
    table = np.zeros((len(ranks), len(ranks)))
    for row, column in zip(first, second, strict=True):
        table[ranks[row], ranks[column]] += 1.0
    return kappa_of_table(table, quadratic=quadratic)


def kappa_of_table(table: ArrayLike, *, quadratic: bool = False) -> float:
    """Cohen's kappa of counts.

    Parameters
    ----------
    table : array_like, shape (categories, categories)
        Stars by the verdict of the first inspector (rows) and of the second (columns), in the order of the verdicts.
    quadratic : bool
        As in :func:`cohen_kappa`.

    Returns
    -------
    float
        NaN without stars or where both always give the same one verdict.
    """
    counts = np.asarray(table, float)
    stars = float(counts.sum())
    if not stars:
        return math.nan
    step = np.subtract.outer(np.arange(len(counts)), np.arange(len(counts)))
    weight = step.astype(float) ** 2 if quadratic else (step != 0).astype(float)
    expected = float((weight * np.outer(counts.sum(1), counts.sum(0))).sum()) / stars
    return 1.0 - float((weight * counts).sum()) / expected if expected > 0 else math.nan


def fleiss_kappa(counts: ArrayLike) -> float:
    """Fleiss' kappa (1971) of any number of inspectors.

    Parameters
    ----------
    counts : array_like, shape (stars, categories)
        Number of inspectors by star and verdict; all stars have as many reviews, two or more.

    Returns
    -------
    float
        NaN without stars or where everybody always gives the same one verdict.
    """
    table = np.asarray(counts, float)
    if table.size == 0:
        return math.nan
    reviews = table.sum(1)
    n = float(reviews[0])
    if n < 2 or bool((reviews != n).any()):
        raise ValueError("Fleiss' kappa needs the same number of reviews, two or more, of every star.")
    return fleiss_kappa_of_sums(table.sum(0), float((table**2).sum()), len(table), n)


def fleiss_kappa_of_sums(totals: ArrayLike, squares: float, stars: int, reviews: float) -> float:
    """Fleiss' kappa of sums over stars.

    Parameters
    ----------
    totals : array_like, shape (categories,)
        Number of reviews by verdict.
    squares : float
        Sum over stars and verdicts of the squared counts.
    stars : int
        Number of stars.
    reviews : float
        Number of reviews of each star, two or more.

    Returns
    -------
    float
        NaN without stars or where everybody always gives the same one verdict.
    """
    if not stars:
        return math.nan
    share = np.asarray(totals, float) / float(np.sum(totals))
    by_chance = float((share**2).sum())
    observed = (squares / stars - reviews) / (reviews * (reviews - 1.0))
    return (observed - by_chance) / (1.0 - by_chance) if by_chance < 1.0 else math.nan
