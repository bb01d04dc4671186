"""A prior over labels from the density of the training stars."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.mixture import GaussianMixture

FloatArray = NDArray[np.float64]

MAX_COMPONENTS = 16
STARS_A_COMPONENT = 40


@dataclass(frozen=True)
class DensityPrior:
    """A mixture of Gaussians over scaled labels.

    Parameters
    ----------
    ln_weight : ndarray, shape (k,)
        Logarithms of the components' shares.
    mean : ndarray, shape (k, n_labels)
        Their centres.
    precision : ndarray, shape (k, n_labels, n_labels)
        Their inverse covariances.
    """

    ln_weight: FloatArray
    mean: FloatArray
    precision: FloatArray

    @classmethod
    def fit(cls, labels: FloatArray, seed: int, components: int | None = None) -> DensityPrior:
        """The mixture with the lowest Bayesian information criterion, of one to sixteen components.

        Parameters
        ----------
        labels : ndarray, shape (n_stars, n_labels)
            Scaled labels of the training stars.
        seed : int
            Of the mixture's initialisation.
        components : int, optional
            Take this number instead of choosing it.
        """
        most = max(1, min(MAX_COMPONENTS, len(labels) // (STARS_A_COMPONENT * labels.shape[1])))
        mixtures = [
            GaussianMixture(count, reg_covar=1e-3, random_state=seed, max_iter=300).fit(labels)
            for count in ([min(components, most)] if components else range(1, most + 1))
        ]
        best = min(mixtures, key=lambda mixture: float(mixture.bic(labels)))
        return cls(np.log(best.weights_), best.means_, best.precisions_)

    def terms(self, labels: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Logarithm of the density, its gradient, and a positive curvature.

        Parameters
        ----------
        labels : ndarray, shape (m, n_labels)
            Scaled labels.

        Returns
        -------
        ln_density : ndarray, shape (m,)
            ln p.
        gradient : ndarray, shape (m, n_labels)
            Exact.
        curvature : ndarray, shape (m, n_labels, n_labels)
            Mean precision of the responsible components: that of the quadratic which touches -ln p here and lies
            above it everywhere, so that a Newton step with it never overshoots.
        """
        offset = labels[:, None, :] - self.mean
        pull = -np.einsum("kab,mkb->mka", self.precision, offset)
        determinant = np.linalg.slogdet(self.precision / (2.0 * np.pi))[1]
        ln_each = self.ln_weight + 0.5 * determinant + 0.5 * np.einsum("mka,mka->mk", offset, pull)
        top = ln_each.max(axis=1, keepdims=True)
        ln_density = top[:, 0] + np.log(np.exp(ln_each - top).sum(axis=1))
        share = np.exp(ln_each - ln_density[:, None])
        gradient = np.einsum("mk,mka->ma", share, pull)
        curvature = np.einsum("mk,kab->mab", share, self.precision)
        return ln_density, gradient, curvature
