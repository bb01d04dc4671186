"""Training SLAM whole at the paper's size, against scikit-learn's SVR on the same pixels, folds and triples.

3,670 simulated stars, 3,000 pixels, 27 triples, 10 folds: cross-validation, choice, and final fit of every pixel. The
reference is a seeded sample of single libsvm fits of the same data, timed one by one on one core as scikit-learn runs
them, with the CV-MSE of whole pixels and the final functions away from the training stars compared.
"""

import argparse
import json
import os
import resource
import sys
import time

import numpy as np
from sklearn.svm import SVR

from pipeline.domain.settings import LabelConfig
from pipeline.science.slam.model import SlamModel, assign_folds
from pipeline.science.slam.settings import triples
from pipeline.science.slam.svr import cross_validate
from tests.benchmarks.slam_data import NAMES, simulated_stars

GRID = (0.1, 1.0, 10.0)
PAPER = LabelConfig(c_grid=GRID, gamma_grid=GRID, epsilon_grid=(0.02, 0.05, 0.1), folds=10, second_start="all")


def main(arguments):
    """Print one JSON line."""
    parser = argparse.ArgumentParser(prog="slam_fit")
    parser.add_argument("--stars", type=int, default=3670)
    parser.add_argument("--pixels", type=int, default=3000)
    parser.add_argument("--timed-fits", type=int, default=54, help="libsvm fits timed")
    parser.add_argument("--tested-pixels", type=int, default=3, help="pixels whose CV-MSE is compared in all triples")
    options = parser.parse_args(arguments)
    stars = simulated_stars(options.stars)
    repeat = np.resize(np.arange(stars.flux.shape[1]), options.pixels)  # the grid has 2,986: the first again
    flux, ivar, mask = (part[:, repeat] for part in (stars.flux, stars.ivar, stars.mask))
    say(f"{flux.shape[0]} stars, {flux.shape[1]} pixels, {len(triples(PAPER))} triples, {PAPER.folds} folds")
    begun = time.perf_counter()
    model = SlamModel(NAMES, PAPER).fit(stars.labels, flux, ivar, mask, progress=Told(begun))
    whole = time.perf_counter() - begun
    fits = flux.shape[1] * len(triples(PAPER)) * PAPER.folds + flux.shape[1]
    say(f"SLAM: {whole:.0f} s, {1e3 * whole / fits:.3f} ms a pixel-fit")
    x = (stars.labels - model.label_mean_) / model.label_std_
    good = ~mask & (ivar > 0) & model.usable_pixel_
    y = np.where(good, (flux - model.flux_mean_) / model.flux_std_, 0.0)
    folds = assign_folds(len(x), PAPER.folds, PAPER.seed)
    rng = np.random.default_rng(1)
    usable = np.flatnonzero(model.usable_pixel_)
    timed = time_libsvm(x, y, good, folds, rng, usable, options.timed_fits)
    tested = rng.choice(usable, options.tested_pixels, replace=False)
    error = compare_ranking(x, y[:, tested], good[:, tested], folds)
    away = compare_functions(model, x, y, good, tested, rng)
    print(
        json.dumps(
            {
                "benchmark": "slam_fit",
                "stars": len(x),
                "pixels": flux.shape[1],
                "triples": len(triples(PAPER)),
                "folds": PAPER.folds,
                "cores": os.cpu_count(),
                "whole_s": round(whole, 1),
                "ms_per_pixel_fit": round(1e3 * whole / fits, 3),
                "libsvm_ms_per_pixel_fit": round(1e3 * timed, 1),
                "ratio": round(timed * fits / whole, 1),
                "cv_mse_worst_relative_error": round(error, 5),
                "function_worst_error_scaled_flux": round(away, 5),
                "peak_memory_gb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6, 2),
            }
        )
    )


def say(text):
    """Tell on standard error."""
    print(text, file=sys.stderr, flush=True)


class Told:
    """Progress in steps of five per cent."""

    def __init__(self, begun):
        self._begun, self._next = begun, 0.05

    def __call__(self, fraction):
        """Tell when the next step is reached."""
        if fraction >= self._next:
            say(f"{fraction:.0%} after {time.perf_counter() - self._begun:.0f} s")
            self._next = fraction + 0.05


def time_libsvm(x, y, good, folds, rng, usable, count):
    """Mean seconds of a single fit, over pixels, folds and all triples in turn."""
    seconds = []
    for number in range(count):
        c, gamma, epsilon = triples(PAPER)[number % len(triples(PAPER))]
        pixel, fold = rng.choice(usable), rng.integers(PAPER.folds)
        member = good[:, pixel] & (folds != fold)
        begun = time.perf_counter()
        SVR(kernel="rbf", C=c, gamma=gamma, epsilon=epsilon).fit(x[member], y[member, pixel])
        seconds.append(time.perf_counter() - begun)
    say(f"libsvm: {np.mean(seconds):.3f} s a fit")
    return float(np.mean(seconds))


def compare_ranking(x, y, good, folds):
    """Largest relative difference of the CV-MSE, over the tested pixels and all triples."""
    fast = cross_validate(x, y, good, folds, triples(PAPER))
    exact = cross_validate(x, y, good, folds, triples(PAPER), engine="sklearn", pixel_block=PAPER.folds)
    worst = max(float(np.abs(a.mse / b.mse - 1).max()) for a, b in zip(fast, exact, strict=True))
    say(f"CV-MSE against libsvm: {worst:.2%} at worst")
    return worst


def compare_functions(model, x, y, good, pixels, rng):
    """Largest difference of the final functions from libsvm's at tight tolerance, between the training stars."""
    mix = rng.dirichlet(np.ones(x.shape[1] + 1), 2000)
    at = np.einsum("mk,mkl->ml", mix, x[rng.integers(len(x), size=mix.shape)])
    fitted = model.expansion_.evaluator().predict(at)
    worst = 0.0
    for pixel in pixels:
        c, gamma, epsilon = (getattr(model.hyper_parameters_, name)[pixel] for name in ("c", "gamma", "epsilon"))
        member = good[:, pixel]
        exact = SVR(kernel="rbf", C=c, gamma=gamma, epsilon=epsilon, tol=1e-6).fit(x[member], y[member, pixel])
        worst = max(worst, float(np.abs(fitted[:, pixel] - exact.predict(at)).max()))
    say(f"functions between the training stars: {worst:.1e} of a pixel's standard deviation at worst")
    return worst
