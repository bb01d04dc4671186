"""Pseudo-continua: time a spectrum against scipy's smoothing spline with the same penalty, weights and clipping.

The spectra are those of the embedded survey, whole (3700-9095 Angstrom). The reference implementation that the paper
used takes 0.032 s a spectrum.
"""

import argparse
import json
import os
import time

import numpy as np

from pipeline.domain.settings import SpectraConfig
from pipeline.mock.survey import simulate
from pipeline.science.spectra.continuum import ContinuumFitter
from pipeline.science.spectra.resample import rebin
from tests.reference.slow_continuum import slow_continuum
from tests.reference.slow_rebin import slow_rebin

REFERENCE_S = 0.032
"""Measured once for the normalisation of the package that the paper used."""


def main(arguments):
    """Print one JSON line."""
    parser = argparse.ArgumentParser(prog="continuum")
    parser.add_argument("--stars", type=int, default=2000)
    parser.add_argument("--slow-stars", type=int, default=40)
    options = parser.parse_args(arguments)
    survey, settings = simulate(options.stars, seed=12, training=0), SpectraConfig()
    wavelength = survey.wavelength
    fitter = ContinuumFitter(wavelength, settings)
    parts = []
    for start in range(0, options.stars, 250):
        _, flux, ivar, mask = survey.observe(slice(start, start + 250))
        parts.append((flux.astype(float), ivar.astype(float), mask))
    begun = time.perf_counter()
    fast = [fitter.fit(*part) for part in parts]
    seconds = (time.perf_counter() - begun) / options.stars
    begun = time.perf_counter()
    slow = [slow_continuum(wavelength, *(part[k] for part in parts[0]), settings) for k in range(options.slow_stars)]
    slow_seconds = (time.perf_counter() - begun) / options.slow_stars
    apart = np.abs(fast[0][: options.slow_stars] / np.array(slow) - 1.0)
    grid, velocity = wavelength[100:-100], np.linspace(-300, 300, len(parts[0][0]))
    rebin(wavelength, *parts[0], grid, velocity)  # compiles
    begun = time.perf_counter()
    rebin(wavelength, *parts[0], grid, velocity)
    rebinning = (time.perf_counter() - begun) / len(velocity)
    begun = time.perf_counter()
    for k in range(options.slow_stars):
        slow_rebin(wavelength, *(part[k] for part in parts[0]), grid, velocity[k])
    print(
        json.dumps(
            {
                "benchmark": "continuum",
                "stars": options.stars,
                "pixels": wavelength.size,
                "cores": os.cpu_count(),
                "ms_per_spectrum": round(1e3 * seconds, 3),
                "scipy_ms_per_spectrum": round(1e3 * slow_seconds, 2),
                "ratio_to_scipy": round(slow_seconds / seconds, 1),
                "ratio_to_the_reference": round(REFERENCE_S / seconds, 1),
                "apart_median": float(f"{np.nanmedian(apart):.2g}"),
                "apart_p99": float(f"{np.nanquantile(apart, 0.99):.2g}"),
                "rebin_ms_per_spectrum": round(1e3 * rebinning, 3),
                "rebin_ratio_to_slow_twin": round((time.perf_counter() - begun) / options.slow_stars / rebinning, 1),
            }
        )
    )
