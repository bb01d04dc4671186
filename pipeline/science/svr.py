"""Support-vector regression of many pixels that share their training labels (paper section 3.2.1).

Every pixel j is an RBF regression ``f_j(x) = sum_i A_ij exp(-gamma_j |x - x_i|^2) + b_j``. All pixels share the labels
x_i, so one eigendecomposition of the Gram matrix ``K = U L U^T`` per gamma serves every pixel, fold, C and epsilon
(SCIENCE.md section 4). Two engines solve the same problem: ``"admm"`` moves all pixels at once in that basis,
``"sklearn"`` calls libsvm pixel by pixel (slow, obvious, exact; the tests hold the first against the second).
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from threading import Lock
from typing import Any, Literal

import numpy as np
from numpy.typing import DTypeLike, NDArray
from scipy.linalg import eigh
from scipy.spatial.distance import cdist
from sklearn.svm import SVR
from threadpoolctl import threadpool_limits

FloatArray = NDArray[np.float64]
Engine = Literal["admm", "sklearn"]
Progress = Callable[[float], None]

ENGINES: tuple[Engine, ...] = ("admm", "sklearn")

OVER_RELAXATION = 1.6
PENALTY_UPDATE = 5
"""Iterations between two adaptations of the ADMM penalty rho; free of cost because the basis is diagonal."""

RANKING_EIGENVALUE_CUT = 1e-3
"""Smallest eigenvalue kept while hyper-parameters are ranked."""

FUNCTION_ACCURACY = 3e-3
"""Dropping eigenvalues below a cut moves the function by about sqrt(cut) C / 3 (measured against libsvm): the final fit
cuts at ``(FUNCTION_ACCURACY / C)^2``, which keeps that below 1e-3 of a pixel's standard deviation."""

LIBSVM_TOLERANCE = 1e-5


@dataclass(frozen=True)
class HyperParameters:
    """Hyper-parameters of every pixel.

    Parameters
    ----------
    c, gamma, epsilon : ndarray, shape (n_pixels,)
        Penalty level, inverse square width of the kernel, and half-width of the tube, for labels and flux scaled by
        mean and standard deviation.
    """

    c: FloatArray
    gamma: FloatArray
    epsilon: FloatArray


@dataclass(frozen=True)
class CrossValidation:
    """Out-of-fold deviations of one triple of hyper-parameters (paper Eq. 2-3), in scaled flux.

    Parameters
    ----------
    mse : ndarray, shape (n_pixels,)
        Eq. 2: mean squared deviation over the stars that were not masked; NaN for pixels without any.
    mean_deviation : ndarray, shape (n_pixels,)
        Eq. 3 as it is written: the mean of model minus flux.
    median_deviation : ndarray, shape (n_pixels,)
        Eq. 3 as it is named: the median of model minus flux.
    """

    mse: FloatArray
    mean_deviation: FloatArray
    median_deviation: FloatArray


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


def initial_stiffness(gamma: float) -> float:
    """Starting ratio of the ADMM penalty rho to C: stiffer for wide kernels (tuned against libsvm, gamma 0.01-10)."""
    return float(np.clip(3.0 / np.sqrt(gamma), 1.0, 30.0))


