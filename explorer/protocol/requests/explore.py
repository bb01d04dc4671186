"""Requests of the Explore page: views, selections, table, subsets, exports."""

from __future__ import annotations

import math
from typing import Annotated, Literal

from msgspec import Meta, Struct

from explorer.model.screen import DragTool
from explorer.model.selection import SelectionMode
from explorer.protocol.requests.base import Base64, Index, Keys, Name, Request, Slot, Text
from pipeline.figures.disc_map import MapOf


class ViewSize(Struct, frozen=True, forbid_unknown_fields=True):
    """Window of one view of the grid in data coordinates, and its size in pixels."""

    slot: Index
    window: tuple[float, float, float, float]
    width: int
    height: int

    def __post_init__(self) -> None:
        """Refuse a window without an area, or of an infinite one."""
        for start, end in (self.window[:2], self.window[2:]):
            if start == end or math.isinf(end - start):
                raise ValueError(f"an axis from {start} to {end} has no length to draw on")


class Rectangle(Struct, frozen=True, forbid_unknown_fields=True, tag_field="type", tag="rect"):
    """A rectangle that was drawn, in data coordinates."""

    x0: float
    x1: float
    y0: float
    y1: float


class Outline(Struct, frozen=True, forbid_unknown_fields=True, tag_field="type", tag="poly"):
    """A closed outline that was drawn, in data coordinates."""

    x: Annotated[tuple[float, ...], Meta(min_length=1)]
    y: Annotated[tuple[float, ...], Meta(min_length=1)]

    def __post_init__(self) -> None:
        """Refuse corners that lack a coordinate."""
        if len(self.x) != len(self.y):
            raise ValueError(f"an outline has {len(self.x)} and {len(self.y)} coordinates of its corners")


class Painted(Request, frozen=True):
    """The views of the first page are drawn."""


class Look(Request, frozen=True):
    """Views were panned, zoomed or resized."""

    views: tuple[ViewSize, ...]


class Region(Request, frozen=True):
    """A region was drawn in a view."""

    slot: Slot
    geometry: Rectangle | Outline
    keys: Keys = ()


class Tap(Request, frozen=True):
    """A view was clicked."""

    slot: Slot
    x: float
    y: float
    keys: Keys = ()


class Swap(Request, frozen=True):
    """Show another view in a place of the grid."""

    slot: Slot
    view: Name


class Axis(Request, frozen=True):
    """Put a column on an axis of a view."""

    slot: Slot
    axis: Literal["x", "y", "z"]
    column: Name


class Switch(Request, frozen=True):
    """Show or hide a layer of a view."""

    slot: Slot
    name: Name
    on: bool


class Part(Request, frozen=True):
    """Show another slice of the disc, or all at once."""

    slot: Slot
    part: Index


class ChooseMap(Request, frozen=True):
    """Map all stars of the disc, the selected ones, or the difference."""

    slot: Slot
    of: MapOf


class Enlarge(Request, frozen=True):
    """Show one view alone, or all again."""

    slot: Slot


class Grid(Request, frozen=True):
    """Show so many views."""

    value: int


class Home(Request, frozen=True):
    """Show the whole range of every view."""


class Tool(Request, frozen=True):
    """Choose what a drag does."""

    value: DragTool


class Mode(Request, frozen=True):
    """Choose how a gesture changes the selection."""

    value: SelectionMode


class Colour(Request, frozen=True):
    """Choose the column that colours the stars."""

    value: Name


class Undo(Request, frozen=True):
    """Return to the selection before."""


class Redo(Request, frozen=True):
    """Repeat what was undone."""


class Clear(Request, frozen=True):
    """Select every star."""


class Afresh(Request, frozen=True):
    """Exchange what was continued or opened for what was there before, or return to it."""


class Leave(Request, frozen=True):
    """The page is being closed, reloaded or hidden."""


class Help(Request, frozen=True):
    """Show gestures and shortcuts."""


class StartStory(Request, frozen=True):
    """Set up the views and the selection of a story."""

    key: Name


class Focus(Request, frozen=True):
    """Show one star."""

    obsid: Name


class Side(Request, frozen=True):
    """Open or close the panel of filters and subsets."""

    open: bool | None = None


class Check(Request, frozen=True):
    """Check an expression while it is typed."""

    text: Text
    cursor: Index


class Filter(Request, frozen=True):
    """Select the stars that an expression fits."""

    text: Text


class SaveSubset(Request, frozen=True):
    """Name the selection."""

    name: Name


class Subset(Request, frozen=True):
    """Use, show or remove a named subset."""

    name: Name
    action: Name


class Categories(Request, frozen=True):
    """Name the stars of each value of a column."""

    column: Name


class Upload(Request, frozen=True):
    """A part of a file, in base64."""

    upload: Annotated[str, Meta(max_length=80)]
    part: Index
    data: Base64


class Members(Request, frozen=True):
    """Select the stars of a list: a file in base64, or one that was uploaded in parts."""

    size: Index
    data: Base64 | None = None
    upload: str | None = None


class Verdicts(Request, frozen=True):
    """Select the stars of a list of verdicts."""

    name: Name


MAX_VIEW_NAME_CHARACTERS = 60


class SaveView(Request, frozen=True):
    """Save the view under a name."""

    name: Name


class View(Request, frozen=True):
    """Show a saved view."""

    name: Name


class ForgetView(Request, frozen=True):
    """Remove a saved view."""

    name: Name


class ListExports(Request, frozen=True):
    """List what can be exported."""


class Share(Request, frozen=True):
    """Make a link to what is on screen."""


class SaveSession(Request, frozen=True):
    """Save what a link restores as a file."""


class OpenSession(Request, frozen=True):
    """Show a saved session: a file in base64, or one that was uploaded in parts."""

    size: Index
    data: Base64 | None = None
    upload: str | None = None


class Export(Request, frozen=True):
    """Export the selected stars as a table."""

    value: Name


class Samp(Request, frozen=True):
    """Send the selected stars to programs on this machine."""


class Picture(Request, frozen=True):
    """Export the picture of a view."""

    slot: Slot
    form: Name


class Paper(Request, frozen=True):
    """Export a figure of the paper."""

    key: Name
    form: Name
