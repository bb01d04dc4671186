"""Queries of the vetting record for one catalogue: campaigns, queues, valid verdicts, outcomes."""

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
from explorer.vetting.status import CampaignStatus
from explorer.vetting.store import Store, on_event_loop
from pipeline.products.vetting import FIT_COLUMNS, catalogue_version, fit_hash

LOG = logging.getLogger("explorer.vetting")

GRACE = timedelta(minutes=5)
"""Time after its last event in which a campaign with all stars settled can still be changed."""

MAX_EVENTS_ON_LOOP, MAX_STARS_AT_ONCE = 200, 100
"""Numbers of new events, and of their stars, that are processed at a time."""

MAX_WAIT_ON_LOOP_S = 0.02
"""Longest time that the event loop waits for another thread that processes events."""


class VettingQueries:
    """Campaigns on one catalogue, and their projections.

    Parameters
    ----------
    store : Store
        The record.
    library : Library
        The catalogue that is vetted.
    people : People
        Roles of the users.
    clock : callable
        Returns the current time; tests replace it.
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
        self.revision = 0
        """Number that grows with each change of a projection."""
        self._tasks: dict[str, tuple[Task, ...]] = {}
        self._pending: defaultdict[str, list[VettingEvent]] = defaultdict(list)
        self._projections: dict[str, Projection] = {}
        self._n_read = self._epoch = 0
        self._lock = Lock()

    def prepare(self) -> None:
        """Read the record and project all campaigns of this catalogue, so that no page waits for it."""
        self.log.follow()
        with self._lock:
            self._reset()  # also without any campaign
        for campaign in self.campaigns():
            self.projection(campaign)

    @property
    def behind(self) -> bool:
        """Whether the event loop would show outdated data; call :meth:`prepare` in a thread then."""
        return (
            self.log.behind
            or self.log.epoch != self._epoch
            or len(self.log.events) - self._n_read > MAX_EVENTS_ON_LOOP
            or any(len(self._pending[campaign]) > MAX_EVENTS_ON_LOOP for campaign in tuple(self._projections))
            or any(projection.n_pending > MAX_STARS_AT_ONCE for projection in tuple(self._projections.values()))
        )

    def campaigns(self) -> tuple[Campaign, ...]:
        """Campaigns on builds of this catalogue, newest first."""
        run = self.version.split()[0]
        return tuple(campaign for campaign in campaigns(self.store) if campaign.catalogue.split()[:1] == [run])

    def campaign(self, campaign_id: str) -> Campaign:
        """Return one campaign, or raise RefusedError."""
        for campaign in self.campaigns():
            if campaign.id == campaign_id:
                return campaign
        LOG.warning("Refused: request for the unknown campaign %.80r.", campaign_id)
        raise RefusedError("This campaign does not exist.")

    def tasks(self, campaign: Campaign) -> tuple[Task, ...]:
        """The queue of a campaign, which never changes."""
        if campaign.id not in self._tasks:
            self._tasks[campaign.id] = tasks_of(self.store, campaign.id)
        return self._tasks[campaign.id]

    def projection(self, campaign: Campaign) -> Projection:
        """The current projection of a campaign.

        On a thread that runs an event loop it does not wait: events are left for later where there are more than
        :data:`MAX_EVENTS_ON_LOOP` of them, or where another thread processes them.
        """
        on_loop = on_event_loop()
        self.log.follow(MAX_EVENTS_ON_LOOP if on_loop else None)
        if campaign.id not in self._projections or self.log.epoch != self._epoch:
            tasks = self.tasks(campaign)
            with self._lock:
                self._reset()
                new = Projection(campaign, tasks, lambda star: self.published(star, campaign.rules))
                self._projections.setdefault(campaign.id, new)
        if not self._lock.acquire(timeout=MAX_WAIT_ON_LOOP_S if on_loop else -1):
            return self._projections[campaign.id]
        try:
            return self._fold(campaign, on_loop=on_loop)
        finally:
            self._lock.release()

    def _reset(self) -> None:
        """Discard the projections of a database that was replaced by another one."""
        if self.log.epoch != self._epoch:
            self._epoch, self._n_read = self.log.epoch, 0
            self._pending.clear()
            self._projections.clear()
            self._tasks.clear()

    def _fold(self, campaign: Campaign, *, on_loop: bool) -> Projection:
        """Process new events with the lock held; a background thread yields it from time to time."""
        events = self.log.events
        for event in events[self._n_read :]:
            self._pending[event.campaign].append(event)
        self._n_read = max(self._n_read, len(events))
        projection, pending = self._projections[campaign.id], self._pending[campaign.id]
        if on_loop and len(pending) > MAX_EVENTS_ON_LOOP:
            return projection
        changed = bool(pending)
        while pending:
            part = pending[:MAX_EVENTS_ON_LOOP]
            del pending[:MAX_EVENTS_ON_LOOP]
            projection.fold(part)
            if pending:
                self._yield_lock()
        while not projection.update(MAX_STARS_AT_ONCE) and not on_loop:
            self._yield_lock()
        self.revision += changed
        return projection

    def _yield_lock(self) -> None:
        """Release the lock briefly for the event loop."""
        self._lock.release()
        time.sleep(0.001)
        self._lock.acquire()

    def status(self, campaign: Campaign) -> CampaignStatus:
        """The derived state of each star of a campaign."""
        return self.projection(campaign).status

    def published(self, star: int, rules: VettingRules) -> dict[str, float]:
        """The catalogue's values of the quantities that can be proposed."""
        row = self.library.table.row_of(star)
        if row is None:
            return dict.fromkeys(rules.tolerances, float("nan"))
        return {name: self.library.table.value(name, row) for name in rules.tolerances}

    def fit(self, star: int) -> str:
        """Hash of a star's fit in this catalogue; "" when the star is not in it."""
        table = self.library.table
        row = table.row_of(star)
        return "" if row is None else fit_hash({name: table[name][row] for name in FIT_COLUMNS if name in table})

    def outcome(self, campaign: Campaign, star: int) -> Outcome:
        """Outcome of a star in a campaign."""
        return self.projection(campaign).outcome(star)

    def closed(self, campaign: Campaign) -> bool:
        """Whether all stars are settled and the last event is older than :data:`GRACE`.

        Until then inspectors may change their verdicts, so that the verdicts of others are not shown to them.
        """
        projection = self.projection(campaign)
        latest = projection.status.latest
        return latest is not None and self.clock() - utc_of(latest.utc) >= GRACE and projection.over
