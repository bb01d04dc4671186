"""How good measured values and a ranking are when the truth is known."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from pipeline.domain.statistics import robust_scatter

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]


def score_values(measured: FloatArray, true: FloatArray, error: FloatArray | None = None) -> dict[str, float]:
    """Bias, scatter and honesty of the errors of measured values.

    Parameters
    ----------
    measured, true : ndarray, shape (n,)
        Values; rows where either is NaN do not count.
    error : ndarray, shape (n,), optional
        Stated errors.

    Returns
    -------
    dict
        ``stars``, ``bias`` (median of measured minus true), ``scatter`` (robust); with errors also ``pull_bias`` and
        ``pull_scatter`` of the deviation over its error, and ``within_1_sigma``, ``within_2_sigma`` (68.3 and 95.4 per
        cent for correct normal errors). Without a row, ``stars`` alone.
    """
    known = np.isfinite(measured) & np.isfinite(true)
    if not known.any():
        return {"stars": 0}
    deviation = (measured - true)[known]
    result = {"stars": int(known.sum()), "bias": float(np.median(deviation)), "scatter": robust_scatter(deviation)}
    if error is not None and (np.isfinite(error[known]) & (error[known] > 0)).any():
        usable = np.isfinite(error[known]) & (error[known] > 0)
        pull = deviation[usable] / error[known][usable]
        result |= {
            "pull_bias": float(np.median(pull)),
            "pull_scatter": robust_scatter(pull),
            "within_1_sigma": float(np.mean(np.abs(pull) < 1.0)),
            "within_2_sigma": float(np.mean(np.abs(pull) < 2.0)),
        }
    return result


def interval_coverage(low: FloatArray, high: FloatArray, true: FloatArray) -> dict[str, float]:
    """Shares of true values below, within and above an interval: ideally 16, 68 and 16 per cent."""
    known = np.isfinite(low) & np.isfinite(high) & np.isfinite(true)
    if not known.any():
        return {"stars": 0}
    below, above = float(np.mean(true[known] < low[known])), float(np.mean(true[known] > high[known]))
    return {"stars": int(known.sum()), "below": below, "within": 1.0 - below - above, "above": above}


def score_choice(chosen: BoolArray, real: BoolArray) -> dict[str, float]:
    """Completeness (chosen share of the real stars) and purity (real share of the chosen stars).

    NaN where there is nothing to take a share of.
    """
    both = int((chosen & real).sum())
    return {
        "real": int(real.sum()),
        "chosen": int(chosen.sum()),
        "completeness": both / int(real.sum()) if real.any() else float("nan"),
        "purity": both / int(chosen.sum()) if chosen.any() else float("nan"),
    }


def score_ranking(score: FloatArray, wanted: BoolArray, seen_share: float = 0.01) -> dict[str, float]:
    """How well a score puts the wanted ones first.

    Parameters
    ----------
    score : ndarray, shape (n,)
        Larger is first; NaN comes last.
    wanted : ndarray of bool, shape (n,)
        What should come first.
    seen_share : float
        Part of the ranking that is inspected.

    Returns
    -------
    dict
        ``stars`` wanted; ``auc``: chance that a wanted one stands before another (area under the ROC curve); ``seen``:
        how many rows are looked at; ``found``: how many wanted ones are among them; ``recall``: their share of all
        wanted ones. ``auc`` and ``recall`` are NaN where nothing, or everything, is wanted.
    """
    ranked = np.where(np.isfinite(score), score, -np.inf)
    seen = max(1, round(seen_share * score.size))
    first = np.argsort(-ranked, kind="stable")[:seen]
    some = bool(wanted.any() and not wanted.all())
    finite = np.where(np.isfinite(ranked), ranked, np.nanmin(score, initial=0.0) - 1.0)
    return {
        "stars": int(wanted.sum()),
        "auc": float(roc_auc_score(wanted, finite)) if some else float("nan"),
        "seen": seen,
        "found": int(wanted[first].sum()),
        "recall": float(wanted[first].sum() / wanted.sum()) if some else float("nan"),
    }
