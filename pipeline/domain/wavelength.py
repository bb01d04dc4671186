"""Wavelengths: air and vacuum, Doppler shifts, log grids. The only place that knows c."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

C_KMS = 299792.458
"""Speed of light in km/s (exact, SI definition of the metre)."""

LOG_STEP = 1e-4
"""Step of the common grid in log10(lambda / Angstrom): LAMOST's own, 69 km/s a pixel."""

LAMOST_LOG_START = 3.5682
"""log10 of the first LAMOST low-resolution pixel (3699.99 Angstrom)."""


def air_to_vacuum(wavelength_air: ArrayLike) -> NDArray[np.float64]:
    """Convert air to vacuum wavelengths.

    Parameters
    ----------
    wavelength_air : array_like
        Wavelengths in Angstrom, in standard air.

    Returns
    -------
    ndarray
        Vacuum wavelengths in Angstrom.

    Notes
    -----
    Ciddor (1996) as inverted for astronomy by N. Piskunov (VALD): accurate to 1e-5 Angstrom over
    2000-100000 Angstrom.
    """
    lam = np.asarray(wavelength_air, dtype=np.float64)
    s2 = (1e4 / lam) ** 2
    n = (
        1.0
        + 0.00008336624212083
        + 0.02408926869968 / (130.1065924522 - s2)
        + 0.0001599740894897 / (38.92568793293 - s2)
    )
    return np.asarray(lam * n)


def vacuum_to_air(wavelength_vacuum: ArrayLike) -> NDArray[np.float64]:
    """Convert vacuum to air wavelengths (Morton 2000, IAU standard).

    Parameters
    ----------
    wavelength_vacuum : array_like
        Wavelengths in Angstrom, in vacuum.

    Returns
    -------
    ndarray
        Air wavelengths in Angstrom.
    """
    lam = np.asarray(wavelength_vacuum, dtype=np.float64)
    s2 = (1e4 / lam) ** 2
    n = 1.0 + 0.0000834254 + 0.02406147 / (130.0 - s2) + 0.00015998 / (38.9 - s2)
    return np.asarray(lam / n)


def doppler_factor(rv_kms: ArrayLike) -> NDArray[np.float64]:
    """Ratio of observed to rest wavelength for a radial velocity, relativistic along the line of sight.

    Parameters
    ----------
    rv_kms : array_like
        Radial velocity in km/s, positive away from us.

    Returns
    -------
    ndarray
        sqrt((1 + beta) / (1 - beta)).

    Raises
    ------
    ValueError
        If a velocity is not below the speed of light.
    """
    beta = np.asarray(rv_kms, dtype=np.float64) / C_KMS
    if np.any(np.abs(beta) >= 1.0):
        worst = float(np.nanmax(np.abs(beta))) * C_KMS
        raise ValueError(f"rv_kms must be below the speed of light; found {worst:.6g} km/s. Check its unit.")
    return np.asarray(np.sqrt((1.0 + beta) / (1.0 - beta)))


def redshift_to_velocity(z: ArrayLike) -> NDArray[np.float64]:
    """Radial velocity in km/s of a redshift z = lambda_obs / lambda_rest - 1."""
    ratio2 = (1.0 + np.asarray(z, dtype=np.float64)) ** 2
    return np.asarray(C_KMS * (ratio2 - 1.0) / (ratio2 + 1.0))


def velocity_to_log_shift(rv_kms: ArrayLike) -> NDArray[np.float64]:
    """Shift in log10(lambda) that a radial velocity causes."""
    return np.asarray(np.log10(doppler_factor(rv_kms)))


def log_shift_to_velocity(shift: ArrayLike) -> NDArray[np.float64]:
    """Radial velocity in km/s of a shift in log10(lambda)."""
    return redshift_to_velocity(10.0 ** np.asarray(shift, dtype=np.float64) - 1.0)


def log_grid(first_angstrom: float, last_angstrom: float, step: float = LOG_STEP) -> NDArray[np.float64]:
    """Pixel centres, uniform in log10(lambda), aligned with LAMOST's own pixels.

    Parameters
    ----------
    first_angstrom, last_angstrom : float
        Range to cover, in Angstrom, vacuum.
    step : float
        Step in log10(lambda).

    Returns
    -------
    ndarray, shape (n_pixels,)
        Centres in Angstrom; ``10 ** (LAMOST_LOG_START + k * step)`` for integer k.

    Raises
    ------
    ValueError
        If the range is empty or the step is not positive.
    """
    if not (0.0 < first_angstrom < last_angstrom and step > 0.0):
        raise ValueError(
            f"A wavelength grid needs 0 < first < last and step > 0; found first={first_angstrom}, "
            f"last={last_angstrom}, step={step}."
        )
    low = int(np.ceil((np.log10(first_angstrom) - LAMOST_LOG_START) / step - 1e-9))
    high = int(np.floor((np.log10(last_angstrom) - LAMOST_LOG_START) / step + 1e-9))
    return np.asarray(10.0 ** (LAMOST_LOG_START + step * np.arange(low, high + 1)))
