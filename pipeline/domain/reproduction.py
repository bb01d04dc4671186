"""Report of a reproduction: numbers and figures of the paper beside those of a catalogue."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any


class Agreement(StrEnum):
    """Verdict on one statement of the paper."""

    AGREES = "agrees"
    DIFFERS = "differs"
    NOT_COMPARED = "cannot be compared"


_PLURAL = {"agrees": "agree", "differs": "differ"}

DATA_WORDS = {False: "real", True: "SIMULATED"}
"""Label of each row and figure, by whether the catalogue is simulated."""


@dataclass(frozen=True)
class ReproducedRow:
    """A statement of the paper and the same quantity of a catalogue.

    Parameters
    ----------
    key : str
        Name of the statement.
    section, figure : str
        Where the paper states it; "" for a statement that belongs to no figure.
    quantity : str
        Measured quantity, in words.
    paper : str
        Value as printed.
    unit : str
        Of all numbers of the row; "" without one.
    digits : int
        Decimals of the numbers.
    paper_low, paper_high : float or None
        Interval of values that are printed like this; None for an open end.
    ours, error : float or None
        Measured value and its standard error; None where nothing was measured.
    stars : int
        Stars measured.
    difference : float or None
        Ours minus the paper's value, or minus the nearest end of its interval; None where nothing was measured.
    allowed : float or None
        Statistical part of the tolerance: beyond the paper's interval by more, the verdict is `differs`.
    verdict : str
        One of :class:`Agreement`.
    reason : str
        Why it cannot be compared; "" otherwise.
    how : str
        Which stars, and how they were measured.
    command : str
        Command that repeats the measurement.
    simulated : bool
        Whether the catalogue is simulated.
    """

    key: str
    section: str
    figure: str
    quantity: str
    paper: str
    unit: str
    digits: int
    paper_low: float | None
    paper_high: float | None
    ours: float | None
    error: float | None
    stars: int
    difference: float | None
    allowed: float | None
    verdict: Agreement
    reason: str
    how: str
    command: str
    simulated: bool

    @property
    def place(self) -> str:
        """Section and figure of the paper."""
        return f"{self.section}, Fig.\u00a0{self.figure}" if self.figure else self.section

    @property
    def ours_text(self) -> str:
        """Measured value with error and unit; "-" without one."""
        if self.ours is None:
            return "-"
        error = ""
        if self.error:
            shown = self._number(self.error)
            error = f" ± {shown if float(shown.replace(',', '')) else format(self.error, '.1g')}"
        return f"{self._number(self.ours)}{error}{f' {self.unit}' if self.unit else ''}"

    @property
    def difference_text(self) -> str:
        """Signed difference, "inside" an open interval; "-" without one."""
        if self.difference is None:
            return "-"
        if self.difference == 0:
            return "inside" if None in (self.paper_low, self.paper_high) else "0"
        return self._number(self.difference, "+")

    @property
    def data(self) -> str:
        """Whether the data are real or simulated, as a label."""
        return DATA_WORDS[self.simulated]

    def _number(self, value: float, sign: str = "") -> str:
        """A number to one digit beyond those of the paper's, counts as whole numbers."""
        return f"{value:{sign}z,.{self.digits}f}"


@dataclass(frozen=True)
class DescribedFigure:
    """A figure of the paper in words.

    Parameters
    ----------
    number : str
        Number in the paper.
    title : str
        Subject.
    paper : str
        Contents of the paper's figure.
    """

    number: str
    title: str
    paper: str


@dataclass(frozen=True)
class ReproducedFigure(DescribedFigure):
    """A figure of the paper, drawn from a catalogue.

    Parameters
    ----------
    ours : str
        Contents of ours, with the number of stars; "" where it is not drawn.
    reason : str
        Why it is not drawn; "" where it is.
    files : tuple of str
        Names of its files; empty where it is not drawn.
    simulated : bool
        Whether the catalogue is simulated.
    """

    ours: str
    reason: str
    files: tuple[str, ...]
    simulated: bool

    @property
    def heading(self) -> str:
        """Number and subject, with the label of simulated data."""
        label = f"{DATA_WORDS[True]}: " if self.simulated else ""
        return f"{label}Figure {self.number}: {self.title}"

    def file(self, ending: str) -> str:
        """Name of its file with an ending such as ``.png``; "" without one."""
        return next((name for name in self.files if name.endswith(ending)), "")


@dataclass(frozen=True)
class Reproduction:
    """The whole report.

    Parameters
    ----------
    paper : str
        Citation of the paper.
    name : str
        Name of the catalogue's run.
    simulated : bool
        Whether the catalogue is simulated.
    simulated_note : str
        What is simulated; "" when nothing is.
    created : str
        UTC, ISO 8601.
    build : str
        Build identity of the product; "" for products of older programs.
    product_created : str
        When the product was built.
    configuration : mapping
        Configuration of the run that built it.
    versions : mapping of str to str
        Software that made this report.
    confidence_sigma : float
        Standard errors that a difference may have.
    min_stars : int
        Fewer stars give no statistic.
    rows : tuple of ReproducedRow
        In the order of the paper.
    figures : tuple of ReproducedFigure
        In the order of the paper.
    """

    paper: str
    name: str
    simulated: bool
    simulated_note: str
    created: str
    build: str
    product_created: str
    configuration: Mapping[str, Any]
    versions: Mapping[str, str]
    confidence_sigma: float
    min_stars: int
    rows: tuple[ReproducedRow, ...]
    figures: tuple[ReproducedFigure, ...]

    @property
    def created_text(self) -> str:
        """Date and minute of the report, UTC."""
        return f"{datetime.fromisoformat(self.created).astimezone(UTC):%Y-%m-%d %H:%M} UTC"

    @property
    def summary(self) -> str:
        """Number of statements by verdict, in a sentence."""
        counts = counted(self.rows)
        parts = ", ".join(
            f"{count} {verdict if count == 1 else _PLURAL.get(verdict, verdict)}"
            for verdict, count in counts.items()
            if count
        )
        label = f" {DATA_WORDS[True]}: {self.simulated_note}" if self.simulated else ""
        statements = "1 statement" if len(self.rows) == 1 else f"{len(self.rows)} statements"
        return f"{statements} of the paper: {parts}.{label}"


def counted(rows: Iterable[ReproducedRow]) -> dict[str, int]:
    """Number of rows by verdict, each verdict included."""
    verdicts = [str(row.verdict) for row in rows]
    return {str(verdict): verdicts.count(verdict) for verdict in Agreement}
