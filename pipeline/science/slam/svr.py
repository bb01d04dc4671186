"""Support-vector regression of many pixels that share their training labels (paper section 3.2.1).

Every pixel j is an RBF regression ``f_j(x) = sum_i A_ij exp(-gamma_j |x - x_i|^2) + b_j``. All pixels share the labels
x_i, so one eigendecomposition of the Gram matrix ``K = U L U^T`` per gamma serves every pixel, fold, C and epsilon. Two
engines solve the same problem: ``"admm"`` moves all pixels at once in that basis, ``"sklearn"`` calls libsvm pixel by
pixel (slow, obvious, exact; the tests hold the first against the second).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import DTypeLike, NDArray
from sklearn.svm import SVR
from threadpoolctl import threadpool_limits

from pipeline.science.blocks import Meter, Progress, for_each_block
from pipeline.science.slam.kernel_expansion import FloatArray, KernelExpansion
from pipeline.science.slam.svr_admm import AdmmSolver, shared_basis, smoother_for

Engine = Literal["admm", "sklearn"]

ENGINES: tuple[Engine, ...] = ("admm", "sklearn")

RANKING_EIGENVALUE_CUT = 1e-3
"""Smallest eigenvalue kept while hyper-parameters are ranked."""

RANKING_TOLERANCE = 1e-3
"""Ranking ends when the CV-MSE of no pixel of a block moves by more, relatively, in two iterations."""

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
        Called with the fraction done.
    """
    n, pixels = flux.shape
    coefficients = np.zeros((n, pixels), dtype)
    intercept = np.zeros(pixels)
    occupied = np.flatnonzero((inclusion > 0).any(axis=0))
    meter = Meter(occupied.size, progress)
    for gamma in np.unique(parameters.gamma[occupied]):
        group = occupied[parameters.gamma[occupied] == gamma]
        cut = float(np.clip((FUNCTION_ACCURACY / parameters.c[group].max()) ** 2, 1e-10, 1e-4))
        solver = _engine(engine)(labels, float(gamma), cut, dtype, threads)
        parts = (
            [group[parameters.c[group] == c] for c in np.unique(parameters.c[group])] if solver.single_c else [group]
        )

        def solve(block: NDArray[np.intp], solver: _Engine = solver) -> None:
            c, epsilon = parameters.c[block], parameters.epsilon[block]
            member = np.asarray(inclusion[:, block] > 0)
            coefficients[:, block], intercept[block] = solver.fit(flux[:, block], member, c, epsilon, iterations)
            meter.add(block.size)

        for part in parts:
            for_each_block(solve, part, pixel_block, threads)
    return KernelExpansion(labels, coefficients, intercept, np.array(parameters.gamma, dtype=np.float64))


