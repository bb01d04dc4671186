"""The paper's figures that can be drawn of any stars, for the selection of a visitor."""

from __future__ import annotations

from functools import partial

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from explorer.charts.categories import Categories
from explorer.charts.colouring import Colouring
from explorer.charts.journal import add_key, new_figure, picture_bytes, sign
from explorer.model.elsewhere import in_helper
from explorer.model.fields import fields_of, stars_of
from explorer.model.library import Library
from explorer.model.selection import Mask
from pipeline.domain.columns import REQUIRED
from pipeline.figures.disc_map import MapOf
from pipeline.figures.figure import FigureStars, Group
from pipeline.figures.star_figures import STAR_FIGURES
from pipeline.figures.style import STYLE, WIDTH_INCHES


def figure_title(key: str) -> str:
    """Number and subject of a figure."""
    return f"Figure {key}: {STAR_FIGURES[key].title}"


def figure_lack(library: Library, key: str) -> str:
    """Why a figure cannot be drawn of this catalogue; "" when it can."""
    absent = library.table.missing(*(name for name in STAR_FIGURES[key].needs if name not in REQUIRED))
    return f"This catalogue has no values of {', '.join(absent)}." if absent else ""


def draw_paper_figure(library: Library, rows: Mask, key: str, note: str, groups: tuple[Group, ...] = ()) -> Figure:
    """Draw a figure of :data:`STAR_FIGURES`, with a line under it that describes the contents.

    Parameters
    ----------
    library : Library
        The catalogue.
    rows : ndarray of bool, shape (n,)
        The selection.
    key : str
        Number of the figure.
    note : str
        The line.
    groups : tuple of Group
        Subsets that are shown in their colours, with a key.
    """
    declared = STAR_FIGURES[key]
    with mpl.rc_context(STYLE):
        figure = new_figure(WIDTH_INCHES, declared.height_inches)
        declared.draw(figure, _stars(library, rows, groups))
        handles = [Line2D([], [], marker=".", linestyle="", color=group.colour, label=group.name) for group in groups]
        add_key(figure, handles)
        sign(figure, note)
    return figure


def groups_of(colouring: Colouring) -> tuple[Group, ...]:
    """Categories that a page colours by, of which figures show the same; none for colours of values."""
    if not isinstance(colouring, Categories):
        return ()
    named = enumerate(zip(colouring.labels, colouring.colours, strict=True))
    return tuple(Group(label, colour, colouring.codes == code) for code, (label, colour) in named)


def paper_bytes(library: Library, rows: Mask, key: str, note: str, form: str, groups: tuple[Group, ...] = ()) -> bytes:
    """A figure of :data:`STAR_FIGURES` as a file, drawn in a helper process."""
    return in_helper(_paper_bytes, library, rows, key, note, form, groups)


def _paper_bytes(library: Library, rows: Mask, key: str, note: str, form: str, groups: tuple[Group, ...]) -> bytes:
    return picture_bytes(draw_paper_figure(library, rows, key, note, groups), form)


def _stars(library: Library, rows: Mask, groups: tuple[Group, ...]) -> FigureStars:
    table = library.table
    rows = table.every if rows.all() else rows

    def column(name: str) -> NDArray[np.float32]:
        return table["in_training"].astype(np.float32) if name == "in_training" else table.axis(name)

    parts = range(len(stars_of(library).slices_kpc)) if not table.missing("v_phi") else ()
    return FigureStars(
        column=column,
        has=table.usable,
        rows=rows,
        called="selected stars",
        overlays=library.products.overlays,
        r0_kpc=library.r0_kpc,
        fields=partial(fields_of, library, rows, parts, MapOf.SELECTED),
        groups=groups,
    )
