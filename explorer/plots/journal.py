"""How pictures for a journal look: sizes, labels with mathematics, colours, and the bytes of PDF, SVG and PNG."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import ListedColormap, Normalize, to_rgba
from matplotlib.figure import Figure

from pipeline.domain.columns import Column

COLUMN_INCHES, PAGE_INCHES = 3.5, 7.1
"""Widths of a column and of a page of the ApJS."""

FORMATS = {"pdf": "application/pdf", "svg": "image/svg+xml", "png": "image/png"}
"""Kinds of pictures and what browsers call them."""

STYLE = {
    "font.size": 8.0,
    "axes.labelsize": 9.0,
    "axes.linewidth": 0.7,
    "xtick.direction": "in",
    "ytick.direction": "in",
    "xtick.top": True,
    "ytick.right": True,
    "xtick.minor.visible": True,
    "ytick.minor.visible": True,
    "legend.fontsize": 7.0,
    "legend.frameon": False,
    "pdf.fonttype": 42,  # text stays text: journals refuse outlines of type 3
    "svg.fonttype": "none",
    "svg.hashsalt": "mgiant-explorer",
}

_DPI = 300
_SUBSCRIPT = re.compile(r"([A-Za-z])_([\w]+)")


def new_figure(width_inches: float, height_inches: float) -> Figure:
    """An empty figure; call it and draw inside ``mpl.rc_context(STYLE)``."""
    return Figure(figsize=(width_inches, height_inches), layout="constrained")


def label_of(column: Column) -> str:
    """An axis label with subscripts as such, and its unit."""
    label = _SUBSCRIPT.sub(r"$\1_{\\mathrm{\2}}$", column.label.replace("Teff", "T_eff"))
    return f"{label} [{unit_of(column)}]" if column.unit else label


def unit_of(column: Column) -> str:
    """A unit as it is printed: km s⁻¹ rather than km/s."""
    spelt = {"km/s": "km s$^{-1}$", "kpc km/s": "kpc km s$^{-1}$", "km2/s2": "km$^2$ s$^{-2}$"}
    return spelt.get(column.unit, column.unit)


def colormap_of(ramp: Sequence[str]) -> ListedColormap:
    """A ramp of the screen without its transparent first colour."""
    return ListedColormap([to_rgba(colour) for colour in ramp[1:]])


def add_colour_bar(axes: Axes | Sequence[Axes], ramp: Sequence[str], low: float, high: float, label: str) -> None:
    """A colour bar beside some axes."""
    beside = [axes] if isinstance(axes, Axes) else list(axes)
    scale = ScalarMappable(Normalize(low, high), colormap_of(ramp))
    bar = beside[0].figure.colorbar(scale, ax=beside, pad=0.02, aspect=28)
    bar.set_label(label)
    bar.ax.minorticks_off()


def sign(figure: Figure, text: str) -> None:
    """A line under the figure: what was drawn, and whether it is simulated."""
    figure.supxlabel(text, fontsize=5.5, color="0.35", x=0.01, ha="left")


def picture_bytes(figure: Figure, form: str) -> bytes:
    """The figure as a file; the same figure gives the same bytes."""
    target = io.BytesIO()
    dates = {"pdf": {"CreationDate": None}, "svg": {"Date": None}, "png": {}}
    with mpl.rc_context(STYLE):
        figure.savefig(target, format=form, dpi=_DPI, metadata=dates[form])
    return target.getvalue()