class AdmmSolver:
    """Batched ADMM over columns that share one basis.

    A column is one pixel (or one pixel in one fold) with its own flux, inclusion and hyper-parameters. In the notation
    of SCIENCE.md section 4, with ``z = Phi w + b - y``::

        w = rho / (1 + rho L) o Phi^T (z + y - u - b)      b by Schur complement
        s = v - clip(v, +-eps);  u = clip(s, +-C m / rho);  z = v - u

    where v is the over-relaxed residual plus u. rho is adapted per column (residual balancing) every few iterations.
    Where m is 0 the flux is replaced by 0 before anything is computed, so it cannot influence the result.

    Parameters
    ----------
    basis : SharedBasis
        Sets the precision too.
    flux : ndarray, shape (n_stars, n_columns)
        Scaled flux.
    inclusion : ndarray, shape (n_stars, n_columns)
        m: 1 for members of the fit, 0 for masked pixels and held-out stars.
    """

    def __init__(self, basis: SharedBasis, flux: NDArray[Any], inclusion: NDArray[Any]) -> None:
        self._basis = basis
        dtype = basis.phi.dtype
        # The intercept is one more column of the basis: its products come with those of Phi.
        self._phi = np.column_stack([basis.phi, np.ones(len(basis.phi), dtype)])
        self._inclusion = np.ascontiguousarray(inclusion, dtype=dtype)
        self._flux = np.where(inclusion > 0, flux, 0.0).astype(dtype)
        self._v = np.zeros_like(self._flux)
        self._u = np.zeros_like(self._flux)
        self._stiffness: NDArray[Any] = initial_stiffness(basis.gamma) * np.ones(flux.shape[1], dtype)

    def solve(self, c: NDArray[Any], epsilon: NDArray[Any], iterations: int) -> tuple[NDArray[Any], NDArray[Any]]:
        """Iterate, starting where the previous call of this solver ended (so neighbouring C and epsilon start warm).

        Parameters
        ----------
        c, epsilon : ndarray, shape (n_columns,) or (1,)
            Hyper-parameters of each column.
        iterations : int
            Number of ADMM iterations.

        Returns
        -------
        w : ndarray, shape (rank, n_columns)
            Weights in the basis.
        b : ndarray, shape (n_columns,)
            Intercepts.
        """
        phi, y, v, u = self._phi, self._flux, self._v, self._u
        dtype = phi.dtype
        n, columns = y.shape
        c = np.broadcast_to(np.asarray(c, dtype), (columns,))
        high_tube = np.ascontiguousarray(np.broadcast_to(np.asarray(epsilon, dtype), (columns,)))
        low_tube = -high_tube
        relax = dtype.type(OVER_RELAXATION)
        eigenvalues, total = self._basis.eigenvalues[:, None], phi[:, :-1].sum(axis=0)
        target, work = np.empty_like(y), np.empty_like(y)
        weights = np.zeros((phi.shape[1], columns), dtype)
        for iteration in range(iterations):
            if iteration % PENALTY_UPDATE == 0:
                rho = c * self._stiffness
                gain = rho / (1 + rho * eigenvalues)
                gained = gain * total[:, None]
                schur = n - total @ gained
                high = self._inclusion * (c / rho)
                low = -high
            np.add(y, v, out=target)
            target -= u  # y + z
            np.subtract(target, u, out=work)  # y + z - u
            np.matmul(phi.T, work, out=weights)
            w = weights[:-1]
            w *= gain
            b = (weights[-1] - total @ w) / schur
            w -= gained * b
            weights[-1] = b
            np.matmul(phi, weights, out=work)
            work -= target  # Phi w + b - y - z
            balancing = (iteration + 1) % PENALTY_UPDATE == 0 and iteration + 1 < iterations
            if balancing:
                target -= y  # z
                residual = work + target
            work *= relax
            v += work
            np.minimum(v, high_tube, out=work)
            np.maximum(work, low_tube, out=work)
            np.subtract(v, work, out=u)
            np.minimum(u, high, out=u)
            np.maximum(u, low, out=u)
            if balancing:
                z = v - u
                factor = self._stiffness_factor(residual, z, target)
                u /= factor
                np.add(z, u, out=v)
                self._stiffness = self._stiffness * factor
        return weights[:-1], weights[-1]

    def _stiffness_factor(self, residual: NDArray[Any], z: NDArray[Any], previous: NDArray[Any]) -> NDArray[Any]:
        """Residual balancing: double rho where the constraint lags, halve it where the multipliers do."""
        m = self._inclusion
        tiny = np.finfo(z.dtype).tiny

        def power(values: NDArray[Any]) -> NDArray[Any]:
            return np.asarray(np.einsum("ij,ij,ij->j", values, values, m) + tiny)

        primal = np.sqrt(power(residual - z) / power(z))
        dual = np.sqrt(power(z - previous) / power(self._u))
        return np.where(primal > 3 * dual, 2, np.where(dual > 3 * primal, 0.5, 1)).astype(z.dtype)


