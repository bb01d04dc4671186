"""Report as PDF: the table of all statements, then a page for each figure."""

from __future__ import annotations

import io
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import matplotlib as mpl
import numpy as np
from matplotlib.backends.backend_pdf import PdfPages
from matplotlib.figure import Figure, SubFigure
from matplotlib.lines import Line2D

from pipeline.domain.reproduction import DATA_WORDS, Agreement, ReproducedFigure, ReproducedRow, Reproduction
from pipeline.figures.style import STYLE, WIDTH_INCHES
from pipeline.reproduction.drawing import PaperFigure
from pipeline.reproduction.survey import Survey

A4_INCHES = (8.27, 11.69)

_MARGIN, _TOP, _BOTTOM = 0.55, 11.1, 0.6
_LINE, _SMALL_LINE, _GAP = 0.145, 0.115, 0.06
"""Heights of lines and the space between rows, in inches."""

_HEADING, _BETWEEN, _PAD = 0.3, 0.3, 0.04
"""Height of a figure's heading, space between figures and within them, in inches."""

_SIZE, _SMALL = 7.0, 5.5
_WRAPPED, _WRAPPED_SMALL, _WRAPPED_CAPTION = 42, 138, 118
_DPI = 200
_INK = {Agreement.AGREES: "#0b6b3a", Agreement.DIFFERS: "#b3261e", Agreement.NOT_COMPARED: "0.4"}


class _Column(NamedTuple):
    """A column of the table: heading, left or right edge in inches, alignment."""

    heading: str
    at: float
    align: str


_COLUMNS = (
    _Column("where", 0.55, "left"),
    _Column("quantity", 1.4, "left"),
    _Column("paper", 4.8, "right"),
    _Column("ours", 6.0, "right"),
    _Column("difference", 6.6, "right"),
    _Column("verdict", 6.7, "left"),
)


def pdf_of(report: Reproduction, figures: Sequence[PaperFigure], survey: Survey) -> bytes:
    """The report as PDF with embedded fonts.

    Parameters
    ----------
    report : Reproduction
        Its rows and captions.
    figures : sequence of PaperFigure
        Declarations of the figures, in the order of the report's.
    survey : Survey
        Drawn stars.
    """
    target = io.BytesIO()
    metadata = {"Title": _title(report), "Subject": report.summary, "CreationDate": None}
    with mpl.rc_context(STYLE), PdfPages(target, metadata=metadata) as pages:
        for page in (*_tables(report), *_figures(report, figures, survey)):
            pages.savefig(page, dpi=_DPI)
    return target.getvalue()


def _title(report: Reproduction) -> str:
    label = f"{DATA_WORDS[True]}: " if report.simulated else ""
    return f"{label}{report.name} beside {report.paper}"


class _Page:
    """A page that is written from top to bottom in inches."""

    def __init__(self, footer: str) -> None:
        self.figure = Figure(figsize=A4_INCHES)
        self.y = _TOP
        self.put(_MARGIN, 0.35, footer, _SMALL, "0.4")

    def put(self, x: float, y: float, text: str, size: float, color: str, align: str = "left") -> None:
        """Write text with its upper edge at a place in inches."""
        width, height = A4_INCHES
        self.figure.text(x / width, y / height, text, size=size, color=color, ha=align, va="top", parse_math=False)

    def line(self, text: str, size: float = _SIZE, color: str = "0.1", height: float = _LINE) -> None:
        """Write a line and go on below it."""
        self.put(_MARGIN, self.y, text, size, color)
        self.y -= height

    def cells(self, texts: Sequence[str], size: float, colors: Mapping[int, str]) -> None:
        """Write a row of the table at the present height."""
        for number, (column, text) in enumerate(zip(_COLUMNS, texts, strict=True)):
            self.put(column.at, self.y, text, size, colors.get(number, "0.1"), column.align)

    def rule(self) -> None:
        """Draw a line across the page."""
        width, height = A4_INCHES
        at = (self.y + 0.03) / height
        self.figure.add_artist(
            Line2D([_MARGIN / width, 1 - _MARGIN / width], [at, at], color="0.7", linewidth=0.5, figure=self.figure)
        )


