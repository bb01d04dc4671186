"""State of the views in the grid, as values that a link can store."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from math import isfinite
from typing import Any

from pipeline.figures.disc_map import MapOf

Ends = tuple[float, float]


@dataclass(frozen=True)
class PanelState:
    """State of one view of the grid.

    Parameters
    ----------
    view : str
        Key of the view.
    x, y : str
        Columns of a view that lets one choose; "" takes the view's own.
    x_ends, y_ends : tuple of float or None
        Ends of the axes in drawing order; None is where the view starts.
    switched : tuple of str
        Overlays that are switched against their default.
    part : int
        Which slice in height, of a view that has several; after the last one, all at once.
    map_of : MapOf
        Stars of a disc map.
    """

    view: str
    x: str = ""
    y: str = ""
    x_ends: Ends | None = None
    y_ends: Ends | None = None
    switched: tuple[str, ...] = ()
    part: int = 0
    map_of: MapOf = MapOf.SELECTED

    def to_dict(self) -> dict[str, Any]:
        """Convert to plain values; :func:`panel_from_dict` is the inverse."""
        return asdict(self)


def panel_from_dict(stored: Mapping[str, Any]) -> PanelState:
    """Create from the output of :meth:`PanelState.to_dict`; ValueError if it is damaged.

    A field that it lacks, as a link of an older program does, has its default.
    """
    try:
        known = {field.name: stored[field.name] for field in fields(PanelState) if field.name in stored}
        for name in ("x_ends", "y_ends"):
            ends = known.get(name)
            known[name] = None if ends is None else (float(ends[0]), float(ends[1]))
            if ends is not None and not _has_length(*known[name]):
                raise ValueError(f"A stored view ends at {ends!r}.")
        known["view"] = str(known["view"])
        known["switched"] = tuple(str(name) for name in known.get("switched", ()))
        known["part"] = int(known.get("part", 0))
        known["map_of"] = MapOf(known.get("map_of", MapOf.SELECTED))
        return PanelState(**known)
    except (KeyError, TypeError, IndexError) as error:
        raise ValueError(f"A stored view is damaged ({error!r}).") from error


def _has_length(start: float, end: float) -> bool:
    """Whether an axis can be drawn between two ends."""
    return start != end and isfinite(end - start)
