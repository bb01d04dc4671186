"""A spectrum as it is drawn: all numbers of the figure, for the screen and for the picture alike.

Wavelengths are those of the axis: at rest or observed, in vacuum or air, in Angstrom. Curves have one value a pixel.
"""

from __future__ import annotations

from typing import Literal

from msgspec import UNSET, UnsetType

from explorer.protocol.requests.base import Ends
from explorer.protocol.updates.base import Curve, Float32s, Float64s, MessagePart, Row


class LineMark(Row, frozen=True):
    """A line or a band head: its wavelength, and the flux below which its name is written.

    The name is "" where too many lines are on screen, the colour "" for that of the figure's text.
    """

    name: str
    wavelength: float
    top: float
    colour: str


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
    flux: Curve


class ResidualsDrawing(MessagePart, frozen=True):
    """Residuals over their error, unknown where there is none or the pixel is masked, with their axis.

    ``about`` states what the residuals are divided by.
    """

    values: Curve
    ends: Ends
    label: str
    about: str
    beyond: tuple[BeyondMark, ...]


class ComparedDrawing(MessagePart, frozen=True):
    """Differences from pinned stars or ratios to them, in their order, with their axis."""

    curves: tuple[Curve, ...]
    ends: Ends
    label: str


class TrialDrawing(MessagePart, frozen=True):
    """A trial model over a spectrum, with its residuals and legend; ``lower`` if the lower axes are shown."""

    flux: Curve
    residuals: ResidualsDrawing
    curves: tuple[CurveName, ...]
    lower: bool


class MeasuredRow(Row, frozen=True):
    """A measured quantity, as texts."""

    name: str
    text: str
    about: str


class MeasuredDrawing(MessagePart, frozen=True):
    """Measurements of a line: rows, the same as a table to paste, and curves on their own wavelengths.

    Without pixels there is only the sentence that says why. ``fit`` is the Gaussian at the wavelengths ``fit_at``.
    """

    ends: Ends
    sentence: str
    rows: tuple[MeasuredRow, ...]
    table: str
    wavelength: Float64s
    flux: Float32s
    continuum: Float32s
    fit_at: Float64s
    fit: Float32s


class SpectrumFrame(MessagePart, frozen=True):
    """Changes by a zoom: the axis of residuals with marks beyond it, and lines with their names."""

    obsid: str
    number: int
    residual_ends: Ends
    beyond: tuple[BeyondMark, ...]
    marks: tuple[LineMark, ...]


class SpectrumDrawing(MessagePart, frozen=True):
    """A spectrum with the settings of the controls: curves, axes, marks and shading.

    ``stretch`` is the factor from rest wavelengths, in air or vacuum, to those of the axis; ``arm_edge`` separates the
    blue arm from the red one; ``low`` and ``high`` bound the noise band; ``masked`` carries no information, ``own`` was
    masked by the visitor. With ``compared`` the lower axes show that instead of the residuals.
    """

    obsid: str
    number: int
    stretch: float
    air: bool
    ends: Ends
    label: str
    flux: Curve
    low: Curve
    high: Curve
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
    model: Curve | UnsetType = UNSET
    compared: ComparedDrawing | UnsetType = UNSET
    trial: Curve | UnsetType = UNSET
    measured: MeasuredDrawing | UnsetType = UNSET
