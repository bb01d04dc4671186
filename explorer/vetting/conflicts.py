"""Conflicts between reviews of one star, and the resulting outcome."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import combinations

from explorer.vetting.events import CLASS, VettingEvent
from explorer.vetting.rules import VettingRules


class Status(StrEnum):
    """State of a star in a campaign."""

    INCOMPLETE = "incomplete"
    AGREED = "agreed"
    CONFLICT = "conflict"
    ADJUDICATED = "adjudicated"


SETTLED = frozenset({Status.AGREED, Status.ADJUDICATED})
"""States that need no further review."""


@dataclass(frozen=True)
class Outcome:
    """Combined result of the reviews of a star.

    Parameters
    ----------
    status : Status
        State of the star.
    verdict : int or None
        The median of agreeing reviews, the lower one between two; that of an adjudication if there is one; else None.
    flags : tuple of str
        Flags of the agreeing reviews or of the adjudication.
    reviews : int
        Number of reviews.
    agreement : float
        Of the reviews, as :class:`pipeline.products.vetting.Verdict` has it: pairs agree that do not conflict.
    """

    status: Status
    verdict: int | None
    flags: tuple[str, ...]
    reviews: int
    agreement: float


def conflicts(reviews: Sequence[VettingEvent], published: Mapping[str, float], rules: VettingRules) -> tuple[str, ...]:
    """Reasons why reviews disagree, as sentences; empty when they agree.

    Parameters
    ----------
    reviews : sequence of VettingEvent
        Valid verdicts on one star.
    published : mapping of str to float
        The catalogue's values of the quantities in ``rules.tolerances``, NaN where it has none: a review without a
        proposal confirms them.
    rules : VettingRules
        Verdict gap and tolerances.
    """
    if len(reviews) < 2:
        return ()
    reasons = []
    verdicts = sorted({review.verdict for review in reviews if review.verdict is not None})
    if verdicts and verdicts[-1] - verdicts[0] >= rules.verdict_gap:
        reasons.append(f"Verdicts range from {verdicts[0]} to {verdicts[-1]}.")
    flagged = {flag for review in reviews for flag in review.flags}
    split = sorted(flag for flag in flagged if not all(flag in review.flags for review in reviews))
    if split:
        reasons.append(f"Not all raised {', '.join(split)}.")
    if len({review.proposal.get(CLASS, "") for review in reviews}) > 1:
        reasons.append("Proposed classes differ.")
    proposed = {name for review in reviews for name in review.proposal}
    for name, tolerance in rules.tolerances.items():
        if name not in proposed:  # all keep the published value
            continue
        values = [float(review.proposal.get(name, published.get(name, math.nan))) for review in reviews]
        known = [value for value in values if math.isfinite(value)]
        if known and (len(known) < len(values) or max(known) - min(known) > tolerance):
            reasons.append(f"Values of {name} differ by more than {tolerance:g}.")
    return tuple(reasons)


def outcome(
    reviews: Sequence[VettingEvent],
    adjudication: VettingEvent | None,
    published: Mapping[str, float],
    rules: VettingRules,
) -> Outcome:
    """Combine the reviews and the adjudication of a star."""
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
