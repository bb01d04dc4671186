"""The only door to the record: every action of a page is checked here, on the server, whatever the page shows."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import NoReturn
from uuid import uuid4

import numpy as np

from explorer.vetting.campaigns import Campaign, Task, build_queue
from explorer.vetting.claims import (
    Claim,
    add_campaign,
    claims_of,
    give_back,
    holder,
    take,
)
from explorer.vetting.conflicts import Status
from explorer.vetting.drafts import Case, Draft, RefusedError, breach
from explorer.vetting.events import EventKind, VettingEvent, just_after, utc_text
from explorer.vetting.people import Person, Role
from explorer.vetting.queries import LOG, Ledger
from explorer.vetting.queue import first_open, is_open, why_not
from explorer.vetting.record import find, insert
from explorer.vetting.rules import VettingRules
from explorer.vetting.status import Standing

_MAX_NAME = 80


class Desk(Ledger):
    """Actions on the record; see :class:`explorer.vetting.queries.Ledger` for what it knows."""

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
        return self.projection(campaign).own_counts(person.name)

    def look_again(self, person: Person, campaign: Campaign, task: Task) -> bool:
        """Put a star back on the inspector's desk that the inspector judged; whether it could be had."""
        self.need(person, Role.INSPECTOR, "take a star")
        standing = self.standing(campaign)
        if not any(
            event.user == person.name and event.id not in standing.star(task.star).withdrawn
            for event in standing.events(task.star)
        ):
            self.refuse(person, "look again", f"You have not judged star {task.star} in this campaign.")
        self._check_open(person, campaign, task, standing)
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
        with self._guarded(person, "judge"), self.store.writing() as connection:
            known = find(connection, draft.id)
            if known is not None:
                return self._replayed(person, campaign, draft, known, EventKind.VERDICT)
            standing = self.standing(campaign)
            claim = holder(connection, campaign.id, draft.star)
            if claim is not None and claim.user != person.name:
                self.refuse(person, "judge", f"Star {draft.star} was not judged: it lies on another desk.")
            task = self._on_desk(person, campaign, draft.star, claim, standing)
            self._check_open(person, campaign, task, standing)
            before = standing.verdicts(task.star, task.occasion).get(person.name)
            event = self._event(person, campaign, draft, EventKind.VERDICT, task.occasion, before)
            insert(connection, event)
            give_back(connection, campaign.id, person.name)
        self.projection(campaign)  # here, beside the page
        return event

    def leave(self, person: Person, campaign: Campaign) -> None:
        """Give back what lies on the person's desk."""
        self._clear(person, campaign)

    def undo(
        self, person: Person, campaign: Campaign, event_id: str | None = None, kind: EventKind = EventKind.VERDICT
    ) -> VettingEvent | None:
        """Take back the person's last standing verdict, or adjudication; None when there is none.

        Sending the same id again returns the event that is recorded already.
        """
        self._need_for(person, kind, "undo")
        return self._take_back(person, campaign, event_id, kind, lambda now: now.undoable(person.name, kind))

    def redo(
        self, person: Person, campaign: Campaign, event_id: str | None = None, kind: EventKind = EventKind.VERDICT
    ) -> VettingEvent | None:
        """Take back the person's last undo, when nothing was said since; None when there is none."""
        self._need_for(person, kind, "redo")
        return self._take_back(person, campaign, event_id, kind, lambda now: now.redoable(person.name, kind))

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
        if not title or len(title) > _MAX_NAME or not title.isprintable():
            self.refuse(person, "start a campaign", f"A campaign needs a name of at most {_MAX_NAME} characters.")
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
        found = self.projection(campaign).cases()
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
        if not self.projection(campaign).is_case(draft.star):
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

    def _need_for(self, person: Person, kind: EventKind, action: str) -> None:
        self.need(person, Role.ADJUDICATOR if kind is EventKind.ADJUDICATION else Role.INSPECTOR, action)

    def _check_open(self, person: Person, campaign: Campaign, task: Task, standing: Standing) -> None:
        reason = why_not(person.name, task, standing, campaign.rules)
        if not reason and self.closed(campaign):
            reason = "This campaign is over: all its stars are settled."
        if reason:
            self.refuse(person, "judge", reason)

    def _on_desk(self, person: Person, campaign: Campaign, star: int, claim: Claim | None, standing: Standing) -> Task:
        """What the person judges: what was claimed or, when the claim was given back meanwhile, what is open first."""
        if claim is not None:
            return Task(star, claim.occasion)
        said = person.name in standing.verdicts(star)
        again = Task(star, 2)
        if said and any((task.star, task.occasion) == (star, 2) for task in self.tasks(campaign)):
            return again if is_open(person.name, again, standing, campaign.rules) else Task(star)
        return Task(star)

    def _check_draft(self, person: Person, campaign: Campaign, draft: Draft) -> None:
        reason = breach(draft, campaign.rules, self.projection(campaign).firsts)
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
        self,
        person: Person,
        campaign: Campaign,
        event_id: str | None,
        kind: EventKind,
        choose: Callable[[Standing], VettingEvent | None],
    ) -> VettingEvent | None:
        with self._guarded(person, "undo"), self.store.writing() as connection:
            known = find(connection, event_id) if event_id else None
            if known is not None:
                if (known.user, known.campaign, known.kind) != (person.name, campaign.id, EventKind.UNDO):
                    self.refuse(person, "undo", f"Event {event_id} is in the record with another content.")
                return known
            standing = self.standing(campaign)
            target = choose(standing)
            if target is None:
                return None
            if kind is EventKind.VERDICT:
                self._check_open(person, campaign, Task(target.star, target.occasion), standing)
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
