"""Fixed contents of a spectrum plot: lines, band heads, telluric bands, arms and zooms."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.domain.wavelength import air_to_vacuum


class Feature(NamedTuple):
    """A line or a band head, by rest wavelength in vacuum, in Angstrom."""

    name: str
    wavelength: float


LINES: tuple[Feature, ...] = (
    Feature("Ca II", 8500.36),
    Feature("Ca II", 8544.44),
    Feature("Ca II", 8664.52),
    Feature("Na D", 5894.6),
    Feature("Mg b", 5176.7),
    Feature("Hα", 6564.61),
    Feature("K I", 7667.01),
    Feature("K I", 7701.08),
)
"""Atomic lines (doublets and triplets of the blue at their mean)."""

BAND_HEADS: tuple[Feature, ...] = tuple(
    Feature("TiO", float(air_to_vacuum(head))) for head in (6159.0, 6651.0, 7054.0, 7589.0, 8432.0, 8859.0)
)
"""Heads of TiO bands; each degrades to the red."""

TELLURIC: tuple[tuple[str, float, float], ...] = (("O₂ B", 6868.0, 6944.0), ("O₂ A", 7595.0, 7690.0))
"""Telluric bands in the observed frame, Angstrom, vacuum."""

BLUE_ARM_END, RED_ARM_START = 5900.0, 5700.0
"""LAMOST's arms in the observed frame, Angstrom: they overlap between these."""

ZOOMS = {"ca": (8440.0, 8720.0), "tio": (6950.0, 7250.0)}
"""Stretches worth a key: the Ca II triplet, and TiO with the bands of the TiO5 index."""


def features_of(first: float, last: float) -> list[Feature]:
    """Lines and band heads between two wavelengths, in order."""
    return sorted((f for f in (*LINES, *BAND_HEADS) if first < f.wavelength < last), key=lambda f: f.wavelength)


def is_from_lamost(wavelength: NDArray[np.float64]) -> bool:
    """Whether a grid is LAMOST's, thus logarithmic: only then telluric bands and arms apply."""
    steps = np.diff(np.log10(wavelength))
    return bool(np.ptp(steps) < 1e-3 * steps.mean())
