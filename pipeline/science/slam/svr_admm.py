"""Batched ADMM for support-vector regression: many columns, one Gram matrix.

Minimise ``C sum_i m_i max(|f_i - y_i| - eps, 0) + |f|^2 / 2`` over functions ``f = K A + b`` of the kernel's space.
With ``z = f - y`` split off, u the scaled multiplier and rho its weight, one iteration is::

    f = the smoother's answer to the target t = y + z - u       (kernel ridge regression with ridge 1/rho)
    v = u + 1.6 (f - y) - 0.6 z
    s = v - clip(v, +-eps);  u = clip(s, +-C m / rho);  z = v - u

The 0/1 matrix m carries folds, masked pixels and held-out stars: where it is 0 the flux cannot influence anything.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from typing import Any, Protocol

import numba
import numpy as np
from numpy.typing import DTypeLike, NDArray
from scipy.linalg import eigh
from scipy.spatial.distance import cdist

FloatArray = NDArray[np.float64]

OVER_RELAXATION = 1.6
PENALTY_UPDATE = 10
"""Iterations between two adaptations of the penalty rho."""

PENALTY_POWER = 0.75
"""rho grows with this power of C: ``rho / C`` sets how far a multiplier may go, rho how near the function must come."""

DENSE_CACHE_BYTES = 600e6
"""The matrices of :class:`DenseSmoother` kept for different rho; at least two."""


@dataclass(frozen=True)
class SharedBasis:
    """Eigenbasis of one Gram matrix, shared by all pixels, folds, C and epsilon.

    Parameters
    ----------
    gamma : float
        Of the kernel.
    phi : ndarray, shape (n_stars, rank)
        ``U_r L_r^(1/2)``, in the precision of the solver.
    eigenvalues : ndarray, shape (rank,)
        ``L_r``, descending.
    """

    gamma: float
    phi: NDArray[Any]
    eigenvalues: NDArray[Any]


def shared_basis(labels: FloatArray, gamma: float, *, cut: float = 1e-8, dtype: DTypeLike = np.float64) -> SharedBasis:
    """Eigendecomposition of the Gram matrix; always in float64, then cast.

    Parameters
    ----------
    labels : ndarray, shape (n_stars, n_labels)
        Scaled labels.
    gamma : float
        Of the kernel ``exp(-gamma |x - x'|^2)``.
    cut : float
        Eigenvalues at or below are dropped.
    dtype : dtype
        Precision of the result.
    """
    gram = np.exp(-gamma * cdist(labels, labels, "sqeuclidean"))
    values, vectors = eigh(gram, overwrite_a=True, check_finite=False, driver="evd")
    keep = np.flatnonzero(values > cut)[::-1]
    values = values[keep]
    phi = vectors[:, keep] * np.sqrt(values)
    return SharedBasis(gamma, np.ascontiguousarray(phi, dtype=dtype), values.astype(dtype))


def initial_penalty(gamma: float, c: NDArray[Any]) -> NDArray[Any]:
    """Initial rho: larger for wide kernels and for large C.

    Tuned against libsvm on noisy and on clean pixels.
    """
    return np.asarray(1.6 * gamma**-0.25 * c**PENALTY_POWER)


class Step(Protocol):
    """A smoother made ready for given rho."""

    def __call__(self, target: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
        """Fitted values, shape (n_stars, n_columns), and intercepts."""
        ...

    def coefficients(self, target: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
        """A, shape (n_stars, n_columns), and intercepts of the function fitted to a target."""
        ...


class LowRankSmoother:
    """Kernel ridge regression in the eigenbasis: two products of 2 n r flops and a free rho a column.

    Parameters
    ----------
    basis : SharedBasis
        The basis.
    """

    uniform = False

    def __init__(self, basis: SharedBasis) -> None:
        self._basis = basis
        # The intercept is one more column of the basis: its products come with those of Phi.
        self._phi = np.column_stack([basis.phi, np.ones(len(basis.phi), basis.phi.dtype)])
        self._total = basis.phi.sum(axis=0)

    def ready(self, rho: NDArray[Any]) -> Step:
        """The step for one rho a column."""
        return _LowRankStep(self._basis, self._phi, self._total, rho)


class _LowRankStep:
    def __init__(self, basis: SharedBasis, phi: NDArray[Any], total: NDArray[Any], rho: NDArray[Any]) -> None:
        self._phi, self._total, self._eigenvalues = phi, total, basis.eigenvalues[:, None]
        self._gain = rho / (1 + rho * self._eigenvalues)
        self._gained = self._gain * total[:, None]
        self._schur = len(phi) - total @ self._gained

    def _weights(self, target: NDArray[Any]) -> NDArray[Any]:
        weights = self._phi.T @ target
        w = weights[:-1]
        w *= self._gain
        weights[-1] = (weights[-1] - self._total @ w) / self._schur
        w -= self._gained * weights[-1]
        return np.asarray(weights)

    def __call__(self, target: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
        weights = self._weights(target)
        return self._phi @ weights, weights[-1]

    def coefficients(self, target: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
        weights = self._weights(target)
        return self._phi[:, :-1] @ (weights[:-1] / self._eigenvalues), weights[-1]


class DenseSmoother:
    """The same by one product of 2 n^2 flops a column: cheaper when the rank exceeds half the stars.

    All columns share one rho; its matrix ``rho K (I + rho K)^-1`` is kept, so that returning to it is free.

    Parameters
    ----------
    basis : SharedBasis
        The basis.
    """

    uniform = True

    def __init__(self, basis: SharedBasis) -> None:
        self._basis = basis
        self._kept: OrderedDict[float, NDArray[Any]] = OrderedDict()
        self._lock = Lock()
        self._room = max(2, int(DENSE_CACHE_BYTES / (len(basis.phi) ** 2 * basis.phi.itemsize)))

    def ready(self, rho: NDArray[Any]) -> Step:
        """The step for a rho that all columns share."""
        key = float(rho[0])
        with self._lock:
            matrix = self._kept.pop(key, None)
            if matrix is None:
                matrix = (self._basis.phi * (key / (1 + key * self._basis.eigenvalues))) @ self._basis.phi.T
            self._kept[key] = matrix
            while len(self._kept) > self._room:
                self._kept.popitem(last=False)
        return _DenseStep(matrix, rho[0])


class _DenseStep:
    def __init__(self, matrix: NDArray[Any], rho: Any) -> None:
        self._matrix, self._rho = matrix, rho
        self._row_sums = matrix.sum(axis=1)

    def __call__(self, target: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
        fitted = self._matrix @ target
        rest = 1 - self._row_sums
        intercept = rest @ target / rest.sum()
        fitted += intercept * rest[:, None]
        return fitted, intercept

    def coefficients(self, target: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
        fitted, intercept = self(target)
        return self._rho * (target - fitted), intercept


Smoother = LowRankSmoother | DenseSmoother


def smoother_for(basis: SharedBasis) -> Smoother:
    """The cheaper of the two."""
    n, rank = basis.phi.shape
    return DenseSmoother(basis) if 2 * rank > n else LowRankSmoother(basis)


class AdmmSolver:
    """Batched ADMM over columns that share one Gram matrix.

    A column is one pixel (or one pixel in one fold) with its own flux, inclusion and hyper-parameters. rho is adapted
    every few iterations by residual balancing: for each column, or for all together where the smoother wants one.

    Parameters
    ----------
    smoother : LowRankSmoother or DenseSmoother
        Solves the quadratic half.
    gamma : float
        Of its kernel: sets the first rho.
    flux : ndarray, shape (n_stars, n_columns)
        Scaled flux, in the precision to work in.
    inclusion : ndarray of bool, shape (n_stars, n_columns)
        m: True for members of the fit, False for masked pixels and held-out stars.
    """

    def __init__(self, smoother: Smoother, gamma: float, flux: NDArray[Any], inclusion: NDArray[np.bool_]) -> None:
        self._smoother, self._gamma = smoother, gamma
        self._inclusion = np.ascontiguousarray(inclusion)
        self._flux = np.where(inclusion, flux, 0).astype(flux.dtype)
        self._v, self._u, self._target = np.zeros_like(self._flux), np.zeros_like(self._flux), self._flux.copy()
        self._c: NDArray[Any] = np.empty(0, flux.dtype)  # of the call before
        self._rho = self._c
        self._step: Step | None = None

    def solve(
        self,
        c: NDArray[Any],
        epsilon: NDArray[Any],
        iterations: int,
        stop: Callable[[NDArray[Any]], bool] | None = None,
        stop_every: int = 2,
    ) -> NDArray[Any]:
        """Iterate from where the previous call ended (so neighbouring C and epsilon start warm).

        Parameters
        ----------
        c, epsilon : ndarray, shape (n_columns,) or (1,)
            Hyper-parameters of each column; one C for all where the smoother wants one rho.
        iterations : int
            Number of ADMM iterations, at most.
        stop : callable, optional
            Shown the fitted values every ``stop_every`` iterations; True ends the iterations.
        stop_every : int
            See ``stop``.

        Returns
        -------
        ndarray, shape (n_stars, n_columns)
            Fitted values at all stars, members or not.
        """
        dtype, columns = self._flux.dtype, self._flux.shape[1]
        self._begin(np.broadcast_to(np.asarray(c, dtype), (columns,)))
        tube = np.ascontiguousarray(np.broadcast_to(np.asarray(epsilon, dtype), (columns,)))
        relax = dtype.type(OVER_RELAXATION)
        balance = np.empty((4, columns), dtype)
        fitted = self._flux
        for iteration in range(1, iterations + 1):
            step = self._ready()
            fitted, _ = step(self._target)
            bound = self._c / self._rho
            _advance(fitted, self._flux, self._inclusion, self._v, self._u, self._target, tube, bound, relax, balance)
            if stop is not None and iteration % stop_every == 0 and stop(fitted):
                break
            if iteration % PENALTY_UPDATE == 0 and iteration < iterations:
                self._balance(balance)
        return fitted

    def coefficients(self) -> tuple[NDArray[Any], NDArray[Any]]:
        """A, shape (n_stars, n_columns), and intercepts, shape (n_columns,), of the functions so far."""
        return self._ready().coefficients(self._target)

    def _ready(self) -> Step:
        if self._step is None:
            self._step = self._smoother.ready(self._rho)
        return self._step

    def _begin(self, c: NDArray[Any]) -> None:
        """Carry the multipliers over to another C: those at the bound stay there, the others keep their force."""
        if self._c.size == 0:
            rho = initial_penalty(self._gamma, c).astype(c.dtype)
            self._c, self._rho = c, self._shared(rho)
            self._step = None
        elif not np.array_equal(c, self._c):
            rho = self._shared(self._rho * (c / self._c) ** PENALTY_POWER)
            z = self._v - self._u
            at_bound = np.abs(self._u) >= 0.999 * self._inclusion * (self._c / self._rho)
            self._u = np.where(at_bound, np.sign(self._u) * (c / rho), self._u * (self._rho / rho))
            self._v = z + self._u
            self._target = self._flux + z - self._u
            self._c, self._rho, self._step = c, rho, None

    def _shared(self, rho: NDArray[Any]) -> NDArray[Any]:
        """One rho for all, on a ladder of powers of two, where the smoother wants that."""
        if not self._smoother.uniform or rho.size == 0:
            return rho
        return np.full_like(rho, 2.0 ** np.round(np.log2(rho).mean()))

    def _balance(self, sums: NDArray[Any]) -> None:
        """Residual balancing: double rho where the constraint lags, halve it where the multipliers do."""
        tiny = np.finfo(sums.dtype).tiny
        primal, z, dual, u = np.sqrt(sums + tiny)
        factor = np.where(primal * u > 3 * dual * z, 2, np.where(dual * z > 3 * primal * u, 0.5, 1)).astype(sums.dtype)
        if self._smoother.uniform:
            majority = np.log2(factor).mean()
            factor = np.full_like(factor, 2.0 if majority > 0.5 else 0.5 if majority < -0.5 else 1.0)
        if (factor == 1).all():
            return
        _rescale(self._v, self._u, self._flux, self._target, factor)
        self._rho = self._rho * factor
        self._step = None


@numba.njit(nogil=True, fastmath=True)  # type: ignore[untyped-decorator]
def _advance(
    fitted: NDArray[Any],
    flux: NDArray[Any],
    inclusion: NDArray[np.bool_],
    v: NDArray[Any],
    u: NDArray[Any],
    target: NDArray[Any],
    tube: NDArray[Any],
    bound: NDArray[Any],
    relax: Any,
    sums: NDArray[Any],
) -> None:
    """One pass over memory: v, u and the next target; and the four sums that balance rho, over the members."""
    zero = relax - relax
    sums[:] = zero
    for i in range(fitted.shape[0]):
        for j in range(fitted.shape[1]):
            old = v[i, j] - u[i, j]
            difference = fitted[i, j] - flux[i, j]
            new_v = v[i, j] + relax * (difference - old)
            s = new_v - min(max(new_v, -tube[j]), tube[j])
            limit = bound[j] if inclusion[i, j] else zero
            new_u = min(max(s, -limit), limit)
            z = new_v - new_u
            v[i, j] = new_v
            u[i, j] = new_u
            target[i, j] = flux[i, j] + z - new_u
            if inclusion[i, j]:
                sums[0, j] += (difference - z) ** 2
                sums[1, j] += z**2
                sums[2, j] += (z - old) ** 2
                sums[3, j] += new_u**2


@numba.njit(nogil=True, fastmath=True)  # type: ignore[untyped-decorator]
def _rescale(v: NDArray[Any], u: NDArray[Any], flux: NDArray[Any], target: NDArray[Any], factor: NDArray[Any]) -> None:
    """The scaled multipliers of another rho; z stays."""
    for i in range(v.shape[0]):
        for j in range(v.shape[1]):
            z = v[i, j] - u[i, j]
            u[i, j] /= factor[j]
            v[i, j] = z + u[i, j]
            target[i, j] = flux[i, j] + z - u[i, j]
