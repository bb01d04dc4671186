"""The Adjudicate room: stars with conflicting reviews, and the verdict that resolves a conflict."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from msgspec.structs import asdict, replace
from numpy.typing import NDArray

from explorer import protocol
from explorer.model.work import VERDICTS
from explorer.rooms.star import StarDock
from explorer.rooms.star_lines import share_lines
from explorer.rooms.vetting.room import NO_CAMPAIGN, NO_STAR, VettingRoom
from explorer.rooms.vetting.submitted import draft_of
from explorer.rooms.vetting.vet import review_of
from explorer.rooms.vetting.visit import Visit
from explorer.state.workspace import Workspace
from explorer.vetting.conflicts import Status
from explorer.vetting.drafts import Case, RefusedError
from explorer.vetting.events import EventKind, VettingEvent
from explorer.vetting.people import Role


class AdjudicateRoom(VettingRoom):
    """The conflicts of a campaign.

    Parameters
    ----------
    visit : Visit
        State shared by the vetting rooms.
    """

    def __init__(self, visit: Visit) -> None:
        super().__init__(visit, "adjudicate", Role.ADJUDICATOR)
        self.workspace = Workspace(visit.workspace.table)
        share_lines(visit.workspace, self.workspace)
        self.cases: tuple[Case, ...] = ()
        library, sky = visit.commands.library, visit.sky
        self.star = StarDock(self.workspace, library, self._order, self.channel, nothing=NO_STAR, sky=sky)
        self.workspace.param.watch(lambda event: self.channel.send(message=event.new), "message")
        self.workspace.param.watch(
            lambda event: self.channel.send(fitted=dict(event.new[self.workspace.focus].labels)), "proposals"
        )
        self.channel.on(protocol.OpenConflict, lambda request: self._open_case(int(request.star)))
        self.channel.on(protocol.Judge, self._adjudicate)
        self.channel.on(protocol.VetUndo, lambda request: self._undo_or_redo(self.visit.commands.undo, request))
        self.channel.on(protocol.VetRedo, lambda request: self._undo_or_redo(self.visit.commands.redo, request))
        self.channel.on(protocol.StarStep, lambda request: self._step(request.by))
        self.channel.on(protocol.StarFind, lambda request: self._open_by_name(request.text.strip()))

    def send_constants(self) -> None:
        """Send what all stars share."""
        self.star.connect()

    def show(self) -> None:
        """Send the conflicting stars and the open one."""
        campaign = self.campaign()
        self.cases = self.visit.commands.cases(self.visit.known, campaign) if campaign else ()
        stars = [case.star for case in self.cases]
        if self.workspace.focus not in stars:
            self.workspace.focus = stars[0] if stars else None
        state = protocol.AdjudicateState(
            **asdict(self.campaign_state()),
            conflicts=tuple(
                protocol.ConflictState(str(case.star), case.outcome.status is Status.ADJUDICATED) for case in self.cases
            ),
            star="",
            sentence="",
        )
        if campaign is None or self.workspace.focus is None:
            state = replace(state, sentence="No reviews conflict." if campaign else NO_CAMPAIGN)
        else:
            star = self.workspace.focus
            settled = self.visit.commands.status(campaign).star(star).adjudication
            reviews = self.visit.commands.reviews(self.visit.known, campaign, star)
            state = replace(
                state,
                star=str(star),
                reasons=tuple(next(case.reasons for case in self.cases if case.star == star)),
                reviews=tuple(replace(review_of(review), imported=self._imported(review.id)) for review in reviews),
                quantities=self.quantities(campaign, star),
                before=None if settled is None else review_of(settled),
            )
        self.channel.send(adjudicate=state)

    def _order(self) -> NDArray[np.int64]:
        rows = [self.workspace.table.row_of(case.star) for case in self.cases]
        return np.array([row for row in rows if row is not None], np.int64)

    def _open_case(self, star: int) -> None:
        if star not in [case.star for case in self.cases]:
            raise RefusedError(f"The reviews of star {star} do not conflict.")
        self.workspace.focus = star
        self.show()

    def _open_by_name(self, text: str) -> None:
        if text not in [str(case.star) for case in self.cases]:
            raise RefusedError(f"{text[:40]!r} is not a star whose reviews conflict.")
        self._open_case(int(text))

    def _step(self, by: int) -> None:
        stars = [case.star for case in self.cases]
        if stars:
            at = stars.index(self.workspace.focus) if self.workspace.focus in stars else 0
            self._open_case(stars[(at + by) % len(stars)])

    async def _adjudicate(self, request: protocol.Judge) -> None:
        campaign, draft = self.needed(request), draft_of(request, self.workspace)
        commands, person = self.visit.commands, self.visit.known
        event = await self.channel.in_background(lambda: commands.adjudicate(person, campaign, draft), VERDICTS)
        left = [case.star for case in commands.cases(person, campaign) if case.outcome.status is not Status.ADJUDICATED]
        with self.channel.batch():
            self.channel.send(saved=event.id)
            self.workspace.focus = left[0] if left else draft.star
            self.show()

    def _imported(self, event_id: str) -> str:
        """Who imported an event and when; "" for an event of this record."""
        imported = self.visit.commands.log.imported.get(event_id)
        return "" if imported is None else f"{imported.by} on {imported.utc[:10]}" if imported.utc else imported.by

    async def _undo_or_redo(
        self, action: Callable[..., VettingEvent | None], request: protocol.VetUndo | protocol.VetRedo
    ) -> None:
        """Undo or redo an adjudication, and show its star."""
        person, campaign = self.visit.known, self.needed()
        event = await self.channel.in_background(
            lambda: action(person, campaign, request.id, EventKind.ADJUDICATION), VERDICTS
        )
        if event is None:
            raise RefusedError("There is nothing to undo or redo.")
        with self.channel.batch():
            self.workspace.focus = event.star
            self.show()
