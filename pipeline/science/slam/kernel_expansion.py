"""Kernel expansions of many pixels: values, analytic derivatives, and their compression to landmarks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray
from scipy.linalg import cho_solve
from scipy.spatial import cKDTree
from scipy.spatial.distance import cdist

FloatArray = NDArray[np.float64]

LARGEST_SHARE = 0.6
"""Landmarks that would be more than this share of the training stars save nothing: all stars are kept."""


@dataclass(frozen=True)
class GammaGroup:
    """Functions of one gamma.

    Parameters
    ----------
    gamma : float
        Of the kernel.
    pixels : ndarray of int, shape (k,)
        Which pixels.
    support : ndarray, shape (m, n_labels)
        Scaled labels of the training stars or landmarks.
    coefficients : ndarray, shape (m, k)
        A = U_r L_r^(-1/2) w, where K = U L U^T.
    """

    gamma: float
    pixels: NDArray[np.intp]
    support: FloatArray
    coefficients: NDArray[Any]


class Evaluator:
    """Values and derivatives of many functions, one group a gamma, in one precision.

    Parameters
    ----------
    groups : tuple of GammaGroup
        Whose pixels index the result.
    intercept : ndarray, shape (n_pixels,)
        b of each pixel; pixels of no group are b alone.
    dtype : dtype
        Precision of coefficients, kernels and results.
    """

    def __init__(self, groups: tuple[GammaGroup, ...], intercept: FloatArray, dtype: DTypeLike = np.float64) -> None:
        self.dtype = np.dtype(dtype)
        self.intercept = intercept.astype(self.dtype)
        self._groups = [
            (group, _where(group.pixels), np.ascontiguousarray(group.coefficients, dtype=self.dtype))
            for group in groups
        ]

    def predict(self, labels: FloatArray) -> NDArray[Any]:
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
        flux = np.zeros((len(labels), self.intercept.size), self.dtype)
        for group, where, coefficients in self._groups:
            kernel = np.exp(-group.gamma * cdist(labels, group.support, "sqeuclidean")).astype(self.dtype, copy=False)
            flux[:, where] = kernel @ coefficients
        flux += self.intercept
        return flux

    def predict_with_jacobian(self, labels: FloatArray) -> tuple[NDArray[Any], NDArray[Any]]:
        """Scaled flux and its analytic derivatives, ``df/dx_d = 2 gamma sum_i A_i k_i (x_id - x_d)``.

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
        flux = np.zeros((m, self.intercept.size), self.dtype)
        jacobian = np.zeros((m, n_labels, self.intercept.size), self.dtype)
        for group, where, coefficients in self._groups:
            n = len(group.support)
            stacked = np.empty((n_labels + 1, m, n), self.dtype)
            stacked[0] = np.exp(-group.gamma * cdist(labels, group.support, "sqeuclidean"))
            for d in range(n_labels):
                np.subtract(group.support[:, d], labels[:, d, None], out=stacked[d + 1], casting="same_kind")
            stacked[1:] *= stacked[0]
            stacked[1:] *= 2.0 * group.gamma
            products = (stacked.reshape(-1, n) @ coefficients).reshape(n_labels + 1, m, -1)
            flux[:, where] = products[0]
            for d in range(n_labels):
                jacobian[:, d, where] = products[d + 1]
        flux += self.intercept
        return flux, jacobian


@dataclass(frozen=True)
class KernelExpansion:
    """Result of a fit: one kernel expansion a pixel.

    Parameters
    ----------
    support : ndarray, shape (n_stars, n_labels)
        Scaled labels of the training stars.
    coefficients : ndarray, shape (n_stars, n_pixels)
        A = U_r L_r^(-1/2) w, where K = U L U^T.
    intercept, gamma : ndarray, shape (n_pixels,)
        b and gamma of each pixel.
    """

    support: FloatArray
    coefficients: NDArray[Any]
    intercept: FloatArray
    gamma: FloatArray

    def groups(self) -> tuple[GammaGroup, ...]:
        """The functions by gamma."""
        groups = []
        for gamma in np.unique(self.gamma):
            pixels = np.flatnonzero(self.gamma == gamma)
            groups.append(GammaGroup(float(gamma), pixels, self.support, self.coefficients[:, pixels]))
        return tuple(groups)

    def take(self, pixels: NDArray[np.intp]) -> KernelExpansion:
        """The expansion of some pixels, in the order given (ordered by gamma, evaluation copies nothing)."""
        return KernelExpansion(self.support, self.coefficients[:, pixels], self.intercept[pixels], self.gamma[pixels])

    def evaluator(self, dtype: DTypeLike = np.float64) -> Evaluator:
        """Evaluates these functions; build it once."""
        return Evaluator(self.groups(), self.intercept, dtype)


