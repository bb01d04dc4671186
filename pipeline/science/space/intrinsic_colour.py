"""(J - Ks)0 from a giant's spectrum: a relation learned from stars with hardly any dust before them.

Where dust is thick, a map that is wrong by 30 per cent moves (J - Ks)0, and the distance with it, far more than the
temperature of the spectrum leaves room for.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from astropy.stats import biweight_scale
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

FEWEST_STARS = 100
_PASSES = 10
_MIN_SCATTER = 0.015  # of a few hundred stars, what remains after the photometry's errors is no better known


@dataclass(frozen=True)
class ColourRelation:
    """(J - Ks)0 as a polynomial of Teff, log g and [M/H].

    Parameters
    ----------
    coefficients : ndarray, shape (5,)
        Of 1, x, x^2, log g, [M/H] with x = (Teff - 3900 K) / 200 K.
    scatter_mag : float
        Spread about the relation beyond these errors and that of Teff.
    stars : int
        Stars that it was learned from.
    """

    coefficients: FloatArray
    scatter_mag: float
    stars: int

    def colour(self, teff: FloatArray, logg: FloatArray, m_h: FloatArray) -> FloatArray:
        """(J - Ks)0 in magnitudes."""
        return np.asarray(_terms(teff, logg, m_h) @ self.coefficients)

    def error(self, teff: FloatArray, teff_err: FloatArray) -> FloatArray:
        """Error of the colour: the spread, and the error of Teff [K] times the slope."""
        return np.asarray(np.hypot(self.scatter_mag, self._slope(teff) * teff_err))

    def _slope(self, teff: FloatArray) -> FloatArray:
        return np.asarray((self.coefficients[1] + 2.0 * self.coefficients[2] * _scaled(teff)) / 200.0)


def learn_colour_relation(
    teff: FloatArray, teff_err: FloatArray, logg: FloatArray, m_h: FloatArray, jk0: FloatArray, jk_err: FloatArray
) -> ColourRelation | None:
    """Fit the relation, with weights that fall with the residual so that odd stars do not move it.

    Parameters
    ----------
    teff, teff_err, logg, m_h : ndarray, shape (n,)
        Labels of low-extinction stars, and the error of Teff.
    jk0, jk_err : ndarray, shape (n,)
        De-reddened colours and their errors in magnitudes: of photometry and dust, and the spread of giants about their
        branch.

    Returns
    -------
    ColourRelation or None
        None when fewer than :data:`FEWEST_STARS` have all of these.
    """
    known = np.isfinite(teff + teff_err + logg + m_h + jk0 + jk_err)
    if known.sum() < FEWEST_STARS:
        return None
    terms, colour = _terms(teff[known], logg[known], m_h[known]), jk0[known]
    weight = np.ones(colour.size)
    for _ in range(_PASSES):
        root = np.sqrt(weight)
        coefficients = np.linalg.lstsq(terms * root[:, None], colour * root, rcond=None)[0].astype(np.float64)
        residual = colour - terms @ coefficients
        weight = 1.0 / (1.0 + (residual / (2.0 * max(float(biweight_scale(residual)), _MIN_SCATTER))) ** 2)
    draft = ColourRelation(coefficients, 0.0, int(known.sum()))
    expected = np.median(jk_err[known] ** 2 + draft.error(teff[known], teff_err[known]) ** 2)
    scatter = np.sqrt(max(float(biweight_scale(residual)) ** 2 - expected, _MIN_SCATTER**2))
    return ColourRelation(coefficients, float(scatter), draft.stars)


def _scaled(teff: FloatArray) -> FloatArray:
    return (teff - 3900.0) / 200.0


def _terms(teff: FloatArray, logg: FloatArray, m_h: FloatArray) -> FloatArray:
    x = _scaled(teff)
    return np.stack([np.ones_like(x), x, x * x, logg, m_h], axis=-1)
