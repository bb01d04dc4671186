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
        Every verdict that there is.
    quadratic : bool
        Whether a disagreement counts with the square of its size (Cohen 1968), as fits an ordered scale.

    Returns
    -------
    float
        1 is agreement, 0 is chance; NaN without stars or where both always say the same one word, as chance alone
        would then agree too.
    """
    if len(first) != len(second):
        raise ValueError(f"Kappa needs verdicts on the same stars; found {len(first)} and {len(second)}.")
    if not len(first):
        return math.nan
    ranks = {category: index for index, category in enumerate(sorted(categories))}
    table = np.zeros((len(ranks), len(ranks)))
    for one, other in zip(first, second, strict=True):
        table[ranks[one], ranks[other]] += 1.0
    step = np.subtract.outer(np.arange(len(ranks)), np.arange(len(ranks)))
    weight = step.astype(float) ** 2 if quadratic else (step != 0).astype(float)
    expected = float((weight * np.outer(table.sum(1), table.sum(0))).sum()) / len(first)
    return 1.0 - float((weight * table).sum()) / expected if expected > 0 else math.nan


def fleiss_kappa(counts: ArrayLike) -> float:
    """Fleiss' kappa (1971) of any number of inspectors.

    Parameters
    ----------
    counts : array_like, shape (stars, categories)
        How many inspectors gave each verdict to each star; every star has as many reviews, two or more.

    Returns
    -------
    float
        NaN without stars or where everybody always says the same one word.
    """
    table = np.asarray(counts, float)
    if table.size == 0:
        return math.nan
    reviews = table.sum(1)
    n = float(reviews[0])
    if n < 2 or bool((reviews != n).any()):
        raise ValueError("Fleiss' kappa needs the same number of reviews, two or more, of every star.")
    share = table.sum(0) / table.sum()
    by_chance = float((share**2).sum())
    observed = float(((table**2).sum(1) - n).mean()) / (n * (n - 1.0))
    return (observed - by_chance) / (1.0 - by_chance) if by_chance < 1.0 else math.nan
