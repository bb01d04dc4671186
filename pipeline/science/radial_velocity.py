"""Radial velocities by weighted cross-correlation (paper Eq. 1), refined on chi-squared.

All templates at all shifts are laid out once as one matrix; three matrix products with it (weights; weights times flux;
and weights against its square) give the weighted Pearson correlation of a whole batch of stars.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.domain.wavelength import velocity_to_log_shift

FloatArray = NDArray[np.float64]

_STEPS_KMS = (12.0, 4.0, 1.5)
_STENCIL = np.array([-2.0, -1.0, 0.0, 1.0, 2.0])
_BATCH = 256


@dataclass(frozen=True)
class VelocitySettings:
    """How velocities are measured.

    Parameters
    ----------
    first_angstrom, last_angstrom : float
        Range of the measurement (paper: 8000-8950, the Ca II triplet).
    max_velocity_kms : float
        Half-width of the search.
    step_kms : float
        Step of the CCF; the refinement works between the steps.
    rival_separation_kms : float
        A second peak counts as a rival when it lies at least this far from the highest (two line widths).
    """

    first_angstrom: float = 8000.0
    last_angstrom: float = 8950.0
    max_velocity_kms: float = 800.0
    step_kms: float = 20.0
    rival_separation_kms: float = 300.0


@dataclass(frozen=True)
class TemplateSet:
    """Normalised templates on a fine log grid.

    Parameters
    ----------
    log_wavelength : ndarray, shape (p,)
        log10 of vacuum rest wavelengths; the step divides the stars' step.
    flux : ndarray, shape (n_templates, p)
        Normalised as the stars are.
    labels : ndarray, shape (n_templates, 3)
        Teff [K], log g [dex], [Fe/H] [dex].
    name : str
        Source of the templates, for the manifest.
    """

    log_wavelength: FloatArray
    flux: FloatArray
    labels: FloatArray
    name: str

    @property
    def at_edge(self) -> NDArray[np.bool_]:
        """Templates of the lowest or highest Teff."""
        teff = self.labels[:, 0]
        return np.asarray((teff == teff.min()) | (teff == teff.max()))


@dataclass(frozen=True)
class RadialVelocity:
    """Velocities of many stars.

    Parameters
    ----------
    rv_kms, error_kms : ndarray, shape (n_stars,)
        Velocity and uncertainty, sqrt(2 / chi2'') * sqrt(max(chi2_nu, 1)); NaN where there was nothing to measure.
    peak : ndarray, shape (n_stars,)
        Height of the CCF's highest peak.
    rival : ndarray, shape (n_stars,)
        Height of the highest other peak over ``peak``; 0 when there is none.
    template : ndarray of int, shape (n_stars,)
        Best template; -1 where there was nothing to measure.
    chi2_nu : ndarray, shape (n_stars,)
        Reduced chi-squared of the refined fit.
    edge_of_search, edge_template : ndarray of bool, shape (n_stars,)
        Peak at the end of the search; template at the edge of its grid.
    """

    rv_kms: FloatArray
    error_kms: FloatArray
    peak: FloatArray
    rival: FloatArray
    template: NDArray[np.int64]
    chi2_nu: FloatArray
    edge_of_search: NDArray[np.bool_]
    edge_template: NDArray[np.bool_]


class VelocityMeasurer:
    """Measures velocities of stars on one wavelength grid.

    Parameters
    ----------
    wavelength : ndarray, shape (n,)
        The stars' pixel centres in Angstrom, uniform in the logarithm; the range of the settings is cut out of it.
    templates : TemplateSet
        Templates; their log step must divide the stars' log step.
    settings : VelocitySettings
        How velocities are measured.

    Raises
    ------
    ValueError
        If the steps do not fit, or the templates do not cover the range at the largest shift.
    """

    def __init__(self, wavelength: FloatArray, templates: TemplateSet, settings: VelocitySettings) -> None:
        self.settings, self.templates = settings, templates
        self.pixels = np.flatnonzero((wavelength >= settings.first_angstrom) & (wavelength <= settings.last_angstrom))
        self._log = np.log10(wavelength[self.pixels])
        self._fine = float(templates.log_wavelength[1] - templates.log_wavelength[0])
        ratio = (self._log[1] - self._log[0]) / self._fine
        self._ratio = round(ratio)
        if abs(ratio - self._ratio) > 1e-3:
            raise ValueError(f"The templates' log step {self._fine:.3g} must divide the stars' ({ratio:.3f} times).")
        reach = float(velocity_to_log_shift(settings.max_velocity_kms + 100.0))
        low, high = self._log[0] - reach, self._log[-1] + reach
        if low < templates.log_wavelength[3] or high > templates.log_wavelength[-4]:
            raise ValueError(
                f"Templates {templates.name} cover {10 ** templates.log_wavelength[0]:.0f}-"
                f"{10 ** templates.log_wavelength[-1]:.0f} Å; velocities to {settings.max_velocity_kms:g} km/s need "
                f"{10**low:.0f}-{10**high:.0f} Å."
            )
        self.velocities = np.arange(
            -settings.max_velocity_kms, settings.max_velocity_kms + settings.step_kms / 2, settings.step_kms
        )
        count = len(templates.flux)
        shifted = np.empty((len(self.velocities), count, self.pixels.size), dtype=np.float32)
        for row, velocity in enumerate(self.velocities):
            shifted[row] = self._shift(np.arange(count), np.full(count, velocity))
        self._layout = shifted.reshape(-1, self.pixels.size)
        self._layout_squared = self._layout**2
        x = np.linspace(-1.0, 1.0, self.pixels.size)
        self._powers = np.stack([np.ones_like(x), x, x * x])

    def _shift(self, template: NDArray[np.int64], velocity: FloatArray) -> FloatArray:
        """Templates at velocities, on the stars' pixels, by cubic (Lagrange) interpolation between fine pixels."""
        start = (self._log[0] - velocity_to_log_shift(velocity) - self.templates.log_wavelength[0]) / self._fine
        base = np.floor(start).astype(np.int64)
        f = start - base
        weights = np.stack(
            [
                -f * (f - 1) * (f - 2) / 6,
                (f + 1) * (f - 1) * (f - 2) / 2,
                -(f + 1) * f * (f - 2) / 2,
                (f + 1) * f * (f - 1) / 6,
            ]
        )
        index = base[:, None] + self._ratio * np.arange(self.pixels.size)[None, :]
        flux = self.templates.flux
        result = np.zeros(index.shape)
        for offset in range(4):
            result += weights[offset][:, None] * flux[template[:, None], index + offset - 1]
        return result

    def measure(self, flux: FloatArray, ivar: FloatArray, mask: NDArray[np.bool_]) -> RadialVelocity:
        """Velocities of stars given on the full grid.

        Parameters
        ----------
        flux, ivar : ndarray, shape (n_stars, n)
            Normalised observed-frame spectra.
        mask : ndarray of bool, shape (n_stars, n)
            True where a pixel carries no information: it gets weight 0.

        Returns
        -------
        RadialVelocity
            One entry a star.
        """
        y = np.asarray(flux[:, self.pixels], float)
        w = np.where(mask[:, self.pixels], 0.0, ivar[:, self.pixels]).astype(float)
        parts = [self._measure_batch(y[i : i + _BATCH], w[i : i + _BATCH]) for i in range(0, len(y), _BATCH)]
        if not parts:
            parts = [self._measure_batch(y, w)]
        return RadialVelocity(*(np.concatenate(column) for column in zip(*parts, strict=True)))

    def correlate(self, y: FloatArray, w: FloatArray) -> FloatArray:
        """Weighted Pearson correlation (Eq. 1) of stars with all templates at all shifts.

        Returns
        -------
        ndarray, shape (n_stars, n_velocities, n_templates)
            Correlation, 0 for a star without weight.
        """
        total = np.maximum(w.sum(axis=1, keepdims=True), np.finfo(float).tiny)
        weight = (w / total).astype(np.float32)
        centred = (y - (weight * y).sum(axis=1, keepdims=True)).astype(np.float32)
        mean = weight @ self._layout.T
        covariance = (weight * centred) @ self._layout.T
        variance = weight @ self._layout_squared.T - mean**2
        variance_y = (weight * centred**2).sum(axis=1, keepdims=True)
        with np.errstate(invalid="ignore", divide="ignore"):
            ccf = covariance / np.sqrt(np.maximum(variance, 1e-12) * variance_y)
        ccf = np.nan_to_num(ccf, nan=0.0, posinf=0.0, neginf=0.0)
        return np.asarray(ccf.reshape(len(y), len(self.velocities), -1), dtype=np.float64)

    def _measure_batch(self, y: FloatArray, w: FloatArray) -> tuple[NDArray[np.generic], ...]:
        usable = (w > 0).sum(axis=1) >= 20
        ccf = self.correlate(y, w)
        best = ccf.reshape(len(y), -1).argmax(axis=1) if len(y) else np.zeros(0, np.int64)
        row, template = np.unravel_index(best, ccf.shape[1:])
        track = ccf[np.arange(len(y)), :, template]
        peak = track[np.arange(len(y)), row]
        rival = self._rival(track, row, peak)
        rv, error, chi2_nu = self._refine(y, w, template, self.velocities[row])
        edge = (row == 0) | (row == len(self.velocities) - 1)
        edge |= np.abs(rv) > self.settings.max_velocity_kms
        blank = ~usable | ~np.isfinite(error)
        rv, error, chi2_nu = (np.where(blank, np.nan, values) for values in (rv, error, chi2_nu))
        at_edge = self.templates.at_edge[template] & ~blank
        return rv, error, np.where(blank, np.nan, peak), rival, np.where(blank, -1, template), chi2_nu, edge, at_edge

    def _rival(self, track: FloatArray, row: NDArray[np.int64], peak: FloatArray) -> FloatArray:
        """Highest local maximum away from the main peak, relative to it."""
        inner = track[:, 1:-1]
        is_peak = (inner >= track[:, :-2]) & (inner >= track[:, 2:])
        far = (
            np.abs(self.velocities[1:-1][None, :] - self.velocities[row][:, None]) >= self.settings.rival_separation_kms
        )
        second = np.where(is_peak & far, inner, 0.0).max(axis=1, initial=0.0)
        return np.asarray(np.where(peak > 0, second / np.maximum(peak, 1e-9), 0.0))

    def _chi2(self, y: FloatArray, w: FloatArray, template: NDArray[np.int64], velocity: FloatArray) -> FloatArray:
        """Chi-squared profiled over a quadratic multiplicative continuum."""
        model = self._shift(template, velocity)
        design = model[:, None, :] * self._powers[None, :, :]
        weighted = design * w[:, None, :]
        normal = weighted @ design.transpose(0, 2, 1) + 1e-12 * np.eye(3)
        right = np.einsum("skp,sp->sk", weighted, y)
        solved = np.linalg.solve(normal, right[..., None])[..., 0]
        return np.asarray((w * y**2).sum(axis=1) - (right * solved).sum(axis=1))

    def _refine(
        self, y: FloatArray, w: FloatArray, template: NDArray[np.int64], velocity: FloatArray
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Newton steps on chi-squared through a parabola over five velocities, each time narrower."""
        curvature = np.full(len(y), np.nan)
        lowest = np.full(len(y), np.nan)
        for step in _STEPS_KMS:
            offsets = _STENCIL * step
            values = np.stack([self._chi2(y, w, template, velocity + offset) for offset in offsets], axis=1)
            # least-squares parabola over five equidistant points
            second = (2 * values[:, 0] - values[:, 1] - 2 * values[:, 2] - values[:, 3] + 2 * values[:, 4]) / 7.0
            first = (-2 * values[:, 0] - values[:, 1] + values[:, 3] + 2 * values[:, 4]) / 10.0
            with np.errstate(invalid="ignore", divide="ignore"):
                move = np.where(second > 0, -first / second, np.sign(-first) * 2.0)
            velocity = velocity + np.clip(move, -2.0, 2.0) * step
            curvature = second / step**2
            lowest = values.min(axis=1)
        freedom = np.maximum((w > 0).sum(axis=1) - 4, 1)
        chi2_nu = lowest / freedom
        with np.errstate(invalid="ignore", divide="ignore"):
            error = np.where(curvature > 0, np.sqrt(2.0 / curvature) * np.sqrt(np.maximum(chi2_nu, 1.0)), np.nan)
        return velocity, error, chi2_nu
