"""Colours of stars by category, and by named subsets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from explorer import protocol
from explorer.charts.colouring import Colouring, Density, colouring_of
from explorer.charts.journal import drawable
from explorer.charts.palettes import CATEGORY_COLOURS, IN_NONE, PICKED_IN_NONE, category_ramp
from explorer.charts.shading import Canvas, Image, Layer, Viewport
from explorer.model.appearance import Appearance
from explorer.model.colour_maps import COLOUR_MAPS, COUNTS
from explorer.model.selection import Mask, Selection
from explorer.model.subsets import Subset
from explorer.model.table import MAX_CATEGORIES, StarTable

_MAX_SUBSETS = 250
"""Maximum number of subsets that an image of bytes distinguishes."""

_MAX_NAMED = 30
"""Maximum number of categories in a legend; colours repeat before that."""


@dataclass(frozen=True)
class Categories(Colouring):
    """Colours by the commonest category in a pixel; a category keeps its colour whatever else is selected.

    Parameters
    ----------
    name : str
        Name of the categorised quantity.
    labels, colours : tuple of str
        Category k and its colour.
    codes : ndarray of uint8, shape (n,)
        Category of each star; those beyond the labels have none and are not drawn.
    """

    scale: ClassVar[protocol.ScaleKind] = "category"

    name: str
    labels: tuple[str, ...]
    colours: tuple[str, ...]
    codes: Image

    def layer(self, canvas: Canvas, viewport: Viewport, rows: Mask) -> Layer:
        """Commonest category in each pixel."""
        return canvas.commonest(viewport, rows, self.codes, len(self.labels), rest=self.layered)

    def star_levels(self, table: StarTable, stars: NDArray[np.int64]) -> Image:  # noqa: ARG002 - of the codes
        """Levels by category; 0 for a star in none."""
        codes = self.codes[stars]
        return np.where(codes < len(self.labels), codes.astype(np.int64) + 1, 0).astype(np.uint8)

    def ramp(self, *, dark: bool) -> tuple[str, ...]:  # noqa: ARG002 - categories keep their colours
        """Level k + 1 is the colour of category k."""
        return category_ramp(self.colours)

    def legend(self, table: StarTable, *, dark: bool, single: bool = False) -> protocol.Legend:  # noqa: ARG002 - the same
        """Categories with their colours."""
        named = zip(self.labels, self.colours, strict=True)
        return protocol.Legend(self.name, entries=tuple(protocol.LegendEntry(*entry) for entry in named))

    def draw_key(self, axes: Axes, table: StarTable) -> list[Line2D]:  # noqa: ARG002 - the legend is the figure's
        """Legend handles of the categories, or of the first ones of many."""
        named = list(zip(self.labels, self.colours, strict=True))
        more = len(named) - _MAX_NAMED
        if more > 0:
            named = [*named[: _MAX_NAMED - 1], (f"and {more + 1} more", "none")]
        return [
            Line2D([], [], marker=".", linestyle="", color=colour, label=drawable(label, label))
            for label, colour in named
        ]


@dataclass(frozen=True)
class SubsetColours(Categories):
    """Colours of named subsets, of which the last category is that of the stars in none.

    Their stars keep the colour when they are not selected; stars in none never hide another one.
    """

    layered: ClassVar[bool] = True

    def emphasised(self, levels: Image) -> Image:
        """Selected stars in none, darker than those that are not selected."""
        rest = len(self.labels)
        return np.where(levels == rest, rest + 1, levels).astype(np.uint8)

    def member_codes(self) -> tuple[Image, int] | None:
        """Subset of each star, and the number of subsets."""
        return self.codes, len(self.labels) - 1

    def ramp(self, *, dark: bool) -> tuple[str, ...]:
        """Colours of the subsets, of stars in none, and of selected stars in none."""
        return category_ramp((*self.colours, PICKED_IN_NONE[dark]))


def coloured_by(table: StarTable, name: str, appearance: Appearance) -> Colouring:
    """Colours of a column: a scale, or categories of texts and of yes and no."""
    if name in table and table.column(name).dtype in ("str", "bool"):
        return _categories(table, name, appearance)
    return colouring_of(table, name, appearance)


def _categories(table: StarTable, name: str, appearance: Appearance) -> Colouring:
    categories = table.categories(name)
    label = table.column(name).label
    if categories is None:
        return _density(f"{label} has one value, or more than {MAX_CATEGORIES}", appearance)
    labels, codes = categories
    codes.setflags(write=False)
    return Categories(label, labels, CATEGORY_COLOURS[: len(labels)], codes)


def colouring_of_subsets(
    table: StarTable,
    subsets: Sequence[Subset],
    *,
    dark: bool,
    mask_of: Callable[[Selection], Mask] | None = None,
    appearance: Appearance | None = None,
) -> Colouring:
    """Colours by the first visible subset that contains a star, else a neutral one; density without any.

    ``mask_of`` evaluates a selection and may cache masks of subsets.
    """
    mask_of = mask_of or (lambda selection: selection.mask(table))
    visible = [subset for subset in subsets if subset.visible][:_MAX_SUBSETS]
    if not visible:
        note = "no subset is visible" if subsets else "no subset is named yet"
        return _density(note, appearance or Appearance())
    codes = np.full(table.n_stars, len(visible), np.uint8)
    for place, subset in reversed(list(enumerate(visible))):
        codes[mask_of(subset.selection)] = place
    codes.setflags(write=False)
    labels = (*(subset.name for subset in visible), "in none")
    colours = (*(subset.colour for subset in visible), IN_NONE[dark])
    return SubsetColours("subset", labels, colours, codes)


def _density(note: str, appearance: Appearance) -> Density:
    return Density(note, COLOUR_MAPS.get(appearance.colour_map, COUNTS), appearance.reversed)
