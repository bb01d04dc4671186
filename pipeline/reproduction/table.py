"""Report as a table for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pipeline.domain.reproduction import ReproducedRow, Reproduction

_HEAD = ("data", "in the paper", "quantity", "the paper's", "ours", "difference", "verdict", "key")
_MAX_QUANTITY = 62


def report_table(report: Reproduction) -> str:
    """Every row with its verdict, then the reasons, then the figures."""
    return "\n".join(_lines(report))


def _lines(report: Reproduction) -> Iterator[str]:
    yield f"{report.name} beside {report.paper}"
    yield report.summary
    yield ""
    yield from aligned([_HEAD, *(_cells(row) for row in report.rows)])
    reasons: dict[str, list[str]] = {}
    for row in report.rows:
        if row.reason:
            reasons.setdefault(row.reason, []).append(row.key)
    if reasons:
        yield ""
        yield "Cannot be compared:"
    for reason, keys in reasons.items():
        yield f"  {reason}: {', '.join(keys)}"
    if report.figures:
        yield ""
    for figure in report.figures:
        yield f"{figure.heading}. {figure.ours or f'Not drawn: {figure.reason}.'}"


def _cells(row: ReproducedRow) -> tuple[str, ...]:
    quantity = row.quantity if len(row.quantity) <= _MAX_QUANTITY else f"{row.quantity[: _MAX_QUANTITY - 1]}…"
    return (row.data, row.place, quantity, row.paper, row.ours_text, row.difference_text, str(row.verdict), row.key)


def aligned(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Rows of texts as lines with aligned columns."""
    widths = [max(len(row[number]) for row in rows) for number in range(len(rows[0]))]
    for row in rows:
        yield "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip()
