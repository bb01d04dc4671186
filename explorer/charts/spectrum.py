"""Fixed contents of a spectrum plot: telluric bands, arms and zooms."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

TELLURIC: tuple[tuple[str, float, float], ...] = (("O₂ B", 6868.0, 6944.0), ("O₂ A", 7595.0, 7690.0))
"""Telluric bands in the observed frame, Angstrom, vacuum."""

BLUE_ARM_END, RED_ARM_START = 5900.0, 5700.0
"""LAMOST's arms in the observed frame, Angstrom: they overlap between these."""

ZOOMS = {"ca": (8440.0, 8720.0), "tio": (6950.0, 7250.0)}
"""Stretches worth a key: the Ca II triplet, and TiO with the bands of the TiO5 index."""

LINE_ZOOM = 40.0
"""Half the range to which a single line is zoomed, in Angstrom."""


def is_from_lamost(wavelength: NDArray[np.float64]) -> bool:
    """Whether a grid is LAMOST's, thus logarithmic: only then telluric bands and arms apply."""
    steps = np.diff(np.log10(wavelength))
    return bool(np.ptp(steps) < 1e-3 * steps.mean())
