"""Stages that work on spectra: snr, indices, normalise.

Band windows are 4 Angstrom wide and a velocity of 150 km/s moves them by as much; so indices are measured after the
velocity, in the rest frame.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pipeline.domain.columns import names_at
from pipeline.domain.wavelength import log_grid
from pipeline.science.spectra.continuum import ContinuumFitter, normalise
from pipeline.science.spectra.indices import CALCIUM_WINDOW, band_ratios, mean_snr
from pipeline.science.spectra.resample import rebin
from pipeline.stages.build_spectra import blocks
from pipeline.stages.declared import Stage
from pipeline.stages.items import AnyOf, Columns, RawSpectra, RestSpectra
from pipeline.stages.state import BuildState, Progress

VELOCITY = AnyOf(*map(Columns, names_at("velocity")), called="a radial velocity")
BEST_VELOCITY = (VELOCITY, Columns("ref_bad"))
"""Columns that :meth:`~pipeline.stages.state.BuildState.best_velocity` reads."""

VELOCITY_ERROR = Columns("rv_err", "rv_gaia_err", "rv_ref_err", "rv_ref_scatter")
SPECTRUM_VELOCITY = (*BEST_VELOCITY, Columns("rv_zero_point"))
_FLUX_NOTE = {
    True: "rest frame, divided by the pseudo-continuum",
    False: "flux over its mean at 7000-10000 Angstrom, not divided by a continuum",
}


def measure_snr(state: BuildState, progress: Progress) -> int:
    """Measure three S/N: of all pixels as in the paper, of good pixels, and of the Ca II range."""
    n = len(state)
    spectra, config = state.raw_spectra, state.config.spectra
    wavelength = spectra.wavelength
    fitted = (wavelength >= config.first_angstrom) & (wavelength <= config.last_angstrom)
    infrared = (wavelength >= CALCIUM_WINDOW[0]) & (wavelength <= CALCIUM_WINDOW[1])
    good, calcium, masked = (np.full(n, np.nan) for _ in range(3))
    for rows in blocks(n):
        flux, ivar, mask = spectra.block(rows)
        good[rows] = mean_snr(flux[:, fitted], ivar[:, fitted], mask[:, fitted])
        calcium[rows] = mean_snr(flux[:, infrared], ivar[:, infrared], mask[:, infrared])
        masked[rows] = mask[:, fitted].mean(axis=1)
        progress(rows.stop / n, "signal-to-noise ratios")
    state.give(snr_good=good, snr_ca=calcium, masked_fraction=masked)
    return int(np.isfinite(good).sum())


def measure_indices(state: BuildState, progress: Progress) -> int:
    """Measure TiO5, CaH2, CaH3 in the rest frame, if the input has LAMOST's resolution."""
    velocity = state.spectrum_velocity()
    spectra = state.raw_spectra
    wavelength = spectra.wavelength
    window = log_grid(6750.0, 7200.0)
    near = (wavelength > 6650.0) & (wavelength < 7300.0)
    n = len(state)
    result = {name: np.full(n, np.nan) for name in ("tio5", "cah2", "cah3")}
    for rows in blocks(n):
        flux, ivar, mask = spectra.block(rows)
        rest, _, dead = rebin(wavelength[near], flux[:, near], ivar[:, near], mask[:, near], window, velocity[rows])
        ratios = band_ratios(window, rest, dead)
        for name, values in ratios.items():
            result[name][rows] = values
        progress(rows.stop / n, "band indices")
    state.give(result, cah_sum=result["cah2"] + result["cah3"])
    return int(np.isfinite(result["tio5"]).sum())


def normalise_spectra(state: BuildState, progress: Progress) -> int:
    """Shift spectra to the rest frame, divide by the pseudo-continuum, and store them."""
    config, spectra = state.config.spectra, state.raw_spectra
    raw = spectra.wavelength
    if config.normalise:
        grid = log_grid(config.first_angstrom, config.last_angstrom)
        fitter = ContinuumFitter(grid, config)
        velocity = state.spectrum_velocity()
    else:
        grid = raw[(raw >= config.first_angstrom) & (raw <= config.last_angstrom)]
    n = len(state)
    writer = state.write_rest_spectra(grid, _FLUX_NOTE[config.normalise])
    usable = 0
    for rows in blocks(n):
        flux, ivar, mask = spectra.block(rows)
        if config.normalise:
            flux, ivar, mask, continuum = rest_frame(raw, flux, ivar, mask, velocity[rows], fitter, grid)
            writer.put(rows, continuum=np.nan_to_num(continuum, nan=0.0))
        else:
            keep = np.isin(raw, grid)
            flux, ivar, mask = flux[:, keep], ivar[:, keep], mask[:, keep]
        writer.put(rows, flux=flux, ivar=ivar, mask=mask)
        usable += int((~mask).any(axis=1).sum())
        progress(rows.stop / n, "rest frame and continuum")
    writer.close()
    return usable


def rest_frame(
    wavelength: NDArray[np.float64],
    flux: NDArray[np.float64],
    ivar: NDArray[np.float64],
    mask: NDArray[np.bool_],
    velocity: NDArray[np.float64],
    fitter: ContinuumFitter,
    grid: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_], NDArray[np.float64]]:
    """Rebin to the rest frame and divide by the pseudo-continuum, which is the last result."""
    flux, ivar, mask = rebin(wavelength, flux, ivar, mask, grid, velocity)
    continuum = fitter.fit(flux, ivar, mask)
    return (*normalise(flux, ivar, mask, continuum), continuum)


SNR = Stage(
    *("snr", measure_snr, 1, ("spectra",)),
    needs=(RawSpectra(),),
    gives=(Columns("snr_good", "snr_ca", "masked_fraction"),),
)
INDICES = Stage(
    *("indices", measure_indices, 2, ("spectra",)),
    needs=(RawSpectra(logarithmic=True),),
    optional=SPECTRUM_VELOCITY,
    gives=(Columns("tio5", "cah2", "cah3", "cah_sum"),),
)
NORMALISE = Stage(
    *("normalise", normalise_spectra, 6, ("spectra",)),
    needs=(RawSpectra(),),
    optional=SPECTRUM_VELOCITY,
    gives=(RestSpectra(),),
)
