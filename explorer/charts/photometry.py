"""The drawing of a star's spectral energy distribution."""

from __future__ import annotations

from collections.abc import Sequence

from explorer import protocol
from explorer.model.photometry import BandFlux

_ROOM, _MIN_SPAN = 0.15, 0.4


def photometry_of(points: Sequence[BandFlux]) -> protocol.PhotometryDrawing:
    """Compute the drawing of fluxes in some bands, of which there is at least one."""
    x_ends = _ends([point.wavelength_um for point in points])
    lows = [point.log_flux - point.error_dex for point in points]
    highs = [point.log_flux + point.error_dex for point in points]
    return protocol.PhotometryDrawing(
        points=tuple(protocol.BandPoint(*point) for point in points),
        x_ends=(max(x_ends[0], 0.0), x_ends[1]),
        y_ends=_ends([*lows, *highs]),
        x_label="wavelength [µm]",
        y_label="log λF_λ [W/m²], as observed",
    )


def _ends(values: Sequence[float]) -> protocol.Ends:
    """Ends of an axis with room on both sides."""
    low, high = min(values), max(values)
    room = max(_ROOM * (high - low), 0.5 * _MIN_SPAN)
    return low - room, high + room
