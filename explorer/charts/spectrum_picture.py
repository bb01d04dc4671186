"""The spectrum on screen as a picture for a journal."""

from __future__ import annotations

from dataclasses import dataclass

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from explorer.charts.journal import PAGE_INCHES, STYLE, new_figure, sign
from explorer.charts.spectrum import TELLURIC, features_of, is_from_lamost
from explorer.charts.spectrum_numbers import (
    CROWDED,
    INK,
    LABEL_STEP,
    PIN_COLOURS,
    PULL_EDGE,
    compared_ends,
    flux_ends,
    label_steps,
    pull_end,
    smoothed,
)
from pipeline.domain.stored_spectrum import StoredSpectrum
from pipeline.domain.wavelength import doppler_factor
from pipeline.science.star.refit import Interval, in_any

Floats = NDArray[np.floating]

DATA, MODEL, TRIAL = (INK["light"][name] for name in ("data", "model", "trial"))


@dataclass(frozen=True)
class SpectrumShot:
    """Contents of a picture of a spectrum.

    Parameters
    ----------
    spectrum : StoredSpectrum
        The star's.
    rv_kms : float
        Its velocity, for the observed frame and the telluric bands.
    ends : tuple of float
        Ends of the axis of wavelengths, as on screen.
    masked : tuple of (float, float)
        Stretches that the visitor masked, at rest.
    smooth : float
        Standard deviation of the smoothing in pixels, 0 for none.
    observed : bool
        Whether wavelengths are those observed.
    hidden : frozenset of str
        Those of ``lines``, ``model`` and ``residual`` that are switched off.
    raw : bool
        Whether fluxes are not normalised: all take this star's continuum.
    trial : ndarray of float, shape (n_pixels,), or None
        The model of the sliders or of the refit.
    pins : tuple of (str, ndarray)
        Names and fluxes of pinned spectra, on the same pixels.
    sigma : ndarray of float, shape (n_pixels,), or None
        The label model's own error of each pixel.
    compare : str
        Quantity of the lower axes when spectra are pinned: ``over`` (residuals), ``difference`` or ``ratio``.
    title, note : str
        Above and under the figure.
    """

    spectrum: StoredSpectrum
    rv_kms: float
    ends: tuple[float, float]
    masked: tuple[Interval, ...]
    smooth: float
    observed: bool
    title: str
    note: str
    hidden: frozenset[str] = frozenset()
    raw: bool = False
    trial: Floats | None = None
    pins: tuple[tuple[str, Floats], ...] = ()
    sigma: Floats | None = None
    compare: str = "over"


def draw_spectrum(shot: SpectrumShot) -> Figure:
    """Flux with noise, models and pinned spectra; below, residuals over their error or a comparison."""
    spectrum = shot.spectrum
    factor = float(doppler_factor(shot.rv_kms)) if np.isfinite(shot.rv_kms) else 1.0
    stretch = factor if shot.observed else 1.0
    good = ~spectrum.mask & (spectrum.ivar > 0)
    noise = np.where(good, 1.0 / np.sqrt(np.where(good, spectrum.ivar, 1.0)), np.nan)
    flux = np.where(spectrum.mask, np.nan, spectrum.flux)
    scale = spectrum.continuum if shot.raw else np.ones(flux.size)
    x = spectrum.wavelength * stretch
    with mpl.rc_context(STYLE):
        figure = new_figure(PAGE_INCHES, 0.5 * PAGE_INCHES)
        top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=(2.6, 1.0))
        top.fill_between(x, scale * (flux - noise), scale * (flux + noise), color="0.82", linewidth=0)
        _draw_curves(top, shot, x, flux, scale)
        _draw_below(bottom, shot, x, flux, noise)
        for axes in (top, bottom):
            for low, high in shot.masked:
                axes.axvspan(low * stretch, high * stretch, color="#e69f00", alpha=0.25, linewidth=0)
            for _, low, high in TELLURIC if is_from_lamost(spectrum.wavelength) else ():
                axes.axvspan(low * stretch / factor, high * stretch / factor, color="0.9", zorder=0, linewidth=0)
        if "lines" not in shot.hidden:
            _name_lines(top, shot, stretch)
        frame = "Observed" if shot.observed else "Rest"
        bottom.set(xlim=shot.ends, xlabel=f"{frame} wavelength, vacuum [Å]")
        top.set(ylabel="flux [instrumental]" if shot.raw else "normalised flux", title=shot.title)
        sign(figure, shot.note)
    return figure