def _tables(report: Reproduction) -> Iterator[Figure]:
    page = _Page(_footer(report))
    page.line(_title(report), 12.0, height=0.28)
    for text in textwrap.wrap(report.summary, 118):
        page.line(text, 8.0)
    for text in textwrap.wrap(_provenance(report), 160):
        page.line(text, 6.0, "0.4", 0.12)
    page.y -= 0.12
    _head(page)
    for row in report.rows:
        quantity = textwrap.wrap(row.quantity, _WRAPPED)
        notes = [line for text in _notes(row) for line in textwrap.wrap(text, _WRAPPED_SMALL)]
        needed = _LINE * len(quantity) + _SMALL_LINE * len(notes) + _GAP
        if page.y - needed < _BOTTOM:
            yield page.figure
            page = _Page(_footer(report))
            _head(page)
        ink = _INK[Agreement(row.verdict)]
        texts = ("\n".join(textwrap.wrap(row.place, 16)), "\n".join(quantity), row.paper, row.ours_text)
        page.cells((*texts, row.difference_text, str(row.verdict)), _SIZE, {5: ink})
        page.y -= _LINE * max(len(quantity), 1)
        for text in notes:
            page.put(_COLUMNS[1].at, page.y, text, _SMALL, "0.4")
            page.y -= _SMALL_LINE
        page.y -= _GAP
    yield page.figure


def _notes(row: ReproducedRow) -> list[str]:
    """Small print of a row: data, stars, reason, how it was measured, command."""
    stars = f", {row.stars:,} stars" if row.stars else ""
    allowed = f"; up to ± {row.allowed:.3g} allowed" if row.allowed else ""
    reason = f" {row.reason[:1].upper()}{row.reason[1:]}." if row.reason else ""
    return [f"{row.data}{stars}{allowed}.{reason} {row.how[:1].upper()}{row.how[1:]}.", row.command]


def _head(page: _Page) -> None:
    page.cells([column.heading for column in _COLUMNS], _SIZE, dict.fromkeys(range(len(_COLUMNS)), "0.4"))
    page.y -= _LINE + 0.04
    page.rule()
    page.y -= 0.04


def _figures(report: Reproduction, figures: Sequence[PaperFigure], survey: Survey) -> Iterator[Figure]:
    """Pages of figures, as many on each as fit."""
    waiting = list(zip(figures, report.figures, strict=True))
    while waiting:
        page, fitting = _Page(_footer(report)), 1
        left = _TOP - _BOTTOM
        while fitting < len(waiting) and sum(_height(*item) for item in waiting[: fitting + 1]) <= left:
            fitting += 1
        shown, waiting = waiting[:fitting], waiting[fitting:]
        places: list[tuple[PaperFigure, float]] = []
        for declared, entry in shown:
            page.line(entry.heading, 11.0, height=_HEADING)
            if entry.files:
                page.y -= declared.height_inches
                places.append((declared, page.y))
                page.y -= _GAP
            for text in _captions(entry):
                page.line(text, 8.0)
            page.y -= _BETWEEN
        for (declared, _), part in zip(places, _parts(page.figure, places), strict=True):
            declared.draw(part, survey)
        yield page.figure


def _captions(entry: ReproducedFigure) -> list[str]:
    """Lines of both captions."""
    texts = f"The paper: {entry.paper}", f"Ours: {entry.ours or f'not drawn, {entry.reason}.'}"
    return [line for text in texts for line in textwrap.wrap(text, _WRAPPED_CAPTION)]


def _height(declared: PaperFigure, entry: ReproducedFigure) -> float:
    """Height of a figure with heading and captions, in inches."""
    drawn = declared.height_inches + _GAP if entry.files else 0.0
    return _HEADING + drawn + _LINE * len(_captions(entry)) + _BETWEEN


def _parts(page: Figure, places: Sequence[tuple[PaperFigure, float]]) -> list[SubFigure]:
    """Parts of a page with a layout of their own, as wide as a figure, at heights from top to bottom in inches."""
    if not places:
        return []
    page.set_layout_engine("constrained", w_pad=_PAD, h_pad=_PAD, wspace=0.0, hspace=0.0)
    side, heights, top = (A4_INCHES[0] - WIDTH_INCHES) / 2, [], A4_INCHES[1]
    for declared, bottom in places:
        heights += [top - bottom - declared.height_inches, declared.height_inches]
        top = bottom
    parts = page.subfigures(
        *(len(heights) + 1, 3),
        squeeze=False,
        width_ratios=(side, WIDTH_INCHES, side),
        height_ratios=(*heights, top),
        wspace=0.0,
        hspace=0.0,
    )
    return [np.asarray(parts)[2 * number + 1, 1] for number in range(len(places))]


def _footer(report: Reproduction) -> str:
    return f"{_title(report)} - made {report.created_text}"


def _provenance(report: Reproduction) -> str:
    build = f" build {report.build[:12]}," if report.build else ""
    versions = ", ".join(f"{name} {version}" for name, version in report.versions.items())
    return (
        f"Product {report.name},{build} of {report.product_created}; report of {report.created_text} with {versions}. "
        f"A number agrees if it is inside the interval of values that are printed like the paper's, or outside by at "
        f"most {report.confidence_sigma:g} standard errors; a statistic needs {report.min_stars} stars."
    )
