"""Statements of the paper as data, and the rule by which each gets its verdict.

A printed number stands for the interval of values that are printed alike (0.2 for 0.15 to 0.25), a phrase such as "more
than" for an open interval. Ours agrees if it is inside, or outside by at most :data:`CONFIDENCE_SIGMA` standard errors:
our own error, and that of the paper's number where the paper says enough to compute it. There is no other tolerance.
"""

from __future__ import annotations

import math
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pipeline.domain.reproduction import Agreement, ReproducedRow
from pipeline.reproduction.survey import Survey
from pipeline.science.quality.estimates import Estimate

CONFIDENCE_SIGMA = 3.0
"""Standard errors that a number may lie outside the paper's interval; chance exceeds them in 0.3 % of cases."""

MIN_STARS = 20
"""Fewer stars give no statistic; numbers of stars need none."""

REPEAT = "python -m pipeline reproduce {directory} --only {key}"
"""Command that measures a statement again."""

SETTINGS_OF_SIMULATION = "a simulated survey has another number by construction"
"""Reason for numbers that the simulation was given."""

_BEYOND_PRINTED = 1
"""Digits of ours beyond those of the paper."""


@dataclass(frozen=True)
class Claim:
    """A number of the paper.

    Parameters
    ----------
    printed : str
        As it is printed, with its unit.
    low, high : float
        Interval of values that are printed like that; infinite for an open end.
    unit : str
        "" without one.
    digits : int
        Decimals with which ours is shown.
    value : float or None
        Printed value; None for an interval or bound.
    error : float
        Standard error of the paper's number; 0 where the paper does not say enough.
    """

    printed: str
    low: float
    high: float
    unit: str = ""
    digits: int = 0
    value: float | None = None
    error: float = 0.0

    def difference(self, ours: float) -> float:
        """Ours minus the printed value, or the distance from the interval (0 inside)."""
        if self.value is not None:
            return ours - self.value
        return ours - min(max(ours, self.low), self.high)

    def allowed(self, ours: Estimate) -> float:
        """How far outside the interval a value may be."""
        return CONFIDENCE_SIGMA * math.hypot(ours.error if math.isfinite(ours.error) else 0.0, self.error)

    def verdict(self, ours: Estimate) -> Agreement:
        """Whether a measured number agrees."""
        allowed = self.allowed(ours)
        slack = 1e-9 * max(1.0, abs(ours.value))  # of decimal numbers in binary
        inside = self.low - allowed - slack <= ours.value <= self.high + allowed + slack
        return Agreement.AGREES if inside else Agreement.DIFFERS


def printed(value: float, step: float, unit: str = "", *, error: float = 0.0, about: bool = False) -> Claim:
    """A number that was rounded to multiples of ``step``."""
    decimals = max(0, -math.floor(math.log10(step) + 1e-9))
    text = f"{'about ' if about else ''}{value:,.{decimals}f}{f' {unit}' if unit else ''}"
    return Claim(text, value - step / 2, value + step / 2, unit, decimals + _BEYOND_PRINTED, value, error)


def counted_stars(value: int) -> Claim:
    """A number of stars, with its Poisson error."""
    return Claim(f"{value:,}", value, value, "", 0, float(value), math.sqrt(value))


def exactly(value: float, unit: str = "", digits: int = 0) -> Claim:
    """A number that has no error: a setting, or a statement about each star."""
    return Claim(f"{value:,.{digits}f}{f' {unit}' if unit else ''}", value, value, unit, digits, value)


def above(bound: float, words: str, unit: str = "", digits: int = 1) -> Claim:
    """A number that is larger than a bound."""
    return Claim(words, bound, math.inf, unit, digits)


def _never(_survey: Survey) -> str:
    """No reason against a comparison."""
    return ""


@dataclass(frozen=True)
class PaperStatement:
    """One statement of the paper about a number.

    Parameters
    ----------
    key : str
        Name for the command line.
    section, figure : str
        Where it stands; "" for no figure.
    quantity : str
        The number, in words.
    claim : Claim
        The number.
    measure : callable
        Measures it on a survey that has what it needs.
    needs : tuple of str
        Columns that it needs, see :class:`~pipeline.reproduction.survey.Survey`.
    how : str
        Which of our stars, and how.
    by_construction : str
        Why the number of a simulated survey is not comparable; "" where it is.
    refuse : callable
        Takes a survey and returns why its number is not comparable; "" where it is.
    command : str
        Template of the command that repeats it.
    counts : bool
        Whether it is a number that needs no minimum of stars.
    """

    key: str
    section: str
    quantity: str
    claim: Claim
    measure: Callable[[Survey], Estimate]
    needs: tuple[str, ...]
    how: str
    figure: str = ""
    by_construction: str = ""
    refuse: Callable[[Survey], str] = _never
    command: str = REPEAT
    counts: bool = False


def judged(statement: PaperStatement, survey: Survey, directory: Path) -> ReproducedRow:
    """Measure a statement on a survey and compare."""
    claim, simulated = statement.claim, survey.simulated
    reason, ours = survey.lacking(statement.needs), Estimate(math.nan, math.nan, 0)
    if not reason:
        ours = statement.measure(survey)
        if not statement.counts and ours.stars < MIN_STARS:
            reason, ours = f"too few stars: {ours.stars}, {MIN_STARS} are needed", ours._replace(value=math.nan)
        else:
            reason = (statement.by_construction if simulated else "") or statement.refuse(survey)
            if not math.isfinite(ours.value) and not reason:
                reason = "nothing was measured"
    measured = math.isfinite(ours.value)
    return ReproducedRow(
        statement.key,
        statement.section,
        statement.figure,
        statement.quantity,
        claim.printed,
        claim.unit,
        claim.digits,
        paper_low=_finite(claim.low),
        paper_high=_finite(claim.high),
        ours=_finite(ours.value),
        error=_finite(ours.error) if measured else None,
        stars=ours.stars,
        difference=claim.difference(ours.value) if measured else None,
        allowed=claim.allowed(ours) if measured else None,
        verdict=Agreement.NOT_COMPARED if reason else claim.verdict(ours),
        reason=reason,
        how=statement.how,
        command=statement.command.format(directory=shlex.quote(str(directory)), key=statement.key),
        simulated=simulated,
    )


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
