"""Where a model of the spectrum loses information: in its functions, or in what it believes of the residuals.

From the stored spectra of a ``real-xp`` build: a kernel ridge model of every pixel, out-of-fold residuals, and labels
of judged stars by the same inversion under several covariances of the residuals. ``formal`` is the error that the
Fisher matrix promises, ``pull_scatter`` how many of them the labels are off: where it is 1 the covariance is right, and
what is lost is lost in the spectra. The learning curve shows what more training stars would give the functions.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import pandas as pd
import scipy.linalg
from scipy.spatial.distance import cdist

from pipeline.domain.statistics import robust_scatter
from pipeline.science.labels.compression import MEDIAN_OF_CHI2
from pipeline.science.slam.scale import FluxScale
from pipeline.science.slam.settings import assign_folds
from pipeline.stages.items import label_columns

GAMMA, RIDGE, SOFTENING = 0.05, 0.003, 0.4
TYPICAL_SNR = 60.0
SHRINKAGE = 0.02
WORST = 0.015
_STEPS = 25


class Functions:
    """Kernel ridge regression of every pixel; faint stars count less."""

    def __init__(self, labels, values, snr):
        self.labels, self.mean = labels, values.mean(axis=0)
        kernel = np.exp(-GAMMA * cdist(labels, labels, "sqeuclidean"))
        noise = np.diag(10.0 * RIDGE * (1.0 + (TYPICAL_SNR / snr) ** 2))
        self.coefficients = scipy.linalg.solve(kernel + noise, values - self.mean, assume_a="pos")

    def __call__(self, labels):
        """Values, and their derivatives of shape (n, labels, pixels)."""
        kernel = np.exp(-GAMMA * cdist(labels, self.labels, "sqeuclidean"))
        slopes = [
            (2.0 * GAMMA * kernel * (self.labels[:, k] - labels[:, [k]])) @ self.coefficients
            for k in range(labels.shape[1])
        ]
        return self.mean + kernel @ self.coefficients, np.stack(slopes, axis=1)


def main(arguments):
    """Print one JSON line."""
    parser = argparse.ArgumentParser(prog="slam_information")
    parser.add_argument("product", type=Path, help="a real-xp build")
    parser.add_argument("--judged", type=int, default=2500, help="number of judged stars, drawn at random")
    options = parser.parse_args(arguments)
    names, learned, judged, groups = read(options.product, options.judged)
    labels, values, noise, snr = learned
    centre, spread = labels.mean(axis=0), labels.std(axis=0)
    scaled = (labels - centre) / spread
    folds = assign_folds(len(labels), 5, 0, groups)
    residual = np.empty_like(values)
    curve = {}
    for fold in range(5):
        rows = folds != fold
        residual[~rows] = values[~rows] - Functions(scaled[rows], values[rows], snr[rows])(scaled[~rows])[0]
    first = folds == 0
    others = np.random.default_rng(0).permutation(np.flatnonzero(~first))
    bright = first & (snr > np.median(snr))
    for count in (250, 500, 1000, 2000, others.size):
        some = others[:count]
        left = values[bright] - Functions(scaled[some], values[some], snr[some])(scaled[bright])[0]
        curve[str(count)] = digits(np.median(left.var(axis=0) / values[bright].var(axis=0)))
    intrinsic, of_noise, single = covariances(residual, noise, snr)
    functions = Functions(scaled, values, snr)
    share, rotation = scipy.linalg.eigh(intrinsic, of_noise)
    level = (TYPICAL_SNR / judged[3]) ** 2
    single_share, single_rotation = np.linalg.eigh(single)
    white = np.maximum(np.median(residual**2, axis=0) / MEDIAN_OF_CHI2 - np.median(noise, axis=0), 1e-8)
    cases = {
        "independent pixels": (np.eye(values.shape[1]), judged[2] + white),
        "one covariance for all stars": (single_rotation.T, np.tile(single_share, (len(level), 1))),
        "intrinsic covariance and one that grows with the noise": (rotation.T, share + level[:, None]),
    }
    prior = np.linalg.inv(np.cov(scaled.T))
    results = {}
    for called, (turned, variance) in cases.items():
        found, formal = invert(functions, judged[1] @ turned.T, variance, turned, scaled, prior)
        difference = centre + spread * found - judged[0]
        results[called] = {
            name: {
                "scatter": digits(robust_scatter(difference[:, k])),
                "formal": digits(np.median(spread[k] * formal[:, k])),
                "pull_scatter": digits(robust_scatter(difference[:, k] / (spread[k] * formal[:, k]))),
            }
            for k, name in enumerate(names)
        }
    ordered = np.sort(np.linalg.eigvalsh(intrinsic))[::-1]
    print(
        json.dumps(
            {
                "benchmark": "slam_information",
                "training_stars": len(labels),
                "judged_stars": len(judged[0]),
                "unexplained_by_training_stars": curve,
                "intrinsic_variance_in_first_patterns": {
                    str(k): digits(ordered[:k].sum() / ordered.sum()) for k in (1, 3, 6, 12, 30)
                },
                "pixel_noise_over_stated": digits(
                    np.sqrt(np.median(np.diag(of_noise) / (np.median(noise * snr[:, None] ** 2, 0) / TYPICAL_SNR**2)))
                ),
                "labels": results,
            }
        )
    )


def read(directory, count):
    """Names; labels, learned values, their variance and S/N of training and of judged stars; groups of the first."""
    table = pd.read_parquet(directory / "catalog.parquet")
    names = json.loads((directory / "manifest.json").read_text("utf-8"))["configuration"]["labels"]["names"]
    reference = table[list(label_columns("reference", tuple(names)))].to_numpy(float)
    flux, ivar = (np.load(directory / "spectra" / f"{name}.npy").astype(float) for name in ("flux", "ivar"))
    values, weight = FluxScale(SOFTENING).forward(flux, ivar, np.ones(flux.shape, bool))
    training = table["in_training"].to_numpy(bool)
    free = ~table["star"].isin(table.loc[training, "star"]).to_numpy() & np.isfinite(reference).all(axis=1)
    judged = np.sort(np.random.default_rng(0).permutation(np.flatnonzero(free))[:count])
    snr = table["snr"].to_numpy(float)
    parts = [
        (reference[rows], values[rows], 1.0 / weight[rows], snr[rows]) for rows in (np.flatnonzero(training), judged)
    ]
    return names, *parts, table["star"].to_numpy()[training]


def covariances(residual, noise, snr):
    """Of the residuals: ``A + B x`` with x the noise variance relative to a typical star's; and one for all stars."""
    x = (TYPICAL_SNR / snr) ** 2
    size = (residual**2 / (noise + np.median(residual**2, axis=0))).mean(axis=1)
    kept = size < np.quantile(size, 1.0 - WORST)
    weight = kept / (1.0 + x) ** 2
    moments = [(weight * x**power).sum() for power in range(3)]
    zeroth, first = ((residual * (weight * x**power)[:, None]).T @ residual for power in range(2))
    determinant = moments[0] * moments[2] - moments[1] ** 2
    intrinsic = (moments[2] * zeroth - moments[1] * first) / determinant
    of_noise = (moments[0] * first - moments[1] * zeroth) / determinant
    return [positive(part) for part in (intrinsic, of_noise, (residual[kept].T @ residual[kept]) / kept.sum())]