def cross_validate(
    labels: FloatArray,
    flux: FloatArray,
    inclusion: NDArray[Any],
    folds: NDArray[np.intp],
    triples: list[tuple[float, float, float]],
    *,
    wanted: NDArray[np.bool_] | None = None,
    residual: NDArray[np.float32] | None = None,
    engine: Engine = "admm",
    iterations: int = 60,
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
    wanted : ndarray of bool, shape (n_triples, n_pixels), optional
        Which triples to try for which pixels, the same for all triples of one gamma; the others are NaN. All by
        default.
    residual : ndarray of float32, shape (n_stars, n_pixels), optional
        Filled with each pixel's deviations under its best triple.
    engine, pixel_block, threads, progress
        As for :func:`fit_expansion`; the ADMM works in float32 here, because it only ranks.
    iterations : int
        ADMM iterations a triple, at most: a block ends when its CV-MSE stands still, and triples of one gamma start
        from one another.

    Returns
    -------
    list of CrossValidation
        In the order of ``triples``.
    """
    pixels = flux.shape[1]
    n_folds = int(folds.max()) + 1
    validations = [CrossValidation(*(np.full(pixels, np.nan) for _ in range(3))) for _ in triples]
    columns = max(1, pixel_block // n_folds)
    held_out = np.asarray(folds[:, None] == np.arange(n_folds))
    lowest = np.full(pixels, np.inf)
    meter = Meter(len(triples) * pixels if wanted is None else int(wanted.sum()), progress)
    for gamma in np.unique([triple[1] for triple in triples]):
        members = [i for i, triple in enumerate(triples) if triple[1] == gamma]
        members.sort(key=lambda i: (triples[i][0], triples[i][2]))
        chosen = np.arange(pixels) if wanted is None else np.flatnonzero(wanted[members[0]])
        if chosen.size == 0:
            continue
        solver = _engine(engine)(labels, float(gamma), RANKING_EIGENVALUE_CUT, np.float32, threads)

        def rank(block: NDArray[np.intp], solver: _Engine = solver, members: tuple[int, ...] = tuple(members)) -> None:
            y, m = flux[:, block], np.asarray(inclusion[:, block] > 0)
            predict = solver.out_of_fold(y, m, held_out, iterations)
            for index in members:
                c, _, epsilon = triples[index]
                predicted = predict(c, epsilon)
                _summarise(validations[index], block, predicted, y, m)
                if residual is not None:
                    better = validations[index].mse[block] < lowest[block]
                    lowest[block[better]] = validations[index].mse[block[better]]
                    residual[:, block[better]] = np.where(m, predicted - np.where(m, y, 0.0), 0.0)[:, better]
                meter.add(block.size)

        for_each_block(rank, chosen, columns, threads)
    return validations


def _summarise(
    result: CrossValidation,
    block: NDArray[np.intp],
    predicted: NDArray[Any],
    flux: FloatArray,
    member: NDArray[np.bool_],
) -> None:
    """Eq. 2-3 over the stars whose pixel is not masked."""
    known = member.any(axis=0)
    deviation = np.where(member, predicted - np.where(member, flux, 0.0), np.nan)[:, known]
    pixels = block[known]
    result.mse[pixels] = np.nanmean(deviation**2, axis=0)
    result.mean_deviation[pixels] = np.nanmean(deviation, axis=0)
    result.median_deviation[pixels] = np.nanmedian(deviation, axis=0)


def deviations(residual: NDArray[Any], member: NDArray[np.bool_]) -> CrossValidation:
    """Eq. 2-3 of out-of-fold residuals, model minus flux, of shape (n_stars, n_pixels)."""
    validation = CrossValidation(*np.full((3, residual.shape[1]), np.nan))
    _summarise(validation, np.arange(residual.shape[1]), residual, np.zeros_like(residual), member)
    return validation


OutOfFold = Callable[[float, float], NDArray[Any]]
"""Takes C and epsilon; gives predictions of every star by the fit without its fold, shape (n_stars, n_pixels)."""


class _AdmmEngine:
    """All columns of a block at once."""

    def __init__(self, labels: FloatArray, gamma: float, cut: float, dtype: DTypeLike, threads: int | None) -> None:
        with threadpool_limits(limits=threads, user_api="blas"):
            basis = shared_basis(labels, gamma, cut=cut, dtype=dtype)
        self._gamma, self._dtype, self._smoother = gamma, dtype, smoother_for(basis)
        self.single_c = self._smoother.uniform

    def fit(
        self, flux: FloatArray, member: NDArray[np.bool_], c: FloatArray, epsilon: FloatArray, iterations: int
    ) -> tuple[NDArray[Any], NDArray[Any]]:
        solver = AdmmSolver(self._smoother, self._gamma, flux.astype(self._dtype), member)
        solver.solve(c, epsilon, iterations)
        return solver.coefficients()

    def out_of_fold(
        self, flux: FloatArray, member: NDArray[np.bool_], held_out: NDArray[np.bool_], iterations: int
    ) -> OutOfFold:
        """One column for each fold and pixel (fold-major); held-out stars are no members."""
        n, pixels = flux.shape
        n_folds = held_out.shape[1]
        members = (~held_out[:, :, None] & member[:, None, :]).reshape(n, -1)
        repeated = np.broadcast_to(flux.astype(self._dtype)[:, None, :], (n, n_folds, pixels)).reshape(n, -1)
        solver = AdmmSolver(self._smoother, self._gamma, repeated, members)
        count = np.maximum(member.sum(axis=0), 1)
        truth = np.where(member, flux, 0.0).astype(self._dtype)

        def held(fitted: NDArray[Any]) -> NDArray[Any]:
            return np.asarray(fitted.reshape(n, n_folds, pixels)[held_out])  # one fold a star: rows in order

        def predict(c: float, epsilon: float) -> NDArray[Any]:
            last = np.full(pixels, np.inf)

            def settled(fitted: NDArray[Any]) -> bool:
                nonlocal last
                mse = np.square(np.where(member, held(fitted) - truth, 0.0)).sum(axis=0) / count
                done = np.abs(mse - last) <= RANKING_TOLERANCE * mse
                last = mse
                return bool(done.all())

            return held(solver.solve(np.array([c]), np.array([epsilon]), iterations, settled))

        return predict


class _LibsvmEngine:
    """One libsvm fit a column: slow, obvious, exact."""

    single_c = False

    def __init__(self, labels: FloatArray, gamma: float, cut: float, dtype: DTypeLike, threads: int | None) -> None:
        del cut, dtype, threads  # libsvm knows neither a basis nor a precision, and is single-threaded
        self._labels, self._gamma = labels, gamma

    def _machine(self, member: NDArray[np.bool_], flux: FloatArray, c: float, epsilon: float) -> SVR:
        machine = SVR(C=c, gamma=self._gamma, epsilon=epsilon, tol=LIBSVM_TOLERANCE)
        return machine.fit(self._labels[member], flux[member])

    def fit(
        self, flux: FloatArray, member: NDArray[np.bool_], c: FloatArray, epsilon: FloatArray, iterations: int
    ) -> tuple[NDArray[Any], NDArray[Any]]:
        """Coefficients (zero for all but the support vectors) and intercepts."""
        del iterations
        coefficients, intercept = np.zeros(flux.shape), np.zeros(flux.shape[1])
        for pixel in range(flux.shape[1]):
            chosen = member[:, pixel]
            machine = self._machine(chosen, flux[:, pixel], c[pixel], epsilon[pixel])
            coefficients[np.flatnonzero(chosen)[machine.support_], pixel] = machine.dual_coef_[0]
            intercept[pixel] = machine.intercept_[0]
        return coefficients, intercept

    def out_of_fold(
        self, flux: FloatArray, member: NDArray[np.bool_], held_out: NDArray[np.bool_], iterations: int
    ) -> OutOfFold:
        """One fit for each fold and pixel."""
        del iterations

        def predict(c: float, epsilon: float) -> NDArray[Any]:
            predicted = np.zeros(flux.shape)
            for pixel in range(flux.shape[1]):
                for rows in held_out.T:
                    chosen = member[:, pixel] & ~rows
                    if chosen.any() and rows.any():
                        machine = self._machine(chosen, flux[:, pixel], c, epsilon)
                        predicted[rows, pixel] = machine.predict(self._labels[rows])
            return predicted

        return predict


_Engine = _AdmmEngine | _LibsvmEngine


def _engine(name: Engine) -> type[_AdmmEngine | _LibsvmEngine]:
    return _AdmmEngine if name == "admm" else _LibsvmEngine
