"""Requests about the drawn regions of the selection."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from msgspec import Meta

from explorer.protocol.requests.base import Index, Name, Request, Slot

RegionForm: TypeAlias = Literal["box", "range", "polygon", "circle"]
RegionPath: TypeAlias = Annotated[tuple[Index, ...], Meta(max_length=60)]


class EditRegion(Request, frozen=True):
    """Move handles of a region; edits of one gesture are one step of undo.

    ``x`` and ``y`` are coordinates of all its handles in the view, as a :class:`RegionMark` has them.
    """

    slot: Slot
    path: RegionPath
    gesture: Name
    x: tuple[float, ...]
    y: tuple[float, ...]


class TypeRegion(Request, frozen=True):
    """Type the numbers of a region of a view, with or without units.

    ``rows`` are the ends of a box along x and along y, those of a range, the corners of an outline, or RA, Dec and
    radius of a circle.
    """

    slot: Slot
    path: RegionPath
    rows: tuple[tuple[Name, ...], ...]


class AddRegion(Request, frozen=True):
    """Select by a region whose numbers are given, as by a drawn one; ``rows`` as of :class:`TypeRegion`."""

    slot: Slot
    form: RegionForm
    rows: tuple[tuple[Name, ...], ...]


class RemoveRegion(Request, frozen=True):
    """Remove a region from the selection."""

    path: RegionPath
