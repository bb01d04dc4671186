"""The rules of the pages applied to imported events: each is accepted or refused with a reason."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import combinations

from explorer.vetting.campaigns import Campaign, Task
from explorer.vetting.conflicts import conflicts
from explorer.vetting.drafts import Draft, breach
from explorer.vetting.events import EventKind, VettingEvent, utc_of, utc_text
from explorer.vetting.people import People, Role
from explorer.vetting.status import by_time, state_of

CLOCKS = timedelta(hours=1)
"""Tolerated difference between the clocks of two machines."""


@dataclass(frozen=True)
class Queue:
    """A campaign with its queue, against which imported events are checked.

    Parameters
    ----------
    campaign : Campaign
        The campaign with its rules.
    stars : frozenset of int
        Its obsids.
    occasions : frozenset of (int, int)
        Its obsids with their occasions.
    earliest : str
        UTC of the earliest possible event.
    """

    campaign: Campaign
    stars: frozenset[int]
    occasions: frozenset[tuple[int, int]]
    earliest: str

    @classmethod
    def of(cls, campaign: Campaign, tasks: Sequence[Task]) -> Queue:
        """Create from a campaign and its tasks."""
        return cls(
            campaign,
            frozenset(task.star for task in tasks),
            frozenset((task.star, task.occasion) for task in tasks),
            utc_text(utc_of(campaign.created) - CLOCKS),
        )


def violation(event: VettingEvent, queue: Queue | None, latest: str, people: People | None) -> str:
    """The rule that an event breaks by itself, as a sentence; "" when none.

    Parameters
    ----------
    event : VettingEvent
        An imported event.
    queue : Queue or None
        Queue of its campaign; None when the record lacks the campaign.
    latest : str
        UTC of the latest possible event.
    people : People or None
        Roles of this server; None where there are none to check.
    """
    if queue is None:
        return "Its campaign is not in the record."
    undo, listed = event.kind is EventKind.UNDO, event.star in queue.stars
    result = [
        (event.utc > latest, f"Its time {event.utc} is in the future."),
        (event.utc < queue.earliest, f"Its time {event.utc} is before the start of its campaign."),
        (
            event.catalogue.split()[:1] != queue.campaign.catalogue.split()[:1],
            f"It is about the catalogue {event.catalogue!r:.60}, its campaign about another one.",
        ),
        (
            listed and (event.star, event.occasion) not in queue.occasions,
            f"Star {event.star} has no occasion {event.occasion} in this campaign.",
        ),
        (event.kind is EventKind.ADJUDICATION and event.occasion != 1, "An adjudication is of the first occasion."),
        (undo and bool(event.flags or event.proposal), "An undo has neither flags nor a proposal."),
        (undo and not listed, f"Star {event.star} is not in this campaign."),
    ]
    for broken, reason in result:
        if broken:
            return reason
    if undo:
        return ""
    wrong_role = _role_violation(event.user, event.kind, people)
    if wrong_role or event.verdict is None:
        return wrong_role
    draft = Draft(event.id, event.star, event.verdict, event.flags, event.note, event.proposal)
    return breach(draft, queue.campaign.rules, queue.stars)


def _role_violation(user: str, kind: EventKind, people: People | None) -> str:
    needed = Role.ADJUDICATOR if kind is EventKind.ADJUDICATION else Role.INSPECTOR
    if people is None or people.role_of(user) >= needed:
        return ""
    return f"{user} is no {needed.name.lower()} of this server."


def contradiction(event: VettingEvent, stored: Mapping[str, VettingEvent]) -> str:
    """How stored events contradict an event, as a sentence; "" when they do not."""
    if event.supersedes is None:
        return ""
    undo = event.kind is EventKind.UNDO
    does = "withdraws" if undo else "replaces"
    target = stored.get(event.supersedes)
    if target is None:
        return f"The event that it {does} is not in the record."
    own = target.user == event.user or event.kind is EventKind.ADJUDICATION
    result = [
        (
            not own or (target.star, target.campaign) != (event.star, event.campaign),
            f"It {does} an event of another user, or of another star.",
        ),
        (
            not undo and (target.kind, target.occasion) != (event.kind, event.occasion),
            "It replaces an event of another kind, or of another occasion.",
        ),
        (by_time(target) >= by_time(event), f"It {does} a later event."),
    ]
    return next((reason for broken, reason in result if broken), "")


def joint_violations(
    new_events: Sequence[VettingEvent],
    stored: Iterable[VettingEvent],
    queue: Queue,
    published: Callable[[int], Mapping[str, float]] | None,
) -> dict[str, str]:
    """Rules that new events of one star break together with the stored ones.

    The result depends on the union alone, not on the order of imports: where two records can be merged completely, both
    directions accept everything.

    Parameters
    ----------
    fresh : sequence of VettingEvent
        New events of one star that are valid by themselves.
    there : iterable of VettingEvent
        Stored events of the star.
    queue : Queue
        Queue of the campaign.
    published : callable or None
        Returns the catalogue's values of a star; None without a catalogue, so that any proposal can conflict.

    Returns
    -------
    dict of str to str
        Sentences by the ids of the refused events.
    """
    known, rules = list(stored), queue.campaign.rules
    refused: dict[str, str] = {}
    kept = [*known, *new_events]
    reviewers = state_of(kept).verdicts.get(1, {})
    stored_reviewers = {event.user for event in known if event.kind is EventKind.VERDICT and event.occasion == 1}
    surplus = len(reviewers) - rules.reviews
    if surplus > 0:
        first_times = {
            user: min(by_time(verdict) for verdict in kept if verdict.user == user)
            for user in reviewers
            if user not in stored_reviewers
        }
        for user in sorted(first_times, key=first_times.__getitem__, reverse=True)[:surplus]:
            sentence = f"Star {new_events[0].star} has its {rules.reviews} reviews by others."
            refused |= {
                event.id: sentence for event in new_events if event.user == user and not _is_settling(event, kept)
            }
        kept = [event for event in kept if event.id not in refused]
    judged = {event.user for event in kept if event.kind is EventKind.VERDICT and event.occasion == 1}
    for event in new_events:
        if event.kind is EventKind.VERDICT and event.occasion == 2 and event.user not in judged:
            refused[event.id] = f"{event.user} judged star {event.star} on the second occasion only."
    if not _ever_conflicted(kept, queue, published):
        for event in new_events:
            if _is_settling(event, kept):
                refused[event.id] = f"The reviews of star {event.star} do not conflict."
    return _with_dependents(refused, new_events)


def _is_settling(event: VettingEvent, events: Iterable[VettingEvent]) -> bool:
    """Whether an event is an adjudication, or withdraws one."""
    if event.kind is EventKind.ADJUDICATION:
        return True
    ids = {verdict.id for verdict in events if verdict.kind is EventKind.ADJUDICATION}
    return event.kind is EventKind.UNDO and event.supersedes in ids


def _with_dependents(refused: dict[str, str], new_events: Sequence[VettingEvent]) -> dict[str, str]:
    """Also refuse the events that withdraw or replace a refused event."""
    result = dict(refused)
    for event in sorted(new_events, key=by_time):
        if event.id not in result and event.supersedes in result:
            result[event.id] = "The event that it withdraws or replaces was refused."
    return result


def _ever_conflicted(
    events: Iterable[VettingEvent], queue: Queue, published: Callable[[int], Mapping[str, float]] | None
) -> bool:
    """Whether any two verdicts of two users on a star conflict, including replaced ones."""
    verdicts_by_user: defaultdict[str, list[VettingEvent]] = defaultdict(list)
    for event in events:
        if event.kind is EventKind.VERDICT and event.occasion == 1:
            verdicts_by_user[event.user].append(event)
    rules = queue.campaign.rules
    if len(verdicts_by_user) < max(2, rules.reviews):
        return False
    for user, other in combinations(verdicts_by_user, 2):
        for verdict in verdicts_by_user[user]:
            for other_verdict in verdicts_by_user[other]:
                values = dict.fromkeys(rules.tolerances, math.nan) if published is None else published(verdict.star)
                if conflicts((verdict, other_verdict), values, rules):
                    return True
    return False