def fit_expansion(
    labels: FloatArray,
    flux: FloatArray,
    inclusion: NDArray[Any],
    parameters: HyperParameters,
    *,
    engine: Engine = "admm",
    iterations: int = 200,
    pixel_block: int = 256,
    dtype: DTypeLike = np.float64,
    threads: int | None = None,
    progress: Progress | None = None,
) -> KernelExpansion:
    """Fit every pixel with its own hyper-parameters.

    Parameters
    ----------
    labels : ndarray, shape (n_stars, n_labels)
        Scaled labels.
    flux : ndarray, shape (n_stars, n_pixels)
        Scaled flux; values where ``inclusion`` is 0 are never read.
    inclusion : ndarray, shape (n_stars, n_pixels)
        1 where a star's pixel takes part, 0 where it must have no influence. A pixel without any member gets a zero
        function.
    parameters : HyperParameters
        Of each pixel.
    engine : {"admm", "sklearn"}
        Solver.
    iterations : int
        ADMM iterations; below 150 the function is wrong away from the training stars.
    pixel_block : int
        Pixels solved at once: bounds the memory to about ten arrays of shape (n_stars, pixel_block) a thread.
    dtype : dtype
        Precision of the ADMM.
    threads : int, optional
        Blocks solved side by side; the cores of this process by default.
    progress : callable, optional
        Told the fraction done.
    """
    n, pixels = flux.shape
    coefficients = np.zeros((n, pixels), dtype)
    intercept = np.zeros(pixels)
    occupied = np.flatnonzero((inclusion > 0).any(axis=0))
    meter = _Meter(occupied.size, progress)
    for gamma in np.unique(parameters.gamma[occupied]):
        group = occupied[parameters.gamma[occupied] == gamma]
        basis: SharedBasis | None = None
        if engine == "admm":
            cut = float(np.clip((FUNCTION_ACCURACY / parameters.c[group].max()) ** 2, 1e-10, 1e-4))
            with threadpool_limits(limits=threads, user_api="blas"):
                basis = shared_basis(labels, float(gamma), cut=cut, dtype=dtype)

        def solve(block: NDArray[np.intp], basis: SharedBasis | None = basis) -> None:
            if basis is None:
                for pixel in block:
                    coefficients[:, pixel], intercept[pixel] = _fit_libsvm(
                        labels, flux[:, pixel], inclusion[:, pixel] > 0, parameters, int(pixel)
                    )
            else:
                solver = AdmmSolver(basis, flux[:, block], inclusion[:, block])
                w, b = solver.solve(parameters.c[block], parameters.epsilon[block], iterations)
                coefficients[:, block] = basis.phi @ (w / basis.eigenvalues[:, None])
                intercept[block] = b
            meter.add(block.size)

        for_each_block(solve, group, pixel_block, threads)
    return KernelExpansion(labels, coefficients, intercept, np.array(parameters.gamma, dtype=np.float64))


