"""The base of the vetting rooms: message channel, campaign, and updates when the record changes."""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any

import panel as pn
import param
from msgspec.structs import replace
from param.parameterized import discard_events
from sqlalchemy.exc import SQLAlchemyError

from explorer import protocol
from explorer.model.screen import Theme
from explorer.model.work import VERDICTS, BusyError, StoppedError
from explorer.rooms.base import stylesheet
from explorer.rooms.channel import NOT_UNDERSTOOD, Channel, log_mishap
from explorer.rooms.scripts import page_script
from explorer.rooms.vetting.visit import Visit
from explorer.vetting.campaigns import Campaign
from explorer.vetting.drafts import RefusedError
from explorer.vetting.events import Authority
from explorer.vetting.people import Role
from explorer.vetting.queries import MAX_EVENTS_ON_LOOP
from explorer.vetting.rules import FLAG_KEYS
from explorer.vetting.store import StoreError
from pipeline.domain.columns import column
from pipeline.domain.label_names import LABEL_NAMES as LABELS

NO_SPECTRA = "This catalogue has no spectra: verdicts are about the values of the star's card and its photometry."
NO_CAMPAIGN = "There is no campaign yet. An adjudicator selects stars in Explore, then starts one in Campaigns."

KEPT = "Your input is kept here: try again."

OUT_OF_REACH = f"The record cannot be reached now, so nothing was saved. {KEPT}"

BEING_READ = "The vetting record is being read."

BACK = "The vetting record can be reached again."

NO_STAR = "The star to judge appears here."

FOLLOW_MS = 1500
"""Interval at which a room checks the record for changes by others."""

_SHEETS = ("explore", "star", "vetting", "layout")
_LOG = logging.getLogger("explorer.vetting")


class VettingChannel(Channel):
    """Message channel of a vetting room; refusals are sent as sentences."""

    room = param.String(doc="Which room the script builds.")
    dark = param.Boolean(doc="Whether the page is dark when the room is entered; later the theme is a message.")

    _esm = page_script("vetting/vetting.js")
    _stylesheets = [stylesheet(name) for name in _SHEETS]  # noqa: RUF012 - so Panel wants it

    def later(self, work: Coroutine[Any, Any, None]) -> None:
        """Run a coroutine on the event loop that waits for a thread."""
        task = asyncio.get_running_loop().create_task(self._later(work, ""))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def refuse(self, sentence: str, kind: str) -> None:
        """Answer a refused request with a sentence, unless the room shows that sentence already."""
        if self._outgoing.get("closed") == sentence:
            self.send(refused=kind)
        else:
            super().refuse(sentence, kind)

    @contextmanager
    def _mishaps(self, kind: str) -> Iterator[None]:
        try:
            yield
        except (RefusedError, BusyError) as error:
            self.refuse(str(error), kind)
        except StoppedError:  # the page was closed
            pass
        except StoreError as error:
            _LOG.warning("The record could not be reached for %.40r: %s", kind, error)
            self.send(message=f"Not saved: {error} {KEPT}", unreachable=kind)
        except (SQLAlchemyError, OSError):
            _LOG.exception("The record could not be reached for %.40r.", kind)
            self.send(message=OUT_OF_REACH, unreachable=kind)
        except (KeyError, TypeError, ValueError, IndexError, OverflowError, RecursionError) as error:
            log_mishap(_LOG, kind, error)
            self.refuse(NOT_UNDERSTOOD, kind)


