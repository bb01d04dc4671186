"""Numbers with which a spectrum is drawn: smoothing, noise, residuals, ends of axes, places of names."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

Floats = NDArray[np.floating]
Bools = NDArray[np.bool_]
Ends = tuple[float, float]

KERNEL_REACH = 3.0
"""Standard deviations up to which the Gaussian is summed."""

FLUX_SHARES = (0.001, 0.998)
"""Quantiles of fluxes and models that the axis shows."""

FLUX_ROOM = (0.06, 0.22)
"""Margins below and above, as fractions of the span; line names are written in the upper one."""

MIN_FLUX_SPAN = 0.02
"""In the upper quantile."""

PULL_SHARE, PULL_GROWTH = 0.995, 1.3
"""The axis of residuals ends at this quantile of their sizes times the growth."""

PULL_LIMITS = (4.0, 50.0)
"""Smallest and largest end of the axis of residuals."""

PULL_UNKNOWN = 5.0
"""Its end without residuals."""

PULL_EDGE = 0.94
"""Where residuals beyond the axis are marked, in its end."""

COMPARED_SHARES = (0.01, 0.99)
"""Quantiles of differences and ratios that their axis shows."""

COMPARED_ROOM, MIN_COMPARED_ROOM = 0.2, 0.02
"""Room on either side, in their span, and at least."""

UNKNOWN_DIFFERENCE, UNKNOWN_RATIO = (-1.0, 1.0), (0.0, 2.0)
"""Ends of their axis without values."""

CROWDED = 0.025
"""Distance, in the span of the axis, below which two names of lines collide."""

LABEL_STEP, LABEL_STEPS = 0.1, 3
"""Names that collide are written lower by this share of the height, in so many steps."""

PIN_COLOURS = ("#e69f00", "#009e73", "#cc79a7", "#56b4e9")
"""Of pinned spectra, in their order; there are no more of them than colours."""

INK = {
    "light": {
        "data": "#3d434b",
        "model": "#d1495b",
        "trial": "#8000c8",
        "masked": "#8b95a1",
        "own": "#e69f00",
        "measured": "#0072b2",
    },
    "dark": {
        "data": "#c8ccd2",
        "model": "#ff7a5c",
        "trial": "#c58bff",
        "masked": "#77818d",
        "own": "#ffb454",
        "measured": "#6cb8f0",
    },
}
"""Colours of curves and masks on light and dark pages; pictures are light."""


def smoothed(values: Floats, sigma: float) -> Floats:
    """Smooth with a Gaussian over known pixels; unknown ones stay unknown.

    Parameters
    ----------
    values : ndarray of float, shape (n_pixels,)
        Fluxes or residuals; NaN where unknown.
    sigma : float
        Standard deviation in pixels, 0 for none.
    """
    if sigma <= 0:
        return values
    known = np.isfinite(values)
    filled = np.where(known, values, 0.0).astype(float)
    weight = gaussian_filter1d(known.astype(float), sigma, mode="constant", truncate=KERNEL_REACH)
    total = gaussian_filter1d(filled, sigma, mode="constant", truncate=KERNEL_REACH)
    return np.where(known, total / np.maximum(weight, 1e-9), np.nan)


def noise_band(flux: Floats, noise: Floats) -> tuple[Floats, Floats]:
    """One standard deviation below and above the flux.

    Unknown pixels get a band without height at the last known flux, as a gap would be filled.

    Parameters
    ----------
    flux, noise : ndarray of float, shape (n_pixels,)
        As drawn, on one scale; NaN where unknown.
    """
    known = np.isfinite(flux) & np.isfinite(noise)
    finite = flux[np.isfinite(flux)]
    first = float(finite[0]) if finite.size else 0.0
    last = np.maximum.accumulate(np.where(known, np.arange(flux.size), -1))
    level = np.where(last < 0, first, flux[np.maximum(last, 0)])
    height = np.where(known, noise, 0.0)
    return level - height, level + height


def residuals(flux: Floats, noise: Floats, model: Floats, model_error: Floats | None, hidden: Bools) -> Floats:
    """Residuals over noise and model error together; NaN in hidden and in unknown pixels.

    Parameters
    ----------
    flux, noise, model : ndarray of float, shape (n_pixels,)
        Normalised; NaN where unknown.
    model_error : ndarray of float, shape (n_pixels,), or None
        The label model's own error; NaN counts as 0.
    hidden : ndarray of bool, shape (n_pixels,)
        Pixels to leave out.
    """
    own = 0.0 if model_error is None else np.where(np.isfinite(model_error), model_error, 0.0)
    return np.where(hidden, np.nan, (flux - model) / np.hypot(noise, own))


def runs(wavelength: Floats, mask: Bools) -> tuple[Ends, ...]:
    """Ends of the runs of masked pixels, halfway to the pixels beside them.

    Parameters
    ----------
    wavelength : ndarray of float, shape (n_pixels,)
        In order.
    mask : ndarray of bool, shape (n_pixels,)
        True where masked.
    """
    steps = np.diff(mask.astype(np.int8), prepend=0, append=0)
    first, last = np.flatnonzero(steps > 0), np.flatnonzero(steps < 0) - 1
    half = 0.5 * np.gradient(wavelength)
    return tuple(zip((wavelength - half)[first].tolist(), (wavelength + half)[last].tolist(), strict=True))


def flux_ends(wavelength: Floats, flux: Floats, model: Floats, ends: Ends) -> Ends:
    """Ends of the axis of fluxes: nearly all of flux and model between two wavelengths, with room.

    Parameters
    ----------
    wavelength, flux, model : ndarray of float, shape (n_pixels,)
        As drawn; NaN where unknown or hidden.
    ends : tuple of float
        Wavelengths on screen.
    """
    inside = (wavelength >= ends[0]) & (wavelength <= ends[1])
    both = np.concatenate([flux[inside], model[inside]])
    values = np.sort(both[np.isfinite(both)])
    if not values.size:
        return 0.0, 1.0
    low, high = (float(values[min(values.size - 1, math.floor(share * values.size))]) for share in FLUX_SHARES)
    span = max(high - low, MIN_FLUX_SPAN * abs(high), 1e-6)
    return low - FLUX_ROOM[0] * span, high + FLUX_ROOM[1] * span


def pull_end(pull: Floats) -> float:
    """Upper end of the axis of residuals, which is symmetric: the few largest ones lie beyond."""
    sizes = np.sort(np.abs(pull[np.isfinite(pull)]))
    if not sizes.size:
        return PULL_UNKNOWN
    return float(np.clip(PULL_GROWTH * sizes[math.floor(PULL_SHARE * (sizes.size - 1))], *PULL_LIMITS))


def compared_ends(values: Floats, *, ratio: bool) -> Ends:
    """Ends of the axis of differences or ratios.

    Parameters
    ----------
    values : ndarray of float
        Of all pinned spectra; NaN where unknown.
    ratio : bool
        Whether they are ratios.
    """
    known = np.sort(values[np.isfinite(values)])
    if not known.size:
        return UNKNOWN_RATIO if ratio else UNKNOWN_DIFFERENCE
    low = float(known[math.floor(COMPARED_SHARES[0] * known.size)])
    high = float(known[math.floor(COMPARED_SHARES[1] * (known.size - 1))])
    room = max(COMPARED_ROOM * (high - low), MIN_COMPARED_ROOM)
    return low - room, high + room


def label_steps(wavelengths: Sequence[float], crowded: float) -> list[int]:
    """Steps by which names of lines are written lower.

    Parameters
    ----------
    wavelengths : sequence of float
        Of the lines, in order.
    crowded : float
        Distance below which two names collide.
    """
    steps: list[int] = []
    before = -math.inf
    for wavelength in wavelengths:
        steps.append((steps[-1] + 1) % LABEL_STEPS if wavelength - before < crowded else 0)
        before = wavelength
    return steps
