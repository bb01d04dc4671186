"""Verdicts that pages submit, and their validation before they are recorded."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from explorer.model.proposals import Proposal
from explorer.vetting.conflicts import Outcome
from explorer.vetting.events import CLASS, REFIT, EventKind, VettingEvent
from explorer.vetting.rules import VettingRules
from pipeline.domain.columns import column

LARGEST_NUMBER = 10_000.0
"""Largest absolute value of a proposed number where the column declares no bounds."""


class RefusedError(PermissionError):
    """An action was refused; the message is shown to the user."""


@dataclass(frozen=True)
class Draft:
    """A verdict that a page submits.

    Parameters
    ----------
    id : str
        UUID made by the page.
    star : int
        obsid.
    verdict : int
        One of the campaign's.
    flags : tuple of str
        Some of the campaign's.
    note : str
        Free text.
    proposal : mapping of str to float or str
        Some of the campaign's quantities, and ``class``.
    """

    id: str
    star: int
    verdict: int
    flags: tuple[str, ...] = ()
    note: str = ""
    proposal: Mapping[str, float | str] = field(default_factory=dict)

    def made(self, event: VettingEvent, user: str, campaign: str, kind: EventKind) -> bool:
        """Whether an event records this draft, of that person, in that campaign.

        The refit is ignored: a page that was reloaded submits a draft without it.
        """
        return (
            (event.user, event.campaign, event.kind) == (user, campaign, kind)
            and (event.star, event.verdict, event.flags) == (self.star, self.verdict, tuple(sorted(set(self.flags))))
            and (event.note, _without_refit(event.proposal)) == (self.note, _without_refit(self.proposal))
        )


def _without_refit(proposal: Mapping[str, float | str]) -> dict[str, float | str]:
    return {name: value for name, value in proposal.items() if name != REFIT}


@dataclass(frozen=True)
class Case:
    """A star with conflicting reviews.

    Parameters
    ----------
    star : int
        obsid.
    reasons : tuple of str
        Why the reviews conflict.
    outcome : Outcome
        Their combined result.
    """

    star: int
    reasons: tuple[str, ...]
    outcome: Outcome


def breach(draft: Draft, rules: VettingRules, stars: Collection[int]) -> str:
    """The rule of a campaign that a draft breaks, as a sentence; "" when none.

    Parameters
    ----------
    draft : Draft
        The submitted verdict.
    rules : VettingRules
        Rules of the campaign.
    stars : collection of int
        Its obsids.
    """
    if draft.star not in stars:
        return f"Star {draft.star} is not in this campaign."
    if draft.verdict not in rules.verdicts:
        return f"{draft.verdict} is no verdict of this campaign."
    for flag in draft.flags:
        if flag not in rules.flags:
            return f"{flag!r:.80} is no flag of this campaign."
    for name, value in draft.proposal.items():
        if name not in (CLASS, REFIT, *rules.tolerances):
            return f"{name!r:.80} cannot be proposed in this campaign."
        wrong = "" if name in (CLASS, REFIT) else _breach_of_number(name, value)
        if wrong:
            return wrong
    return _breach_of_refit(draft) if REFIT in draft.proposal else ""


def _breach_of_number(name: str, value: float | str) -> str:
    if isinstance(value, (str, bool)) or value != value or abs(value) == math.inf:  # noqa: PLR0124 - NaN
        return f"The proposed {name} is {value!r:.40}, which is not a finite number."
    declared = column(name)
    low = -LARGEST_NUMBER if declared.low is None else declared.low
    high = LARGEST_NUMBER if declared.high is None else declared.high
    if low <= value <= high:
        return ""
    limits = f"between {low:,g} and {high:,g} {declared.unit}".strip()
    return f"The proposed {name} is {value!r:.40}; allowed are values {limits}."


def _breach_of_refit(draft: Draft) -> str:
    try:
        proposal = Proposal.from_json(str(draft.proposal[REFIT]))
    except ValueError as error:
        return str(error)
    except (RecursionError, OverflowError):
        return "The refit is damaged: it is nested too deep, or holds a number that is too large."
    return "" if proposal.obsid == draft.star else f"The refit is not of star {draft.star}."
