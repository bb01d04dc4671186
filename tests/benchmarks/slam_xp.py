"""SLAM on real spectra beside gradient-boosted trees and ridge regression: same training and test stars, one run.

The shipped ``real-xp`` build (or a product directory of it, given as the argument) trains SLAM on 3,670 cool giants
with Gaia XP spectra and APOGEE labels; the peers learn each label from the same stored spectra of the same stars. All
are judged on the stars that none has seen and for which every reference label, extinction included, is known.
"""

import argparse
import json
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import RidgeCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from pipeline.config import load_config
from pipeline.domain.statistics import robust_scatter
from pipeline.stages.items import label_columns
from pipeline.stages.runner import build

PEERS = {
    "gradient boosting": lambda: HistGradientBoostingRegressor(random_state=0),
    "ridge": lambda: make_pipeline(StandardScaler(), RidgeCV(np.logspace(-4, 4, 17))),
}
BINS = {"snr": 4, "teff_ref": 5}
"""Columns by whose quantiles the stars are divided, and into how many parts."""


def main(arguments):
    """Print one table a label, and one JSON line."""
    parser = argparse.ArgumentParser(prog="slam_xp")
    parser.add_argument("product", nargs="?", type=Path, help="a real-xp build; by default it is built now")
    parser.add_argument("--seed", type=int, help="of the choice of training stars; by default the configuration's")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        directory, seconds = options.product, None
        if directory is None:
            directory, begun = Path(folder) / "real-xp", time.perf_counter()
            config = load_config("real-xp")
            if options.seed is not None:
                config = replace(config, labels=replace(config.labels, seed=options.seed))
            build(config, directory, quiet=True)
            seconds = time.perf_counter() - begun
        compare(directory, seconds)


def compare(directory, seconds):
    """Judge SLAM's published labels and the peers' on the stars that none was trained on."""
    table = pd.read_parquet(directory / "catalog.parquet")
    names = json.loads((directory / "manifest.json").read_text("utf-8"))["configuration"]["labels"]["names"]
    reference = table[list(label_columns("reference", names))].to_numpy(float)
    training = table["in_training"].to_numpy(bool)
    judged = ~training & np.isfinite(reference).all(axis=1)
    flux, mask = (np.load(directory / "spectra" / f"{name}.npy") for name in ("flux", "mask"))
    found = {"SLAM": table[names].to_numpy(float)}
    for peer, make in PEERS.items():
        found[peer] = learn(make, flux, mask, reference, training)
    bins = {column: edges_of(table.loc[judged, column], count) for column, count in BINS.items()}
    results = {}
    for number, name in enumerate(names):
        difference = {who: (labels[:, number] - reference[:, number])[judged] for who, labels in found.items()}
        error = combined_error(table, name)[judged]
        pulls = difference["SLAM"] / error
        results[name] = {
            who: {"bias": digits(np.nanmedian(values)), "scatter": digits(robust_scatter(values))}
            for who, values in difference.items()
        }
        results[name]["SLAM"] |= {
            "pull_scatter": digits(robust_scatter(pulls)),
            "coverage_68": digits(np.mean(np.abs(pulls[np.isfinite(pulls)]) < 1.0)),
        }
        tell(name, difference, pulls, table[judged], bins)
    better = {
        name: {who: digits(of["SLAM"]["scatter"] / of[who]["scatter"]) for who in PEERS} for name, of in results.items()
    }
    print(
        json.dumps(
            {
                "benchmark": "slam_xp",
                "training_stars": int(training.sum()),
                "test_stars": int(judged.sum()),
                "without_a_fit": int((~np.isfinite(found["SLAM"][judged]).all(axis=1)).sum()),
                "build_s": None if seconds is None else round(seconds),
                "labels": results,
                "scatter_over_peers": better,
                "standard_error_of_a_scatter": digits(1.17 / np.sqrt(judged.sum())),
            }
        )
    )


def learn(make, flux, mask, reference, training):
    """Labels of all stars from a peer that learns each on its own; masked pixels get the training stars' mean."""
    mean = np.nan_to_num(np.nanmean(np.where(mask[training], np.nan, flux[training]), axis=0))
    features = np.where(mask, mean, flux)
    return np.stack([make().fit(features[training], y[training]).predict(features) for y in reference.T], axis=1)


def combined_error(table, name):
    """Error of inferred minus reference."""
    stated = label_columns("reference error", (name,))[0]
    of_reference = table[stated].to_numpy(float) if stated in table else np.zeros(len(table))
    return np.hypot(table[f"{name}_err"].to_numpy(float), np.nan_to_num(of_reference))


def edges_of(values, count):
    """Quantiles that divide values into equal parts."""
    return np.nanquantile(values, np.linspace(0.0, 1.0, count + 1))


def digits(value):
    """Four significant digits."""
    return float(f"{value:.4g}")


def tell(name, difference, pulls, table, bins):
    """A table of bias and scatter on standard error."""
    say = lambda text: print(text, file=sys.stderr)  # noqa: E731
    say(f"\n{name}: bias / robust scatter; spread of SLAM's pulls")
    say(f"{'':<28}{'stars':>6}  " + "".join(f"{who:>22}" for who in difference) + f"{'pulls':>8}")
    parts = {"all": np.ones(len(table), bool)}
    for column, edges in bins.items():
        place = np.clip(np.searchsorted(edges, table[column], side="right") - 1, 0, edges.size - 2)
        parts |= {f"{column} {edges[k]:.0f} to {edges[k + 1]:.0f}": place == k for k in range(edges.size - 1)}
    for part, rows in parts.items():
        some = [values[rows] for values in difference.values()]
        cells = "".join(f"{f'{np.nanmedian(values):+.4f} / {robust_scatter(values):.4f}':>22}" for values in some)
        say(f"{part:<28}{rows.sum():>6}  {cells}{robust_scatter(pulls[rows]):>8.2f}")
