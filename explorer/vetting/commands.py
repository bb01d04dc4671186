"""Commands that change the vetting record; permissions and rules are checked here, on the server."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import NoReturn
from uuid import uuid4

import numpy as np

from explorer.vetting.campaign_files import MAX_NAME_CHARACTERS
from explorer.vetting.campaigns import Campaign, Task, build_queue
from explorer.vetting.claims import (
    Claim,
    add_campaign,
    claim_on,
    claim_task,
    claims_of,
    release_claims,
)
from explorer.vetting.conflicts import Status
from explorer.vetting.drafts import Case, Draft, RefusedError, breach
from explorer.vetting.events import EventKind, VettingEvent, just_after, utc_text
from explorer.vetting.people import Person, Role
from explorer.vetting.queries import LOG, VettingQueries
from explorer.vetting.queue import first_open, is_open, refusal_reason
from explorer.vetting.record import find, insert
from explorer.vetting.rules import VettingRules
from explorer.vetting.status import CampaignStatus


class VettingCommands(VettingQueries):
    """Commands on the record; :class:`explorer.vetting.queries.VettingQueries` has its queries."""

    # --- inspectors -------------------------------------------------------------------------------------------------

    def next_task(self, person: Person, campaign: Campaign, skipped: Iterable[tuple[int, int]] = ()) -> Task | None:
        """Claim the next task: the one that the inspector has claimed already, else the first of the queue.

        Parameters
        ----------
        person : Person
            The inspector.
        campaign : Campaign
            The campaign.
        skipped : iterable of (int, int)
            Stars and occasions that the inspector postponed.

        Returns
        -------
        Task or None
            None when nothing is left for this inspector, or only tasks that others have claimed.
        """
        self.need(person, Role.INSPECTOR, "take a star")
        left_out = set(skipped)
        while True:
            task = self._candidate(person.name, campaign, left_out)
            if task is None:
                self._release_claims(person, campaign)
                return None
            claimed = self._claim(person, campaign, task)
            if claimed and is_open(person.name, task, self.status(campaign), campaign.rules):
                return task
            left_out.add((task.star, task.occasion))

    def peek_next(self, person: Person, campaign: Campaign, left_out: Iterable[tuple[int, int]]) -> Task | None:
        """The task that the queue would give next, without claiming it."""
        return self._candidate(person.name, campaign, set(left_out))

    def own_counts(self, person: Person, campaign: Campaign) -> tuple[int, int]:
        """Numbers of tasks that an inspector has judged, and that are still open to the inspector."""
        return self.projection(campaign).own_counts(person.name)

    def reopen(self, person: Person, campaign: Campaign, task: Task) -> bool:
        """Claim a star again that the inspector has judged; return whether that was possible."""
        self.need(person, Role.INSPECTOR, "take a star")
        status = self.status(campaign)
        if not any(
            event.user == person.name and event.id not in status.star(task.star).withdrawn
            for event in status.events(task.star)
        ):
            self.refuse(person, "look again", f"You have not judged star {task.star} in this campaign.")
        self._check_open(person, campaign, task, status)
        return self._claim(person, campaign, task)

    def judge(self, person: Person, campaign: Campaign, draft: Draft) -> VettingEvent:
        """Record a verdict, which is on disk when this returns.

        Sending the same draft again returns the stored event.

        Raises
        ------
        RefusedError
            If the role is missing, another inspector has claimed the star, or the draft breaks the rules.
        """
        self.need(person, Role.INSPECTOR, "judge")
        self._check_draft(person, campaign, draft)
        with self._guarded(person, "judge"), self.store.writing() as connection:
            recorded = find(connection, draft.id)
            if recorded is not None:
                return self._existing_event(person, campaign, draft, recorded, EventKind.VERDICT)
            status = self.status(campaign)
            claim = claim_on(connection, campaign.id, draft.star)
            if claim is not None and claim.user != person.name:
                self.refuse(person, "judge", f"Star {draft.star} was not judged: another inspector has it now.")
            task = self._claimed_task(person, campaign, draft.star, claim, status)
            self._check_open(person, campaign, task, status)
            before = status.verdicts(task.star, task.occasion).get(person.name)
            event = self._event(person, campaign, draft, EventKind.VERDICT, task.occasion, before)
            insert(connection, event)
            release_claims(connection, campaign.id, person.name)
        self.projection(campaign)  # in this thread, not on the event loop
        return event

    def release(self, person: Person, campaign: Campaign) -> None:
        """Release the inspector's claims."""
        self._release_claims(person, campaign)

    def undo(
        self, person: Person, campaign: Campaign, event_id: str | None = None, kind: EventKind = EventKind.VERDICT
    ) -> VettingEvent | None:
        """Withdraw the person's last valid verdict or adjudication; None when there is none.

        Sending the same id again returns the stored event.
        """
        self._need_for(person, kind, "undo")
        return self._undo_last(person, campaign, event_id, kind, lambda now: now.undoable(person.name, kind))

    def redo(
        self, person: Person, campaign: Campaign, event_id: str | None = None, kind: EventKind = EventKind.VERDICT
    ) -> VettingEvent | None:
        """Withdraw the person's last undo unless a later event follows; None when there is none."""
        self._need_for(person, kind, "redo")
        return self._undo_last(person, campaign, event_id, kind, lambda now: now.redoable(person.name, kind))

    # --- adjudicators -----------------------------------------------------------------------------------------------

    def create_campaign(
        self,
        person: Person,
        name: str,
        stars: Sequence[int],
        rules: VettingRules | None = None,
        seed: int | None = None,
    ) -> Campaign:
        """Start a campaign on stars of the catalogue."""
        self.need(person, Role.ADJUDICATOR, "start a campaign")
        title = name.strip()
        if not title or len(title) > MAX_NAME_CHARACTERS or not title.isprintable():
            self.refuse(
                person, "start a campaign", f"A campaign needs a name of at most {MAX_NAME_CHARACTERS} characters."
            )
        table, rules = self.library.table, rules or VettingRules()
        drawn = secrets.randbelow(2**31) if seed is None else seed
        oddness = table["oddness"] if "oddness" in table else np.zeros(table.n_stars, np.float32)
        with self._guarded(person, "start a campaign"):
            queue = build_queue(stars, table["obsid"], oddness, rules, drawn)
            campaign = Campaign(str(uuid4()), title, utc_text(self.clock()), person.name, self.version, drawn, rules)
            add_campaign(self.store, campaign, queue)
        return campaign

    def cases(self, person: Person, campaign: Campaign) -> tuple[Case, ...]:
        """Stars with conflicting reviews, those without an adjudication first."""
        self.need(person, Role.ADJUDICATOR, "see the reviews")
        cases = self.projection(campaign).cases()
        return tuple(sorted(cases, key=lambda case: case.outcome.status is Status.ADJUDICATED))

    def reviews(self, person: Person, campaign: Campaign, star: int) -> tuple[VettingEvent, ...]:
        """All reviews of a star, including second occasions."""
        self.need(person, Role.ADJUDICATOR, "see the reviews")
        status = self.status(campaign)
        return (*status.reviews(star), *status.reviews(star, 2))

    def adjudicate(self, person: Person, campaign: Campaign, draft: Draft) -> VettingEvent:
        """Resolve a conflict; the reviews stay as they are."""
        self.need(person, Role.ADJUDICATOR, "adjudicate")
        self._check_draft(person, campaign, draft)
        if not self.projection(campaign).is_case(draft.star):
            self.refuse(person, "adjudicate", f"The reviews of star {draft.star} do not conflict.")
        with self._guarded(person, "adjudicate"), self.store.writing() as connection:
            recorded = find(connection, draft.id)
            if recorded is not None:
                return self._existing_event(person, campaign, draft, recorded, EventKind.ADJUDICATION)
            before = self.status(campaign).star(draft.star).adjudication
            event = self._event(person, campaign, draft, EventKind.ADJUDICATION, 1, before)
            insert(connection, event)
        return event

    # --- checks -----------------------------------------------------------------------------------------------------

    def may(self, person: Person | None, role: Role) -> bool:
        """Whether a person has a role now."""
        return person is not None and self.people.role_of(person.name) >= role

    def need(self, person: Person, role: Role, action: str) -> None:
        """Refuse a person who does not have the role now."""
        if not self.may(person, role):
            self.refuse(person, action, f"Only an {role.name.lower()} may {action}.")

    def refuse(self, person: Person, action: str, sentence: str) -> NoReturn:
        """Log a refusal and raise it."""
        LOG.warning("Refused: %r wanted to %s. %s", person.name, action, ascii(sentence))
        raise RefusedError(sentence)

    @contextmanager
    def _guarded(self, person: Person, action: str) -> Iterator[None]:
        """Turn a violated rule into a logged refusal."""
        try:
            yield
        except ValueError as error:
            self.refuse(person, action, str(error))

    def _need_for(self, person: Person, kind: EventKind, action: str) -> None:
        self.need(person, Role.ADJUDICATOR if kind is EventKind.ADJUDICATION else Role.INSPECTOR, action)

    def _check_open(self, person: Person, campaign: Campaign, task: Task, status: CampaignStatus) -> None:
        reason = refusal_reason(person.name, task, status, campaign.rules)
        if not reason and self.closed(campaign):
            reason = "This campaign is closed: all its stars are settled."
        if reason:
            self.refuse(person, "judge", reason)

    def _claimed_task(
        self, person: Person, campaign: Campaign, star: int, claim: Claim | None, status: CampaignStatus
    ) -> Task:
        """The task that the person judges: the claimed one, else the first open occasion of the star."""
        if claim is not None:
            return Task(star, claim.occasion)
        has_first = person.name in status.verdicts(star)
        again = Task(star, 2)
        if has_first and any((task.star, task.occasion) == (star, 2) for task in self.tasks(campaign)):
            return again if is_open(person.name, again, status, campaign.rules) else Task(star)
        return Task(star)

    def _check_draft(self, person: Person, campaign: Campaign, draft: Draft) -> None:
        reason = breach(draft, campaign.rules, self.projection(campaign).firsts)
        if reason:
            self.refuse(person, "judge", reason)

    def _existing_event(
        self, person: Person, campaign: Campaign, draft: Draft, recorded: VettingEvent, kind: EventKind
    ) -> VettingEvent:
        """The event that the same draft made earlier; a different content under its id is refused."""
        if not draft.made(recorded, person.name, campaign.id, kind):
            self.refuse(person, "judge", f"Event {draft.id} is in the record with a different content.")
        return recorded

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

    def _undo_last(
        self,
        person: Person,
        campaign: Campaign,
        event_id: str | None,
        kind: EventKind,
        choose: Callable[[CampaignStatus], VettingEvent | None],
    ) -> VettingEvent | None:
        with self._guarded(person, "undo"), self.store.writing() as connection:
            recorded = find(connection, event_id) if event_id else None
            if recorded is not None:
                if (recorded.user, recorded.campaign, recorded.kind) != (person.name, campaign.id, EventKind.UNDO):
                    self.refuse(person, "undo", f"Event {event_id} is in the record with a different content.")
                return recorded
            status = self.status(campaign)
            target = choose(status)
            if target is None:
                return None
            if kind is EventKind.VERDICT:
                self._check_open(person, campaign, Task(target.star, target.occasion), status)
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
        return first_open(user, self.tasks(campaign), claims, self.status(campaign), campaign.rules, left_out, now)

    def _claim(self, person: Person, campaign: Campaign, task: Task) -> bool:
        return claim_task(
            self.store, campaign.id, task, person.name, utc_text(self.clock()), campaign.rules.claim_minutes
        )

    def _release_claims(self, person: Person, campaign: Campaign) -> None:
        if not any(claim.user == person.name for claim in claims_of(self.store, campaign.id)):
            return
        with self.store.writing(durable=False) as connection:
            release_claims(connection, campaign.id, person.name)
