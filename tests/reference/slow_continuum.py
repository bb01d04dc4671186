"""The slow, obvious twin of the continuum: a smoothing spline a star and a pass, clipped in between, by scipy."""

import numpy as np
from scipy.interpolate import make_smoothing_spline


def slow_continuum(wavelength, flux, ivar, mask, settings):
    """Pseudo-continuum of one star; the penalty is that of :class:`ContinuumFitter`."""
    good = ~mask & (ivar > 0)
    scale = np.abs(flux[good]).mean()
    y = flux / scale
    weight = np.minimum(ivar / ivar[good].mean(), 10.0) * good * np.gradient(wavelength)
    penalty = (settings.continuum_half_power_angstrom / (2.0 * np.pi)) ** 4
    used = weight > 0
    for number in range(settings.continuum_passes):
        spline = make_smoothing_spline(wavelength[used], y[used], weight[used], lam=penalty)
        continuum = spline(wavelength)
        if number + 1 == settings.continuum_passes:
            break
        residual = (y - continuum)[used]
        spread = 1.4826 * np.median(np.abs(residual - np.median(residual)))
        ratio = (y - continuum) / max(spread, 1e-9)
        used = (weight > 0) & (ratio > -settings.continuum_clip_low) & (ratio < settings.continuum_clip_high)
    return continuum * scale
