"""Stages that work on spectra: snr, indices, normalise.

Band windows are 4 Angstrom wide and a velocity of 150 km/s moves them by as much; so indices are measured after the
velocity, in the rest frame.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pipeline.config import SpectraConfig
from pipeline.domain.wavelength import log_grid
from pipeline.products.spectra import SpectrumStoreWriter
from pipeline.science.continuum import ContinuumFitter, ContinuumSettings, normalise
from pipeline.science.indices import CALCIUM_WINDOW, band_ratios, mean_snr
from pipeline.science.resample import rebin
from pipeline.stages.state import BuildState, Progress, StageSkipped

_BLOCK = 250
_FLUX_NOTE = {
    True: "rest frame, divided by the pseudo-continuum",
    False: "flux over its mean at 7000-10000 Angstrom, not divided by a continuum",
}


def need_spectra(state: BuildState) -> None:
    """Skip a stage where the input has no spectra."""
    if not state.has_spectra:
        raise StageSkipped("the input has no spectra")


def continuum_settings(config: SpectraConfig) -> ContinuumSettings:
    """The configured pseudo-continuum."""
    return ContinuumSettings(
        config.continuum_half_power_angstrom,
        config.continuum_clip_low,
        config.continuum_clip_high,
        config.continuum_passes,
    )


def raw_block(
    state: BuildState, rows: slice | NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_]]:
    """Observed-frame wavelength, flux, ivar and mask, with the configured windows (sky, telluric) masked."""
    wavelength = np.array(state.array("raw_wavelength"))
    flux, ivar = (np.array(state.array(name)[rows], dtype=np.float64) for name in ("raw_flux", "raw_ivar"))
    mask = np.array(state.array("raw_mask")[rows])
    for low, high in state.config.spectra.masked_windows_angstrom:
        mask[:, (wavelength >= low) & (wavelength <= high)] = True
    return wavelength, flux, ivar, mask


def blocks(n: int) -> list[slice]:
    """Rows in blocks that bound the memory."""
    return [slice(start, min(start + _BLOCK, n)) for start in range(0, n, _BLOCK)]


def measure_snr(state: BuildState, progress: Progress) -> int:
    """Three S/N: the paper's over all pixels (measured on reading), good pixels, and the Ca II range."""
    need_spectra(state)
    n = len(state.table)
    good, calcium, masked = (np.full(n, np.nan) for _ in range(3))
    for rows in blocks(n):
        wavelength, flux, ivar, mask = raw_block(state, rows)
        fitted = (wavelength >= state.config.spectra.first_angstrom) & (
            wavelength <= state.config.spectra.last_angstrom
        )
        infrared = (wavelength >= CALCIUM_WINDOW[0]) & (wavelength <= CALCIUM_WINDOW[1])
        good[rows] = mean_snr(flux[:, fitted], ivar[:, fitted], mask[:, fitted])
        calcium[rows] = mean_snr(flux[:, infrared], ivar[:, infrared], mask[:, infrared])
        masked[rows] = mask[:, fitted].mean(axis=1)
        progress(rows.stop / n, "signal-to-noise ratios")
    state.table = state.table.assign(snr_good=good, snr_ca=calcium, masked_fraction=masked)
    return int(np.isfinite(good).sum())


def measure_indices(state: BuildState, progress: Progress) -> int:
    """TiO5, CaH2, CaH3 in the rest frame, where the input has LAMOST's resolution."""
    need_spectra(state)
    if "rv" not in state.table:
        raise StageSkipped("band windows of 4 Å need spectra on LAMOST's pixels and a velocity")
    velocity = state.spectrum_velocity()
    wavelength = np.array(state.array("raw_wavelength"))
    window = log_grid(6750.0, 7200.0)
    near = (wavelength > 6650.0) & (wavelength < 7300.0)
    n = len(state.table)
    found = {name: np.full(n, np.nan) for name in ("tio5", "cah2", "cah3")}
    for rows in blocks(n):
        _, flux, ivar, mask = raw_block(state, rows)
        rest, _, dead = rebin(wavelength[near], flux[:, near], ivar[:, near], mask[:, near], window, velocity[rows])
        ratios = band_ratios(window, rest, dead)
        for name, values in ratios.items():
            found[name][rows] = values
        progress(rows.stop / n, "band indices")
    state.table = state.table.assign(**found, cah_sum=found["cah2"] + found["cah3"])
    return int(np.isfinite(found["tio5"]).sum())


def normalise_spectra(state: BuildState, progress: Progress) -> int:
    """Move spectra to the rest frame, divide by the pseudo-continuum, and store them."""
    need_spectra(state)
    config = state.config.spectra
    raw = np.array(state.array("raw_wavelength"))
    if config.normalise:
        grid = log_grid(config.first_angstrom, config.last_angstrom)
        fitter = ContinuumFitter(grid, continuum_settings(config))
        velocity = state.spectrum_velocity()
    else:
        grid = raw[(raw >= config.first_angstrom) & (raw <= config.last_angstrom)]
    n = len(state.table)
    writer = SpectrumStoreWriter(
        state.draft,
        state.table["obsid"].to_numpy(np.int64),
        grid,
        simulated=state.facts["simulated"],
        note=_FLUX_NOTE[config.normalise],
    )
    usable = 0
    for rows in blocks(n):
        wavelength, flux, ivar, mask = raw_block(state, rows)
        if config.normalise:
            flux, ivar, mask, continuum = rest_frame(wavelength, flux, ivar, mask, velocity[rows], fitter, grid)
            writer.put(rows, continuum=np.nan_to_num(continuum, nan=0.0))
        else:
            keep = np.isin(wavelength, grid)
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
    """Rebinned to the rest frame and divided by the pseudo-continuum, which comes last."""
    flux, ivar, mask = rebin(wavelength, flux, ivar, mask, grid, velocity)
    continuum = fitter.fit(flux, ivar, mask)
    return (*normalise(flux, ivar, mask, continuum), continuum)
