"""What holds in the record, for one catalogue: campaigns, queues, standing verdicts, outcomes. Only reads."""

from __future__ import annotations

import logging
import time
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from threading import Lock

from explorer.model.library import Library
from explorer.vetting.campaigns import Campaign, Task
from explorer.vetting.claims import campaigns, tasks_of
from explorer.vetting.conflicts import Outcome
from explorer.vetting.drafts import RefusedError
from explorer.vetting.events import VettingEvent, utc_of
from explorer.vetting.people import People
from explorer.vetting.projection import Projection
from explorer.vetting.record import EventLog
from explorer.vetting.rules import VettingRules
from explorer.vetting.status import Standing
from explorer.vetting.store import Store, on_event_loop
from pipeline.products.vetting import FIT_COLUMNS, catalogue_version, fit_hash

LOG = logging.getLogger("explorer.vetting")

GRACE = timedelta(minutes=5)
"""How long after its last word a campaign whose stars are all settled can still be changed."""

MAX_EVENTS_ON_LOOP, MAX_STARS_AT_ONCE = 200, 100
"""New events, and stars of them, that are taken in at once."""

MAX_WAIT_ON_LOOP_S = 0.02
"""How long the event loop waits for another thread that takes events in."""


class Ledger:
    """Campaigns on one catalogue.

    Parameters
    ----------
    store : Store
        The record.
    library : Library
        The catalogue that is vetted.
    people : People
        Who may do what.
    clock : callable
        Gives the time; tests set it.
    """

    def __init__(
        self,
        store: Store,
        library: Library,
        people: People,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.store, self.library, self.people, self.clock = store, library, people, clock
        self.log = EventLog(store)
        self.version = catalogue_version(library.products.manifest)
        self.folded = 0
        """Grows with every change of what holds."""
        self._tasks: dict[str, tuple[Task, ...]] = {}
        self._waiting: defaultdict[str, list[VettingEvent]] = defaultdict(list)
        self._projections: dict[str, Projection] = {}
        self._followed = self._epoch = 0
        self._lock = Lock()

    def prepare(self) -> None:
        """Read the record and sum all campaigns of this catalogue up, so that no page waits for it."""
        self.log.follow()
        with self._lock:
            self._start_over()  # also where there is no campaign yet
        for campaign in self.campaigns():
            self.projection(campaign)

    @property
    def behind(self) -> bool:
        """Whether the event loop would show what is out of date: :meth:`prepare` in a thread of its own ends that."""
        return (
            self.log.behind
            or self.log.epoch != self._epoch
            or len(self.log.events) - self._followed > MAX_EVENTS_ON_LOOP
            or any(len(self._waiting[one]) > MAX_EVENTS_ON_LOOP for one in tuple(self._projections))
            or any(one.unsettled > MAX_STARS_AT_ONCE for one in tuple(self._projections.values()))
        )

    def campaigns(self) -> tuple[Campaign, ...]:
        """Campaigns on builds of this catalogue, the newest first."""
        run = self.version.split()[0]
        return tuple(one for one in campaigns(self.store) if one.catalogue.split()[:1] == [run])

    def campaign(self, campaign_id: str) -> Campaign:
        """One campaign, or a refusal."""
        for one in self.campaigns():
            if one.id == campaign_id:
                return one
        LOG.warning("Refused: somebody asked for the campaign %.80r.", campaign_id)
        raise RefusedError("This campaign does not exist.")

    def tasks(self, campaign: Campaign) -> tuple[Task, ...]:
        """Its queue, which never changes."""
        if campaign.id not in self._tasks:
            self._tasks[campaign.id] = tasks_of(self.store, campaign.id)
        return self._tasks[campaign.id]

    def projection(self, campaign: Campaign) -> Projection:
        """What holds in it now.

        On a thread that runs an event loop it does not wait: events are left for later where there are more than
        :data:`MAX_EVENTS_ON_LOOP` of them, or where another thread takes them in.
        """
        on_loop = on_event_loop()
        self.log.follow(MAX_EVENTS_ON_LOOP if on_loop else None)
        if campaign.id not in self._projections or self.log.epoch != self._epoch:
            tasks = self.tasks(campaign)
            with self._lock:
                self._start_over()
                new = Projection(campaign, tasks, lambda star: self.published(star, campaign.rules))
                self._projections.setdefault(campaign.id, new)
        if not self._lock.acquire(timeout=MAX_WAIT_ON_LOOP_S if on_loop else -1):
            return self._projections[campaign.id]
        try:
            return self._fold(campaign, on_loop=on_loop)
        finally:
            self._lock.release()

    def _start_over(self) -> None:
        """Forget what was summed up of a database that was exchanged for another one."""
        if self.log.epoch != self._epoch:
            self._epoch, self._followed = self.log.epoch, 0
            self._waiting.clear()
            self._projections.clear()
            self._tasks.clear()

    def _fold(self, campaign: Campaign, *, on_loop: bool) -> Projection:
        """Take new events in, with the lock held; a thread beside the event loop lets go of it now and then."""
        events = self.log.events
        for event in events[self._followed :]:
            self._waiting[event.campaign].append(event)
        self._followed = max(self._followed, len(events))
        projection, waiting = self._projections[campaign.id], self._waiting[campaign.id]
        if on_loop and len(waiting) > MAX_EVENTS_ON_LOOP:
            return projection
        changed = bool(waiting)
        while waiting:
            part = waiting[:MAX_EVENTS_ON_LOOP]
            del waiting[:MAX_EVENTS_ON_LOOP]
            projection.fold(part)
            if waiting:
                self._give_way()
        while not projection.settle(MAX_STARS_AT_ONCE) and not on_loop:
            self._give_way()
        self.folded += changed
        return projection

    def _give_way(self) -> None:
        """Let the event loop have the lock."""
        self._lock.release()
        time.sleep(0.001)
        self._lock.acquire()

    def standing(self, campaign: Campaign) -> Standing:
        """What holds of each of its stars now."""
        return self.projection(campaign).standing

    def published(self, star: int, rules: VettingRules) -> dict[str, float]:
        """The catalogue's values of the quantities that can be proposed."""
        row = self.library.table.row_of(star)
        if row is None:
            return dict.fromkeys(rules.tolerances, float("nan"))
        return {name: self.library.table.value(name, row) for name in rules.tolerances}

    def fit(self, star: int) -> str:
        """Hash of a star's fit in this catalogue, "" when the star is not in it."""
        table = self.library.table
        row = table.row_of(star)
        return "" if row is None else fit_hash({name: table[name][row] for name in FIT_COLUMNS if name in table})

    def outcome(self, campaign: Campaign, star: int) -> Outcome:
        """How far a star has come."""
        return self.projection(campaign).outcome(star)

    def closed(self, campaign: Campaign) -> bool:
        """Whether a campaign is over: all stars are settled, and the last event is some minutes old.

        Until then inspectors may change their verdicts, so that nothing of what others judged is shown to them.
        """
        projection = self.projection(campaign)
        latest = projection.standing.latest
        return latest is not None and self.clock() - utc_of(latest.utc) >= GRACE and projection.over
