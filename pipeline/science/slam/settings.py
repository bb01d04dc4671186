"""How SLAM trains and infers, and the folds of its cross-validation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pipeline.science.blocks import available_threads, physical_memory_gb
from pipeline.science.slam.svr import ENGINES

SOLVERS = (*ENGINES, "ridge")
ESTIMATES = ("maximum", "mean")
"""What of the posterior is published."""


@dataclass(frozen=True)
class SlamSettings:
    """How SLAM trains and infers.

    Parameters
    ----------
    engine : {"admm", "sklearn", "ridge"}
        Support-vector regression by batched ADMM, or by libsvm pixel by pixel (slow and exact); or kernel ridge
        regression with one C and gamma for all pixels (:mod:`pipeline.science.slam.noise_ridge`), without a tube.
    c_grid, gamma_grid, epsilon_grid : tuple of float
        Hyper-parameters in scaled units; every pixel chooses its triple by cross-validation. The paper's grid is
        C and gamma in (0.1, 1, 10), epsilon in (0.02, 0.05, 0.1).
    n_folds : int
        Folds of that cross-validation (paper: 10).
    seed : int
        Of the folds.
    prescreen_margin : float
        Kernel ridge regression first: a gamma is tried only for pixels where its ridge CV-MSE is within this fraction
        of the best gamma's. 0 tries all.
    cv_iterations : int
        ADMM iterations a triple while ranking, at most.
    final_iterations : int
        ADMM iterations of the final fit, at least 150. With 200 the functions agree with libsvm's to 5e-3 of a pixel's
        standard deviation away from the training stars.
    final_precision : {"float64", "float32"}
        Of the final fit. float32 is as close to libsvm and takes about half the time.
    memory_limit_gb : float
        Training that would need more is refused; 0 means the memory of the machine.
    pixel_block, star_block : int
        Columns solved and stars inferred at once, a thread: they bound the memory.
    threads : int, optional
        Blocks worked on side by side, one BLAS thread each; by default the cores of this process.
    second_start : {"all", "poor", "none"}
        Which stars are fitted again from another region of the training set: all, or those with reduced chi-squared
        above 1.5, at a bound or not converged.
    max_steps : int
        Levenberg-Marquardt trial steps.
    sigma_floor : float
        Floor of sigma_j as a fraction of the pixel's standard deviation.
    flux_softening : float
        0 learns flux; else ``s arcsinh(flux / s)`` with this s (:mod:`pipeline.science.slam.scale`).
    nuisance_modes : int
        At most so many modes of residuals that pixels share (:mod:`pipeline.science.slam.modes`); 0 treats pixels as
        independent, as the paper does.
    noise_modes : int
        At most so many patterns of noise, which grow with the star's own (:mod:`pipeline.science.slam.covariance`); the
        noise of single pixels is then scaled as the residuals show it. 0 takes the noise as stated.
    landmark_tolerance : float
        Largest deviation of the compressed model from the full one, in flux units; 0 does without landmarks.
    prior : {"flat", "density"}
        Flat within the training range, or the density of the training labels (a mixture of Gaussians) within it.
    estimate : {"maximum", "mean"}
        Of the posterior. The mean needs the prior "density": its Gaussians times the likelihood, linear about the
        estimate, have a mean in closed form (:mod:`pipeline.science.slam.posterior`).
    """

    engine: str = "admm"
    c_grid: tuple[float, ...] = (1.0, 10.0)
    gamma_grid: tuple[float, ...] = (0.03, 0.1, 0.3)
    epsilon_grid: tuple[float, ...] = (0.05,)
    n_folds: int = 5
    seed: int = 3670
    prescreen_margin: float = 0.0
    cv_iterations: int = 60
    final_iterations: int = 200
    final_precision: str = "float64"
    memory_limit_gb: float = 0.0
    pixel_block: int = 256
    star_block: int = 128
    threads: int | None = None
    second_start: str = "all"
    max_steps: int = 100
    sigma_floor: float = 0.01
    flux_softening: float = 0.0
    nuisance_modes: int = 0
    noise_modes: int = 0
    landmark_tolerance: float = 5e-6
    prior: str = "flat"
    estimate: str = "maximum"

    def __post_init__(self) -> None:
        if self.engine not in SOLVERS:
            raise ValueError(f"SLAM engine {self.engine!r} is unknown: choose one of {', '.join(SOLVERS)}.")
        for name in ("c_grid", "gamma_grid", "epsilon_grid"):
            grid = getattr(self, name)
            if len(grid) == 0 or not all(np.isfinite(v) and v > 0 for v in grid):
                raise ValueError(f"{name} is {grid!r}: give at least one positive number.")
            object.__setattr__(self, name, tuple(float(v) for v in grid))
        if self.n_folds < 2:
            raise ValueError(f"n_folds is {self.n_folds}: cross-validation needs at least 2.")
        if not (np.isfinite(self.flux_softening) and self.flux_softening >= 0):
            raise ValueError(f"flux_softening is {self.flux_softening!r}: give 0 (linear) or a flux.")
        if self.final_iterations < 150:
            raise ValueError(
                f"final_iterations is {self.final_iterations}: below 150 the functions are wrong between the training "
                "stars."
            )
        for name, known in (
            ("second_start", ("all", "poor", "none")),
            ("final_precision", ("float64", "float32")),
            ("prior", ("flat", "density")),
            ("estimate", ESTIMATES),
        ):
            if getattr(self, name) not in known:
                raise ValueError(f"{name} is {getattr(self, name)!r}: choose one of {', '.join(known)}.")

        self._check_likelihood()

    def _check_likelihood(self) -> None:
        if self.estimate == "mean" and self.prior != "density":
            raise ValueError('estimate is "mean", which needs prior = "density": a flat prior has no Gaussians.')
        for name in ("nuisance_modes", "noise_modes"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} is {getattr(self, name)}: give 0 or a number of patterns.")

    @property
    def triples(self) -> list[tuple[float, float, float]]:
        """All (C, gamma, epsilon) of the grid."""
        return list(product(self.c_grid, self.gamma_grid, self.epsilon_grid))

    def training_memory_gb(self, n_stars: int, n_pixels: int) -> float:
        """Peak of training, about: the Gram matrix and its decomposition, the scaled spectra, the blocks."""
        gram = 8.0 * n_stars**2 * 4.0
        spectra = float(n_stars) * n_pixels * (8 + 8 + 8 + 4 + 4)
        blocks = available_threads(self.threads) * 10.0 * 8.0 * n_stars * min(self.pixel_block, n_pixels)
        return (gram + spectra + blocks) / 1e9

    def check_memory(self, n_stars: int, n_pixels: int) -> None:
        """Refuse a training set that cannot fit.

        Raises
        ------
        ValueError
            With what it would need, what there is, and how many stars fit.
        """
        limit = self.memory_limit_gb or physical_memory_gb()
        needed = self.training_memory_gb(n_stars, n_pixels)
        if needed > limit:
            fitting = n_stars
            while fitting > 1 and self.training_memory_gb(fitting, n_pixels) > limit:
                fitting = int(0.95 * fitting)
            raise ValueError(
                f"{n_stars:,} training stars with {n_pixels:,} pixels need about {needed:,.0f} GB (the Gram matrix is "
                f"stars by stars), and there are {limit:,.0f} GB: train on at most {fitting:,} stars."
            )

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {name: list(v) if isinstance(v, tuple) else v for name, v in asdict(self).items()}

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> SlamSettings:
        """Restore what :meth:`to_dict` gave."""
        unknown = set(plain) - {field.name for field in fields(cls)}
        if unknown:
            raise ValueError(f"SLAM has no setting {', '.join(sorted(unknown))}: the model comes from another version.")
        values: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in plain.items()}
        return cls(**values)


def assign_folds(n: int, n_folds: int, seed: int, groups: ArrayLike | None = None) -> NDArray[np.int64]:
    """Random seeded folds of near-equal size; rows of one group (observations of one star) share a fold.

    Parameters
    ----------
    n : int
        Number of rows.
    n_folds : int
        Number of folds.
    seed : int
        Of the shuffle.
    groups : array_like, shape (n,), optional
        Star of each row; every row its own by default.

    Returns
    -------
    ndarray of int, shape (n,)
        Fold of each row, 0 to ``n_folds - 1``.

    Raises
    ------
    ValueError
        If there are fewer different stars than folds, or not one group a row.
    """
    named = np.arange(n) if groups is None else np.asarray(groups)
    if named.shape != (n,):
        raise ValueError(f"groups has shape {named.shape} for {n} training stars: give one entry a star.")
    stars, member, counts = np.unique(named, return_inverse=True, return_counts=True)
    if stars.size < n_folds:
        raise ValueError(
            f"{n_folds} folds need as many different training stars, but there are {stars.size}: "
            "lower n_folds or train on more stars."
        )
    order = np.random.default_rng(seed).permutation(stars.size)
    order = order[np.argsort(-counts[order], kind="stable")]
    fold_of_star = np.empty(stars.size, np.int64)
    size = np.zeros(n_folds, np.int64)
    for star in order:
        fold = int(np.argmin(size))
        fold_of_star[star] = fold
        size[fold] += counts[star]
    return np.asarray(fold_of_star[member.reshape(-1)])
