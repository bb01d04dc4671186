"""Prior on [M/H] of M giants by place, and how a measured or given [M/H] is combined with it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pipeline.domain.settings import DistanceConfig

FloatArray = NDArray[np.float64]

WRONG_DRAWS = 0.25
"""Share of a star's draws that leave its own [M/H] aside; their weights sum to ``wrong_m_h_share``."""


def draw_m_h(
    settings: DistanceConfig,
    m_h: FloatArray,
    m_h_err: FloatArray,
    normal: FloatArray,
    wrong: NDArray[np.bool_],
    far: NDArray[np.bool_],
) -> FloatArray:
    """Draws of [M/H] from the product of the prior and a star's own value.

    The prior is one near the plane and another more than
    :data:`~pipeline.science.space.ages.FAR_FROM_PLANE_KPC` from it, where most M giants are Sagittarius': giants redder
    than J - Ks = 0.95 sample its metal-rich part (Chou et al. 2007, ApJ 670, 346).

    Parameters
    ----------
    settings : DistanceConfig
        ``default_m_h`` and ``far_m_h`` with their standard deviations.
    m_h, m_h_err : ndarray, shape (n,)
        Own [M/H], NaN where unknown, and its error in dex.
    normal : ndarray, shape (n,)
        Standard normal numbers; 0 gives the mean.
    wrong : ndarray of bool, shape (n,)
        Draws that leave the own value aside.
    far : ndarray of bool, shape (n,)
        Far from the plane.
    """
    mean = np.where(far, settings.far_m_h, settings.default_m_h)
    spread = np.where(far, settings.far_m_h_error_dex, settings.default_m_h_error_dex)
    share = spread**2 / (spread**2 + m_h_err**2)
    known = np.isfinite(m_h + m_h_err) & ~wrong
    own_mean = mean + share * (m_h - mean)
    return np.asarray(np.where(known, own_mean + np.sqrt(share) * m_h_err * normal, mean + spread * normal))


def draw_weights(draws: int, wrong_share: float) -> tuple[NDArray[np.bool_], FloatArray]:
    """Mask of the draws that ignore a star's own [M/H], and the weight of each, both of shape (draws,)."""
    wrong = np.arange(draws) >= draws - round(WRONG_DRAWS * draws)
    if wrong_share <= 0.0 or not wrong.any():
        return np.zeros(draws, bool), np.full(draws, 1.0 / draws)
    return wrong, np.where(wrong, wrong_share / wrong.sum(), (1.0 - wrong_share) / (~wrong).sum())
