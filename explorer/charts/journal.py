"""Style of journal pictures: sizes, labels with mathematics, legends, and PDF, SVG and PNG files."""

from __future__ import annotations

import io
import re
import textwrap
import unicodedata
from collections.abc import Iterator, Sequence
from typing import Any

import matplotlib as mpl
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import ListedColormap, LogNorm, Normalize, to_rgba
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.legend import Legend
from matplotlib.lines import Line2D
from matplotlib.textpath import TextToPath
from matplotlib.ticker import LogLocator
from matplotlib.transforms import ScaledTranslation, blended_transform_factory

from pipeline.domain.column import Column
from pipeline.figures.style import STYLE as FIGURE_STYLE
from pipeline.figures.style import WIDTH_INCHES, print_label
from pipeline.products.tables import ascii_only

COLUMN_INCHES, PAGE_INCHES = 3.5, WIDTH_INCHES
"""Widths of a column and of a page of the ApJS."""

FORMATS = {"pdf": "application/pdf", "svg": "image/svg+xml", "png": "image/png"}
"""Picture formats and their media types."""

STYLE: dict[Any, Any] = {
    **FIGURE_STYLE,
    "font.size": 8.0,
    "axes.labelsize": 9.0,
    "xtick.minor.visible": True,
    "ytick.minor.visible": True,
    "legend.fontsize": 7.0,
}
"""Settings of matplotlib for pictures of views: those of the paper's figures in a larger size."""

_DPI = 300
POINTS_AN_INCH = 72.0
_SIGNED_POINTS, _SIGNED_LINE, _SIGNED_FROM = 5.5, 1.2, 0.01
_SIGNED_SHARE = 0.88
"""Fraction of a figure's width for its line: hinted text, and that of SVG viewers, is wider."""
_BAR_INCHES = 0.08
"""Width of a colour bar, and its distance."""
_MAX_COLUMNS = 8
_MARK_POINTS = 24.0
"""Points for a mark of a legend and the space around it."""
_NO_NAME = re.compile(r"[^a-z0-9]+")


def new_figure(width_inches: float, height_inches: float) -> Figure:
    """An empty figure; call it and draw inside ``mpl.rc_context(STYLE)``."""
    return Figure(figsize=(width_inches, height_inches), layout="constrained")


def label_of(column: Column) -> str:
    """Axis label with unit and subscripts; a column of the user's own as its file spells it."""
    if column.is_own:
        unit = f" [{drawable(column.unit, column.unit)}]" if column.unit else ""
        return f"{drawable(column.label, column.name)}{unit}"
    return print_label(column)


def drawable(text: str, instead: str) -> str:
    """Text without mathematics; another one, in ASCII, where the font lacks a letter."""
    return (text if _known_letters(text) == text else ascii_only(instead)).replace("$", r"\$")


def _known_letters(text: str) -> str:
    """Text with a box for each letter that the font lacks, of which matplotlib would warn."""
    font = get_font(findfont(FontProperties()))
    return "".join(letter if font.get_char_index(ord(letter)) else "□" for letter in text)


def colormap_of(ramp: Sequence[str]) -> ListedColormap:
    """A ramp of the screen without its transparent first colour."""
    return ListedColormap([to_rgba(colour) for colour in ramp[1:]])


def add_key(figure: Figure, *groups: Sequence[Artist]) -> None:
    """Add one legend above all axes, on as few rows as its width allows; the figure grows by it.

    A group begins a column or fits below another group.
    """
    named = [list(group) for group in groups if group]
    widest = _SIGNED_SHARE * figure.bbox.width
    for rows, columns in _grids(named):
        key = _key(figure, columns, rows, widest / figure.dpi * POINTS_AN_INCH - _MARK_POINTS)
        box = key.get_window_extent()
        if box.width <= widest or len(columns) == 1:
            figure.set_figheight(figure.get_figheight() + box.height / figure.dpi)
            return
        key.remove()


def _grids(groups: Sequence[list[Artist]]) -> Iterator[tuple[int, list[list[Artist]]]]:
    """Layouts of a legend from wide to narrow: number of rows, and columns of handles; the last has one column."""
    former = _MAX_COLUMNS + 1
    headed = max((len(group) for group in groups if _is_heading(group[0])), default=0)
    for rows in range(1, sum(map(len, groups)) + 1):
        if 1 < rows < headed:  # some entries would be level with their heading
            continue
        columns: list[list[Artist]] = []
        for group in groups:
            if columns and len(columns[-1]) + len(group) <= rows:
                columns[-1] = columns[-1] + group
            else:
                columns += [group[start : start + rows] for start in range(0, len(group), rows)]
        if len(columns) < former:
            former = len(columns)
            yield rows, columns


