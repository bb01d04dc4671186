"""The spectrum on screen as a picture for a journal."""

from __future__ import annotations

from dataclasses import dataclass

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from scipy.ndimage import gaussian_filter1d

from explorer.model.proposals import Interval
from explorer.plots.journal import PAGE_INCHES, STYLE, new_figure, sign
from explorer.plots.spectrum import TELLURIC, features_of, is_from_lamost
from pipeline.domain.wavelength import doppler_factor
from pipeline.products.spectra import StoredSpectrum

_CROWDED = 0.025


@dataclass(frozen=True)
class SpectrumShot:
    """What a picture is taken of.

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


def draw_spectrum(shot: SpectrumShot) -> Figure:
    """Flux with its noise and the model over it, residuals over the noise below."""
    spectrum = shot.spectrum
    factor = float(doppler_factor(shot.rv_kms)) if np.isfinite(shot.rv_kms) else 1.0
    stretch = factor if shot.observed else 1.0
    good = ~spectrum.mask & (spectrum.ivar > 0)
    noise = np.where(good, 1.0 / np.sqrt(np.where(good, spectrum.ivar, 1.0)), np.nan)
    flux = np.where(good, spectrum.flux, np.nan)
    shown = smoothed(flux, shot.smooth)
    x = spectrum.wavelength * stretch
    with mpl.rc_context(STYLE):
        figure = new_figure(PAGE_INCHES, 0.5 * PAGE_INCHES)
        top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=(2.6, 1.0))
        top.fill_between(x, flux - noise, flux + noise, color="0.82", linewidth=0)
        top.plot(x, shown, color="#1f3b57", linewidth=0.6)
        top.plot(x, spectrum.model, color="#d1495b", linewidth=0.7)
        bottom.plot(x, (flux - spectrum.model) / noise, color="#1f3b57", linewidth=0.4)
        bottom.axhline(0.0, color="0.5", linewidth=0.5)
        inside = (x > shot.ends[0]) & (x < shot.ends[1]) & np.isfinite(flux)
        if inside.any():
            low, high = np.quantile(shown[inside], (0.001, 0.999))
            top.set_ylim(low - 0.05 * (high - low), high + 0.22 * (high - low))
        for axes in (top, bottom):
            for low, high in shot.masked:
                axes.axvspan(low * stretch, high * stretch, color="#e69f00", alpha=0.25, linewidth=0)
            for _, low, high in TELLURIC if is_from_lamost(spectrum.wavelength) else ():
                axes.axvspan(low * stretch / factor, high * stretch / factor, color="0.9", zorder=0, linewidth=0)
        before = -np.inf
        for name, wavelength in features_of(float(spectrum.wavelength[0]), float(spectrum.wavelength[-1])):
            at = wavelength * stretch
            if not shot.ends[0] < at < shot.ends[1]:
                continue
            top.axvline(at, color="0.6", linewidth=0.4, linestyle=":")
            if at - before > _CROWDED * (shot.ends[1] - shot.ends[0]):
                top.text(at, 0.98, name, rotation=90, fontsize=6, va="top", transform=top.get_xaxis_transform())
                before = at
        frame = "Observed" if shot.observed else "Rest"
        bottom.set(
            xlim=shot.ends, xlabel=f"{frame} wavelength, vacuum [Å]", ylabel=r"residual / $\sigma_\mathrm{noise}$"
        )
        top.set(ylabel="normalised flux", title=shot.title)
        sign(figure, shot.note)
    return figure


def smoothed(flux: np.ndarray, pixels: float) -> np.ndarray:
    """Flux under a Gaussian of some pixels, over what is known."""
    if pixels <= 0:
        return flux
    known = np.isfinite(flux)
    weight = gaussian_filter1d(known.astype(float), pixels, mode="constant")
    total = gaussian_filter1d(np.where(known, flux, 0.0).astype(float), pixels, mode="constant")
    return np.where(known, total / np.maximum(weight, 1e-9), np.nan)