@dataclass(frozen=True)
class Landmarks:
    """The same functions on few points: each gamma's functions interpolated at its landmarks.

    Interpolation there is the orthogonal projection in the kernel's space, so a new landmark never does harm.

    Parameters
    ----------
    groups : tuple of GammaGroup
        With landmarks for support (or all training stars where landmarks would save nothing).
    intercept : ndarray, shape (n_pixels,)
        b of each pixel.
    error : float
        Largest deviation in flux units from the full expansion, over all pixels at probes inside the hull of the
        training labels.
    """

    groups: tuple[GammaGroup, ...]
    intercept: FloatArray
    error: float

    def take(self, pixels: NDArray[np.intp]) -> Landmarks:
        """The functions of some pixels, in the order given."""
        place = np.full(self.intercept.size, -1)
        place[pixels] = np.arange(pixels.size)
        groups = []
        for group in self.groups:
            kept = np.flatnonzero(place[group.pixels] >= 0)
            kept = kept[np.argsort(place[group.pixels[kept]])]
            if kept.size:
                where = place[group.pixels[kept]]
                groups.append(GammaGroup(group.gamma, where, group.support, group.coefficients[:, kept]))
        return Landmarks(tuple(groups), self.intercept[pixels], self.error)

    def evaluator(self, dtype: DTypeLike = np.float64) -> Evaluator:
        """Evaluates these functions; build it once."""
        return Evaluator(self.groups, self.intercept, dtype)


def find_landmarks(
    expansion: KernelExpansion, flux_scale: FloatArray, tolerance: float, *, n_probes: int = 1000, seed: int = 0
) -> Landmarks:
    """Compress an expansion by pivoted Cholesky decomposition of each gamma's Gram matrix.

    Parameters
    ----------
    expansion : KernelExpansion
        The full functions.
    flux_scale : ndarray, shape (n_pixels,)
        Flux units of each pixel's scaled flux.
    tolerance : float
        Largest deviation allowed, in flux units, at the probes.
    n_probes : int
        Places where the deviation is measured: between training stars, far ones and near ones.
    seed : int
        Of the probes.

    Returns
    -------
    Landmarks
        With the deviation found.
    """
    probes = _probes(expansion.support, n_probes, seed)
    groups, worst = [], 0.0
    for group in expansion.groups():
        exact = np.exp(-group.gamma * cdist(probes, group.support, "sqeuclidean")) @ group.coefficients
        compact, error = _compress(group, probes, exact, flux_scale[group.pixels], tolerance)
        groups.append(compact)
        worst = max(worst, error)
    return Landmarks(tuple(groups), expansion.intercept, worst)


def _compress(
    group: GammaGroup, probes: FloatArray, exact: FloatArray, scale: FloatArray, tolerance: float
) -> tuple[GammaGroup, float]:
    """The fewest landmarks, on a ladder of residuals of the decomposition, that keep the tolerance."""
    pivots, factor, residuals = _pivoted_cholesky(group.support, group.gamma, int(LARGEST_SHARE * len(group.support)))
    values: FloatArray | None = None
    for residual in np.logspace(-4, -12, 17):
        count = int(np.searchsorted(-residuals, -residual)) + 1
        if count >= pivots.size:
            break
        chosen = group.support[pivots[:count]]
        if values is None:
            distance = cdist(group.support[pivots], group.support, "sqeuclidean")
            values = np.exp(-group.gamma * distance) @ group.coefficients
        coefficients = cho_solve((factor[pivots[:count], :count], True), values[:count])
        near = np.exp(-group.gamma * cdist(probes, chosen, "sqeuclidean")) @ coefficients
        error = float((np.abs(near - exact).max(axis=0) * scale).max())
        if error <= tolerance:
            return GammaGroup(group.gamma, group.pixels, chosen, coefficients), error
    return group, 0.0


def _pivoted_cholesky(
    points: FloatArray, gamma: float, most: int, floor: float = 1e-12
) -> tuple[NDArray[np.intp], FloatArray, FloatArray]:
    """Pivots in order, the factor (n, m), and the largest residual of the diagonal before each pivot."""
    n = len(points)
    factor = np.zeros((n, most))
    rest = np.ones(n)
    pivots, residuals = np.zeros(most, np.intp), np.zeros(most)
    for step in range(most):
        pivot = int(np.argmax(rest))
        if rest[pivot] < floor:
            return pivots[:step], factor[:, :step], residuals[:step]
        pivots[step], residuals[step] = pivot, rest[pivot]
        column = np.exp(-gamma * ((points - points[pivot]) ** 2).sum(axis=1))
        column -= factor[:, :step] @ factor[pivot, :step]
        factor[:, step] = column / np.sqrt(rest[pivot])
        rest -= factor[:, step] ** 2
        rest[pivots[: step + 1]] = 0.0
    return pivots, factor, residuals


def _probes(support: FloatArray, count: int, seed: int) -> FloatArray:
    """Half mixtures of any three training stars, half midpoints of near ones."""
    rng = np.random.default_rng(seed)
    shares = rng.dirichlet(np.ones(3), count // 2)
    mixed = np.einsum("ms,msl->ml", shares, support[rng.integers(len(support), size=shares.shape)])
    some = rng.integers(len(support), size=count - count // 2)
    neighbours = cKDTree(support).query(support[some], k=min(8, len(support)))[1]
    partner = neighbours[np.arange(some.size), rng.integers(neighbours.shape[1], size=some.size)]
    return np.concatenate([mixed, 0.5 * (support[some] + support[partner])])


def _where(pixels: NDArray[np.intp]) -> NDArray[np.intp] | slice:
    """A slice where the pixels are a run: assignment then copies nothing."""
    if pixels.size and pixels[-1] - pixels[0] + 1 == pixels.size and (np.diff(pixels) == 1).all():
        return slice(int(pixels[0]), int(pixels[-1]) + 1)
    return pixels
