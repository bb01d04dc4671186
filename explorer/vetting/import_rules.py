"""The rules that pages enforce, for events that come from a file: each is taken or refused with its reason."""

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
"""How much the clocks of two machines may differ."""


@dataclass(frozen=True)
class Queue:
    """What the events of a campaign must fit.

    Parameters
    ----------
    campaign : Campaign
        With its rules.
    stars : frozenset of int
        Its obsids.
    occasions : frozenset of (int, int)
        Its obsids with their occasions.
    earliest : str
        UTC before which nobody can have judged.
    """

    campaign: Campaign
    stars: frozenset[int]
    occasions: frozenset[tuple[int, int]]
    earliest: str

    @classmethod
    def of(cls, campaign: Campaign, tasks: Sequence[Task]) -> Queue:
        """Of a campaign and its tasks."""
        return cls(
            campaign,
            frozenset(task.star for task in tasks),
            frozenset((task.star, task.occasion) for task in tasks),
            utc_text(utc_of(campaign.created) - CLOCKS),
        )


def broken_alone(event: VettingEvent, queue: Queue | None, latest: str, people: People | None) -> str:
    """Which rule an event breaks whatever else the record holds, as a sentence; "" when none.

    Parameters
    ----------
    event : VettingEvent
        From a file.
    queue : Queue or None
        Of its campaign, None when the record lacks it.
    latest : str
        UTC after which nobody can have judged yet.
    people : People or None
        Roles of this server; None where there are none to check.
    """
    if queue is None:
        return "Its campaign is not in the record."
    undo, listed = event.kind is EventKind.UNDO, event.star in queue.stars
    found = [
        (event.utc > latest, f"It happened in the future ({event.utc})."),
        (event.utc < queue.earliest, f"It happened before its campaign was started ({event.utc})."),
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
    for broken, reason in found:
        if broken:
            return reason
    if undo:
        return ""
    wrong_role = _broken_role(event.user, event.kind, people)
    if wrong_role or event.verdict is None:
        return wrong_role
    draft = Draft(event.id, event.star, event.verdict, event.flags, event.note, event.proposal)
    return breach(draft, queue.campaign.rules, queue.stars)


def _broken_role(user: str, kind: EventKind, people: People | None) -> str:
    needed = Role.ADJUDICATOR if kind is EventKind.ADJUDICATION else Role.INSPECTOR
    if people is None or people.role_of(user) >= needed:
        return ""
    return f"{user} is no {needed.name.lower()} of this server."


def contradiction(event: VettingEvent, there: Mapping[str, VettingEvent]) -> str:
    """How the rest of the record contradicts an event, as a sentence; "" when it does not."""
    if event.supersedes is None:
        return ""
    undo = event.kind is EventKind.UNDO
    does = "takes back" if undo else "replaces"
    target = there.get(event.supersedes)
    if target is None:
        return f"The event that it {does} is not in the record."
    own = target.user == event.user or event.kind is EventKind.ADJUDICATION
    found = [
        (
            not own or (target.star, target.campaign) != (event.star, event.campaign),
            f"It {does} what somebody else judged, or a verdict on another star.",
        ),
        (
            not undo and (target.kind, target.occasion) != (event.kind, event.occasion),
            "It replaces an event of another kind, or of another occasion.",
        ),
        (by_time(target) >= by_time(event), f"It {does} what was judged later."),
    ]
    return next((reason for broken, reason in found if broken), "")


def broken_together(
    fresh: Sequence[VettingEvent],
    there: Iterable[VettingEvent],
    queue: Queue,
    published: Callable[[int], Mapping[str, float]] | None,
) -> dict[str, str]:
    """Which new events of one star break a rule together with those that the record has.

    The answer depends on the union alone, never on what came first: where two records may be merged whole, both ways
    of merging take everything.

    Parameters
    ----------
    fresh : sequence of VettingEvent
        New events of one star that are right by themselves.
    there : iterable of VettingEvent
        Events of the star in the record.
    queue : Queue
        Of the campaign.
    published : callable or None
        Gives the catalogue's values of a star; None where there is no catalogue: then any proposal can conflict.

    Returns
    -------
    dict of str to str
        Sentences by the ids of the events that are to be refused.
    """
    known, rules = list(there), queue.campaign.rules
    refused: dict[str, str] = {}
    kept = [*known, *fresh]
    reviewers = state_of(kept).verdicts.get(1, {})
    here = {event.user for event in known if event.kind is EventKind.VERDICT and event.occasion == 1}
    surplus = len(reviewers) - rules.reviews
    if surplus > 0:
        first = {user: min(by_time(one) for one in kept if one.user == user) for user in reviewers if user not in here}
        for user in sorted(first, key=first.__getitem__, reverse=True)[:surplus]:
            sentence = f"Star {fresh[0].star} has its {rules.reviews} reviews by others."
            refused |= {event.id: sentence for event in fresh if event.user == user and not _settles(event, kept)}
        kept = [event for event in kept if event.id not in refused]
    judged = {event.user for event in kept if event.kind is EventKind.VERDICT and event.occasion == 1}
    for event in fresh:
        if event.kind is EventKind.VERDICT and event.occasion == 2 and event.user not in judged:
            refused[event.id] = f"{event.user} judged star {event.star} a second time only."
    if not _ever_conflicted(kept, queue, published):
        for event in fresh:
            if _settles(event, kept):
                refused[event.id] = f"The reviews of star {event.star} do not conflict."
    return _with_undos(refused, fresh)


def _settles(event: VettingEvent, events: Iterable[VettingEvent]) -> bool:
    """Whether an event is an adjudication, or takes one back."""
    if event.kind is EventKind.ADJUDICATION:
        return True
    ids = {one.id for one in events if one.kind is EventKind.ADJUDICATION}
    return event.kind is EventKind.UNDO and event.supersedes in ids


def _with_undos(refused: dict[str, str], fresh: Sequence[VettingEvent]) -> dict[str, str]:
    """With an event goes what takes it back or replaces it."""
    found = dict(refused)
    for event in sorted(fresh, key=by_time):
        if event.id not in found and event.supersedes in found:
            found[event.id] = "The event that it takes back or replaces was refused."
    return found


def _ever_conflicted(
    events: Iterable[VettingEvent], queue: Queue, published: Callable[[int], Mapping[str, float]] | None
) -> bool:
    """Whether any two verdicts of two users on a star conflict, also such as were changed since."""
    said: defaultdict[str, list[VettingEvent]] = defaultdict(list)
    for event in events:
        if event.kind is EventKind.VERDICT and event.occasion == 1:
            said[event.user].append(event)
    rules = queue.campaign.rules
    if len(said) < max(2, rules.reviews):
        return False
    for user, other in combinations(said, 2):
        for one in said[user]:
            for another in said[other]:
                values = dict.fromkeys(rules.tolerances, math.nan) if published is None else published(one.star)
                if conflicts((one, another), values, rules):
                    return True
    return False
