"""How pictures for a journal look: sizes, labels with mathematics, colours, and the bytes of PDF, SVG and PNG."""

from __future__ import annotations

import io
import re
import textwrap
import unicodedata
from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import ListedColormap, Normalize, to_rgba
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.lines import Line2D
from matplotlib.textpath import TextToPath

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
POINTS_AN_INCH = 72.0
_SIGNED_POINTS, _SIGNED_LINE, _SIGNED_FROM = 5.5, 1.2, 0.01
_SIGNED_SHARE = 0.88
"""Of a figure's width is for its line: letters that are fitted to pixels, and those of SVG viewers, are wider."""
_NO_NAME = re.compile(r"[^a-z0-9]+")
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


def add_legend(axes: Axes, handles: Sequence[Line2D], **look: Any) -> None:
    """A legend beside those that stand already."""
    former = axes.get_legend()
    axes.legend(handles=list(handles), **{"handletextpad": 0.4, **look})
    if former is not None:
        axes.add_artist(former)


def add_colour_bar(axes: Axes | Sequence[Axes], ramp: Sequence[str], low: float, high: float, label: str) -> None:
    """A colour bar beside some axes."""
    beside = [axes] if isinstance(axes, Axes) else list(axes)
    scale = ScalarMappable(Normalize(low, high), colormap_of(ramp))
    bar = beside[0].figure.colorbar(scale, ax=beside, pad=0.02, aspect=28)
    bar.set_label(label)
    bar.ax.minorticks_off()


def sign(figure: Figure, text: str) -> None:
    """Lines under the figure: what was drawn, and whether it is simulated. The figure grows by all but the first."""
    lines = _wrapped(text, _SIGNED_SHARE * figure.get_figwidth() * POINTS_AN_INCH)
    grown = (len(lines) - 1) * _SIGNED_LINE * _SIGNED_POINTS / POINTS_AN_INCH
    figure.set_figheight(figure.get_figheight() + max(grown, 0.0))
    told = figure.supxlabel("\n".join(lines), fontsize=_SIGNED_POINTS, color="0.35", x=_SIGNED_FROM, ha="left")
    told.set(parse_math=False, linespacing=_SIGNED_LINE)


def _wrapped(text: str, points: float) -> list[str]:
    """Lines that are no wider than so many points, broken at words where there are any."""
    font = FontProperties(size=_SIGNED_POINTS)

    def width(line: str) -> float:
        return float(TextToPath().get_text_width_height_descent(line, font, ismath=False)[0])

    letters = max(int(points / (0.4 * _SIGNED_POINTS)), 8)
    lines = textwrap.wrap(text, letters)
    while letters > 8 and any(width(line) > points for line in lines):
        letters -= 2
        lines = textwrap.wrap(text, letters)
    return lines


def file_name(title: str) -> str:
    """A title as the name of a file, in letters that every system takes: Greek ones are spelt."""
    spelt = "".join(_spelt(letter) for letter in title.lower())
    return _NO_NAME.sub("_", spelt).strip("_") or "picture"


def _spelt(letter: str) -> str:
    words = unicodedata.name(letter, "").split()
    return words[-1].lower() if words[:1] == ["GREEK"] else unicodedata.normalize("NFKD", letter)


def picture_bytes(figure: Figure, form: str) -> bytes:
    """The figure as a file; the same figure gives the same bytes."""
    target = io.BytesIO()
    dates = {"pdf": {"CreationDate": None}, "svg": {"Date": None}, "png": {}}
    with mpl.rc_context(STYLE):
        figure.savefig(target, format=form, dpi=_DPI, metadata=dates[form])
    return target.getvalue()
