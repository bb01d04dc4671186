"""The Vet room: one star after the other, judged from the keyboard."""

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
from explorer.rooms.vetting.visit import NO_CAMPAIGN, NO_STAR, VettingRoom, Visit, draft_of
from explorer.state.workspace import Workspace
from explorer.vetting.campaigns import Campaign, Task
from explorer.vetting.drafts import RefusedError
from explorer.vetting.events import EventKind, VettingEvent
from explorer.vetting.people import Role
from explorer.vetting.store import StoreError

ROOM = "Vet"
"""Name of the room on the page: only there a star lies on the desk."""


class VetRoom(VettingRoom):
    """Wires the queue and the star of one inspector.

    Parameters
    ----------
    visit : Visit
        Who is here.
    """

    def __init__(self, visit: Visit) -> None:
        super().__init__(visit, "vet", Role.INSPECTOR)
        self.workspace = Workspace(visit.workspace.table)
        self.task: Task | None = None
        self._desk_of: Campaign | None = None
        self._skipped: set[tuple[int, int]] = set()
        self.star = StarDock(self.workspace, visit.desk.library, self._beside, self.channel, nothing=NO_STAR)
        self.workspace.param.watch(lambda event: self.channel.send(say=event.new), "message")
        self.workspace.param.watch(lambda _: self._fitted(), "proposals")
        self.channel.on(protocol.Judge, self._judge)
        self.channel.on(protocol.VetUndo, self._undo)
        self.channel.on(protocol.VetRedo, self._redo)
        self.channel.on(protocol.StarStep, lambda request: self.skip() if request.by > 0 else self.look_back())
        self.channel.on(protocol.StarFind, lambda request: self._find(request.text))
        visit.workspace.param.watch(lambda event: self._entered(event.new == ROOM), "room")

    def send_constants(self) -> None:
        """Tell the star's side what every star shares."""
        self.star.connect()
        document = pn.state.curdoc
        if document is not None and document.session_context is not None:
            document.on_session_destroyed(lambda _: self._leave())

    def _entered(self, here: bool) -> None:
        """Take a star when the room is entered, and give it back when it is left: nobody waits for who is elsewhere."""
        if self._followed is None or self.visit.refusal(self.role):
            return
        if here:
            with self.channel.batch():
                self._present()
        else:
            self._leave()

    def _leave(self) -> None:
        if self._desk_of is not None and self.task is not None:
            with suppress(StoreError, SQLAlchemyError):  # the star is free again when its claim ends
                self.visit.desk.leave(self.visit.known, self._desk_of)
        self._desk_of = None

    def show(self) -> None:
        """Give the next star, and send everything."""
        self._give(None)

    def _next(self, campaign: Campaign) -> Task | None:
        """Take the next star of the queue; those that were left for later come again at its end."""
        desk, person = self.visit.desk, self.visit.known
        task = desk.next_task(person, campaign, self._skipped)
        if task is None and self._skipped:
            self._skipped.clear()
            task = desk.next_task(person, campaign)
        return task

    def _give(self, taken: tuple[Campaign, Task | None] | None) -> None:
        """Send everything, with the star that was ``taken`` from the queue of a campaign already, if any."""
        campaign = self.campaign()
        if self._desk_of is not None and self._desk_of != campaign:
            self._leave()
        if self.visit.workspace.room != ROOM:
            if taken is not None:
                self.visit.desk.leave(self.visit.known, taken[0])
            return
        self._desk_of = campaign
        if campaign is None:
            self.channel.send(vet=protocol.VetState(**asdict(self.campaign_state()), star="", sentence=NO_CAMPAIGN))
            return
        self.task = taken[1] if taken is not None and taken[0] == campaign else self._next(campaign)
        self._send(campaign)

    def others_acted(self) -> None:
        """Somebody judged: numbers change, the star on the desk does not."""
        campaign = self.campaign()
        if self.task is None or campaign is None or campaign != self._desk_of:
            self.show()
        else:
            self.channel.send(counts=self._counts(campaign))

    def skip(self) -> None:
        """Leave the star for later."""
        if self.task is not None:
            self._skipped.add((self.task.star, self.task.occasion))
        self.show()

    def look_back(self) -> None:
        """Show the star that was judged before the one on the desk."""
        said = self._said(self.needed())
        here = (self.task.star, self.task.occasion) if self.task else None
        places = [(event.star, event.occasion) for event in said]
        at = places.index(here) if here in places else len(places)
        if at == 0:
            raise RefusedError("You have judged no star before this one.")
        self._look_again(*places[at - 1])

    def _said(self, campaign: Campaign) -> list[VettingEvent]:
        """The inspector's standing verdicts by time, one a star and occasion."""
        standing = self.visit.desk.standing(campaign)
        latest = {
            (event.star, event.occasion): event
            for event in standing.said(self.visit.known.name)
            if event.kind is EventKind.VERDICT
        }
        return sorted(latest.values(), key=lambda event: event.utc)

    def _look_again(self, star: int, occasion: int, taken_back: str | None = None) -> None:
        campaign, task = self.needed(), Task(star, occasion)
        if not self.visit.desk.look_again(self.visit.known, campaign, task):
            raise RefusedError(f"Star {star} lies on another desk now.")
        self.task = task
        before = self.visit.desk.standing(campaign).event(taken_back or "")
        self._send(campaign, None if before is None else review_of(before))

    def _find(self, text: str) -> None:
        found = [event for event in self._said(self.needed()) if str(event.star) == text.strip()]
        if not found:
            raise RefusedError(f"{text.strip()[:40]!r} is no star that you have judged in this campaign.")
        self._look_again(found[-1].star, found[-1].occasion)

    async def _judge(self, request: protocol.Judge) -> None:
        """Record a verdict beside the page, so that nobody waits for a disk, then give the next star."""
        campaign, draft = self.needed(request), draft_of(request, self.workspace)
        desk, person = self.visit.desk, self.visit.known

        def judge() -> tuple[VettingEvent, tuple[Campaign, Task | None] | None]:
            event = desk.judge(person, campaign, draft)
            try:
                return event, (campaign, self._next(campaign))
            except (StoreError, SQLAlchemyError):  # the verdict is saved; the next look at the record says why
                return event, None

        event, taken = await self.channel.in_background(judge, VERDICTS)
        with self.channel.batch():
            self.channel.send(saved=event.id)
            self._give(taken)

    async def _undo(self, request: protocol.VetUndo) -> None:
        """Show the star whose verdict was taken back."""
        desk, person, campaign = self.visit.desk, self.visit.known, self.needed()
        event = await self.channel.in_background(lambda: desk.undo(person, campaign, event_id=request.id), VERDICTS)
        if event is None:
            raise RefusedError("There is nothing to take back.")
        told = f"The verdict on {event.star} is taken back"
        with self.channel.batch():
            try:
                self._look_again(event.star, event.occasion, taken_back=event.supersedes)
                self.channel.send(say=f"{told}.")
            except RefusedError:
                self.show()
                self.channel.send(say=f"{told}; the star lies on another desk now.")

    async def _redo(self, request: protocol.VetRedo) -> None:
        desk, person, campaign = self.visit.desk, self.visit.known, self.needed()
        event = await self.channel.in_background(lambda: desk.redo(person, campaign, event_id=request.id), VERDICTS)
        if event is None:
            raise RefusedError("There is nothing to do again.")
        with self.channel.batch():
            self.show()
            self.channel.send(say=f"The verdict on {event.star} stands again.")

    def _fitted(self) -> None:
        """Put the values of a refit into the form."""
        fitted = self.workspace.proposals.get(self.workspace.focus or 0)
        if fitted is not None:
            self.channel.send(fitted=dict(fitted.labels))

    def _beside(self) -> NDArray[np.int64]:
        """The star before, this one, and the one that comes next if nobody takes it: handed over ahead."""
        campaign, table = self.campaign(), self.workspace.table
        if campaign is None or self.task is None:
            return np.empty(0, np.int64)
        left = self._skipped | {(self.task.star, self.task.occasion)}
        coming = self.visit.desk.coming(self.visit.known, campaign, left)
        last = self.visit.desk.standing(campaign).undoable(self.visit.known.name, EventKind.VERDICT)
        stars = [*([last.star] if last else []), self.task.star, *([coming.star] if coming else [])]
        rows = [table.row_of(star) for star in stars]
        return np.array([row for row in rows if row is not None], np.int64)

    def _counts(self, campaign: Campaign) -> protocol.Counts:
        done, left = self.visit.desk.own_counts(self.visit.known, campaign)
        return protocol.Counts(done, left)

    def _send(self, campaign: Campaign, taken_back: protocol.Review | None = None) -> None:
        """Tell the star on the desk; what was taken back stands in the form, so that nobody types it twice."""
        task, counts = self.task, self._counts(campaign)
        state = protocol.VetState(**asdict(self.campaign_state()), star="", sentence="", counts=counts)
        if task is None:
            self.workspace.focus = None
            text = "Nothing is left for you in this campaign; what others have on their desks may come back."
            self.channel.send(vet=replace(state, sentence=text))
            return
        standing = self.visit.desk.standing(campaign)
        before = standing.verdicts(task.star, task.occasion).get(self.visit.known.name)
        self.channel.send(
            vet=replace(
                state,
                star=str(task.star),
                quantities=self.quantities(campaign, task.star),
                before=None if before is None else review_of(before),
                taken_back=taken_back,
            )
        )
        if self.workspace.focus == task.star:
            self.star.show()
        else:
            self.workspace.focus = task.star


def review_of(event: VettingEvent) -> protocol.Review:
    """A review as the page shows it."""
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
