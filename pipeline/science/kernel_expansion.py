"""Kernel expansions of many pixels: values, analytic derivatives, and compression to landmarks."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class _GammaGroup:
    """Pixels of one gamma, their coefficients contiguous for matrix products."""

    gamma: float
    pixels: NDArray[np.intp] | slice
    coefficients: NDArray[Any]


@dataclass(frozen=True)
class KernelExpansion:
    """What a fit learned: one kernel expansion a pixel.

    Parameters
    ----------
    support : ndarray, shape (n_stars, n_labels)
        Scaled labels of the training stars.
    coefficients : ndarray, shape (n_stars, n_pixels)
        A of SCIENCE.md section 4.
    intercept, gamma : ndarray, shape (n_pixels,)
        b and gamma of each pixel.
    """

    support: FloatArray
    coefficients: NDArray[Any]
    intercept: FloatArray
    gamma: FloatArray

    @cached_property
    def _groups(self) -> tuple[_GammaGroup, ...]:
        groups = []
        for gamma in np.unique(self.gamma):
            pixels = np.flatnonzero(self.gamma == gamma)
            where: NDArray[np.intp] | slice = pixels
            if pixels[-1] - pixels[0] + 1 == pixels.size:
                where = slice(int(pixels[0]), int(pixels[-1]) + 1)
            groups.append(_GammaGroup(float(gamma), where, np.ascontiguousarray(self.coefficients[:, where])))
        return tuple(groups)

    def take(self, pixels: NDArray[np.intp]) -> KernelExpansion:
        """The expansion of some pixels, in the order given (ordered by gamma, evaluation copies nothing)."""
        return KernelExpansion(self.support, self.coefficients[:, pixels], self.intercept[pixels], self.gamma[pixels])

    def predict(self, labels: FloatArray) -> FloatArray:
        """Scaled flux at scaled labels.

        Parameters
        ----------
        labels : ndarray, shape (m, n_labels)
            Scaled labels.

        Returns
        -------
        ndarray, shape (m, n_pixels)
            Scaled flux.
        """
        flux = np.empty((len(labels), self.gamma.size))
        distance = cdist(labels, self.support, "sqeuclidean")
        for group in self._groups:
            flux[:, group.pixels] = np.exp(-group.gamma * distance) @ group.coefficients
        return flux + self.intercept

    def predict_with_jacobian(self, labels: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Scaled flux and its analytic derivatives, ``df/dx_d = 2 gamma [(k o x_id) A - x_d (k A)]``.

        Parameters
        ----------
        labels : ndarray, shape (m, n_labels)
            Scaled labels.

        Returns
        -------
        flux : ndarray, shape (m, n_pixels)
            Scaled flux.
        jacobian : ndarray, shape (m, n_labels, n_pixels)
            Derivative of the scaled flux by each scaled label.
        """
        m, n_labels = labels.shape
        n = len(self.support)
        distance = cdist(labels, self.support, "sqeuclidean")
        flux = np.empty((m, self.gamma.size))
        jacobian = np.empty((m, n_labels, self.gamma.size))
        stacked = np.empty((n_labels + 1, m, n))
        for group in self._groups:
            np.exp(-group.gamma * distance, out=stacked[0])
            np.multiply(stacked[0], self.support.T[:, None, :], out=stacked[1:])
            products = (stacked.reshape(-1, n) @ group.coefficients).reshape(n_labels + 1, m, -1)
            flux[:, group.pixels] = products[0]
            for d in range(n_labels):
                jacobian[:, d, group.pixels] = 2.0 * group.gamma * (products[d + 1] - labels[:, d, None] * products[0])
        flux += self.intercept
        return flux, jacobian
