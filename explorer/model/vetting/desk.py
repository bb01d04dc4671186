"""The only door to the record: every action of a page is checked here, on the server, whatever the page shows."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from threading import Lock
from typing import NoReturn
from uuid import uuid4

import numpy as np

from explorer.model.library import Library
from explorer.model.vetting.campaigns import Campaign, Task, build_queue
from explorer.model.vetting.claims import (
    add_campaign,
    campaigns,
    claims_of,
    give_back,
    holder,
    take,
    tasks_of,
)
from explorer.model.vetting.conflicts import Outcome, Status, conflicts, outcome
from explorer.model.vetting.drafts import Case, Draft, RefusedError, breach
from explorer.model.vetting.events import EventKind, VettingEvent, just_after, utc_text
from explorer.model.vetting.people import People, Person, Role
from explorer.model.vetting.queue import first_open, is_open
from explorer.model.vetting.record import EventLog, find, insert
from explorer.model.vetting.rules import VettingRules
from explorer.model.vetting.standing import Standing
from explorer.model.vetting.store import Store
from pipeline.products.vetting import FIT_COLUMNS, catalogue_version, fit_hash

LOG = logging.getLogger("explorer.vetting")

_MOST_NAME = 80


class Desk:
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

    # --- what holds -------------------------------------------------------------------------------------------------

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

    # --- inspectors -------------------------------------------------------------------------------------------------

    def next_task(self, person: Person, campaign: Campaign, skipped: Iterable[tuple[int, int]] = ()) -> Task | None:
        """Put the next star on the inspector's desk: the one that lies there, else the first of the queue.

        Parameters
        ----------
        person : Person
            Who asks.
        campaign : Campaign
            In which campaign.
        skipped : iterable of (int, int)
            Stars and occasions that the inspector does not want now.

        Returns
        -------
        Task or None
            None when nothing is left for this inspector, or only what others have on their desks.
        """
        self.need(person, Role.INSPECTOR, "take a star")
        left_out = set(skipped)
        while True:
            wanted = self._candidate(person.name, campaign, left_out)
            if wanted is None:
                self._clear(person, campaign)
                return None
            taken = self._take(person, campaign, wanted)
            if taken and is_open(person.name, wanted, self.standing(campaign), campaign.rules):
                return wanted
            left_out.add((wanted.star, wanted.occasion))

    def coming(self, person: Person, campaign: Campaign, left_out: Iterable[tuple[int, int]]) -> Task | None:
        """What the queue would give next, without taking it."""
        return self._candidate(person.name, campaign, set(left_out))

    def own_counts(self, person: Person, campaign: Campaign) -> tuple[int, int]:
        """Tasks that an inspector has judged, and that are still open to the inspector."""
        standing = self.standing(campaign)
        tasks = self.tasks(campaign)
        done = sum(person.name in standing.verdicts(task.star, task.occasion) for task in tasks)
        return done, sum(is_open(person.name, task, standing, campaign.rules) for task in tasks)

    def look_again(self, person: Person, campaign: Campaign, task: Task) -> bool:
        """Put a star back on the inspector's desk that the inspector judged; whether it could be had."""
        self.need(person, Role.INSPECTOR, "take a star")
        said = any(event.star == task.star for event in self.standing(campaign).said(person.name))
        if not said:
            self.refuse(person, "look again", f"You have not judged star {task.star} in this campaign.")
        return self._take(person, campaign, task)

    def judge(self, person: Person, campaign: Campaign, draft: Draft) -> VettingEvent:
        """Record a verdict; it is on disk when this returns.

        Sending the same draft again returns the event that is recorded already.

        Raises
        ------
        RefusedError
            If the person may not, or the star does not lie on the person's desk, or the draft breaks the rules.
        """
        self.need(person, Role.INSPECTOR, "judge")
        self._check_draft(person, campaign, draft)
        said = self.standing(campaign)
        with self._guarded(person, "judge"), self.store.writing() as connection:
            claim = holder(connection, campaign.id, draft.star)
            if claim is None or claim.user != person.name:
                known = find(connection, draft.id)
                if known is not None:
                    return self._replayed(person, campaign, draft, known, EventKind.VERDICT)
                whose = f"it lies on the desk of {claim.user}" if claim else "it does not lie on your desk"
                self.refuse(person, "judge", f"Star {draft.star} was not judged: {whose}.")
            before = said.verdicts(draft.star, claim.occasion).get(person.name)
            event = self._event(person, campaign, draft, EventKind.VERDICT, claim.occasion, before)
            insert(connection, event)
            give_back(connection, campaign.id, person.name)
        return event

    def undo(self, person: Person, campaign: Campaign, event_id: str | None = None) -> VettingEvent | None:
        """Take back the person's last standing verdict or adjudication; None when there is none."""
        self.need(person, Role.INSPECTOR, "undo")
        return self._take_back(person, campaign, self.standing(campaign).undoable(person.name), event_id)

    def redo(self, person: Person, campaign: Campaign, event_id: str | None = None) -> VettingEvent | None:
        """Take back the person's last undo, when nothing was said since; None when there is none."""
        self.need(person, Role.INSPECTOR, "redo")
        return self._take_back(person, campaign, self.standing(campaign).redoable(person.name), event_id)

    # --- adjudicators -----------------------------------------------------------------------------------------------

    def create_campaign(
        self,
        person: Person,
        name: str,
        stars: Sequence[int],
        rules: VettingRules | None = None,
        seed: int | None = None,
    ) -> Campaign:
        """Start a campaign on some stars of the catalogue."""
        self.need(person, Role.ADJUDICATOR, "start a campaign")
        title = name.strip()
        if not title or len(title) > _MOST_NAME or not title.isprintable():
            self.refuse(person, "start a campaign", f"A campaign needs a name of at most {_MOST_NAME} characters.")
        table, rules = self.library.table, rules or VettingRules()
        drawn = secrets.randbelow(2**31) if seed is None else seed
        oddness = table["oddness"] if "oddness" in table else np.zeros(table.n_stars, np.float32)
        with self._guarded(person, "start a campaign"):
            queue = build_queue(stars, table["obsid"], oddness, rules, drawn)
            campaign = Campaign(str(uuid4()), title, utc_text(self.clock()), person.name, self.version, drawn, rules)
            add_campaign(self.store, campaign, queue)
        return campaign

    def cases(self, person: Person, campaign: Campaign) -> tuple[Case, ...]:
        """Stars whose reviews conflict, those without an adjudication first."""
        self.need(person, Role.ADJUDICATOR, "see the reviews")
        standing, found = self.standing(campaign), []
        for task in self.tasks(campaign):
            reviews = standing.reviews(task.star)
            if task.occasion != 1 or len(reviews) < campaign.rules.reviews:
                continue
            reasons = conflicts(reviews, self.published(task.star, campaign.rules), campaign.rules)
            if reasons:
                found.append(Case(task.star, reasons, self.outcome(campaign, task.star, standing)))
        return tuple(sorted(found, key=lambda case: case.outcome.status is Status.ADJUDICATED))

    def reviews(self, person: Person, campaign: Campaign, star: int) -> tuple[VettingEvent, ...]:
        """All that inspectors said of a star, second occasions too."""
        self.need(person, Role.ADJUDICATOR, "see the reviews")
        standing = self.standing(campaign)
        return (*standing.reviews(star), *standing.reviews(star, 2))

    def adjudicate(self, person: Person, campaign: Campaign, draft: Draft) -> VettingEvent:
        """Settle a conflict; the reviews stay as they are."""
        self.need(person, Role.ADJUDICATOR, "adjudicate")
        self._check_draft(person, campaign, draft)
        if draft.star not in {case.star for case in self.cases(person, campaign)}:
            self.refuse(person, "adjudicate", f"The reviews of star {draft.star} do not conflict.")
        with self._guarded(person, "adjudicate"), self.store.writing() as connection:
            known = find(connection, draft.id)
            if known is not None:
                return self._replayed(person, campaign, draft, known, EventKind.ADJUDICATION)
            before = self.standing(campaign).star(draft.star).adjudication
            event = self._event(person, campaign, draft, EventKind.ADJUDICATION, 1, before)
            insert(connection, event)
        return event

    # --- checks -----------------------------------------------------------------------------------------------------

    def may(self, person: Person | None, role: Role) -> bool:
        """Whether somebody has a role now."""
        return person is not None and self.people.role_of(person.name) >= role

    def need(self, person: Person, role: Role, action: str) -> None:
        """Refuse whoever has not the role now."""
        if not self.may(person, role):
            self.refuse(person, action, f"Only an {role.name.lower()} may {action}.")

    def refuse(self, person: Person, action: str, sentence: str) -> NoReturn:
        """Log a refusal on one line, and raise it."""
        LOG.warning("Refused: %r wanted to %s. %s", person.name, action, ascii(sentence))
        raise RefusedError(sentence)

    @contextmanager
    def _guarded(self, person: Person, action: str) -> Iterator[None]:
        """Turn what breaks a rule into a logged refusal."""
        try:
            yield
        except ValueError as error:
            self.refuse(person, action, str(error))

    def _check_draft(self, person: Person, campaign: Campaign, draft: Draft) -> None:
        reason = breach(draft, campaign.rules, {task.star for task in self.tasks(campaign)})
        if reason:
            self.refuse(person, "judge", reason)

    def _replayed(
        self, person: Person, campaign: Campaign, draft: Draft, known: VettingEvent, kind: EventKind
    ) -> VettingEvent:
        """The event that a draft made when it first came; another content under its id is refused."""
        if not draft.made(known, person.name, campaign.id, kind):
            self.refuse(person, "judge", f"Event {draft.id} is in the record with another content.")
        return known

    def _event(
        self,
        person: Person,
        campaign: Campaign,
        draft: Draft,
        kind: EventKind,
        occasion: int,
        before: VettingEvent | None,
    ) -> VettingEvent:
        return VettingEvent(
            id=draft.id,
            kind=kind,
            campaign=campaign.id,
            user=person.name,
            utc=just_after(*([before.utc] if before else []), now=self.clock()),
            star=draft.star,
            occasion=occasion,
            verdict=draft.verdict,
            flags=tuple(sorted(set(draft.flags))),
            note=draft.note,
            proposal=dict(draft.proposal),
            catalogue=self.version,
            fit=self.fit(draft.star),
            supersedes=before.id if before else None,
            authority=person.authority,
        )

    def _take_back(
        self, person: Person, campaign: Campaign, target: VettingEvent | None, event_id: str | None
    ) -> VettingEvent | None:
        if target is None:
            return None
        with self._guarded(person, "undo"), self.store.writing() as connection:
            event = VettingEvent(
                id=event_id or str(uuid4()),
                kind=EventKind.UNDO,
                campaign=campaign.id,
                user=person.name,
                utc=just_after(target.utc, now=self.clock()),
                star=target.star,
                occasion=target.occasion,
                catalogue=self.version,
                supersedes=target.id,
                authority=person.authority,
            )
            insert(connection, event)
        return event

    # --- the queue --------------------------------------------------------------------------------------------------

    def _candidate(self, user: str, campaign: Campaign, left_out: set[tuple[int, int]]) -> Task | None:
        now, claims = utc_text(self.clock()), claims_of(self.store, campaign.id)
        return first_open(user, self.tasks(campaign), claims, self.standing(campaign), campaign.rules, left_out, now)

    def _take(self, person: Person, campaign: Campaign, task: Task) -> bool:
        return take(self.store, campaign.id, task, person.name, utc_text(self.clock()), campaign.rules.claim_minutes)

    def _clear(self, person: Person, campaign: Campaign) -> None:
        if not any(claim.user == person.name for claim in claims_of(self.store, campaign.id)):
            return
        with self.store.writing(durable=False) as connection:
            give_back(connection, campaign.id, person.name)
