"""Drag tools, themes and choices of the dock, shared by state, messages and pages."""

from __future__ import annotations

from enum import StrEnum


class DragTool(StrEnum):
    """Meaning of a drag in a view."""

    BOX = "box"
    LASSO = "lasso"
    POLYGON = "polygon"
    PAN = "pan"


class Theme(StrEnum):
    """Colours of a page."""

    LIGHT = "light"
    DARK = "dark"

    @classmethod
    def of(cls, *, dark: bool) -> Theme:
        """Theme of a light or a dark page."""
        return cls.DARK if dark else cls.LIGHT


class DockTab(StrEnum):
    """Tab of the dock below the views."""

    TABLE = "table"
    COMPARE = "compare"
    FIT = "fit"


class BarHeight(StrEnum):
    """Meaning of the height of a bar: share of the stars, that a unit of the column, or number of stars."""

    FRACTION = "fraction"
    DENSITY = "density"
    NUMBER = "number"


class FitKind(StrEnum):
    """Fit to a sample: running median and straight line of y on x, or a Gaussian of y."""

    LINE = "line"
    GAUSSIAN = "gaussian"


class FootStatistic(StrEnum):
    """Statistic at the foot of the table."""

    N = "n"
    MEDIAN = "median"
    SCATTER = "scatter"
    MEAN = "mean"
    STD = "std"
    MIN = "min"
    MAX = "max"
