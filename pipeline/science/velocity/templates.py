"""Velocity templates from the synthetic model, from grids and from the stars, normalised as stars are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.cluster.vq import kmeans2
from scipy.interpolate import CubicSpline
from scipy.ndimage import gaussian_filter1d

from pipeline.domain.settings import LabelConfig, SpectraConfig, VelocityConfig
from pipeline.domain.wavelength import velocity_to_log_shift
from pipeline.science.slam.model import SlamModel, SlamNumerics
from pipeline.science.spectra.continuum import ContinuumFitter
from pipeline.science.spectra.indices import band_ratios
from pipeline.science.spectra.resample import cubic_weights
from pipeline.science.spectra.synthetic import SyntheticModel
from pipeline.science.velocity.radial_velocity import TemplateSet, VelocityMeasurer

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

TEFF_K = (3500.0, 3750.0, 4000.0, 4250.0, 4500.0, 5000.0, 5500.0, 6000.0, 6500.0, 7000.0, 7500.0, 8000.0)
LOGG = (0.5, 1.5, 3.0, 4.5)
FEH = (-1.0, 0.0)

TIO5_OF_TYPE = (0.25, 0.33, 0.42, 0.52, 0.62, 0.70, 0.77, 0.85, 0.93)
TEFF_OF_TYPE = (3240.0, 3330.0, 3434.0, 3574.0, 3666.0, 3736.0, 3810.0, 3895.0, 4000.0)
"""TiO5 of giants of type M6.5 to K7, and their temperatures (Fluks et al. 1994, A&AS 105, 311): good to 100 K."""

OVERSAMPLING = 10
"""Samples a pixel of the fine grid while a template is convolved."""

MIN_REFERENCES = 100
"""Reference velocities that suffice to place stars at rest."""

STABLE_KMS = 0.1
"""Data-driven templates are done when the velocities of their stars move by less in the median."""


def synthetic_templates(model: SyntheticModel, settings: SpectraConfig) -> TemplateSet:
    """The 96 default templates: 12 Teff x 4 log g x 2 [Fe/H], floor 3500 K.

    Parameters
    ----------
    model : SyntheticModel
        Source of the spectra.
    settings : SpectraConfig
        Pseudo-continuum of the stars, which the templates must share.

    Returns
    -------
    TemplateSet
        On the model's own log grid.
    """
    labels = np.array(list(product(TEFF_K, LOGG, FEH)))
    flux = _normalised(model.log_wavelength, model.flux(labels), settings)
    return TemplateSet(model.log_wavelength, flux, labels, "synthetic cubic model, 96 spectra, 3500-8000 K")


def grid_templates(
    labels: ArrayLike,
    wavelengths: list[FloatArray],
    fluxes: list[FloatArray],
    log_wavelength: FloatArray,
    resolution: float,
    settings: SpectraConfig,
    name: str,
) -> TemplateSet:
    """Templates of any grid, convolved to the instrument and put on a fine log grid.

    Parameters
    ----------
    labels : array_like, shape (n, 3)
        Teff [K], log g [dex], [M/H] [dex].
    wavelengths, fluxes : list of ndarray
        Vacuum wavelengths in Angstrom and flux of each, at a resolution far above the instrument's.
    log_wavelength : ndarray, shape (p,)
        log10 of the fine grid, uniform.
    resolution : float
        Of the instrument: the Gaussian has FWHM wavelength / resolution, constant in the logarithm.
    settings : SpectraConfig
        Pseudo-continuum of the stars.
    name : str
        Of the grid, for the manifest.

    Raises
    ------
    ValueError
        If a spectrum does not cover the grid.
    """
    step = float(log_wavelength[1] - log_wavelength[0])
    sigma = 1.0 / (resolution * 2.0 * np.sqrt(2.0 * np.log(2.0)) * np.log(10.0))
    margin = int(np.ceil(5.0 * sigma / step))
    fine = log_wavelength[0] + step / OVERSAMPLING * np.arange(
        -margin * OVERSAMPLING, (log_wavelength.size + margin) * OVERSAMPLING
    )
    flux = np.empty((len(fluxes), log_wavelength.size))
    for row, (wavelength, values) in enumerate(zip(wavelengths, fluxes, strict=True)):
        place = np.log10(wavelength)
        if place[0] > fine[0] or place[-1] < fine[-1]:
            raise ValueError(
                f"A template of {name} covers {wavelength[0]:.0f}-{wavelength[-1]:.0f} Å; "
                f"{10 ** fine[0]:.0f}-{10 ** fine[-1]:.0f} Å are needed."
            )
        smooth = gaussian_filter1d(np.interp(fine, place, values), sigma / step * OVERSAMPLING, mode="nearest")
        flux[row] = smooth[margin * OVERSAMPLING :: OVERSAMPLING][: log_wavelength.size]
    flux /= np.median(flux, axis=1, keepdims=True)
    return TemplateSet(log_wavelength, _normalised(log_wavelength, flux, settings), np.asarray(labels, float), name)


def observed_templates(
    labels: ArrayLike,
    wavelengths: list[FloatArray],
    fluxes: list[FloatArray],
    log_wavelength: FloatArray,
    settings: SpectraConfig,
    name: str,
) -> TemplateSet:
    """Templates of observed stars at the instrument's own resolution, put on a fine log grid.

    Parameters
    ----------
    labels : array_like, shape (n, 3)
        Teff [K], log g [dex], [M/H] [dex]. An unknown Teff (NaN) comes from TiO5 by :data:`TEFF_OF_TYPE`.
    wavelengths, fluxes : list of ndarray
        Vacuum wavelengths in Angstrom at rest, and flux of each.
    log_wavelength : ndarray, shape (p,)
        log10 of the fine grid, uniform.
    settings : SpectraConfig
        Pseudo-continuum of the stars.
    name : str
        Of the templates, for the manifest.

    Raises
    ------
    ValueError
        If a spectrum does not cover the grid, or neither label nor bands give a Teff.
    """
    labels = np.array(labels, float)
    flux = np.empty((len(fluxes), log_wavelength.size))
    for row, (wavelength, values) in enumerate(zip(wavelengths, fluxes, strict=True)):
        if np.log10(wavelength[0]) > log_wavelength[0] or np.log10(wavelength[-1]) < log_wavelength[-1]:
            raise ValueError(
                f"A template of {name} covers {wavelength[0]:.0f}-{wavelength[-1]:.0f} Å; "
                f"{10 ** log_wavelength[0]:.0f}-{10 ** log_wavelength[-1]:.0f} Å are needed."
            )
        if np.isnan(labels[row, 0]):
            tio5 = band_ratios(wavelength, values[None], np.zeros((1, values.size), np.bool_))["tio5"][0]
            labels[row, 0] = np.interp(tio5, TIO5_OF_TYPE, TEFF_OF_TYPE)
        flux[row] = CubicSpline(np.log10(wavelength), values)(log_wavelength)
    if not np.isfinite(labels[:, 0]).all():
        raise ValueError(f"A template of {name} has neither a Teff nor the band TiO5 from which it could be had.")
    flux /= np.median(flux, axis=1, keepdims=True)
    return TemplateSet(log_wavelength, _normalised(log_wavelength, flux, settings), labels, name)


def blue_templates(templates: TemplateSet) -> TemplateSet:
    """Templates for the blue arm: two gravities and one [Fe/H] of the synthetic grid, and all others.

    Parameters
    ----------
    templates : TemplateSet
        On a grid that reaches the blue arm.
    """
    grid = np.isin(templates.labels[:, 1], LOGG) & np.isin(templates.labels[:, 2], FEH)
    kept = ~grid | (np.isin(templates.labels[:, 1], (LOGG[1], LOGG[3])) & (templates.labels[:, 2] == FEH[1]))
    return TemplateSet(templates.log_wavelength, templates.flux[kept], templates.labels[kept], templates.name)


def _normalised(log_wavelength: FloatArray, flux: FloatArray, settings: SpectraConfig) -> FloatArray:
    continuum = ContinuumFitter(10.0**log_wavelength, settings).fit(
        flux, np.ones_like(flux), np.zeros(flux.shape, bool)
    )
    return flux / continuum


def joined(first: TemplateSet, second: TemplateSet) -> TemplateSet:
    """Both sets as one; they share the part of the log grid that the second covers.

    Raises
    ------
    ValueError
        If their grids do not match.
    """
    step = first.log_wavelength[1] - first.log_wavelength[0]
    start = round((second.log_wavelength[0] - first.log_wavelength[0]) / step)
    part = slice(start, start + second.log_wavelength.size)
    if start < 0 or not np.allclose(first.log_wavelength[part], second.log_wavelength, rtol=0, atol=1e-3 * step):
        raise ValueError(f"The grids of {first.name} and {second.name} differ: build both on the same log grid.")
    return TemplateSet(
        second.log_wavelength,
        np.concatenate([first.flux[:, part], second.flux]),
        np.concatenate([first.labels, second.labels]),
        f"{first.name}; {second.name}",
    )


@dataclass(frozen=True)
class DataDriven:
    """Templates that the stars themselves gave.

    Parameters
    ----------
    templates : TemplateSet
        The synthetic ones, and those of the model.
    moved_kms : tuple of float
        Median absolute change of the training stars' velocities in each iteration.
    """

    templates: TemplateSet
    moved_kms: tuple[float, ...]


def data_driven_templates(
    wavelength: FloatArray,
    flux: FloatArray,
    ivar: FloatArray,
    mask: BoolArray,
    labels: FloatArray,
    synthetic: TemplateSet,
    settings: VelocityConfig,
    *,
    reference_kms: FloatArray | None = None,
    count: int = 96,
    most_iterations: int = 6,
    seed: int = 0,
    progress: Callable[[float], None] | None = None,
) -> DataDriven:
    """Templates from a SLAM model of the stars, iterated: velocity, rest frame, model, velocity.

    The zero point is that of the first velocities: each iteration places the stars where the last ones say, so that on
    average it moves nothing. The first are reference velocities where enough are known; else those by the synthetic
    templates, whose missing bands shift the coolest stars by a km/s or two.

    Parameters
    ----------
    wavelength : ndarray, shape (n,)
        Observed-frame pixel centres, uniform in the logarithm.
    flux, ivar, mask : ndarray, shape (n_stars, n)
        Normalised spectra.
    labels : ndarray, shape (n_stars, n_labels)
        Reference labels; the first three are Teff, log g and [M/H].
    synthetic : TemplateSet
        Starts the iteration, and stays for stars unlike any of these.
    settings : VelocityConfig
        How velocities are measured.
    reference_kms : ndarray, shape (n_stars,), optional
        Velocities known from elsewhere, NaN where unknown; used when :data:`MIN_REFERENCES` stars have one.
    count : int
        Number of templates: the model at as many centres of the labels.
    most_iterations : int
        When to stop if the velocities do not settle.
    seed : int
        Of the centres.
    progress : callable, optional
        Called with the fraction done.

    Raises
    ------
    ValueError
        If the spectra do not reach far enough beyond the measured range.
    """
    reach = float(velocity_to_log_shift(settings.max_velocity_kms + 350.0))
    ends = np.log10(settings.first_angstrom) - reach, np.log10(settings.last_angstrom) + reach
    fine = synthetic.log_wavelength[(synthetic.log_wavelength >= ends[0]) & (synthetic.log_wavelength <= ends[1])]
    if fine.size == 0 or fine[0] > ends[0] + 1e-3 or fine[-1] < ends[1] - 1e-3:
        raise ValueError(f"{synthetic.name} do not reach {10 ** ends[0]:.0f}-{10 ** ends[1]:.0f} Å.")
    chosen = _centres(labels, count, seed)
    measured = VelocityMeasurer(wavelength, synthetic, settings).measure(flux, ivar, mask).rv_kms
    velocity, zero_point = measured, "synthetic templates"
    if reference_kms is not None and np.isfinite(reference_kms).sum() >= MIN_REFERENCES:
        velocity, zero_point = reference_kms, "reference velocities"
    slam = LabelConfig(c_grid=(3.0,), gamma_grid=(0.1,), folds=5, seed=seed, final_precision="float32")
    names = tuple(f"label {number}" for number in range(labels.shape[1]))
    moved: list[float] = []
    templates = synthetic
    for iteration in range(most_iterations):
        known = np.flatnonzero(np.isfinite(velocity))
        rest = resample_at_rest(wavelength, flux[known], ivar[known], mask[known], 10.0**fine, velocity[known])
        model = SlamModel(names, slam, SlamNumerics(landmark_tolerance=0.0)).fit(labels[known], *rest)
        flat = np.where(model.usable_pixel_, model.predict_flux(chosen), 1.0)
        name = f"{len(chosen)} spectra of a SLAM model of {known.size} stars (zero point: {zero_point})"
        own = TemplateSet(fine, flat, chosen[:, :3], name)
        templates = joined(synthetic, own)
        before = measured
        velocity = measured = VelocityMeasurer(wavelength, templates, settings).measure(flux, ivar, mask).rv_kms
        moved.append(float(np.nanmedian(np.abs(measured - before))))
        if progress is not None:
            progress((iteration + 1) / most_iterations)
        if moved[-1] < STABLE_KMS:
            break
    return DataDriven(templates, tuple(moved))


def _centres(labels: FloatArray, count: int, seed: int) -> FloatArray:
    """Centres of clusters of the scaled labels: dense where stars are, none outside."""
    mean, std = labels.mean(axis=0), np.maximum(labels.std(axis=0), 1e-12)
    centres, member = kmeans2((labels - mean) / std, min(count, len(labels)), minit="++", seed=seed)
    return np.asarray(mean + std * centres[np.unique(member)])


def resample_at_rest(
    wavelength: FloatArray, flux: FloatArray, ivar: FloatArray, mask: BoolArray, grid: FloatArray, rv_kms: FloatArray
) -> tuple[FloatArray, FloatArray, BoolArray]:
    """Interpolate spectra on a finer rest-frame grid (cubic), for learning at sub-pixel resolution.

    Unlike :func:`pipeline.science.spectra.resample.rebin`, this does not smooth, and it does not conserve flux exactly.

    Parameters
    ----------
    wavelength : ndarray, shape (n,)
        Pixel centres, uniform in the logarithm.
    flux, ivar, mask : ndarray, shape (n_stars, n)
        Spectra.
    grid : ndarray, shape (m,)
        Rest wavelengths wanted.
    rv_kms : ndarray, shape (n_stars,)
        Radial velocities.

    Returns
    -------
    flux, ivar, mask : ndarray, shape (n_stars, m)
        A value is masked when one of the four pixels that make it is; its ivar is that of the nearest pixel.
    """
    logs = np.log10(wavelength)
    step = logs[1] - logs[0]
    place = (np.log10(grid)[None, :] + velocity_to_log_shift(rv_kms)[:, None] - logs[0]) / step
    base = np.floor(place).astype(np.int64)
    f = place - base
    outside = (base < 1) | (base + 2 >= wavelength.size)
    base = np.clip(base, 1, wavelength.size - 3)
    value, dead = np.zeros(place.shape), outside.copy()
    for offset, weight in enumerate(cubic_weights(f), start=-1):
        value += weight * np.take_along_axis(flux, base + offset, axis=1)
        dead |= np.take_along_axis(mask, base + offset, axis=1)
    nearest = np.take_along_axis(ivar, base + (f > 0.5), axis=1)
    dead |= ~(nearest > 0)
    return np.where(dead, 0.0, value), np.where(dead, 0.0, nearest), dead
