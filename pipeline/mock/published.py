"""Rounding, identifiers, quality letters and gaps of published archive data.

Values are rounded to what the archives' files hold (single precision, or decimals of a text), so that a table written
in an archive's format and read again gives the simulated survey's value exactly. Gaps are natural ones: stars without a
Gaia source, sources with two parameters only, no H, no 2MASS or AllWISE entry. They have a random stream of their own.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.domain.wavelength import doppler_factor, redshift_to_velocity
from pipeline.mock.photometry import PARALLAX_ZERO_POINT_MAS
from pipeline.mock.stars import Stars

FloatArray = NDArray[np.float64]
Columns = dict[str, NDArray[Any]]

GAPS = {"gaia": 0.007, "astrometry": 0.010, "h": 0.005, "tmass": 0.005, "allwise": 0.04}
"""Fractions of stars without a Gaia source, parallax and proper motion, H, 2MASS or AllWISE."""

SLOW_MAS_YR = 20.0
"""Maximum proper motion of stars without a published one, so that positions match at any epoch."""

LAMOST_EPOCH, GAIA_EPOCH, ALLWISE_EPOCH = 2000.0, 2016.0, 2010.5
"""Epochs of the positions, Julian years."""

DR2_RENUMBERED = 0.03
"""Fraction of the sources with different identifiers in Gaia DR2 and DR3."""

DR2_OFFSET = 100_000_000_000
"""Difference between such identifiers."""

UNKNOWN_SHARE = 0.005
"""Fraction of the observations with class Unknown, which have no redshift."""

POSITION_DIGITS, REDSHIFT_DIGITS, MAGNITUDE_DIGITS = 6, 8, 3
_COLOUR_STEP = 2.0**-19
"""Step of colours, which are differences of single-precision magnitudes below 32."""

_GAIA = ("g_mag", "bp_rp", "rv_gaia", "rv_gaia_err")
_ASTROMETRY = (
    *("parallax", "parallax_err", "pmra", "pmra_err", "pmdec", "pmdec_err", "pmra_pmdec_corr", "ruwe"),
    *("distance_geo", "distance_geo_16", "distance_geo_84"),
)
_TMASS = tuple(f"{band}_mag{end}" for band in "jhk" for end in ("", "_err"))
_ALLWISE = tuple(f"{band}_mag{end}" for band in ("w1", "w2") for end in ("", "_err"))
_WORST_SNR = ((10.0, "A"), (7.0, "B"), (5.0, "C"), (0.0, "D"))


def publish(stars: Stars, seen: dict[str, FloatArray], first_gaia_id: int, rng: np.random.Generator) -> Columns:
    """Create the published data of each star.

    Parameters
    ----------
    stars : Stars
        The stars, each once.
    seen : dict of ndarray, shape (n,)
        Measured values under contract names, complete and unrounded.
    first_gaia_id : int
        Gaia identifier of the first star.
    rng : Generator
        Randomness of gaps and identifiers.

    Returns
    -------
    dict of ndarray, shape (n,)
        The same and more under contract names: positions to 1e-6 deg (what LAMOST's headers hold), 2MASS and AllWISE
        magnitudes to 0.001 mag, the rest in single precision; identifiers, quality letters, the bounds of the geometric
        distance; NaN, 0 and "" where an archive has nothing.
    """
    n = len(stars)
    result: Columns = {name: _single(values) for name, values in seen.items()}
    for name in (*_TMASS, *_ALLWISE):
        result[name] = np.maximum(np.round(seen[name], MAGNITUDE_DIGITS), 0.001 if name.endswith("_err") else -np.inf)
    result["bp_rp"] = np.round(seen["bp_rp"] / _COLOUR_STEP) * _COLOUR_STEP
    result |= _geometric_distance(seen["parallax"], seen["parallax_err"], np.isfinite(seen["distance_geo"]))
    result["ra"], result["dec"] = rounded_position(stars.ra, stars.dec)
    gaia = first_gaia_id + np.arange(n)
    renumbered = rng.uniform(size=n) < DR2_RENUMBERED
    result |= {
        "gaia_source_id": gaia,
        "gaia_dr2_source_id": gaia + DR2_OFFSET * renumbered,
        "uid": np.array([f"SIM{number:011d}" for number in range(n)]),
        "tmass_id": np.array([tmass_name(*place) for place in zip(result["ra"], result["dec"], strict=True)]),
        "allwise_id": np.array([j_name(*place) for place in zip(*at_epoch(stars, ALLWISE_EPOCH), strict=True)]),
        "ph_qual": quality_letters(*(result[f"{band}_mag_err"] for band in "jhk")),
    }
    far_infrared = np.array(["AU", "BU", "AA", "UU"])[rng.integers(0, 4, n)]
    result["ph_qual_wise"] = np.char.add(quality_letters(result["w1_mag_err"], result["w2_mag_err"]), far_infrared)
    _leave_gaps(result, stars, rng)
    return result


def _single(values: FloatArray) -> FloatArray:
    """Round to single precision."""
    return np.asarray(values).astype(np.float32).astype(np.float64)


def _geometric_distance(parallax: FloatArray, error: FloatArray, known: NDArray[np.bool_]) -> Columns:
    """Median and bounds in kpc: inverse of the parallax, and of it plus and minus one error.

    The zero point is taken off (Lindegren et al. 2021, A&A 649, A4).
    """
    corrected = parallax - PARALLAX_ZERO_POINT_MAS
    result: Columns = {}
    for name, shift in (("distance_geo", 0.0), ("distance_geo_16", 1.0), ("distance_geo_84", -1.0)):
        with np.errstate(divide="ignore"):
            parsec = _single(np.where(known, 1000.0 / (corrected + shift * error), np.nan))
        result[name] = parsec / 1000.0
    return result


def _leave_gaps(result: Columns, stars: Stars, rng: np.random.Generator) -> None:
    """Remove data that archives lack.

    Stars with reference labels keep Gaia and 2MASS: APOGEE publishes both with them.
    """
    n = len(stars)
    plain = (stars.kind == "M giant") & ~np.isfinite(result["teff_ref"])
    plain &= np.hypot(stars.pmra, stars.pmdec) < SLOW_MAS_YR
    order = rng.permutation(np.flatnonzero(plain))
    edges = np.cumsum([round(GAPS[name] * n) for name in ("gaia", "astrometry", "h", "tmass")])
    no_source, two_parameters, no_h, no_tmass = np.split(order, edges)[:4]
    no_tmass = np.concatenate([no_source, no_tmass])  # the archive joins 2MASS to Gaia sources
    no_allwise = rng.permutation(n)[: round(GAPS["allwise"] * n)]
    for rows, names in (
        (no_source, (*_GAIA, *_ASTROMETRY)),
        (two_parameters, _ASTROMETRY),
        (no_h, ("h_mag", "h_mag_err")),
        (no_tmass, _TMASS),
        (no_allwise, _ALLWISE),
    ):
        for name in names:
            result[name][rows] = np.nan
    result["ph_qual"][no_h] = [f"{letters[0]}X{letters[2]}" for letters in result["ph_qual"][no_h]]
    for rows, names in (
        (no_source, ("gaia_source_id", "gaia_dr2_source_id")),
        (no_tmass, ("tmass_id", "ph_qual")),
        (no_allwise, ("allwise_id", "ph_qual_wise")),
    ):
        for name in names:
            result[name][rows] = 0 if result[name].dtype.kind == "i" else ""


def unknown_class(snr: FloatArray, ordinary: NDArray[np.bool_], rng: np.random.Generator) -> NDArray[np.bool_]:
    """Draw the observations of class Unknown (:data:`UNKNOWN_SHARE`) from the noisier half.

    Parameters
    ----------
    snr : ndarray, shape (n,)
        Median S/N a pixel over 8000-8950 Angstrom.
    ordinary : ndarray of bool, shape (n,)
        Observations that may be chosen.
    rng : Generator
        Randomness.
    """
    chosen = np.zeros(len(snr), np.bool_)
    faint = rng.permutation(np.flatnonzero(ordinary & (snr <= np.median(snr))))
    chosen[faint[: round(UNKNOWN_SHARE * len(snr))]] = True
    return chosen


def redshift(rv_kms: FloatArray) -> FloatArray:
    """Redshift with LAMOST's eight decimals: lambda_observed / lambda_rest - 1."""
    return np.round(doppler_factor(rv_kms) - 1.0, REDSHIFT_DIGITS)


def through_redshift(rv_kms: FloatArray) -> FloatArray:
    """Velocity recovered from the printed redshift, km/s."""
    return redshift_to_velocity(redshift(rv_kms))


def rounded_position(ra_deg: FloatArray, dec_deg: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Position to 1e-6 deg, right ascension below 360."""
    return np.round(ra_deg, POSITION_DIGITS) % 360.0, np.round(dec_deg, POSITION_DIGITS)


def at_epoch(stars: Stars, epoch: float) -> tuple[FloatArray, FloatArray]:
    """True positions at a Julian year, moved linearly from J2000.

    Accurate away from the poles, for a survey below +65.
    """
    years = epoch - LAMOST_EPOCH
    dec = stars.dec + stars.pmdec * years / 3.6e6
    return (stars.ra + stars.pmra * years / 3.6e6 / np.cos(np.radians(stars.dec))) % 360.0, dec


def quality_letters(*errors: FloatArray) -> NDArray[np.str_]:
    """Photometric quality letters by S/N: A from 10, B from 7, C from 5, else D; shape (n,)."""
    bands = []
    for error in errors:
        snr = 1.0857 / error
        bands.append(np.select([snr >= least for least, _ in _WORST_SNR], [letter for _, letter in _WORST_SNR], "X"))
    letters = bands[0]
    for band in bands[1:]:
        letters = np.char.add(letters, band)
    return letters


def tmass_name(ra_deg: float, dec_deg: float) -> str:
    """2MASS designation, HHMMSSss+DDMMSSs."""
    hours, minutes, seconds, sign, degrees, arcmin, arcsec = sexagesimal(ra_deg, dec_deg)
    return f"{hours:02d}{minutes:02d}{seconds:04d}{sign}{degrees:02d}{arcmin:02d}{arcsec:03d}"


def j_name(ra_deg: float, dec_deg: float) -> str:
    """Designation of LAMOST and of AllWISE, JHHMMSS.ss+DDMMSS.s."""
    hours, minutes, seconds, sign, degrees, arcmin, arcsec = sexagesimal(ra_deg, dec_deg)
    return f"J{hours:02d}{minutes:02d}{seconds / 100.0:05.2f}{sign}{degrees:02d}{arcmin:02d}{arcsec / 10.0:04.1f}"


def sexagesimal(ra_deg: float, dec_deg: float) -> tuple[int, int, int, str, int, int, int]:
    """Hours, minutes, hundredths of a second; sign, degrees, arcminutes, tenths of an arcsecond."""
    hours, rest = divmod(round(ra_deg / 15.0 * 360_000.0) % (24 * 360_000), 360_000)
    minutes, hundredths = divmod(rest, 6_000)
    degrees, rest = divmod(round(abs(dec_deg) * 36_000.0), 36_000)
    arcmin, tenths = divmod(rest, 600)
    return hours, minutes, hundredths, "-" if dec_deg < 0 else "+", degrees, arcmin, tenths
