"""Actions of 43,000 stars, and the quantiles of everything derived from 6D over 100 draws.

Stars are those of the embedded survey's Galaxy, repeated to the paper's number.
"""

import argparse
import json
import os
import resource
import sys
import time

import numpy as np
from galpy.actionAngle import estimateDeltaStaeckel
from galpy.potential import MWPotential2014

from pipeline.domain.frames import FRAMES, galactocentric_phase_space
from pipeline.mock.survey import simulate
from pipeline.science.space.actions import compute_orbits
from pipeline.science.space.monte_carlo import Measured, quantiles

FRAME = FRAMES["paper"]


def main(arguments):
    """Print one JSON line."""
    parser = argparse.ArgumentParser(prog="actions")
    parser.add_argument("--stars", type=int, default=43_000)
    parser.add_argument("--drawn-stars", type=int, default=43_000)
    parser.add_argument("--draws", type=int, default=100)
    options = parser.parse_args(arguments)
    table = simulate(6000, seed=3, training=0).stars
    rows = np.resize(np.arange(len(table)), options.stars)
    sky = [np.asarray(getattr(table, name))[rows] for name in ("ra", "dec", "distance", "pmra", "pmdec", "rv")]
    position, velocity = galactocentric_phase_space(*sky, FRAME)
    begun = time.perf_counter()
    orbits = compute_orbits(position, velocity, FRAME, "MWPotential2014")
    actions = time.perf_counter() - begun
    print(f"actions of {options.stars} stars: {actions:.1f} s", file=sys.stderr, flush=True)
    some = rows[:500]
    radius, height = np.hypot(*position[:500, :2].T) / FRAME.r0_kpc, position[:500, 2] / FRAME.r0_kpc
    begun = time.perf_counter()
    estimateDeltaStaeckel(MWPotential2014, radius, height, no_median=True)
    galpy_delta = (time.perf_counter() - begun) / some.size * options.stars
    n = options.drawn_stars
    full = np.full(n, 1.0)
    measured = Measured(
        *(part[:n] for part in sky[:3]),
        0.8 * sky[2][:n],
        1.25 * sky[2][:n],
        *(part[:n] for part in sky[3:5]),
        0.03 * full,
        0.03 * full,
        0.1 * full,
        sky[5][:n],
        2.0 * full,
        np.arange(n),
    )
    begun = time.perf_counter()
    found = quantiles(measured, FRAME, "MWPotential2014", count=options.draws)
    drawn = time.perf_counter() - begun
    print(
        json.dumps(
            {
                "benchmark": "actions",
                "stars": options.stars,
                "cores": os.cpu_count(),
                "actions_s": round(actions, 1),
                "with_actions": int(np.isfinite(orbits.j_r).sum()),
                "focal_lengths_by_galpy_s": round(galpy_delta, 1),
                "drawn_stars": n,
                "draws": options.draws,
                "quantiles_s": round(drawn, 1),
                "with_quantiles": int(np.isfinite(found["j_r_50"]).sum()),
                "peak_memory_gb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6, 2),
            }
        )
    )
