"""Measured catalogue values of simulated stars by formula, without spectra.

Each is the true value plus a normal error that grows with 1 / (S/N), and that error stands beside it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pipeline.domain.columns import column
from pipeline.mock.survey import MockSurvey
from pipeline.science.space.dust import BAND_COEFFICIENTS

FloatArray = NDArray[np.float64]

ERRORS = {
    "teff": (26.0, 93.0),
    "logg": (0.112, 75.0),
    "m_h": (0.072, 78.0),
    "alpha_m": (0.031, 94.0),
    "rv": (2.55, 52.0),
}
"""Error at high S/N, in the column's unit, and the S/N in the red at which noise adds as much.

From the scatter about the truth in a build of the embedded survey, from S/N 49 to 890.
"""

DISTANCE_ERROR = 0.20
"""Relative error of distances, in the form of :data:`ERRORS`."""

_GALAXY_AS_GIANT_K_ABS = -6.5

SNR_OVERALL = 0.40
"""Ratio of the S/N of the whole spectrum to that in the red."""


def measured(survey: MockSurvey, seed: int) -> dict[str, FloatArray]:
    """S/N, labels, velocity, distance and dereddening columns, under catalogue names, each of shape (n,).

    Parameters
    ----------
    survey : MockSurvey
        The stars. Labels and velocity are those of the light in the fibre, its oddities, companions and wrong red arms
        with it; the usual errors of wavelengths are in the velocity's error.
    seed : int
        Of the errors.
    """
    rng = np.random.default_rng((seed, 1))
    truth, table = survey.truth, survey.table
    red = truth["true_snr_red"].to_numpy(float)
    n = len(survey)
    values = dict(zip(("teff", "logg", "m_h", "alpha_m"), survey.light.labels.T, strict=True))
    usual = truth["true_rv_zero_point"] + truth["true_rv_wavelength"]
    values["rv"] = survey.light.rv_kms - usual.to_numpy(float)
    result = {"snr": SNR_OVERALL * red}
    for name, (floor, equal) in ERRORS.items():
        error = floor * np.hypot(1.0, equal / red)
        result[name] = np.clip(values[name] + error * rng.standard_normal(n), column(name).low, column(name).high)
        result[f"{name}_err"] = error
    ebv = truth["true_ebv"].to_numpy(float)
    j_mag, k_mag = table["j_mag"].to_numpy(float), table["k_mag"].to_numpy(float)
    # What takes a galaxy for a giant puts it where a giant of its magnitude is.
    giant_kpc = 10.0 ** (0.2 * (truth["true_k_abs"].to_numpy(float) - _GALAXY_AS_GIANT_K_ABS))
    distance = truth["true_distance"].to_numpy(float) * np.where(truth["kind"] == "galaxy", giant_kpc, 1.0)
    distance = distance * np.exp(DISTANCE_ERROR * rng.standard_normal(n))
    e_jk = (BAND_COEFFICIENTS["J"] - BAND_COEFFICIENTS["Ks"]) * ebv
    a_k = BAND_COEFFICIENTS["Ks"] * ebv
    return result | {
        "distance": distance,
        "distance_16": distance * np.exp(-DISTANCE_ERROR),
        "distance_84": distance * np.exp(DISTANCE_ERROR),
        "a_k": a_k,
        "e_jk": e_jk,
        "jk": j_mag - k_mag,
        "jk0": j_mag - k_mag - e_jk,
        "k0_mag": k_mag - a_k,
        "k_abs": k_mag - a_k - 5.0 * np.log10(100.0 * distance),
    }
