"""The drawing of a star's spectral energy distribution."""

from __future__ import annotations

from collections.abc import Sequence

from explorer import protocol
from explorer.model.photometry import BandFlux

_BELOW, _ABOVE = 0.15, 0.4
"""Room of an axis in its span; names of bands are written in the upper one."""

_MIN_SPAN = 0.4


def photometry_of(points: Sequence[BandFlux]) -> protocol.PhotometryDrawing:
    """Compute the drawing of fluxes in some bands, of which there is at least one."""
    x_ends = _ends([point.wavelength_um for point in points])
    lows = [point.log_flux - point.error_dex for point in points]
    highs = [point.log_flux + point.error_dex for point in points]
    return protocol.PhotometryDrawing(
        points=tuple(protocol.BandPoint(*point) for point in points),
        x_ends=(max(x_ends[0], 0.0), x_ends[1]),
        y_ends=_ends([*lows, *highs], _ABOVE),
        x_label="wavelength [µm], flux as observed",
        y_label="log λFλ [W/m²]",
    )


def _ends(values: Sequence[float], above: float = _BELOW) -> protocol.Ends:
    """Ends of an axis with room on both sides."""
    low, high = min(values), max(values)
    span = max(high - low, _MIN_SPAN)
    return low - _BELOW * span, high + above * span
