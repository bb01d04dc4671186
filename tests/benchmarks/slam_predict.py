"""Labels of 43,000 stars: on landmarks, on the full model, and the obvious way for a few of them.

Training and survey stars are simulated at the paper's size (3,670 stars, 3,000 pixels); survey spectra are 4,300
simulated ones, ten times with fresh noise.
"""

import argparse
import json
import os
import resource
import sys
import time

import numpy as np

from pipeline.domain.settings import LabelConfig
from pipeline.science.slam.model import SlamModel
from tests.benchmarks.slam_data import NAMES, simulated_stars
from tests.reference import slow_slam

SETTINGS = LabelConfig(gamma_grid=(0.1, 1.0), final_precision="float32")
REPEATS = 10
SLOW_PIXELS = 300


def main(arguments):
    """Print one JSON line."""
    parser = argparse.ArgumentParser(prog="slam_predict")
    parser.add_argument("--training", type=int, default=3670)
    parser.add_argument("--survey", type=int, default=43_000)
    parser.add_argument("--pixels", type=int, default=3000)
    parser.add_argument("--slow-stars", type=int, default=2)
    options = parser.parse_args(arguments)
    distinct = options.survey // REPEATS
    stars = simulated_stars(options.training + distinct)
    repeat = np.resize(np.arange(stars.flux.shape[1]), options.pixels)
    train, survey = slice(0, options.training), slice(options.training, None)
    flux, ivar, mask = (part[:, repeat] for part in (stars.flux, stars.ivar, stars.mask))
    begun = time.perf_counter()
    model = SlamModel(NAMES, SETTINGS).fit(stars.labels[train], flux[train], ivar[train], mask[train])
    say(f"trained in {time.perf_counter() - begun:.0f} s; {sizes(model)}")
    seconds, labels, errors = {}, {}, {}
    for exact in (False, True):
        begun, found = time.perf_counter(), []
        spent = 0.0
        rng = np.random.default_rng(7)
        for _ in range(REPEATS):
            noisy = observe_again(flux[survey], ivar[survey], rng)
            clock = time.perf_counter()
            found.append(model.infer_labels(noisy, 0.5 * ivar[survey], mask[survey], exact=exact))
            spent += time.perf_counter() - clock
        seconds[exact] = spent
        labels[exact] = np.concatenate([fit.labels for fit in found])
        errors[exact] = np.concatenate([fit.formal_error for fit in found])
        say(f"{'exact' if exact else 'landmarks'}: {spent:.0f} s for {len(labels[exact])} stars")
    apart = np.abs(labels[True] - labels[False]) / errors[True]
    slow = time_slow(model, stars.labels[train], flux, ivar, mask, options)
    print(
        json.dumps(
            {
                "benchmark": "slam_predict",
                "stars": len(labels[True]),
                "training_stars": options.training,
                "pixels": options.pixels,
                "cores": os.cpu_count(),
                "landmarks": sizes(model),
                "landmark_flux_error": model.landmarks_.error,
                "landmarks_s": round(seconds[False], 1),
                "exact_s": round(seconds[True], 1),
                "labels_apart_sigma_p99": round(float(np.nanquantile(apart, 0.99)), 5),
                "labels_apart_sigma_worst": round(float(np.nanmax(apart)), 5),
                "stars_apart_more_than_0.01_sigma": int((apart > 0.01).any(axis=1).sum()),
                "slow_s_per_star_scaled_to_all_pixels": round(slow, 2),
                "ratio": round(slow * len(labels[False]) / seconds[False]),
                "peak_memory_gb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6, 2),
            }
        )
    )


def say(text):
    """Tell on standard error."""
    print(text, file=sys.stderr, flush=True)


def sizes(model):
    """Landmarks and pixels by gamma."""
    return {f"gamma {group.gamma:g}": [len(group.support), group.pixels.size] for group in model.landmarks_.groups}


def observe_again(flux, ivar, rng):
    """The spectra with as much noise again."""
    sigma = np.where(ivar > 0, 1.0 / np.sqrt(np.where(ivar > 0, ivar, 1.0)), 0.0)
    return flux + sigma * rng.standard_normal(flux.shape, dtype=np.float32)


def time_slow(model, labels, flux, ivar, mask, options):
    """Seconds a star of the obvious way, on some pixels, scaled to all."""
    x = (labels - model.label_mean_) / model.label_std_
    usable = np.flatnonzero(model.usable_pixel_)[:SLOW_PIXELS]
    good = ~mask[:, usable] & (ivar[:, usable] > 0)
    y = np.where(good, (flux[:, usable] - model.flux_mean_[usable]) / model.flux_std_[usable], 0.0)
    weight = np.where(good, ivar[:, usable], 0.0) * model.flux_std_[usable] ** 2
    machines = slow_slam.train(x, y[: options.training], 1.0, 0.1, 0.05)
    begun = time.perf_counter()
    for star in range(options.training, options.training + options.slow_stars):
        slow_slam.infer(machines, y[star], weight[star], np.zeros(x.shape[1]), x.min(axis=0), x.max(axis=0))
    slow = (time.perf_counter() - begun) / options.slow_stars * options.pixels / usable.size
    say(f"the obvious way: {slow:.1f} s a star")
    return slow
