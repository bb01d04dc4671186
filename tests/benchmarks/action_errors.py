"""Staeckel actions against actions out of integrated orbits: disc stars, stars beyond 5 kpc, those not of the stream.

Stars are those of the embedded survey's Galaxy. The orbits' own actions count where they are known to 0.1 kpc km/s.
"""

import argparse
import json
import time

import numpy as np
from galpy.potential import MWPotential2014

from pipeline.domain.frames import FRAMES, cylindrical, galactocentric_phase_space
from pipeline.mock.survey import simulate
from pipeline.science.space.actions import circular_velocity_kms, compute_orbits
from tests.reference.slow_actions import orbit_actions

FRAME = FRAMES["paper"]
KNOWN_KPC_KMS = 0.1
FAR_KPC = 5.0


def errors(position, velocity):
    """Absolute errors of J_R and J_z, shape (n, 2), in kpc km/s; NaN where the orbit does not tell its own."""
    unit = FRAME.r0_kpc * circular_velocity_kms(FRAME)
    orbits = compute_orbits(position, velocity, FRAME, "MWPotential2014")
    radius, v_r, v_phi = cylindrical(position, velocity)
    phases = np.stack([radius, v_r, v_phi, position[:, 2], velocity[:, 2]], axis=1)
    phases /= np.where([True, False, False, True, False], FRAME.r0_kpc, circular_velocity_kms(FRAME))
    found = np.full((len(phases), 2), np.nan)
    for star, phase in enumerate(phases):
        actions, error = orbit_actions(MWPotential2014, phase)
        if (error * unit < KNOWN_KPC_KMS).all():
            found[star] = np.abs(actions * unit - [orbits.j_r[star], orbits.j_z[star]])
    return found


def main(arguments):
    """Print one JSON line."""
    parser = argparse.ArgumentParser(prog="action_errors")
    parser.add_argument("--stars", type=int, default=200, help="of each sample")
    options = parser.parse_args(arguments)
    table = simulate(6000, seed=3, training=0).stars
    sky = [np.asarray(getattr(table, name)) for name in ("ra", "dec", "distance", "pmra", "pmdec", "rv")]
    position, velocity = galactocentric_phase_space(*sky, FRAME)
    bound = ~compute_orbits(position, velocity, FRAME, "MWPotential2014").unbound
    height = np.abs(position[:, 2])
    begun = time.perf_counter()
    result = {"benchmark": "action_errors"}
    far, streaming = bound & (height > FAR_KPC), np.asarray(table.component) == "sagittarius"
    for name, rows in (("disc", bound & (height < 1.0)), ("far", far), ("far_halo", far & ~streaming)):
        chosen = np.random.default_rng(1).permutation(np.flatnonzero(rows))[: options.stars]
        apart = errors(position[chosen], velocity[chosen])
        known = np.isfinite(apart).all(axis=1)
        result[name] = {
            "stars": len(chosen),
            "known": int(known.sum()),
            **{
                f"{action}_{percent}": round(float(np.percentile(apart[known, k], percent)), 3)
                for k, action in enumerate(("j_r", "j_z"))
                for percent in (50, 84)
            },
        }
    print(json.dumps(result | {"seconds": round(time.perf_counter() - begun, 1)}))
