"""The spectral energy distribution of a star in the bands of its magnitudes."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from explorer.model.table import StarTable
from pipeline.domain.columns import COLUMNS
from pipeline.domain.wavelength import C_KMS

_JANSKY = 1e-26
"""In W / m² / Hz."""

_DEX_PER_MAG = 0.4


class BandFlux(NamedTuple):
    """Flux of a star in one band.

    ``log_flux`` is the logarithm of wavelength times flux density in W / m², ``error_dex`` its error (0 if unknown).
    """

    label: str
    wavelength_um: float
    log_flux: float
    error_dex: float


def energy_distribution(table: StarTable, row: int) -> tuple[BandFlux, ...]:
    """Fluxes of a star in all bands with a magnitude, by wavelength; as observed, without dereddening."""
    points = []
    for item in COLUMNS:
        magnitude = table.value(item.name, row) if item.band is not None else np.nan
        if item.band is None or not np.isfinite(magnitude):
            continue
        error_name = table.error_of(item.name)
        error = np.nan if error_name is None else table.value(error_name, row)
        hertz = 1e9 * C_KMS / item.band.wavelength_um  # of km/s over micrometres
        log_flux = np.log10(hertz * item.band.zero_point_jy * _JANSKY) - _DEX_PER_MAG * magnitude
        error_dex = _DEX_PER_MAG * error if np.isfinite(error) else 0.0
        points.append(BandFlux(item.label, item.band.wavelength_um, float(log_flux), float(error_dex)))
    return tuple(sorted(points, key=lambda point: point.wavelength_um))
