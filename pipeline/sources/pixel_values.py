"""Detection of physically impossible pixel values."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pipeline.domain.spectrum import SpectrumError

FloatArray = NDArray[np.float64]

FLUX_RANGE = (1e-15, 1e15)
"""Range of valid fluxes, whose squares fit into single precision (1e-38 to 3e38)."""

IVAR_RANGE = (1e-30, 1e30)
"""Range of valid inverse variances, for these fluxes at a signal-to-noise ratio of 1."""

MAX_PIXEL_SNR = 1e5
"""Maximum S/N of a pixel; 1e5 requires 1e10 photons, while a detector holds 1e5 to 1e6."""

MAX_SHARE = 0.5
"""Maximum fraction of impossible values among the good pixels; above it a spectrum is refused."""

MIN_MEDIAN_SNR = -1.0
"""Minimum median S/N; noise around zero flux has 0 within 0.05, a wrong sign gives below -1."""


def impossible_pixels(flux: FloatArray, ivar: FloatArray, mask: NDArray[np.bool_], name: str) -> NDArray[np.bool_]:
    """Mask of pixels with impossible values.

    Parameters
    ----------
    flux, ivar : ndarray, shape (n,)
        The spectrum.
    mask : ndarray of bool, shape (n,)
        True where a pixel carries no information.
    name : str
        Of the file, for messages.

    Returns
    -------
    ndarray of bool, shape (n,)
        Of the pixels that are not masked.

    Raises
    ------
    SpectrumError
        With code impossible-values where more than :data:`MAX_SHARE` of the good pixels are impossible, or
        negative-flux where the median signal-to-noise ratio is below :data:`MIN_MEDIAN_SNR`.
    """
    good = ~mask & np.isfinite(flux) & np.isfinite(ivar) & (ivar > 0.0)
    if not good.any():
        return np.zeros(flux.size, np.bool_)
    size, weight = np.abs(flux), np.where(good, ivar, 1.0)
    # Small fluxes are common where a star has none, so only the level of the whole spectrum has a lower bound.
    faint = float(np.median(size[good])) < FLUX_RANGE[0]
    impossible = good & ((size > FLUX_RANGE[1]) | (weight < IVAR_RANGE[0]) | (weight > IVAR_RANGE[1]))
    impossible |= good & (size * np.sqrt(weight) > MAX_PIXEL_SNR)
    if faint or impossible.sum() > MAX_SHARE * good.sum():
        signal = float(np.median((size * np.sqrt(weight))[good]))
        raise SpectrumError(
            "impossible-values",
            f"{name} has a median flux of {np.median(size[good]):.3g}, inverse variance {np.median(weight[good]):.3g} "
            f"and S/N {signal:.3g}: these are no values of a spectrum (is the byte order or the unit another?).",
        )
    rest = good & ~impossible
    signal = float(np.median((flux * np.sqrt(weight))[rest]))
    if signal < MIN_MEDIAN_SNR:
        raise SpectrumError("negative-flux", f"{name} has negative flux: its median S/N is {signal:.3g}.")
    return impossible
