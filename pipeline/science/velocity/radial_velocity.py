"""Radial velocities by weighted cross-correlation (paper Eq. 1), refined on chi-squared.

All templates at all shifts are laid out once as one matrix; three matrix products with it (weights; weights times flux;
and weights against its square) give the weighted Pearson correlation of a whole batch of stars. The best few templates
are then refined on chi-squared; how far they disagree is part of the error.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from pipeline.domain.settings import VelocityConfig
from pipeline.domain.wavelength import air_to_vacuum, doppler_factor, velocity_to_log_shift
from pipeline.science.spectra.resample import cubic_weights
from pipeline.science.velocity.chi2 import STEPS_KMS, refine_all
from pipeline.science.velocity.inputs import TemplateSet
from pipeline.science.velocity.robust import gaussian_share, pixel_trust, profiled, refined_error

__all__ = ["RadialVelocity", "TemplateSet", "VelocityMeasurer"]

FloatArray = NDArray[np.float64]

CALCIUM_LINES_AIR = (8498.02, 8542.09, 8662.14)
"""The Ca II triplet, Angstrom in air (NIST)."""

CALCIUM_HALF_WIDTH = 22.0
"""Half-width of the window around each line, Angstrom at rest."""

LINE_STARTS_KMS = (0.0, -120.0, 120.0)
"""Where each line's own velocity is looked for, from the star's; the lowest chi-squared counts."""

REFINED_TEMPLATES = 4
"""Templates of the highest CCF that are refined: the lowest chi-squared wins, their spread is the mismatch error."""

RIVAL_SEPARATION_KMS = 300.0
"""A second peak counts as a rival at least this far from the highest: two line widths."""

SPARE_KMS = 150.0
"""Templates reach this much farther than the search."""

_BATCH = 256
_SLOPE_KMS = 2.0
MIN_PIXELS = 20
"""A star (and a line) with fewer usable pixels has no velocity."""


@dataclass(frozen=True)
class RadialVelocity:
    """Velocities of many stars.

    Parameters
    ----------
    rv_kms, error_kms : ndarray, shape (n_stars,)
        Velocity and formal uncertainty, ``mismatch_kms`` in quadrature; NaN where there was nothing to measure. By
        least squares it is ``sqrt(2 / chi2'') * sqrt(max(chi2_nu, 1))``, else
        :func:`pipeline.science.velocity.robust.refined_error`.
    mismatch_kms : ndarray, shape (n_stars,)
        Spread of the velocities of the best templates, weighted by their likelihood.
    peak : ndarray, shape (n_stars,)
        Height of the CCF's highest peak.
    rival : ndarray, shape (n_stars,)
        Height of the highest other peak over ``peak``; 0 when there is none.
    template : ndarray of int, shape (n_stars,)
        Best template; -1 where there was nothing to measure.
    chi2_nu : ndarray, shape (n_stars,)
        Reduced chi-squared of the fit by least squares.
    edge_of_search, edge_template : ndarray of bool, shape (n_stars,)
        Peak at the end of the search; template at the edge of its grid.
    line_kms, line_error_kms : ndarray, shape (n_stars, 3)
        Velocity of each Ca II line by the best template; NaN where a line has too few pixels or is out of range.
    """

    rv_kms: FloatArray
    error_kms: FloatArray
    mismatch_kms: FloatArray
    peak: FloatArray
    rival: FloatArray
    template: NDArray[np.int64]
    chi2_nu: FloatArray
    edge_of_search: NDArray[np.bool_]
    edge_template: NDArray[np.bool_]
    line_kms: FloatArray
    line_error_kms: FloatArray

    @classmethod
    def joined(cls, parts: Sequence[RadialVelocity]) -> RadialVelocity:
        """Stars of several batches as one."""
        return cls(*(np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(cls)))

    @property
    def line_disagreement(self) -> FloatArray:
        """Largest difference of two Ca II lines over its error, shape (n_stars,); NaN below two lines."""
        worst = np.full(len(self.rv_kms), np.nan)
        for a, b in ((0, 1), (0, 2), (1, 2)):
            error = np.hypot(self.line_error_kms[:, a], self.line_error_kms[:, b])
            worst = np.fmax(worst, np.abs(self.line_kms[:, a] - self.line_kms[:, b]) / error)
        return worst


class VelocityMeasurer:
    """Measures velocities of stars on one wavelength grid.

    Parameters
    ----------
    wavelength : ndarray, shape (n,)
        The stars' pixel centres in Angstrom, uniform in the logarithm; the range of the settings is cut out of it.
    templates : TemplateSet
        Templates; their log step must divide the stars' log step.
    settings : VelocityConfig
        How velocities are measured.

    Raises
    ------
    ValueError
        If the steps do not fit, or the templates do not cover the range at the largest shift.
    """

    def __init__(self, wavelength: FloatArray, templates: TemplateSet, settings: VelocityConfig) -> None:
        self.settings, self.templates = settings, templates
        self.pixels = np.flatnonzero((wavelength >= settings.first_angstrom) & (wavelength <= settings.last_angstrom))
        self._log = np.log10(wavelength[self.pixels])
        self._fine = float(templates.log_wavelength[1] - templates.log_wavelength[0])
        ratio = (self._log[1] - self._log[0]) / self._fine
        self._ratio = round(ratio)
        if abs(ratio - self._ratio) > 1e-3:
            raise ValueError(f"The templates' log step {self._fine:.3g} must divide the stars' ({ratio:.3f} times).")
        reach = float(velocity_to_log_shift(settings.max_velocity_kms + SPARE_KMS))
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
        self._gaussian = gaussian_share(settings.loss_sigma) if settings.loss_sigma > 0.0 else 1.0

    def _shift(self, template: NDArray[np.int64], velocity: FloatArray) -> FloatArray:
        """Templates at velocities, on the stars' pixels, by cubic (Lagrange) interpolation between fine pixels."""
        start = (self._log[0] - velocity_to_log_shift(velocity) - self.templates.log_wavelength[0]) / self._fine
        base = np.floor(start).astype(np.int64)
        weights = cubic_weights(start - base)
        index = base[:, None] + self._ratio * np.arange(self.pixels.size)[None, :]
        flux = self.templates.flux
        result = np.zeros(index.shape)
        for offset in range(4):
            result += weights[offset][:, None] * flux[template[:, None], index + offset - 1]
        return result

    def measure(
        self, flux: FloatArray, ivar: FloatArray, mask: NDArray[np.bool_], *, lines: bool = True
    ) -> RadialVelocity:
        """Velocities of stars given on the full grid.

        Parameters
        ----------
        flux, ivar : ndarray, shape (n_stars, n)
            Normalised observed-frame spectra.
        mask : ndarray of bool, shape (n_stars, n)
            True where a pixel carries no information: it gets weight 0.
        lines : bool
            Whether to measure the Ca II lines, each alone; else they are NaN.

        Returns
        -------
        RadialVelocity
            One entry a star.
        """
        y, w = self._cut(flux, ivar, mask)
        starts = range(0, max(len(y), 1), _BATCH)
        parts = [self._measure_batch(y[i : i + _BATCH], w[i : i + _BATCH], lines) for i in starts]
        return RadialVelocity.joined(parts)

    def _cut(self, flux: FloatArray, ivar: FloatArray, mask: NDArray[np.bool_]) -> tuple[FloatArray, FloatArray]:
        """Flux and weights in the measured range."""
        y = np.asarray(flux[:, self.pixels], float)
        return y, np.where(mask[:, self.pixels], 0.0, ivar[:, self.pixels]).astype(float)

    def ccf_of(
        self,
        flux: FloatArray,
        ivar: FloatArray,
        mask: NDArray[np.bool_],
        template: NDArray[np.int64],
        rows: NDArray[np.intp],
    ) -> FloatArray:
        """CCF of selected stars with their best template at :attr:`velocities`, shape (n_rows, n_velocities)."""
        y, w = self._cut(flux[rows], ivar[rows], mask[rows])
        ccf = self.correlate(y, w)
        return np.asarray(np.take_along_axis(ccf, np.maximum(template[rows], 0)[:, None, None], axis=2)[:, :, 0])

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
        ccf = (weight * centred) @ self._layout.T
        mean, spread = weight @ self._layout.T, weight @ self._layout_squared.T
        spread -= np.square(mean, out=mean)
        np.maximum(spread, 1e-12, out=spread)
        spread *= (weight * centred**2).sum(axis=1, keepdims=True)
        with np.errstate(invalid="ignore", divide="ignore"):
            ccf /= np.sqrt(spread, out=spread)
        ccf[~np.isfinite(ccf)] = 0.0
        return np.asarray(ccf.reshape(len(y), len(self.velocities), len(self.templates.flux)), dtype=np.float64)

    def _measure_batch(self, y: FloatArray, w: FloatArray, with_lines: bool) -> RadialVelocity:
        usable = (w > 0).sum(axis=1) >= MIN_PIXELS
        ccf = self.correlate(y, w)
        stars = np.arange(len(y))
        height = ccf.max(axis=1)
        count = min(REFINED_TEMPLATES, height.shape[1])
        best = np.argsort(-height, axis=1)[:, :count]
        starts = np.stack([self.velocities[self._top(ccf, best[:, k])] for k in range(count)])
        refined = self._refine_each(y, w, best, starts)
        template, rv, curvature, lowest = _best_of(refined, best)
        freedom = np.maximum((w > 0).sum(axis=1) - 4, 1)
        chi2_nu = lowest / freedom
        excess = np.maximum(chi2_nu, 1.0)
        with np.errstate(invalid="ignore", divide="ignore"):
            formal = np.where(curvature > 0, np.sqrt(2.0 / curvature * excess), np.nan)
        if self.settings.loss_sigma > 0.0:
            trust, _ = self._trust(y, w, w, template, rv)
            refined = self._refine_each(y, w * trust, best, refined[:, :, 0])
            template, rv, _, _ = _best_of(refined, best)
            formal = np.where(np.isnan(formal), np.nan, self._trust(y, w, w * trust, template, rv, trust)[1])
        row = self._top(ccf, template)
        track = ccf[stars, :, template]
        peak = track[stars, row]
        chi2 = np.where(np.isfinite(refined[:, :, 2]), refined[:, :, 2], np.inf)
        with np.errstate(invalid="ignore", divide="ignore"):
            likelihood = np.exp(-0.5 * (chi2 - chi2.min(axis=0)) / excess)
            weight = likelihood / likelihood.sum(axis=0)
            mismatch = np.sqrt(np.nansum(weight * (refined[:, :, 0] - rv) ** 2, axis=0))
        edge = (row == 0) | (row == len(self.velocities) - 1) | (np.abs(rv) > self.settings.max_velocity_kms)
        blank = ~usable | ~np.isfinite(formal)
        lines, line_errors = np.full((len(y), 3), np.nan), np.full((len(y), 3), np.nan)
        if with_lines:
            lines, line_errors = self._measure_lines(y, w, template, np.where(blank, 0.0, rv))
            lines[blank], line_errors[blank] = np.nan, np.nan
        values = (rv, np.hypot(formal, mismatch), mismatch, peak, chi2_nu)
        rv, error, mismatch, peak, chi2_nu = (np.where(blank, np.nan, part) for part in values)
        at_edge = self.templates.at_edge[template] & ~blank
        rival, template = self._rival(track, row, peak), np.where(blank, -1, template)
        return RadialVelocity(rv, error, mismatch, peak, rival, template, chi2_nu, edge, at_edge, lines, line_errors)

    def _refine_each(self, y: FloatArray, w: FloatArray, best: NDArray[np.int64], starts: FloatArray) -> FloatArray:
        """:meth:`_refine` with each of several templates from its own start, shape (n_templates, n_stars, 3)."""
        starts = np.nan_to_num(starts)
        return np.stack([self._refine(y, w, best[:, k], starts[k]) for k in range(best.shape[1])])

    def _fit(
        self, y: FloatArray, w: FloatArray, template: NDArray[np.int64], velocity: FloatArray
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Residuals, velocity gradients and depths of a template at a velocity, each of shape (n_stars, n_pixels)."""
        low, middle, high = (
            self._shift(template, np.nan_to_num(velocity) + step) for step in (-_SLOPE_KMS, 0.0, _SLOPE_KMS)
        )
        return (*profiled(y, w, middle, (high - low) / (2.0 * _SLOPE_KMS)), middle - 1.0)

    def _trust(
        self,
        y: FloatArray,
        w: FloatArray,
        fitted: FloatArray,
        template: NDArray[np.int64],
        velocity: FloatArray,
        trust: FloatArray | None = None,
    ) -> tuple[FloatArray, FloatArray]:
        """Factors of the weights at a fit with weights ``fitted``, and its error with them (or with those given)."""
        residual, gradient, depth = self._fit(y, fitted, template, velocity)
        if trust is None:
            trust = pixel_trust(residual, gradient, depth, w, self.settings.loss_sigma, self.settings.line_information)
        return trust, refined_error(residual, gradient, w, trust, self._gaussian)

    def residuals(
        self, flux: FloatArray, ivar: FloatArray, mask: NDArray[np.bool_], measured: RadialVelocity
    ) -> FloatArray:
        """Flux minus the best template at its velocity on :attr:`pixels`, shape (n_stars, n_pixels)."""
        y, w = self._cut(flux, ivar, mask)
        return self._fit(y, w, np.maximum(measured.template, 0), measured.rv_kms)[0]

    @staticmethod
    def _top(ccf: FloatArray, template: NDArray[np.int64]) -> NDArray[np.int64]:
        """Where along the velocities each star's CCF with a template is highest."""
        return np.asarray(np.take_along_axis(ccf, template[:, None, None], axis=2)[:, :, 0].argmax(axis=1))

    def _rival(self, track: FloatArray, row: NDArray[np.int64], peak: FloatArray) -> FloatArray:
        """Highest local maximum away from the main peak, relative to it."""
        inner = track[:, 1:-1]
        is_peak = (inner >= track[:, :-2]) & (inner >= track[:, 2:])
        far = np.abs(self.velocities[1:-1][None, :] - self.velocities[row][:, None]) >= RIVAL_SEPARATION_KMS
        second = np.where(is_peak & far, inner, 0.0).max(axis=1, initial=0.0)
        return np.asarray(np.where(peak > 0, second / np.maximum(peak, 1e-9), 0.0))

    def _refine(
        self,
        y: FloatArray,
        w: FloatArray,
        template: NDArray[np.int64],
        velocity: FloatArray,
        pixels: tuple[NDArray[np.int64], NDArray[np.int64]] | None = None,
    ) -> FloatArray:
        """Velocity, second derivative of chi-squared, and chi-squared of each star, shape (n_stars, 3)."""
        if pixels is None:
            pixels = np.zeros(len(y), np.int64), np.full(len(y), y.shape[1])
        return refine_all(
            y,
            w,
            *pixels,
            self.templates.flux,
            template,
            velocity,
            self.settings.max_velocity_kms + SPARE_KMS - 3.0 * STEPS_KMS[0],
            float(self._log[0]),
            float(self.templates.log_wavelength[0]),
            self._fine,
            self._ratio,
        )

    def _measure_lines(
        self, y: FloatArray, w: FloatArray, template: NDArray[np.int64], velocity: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        """Velocities and errors of the Ca II lines, each alone in its window, shape (n_stars, 3)."""
        lines, errors = np.full((len(y), 3), np.nan), np.full((len(y), 3), np.nan)
        factor = doppler_factor(velocity)
        for number, centre in enumerate(air_to_vacuum(CALCIUM_LINES_AIR)):
            ends = np.log10(np.stack([(centre - CALCIUM_HALF_WIDTH) * factor, (centre + CALCIUM_HALF_WIDTH) * factor]))
            first, last = np.searchsorted(self._log, ends)
            within = (ends[0] >= self._log[0]) & (ends[1] <= self._log[-1])
            starts = [self._refine(y, w, template, velocity + start, (first, last)) for start in LINE_STARTS_KMS]
            lowest = np.argmin([np.where(np.isfinite(fit[:, 2]), fit[:, 2], np.inf) for fit in starts], axis=0)
            best = np.stack(starts)[lowest, np.arange(len(y))]
            place = np.arange(y.shape[1])
            counted = ((w > 0) & (place >= first[:, None]) & (place < last[:, None])).sum(axis=1)
            good = within & (counted >= MIN_PIXELS) & (best[:, 1] > 0)
            chi2_nu = best[:, 2] / np.maximum(counted - 4, 1)
            with np.errstate(invalid="ignore", divide="ignore"):
                error = np.sqrt(2.0 / best[:, 1] * np.maximum(chi2_nu, 1.0))
            lines[good, number], errors[good, number] = best[good, 0], error[good]
        return lines, errors


def _best_of(
    refined: FloatArray, best: NDArray[np.int64]
) -> tuple[NDArray[np.int64], FloatArray, FloatArray, FloatArray]:
    """Template of the lowest chi-squared, its velocity, second derivative and chi-squared, each of shape (n_stars,)."""
    stars = np.arange(len(best))
    first = np.where(np.isfinite(refined[:, :, 2]), refined[:, :, 2], np.inf).argmin(axis=0)
    velocity, curvature, lowest = refined[first, stars].T
    return best[stars, first], velocity, curvature, lowest
