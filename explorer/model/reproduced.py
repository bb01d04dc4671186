"""Report of the reproduction that a library's product holds."""

from __future__ import annotations

from explorer.model.library import Library, kept_by_library
from pipeline.domain.reproduction import Agreement, ReproducedRow, Reproduction, counted
from pipeline.products.manifest import ProductError, damaged
from pipeline.products.reproduction import REPRODUCTION_DIR, published_report

EVERY = ""
"""Choice of all verdicts or all figures."""


@kept_by_library(1)
def report_of(library: Library) -> Reproduction | None:
    """The report of a library, read once; None where none was published.

    Raises
    ------
    ProductError
        If it is damaged.
    """
    return published_report(library.products.directory)


def report_file(library: Library, name: str) -> bytes:
    """A file of the report.

    Raises
    ------
    ProductError
        If it is missing or cannot be read.
    """
    path = library.products.directory / REPRODUCTION_DIR / name
    try:
        return path.read_bytes()
    except OSError as error:
        raise ProductError(str(damaged(path, error))) from error


def rows_of(report: Reproduction, verdict: str = EVERY, figure: str = EVERY) -> tuple[ReproducedRow, ...]:
    """Rows of a verdict and of a figure; :data:`EVERY` for all."""
    return tuple(row for row in report.rows if verdict in (EVERY, str(row.verdict)) and figure in (EVERY, row.figure))


def verdict_choices(report: Reproduction) -> dict[str, str]:
    """Verdicts by their title with the number of rows, for a menu."""
    counts = counted(report.rows)
    return {f"every verdict ({len(report.rows)})": EVERY} | {
        f"{verdict} ({counts[verdict]})": str(verdict) for verdict in Agreement
    }


def figure_choices(report: Reproduction) -> dict[str, str]:
    """Figures by their short title, for buttons."""
    return {"All rows": EVERY} | {f"Fig. {figure.number}": figure.number for figure in report.figures}
