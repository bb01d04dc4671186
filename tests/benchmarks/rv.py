"""Radial velocities: time a star against the loop over templates and shifts, and accuracy on simulated stars.

Stars are those of the embedded survey, whose velocities are known; 96 synthetic templates, errors and Ca II lines
included, on all cores. The slow twin does a few of them.
"""

import argparse
import json
import os
import sys
import time
from itertools import pairwise

import numpy as np

from pipeline.domain.settings import SpectraConfig, VelocityConfig
from pipeline.domain.statistics import robust_scatter
from pipeline.mock.survey import simulate
from pipeline.science.spectra.continuum import ContinuumFitter, normalise
from pipeline.science.spectra.synthetic import SyntheticModel
from pipeline.science.velocity.radial_velocity import VelocityMeasurer
from pipeline.science.velocity.templates import data_driven_templates, synthetic_templates
from pipeline.sources.embedded import SYNTHETIC_TABLE, load_table
from tests.reference.slow_velocity import slow_velocity, splines

SNR_EDGES = (20, 40, 80, 200)


def main(arguments):
    """Print one JSON line."""
    parser = argparse.ArgumentParser(prog="rv")
    parser.add_argument("--stars", type=int, default=4000)
    parser.add_argument("--slow-stars", type=int, default=3)
    options = parser.parse_args(arguments)
    survey = simulate(options.stars, seed=11, training=options.stars // 5)
    wavelength, fitter = survey.wavelength, ContinuumFitter(survey.wavelength, SpectraConfig())
    model = SyntheticModel.from_table(load_table(SYNTHETIC_TABLE))
    synthetic, settings = synthetic_templates(model, SpectraConfig()), VelocityConfig()
    measurer = VelocityMeasurer(wavelength, synthetic, settings)
    parts = [observe(survey, fitter, slice(k, k + 250)) for k in range(0, options.stars, 250)]
    measurer.measure(*(part[:8] for part in parts[0]))  # compiles
    begun = time.perf_counter()
    velocity, error = measure(measurer, parts)
    fast = (time.perf_counter() - begun) / options.stars
    say(f"{1e3 * fast:.2f} ms a star")
    rows = np.flatnonzero(np.isfinite(survey.table["teff_ref"].to_numpy(float)))
    own = data_driven_templates(
        wavelength,
        *observe(survey, fitter, rows),
        survey.table[["teff_ref", "logg_ref", "m_h_ref"]].to_numpy(float)[rows],
        synthetic,
        settings,
        reference_kms=survey.table["rv_gaia"].to_numpy(float)[rows],
    )
    say(f"data-driven templates: velocities moved by {', '.join(f'{v:.2f}' for v in own.moved_kms)} km/s")
    others = np.setdiff1d(np.arange(options.stars), rows)
    again, again_error = measure(VelocityMeasurer(wavelength, own.templates, settings), parts)
    slow, apart = time_slow(measurer, parts[0], synthetic, velocity, error, options.slow_stars)
    truth, snr = survey.light.rv_kms, np.asarray(survey.conditions.snr)
    print(
        json.dumps(
            {
                "benchmark": "rv",
                "stars": options.stars,
                "templates": len(synthetic.flux),
                "cores": os.cpu_count(),
                "ms_per_star": round(1e3 * fast, 3),
                "slow_s_per_star": round(slow, 2),
                "ratio": round(slow / fast),
                "apart_in_errors": round(apart, 4),
                "synthetic": by_snr(velocity, error, truth, snr, np.arange(options.stars)),
                "data_driven": by_snr(again, again_error, truth, snr, others),
                "data_driven_moved_kms": [round(v, 3) for v in own.moved_kms],
            }
        )
    )


def say(text):
    """Tell on standard error."""
    print(text, file=sys.stderr, flush=True)


def observe(survey, fitter, rows):
    """Normalised observed-frame spectra."""
    _, flux, ivar, mask = survey.observe(rows)
    flux, ivar = flux.astype(float), ivar.astype(float)
    return normalise(flux, ivar, mask, fitter.fit(flux, ivar, mask))


def measure(measurer, parts):
    """Velocities and errors of all parts."""
    found = [measurer.measure(*part) for part in parts]
    return np.concatenate([one.rv_kms for one in found]), np.concatenate([one.error_kms for one in found])


def by_snr(velocity, error, truth, snr, rows):
    """Bias, robust scatter and spread of the pulls in bins of S/N, 8000-8950 Angstrom."""
    result = {}
    for low, high in pairwise(SNR_EDGES):
        some = rows[(snr[rows] >= low) & (snr[rows] < high) & np.isfinite(velocity[rows])]
        difference = (velocity - truth)[some]
        pulls = difference / error[some]
        result[f"{low}-{high}"] = {
            "stars": int(some.size),
            "bias": round(float(np.median(difference)), 3),
            "scatter": round(robust_scatter(difference), 3),
            "pulls": round(robust_scatter(pulls), 3),
        }
        say(f"S/N {low}-{high}: {result[f'{low}-{high}']}")
    return result


def time_slow(measurer, part, templates, velocity, error, count):
    """Seconds a star of the slow twin, and the worst difference of its velocities in errors."""
    shapes, wavelength = splines(templates), 10.0**measurer._log
    worst, begun = 0.0, time.perf_counter()
    for star in range(count):
        y = part[0][star, measurer.pixels]
        w = np.where(part[2][star, measurer.pixels], 0.0, part[1][star, measurer.pixels])
        found, _, _ = slow_velocity(wavelength, y, w, shapes, measurer.velocities)
        worst = max(worst, abs(found - velocity[star]) / error[star])
    return (time.perf_counter() - begun) / count, worst