class VettingRoom:
    """Base of the vetting rooms: the campaign, the channel, and updates when the record changes.

    Parameters
    ----------
    visit : Visit
        Data that the rooms share.
    room : str
        Its name in the script.
    role : Role
        Role required to enter.
    """

    def __init__(self, visit: Visit, room: str, role: Role) -> None:
        self.visit, self.role = visit, role
        dark = visit.workspace.dark
        self.channel = VettingChannel(room=room, dark=dark, sizing_mode="stretch_both", margin=0)
        self.channel.permit = self._permitted
        self.channel.on(protocol.Connect, self._connect)
        self.channel.on(protocol.Campaign, self._choose)
        self.channel.on(protocol.Enter, lambda request: visit.workspace.param.update(room=request.room))
        self._followed: object = None
        self._failure = ""
        self._shown = self._reading = False
        visit.workspace.param.watch(lambda _: self.send_theme(), "dark")
        visit.workspace.param.watch(lambda _: self._campaign_chosen(), "campaign")

    def _permitted(self, request: protocol.Request) -> str:
        """Why a request is refused because of its role or that of the room; "" if it is permitted."""
        refusal = self.visit.refusal(self.role)
        if refusal:
            self.channel.send(closed=refusal)
            return refusal
        return self.visit.refusal(request.role, f"“{protocol.title_of(request)}” is")

    def _connect(self, _: protocol.Connect) -> None:
        self.send_theme()
        self.send_constants()
        document = pn.state.curdoc
        if document is not None and document.session_context is not None and self._followed is None:
            document.add_periodic_callback(self._follow, FOLLOW_MS)
        self._followed = ()
        self._shown = False
        self._present()

    def send_constants(self) -> None:
        """Send constants to a new page."""

    def show(self) -> None:
        """Send the current state to the page."""
        raise NotImplementedError

    def record_changed(self) -> None:
        """Update the page after a change of the record."""
        self.show()

    def _mark(self) -> object:
        """Value that changes with the record; raises StoreError if the record cannot be reached."""
        commands = self.visit.commands
        commands.log.follow(MAX_EVENTS_ON_LOOP)
        return (commands.log.generation, commands.revision, tuple(campaign.id for campaign in commands.campaigns()))

    def _present(self, *, changed: bool = False) -> None:
        """Show the current state, or why that is not possible; slow reads run in the background."""
        if self._reading:
            return
        try:
            mark = self._mark()
            if self.visit.commands.behind:
                self._read()
                return
            if self._failure:
                self.channel.send(closed="")
                if self._failure != BEING_READ:
                    self.channel.send(message=BACK)
                self._failure = ""
            if self._shown and changed:
                self.record_changed()
            else:
                self.show()
            self._shown, self._followed = True, mark
        except (StoreError, SQLAlchemyError, OSError) as error:
            if isinstance(error, StoreError) and not self.visit.commands.store.failure:
                self._read()
            else:
                self._unreachable(str(error) if isinstance(error, StoreError) else OUT_OF_REACH)

    def _read(self) -> None:
        """Read the record in the background, then show the current state."""
        self._reading = True
        if not self._shown:
            self._failure = BEING_READ
            self.channel.send(closed=BEING_READ)
        self.channel.later(self._read_beside())

    async def _read_beside(self) -> None:
        try:
            await self.channel.in_background(self.visit.commands.prepare, VERDICTS)
        except (StoreError, SQLAlchemyError, OSError) as error:
            self._unreachable(str(error) if isinstance(error, StoreError) else OUT_OF_REACH)
            return
        finally:
            self._reading = False
        with self.channel.batch():
            self._present(changed=self._shown)

    def _unreachable(self, sentence: str) -> None:
        """Report a failure once; a room that is shown keeps its content."""
        if sentence == self._failure:
            return
        self._failure = sentence
        _LOG.warning("The room %s shows: %s", self.channel.room, sentence)
        if self._shown:
            self.channel.send(message=sentence)
        else:
            self.channel.send(closed=sentence)

    def _follow(self) -> None:
        if self.visit.refusal(self.role) or self._reading:
            return
        try:
            changed = self._failure or self.visit.commands.behind or self._mark() != self._followed
        except (StoreError, SQLAlchemyError, OSError):
            changed = True
        if changed:
            with self.channel.batch():
                self._present(changed=True)

    def send_theme(self) -> None:
        """Send the light or dark theme."""
        self.channel.send(theme=Theme.of(dark=self.visit.workspace.dark))

    def _choose(self, request: protocol.Campaign) -> None:
        self.visit.workspace.campaign = self.visit.commands.campaign(request.id).id

    def _campaign_chosen(self) -> None:
        """Follow a choice of campaign in any of the rooms."""
        if self._followed is not None and not self.visit.refusal(self.role):
            self._shown = self._shown and bool(self._failure)  # everything, not only what others changed
            with self.channel.batch():
                self._present()

    def campaign(self) -> Campaign | None:
        """The chosen campaign, by default the newest; it stays chosen when another one starts."""
        campaigns, workspace = self.visit.commands.campaigns(), self.visit.workspace
        for campaign in campaigns:
            if campaign.id == workspace.campaign:
                return campaign
        if not campaigns:
            return None
        with discard_events(workspace):
            workspace.campaign = campaigns[0].id
        return campaigns[0]

    def needed(self, request: protocol.Judge | None = None) -> Campaign:
        """The campaign of a request, else the chosen one; raises RefusedError if there is none."""
        if request is not None and request.campaign:
            return self.visit.commands.campaign(request.campaign)
        campaign = self.campaign()
        if campaign is None:
            raise RefusedError(NO_CAMPAIGN)
        return campaign

    def campaign_state(self) -> protocol.CampaignState:
        """The list of campaigns, the chosen one and its rules."""
        campaign = self.campaign()
        state = protocol.CampaignState(
            campaigns=tuple(
                protocol.CampaignChoice(choice.id, choice.name) for choice in self.visit.commands.campaigns()
            ),
            campaign=campaign.id if campaign else "",
            person=self.visit.known.name,
            signed=self.visit.known.authority is not Authority.SINGLE_USER,
            judged="" if self.visit.commands.library.products.spectra is not None else NO_SPECTRA,
        )
        if campaign is None:
            return state
        rules = campaign.rules
        keys = [*FLAG_KEYS, *("" for _ in rules.flags)]
        digits = sorted(rules.verdicts, reverse=True)
        return replace(
            state,
            verdicts=tuple(protocol.VerdictChoice(digit, rules.verdicts[digit]) for digit in digits),
            flags=tuple(protocol.FlagChoice(flag, keys[number]) for number, flag in enumerate(rules.flags)),
        )

    def quantities(self, campaign: Campaign, star: int) -> tuple[protocol.Quantity, ...]:
        """Quantities that can be proposed for a star: name, label, unit, published value."""
        published = self.visit.commands.published(star, campaign.rules)
        return tuple(
            protocol.Quantity(name, column(name).label, column(name).unit, None if math.isnan(value) else value)
            for name, value in ((name, published[name]) for name in sorted(published, key=_place))
        )

    def __panel__(self) -> pn.viewable.Viewable:
        """The room's layout."""
        return self.channel


def _place(name: str) -> int:
    """Sort key that gives labels the order of the star's card."""
    return LABELS.index(name) if name in LABELS else len(LABELS)
