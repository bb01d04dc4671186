"""Contents of a drawing of a spectrum: star, look, lines, masks, trial model and pinned stars."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from explorer import protocol
from explorer.charts.spectrum_numbers import Ends, Floats
from explorer.model.line_lists import BUILT_IN, LineList
from pipeline.domain.stored_spectrum import StoredSpectrum
from pipeline.domain.wavelength import doppler_factor, vacuum_to_air
from pipeline.science.star.refit import Interval


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
        Smoothing, frame, medium, normalisation, and what is switched off.
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
    lists : tuple of LineList
        Lines to mark.
    measured : tuple of float, or None
        Rest wavelengths between which a line is measured.
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
    lists: tuple[LineList, ...] = BUILT_IN
    measured: Ends | None = None

    @cached_property
    def good(self) -> NDArray[np.bool_]:
        """Pixels with information."""
        return ~self.spectrum.mask & (self.spectrum.ivar > 0)

    @cached_property
    def flux(self) -> Floats:
        """Normalised flux, NaN where masked."""
        return np.where(self.spectrum.mask, np.nan, self.spectrum.flux)

    @cached_property
    def noise(self) -> Floats:
        """Standard deviation of the flux, NaN without information."""
        return np.where(self.good, 1.0 / np.sqrt(np.where(self.good, self.spectrum.ivar, 1.0)), np.nan)

    @cached_property
    def redshift(self) -> float:
        """Factor from rest to observed wavelengths."""
        return float(doppler_factor(self.rv_kms)) if np.isfinite(self.rv_kms) else 1.0

    @property
    def stretch(self) -> float:
        """Factor from rest wavelengths to those of the axis, in the same medium."""
        return self.redshift if self.look.observed else 1.0

    def on_axis(self, rest: ArrayLike) -> NDArray[np.float64]:
        """Wavelengths of the axis for rest wavelengths in vacuum.

        In air, rest wavelengths are converted before the Doppler shift: the refractive index of both differs by less
        than 1e-7 at 1,000 km/s.
        """
        vacuum = np.asarray(rest, np.float64)
        return (vacuum_to_air(vacuum) if self.look.air else vacuum) * self.stretch

    @property
    def ends(self) -> Ends:
        """Rest wavelengths on screen, in vacuum."""
        wavelength = self.spectrum.wavelength
        return (float(wavelength[0]), float(wavelength[-1])) if self.zoom is None else self.zoom

    @cached_property
    def axis_ends(self) -> Ends:
        """Ends of the axis of wavelengths."""
        first, last = self.on_axis(self.ends)
        return float(first), float(last)

    def scaled(self, values: Floats) -> Floats:
        """Normalised values on the scale of the figure: times the star's continuum where that is asked for."""
        return values * self.spectrum.continuum if self.look.raw else values

    @property
    def compares(self) -> bool:
        """Whether the lower axes compare with pinned stars."""
        return self.look.compare != "over" and bool(self.pins)
