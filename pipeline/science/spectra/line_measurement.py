"""Measurements of one line: equivalent width, centroid and Gaussian, with their errors."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import OptimizeWarning, curve_fit

from pipeline.domain.stored_spectrum import StoredSpectrum
from pipeline.domain.wavelength import C_KMS, redshift_to_velocity

FloatArray = NDArray[np.float64]
Continuum: TypeAlias = Literal["edges", "unity"]

EDGE_SHARE = 0.2
"""Fraction of the range at either end to which the local continuum is fitted."""

MIN_PIXELS, MIN_EDGE_PIXELS = 5, 2
"""Minimum numbers of good pixels in the range, and in either edge."""

MAX_FIT_PIXELS = 1500
"""Maximum number of pixels of a Gaussian fit: wider ranges hold many lines."""

MIN_SIGMA_DEPTH = 3.0
"""Equivalent width in its errors below which there is no line, thus no centroid."""

_MAX_CALLS = 600
_FWHM = 2.0 * np.sqrt(2.0 * np.log(2.0))


class MeasureError(ValueError):
    """A range cannot be measured; the message is a sentence for the visitor."""


class Measured(NamedTuple):
    """A value and its standard error."""

    value: float
    error: float


@dataclass(frozen=True)
class GaussianFit:
    """Gaussian line on a straight continuum.

    Parameters
    ----------
    centre, sigma : Measured
        In Angstrom.
    depth : Measured
        Fraction of the continuum at the centre; negative for emission.
    chi2_nu : float
        Reduced chi-squared; NaN without degrees of freedom.
    level, slope : float
        Continuum at the middle of the range, and its change per Angstrom.
    middle : float
        Of the range, in Angstrom.
    """

    centre: Measured
    sigma: Measured
    depth: Measured
    chi2_nu: float
    level: float
    slope: float
    middle: float

    def flux(self, wavelength: FloatArray) -> FloatArray:
        """Flux of the fit at some wavelengths in Angstrom."""
        parameters = (self.centre.value, self.sigma.value, self.depth.value, self.level, self.slope)
        return _gaussian(wavelength - self.middle, parameters[0] - self.middle, *parameters[1:])

    @property
    def fwhm(self) -> Measured:
        """Full width at half maximum, in Angstrom."""
        return Measured(_FWHM * self.sigma.value, _FWHM * self.sigma.error)


@dataclass(frozen=True)
class LineMeasurement:
    """Measurements between two wavelengths.

    Parameters
    ----------
    wavelength, flux, continuum : ndarray, shape (n_pixels,)
        Of the good pixels in the range; wavelengths in Angstrom.
    n_masked : int
        Pixels in the range that are left out.
    equivalent_width : Measured
        Angstrom, positive for absorption. Gaps are bridged linearly.
    centroid : Measured or None
        Angstrom, weighted by the depth; None without a significant line.
    gaussian : GaussianFit or None
        None where no fit converges inside the range.
    """

    wavelength: FloatArray
    flux: FloatArray
    continuum: FloatArray
    n_masked: int
    equivalent_width: Measured
    centroid: Measured | None
    gaussian: GaussianFit | None


def measure_line(
    spectrum: StoredSpectrum, low: float, high: float, continuum: Continuum = "edges", *, excluded: NDArray[np.bool_]
) -> LineMeasurement:
    """Measure one line of a spectrum.

    Parameters
    ----------
    spectrum : StoredSpectrum
        Normalised by its pseudo-continuum.
    low, high : float
        Ends of the range, in Angstrom, on the spectrum's own wavelengths.
    continuum : str
        ``edges``: a straight line, fitted to the outer fifths of the range; ``unity``: the pseudo-continuum, which is 1
        and has no error here.
    excluded : ndarray of bool, shape (n_pixels,)
        Pixels to leave out, beside masked ones.

    Raises
    ------
    MeasureError
        If there are too few good pixels, or the continuum is not positive.

    Notes
    -----
    W = sum of w (1 - F / C), with the weights w of the trapezoidal rule. Errors are propagated from the noise of the
    pixels, which are independent, through the continuum too. Errors of the Gaussian are those of least squares.
    """
    wavelength = np.asarray(spectrum.wavelength, np.float64)
    inside = (wavelength >= low) & (wavelength <= high)
    good = inside & ~spectrum.mask & (spectrum.ivar > 0) & ~excluded
    if int(good.sum()) < MIN_PIXELS:
        raise MeasureError(
            f"The range has {int(good.sum())} good pixels of {int(inside.sum())}; at least {MIN_PIXELS} are needed. "
            "Drag over a wider one."
        )
    x, flux = wavelength[good], spectrum.flux[good].astype(np.float64)
    variance = 1.0 / spectrum.ivar[good].astype(np.float64)
    middle = 0.5 * (low + high)
    fit = _edge_fit(x - middle, variance, low - middle, high - middle) if continuum == "edges" else None
    level = np.ones(x.size) if fit is None else fit.design @ (fit.solution @ flux)
    if not (level > 0.0).all():
        raise MeasureError("The continuum of this range is not positive. Drag from continuum to continuum.")
    depth, weight = 1.0 - flux / level, _trapezoid(x)
    width = float(weight @ depth)

    def error_of(gradient: FloatArray) -> float:
        """Standard error of a function of the depths, from its gradient with respect to them."""
        on_flux = -gradient / level
        if fit is not None:
            on_flux += fit.solution.T @ (fit.design.T @ (gradient * flux / level**2))
        return float(np.sqrt((on_flux**2 * variance).sum()))

    equivalent_width = Measured(width, error_of(weight))
    centroid = None
    if abs(width) > MIN_SIGMA_DEPTH * equivalent_width.error:
        at = float((weight * depth) @ x) / width
        if low <= at <= high:
            centroid = Measured(at, error_of(weight * (x - at) / width))
    gaussian = _fit_gaussian(x, flux, variance, middle, depth, width, free=fit is not None)
    kept = gaussian is not None and low <= gaussian.centre.value <= high and gaussian.sigma.value < high - low
    masked = int(inside.sum()) - x.size
    return LineMeasurement(x, flux, level, masked, equivalent_width, centroid, gaussian if kept else None)


def velocity_of(wavelength: Measured, rest: float) -> Measured:
    """Velocity of a line against its rest wavelength, in km/s; both wavelengths in one medium."""
    ratio = wavelength.value / rest
    slope = C_KMS * 4.0 * ratio / (ratio**2 + 1.0) ** 2 / rest  # derivative of the relativistic Doppler formula
    return Measured(float(redshift_to_velocity(ratio - 1.0)), slope * wavelength.error)


class _EdgeFit(NamedTuple):
    """Straight line through the edges: design of all pixels (n, 2), and the matrix (2, n) from fluxes to parameters."""

    design: FloatArray
    solution: FloatArray


def _edge_fit(x: FloatArray, variance: FloatArray, low: float, high: float) -> _EdgeFit:
    edge = EDGE_SHARE * (high - low)
    left, right = x < low + edge, x > high - edge
    if min(int(left.sum()), int(right.sum())) < MIN_EDGE_PIXELS:
        raise MeasureError(
            f"The outer fifths of the range have {int(left.sum())} and {int(right.sum())} good pixels; at least "
            f"{MIN_EDGE_PIXELS} each are needed for a local continuum. Drag over a wider range, or take the "
            "pseudo-continuum."
        )
    weight = np.where(left | right, 1.0 / variance, 0.0)
    design = np.stack([np.ones_like(x), x], axis=1)
    weighted = design.T * weight
    return _EdgeFit(design, np.linalg.solve(weighted @ design, weighted))


def _trapezoid(x: FloatArray) -> FloatArray:
    """Weights of the trapezoidal rule, shape (n,)."""
    steps = np.diff(x)
    return 0.5 * (np.append(steps, 0.0) + np.insert(steps, 0, 0.0))


def _gaussian(x: FloatArray, centre: float, sigma: float, depth: float, level: float, slope: float) -> FloatArray:
    profile = 1.0 - depth * np.exp(-0.5 * ((x - centre) / sigma) ** 2)
    return np.asarray((level + slope * x) * profile, np.float64)


def _fit_gaussian(
    wavelength: FloatArray,
    flux: FloatArray,
    variance: FloatArray,
    middle: float,
    depth: FloatArray,
    width: float,
    *,
    free: bool,
) -> GaussianFit | None:
    """Least squares, with the continuum free or 1; None if it does not converge."""
    if wavelength.size > MAX_FIT_PIXELS or wavelength.size < MIN_PIXELS + 1:
        return None
    x = wavelength - middle
    peak = int(np.argmax(depth if width >= 0.0 else -depth))
    sigma = abs(width) / max(abs(depth[peak]) * np.sqrt(2.0 * np.pi), 1e-9)
    start = [x[peak], float(np.clip(sigma, np.diff(x).min(), np.ptp(x))), depth[peak]]
    guess = [*start, float(np.median(flux / (1.0 - depth))), 0.0] if free else start

    def model(at: FloatArray, *parameters: float) -> FloatArray:
        return _gaussian(at, *(parameters if free else (*parameters, 1.0, 0.0)))

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", OptimizeWarning)  # errors are infinite then, which is tested below
            values, covariance = curve_fit(
                model, x, flux, guess, np.sqrt(variance), absolute_sigma=True, maxfev=_MAX_CALLS
            )
    except RuntimeError:  # it does not converge
        return None
    errors = np.sqrt(np.diag(covariance))
    if not (np.isfinite(values).all() and np.isfinite(errors).all()):
        return None
    left = x.size - len(values)
    chi2 = float((((flux - model(x, *values)) ** 2) / variance).sum())
    level, slope = (float(values[3]), float(values[4])) if free else (1.0, 0.0)
    return GaussianFit(
        centre=Measured(float(values[0]) + middle, float(errors[0])),
        sigma=Measured(abs(float(values[1])), float(errors[1])),
        depth=Measured(float(values[2]), float(errors[2])),
        chi2_nu=chi2 / left if left > 0 else float("nan"),
        level=level,
        slope=slope,
        middle=middle,
    )
