"""Prior on [M/H] of M giants by place, and how a measured or given [M/H] is combined with it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

WRONG_DRAWS = 0.25
"""Share of a star's draws that leave its own [M/H] aside; their weights sum to :attr:`MetallicityPrior.wrong_share`."""


@dataclass(frozen=True)
class MetallicityPrior:
    """[M/H] of M giants before a star's own is known.

    Parameters
    ----------
    disc_m_h, disc_spread : float
        Mean and standard deviation near the plane, dex.
    far_m_h, far_spread : float
        The same more than :data:`~pipeline.science.space.ages.FAR_FROM_PLANE_KPC` from it, where most M giants are
        Sagittarius': giants redder than J - Ks = 0.95 sample its metal-rich part (Chou et al. 2007, ApJ 670, 346).
    wrong_share : float
        Probability that a star's own [M/H] says nothing: then its colour decides with the prior alone.
    """

    disc_m_h: float = -0.2
    disc_spread: float = 0.3
    far_m_h: float = -0.7
    far_spread: float = 0.25
    wrong_share: float = 0.1

    def draw(
        self,
        m_h: FloatArray,
        m_h_err: FloatArray,
        normal: FloatArray,
        wrong: NDArray[np.bool_],
        far: NDArray[np.bool_],
    ) -> FloatArray:
        """Draws of [M/H] from the product of the prior and a star's own value.

        Parameters
        ----------
        m_h, m_h_err : ndarray, shape (n,)
            Own [M/H], NaN where unknown, and its error in dex.
        normal : ndarray, shape (n,)
            Standard normal numbers; 0 gives the mean.
        wrong : ndarray of bool, shape (n,)
            Draws that leave the own value aside.
        far : ndarray of bool, shape (n,)
            Far from the plane.
        """
        mean = np.where(far, self.far_m_h, self.disc_m_h)
        spread = np.where(far, self.far_spread, self.disc_spread)
        share = spread**2 / (spread**2 + m_h_err**2)
        known = np.isfinite(m_h + m_h_err) & ~wrong
        own_mean = mean + share * (m_h - mean)
        return np.asarray(np.where(known, own_mean + np.sqrt(share) * m_h_err * normal, mean + spread * normal))


def draw_weights(draws: int, wrong_share: float) -> tuple[NDArray[np.bool_], FloatArray]:
    """Which draws leave a star's own [M/H] aside, and the weight of each, shape (draws,) both."""
    wrong = np.arange(draws) >= draws - round(WRONG_DRAWS * draws)
    if wrong_share <= 0.0 or not wrong.any():
        return np.zeros(draws, bool), np.full(draws, 1.0 / draws)
    return wrong, np.where(wrong, wrong_share / wrong.sum(), (1.0 - wrong_share) / (~wrong).sum())
