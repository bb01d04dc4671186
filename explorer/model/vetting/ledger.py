"""What holds in the record, for one catalogue: campaigns, queues, standing verdicts, outcomes. Only reads."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from threading import Lock

from explorer.model.library import Library
from explorer.model.vetting.campaigns import Campaign, Task
from explorer.model.vetting.claims import campaigns, tasks_of
from explorer.model.vetting.conflicts import SETTLED, Outcome, outcome
from explorer.model.vetting.drafts import RefusedError
from explorer.model.vetting.events import VettingEvent, utc_of
from explorer.model.vetting.people import People
from explorer.model.vetting.record import EventLog
from explorer.model.vetting.rules import VettingRules
from explorer.model.vetting.standing import Standing
from explorer.model.vetting.store import Store
from pipeline.products.vetting import FIT_COLUMNS, catalogue_version, fit_hash

LOG = logging.getLogger("explorer.vetting")

GRACE = timedelta(minutes=5)
"""How long after its last word a campaign whose stars are all settled can still be changed."""


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
        self._tasks: dict[str, tuple[Task, ...]] = {}
        self._standing: dict[str, Standing] = {}
        self._followed = 0
        self._lock = Lock()

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

    def standing(self, campaign: Campaign) -> Standing:
        """What holds in it now."""
        events = self.log.refresh()
        with self._lock:
            fresh: dict[str, list[VettingEvent]] = {}
            for event in events[self._followed :]:
                fresh.setdefault(event.campaign, []).append(event)
            for campaign_id, some in fresh.items():
                self._standing.setdefault(campaign_id, Standing()).add(some)
            self._followed = max(self._followed, len(events))
            return self._standing.setdefault(campaign.id, Standing())

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

    def outcome(self, campaign: Campaign, star: int, standing: Standing | None = None) -> Outcome:
        """How far a star has come; ``standing`` spares a look at the record for each of many stars."""
        standing = standing or self.standing(campaign)
        return outcome(
            standing.reviews(star),
            standing.star(star).adjudication,
            self.published(star, campaign.rules),
            campaign.rules,
        )

    def closed(self, campaign: Campaign, standing: Standing | None = None) -> bool:
        """Whether a campaign is over: all stars are settled, and the last word is some minutes old.

        Until then inspectors may change their verdicts, so that nothing of what others said is shown to them.
        """
        standing = standing or self.standing(campaign)
        latest = standing.latest
        if latest is None or self.clock() - utc_of(latest.utc) < GRACE:
            return False
        return all(
            self.outcome(campaign, task.star, standing).status in SETTLED
            for task in self.tasks(campaign)
            if task.occasion == 1
        )
