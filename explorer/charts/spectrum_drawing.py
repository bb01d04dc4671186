"""The drawing of a spectrum: every number that the page paints and that the picture shows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from msgspec import UNSET
from numpy.typing import NDArray

from explorer import protocol
from explorer.charts.spectrum import BLUE_ARM_END, RED_ARM_START, TELLURIC, features_of, is_from_lamost
from explorer.charts.spectrum_numbers import (
    CROWDED,
    LABEL_STEP,
    PULL_EDGE,
    Ends,
    Floats,
    compared_ends,
    flux_ends,
    label_steps,
    noise_band,
    pull_end,
    residuals,
    runs,
    smoothed,
)
from pipeline.domain.stored_spectrum import StoredSpectrum
from pipeline.domain.wavelength import doppler_factor
from pipeline.science.star.refit import Interval, in_any


@dataclass(frozen=True)
class Pin:
    """A pinned star.

    Parameters
    ----------
    obsid : str
        Its observation id.
    colour : str
        Of its curves, as CSS.
    flux : ndarray of float, shape (n_pixels,)
        Normalised, on the pixels of all spectra; NaN where unknown.
    """

    obsid: str
    colour: str
    flux: Floats


@dataclass(frozen=True)
class SpectrumContent:
    """Contents of a drawing of a spectrum, and how they are shown.

    Parameters
    ----------
    spectrum : StoredSpectrum
        The star's.
    rv_kms : float
        Its velocity, for the observed frame and the telluric bands; NaN counts as 0.
    look : SpectrumLook
        Smoothing, frame, normalisation, and what is switched off.
    zoom : tuple of float, or None
        Rest wavelengths on screen, in Angstrom; None for the whole spectrum.
    masked : tuple of (float, float)
        Stretches that the visitor masked, at rest.
    trial : ndarray of float, shape (n_pixels,), or None
        The model of the sliders or of the refit.
    pins : tuple of Pin
        Pinned stars, without this one.
    model_error : ndarray of float, shape (n_pixels,), or None
        The label model's own error of each pixel.
    number : int
        Of the request that it answers.
    """

    spectrum: StoredSpectrum
    rv_kms: float
    look: protocol.SpectrumLook = protocol.DEFAULT_LOOK
    zoom: Ends | None = None
    masked: tuple[Interval, ...] = ()
    trial: Floats | None = None
    pins: tuple[Pin, ...] = ()
    model_error: Floats | None = None
    number: int = 0

    @property
    def good(self) -> NDArray[np.bool_]:
        """Pixels with information."""
        return ~self.spectrum.mask & (self.spectrum.ivar > 0)

    @property
    def flux(self) -> Floats:
        """Normalised flux, NaN where masked."""
        return np.where(self.spectrum.mask, np.nan, self.spectrum.flux)

    @property
    def noise(self) -> Floats:
        """Standard deviation of the flux, NaN without information."""
        return np.where(self.good, 1.0 / np.sqrt(np.where(self.good, self.spectrum.ivar, 1.0)), np.nan)

    @property
    def redshift(self) -> float:
        """Factor from rest to observed wavelengths."""
        return float(doppler_factor(self.rv_kms)) if np.isfinite(self.rv_kms) else 1.0

    @property
    def stretch(self) -> float:
        """Factor from rest wavelengths to those of the axis."""
        return self.redshift if self.look.observed else 1.0

    def scaled(self, values: Floats) -> Floats:
        """Normalised values on the scale of the figure: times the star's continuum where that is asked for."""
        return values * self.spectrum.continuum if self.look.raw else values

    @property
    def compares(self) -> bool:
        """Whether the lower axes compare with pinned stars."""
        return self.look.compare != "over" and bool(self.pins)


