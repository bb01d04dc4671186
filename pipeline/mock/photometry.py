"""Published data of 2MASS, WISE, Gaia and APOGEE on the simulated stars, with errors."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pipeline.mock.binaries import Binaries
from pipeline.mock.stars import Stars
from pipeline.science.space.dust import BAND_COEFFICIENTS

FloatArray = NDArray[np.float64]

COLOUR_SCATTER = 0.015
"""Intrinsic scatter of each magnitude about the isochrone: spots, pulsation, calibration."""

PARALLAX_ZERO_POINT_MAS = -0.03
"""Zero point of Gaia DR3 parallaxes, which are 0.02 to 0.04 mas too small.

For such magnitudes and colours (Lindegren et al. 2021, A&A 649, A4). The catalogue keeps parallaxes as published;
geometric distances are corrected.
"""

_GAIA_NIGHTS = np.linspace(56_863.0, 57_901.0, 16)
"""Nights of Gaia DR3's 34 months, MJD."""

APOGEE_ERRORS = {"teff": 15.0, "logg": 0.05, "m_h": 0.02, "alpha_m": 0.02}
"""Errors of the reference labels (K, dex), the core of the distribution in the paper's training set."""

LABEL_TAIL = (0.06, 4.0)
"""Fraction of the stars with enlarged errors of reference labels, and the factor.

All four labels have it at once; the stated errors do not include it.
"""


def magnitudes(stars: Stars, rng: np.random.Generator) -> dict[str, FloatArray]:
    """Apparent magnitudes with errors and extinction, in the catalogue's column names.

    J, Ks, G, BP, RP follow PARSEC. H follows the giants of Bessell & Brett (1988, PASP 100, 1134); W1 and W2 are set so
    that (W1 - W2)0 grows slowly with (J - Ks)0, as it does for M giants (Zhong et al. 2015, AJ 150, 42). M dwarfs have
    (J - H)0 = 0.62, Ks - W1 = 0.12 and W1 - W2 of 0.05 to 0.2, the redder the cooler (the same paper's Figure 8).
    """
    modulus = 5.0 * np.log10(100.0 * stars.distance)
    colour, dwarf = stars.jk0, stars.kind == "M dwarf"
    j_h = np.where(dwarf, 0.62, 0.83 + 0.55 * (colour - 1.02))
    k_w1 = np.where(dwarf, 0.12, 0.07 + 0.10 * (colour - 1.0))
    w1_w2 = np.where(dwarf, 0.05 + 2e-4 * (3850.0 - stars.teff), -0.12 + 0.14 * (colour - 1.0) - 0.05 * stars.m_h)
    absolute = {
        "Ks": stars.k_abs,
        "J": stars.k_abs + colour,
        "H": stars.k_abs + colour - j_h,
        "W1": stars.k_abs - k_w1,
        "W2": stars.k_abs - k_w1 - w1_w2,
        "G": stars.g_abs,
    }
    seen: dict[str, FloatArray] = {}
    for band, name in (("J", "j_mag"), ("H", "h_mag"), ("Ks", "k_mag"), ("W1", "w1_mag"), ("W2", "w2_mag")):
        true = absolute[band] + modulus + BAND_COEFFICIENTS[band] * stars.ebv
        error = np.hypot(0.021 if name[0] != "w" else 0.022, 0.05 * 10.0 ** (0.4 * (true - 15.0)))
        scatter = np.hypot(error, COLOUR_SCATTER)
        seen[name] = true + scatter * rng.standard_normal(len(stars))
        seen[f"{name}_err"] = error
    g_true = absolute["G"] + modulus + BAND_COEFFICIENTS["G"] * stars.ebv
    seen["g_mag"] = g_true + 0.003 * rng.standard_normal(len(stars))
    reddening = (BAND_COEFFICIENTS["BP"] - BAND_COEFFICIENTS["RP"]) * stars.ebv
    seen["bp_rp"] = stars.bp_rp0 + reddening + np.hypot(0.005, COLOUR_SCATTER) * rng.standard_normal(len(stars))
    return seen


