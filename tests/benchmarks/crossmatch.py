"""Times and peak memory of the cross-match and of numbering the stars, each case in a process of its own.

The sky is that of a survey with two observations a star: three stars in four have a row in the other table, which is
16 years younger; every star moves, one in a thousand by an arcsecond a year. ``--large`` adds 10 million rows against
2 million. The smaller size is also matched by astropy, on the same positions without motion.
"""

import argparse
import json
import resource
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np
from astropy.coordinates import SkyCoord

from pipeline.science.crossmatch import Side, match
from pipeline.science.velocity.repeats import star_numbers

SMALL, LARGE = (43_000, 734_000), (10_000_000, 2_000_000)
RADIUS_ARCSEC = 1.5
YEARS = 16.0


def survey(n, m, seed=20):
    """The two sides, and for each base row the true row of the other table or -1."""
    rng = np.random.default_rng(seed)
    stars = max(n // 2, 4 * m // 3)
    ra, dec = rng.uniform(0.0, 360.0, stars), np.degrees(np.arcsin(rng.uniform(-0.2, 1.0, stars)))
    speed = np.where(rng.random(stars) < 1e-3, 1000.0, 10.0)
    pmra, pmdec = speed * rng.normal(0.0, 0.7, stars), speed * rng.normal(0.0, 0.7, stars)
    gaia = 10**18 + np.arange(stars) * 97
    of_other = rng.permutation(stars)[:m]
    of_base = np.concatenate([rng.choice(of_other, 3 * n // 4), rng.integers(0, stars, n - 3 * n // 4)])
    rng.shuffle(of_base)
    row = np.full(stars, -1)
    row[of_other] = np.arange(m)
    old_ra = ra - pmra * YEARS / 3.6e6 / np.cos(np.radians(dec))
    old_dec = np.clip(dec - pmdec * YEARS / 3.6e6 + rng.normal(0.0, 3e-5, stars), -90.0, 90.0)
    base = Side(ra=old_ra[of_base], dec=old_dec[of_base], gaia_dr3=gaia[of_base], epoch_yr=2000.0)
    columns = {"ra": ra, "dec": dec, "pmra": pmra, "pmdec": pmdec, "gaia_dr3": gaia}
    other = Side(**{name: values[of_other] for name, values in columns.items()}, epoch_yr=2000.0 + YEARS)
    return base, other, row[of_base]


def timed(work):
    """What the work returns, and its seconds by the clock and of processor time."""
    start, cpu = time.perf_counter(), time.process_time()
    result = work()
    return result, time.perf_counter() - start, time.process_time() - cpu


def measure(case, n, m):
    """One measurement as a dictionary."""
    base, other, truth = survey(n, m)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    result = {"benchmark": "crossmatch", "case": case, "rows": n, "other_rows": m}
    if case == "astropy":
        return result | against_astropy(base, other)
    if case == "stars":
        gaia = base.gaia_dr3 * (np.arange(n) % 5 > 0)
        star, seconds, cpu = timed(lambda: star_numbers(base.ra, base.dec, gaia))
        result["stars"] = int(star.max()) + 1
    else:
        if case == "sky":  # the identifiers would show which neighbours are wrong
            names = ("ra", "dec", "pmra", "pmdec", "epoch_yr")
            base, other = (Side(**{name: getattr(side, name) for name in names}) for side in (base, other))
        found, seconds, cpu = timed(lambda: match(base, other, method=case, radius_arcsec=RADIUS_ARCSEC))
        right = (found.other >= 0) & (found.other == truth)
        result["completeness"] = right.sum() / (truth >= 0).sum()
        result["purity"] = right.sum() / (found.other >= 0).sum()
        result |= found.summary
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    times = {"seconds": round(seconds, 3), "cpu_seconds": round(cpu, 3)}
    return result | times | {"peak_gb": round(peak, 2), "peak_before_gb": round(before, 2)}


def against_astropy(base, other, rounds=7):
    """Best times of both on the same positions, in turn."""

    def astropy():
        here, there = (SkyCoord(side.ra, side.dec, unit="deg") for side in (base, other))
        return here.match_to_catalog_sky(there)

    def ours():
        plain = (Side(ra=side.ra, dec=side.dec) for side in (base, other))
        return match(*plain, method="sky", radius_arcsec=RADIUS_ARCSEC)

    times = [[timed(work)[1:] for work in (astropy, ours)] for _ in range(rounds)]
    (theirs, their_cpu), (mine, my_cpu) = np.min(times, axis=0)
    result = {"seconds": mine, "cpu_seconds": my_cpu, "astropy_seconds": theirs, "astropy_cpu_seconds": their_cpu}
    return {name: round(value, 3) for name, value in result.items()} | {"astropy_over_ours": round(theirs / mine, 2)}


def main(arguments):
    """Print one JSON line a case."""
    parser = argparse.ArgumentParser(prog="crossmatch")
    parser.add_argument("--large", action="store_true", help="also 10 million rows against 2 million")
    options = parser.parse_args(arguments)
    cases = [(case, *SMALL) for case in ("gaia", "sky", "stars", "astropy")]
    cases += [(case, *LARGE) for case in ("gaia", "sky", "stars")] if options.large else []
    for case in cases:
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
            print(json.dumps(pool.submit(measure, *case).result(), default=float), flush=True)