def positive(matrix):
    """A little nearer to its diagonal, and without negative eigenvalues."""
    matrix = (1.0 - SHRINKAGE) * matrix + SHRINKAGE * np.diag(np.maximum(np.diag(matrix), 1e-9))
    values, vectors = np.linalg.eigh(0.5 * (matrix + matrix.T))
    return (vectors * np.maximum(values, 1e-9)) @ vectors.T


def invert(functions, y, variance, turned, training, prior):
    """Scaled labels of highest posterior and their formal errors, in a basis where pixels are independent."""
    weight, some = 1.0 / variance, training[::9]
    grid = functions(some)[0] @ turned.T
    labels = some[np.argmin(weight @ (grid**2).T - 2.0 * (weight * y) @ grid.T, axis=1)].copy()
    low, high = training.min(axis=0), training.max(axis=0)

    def terms(at):
        value, slope = functions(at)
        value, slope = value @ turned.T, slope @ turned.T
        cost = (weight * (y - value) ** 2).sum(axis=1) + np.einsum("na,ab,nb->n", at, prior, at)
        fisher = (slope * weight[:, None]) @ slope.transpose(0, 2, 1) + prior
        return cost, np.einsum("nlp,np->nl", slope, weight * (y - value)) - at @ prior, fisher

    cost, gradient, fisher = terms(labels)
    damping = np.full(len(labels), 1e-2)
    for _ in range(_STEPS):
        diagonal = np.einsum("nll->nl", fisher)[:, :, None] * np.eye(labels.shape[1])
        step = np.linalg.solve(fisher + damping[:, None, None] * diagonal, gradient[:, :, None])[:, :, 0]
        trial = np.clip(labels + step, low, high)
        again = terms(trial)
        better = again[0] <= cost
        labels[better] = trial[better]
        for old, new in zip((cost, gradient, fisher), again, strict=True):
            old[better] = new[better]
        damping = np.clip(np.where(better, damping / 5.0, damping * 8.0), 1e-8, 1e8)
    return labels, np.sqrt(np.einsum("nll->nl", np.linalg.inv(fisher)))


def digits(value):
    """Four significant digits."""
    return float(f"{value:.4g}")
