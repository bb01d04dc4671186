"""SLAM, networks and both together on real spectra beside six other methods: same training and judged stars, one run.

The shipped ``real-xp`` build (or a product directory of it, given as the argument) trains on 3,670 cool giants with
Gaia XP spectra and APOGEE labels; the peers learn from the same stored spectra of the same stars. All are judged on
stars of which no spectrum trained and for which every reference label, extinction included, is known.
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

from pipeline.config import load_config
from pipeline.domain.statistics import robust_scatter
from pipeline.products.models import read_model
from pipeline.science.labels.error_model import coverage
from pipeline.stages.items import engine_columns, label_columns
from pipeline.stages.runner import build
from tests.benchmarks.slam_peers import PEERS, judge

TERCILES = ("snr", "m_h_ref", "m_h")
"""Columns by whose thirds the judged stars are divided: the reference's [M/H], and the published one."""

METAL_POOR = ((-2.5, -1.5), (-1.5, -1.2), (-1.2, -0.8))
"""Ranges of the reference's [M/H] whose bias is reported on its own."""

TARGETS = {"teff": 30.0, "logg": 0.15, "m_h": 0.11, "alpha_m": 0.029}


def main(arguments):
    """Print one table a label, and one JSON line a split."""
    parser = argparse.ArgumentParser(prog="slam_xp")
    parser.add_argument("product", nargs="?", type=Path, help="a real-xp build; by default it is built now")
    parser.add_argument("--seeds", type=int, nargs="+", help="of the choice of training stars, a build each")
    parser.add_argument("--peers", nargs="*", choices=list(PEERS), default=list(PEERS), help="other methods to run")
    options = parser.parse_args(arguments)
    if options.product is not None:
        compare(options.product, options.peers, None, None)
        return
    base = load_config("real-xp")
    for seed in options.seeds or [base.labels.seed]:
        with tempfile.TemporaryDirectory() as folder:
            directory, begun = Path(folder) / "real-xp", time.perf_counter()
            build(replace(base, labels=replace(base.labels, seed=seed)), directory, quiet=True)
            compare(directory, options.peers, seed, round(time.perf_counter() - begun))


def compare(directory, peers, seed, seconds):
    """Judge the published labels, each engine's and the peers' on the stars that none was trained on."""
    table = pd.read_parquet(directory / "catalog.parquet")
    labels = json.loads((directory / "manifest.json").read_text("utf-8"))["configuration"]["labels"]
    names, engine = tuple(labels["names"]), labels.get("engine", "slam")
    reference = table[list(label_columns("reference", names))].to_numpy(float)
    stated = [name if name in table else None for name in label_columns("reference error", names)]
    own = np.stack([np.zeros(len(table)) if n is None else table[n].fillna(0).to_numpy(float) for n in stated], axis=1)
    training = table["in_training"].to_numpy(bool)
    related = table["star"].isin(table.loc[training, "star"]).to_numpy()
    judged = ~related & np.isfinite(reference).all(axis=1)
    found, errors, times = {}, {}, {}
    metadata = read_model(directory)[1]
    stored_errors = {"slam": metadata, **{who: metadata.get(who, {}) for who in ("direct", "joint")}}
    tails = {who: of["errors"].get("tail", [2.0] * len(names)) for who, of in stored_errors.items() if "errors" in of}
    for who in ("slam", "direct"):
        columns = engine_columns(who, names)
        if set(columns) <= set(table):
            values = table.loc[judged, list(columns)].to_numpy(float)
            found[who], errors[who] = values[:, : len(names)], values[:, len(names) :]
    found[engine] = table.loc[judged, list(names)].to_numpy(float)
    errors[engine] = table.loc[judged, list(label_columns("error", names))].to_numpy(float)
    stored = [np.load(directory / "spectra" / f"{name}.npy").astype(float) for name in ("flux", "ivar")]
    mask = np.load(directory / "spectra" / "mask.npy")
    spectra = (*stored, mask | (stored[1] <= 0))
    for peer in peers:
        begun = time.perf_counter()
        learned = (reference[training], *(part[training] for part in spectra))
        found[peer] = judge(peer, learned, [part[judged] for part in spectra])
        times[peer] = round(time.perf_counter() - begun, 1)
    parts = divided(table[judged])
    results = {}
    for number, name in enumerate(names):
        results[name] = {}
        for who, values in found.items():
            difference = values[:, number] - reference[judged, number]
            pulls = None
            if who in errors:
                pulls = difference / np.hypot(errors[who][:, number], own[judged, number])
            results[name][who] = {
                part: summary(difference, pulls, rows, tails.get(who, [2.0] * len(names))[number])
                for part, rows in parts.items()
            }
        tell(name, results[name], parts)
    print(
        json.dumps(
            {
                "benchmark": "slam_xp",
                "engine": engine,
                "seed": seed,
                "training_spectra": int(training.sum()),
                "judged_spectra": int(judged.sum()),
                "of_training_stars_left_out": int((related & ~training).sum()),
                "without_a_fit": {who: int((~np.isfinite(values).all(axis=1)).sum()) for who, values in found.items()},
                "build_s": seconds,
                "peers_s": times,
                "targets_met": {
                    name: bool(results[name][engine]["all"]["scatter"] <= limit) for name, limit in TARGETS.items()
                },
                "standard_error_of_a_scatter": digits(1.17 / np.sqrt(judged.sum())),
                "labels": results,
            }
        )
    )


def divided(table):
    """Rows of each part by its name."""
    parts = {"all": np.ones(len(table), bool)}
    for column in TERCILES:
        values = table[column].to_numpy(float)
        edges = np.nanquantile(values, [0.0, 1 / 3, 2 / 3, 1.0])
        place = np.clip(np.searchsorted(edges, values, side="right") - 1, 0, 2)
        parts |= {f"{column} {edges[k]:.3g} to {edges[k + 1]:.3g}": place == k for k in range(3)}
    metallicity = table["m_h_ref"].to_numpy(float)
    for low, high in METAL_POOR:
        parts[f"reference [M/H] {low} to {high}"] = (metallicity >= low) & (metallicity < high)
    return parts


def summary(difference, pulls, rows, tail):
    """Bias, robust scatter, and where errors are stated the pulls' bias and scatter and both coverages."""
    result = {
        "stars": int(rows.sum()),
        "bias": digits(np.nanmedian(difference[rows])),
        "scatter": digits(robust_scatter(difference[rows])),
    }
    if pulls is not None:
        inner, outer = coverage(pulls[rows], tail)
        known = pulls[rows][np.isfinite(pulls[rows])]
        result |= {
            "pull_bias": digits(np.median(known)),
            "pull_scatter": digits(robust_scatter(known)),
            "coverage_68": digits(inner),
            "coverage_95": digits(outer),
        }
    return result


def digits(value):
    """Four significant digits."""
    return float(f"{value:.4g}")


def tell(name, results, parts):
    """A table of bias and scatter, and of coverage where errors are stated, on standard error."""
    say = lambda text: print(text, file=sys.stderr)  # noqa: E731
    say(f"\n{name}: bias / robust scatter (68 %, 95 % coverage)")
    for part, rows in parts.items():
        say(f"  {part}: {rows.sum()} stars")
        for who, of in results.items():
            one = of[part]
            covered = (
                f"  ({100 * one['coverage_68']:.1f}, {100 * one['coverage_95']:.1f})" if "coverage_68" in one else ""
            )
            say(f"    {who:<20}{one['bias']:>+10.4f} / {one['scatter']:<9.4f}{covered}")
