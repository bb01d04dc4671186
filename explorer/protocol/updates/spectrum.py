"""A spectrum as it is drawn: all numbers of the figure, for the screen and for the picture alike.

Wavelengths are those of the axis: at rest or observed, in Angstrom, vacuum. Arrays have one value a pixel.
"""

from __future__ import annotations

from typing import Literal

from msgspec import UNSET, UnsetType

from explorer.protocol.requests.base import Ends
from explorer.protocol.updates.base import Float32s, MessagePart, Row


class LineMark(Row, frozen=True):
    """A line or a band head: its wavelength, and the flux below which its name is written."""

    name: str
    wavelength: float
    top: float


class TelluricStrip(Row, frozen=True):
    """A telluric band, in wavelengths of the axis."""

    name: str
    low: float
    high: float


class BeyondMark(Row, frozen=True):
    """A residual beyond the ends of its axis, marked near the upper or the lower end."""

    wavelength: float
    at: float
    upwards: bool


class CurveName(Row, frozen=True):
    """A curve of the legend and its colour, by name."""

    text: str
    ink: Literal["data", "model", "trial"]


class PinnedCurve(MessagePart, frozen=True):
    """The flux of a pinned star, with its colour as CSS."""

    obsid: str
    colour: str
    flux: Float32s


class ResidualsDrawing(MessagePart, frozen=True):
    """Residuals over their error, NaN where unknown or masked, with their axis."""

    values: Float32s
    ends: Ends
    label: str
    beyond: tuple[BeyondMark, ...]


class ComparedDrawing(MessagePart, frozen=True):
    """Differences from pinned stars or ratios to them, in their order, with their axis."""

    curves: tuple[Float32s, ...]
    ends: Ends
    label: str


class TrialDrawing(MessagePart, frozen=True):
    """A trial model over a spectrum, with its residuals and legend; ``lower`` if the lower axes are shown."""

    flux: Float32s
    residuals: ResidualsDrawing
    curves: tuple[CurveName, ...]
    lower: bool


class SpectrumDrawing(MessagePart, frozen=True):
    """A spectrum with the settings of the controls: curves, axes, marks and shading.

    ``stretch`` is the factor from rest wavelengths to those of the axis; ``arm_edge`` separates the blue arm from the
    red one; ``low`` and ``high`` bound the noise band; ``masked`` carries no information, ``own`` was masked by the
    visitor. With ``compared`` the lower axes show that instead of the residuals.
    """

    obsid: str
    number: int
    stretch: float
    ends: Ends
    label: str
    flux: Float32s
    low: Float32s
    high: Float32s
    model: Float32s
    flux_ends: Ends
    flux_label: str
    residuals: ResidualsDrawing
    lower: bool
    curves: tuple[CurveName, ...]
    marks: tuple[LineMark, ...]
    masked: tuple[Ends, ...]
    own: tuple[Ends, ...]
    telluric: tuple[TelluricStrip, ...]
    arm_edge: float | None
    pinned: tuple[PinnedCurve, ...]
    compared: ComparedDrawing | UnsetType = UNSET
    trial: Float32s | UnsetType = UNSET
