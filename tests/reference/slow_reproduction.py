"""Slow, obvious twin of the measured statements: one star after the other, formulas as printed."""

from __future__ import annotations

import itertools
import math
from statistics import fmean, median

import numpy as np

BINS = (10, 20, 30, 50, 75, 100, 150, 200, 500)
LIMITS = {"teff": 20.0, "logg": 0.1, "m_h": 0.1, "alpha_m": 0.05}
RANGES = {"m_h": (-1.5, 0.5), "teff": (3200, 4300), "logg": (-0.4, 2.5)}


def slow_values(stars: list[dict], other: dict[int, dict], setting) -> dict[str, float]:
    """Value of each statement, by its key; ``setting(section, name)`` returns one of the build."""
    values = samples(stars) | velocities(stars) | distances(stars) | settings(setting)
    for name in LIMITS:
        values |= label(stars, name)
        matched = [star[name] - other[star["obsid"]][name] for star in stars if star["obsid"] in other]
        values[f"other-bias-{name}"] = fmean(matched)
        values[f"other-scatter-{name}"] = float(np.std(matched, ddof=1))
    values["other-stars"] = len(other)
    return values


def giant(star):
    return star["selected"] or star["selection"] == "not kept: no data to classify"


def has(star, *names):
    return all(not math.isnan(star[name]) for name in names)


def labelled(star):
    return has(star, *(f"{name}_ref" for name in LIMITS))


def accurate(star):
    return labelled(star) and all(star[f"{name}_ref_err"] < limit for name, limit in LIMITS.items())


def trainable(star):
    return accurate(star) and star["snr"] > 50


def rms(differences):
    return math.sqrt(fmean(value**2 for value in differences))


def samples(stars):
    chosen = [star for star in stars if giant(star)]
    both = [s for s in stars if s["official"] != "" and has(s, "m_h_ref") and s["snr"] > 50 and s["snr_ref"] > 50]
    values = {
        "stars": len(chosen),
        "official": sum(star["official"] != "" for star in chosen),
        "official-apogee": len(both),
        "official-constants": sum(star["official_m_h"] in (-1.0, 0.0) for star in both),
        "apogee": sum(map(labelled, stars)),
        "training": sum(map(trainable, stars)),
        "excluded": sum(labelled(star) and not trainable(star) for star in stars),
        "trained": sum(star["in_training"] for star in stars),
        "bright": 100 * fmean(star["snr"] > 50 for star in chosen),
        "near-plane": 100 * fmean(abs(star["z_gal"]) < 5 for star in chosen),
    }
    for name, (low, high) in RANGES.items():
        values[f"range-{name}"] = sum(trainable(s) and not low < s[f"{name}_ref"] < high for s in stars)
    return values


def velocities(stars):
    values = {}
    for key, name in (("gaia", "rv_gaia"), ("apogee", "rv_ref")):
        pairs = [s for s in stars if has(s, "rv", name) and not (name == "rv_ref" and s["ref_bad"])]
        differences = [s["rv"] - s[name] for s in pairs]
        middle = median(differences)
        values[f"rv-{key}-stars"] = len(differences)
        values[f"rv-{key}-offset"] = middle
        values[f"rv-{key}-scatter"] = 1.4826 * median(abs(value - middle) for value in differences)
        inside = [abs(s["rv"] - s[name]) < math.hypot(s["rv_err"], s[f"{name}_err"]) for s in pairs]
        values[f"coverage-rv-{key}"] = 100 * fmean(inside)
    return values


def label(stars, name):
    held = [s for s in stars if accurate(s) and s["label_reason"] != "" and not s["ref_bad"] and has(s, name)]
    pairs = [(s["snr"], s[name] - s[f"{name}_ref"]) for s in held]
    bins = [[d for snr, d in pairs if low <= snr < high] for low, high in itertools.pairwise(BINS)]
    high, low = [-d for snr, d in pairs if snr > 50], [-d for snr, d in pairs if snr <= 50]
    inside = [abs(s[name] - s[f"{name}_ref"]) < math.hypot(s[f"{name}_err"], s[f"{name}_ref_err"]) for s in held]
    return {
        f"cv-scatter-low-{name}": rms([d for snr, d in pairs if 17 / 2**0.25 <= snr < 17 * 2**0.25]),
        f"cv-scatter-{name}": rms([d for snr, d in pairs if snr > 100]),
        f"cv-bias-{name}": fmean(fmean(part) for part in bins if len(part) >= 20),
        f"self-bias-high-{name}": fmean(high),
        f"self-bias-low-{name}": fmean(low),
        f"self-scatter-{name}": np.std(low, ddof=1) / np.std(high, ddof=1),
        f"coverage-{name}": 100 * fmean(inside),
    }


def reliable(star):
    error = (star["distance_geo_84"] - star["distance_geo_16"]) / 2
    independent = star["distance_from"] == "photometric"
    return independent and -0.9 < star["m_h"] < 0.5 and star["distance_geo"] < 4 and star["distance_geo"] / error > 20


def distances(stars):
    good = [star for star in stars if reliable(star)]
    relative = [100 * (star["distance"] / star["distance_geo"] - 1) for star in good]
    ranks = [np.argsort(np.argsort(column)) for column in ([star["distance_geo"] for star in good], relative)]
    inside = []
    for star in good:
        halves = [(star[f"{name}_84"] - star[f"{name}_16"]) / 2 for name in ("distance", "distance_geo")]
        inside.append(abs(star["distance"] - star["distance_geo"]) < math.hypot(*halves))
    stated = [50 * (s["distance_84"] - s["distance_16"]) / s["distance"] for s in stars if giant(s)]
    low, high = np.percentile(relative, (16, 84))
    return {
        "distance-median": median(relative),
        "distance-16": low,
        "distance-84": high,
        "distance-trend": np.corrcoef(*ranks)[0, 1],
        "distance-error": median(stated),
        "coverage-distance": 100 * fmean(inside),
    }


def settings(setting):
    values = {"spiral-arms": 5, "r0": 8.34, "table-a1": 16, "train-snr": setting("labels", "min_snr")}
    for name in LIMITS:
        values[f"train-{name}"] = setting("labels", f"max_{name}_error_{'k' if name == 'teff' else 'dex'}")
    return values | {
        "rv-first": setting("velocity", "first_angstrom"),
        "rv-last": setting("velocity", "last_angstrom"),
        "folds": setting("labels", "folds"),
        "age": setting("distance", "isochrone_age_gyr"),
        "dust-error": setting("distance", "dust_relative_error"),
    }