def _is_heading(handle: Artist) -> bool:
    """Whether a handle is a heading, thus text without a mark."""
    return isinstance(handle, Line2D) and handle.get_linestyle() == handle.get_marker() == "None"


def _key(figure: Figure, columns: Sequence[list[Artist]], rows: int, points: float) -> Legend:
    """A legend of the labels as they are, without mathematics."""
    blank = Line2D([], [], linestyle="", label="")
    handles = [handle for column in columns for handle in (column + [blank] * rows)[:rows]]
    look: dict[str, Any] = {
        "borderpad": 0.2,
        "handlelength": 1.6,
        "handletextpad": 0.4,
        "columnspacing": 1.2,
        "labelspacing": 0.3,
    }
    where: dict[str, Any] = {"loc": "outside upper center", "borderaxespad": 0.3, "ncols": len(columns)}
    labels = [_shortened(_known_letters(str(handle.get_label())), points) for handle in handles]
    key: Legend = figure.legend(handles=handles, labels=labels, **where, **look)
    for text in key.get_texts():
        text.set_parse_math(False)
    return key


def _shortened(label: str, points: float) -> str:
    """Label shortened to a maximum width in points."""
    end = len(label)
    while end > 1 and _width(label[:end], STYLE["legend.fontsize"]) > points:
        end -= 1
    return label if end == len(label) else f"{label[: end - 1]}…"


def add_colour_bar(
    axes: Axes | Sequence[Axes],
    ramp: Sequence[str],
    low: float,
    high: float,
    label: str,
    *,
    logarithmic: bool = False,
) -> None:
    """A colour bar beside some axes: of a single one as high as it is, and beside the bars that it has."""
    norm = LogNorm(low, high) if logarithmic else Normalize(low, high)
    scale = ScalarMappable(norm, colormap_of(ramp))
    if isinstance(axes, Axes):
        bar = axes.figure.colorbar(scale, cax=_beside(axes))
    else:
        bar = axes[0].figure.colorbar(scale, ax=list(axes), pad=0.02, aspect=28)
    bar.set_label(label)
    bar.ax.minorticks_off()
    if logarithmic:
        bar.ax.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        bar.ax.yaxis.set_major_formatter(lambda value, _: f"{value:g}")


def _beside(axes: Axes) -> Axes:
    """Axes on the right for one more colour bar, at a distance in inches from the edge of the plot."""
    away = _BAR_INCHES
    for former in axes.child_axes:
        box = former.get_tightbbox()
        away += (box.width if box is not None else 0.0) / axes.figure.dpi + 2.0 * _BAR_INCHES
    edge = axes.figure.dpi_scale_trans + ScaledTranslation(1.0, 0.0, axes.transAxes)  # type: ignore[arg-type]  # an affine one
    place = blended_transform_factory(edge, axes.transAxes)
    return axes.inset_axes((away, 0.0, _BAR_INCHES, 1.0), transform=place)


def sign(figure: Figure, text: str) -> None:
    """Add lines of text under the figure, which grows by all but the first of them."""
    lines = _wrapped(_known_letters(text), _SIGNED_SHARE * figure.get_figwidth() * POINTS_AN_INCH)
    grown = (len(lines) - 1) * _SIGNED_LINE * _SIGNED_POINTS / POINTS_AN_INCH
    figure.set_figheight(figure.get_figheight() + max(grown, 0.0))
    signature = figure.supxlabel("\n".join(lines), fontsize=_SIGNED_POINTS, color="0.35", x=_SIGNED_FROM, ha="left")
    signature.set(parse_math=False, linespacing=_SIGNED_LINE)


def _wrapped(text: str, points: float) -> list[str]:
    """Lines that are no wider than so many points, broken at words where there are any."""
    letters = max(int(points / (0.4 * _SIGNED_POINTS)), 8)
    lines = textwrap.wrap(text, letters)
    while letters > 8 and any(_width(line, _SIGNED_POINTS) > points for line in lines):
        letters -= 2
        lines = textwrap.wrap(text, letters)
    return lines


def _width(line: str, size: float) -> float:
    """Width of a line of text in points."""
    return float(TextToPath().get_text_width_height_descent(line, FontProperties(size=size), ismath=False)[0])


def file_name(title: str) -> str:
    """File name of a title, in portable characters; Greek letters are spelt out."""
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