def astrometry(stars: Stars, g_mag: FloatArray, binaries: Binaries, rng: np.random.Generator) -> dict[str, FloatArray]:
    """Parallax and proper motion with Gaia DR3's errors, RUWE, velocity, geometric distance.

    sigma(parallax) = sqrt(40 + 800 z + 30 z^2) micro-arcsec with z = 10^(0.4 (max(G, 13) - 15)), and 1.03 and 0.89
    times it (a year) in the two proper motions: the mission's published DR3 performance. The two proper motions' errors
    correlate by up to about 0.5 in a pattern of the ecliptic sky, as the scanning law makes them (Lindegren et al.
    2021, A&A 649, A2). Every parallax is off by :data:`PARALLAX_ZERO_POINT_MAS`; the geometric distance is the inverse
    of the corrected parallax where that is five errors large. Two per cent of the stars get a large
    RUWE and errors three times what they claim. Gaia's velocity is the mean over 34 months, and its error the scatter
    over the root of the number of epochs: binaries have larger ones.
    """
    n = len(stars)
    z = 10.0 ** (0.4 * (np.maximum(g_mag, 13.0) - 15.0))
    sigma = 1e-3 * np.sqrt(40.0 + 800.0 * z + 30.0 * z**2)
    poor = rng.uniform(size=n) < 0.02
    ruwe = np.where(poor, rng.uniform(1.4, 4.0, n), np.exp(rng.normal(0.02, 0.07, n)))
    real = np.where(poor, 3.0, 1.0)
    noise = rng.standard_normal((4, n))
    correlation = _scanning_correlation(stars.ra, stars.dec) + 0.1 * rng.standard_normal(n)
    correlation = np.clip(correlation, -0.8, 0.8)
    noise[2] = correlation * noise[1] + np.sqrt(1.0 - correlation**2) * noise[2]
    seen = {
        "parallax_err": sigma,
        "pmra_err": 1.03 * sigma,
        "pmdec_err": 0.89 * sigma,
        "pmra_pmdec_corr": correlation,
        "ruwe": ruwe,
    }
    seen["parallax"] = 1.0 / stars.distance + PARALLAX_ZERO_POINT_MAS + real * sigma * noise[0]
    seen["pmra"] = stars.pmra + real * seen["pmra_err"] * noise[1]
    seen["pmdec"] = stars.pmdec + real * seen["pmdec_err"] * noise[2]
    bright = (g_mag < 14.8) & (rng.uniform(size=n) < 0.93)
    velocity_error = 0.25 + 0.12 * np.exp(0.85 * (g_mag - 11.5))
    jitter = 0.5
    orbit = binaries.velocity(_GAIA_NIGHTS[:, None])
    velocity_error = np.hypot(velocity_error, orbit.std(axis=0) / np.sqrt(_GAIA_NIGHTS.size))
    measured = stars.rv + orbit.mean(axis=0) + np.hypot(velocity_error, jitter) * noise[3]
    bright &= stars.kind != "galaxy"
    seen["rv_gaia"] = np.where(bright, measured, np.nan)
    seen["rv_gaia_err"] = np.where(bright, velocity_error, np.nan)
    corrected = seen["parallax"] - PARALLAX_ZERO_POINT_MAS
    with np.errstate(divide="ignore"):
        seen["distance_geo"] = np.where(corrected > 5.0 * sigma, 1.0 / corrected, np.nan)
    return seen


def _scanning_correlation(ra_deg: FloatArray, dec_deg: FloatArray) -> FloatArray:
    """A smooth pattern on the ecliptic sky, within 0.35 of 0."""
    ra, dec, tilt = np.radians(ra_deg), np.radians(dec_deg), np.radians(23.4393)
    x, y, z = np.cos(dec) * np.cos(ra), np.cos(dec) * np.sin(ra), np.sin(dec)
    longitude = np.arctan2(y * np.cos(tilt) + z * np.sin(tilt), x)
    latitude = np.arcsin(np.clip(z * np.cos(tilt) - y * np.sin(tilt), -1.0, 1.0))
    return np.asarray(0.35 * np.sin(3.0 * longitude) * np.cos(latitude))


def reference_labels(
    stars: Stars, h_mag: FloatArray, n_reference: int, rng: np.random.Generator
) -> dict[str, FloatArray]:
    """APOGEE-like labels for some of the stars, NaN for the others.

    They are M giants of H < 13, drawn at even chances in bins of Teff, so that the cool end is not left to a handful.
    """
    n = len(stars)
    values = {"teff_ref": stars.teff, "logg_ref": stars.logg, "m_h_ref": stars.m_h, "alpha_m_ref": stars.alpha_m}
    bins = np.digitize(stars.teff, np.arange(3300.0, 4300.0, 100.0))
    crowd = np.bincount(bins, minlength=12)[bins]
    weight = np.where((h_mag < 13.0) & (stars.kind == "M giant"), crowd**-0.4, 0.0)
    wanted = min(n_reference, int((weight > 0).sum()))
    chosen = np.zeros(n, np.bool_)
    if wanted:
        chosen[rng.choice(n, wanted, replace=False, p=weight / weight.sum())] = True
    seen = {}
    tail = np.where(rng.uniform(size=n) < LABEL_TAIL[0], LABEL_TAIL[1], 1.0)
    for name, true in values.items():
        error = APOGEE_ERRORS[name.removesuffix("_ref")]
        seen[name] = np.where(chosen, true + tail * error * rng.standard_normal(n), np.nan)
        seen[f"{name}_err"] = np.where(chosen, error, np.nan)
    return seen
