"""Physics checks of a catalogue: one comparison, its verdict, and the verdicts that stop a release."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

REPORT_KEY = "sanity"
"""Where a build's report holds its physics checks: a list of :class:`Check` as JSON objects."""


class Verdict(StrEnum):
    """Result of a check."""

    EXPECTED = "as expected"
    UNLIKELY = "unlikely"
    IMPOSSIBLE = "impossible"
    TOO_FEW = "not enough stars"


@dataclass(frozen=True)
class Check:
    """One physics check.

    Parameters
    ----------
    name : str
        What was compared.
    value : float or None
        What the catalogue has; None where there are not enough stars.
    error : float or None
        Standard error of the value.
    unit : str
        Of the value and the ranges; "" without one.
    low, high : float
        Expected range.
    stars : int
        Stars that were used.
    verdict : str
        See :class:`Verdict`.
    sentence : str
        What it means, and where it is impossible what may be wrong.
    """

    name: str
    value: float | None
    error: float | None
    unit: str
    low: float
    high: float
    stars: int
    verdict: str
    sentence: str

    def line(self) -> str:
        """The check in a line of text."""
        if self.value is None:
            return f"{self.name}: {self.verdict} ({self.stars}). {self.sentence}"
        unit = f" {self.unit}" if self.unit else ""
        return (
            f"{self.name}: {self.verdict.upper() if self.verdict == Verdict.IMPOSSIBLE else self.verdict}, "
            f"{self.value:.3g}{unit}, expected {self.low:g} to {self.high:g}{unit}, {self.stars:,} stars. "
            f"{self.sentence}"
        )


def checks_of(report: Mapping[str, Any]) -> tuple[Check, ...] | None:
    """Physics checks of a build's report; None where the build made none."""
    entries = report.get(REPORT_KEY)
    return None if entries is None else tuple(Check(**entry) for entry in entries)


def impossible(checks: Iterable[Check]) -> tuple[Check, ...]:
    """Checks whose value no real catalogue can have."""
    return tuple(check for check in checks if check.verdict == Verdict.IMPOSSIBLE)
