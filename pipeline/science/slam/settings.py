"""Numerical parameters of SLAM, which no configuration sets, and the folds of its cross-validation."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pipeline.domain.settings import LabelConfig
from pipeline.science.blocks import available_threads, physical_memory_gb


@dataclass(frozen=True)
class SlamNumerics:
    """Iterations, tolerances and block sizes of SLAM: what a run's configuration does not set.

    Parameters
    ----------
    cv_iterations : int
        ADMM iterations a triple while ranking, at most.
    final_iterations : int
        ADMM iterations of the final fit, at least 150. With 200 the functions agree with libsvm's to 5e-3 of a pixel's
        standard deviation away from the training stars.
    memory_limit_gb : float
        Training that would need more is refused; 0 means the memory of the machine.
    pixel_block, star_block : int
        Columns solved and stars inferred at once, a thread: they bound the memory.
    threads : int, optional
        Blocks worked on side by side, one BLAS thread each; by default the cores of this process.
    max_steps : int
        Levenberg-Marquardt trial steps.
    sigma_floor : float
        Floor of sigma_j as a fraction of the pixel's standard deviation.
    landmark_tolerance : float
        Largest deviation of the compressed model from the full one, in flux units; 0 does without landmarks.
    """

    cv_iterations: int = 60
    final_iterations: int = 200
    memory_limit_gb: float = 0.0
    pixel_block: int = 256
    star_block: int = 128
    threads: int | None = None
    max_steps: int = 100
    sigma_floor: float = 0.01
    landmark_tolerance: float = 5e-6

    def __post_init__(self) -> None:
        if self.final_iterations < 150:
            raise ValueError(
                f"final_iterations is {self.final_iterations}: below 150 the functions are wrong between the training "
                "stars."
            )

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


def triples(settings: LabelConfig) -> list[tuple[float, float, float]]:
    """All (C, gamma, epsilon) of the grid."""
    return list(product(settings.c_grid, settings.gamma_grid, settings.epsilon_grid))


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