def drawing_of(content: SpectrumContent) -> protocol.SpectrumDrawing:
    """Compute the drawing of a spectrum."""
    spectrum, look, stretch = content.spectrum, content.look, content.stretch
    wavelength = spectrum.wavelength * stretch
    zoom = content.zoom
    ends = (wavelength[0], wavelength[-1]) if zoom is None else (zoom[0] * stretch, zoom[1] * stretch)
    smooth = smoothed(content.flux, look.smooth)
    flux = content.scaled(smooth)
    low, high = noise_band(flux, content.scaled(content.noise))
    model = content.scaled(spectrum.model) if look.model else np.full(flux.size, np.nan)
    bottom, top = flux_ends(wavelength, flux, model, ends)
    pinned = [smoothed(pin.flux, look.smooth) for pin in content.pins]
    trial = None if content.trial is None else trial_of(content, content.trial)
    from_lamost = is_from_lamost(spectrum.wavelength)
    on_axis = stretch / content.redshift
    return protocol.SpectrumDrawing(
        obsid=str(spectrum.obsid),
        number=content.number,
        stretch=stretch,
        ends=(float(ends[0]), float(ends[1])),
        label=f"{'Observed' if look.observed else 'Rest'} wavelength, vacuum [Å]",
        flux=_single(flux),
        low=_single(low),
        high=_single(high),
        model=_single(model),
        flux_ends=(bottom, top),
        flux_label="flux [instrumental]" if look.raw else "normalised flux",
        residuals=residuals_of(content) if trial is None else trial.residuals,
        lower=_lower(content) if trial is None else trial.lower,
        curves=_curves(content) if trial is None else trial.curves,
        marks=_marks(content, ends, (bottom, top)) if look.lines else (),
        masked=runs(wavelength, ~content.good),
        own=tuple((start * stretch, end * stretch) for start, end in content.masked),
        telluric=tuple(
            protocol.TelluricStrip(name, start * on_axis, end * on_axis)
            for name, start, end in (TELLURIC if from_lamost else ())
        ),
        arm_edge=0.5 * (RED_ARM_START + BLUE_ARM_END) * on_axis if from_lamost else None,
        pinned=tuple(
            protocol.PinnedCurve(pin.obsid, pin.colour, _single(content.scaled(values)))
            for pin, values in zip(content.pins, pinned, strict=True)
        ),
        compared=_compared(content, smooth, pinned) if content.compares else UNSET,
        trial=UNSET if trial is None else trial.flux,
    )


def trial_of(content: SpectrumContent, flux: Floats) -> protocol.TrialDrawing:
    """Compute the drawing of a trial model over a spectrum."""
    return protocol.TrialDrawing(
        flux=_single(content.scaled(flux)),
        residuals=residuals_of(content, flux),
        curves=(*_curves(content), protocol.CurveName("trial model", "trial")),
        lower=content.look.residual,
    )


def residuals_of(content: SpectrumContent, trial: Floats | None = None) -> protocol.ResidualsDrawing:
    """Compute residuals of the published model, or of a trial model, and their axis."""
    spectrum = content.spectrum
    model = spectrum.model if trial is None else trial
    hidden = in_any(spectrum.wavelength, content.masked)
    raw = residuals(content.flux, content.noise, model, content.model_error, hidden)
    pull = smoothed(raw, content.look.smooth)
    end = pull_end(pull)
    beyond = np.flatnonzero(np.abs(np.nan_to_num(pull)) > end)
    at, signs = (spectrum.wavelength * content.stretch)[beyond].tolist(), np.sign(pull[beyond]).tolist()
    return protocol.ResidualsDrawing(
        values=_single(pull),
        ends=(-end, end),
        label="residual / σ" if trial is None else "trial\nresidual / σ",
        beyond=tuple(
            protocol.BeyondMark(wavelength, sign * PULL_EDGE * end, sign > 0)
            for wavelength, sign in zip(at, signs, strict=True)
        ),
    )


def _lower(content: SpectrumContent) -> bool:
    """Whether there are lower axes, without a trial model."""
    return content.look.residual and (content.spectrum.has_model or content.compares)


def _curves(content: SpectrumContent) -> tuple[protocol.CurveName, ...]:
    """Curves of the legend, without a trial model and pinned stars."""
    data = protocol.CurveName("data", "data")
    shown = content.look.model and content.spectrum.has_model
    return (data, protocol.CurveName("published model", "model")) if shown else (data,)


def _marks(content: SpectrumContent, ends: Ends, flux: Ends) -> tuple[protocol.LineMark, ...]:
    """Lines and band heads; names that would collide are written lower."""
    wavelength, (bottom, top) = content.spectrum.wavelength, flux
    features = features_of(float(wavelength[0]), float(wavelength[-1]))
    places = [feature.wavelength * content.stretch for feature in features]
    steps = label_steps(places, CROWDED * (ends[1] - ends[0]))
    return tuple(
        protocol.LineMark(feature.name, place, top - step * LABEL_STEP * (top - bottom))
        for feature, place, step in zip(features, places, steps, strict=True)
    )


def _compared(content: SpectrumContent, own: Floats, pinned: list[Floats]) -> protocol.ComparedDrawing:
    ratio = content.look.compare == "ratio"
    with np.errstate(divide="ignore", invalid="ignore"):
        curves = [own / theirs if ratio else own - theirs for theirs in pinned]
    return protocol.ComparedDrawing(
        curves=tuple(map(_single, curves)),
        ends=compared_ends(np.concatenate(curves), ratio=ratio),
        label="this / pinned" if ratio else "this − pinned",
    )


def _single(values: Floats) -> NDArray[np.float32]:
    return np.asarray(values, np.float32)