def cross_validate(
    labels: FloatArray,
    flux: FloatArray,
    inclusion: NDArray[Any],
    folds: NDArray[np.intp],
    triples: list[tuple[float, float, float]],
    *,
    engine: Engine = "admm",
    iterations: int = 30,
    pixel_block: int = 256,
    threads: int | None = None,
    progress: Progress | None = None,
) -> list[CrossValidation]:
    """Out-of-fold deviations of every pixel for every triple (paper Eq. 2-3).

    Parameters
    ----------
    labels, flux, inclusion
        As for :func:`fit_expansion`.
    folds : ndarray of int, shape (n_stars,)
        Fold of each star, 0 to k - 1.
    triples : list of (C, gamma, epsilon)
        Hyper-parameters to compare.
    engine, pixel_block, threads, progress
        As for :func:`fit_expansion`; the ADMM works in float32 here, because it only ranks.
    iterations : int
        ADMM iterations a triple; 30 suffice to rank, and triples of one gamma start from one another.

    Returns
    -------
    list of CrossValidation
        In the order of ``triples``.
    """
    pixels = flux.shape[1]
    n_folds = int(folds.max()) + 1
    found = [CrossValidation(*(np.full(pixels, np.nan) for _ in range(3))) for _ in triples]
    columns = max(1, pixel_block // n_folds)
    held_out = np.asarray(folds[:, None] == np.arange(n_folds))
    meter = _Meter(len(triples) * pixels, progress)
    for gamma in np.unique([triple[1] for triple in triples]):
        members = [i for i, triple in enumerate(triples) if triple[1] == gamma]
        members.sort(key=lambda i: (triples[i][0], triples[i][2]))
        basis: SharedBasis | None = None
        if engine == "admm":
            with threadpool_limits(limits=threads, user_api="blas"):
                basis = shared_basis(labels, float(gamma), cut=RANKING_EIGENVALUE_CUT, dtype=np.float32)

        def rank(
            block: NDArray[np.intp], basis: SharedBasis | None = basis, members: tuple[int, ...] = tuple(members)
        ) -> None:
            y, m = flux[:, block], inclusion[:, block]
            solver = None if basis is None else _fold_solver(basis, y, m, held_out)
            for index in members:
                if solver is None or basis is None:
                    predicted = _cross_predict_libsvm(labels, y, m, held_out, triples[index])
                else:
                    predicted = _cross_predict_admm(solver, basis, held_out, triples[index], iterations)
                _summarise(found[index], block, predicted, y, m)
                meter.add(block.size)

        for_each_block(rank, np.arange(pixels), columns, threads)
    return found


class _Meter:
    """Counts the pixels done by all workers and passes the fraction on."""

    def __init__(self, total: int, progress: Progress | None) -> None:
        self._total, self._progress, self._done, self._lock = max(total, 1), progress, 0, Lock()

    def add(self, pixels: int) -> None:
        with self._lock:
            self._done += pixels
            if self._progress is not None:
                self._progress(self._done / self._total)


def for_each_block(
    work: Callable[[NDArray[np.intp]], None], pixels: NDArray[np.intp], size: int, threads: int | None
) -> None:
    """Blocks of pixels side by side, one BLAS thread each: element-wise steps scale as the products do."""
    size = max(1, min(size, -(-pixels.size // available_threads(threads))))
    blocks = [pixels[start : start + size] for start in range(0, pixels.size, size)]
    with threadpool_limits(limits=1, user_api="blas"), ThreadPoolExecutor(available_threads(threads)) as pool:
        for _ in pool.map(work, blocks):
            pass


def available_threads(threads: int | None) -> int:
    """The number asked for, else the cores that this process may use."""
    return threads if threads is not None else len(os.sched_getaffinity(0))


def _fold_solver(
    basis: SharedBasis, flux: FloatArray, inclusion: NDArray[Any], held_out: NDArray[np.bool_]
) -> AdmmSolver:
    """One column for each fold and pixel (fold-major); held-out stars are no members."""
    n, pixels = flux.shape
    n_folds = held_out.shape[1]
    shape = (n, n_folds, pixels)
    members = np.where(held_out[:, :, None], 0.0, inclusion[:, None, :] > 0)
    repeated = np.broadcast_to(flux[:, None, :], shape)
    return AdmmSolver(basis, repeated.reshape(n, -1), members.reshape(n, -1))


def _summarise(
    result: CrossValidation, block: NDArray[np.intp], predicted: FloatArray, flux: FloatArray, inclusion: NDArray[Any]
) -> None:
    """Eq. 2-3 over the stars whose pixel is not masked."""
    member = inclusion > 0
    known = member.any(axis=0)
    deviation = np.where(member, predicted - np.where(member, flux, 0.0), np.nan)[:, known]
    pixels = block[known]
    result.mse[pixels] = np.nanmean(deviation**2, axis=0)
    result.mean_deviation[pixels] = np.nanmean(deviation, axis=0)
    result.median_deviation[pixels] = np.nanmedian(deviation, axis=0)


def _fit_libsvm(
    labels: FloatArray, flux: FloatArray, member: NDArray[np.bool_], parameters: HyperParameters, pixel: int
) -> tuple[FloatArray, float]:
    """Coefficients (zero for all but the support vectors) and intercept of one pixel."""
    machine = SVR(
        C=parameters.c[pixel],
        gamma=parameters.gamma[pixel],
        epsilon=parameters.epsilon[pixel],
        tol=LIBSVM_TOLERANCE,
    ).fit(labels[member], flux[member])
    coefficients = np.zeros(len(labels))
    coefficients[np.flatnonzero(member)[machine.support_]] = machine.dual_coef_[0]
    return coefficients, float(machine.intercept_[0])


def _cross_predict_admm(
    solver: AdmmSolver,
    basis: SharedBasis,
    held_out: NDArray[np.bool_],
    triple: tuple[float, float, float],
    iterations: int,
) -> FloatArray:
    """Out-of-fold predictions of a block of pixels, all folds at once."""
    n, n_folds = held_out.shape
    w, b = solver.solve(np.array([triple[0]]), np.array([triple[2]]), iterations)
    w, b = w.reshape(len(w), n_folds, -1), b.reshape(n_folds, -1)
    predicted = np.empty((n, b.shape[1]))
    for fold in range(n_folds):
        rows = held_out[:, fold]
        predicted[rows] = basis.phi[rows] @ w[:, fold] + b[fold]
    return predicted


def _cross_predict_libsvm(
    labels: FloatArray,
    flux: FloatArray,
    inclusion: NDArray[Any],
    held_out: NDArray[np.bool_],
    triple: tuple[float, float, float],
) -> FloatArray:
    """Out-of-fold predictions of a block of pixels, one libsvm fit a fold and pixel."""
    c, gamma, epsilon = triple
    predicted = np.zeros(flux.shape)
    for pixel in range(flux.shape[1]):
        for rows in held_out.T:
            member = (inclusion[:, pixel] > 0) & ~rows
            if member.any() and rows.any():
                machine = SVR(C=c, gamma=gamma, epsilon=epsilon, tol=LIBSVM_TOLERANCE)
                predicted[rows, pixel] = machine.fit(labels[member], flux[member, pixel]).predict(labels[rows])
    return predicted
