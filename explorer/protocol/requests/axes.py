"""Requests about the axes of a view, its contours and their levels."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from explorer.model.scales import ScaleKind
from explorer.protocol.requests.base import Keys, Name, Request, Slot
from pipeline.science.space.sky_projection import Projection


class AxisScale(Request, frozen=True):
    """Spread the values of an axis by another scale."""

    slot: Slot
    axis: Literal["x", "y"]
    scale: ScaleKind


class AxisFlip(Request, frozen=True):
    """Read an axis in its usual direction, or in the other one."""

    slot: Slot
    axis: Literal["x", "y"]
    on: bool


class AxisLimits(Request, frozen=True):
    """Show a range of an axis: two numbers, with or without a unit; an empty one is where the view starts."""

    slot: Slot
    axis: Literal["x", "y"]
    low: Name
    high: Name


class AxisReset(Request, frozen=True):
    """Show an axis as the view starts: linear, in its usual direction, its whole range."""

    slot: Slot
    axis: Literal["x", "y"]


class Aspect(Request, frozen=True):
    """Make units equal on both axes, or let the view fill its room."""

    slot: Slot
    equal: bool


class Contours(Request, frozen=True):
    """Show contours of the density of no stars, the selected ones, or all."""

    slot: Slot
    of: Literal["", "selected", "all"]
    levels: Annotated[tuple[float, ...], Meta(max_length=100)]


class AxisRange(Request, frozen=True):
    """Select the stars in a range of an axis, between two coordinates on its scale."""

    slot: Slot
    axis: Literal["x", "y"]
    start: float
    end: float
    keys: Keys = ()


class CornerColumns(Request, frozen=True):
    """Show some columns in a corner plot, in this order."""

    slot: Slot
    columns: Annotated[tuple[Name, ...], Meta(max_length=20)]


class ChooseSky(Request, frozen=True):
    """Show the sky in a projection and frame, around a centre that is typed in degrees or another unit."""

    slot: Slot
    projection: Projection
    frame: Name
    lon: Name
    lat: Name


class TurnSpace(Request, frozen=True):
    """See a space of three columns from a direction, in degrees."""

    slot: Slot
    azimuth: Annotated[float, Meta(ge=0.0, lt=360.0)]
    elevation: Annotated[float, Meta(ge=-90.0, le=90.0)]
