"""Projection of a campaign's events to sums and lists, updated star by star as events arrive.

A slow and simple implementation of the same numbers is in ``tests/reference/slow_overview.py``.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from explorer.vetting.campaigns import Campaign, Task
from explorer.vetting.conflicts import SETTLED, Outcome, Status, conflicts, outcome
from explorer.vetting.drafts import Case
from explorer.vetting.events import EventKind, VettingEvent
from explorer.vetting.inspector_counts import Confusion, InspectorCounts, microseconds
from explorer.vetting.status import CampaignStatus


@dataclass(frozen=True)
class _Part:
    """Contribution of one star to the sums.

    Parameters
    ----------
    firsts, seconds : mapping of str to VettingEvent
        Valid verdicts by user, of the first and of the second occasion.
    adjudications : tuple of str
        Users of the adjudications that were not withdrawn.
    outcome : Outcome
        Combined result of the reviews.
    reasons : tuple of str
        Reasons of a conflict.
    """

    firsts: Mapping[str, VettingEvent]
    seconds: Mapping[str, VettingEvent]
    adjudications: tuple[str, ...]
    outcome: Outcome
    reasons: tuple[str, ...]


class Projection:
    """Sums and lists of one campaign.

    Parameters
    ----------
    campaign : Campaign
        The campaign with its rules.
    tasks : sequence of Task
        Its queue.
    published : callable
        Returns the catalogue's values of a star's quantities that can be proposed.

    Attributes
    ----------
    status : CampaignStatus
        Derived state of each star.
    done : Counter of Status
        Stars of the queue by status.
    given, remaining : int
        Blind reviews that count, and those that are still needed.
    counts_by_user : mapping of str to InspectorCounts
        By user.
    pairs : mapping of (str, str) to Confusion
        By pairs of users, in the order of their names.
    agreement : ndarray of int64, shape (verdicts,)
        Counts of each verdict over the ``complete`` stars, those with exactly the required number of reviews.
    squares : int
        Over the same stars: sum of the squares of each star's counts.
    """

    def __init__(
        self, campaign: Campaign, tasks: Sequence[Task], published: Callable[[int], Mapping[str, float]]
    ) -> None:
        self.campaign, self.tasks = campaign, tasks
        self.status = CampaignStatus()
        self.firsts = {task.star: place for place, task in enumerate(tasks) if task.occasion == 1}
        self.seconds = frozenset(task.star for task in tasks if task.occasion == 2)
        self.controls = sum(task.control for task in tasks if task.occasion == 1)
        self.done: Counter[Status] = Counter({Status.INCOMPLETE: len(self.firsts)})
        self.given, self.remaining = 0, campaign.rules.reviews * len(self.firsts)
        self.open_firsts = len(self.firsts)
        self.counts_by_user: defaultdict[str, InspectorCounts] = defaultdict(InspectorCounts)
        self.pairs: dict[tuple[str, str], Confusion] = {}
        self.ranks = {verdict: rank for rank, verdict in enumerate(sorted(campaign.rules.verdicts))}
        self.agreement, self.squares, self.complete = np.zeros(len(self.ranks), np.int64), 0, 0
        self._published = published
        self._parts: dict[int, _Part] = {}
        self._cases: set[int] = set()
        self._stale: set[int] = set()

    def fold(self, events: Iterable[VettingEvent]) -> None:
        """Add events, in any order, each once; :meth:`update` updates the sums."""
        self._stale |= self.status.add(events)

    def update(self, at_most: int | None = None) -> bool:
        """Update the sums for changed stars.

        Parameters
        ----------
        at_most : int, optional
            Maximum number of stars to update.

        Returns
        -------
        bool
            Whether all stars are up to date.
        """
        count = 0
        while self._stale and (at_most is None or count < at_most):
            self._replace(self._stale.pop())
            count += 1
        return not self._stale

    @property
    def n_pending(self) -> int:
        """Number of stars that wait for :meth:`update`."""
        return len(self._stale)

    def outcome(self, star: int) -> Outcome:
        """Outcome of a star."""
        part = self._parts.get(star)
        return self._part(star).outcome if part is None else part.outcome

    @property
    def over(self) -> bool:
        """Whether all stars are settled."""
        return sum(self.done[status] for status in SETTLED) == len(self.firsts)

    def cases(self) -> list[Case]:
        """Stars with a conflict or an adjudication, in the order of the queue."""
        stars = sorted(self._cases, key=self.firsts.__getitem__)
        return [Case(star, self._parts[star].reasons, self._parts[star].outcome) for star in stars]

    def is_case(self, star: int) -> bool:
        """Whether a star has a conflict or an adjudication."""
        return star in self._cases

    def own_counts(self, user: str) -> tuple[int, int]:
        """Numbers of tasks that a user has judged, and that are open to the user."""
        counts = self.counts_by_user.get(user)
        if counts is None:
            return 0, self.open_firsts
        return counts.done, self.open_firsts - counts.judged_open + counts.again

    def _part(self, star: int) -> _Part:
        status, rules = self.status, self.campaign.rules
        state, reviews, published = status.star(star), status.reviews(star), self._published(star)
        adjudications = tuple(
            event.user
            for event in status.events(star)
            if event.kind is EventKind.ADJUDICATION and event.id not in state.withdrawn
        )
        result = outcome(reviews, state.adjudication, published, rules)
        reasons = conflicts(reviews, published, rules) if result.status in (Status.CONFLICT, Status.ADJUDICATED) else ()
        return _Part(state.verdicts.get(1, {}), state.verdicts.get(2, {}), adjudications, result, reasons)

    def _replace(self, star: int) -> None:
        part = self._part(star)
        before = self._parts.get(star)
        if before is not None:
            self._count(star, before, -1)
        self._count(star, part, 1)
        if star in self.firsts:
            self.done[Status.INCOMPLETE if before is None else before.outcome.status] -= 1
            self.done[part.outcome.status] += 1
            if part.outcome.status in (Status.CONFLICT, Status.ADJUDICATED):
                self._cases.add(star)
            else:
                self._cases.discard(star)
        self._parts[star] = part

    def _count(self, star: int, part: _Part, by: int) -> None:
        """Add a star's contribution to all sums, or subtract it."""
        if star in self.firsts:
            self._count_task(part, by)
        self._count_users(star, part, by)
        for user, other in combinations(sorted(part.firsts), 2):
            confusion = self.pairs.setdefault((user, other), Confusion(len(self.ranks)))
            confusion.add(self._rank(part.firsts[user]), self._rank(part.firsts[other]), by)

    def _count_task(self, part: _Part, by: int) -> None:
        reviews = self.campaign.rules.reviews
        counted = min(len(part.firsts), reviews)
        over = part.outcome.status is Status.ADJUDICATED
        self.given += by * counted
        self.remaining += by * ((0 if over else reviews - counted) - reviews)
        open_to_others = counted < reviews and not over
        self.open_firsts += by * (int(open_to_others) - 1)
        if open_to_others:
            for user in part.firsts:
                self.counts_by_user[user].judged_open += by
        if len(part.firsts) == reviews:
            row = np.bincount([self._rank(event) for event in part.firsts.values()], minlength=len(self.ranks))
            self.agreement += by * row
            self.squares += by * int((row**2).sum())
            self.complete += by

    def _count_users(self, star: int, part: _Part, by: int) -> None:
        first_task, second_task = star in self.firsts, star in self.seconds
        for user, event in part.firsts.items():
            counts = self.counts_by_user[user]
            counts.firsts += by
            counts.done += by * first_task
            counts.again += by * (second_task and user not in part.seconds)
            self._time(counts, event, by)
            if user in part.seconds:
                gap = abs(int(event.verdict or 0) - int(part.seconds[user].verdict or 0))
                counts.repeats += by
                counts.same += by * (gap == 0)
                counts.gap += by * gap
        for user, event in part.seconds.items():
            self.counts_by_user[user].done += by * second_task
            self._time(self.counts_by_user[user], event, by)
        for user in part.adjudications:
            self.counts_by_user[user].adjudications += by

    @staticmethod
    def _time(counts: InspectorCounts, event: VettingEvent, by: int) -> None:
        change = counts.pace.add if by > 0 else counts.pace.remove
        change(microseconds(event.utc))

    def _rank(self, event: VettingEvent) -> int:
        return self.ranks[event.verdict or 0]
