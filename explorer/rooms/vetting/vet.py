"""The Vet room: stars judged one after the other from the keyboard."""

from __future__ import annotations

from contextlib import suppress

import numpy as np
import panel as pn
from msgspec.structs import asdict, replace
from numpy.typing import NDArray
from sqlalchemy.exc import SQLAlchemyError

from explorer import protocol
from explorer.model.work import VERDICTS
from explorer.rooms.star import StarDock
from explorer.rooms.star_lines import share_lines
from explorer.rooms.vetting.room import NO_CAMPAIGN, NO_STAR, VettingRoom
from explorer.rooms.vetting.submitted import draft_of
from explorer.rooms.vetting.visit import Visit
from explorer.state.workspace import Workspace
from explorer.vetting.campaigns import Campaign, Task
from explorer.vetting.drafts import RefusedError
from explorer.vetting.events import EventKind, VettingEvent
from explorer.vetting.people import Role
from explorer.vetting.store import StoreError

ROOM = "Vet"
"""Name of the room on the page; stars are claimed only while it is shown."""


class VetRoom(VettingRoom):
    """The queue and the current star of one inspector.

    Parameters
    ----------
    visit : Visit
        State shared by the vetting rooms.
    """

    def __init__(self, visit: Visit) -> None:
        super().__init__(visit, "vet", Role.INSPECTOR)
        self.workspace = Workspace(visit.workspace.table)
        share_lines(visit.workspace, self.workspace)
        self.task: Task | None = None
        self._claim_campaign: Campaign | None = None
        self._skipped: set[tuple[int, int]] = set()
        library, sky = visit.commands.library, visit.sky
        self.star = StarDock(self.workspace, library, self._neighbours, self.channel, nothing=NO_STAR, sky=sky)
        self.workspace.param.watch(lambda event: self.channel.send(message=event.new), "message")
        self.workspace.param.watch(lambda _: self._fitted(), "proposals")
        self.channel.on(protocol.Judge, self._judge)
        self.channel.on(protocol.VetUndo, self._undo)
        self.channel.on(protocol.VetRedo, self._redo)
        self.channel.on(protocol.StarStep, lambda request: self.skip() if request.by > 0 else self.look_back())
        self.channel.on(protocol.StarFind, lambda request: self._reopen_by_name(request.text))
        visit.workspace.param.watch(lambda event: self._room_changed(event.new == ROOM), "room")

    def send_constants(self) -> None:
        """Send what all stars share."""
        self.star.connect()
        document = pn.state.curdoc
        if document is not None and document.session_context is not None:
            document.on_session_destroyed(lambda _: self._release())

    def _room_changed(self, here: bool) -> None:
        """Claim a star when the room is entered, and release it when it is left."""
        if self._followed is None or self.visit.refusal(self.role):
            return
        if here:
            with self.channel.batch():
                self._present()
        else:
            self._release()

    def _release(self) -> None:
        if self._claim_campaign is not None and self.task is not None:
            with suppress(StoreError, SQLAlchemyError):  # the star is free again when its claim ends
                self.visit.commands.release(self.visit.known, self._claim_campaign)
        self._claim_campaign = None

    def show(self) -> None:
        """Claim the next star and send it."""
        self._show_task(None)

    def _next(self, campaign: Campaign) -> Task | None:
        """Claim the next star of the queue; postponed stars follow at its end."""
        commands, person = self.visit.commands, self.visit.known
        task = commands.next_task(person, campaign, self._skipped)
        if task is None and self._skipped:
            self._skipped.clear()
            task = commands.next_task(person, campaign)
        return task

    def _show_task(self, taken: tuple[Campaign, Task | None] | None) -> None:
        """Send the state of the room; ``taken`` is a campaign and its already claimed task, if any."""
        campaign = self.campaign()
        if self._claim_campaign is not None and self._claim_campaign != campaign:
            self._release()
        if self.visit.workspace.room != ROOM:
            if taken is not None:
                self.visit.commands.release(self.visit.known, taken[0])
            return
        self._claim_campaign = campaign
        if campaign is None:
            self.channel.send(vet=protocol.VetState(**asdict(self.campaign_state()), star="", sentence=NO_CAMPAIGN))
            return
        self.task = taken[1] if taken is not None and taken[0] == campaign else self._next(campaign)
        self._send(campaign)

    def record_changed(self) -> None:
        """Update the counts after a change of the record; the current star stays."""
        campaign = self.campaign()
        if self.task is None or campaign is None or campaign != self._claim_campaign:
            self.show()
        else:
            self.channel.send(counts=self._counts(campaign))

    def skip(self) -> None:
        """Postpone the current star."""
        if self.task is not None:
            self._skipped.add((self.task.star, self.task.occasion))
        self.show()

    def look_back(self) -> None:
        """Show the star that was judged before the current one."""
        verdicts = self._own_verdicts(self.needed())
        here = (self.task.star, self.task.occasion) if self.task else None
        places = [(event.star, event.occasion) for event in verdicts]
        at = places.index(here) if here in places else len(places)
        if at == 0:
            raise RefusedError("You have judged no star before this one.")
        self._reopen(*places[at - 1])

    def _own_verdicts(self, campaign: Campaign) -> list[VettingEvent]:
        """The inspector's valid verdicts by time, one for each star and occasion."""
        status = self.visit.commands.status(campaign)
        latest = {
            (event.star, event.occasion): event
            for event in status.events_of(self.visit.known.name)
            if event.kind is EventKind.VERDICT
        }
        return sorted(latest.values(), key=lambda event: event.utc)

    def _reopen(self, star: int, occasion: int, undone: str | None = None) -> None:
        campaign, task = self.needed(), Task(star, occasion)
        if not self.visit.commands.reopen(self.visit.known, campaign, task):
            raise RefusedError(f"Star {star} is now assigned to another inspector.")
        self.task = task
        before = self.visit.commands.status(campaign).event(undone or "")
        self._send(campaign, None if before is None else review_of(before))

    def _reopen_by_name(self, text: str) -> None:
        matches = [event for event in self._own_verdicts(self.needed()) if str(event.star) == text.strip()]
        if not matches:
            raise RefusedError(f"{text.strip()[:40]!r} is not a star that you have judged in this campaign.")
        self._reopen(matches[-1].star, matches[-1].occasion)

    async def _judge(self, request: protocol.Judge) -> None:
        """Record a verdict in a thread, then show the next star."""
        campaign, draft = self.needed(request), draft_of(request, self.workspace)
        commands, person = self.visit.commands, self.visit.known

        def judge() -> tuple[VettingEvent, tuple[Campaign, Task | None] | None]:
            event = commands.judge(person, campaign, draft)
            try:
                return event, (campaign, self._next(campaign))
            except (StoreError, SQLAlchemyError):  # the verdict is saved; the next read of the record reports the error
                return event, None

        event, taken = await self.channel.in_background(judge, VERDICTS)
        with self.channel.batch():
            self.channel.send(saved=event.id)
            self._show_task(taken)

    async def _undo(self, request: protocol.VetUndo) -> None:
        """Undo the last verdict and show its star."""
        commands, person, campaign = self.visit.commands, self.visit.known, self.needed()
        event = await self.channel.in_background(lambda: commands.undo(person, campaign, event_id=request.id), VERDICTS)
        if event is None:
            raise RefusedError("There is nothing to undo.")
        text = f"The verdict on {event.star} was undone"
        with self.channel.batch():
            try:
                self._reopen(event.star, event.occasion, undone=event.supersedes)
                self.channel.send(message=f"{text}.")
            except RefusedError:
                self.show()
                self.channel.send(message=f"{text}; the star is now assigned to another inspector.")

    async def _redo(self, request: protocol.VetRedo) -> None:
        commands, person, campaign = self.visit.commands, self.visit.known, self.needed()
        event = await self.channel.in_background(lambda: commands.redo(person, campaign, event_id=request.id), VERDICTS)
        if event is None:
            raise RefusedError("There is nothing to redo.")
        with self.channel.batch():
            self.show()
            self.channel.send(message=f"The verdict on {event.star} was restored.")

    def _fitted(self) -> None:
        """Copy the values of a refit into the form."""
        fitted = self.workspace.proposals.get(self.workspace.focus or 0)
        if fitted is not None:
            self.channel.send(fitted=dict(fitted.labels))

    def _neighbours(self) -> NDArray[np.int64]:
        """The previous, current and probable next star, sent in advance."""
        campaign, table = self.campaign(), self.workspace.table
        if campaign is None or self.task is None:
            return np.empty(0, np.int64)
        left = self._skipped | {(self.task.star, self.task.occasion)}
        next_task = self.visit.commands.peek_next(self.visit.known, campaign, left)
        last = self.visit.commands.status(campaign).undoable(self.visit.known.name, EventKind.VERDICT)
        stars = [*([last.star] if last else []), self.task.star, *([next_task.star] if next_task else [])]
        rows = [table.row_of(star) for star in stars]
        return np.array([row for row in rows if row is not None], np.int64)

    def _counts(self, campaign: Campaign) -> protocol.Counts:
        done, left = self.visit.commands.own_counts(self.visit.known, campaign)
        return protocol.Counts(done, left)

    def _send(self, campaign: Campaign, undone: protocol.Review | None = None) -> None:
        """Send the current star; an undone verdict fills the form, so that nobody types it twice."""
        task, counts = self.task, self._counts(campaign)
        state = protocol.VetState(**asdict(self.campaign_state()), star="", sentence="", counts=counts)
        if task is None:
            self.workspace.focus = None
            text = "Nothing is left for you in this campaign; stars that others have now may become free again."
            self.channel.send(vet=replace(state, sentence=text))
            return
        status = self.visit.commands.status(campaign)
        before = status.verdicts(task.star, task.occasion).get(self.visit.known.name)
        self.channel.send(
            vet=replace(
                state,
                star=str(task.star),
                quantities=self.quantities(campaign, task.star),
                before=None if before is None else review_of(before),
                undone=undone,
            )
        )
        if self.workspace.focus == task.star:
            self.star.show()
        else:
            self.workspace.focus = task.star


def review_of(event: VettingEvent) -> protocol.Review:
    """A review as sent to the page."""
    return protocol.Review(
        id=event.id,
        user=event.user,
        utc=event.utc,
        occasion=event.occasion,
        verdict=event.verdict,
        flags=event.flags,
        note=event.note,
        proposal={name: value for name, value in event.proposal.items() if name != "refit"},
        refit="refit" in event.proposal,
    )
