"""What the pages ask of one campaign, kept up to date star by star as events come in.

The same numbers from scratch, slowly and plainly, are in ``tests/reference/slow_overview.py``.
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
from explorer.vetting.status import Standing
from explorer.vetting.tally import Confusion, Tally, microseconds


@dataclass(frozen=True)
class _Part:
    """What one star adds to the sums.

    Parameters
    ----------
    firsts, seconds : mapping of str to VettingEvent
        Standing verdicts by user, of both occasions.
    adjudications : tuple of str
        Users of the adjudications that were not taken back.
    outcome : Outcome
        How far the star has come.
    reasons : tuple of str
        Why its reviews conflict.
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
        Whose rules hold.
    tasks : sequence of Task
        Its queue.
    published : callable
        Gives the catalogue's values of a star's quantities that can be proposed.

    Attributes
    ----------
    standing : Standing
        What holds of each star.
    done : Counter of Status
        Stars of the queue by how far they have come.
    given, remaining : int
        Blind reviews that count, and that are still needed.
    tallies : mapping of str to Tally
        By user.
    pairs : mapping of (str, str) to Confusion
        By two users, in the order of their names.
    agreement : ndarray of int64, shape (verdicts,)
        Over the ``complete`` stars with exactly the number of reviews: how often each verdict was given.
    squares : int
        Over the same stars: sum of the squares of each star's counts.
    """

    def __init__(
        self, campaign: Campaign, tasks: Sequence[Task], published: Callable[[int], Mapping[str, float]]
    ) -> None:
        self.campaign, self.tasks = campaign, tasks
        self.standing = Standing()
        self.firsts = {task.star: place for place, task in enumerate(tasks) if task.occasion == 1}
        self.seconds = frozenset(task.star for task in tasks if task.occasion == 2)
        self.controls = sum(task.control for task in tasks if task.occasion == 1)
        self.done: Counter[Status] = Counter({Status.INCOMPLETE: len(self.firsts)})
        self.given, self.remaining = 0, campaign.rules.reviews * len(self.firsts)
        self.open_firsts = len(self.firsts)
        self.tallies: defaultdict[str, Tally] = defaultdict(Tally)
        self.pairs: dict[tuple[str, str], Confusion] = {}
        self.ranks = {verdict: rank for rank, verdict in enumerate(sorted(campaign.rules.verdicts))}
        self.agreement, self.squares, self.complete = np.zeros(len(self.ranks), np.int64), 0, 0
        self._published = published
        self._parts: dict[int, _Part] = {}
        self._cases: set[int] = set()
        self._stale: set[int] = set()

    def fold(self, events: Iterable[VettingEvent]) -> None:
        """Take in events, in any order, each once; :meth:`settle` brings the sums up to date."""
        self._stale |= self.standing.add(events)

    def settle(self, at_most: int | None = None) -> bool:
        """Bring the sums up to date.

        Parameters
        ----------
        at_most : int, optional
            Stop after so many stars.

        Returns
        -------
        bool
            Whether all are up to date.
        """
        count = 0
        while self._stale and (at_most is None or count < at_most):
            self._replace(self._stale.pop())
            count += 1
        return not self._stale

    @property
    def unsettled(self) -> int:
        """Stars that wait for :meth:`settle`."""
        return len(self._stale)

    def outcome(self, star: int) -> Outcome:
        """How far a star has come."""
        part = self._parts.get(star)
        return self._part(star).outcome if part is None else part.outcome

    @property
    def over(self) -> bool:
        """Whether all stars are settled."""
        return sum(self.done[status] for status in SETTLED) == len(self.firsts)

    def cases(self) -> list[Case]:
        """Stars whose reviews conflict or that an adjudicator settled, in the order of the queue."""
        stars = sorted(self._cases, key=self.firsts.__getitem__)
        return [Case(star, self._parts[star].reasons, self._parts[star].outcome) for star in stars]

    def is_case(self, star: int) -> bool:
        """Whether a star's reviews conflict, or an adjudicator settled it."""
        return star in self._cases

    def own_counts(self, user: str) -> tuple[int, int]:
        """Tasks that a user has judged, and that are open to the user."""
        tally = self.tallies.get(user)
        if tally is None:
            return 0, self.open_firsts
        return tally.done, self.open_firsts - tally.judged_open + tally.again

    def _part(self, star: int) -> _Part:
        standing, rules = self.standing, self.campaign.rules
        state, reviews, published = standing.star(star), standing.reviews(star), self._published(star)
        adjudications = tuple(
            event.user
            for event in standing.events(star)
            if event.kind is EventKind.ADJUDICATION and event.id not in state.withdrawn
        )
        found = outcome(reviews, state.adjudication, published, rules)
        reasons = conflicts(reviews, published, rules) if found.status in (Status.CONFLICT, Status.ADJUDICATED) else ()
        return _Part(state.verdicts.get(1, {}), state.verdicts.get(2, {}), adjudications, found, reasons)

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
        """Add a star's part to every sum, or take it out."""
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
                self.tallies[user].judged_open += by
        if len(part.firsts) == reviews:
            row = np.bincount([self._rank(event) for event in part.firsts.values()], minlength=len(self.ranks))
            self.agreement += by * row
            self.squares += by * int((row**2).sum())
            self.complete += by

    def _count_users(self, star: int, part: _Part, by: int) -> None:
        first_task, second_task = star in self.firsts, star in self.seconds
        for user, event in part.firsts.items():
            tally = self.tallies[user]
            tally.firsts += by
            tally.done += by * first_task
            tally.again += by * (second_task and user not in part.seconds)
            self._time(tally, event, by)
            if user in part.seconds:
                gap = abs(int(event.verdict or 0) - int(part.seconds[user].verdict or 0))
                tally.repeats += by
                tally.same += by * (gap == 0)
                tally.gap += by * gap
        for user, event in part.seconds.items():
            self.tallies[user].done += by * second_task
            self._time(self.tallies[user], event, by)
        for user in part.adjudications:
            self.tallies[user].adjudications += by

    @staticmethod
    def _time(tally: Tally, event: VettingEvent, by: int) -> None:
        change = tally.pace.add if by > 0 else tally.pace.remove
        change(microseconds(event.utc))

    def _rank(self, event: VettingEvent) -> int:
        return self.ranks[event.verdict or 0]