def _draw_curves(axes: Axes, shot: SpectrumShot, x: Floats, flux: Floats, scale: Floats) -> None:
    shown = scale * smoothed(flux, shot.smooth)
    axes.plot(x, shown, color=DATA, linewidth=0.6, label="data")
    for (name, other), colour in zip(shot.pins, PIN_COLOURS, strict=False):
        axes.plot(x, scale * smoothed(other, shot.smooth), color=colour, linewidth=0.6, label=name)
    model = scale * shot.spectrum.model if "model" not in shot.hidden else np.full(x.size, np.nan)
    if "model" not in shot.hidden:
        axes.plot(x, model, color=MODEL, linewidth=0.7, label="published model")
    if shot.trial is not None:
        axes.plot(x, scale * shot.trial, color=TRIAL, linewidth=0.7, linestyle="--", label="trial model")
    axes.legend(loc="lower right", fontsize=6, frameon=False, ncols=7)
    axes.set_ylim(flux_ends(x, shown, model, shot.ends))


def _name_lines(axes: Axes, shot: SpectrumShot, stretch: float) -> None:
    wavelength = shot.spectrum.wavelength
    features = features_of(float(wavelength[0]), float(wavelength[-1]))
    places = [rest * stretch for _, rest in features]
    steps = label_steps(places, CROWDED * (shot.ends[1] - shot.ends[0]))
    for (name, _), at, step in zip(features, places, steps, strict=True):
        if not shot.ends[0] < at < shot.ends[1]:
            continue
        axes.axvline(at, color="0.6", linewidth=0.4, linestyle=":")
        up = 0.98 - LABEL_STEP * step
        axes.text(at, up, name, rotation=90, fontsize=6, va="top", transform=axes.get_xaxis_transform())


def _draw_below(axes: Axes, shot: SpectrumShot, x: Floats, flux: Floats, noise: Floats) -> None:
    if shot.pins and shot.compare != "over":
        ratio = shot.compare == "ratio"
        own, compared = smoothed(flux, shot.smooth), []
        for (_, other), colour in zip(shot.pins, PIN_COLOURS, strict=False):
            theirs = smoothed(other, shot.smooth)
            compared.append(own / theirs if ratio else own - theirs)
            axes.plot(x, compared[-1], color=colour, linewidth=0.5)
        axes.set_ylim(compared_ends(np.concatenate(compared), ratio=ratio))
        axes.axhline(1.0 if ratio else 0.0, color="0.5", linewidth=0.5)
        axes.set_ylabel("this / pinned" if ratio else "this - pinned")
        return
    tried = shot.trial is not None
    colour = TRIAL if tried else DATA
    axes.axhline(0.0, color="0.5", linewidth=0.5)
    axes.set_ylabel(r"trial residual / $\sigma$" if tried else r"residual / $\sigma$", color=colour)
    if "residual" in shot.hidden:
        return
    pull = smoothed(residuals(shot, flux, noise), shot.smooth)
    reach = pull_end(pull)
    axes.plot(x, pull, color=colour, linewidth=0.4)
    for beyond, marker, edge in ((pull > reach, "^", PULL_EDGE), (pull < -reach, "v", -PULL_EDGE)):
        axes.plot(x[beyond], np.full(beyond.sum(), edge * reach), marker, color=colour, markersize=2.5)
    axes.set_ylim(-reach, reach)


def residuals(shot: SpectrumShot, flux: Floats, noise: Floats) -> Floats:
    """Residuals of the trial, else of the published model, over their error; NaN where masked by hand."""
    model = shot.spectrum.model if shot.trial is None else shot.trial
    sigma = np.zeros(flux.size) if shot.sigma is None else np.where(np.isfinite(shot.sigma), shot.sigma, 0.0)
    shown = ~in_any(shot.spectrum.wavelength, shot.masked)
    return np.where(shown, (flux - model) / np.hypot(noise, sigma), np.nan)
