"""When do reviews of one star disagree, and what is the outcome of a star."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import combinations

from explorer.vetting.events import CLASS, VettingEvent
from explorer.vetting.rules import VettingRules


class Status(StrEnum):
    """How far a star has come."""

    INCOMPLETE = "incomplete"
    AGREED = "agreed"
    CONFLICT = "conflict"
    ADJUDICATED = "adjudicated"


SETTLED = frozenset({Status.AGREED, Status.ADJUDICATED})
"""Nothing more is to be said of such stars."""


@dataclass(frozen=True)
class Outcome:
    """What a star's reviews come to.

    Parameters
    ----------
    status : Status
        How far it has come.
    verdict : int or None
        The median of agreeing reviews, the lower one between two; the adjudicator's where there is one; else None.
    flags : tuple of str
        Those of the agreeing reviews or of the adjudicator.
    reviews : int
        How many.
    agreement : float
        Fraction of the pairs of reviews that do not conflict; NaN below two reviews.
    """

    status: Status
    verdict: int | None
    flags: tuple[str, ...]
    reviews: int
    agreement: float


def conflicts(reviews: Sequence[VettingEvent], published: Mapping[str, float], rules: VettingRules) -> tuple[str, ...]:
    """Why reviews disagree, in sentences; empty when they agree.

    Parameters
    ----------
    reviews : sequence of VettingEvent
        Standing verdicts on one star.
    published : mapping of str to float
        The catalogue's values of the quantities in ``rules.tolerances``, NaN where it has none: who proposes nothing
        stands by them.
    rules : VettingRules
        Gap and tolerances.
    """
    if len(reviews) < 2:
        return ()
    found = []
    verdicts = sorted({review.verdict for review in reviews if review.verdict is not None})
    if verdicts and verdicts[-1] - verdicts[0] >= rules.verdict_gap:
        found.append(f"Verdicts range from {verdicts[0]} to {verdicts[-1]}.")
    flagged = {flag for review in reviews for flag in review.flags}
    split = sorted(flag for flag in flagged if not all(flag in review.flags for review in reviews))
    if split:
        found.append(f"Not all raised {', '.join(split)}.")
    if len({review.proposal.get(CLASS, "") for review in reviews}) > 1:
        found.append("Proposed classes differ.")
    proposed = {name for review in reviews for name in review.proposal}
    for name, tolerance in rules.tolerances.items():
        if name not in proposed:  # all keep the published value
            continue
        values = [float(review.proposal.get(name, published.get(name, math.nan))) for review in reviews]
        known = [value for value in values if math.isfinite(value)]
        if known and (len(known) < len(values) or max(known) - min(known) > tolerance):
            found.append(f"Values of {name} differ by more than {tolerance:g}.")
    return tuple(found)


def outcome(
    reviews: Sequence[VettingEvent],
    adjudication: VettingEvent | None,
    published: Mapping[str, float],
    rules: VettingRules,
) -> Outcome:
    """Settle a star where it can be settled."""
    pairs = list(combinations(reviews, 2))
    agreeing = sum(not conflicts(pair, published, rules) for pair in pairs)
    agreement = agreeing / len(pairs) if pairs else math.nan
    if adjudication is not None:
        return Outcome(Status.ADJUDICATED, adjudication.verdict, adjudication.flags, len(reviews), agreement)
    if len(reviews) < rules.reviews:
        return Outcome(Status.INCOMPLETE, None, (), len(reviews), agreement)
    if conflicts(reviews, published, rules):
        return Outcome(Status.CONFLICT, None, (), len(reviews), agreement)
    verdicts = sorted(review.verdict for review in reviews if review.verdict is not None)
    return Outcome(Status.AGREED, verdicts[(len(verdicts) - 1) // 2], reviews[0].flags, len(reviews), agreement)
