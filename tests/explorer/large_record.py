"""Rooms on an event loop with a large record, and measurement of blocked time."""

import asyncio
import time
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from vetting_helpers import EVE, Roles, person

from explorer.rooms.vetting.campaigns import CampaignsRoom
from explorer.rooms.vetting.vet import VetRoom
from explorer.rooms.vetting.visit import Visit
from explorer.state.workspace import Workspace
from explorer.vetting.commands import VettingCommands
from explorer.vetting.events import EventKind, VettingEvent, utc_text
from explorer.vetting.people import Role
from explorer.vetting.record import insert_many
from explorer.vetting.rules import VettingRules

TICK_S = 0.002


class Users(Roles):
    """Those of the helpers, and inspectors ``u0``, ``u1``, ..."""

    def role_of(self, name):
        return Role.INSPECTOR if name[0] == "u" else super().role_of(name)


def fill(store, library, events):
    """A campaign of ten reviews a star with so many verdicts of ``u0``, ``u1``, ... in a row; returns it."""
    commands = VettingCommands(store, library, Users())
    stars = [int(star) for star in library.table["obsid"]]
    rules = VettingRules(control_fraction=0.0, repeat_fraction=0.0, reviews=10)
    campaign = commands.create_campaign(EVE, "large", stars, rules, seed=1)
    begun = datetime.now(UTC) - timedelta(days=5)
    made = [
        VettingEvent(
            str(uuid4()),
            EventKind.VERDICT,
            campaign.id,
            f"u{number // len(stars)}",
            utc_text(begun + timedelta(seconds=number)),
            stars[number % len(stars)],
            verdict=number % 5,
            note="n" * 50,
            catalogue=commands.version,
        )
        for number in range(events)
    ]
    with store.writing() as connection:
        for start in range(0, events, 500):
            insert_many(connection, made[start : start + 500], "")
    return campaign


class Ticker:
    """The longest time for which an event loop did nothing else."""

    def __init__(self):
        self.longest = 0.0

    async def run(self):
        """Until it is cancelled."""
        while True:
            before = time.monotonic()
            await asyncio.sleep(TICK_S)
            self.longest = max(self.longest, time.monotonic() - before - TICK_S)


async def settle(*rooms):
    """Wait for what rooms do beside the page."""
    while pending := [task for room in rooms for task in room.channel._tasks]:
        await asyncio.gather(*pending)


async def judge_with_progress(commands, verdicts, user="u99"):
    """Judge stars in the Vet room while a Campaigns page follows.

    Returns
    -------
    dict
        Seconds: ``longest_stop`` of the loop, ``answers`` one a verdict; ``reviews`` that Campaigns showed at the end.
    """
    rooms, received = [], []
    for who, make, room in ((person(user), VetRoom, "Vet"), (EVE, CampaignsRoom, "Campaigns")):
        made = make(
            Visit(commands, who, "", Workspace(commands.library.table, room=room)), *([None] if room != "Vet" else [])
        )
        messages = []
        made.channel.deliver = messages.append
        rooms.append(made)
        received.append(messages)
    vet = rooms[0]
    ticker = Ticker()
    ticking = asyncio.create_task(ticker.run())
    await asyncio.sleep(0.01)
    for room in rooms:
        room.channel._handle_msg({"kind": "connect"})
    for _ in range(600):
        await settle(*rooms)
        for room in rooms:
            room._follow()
        if vet.task is not None:
            break
        await asyncio.sleep(0.1)
    opened, ticker.longest, answers = ticker.longest, 0.0, []
    await asyncio.sleep(0.05)
    for _ in range(verdicts):
        begun = time.monotonic()
        given = {"star": str(vet.task.star), "verdict": 3, "flags": [], "note": "", "proposal": {}}
        vet.channel._handle_msg({"kind": "judge", "id": str(uuid4()), **given})
        await settle(*rooms)
        assert any("saved" in message for message in received[0]), received[0][-1]
        received[0].clear()
        answers.append(time.monotonic() - begun)
        for room in rooms:
            room._follow()
        await settle(*rooms)
        await asyncio.sleep(0.02)
    ticking.cancel()
    overviews = [message["campaigns"].get("overview") for message in received[1] if "campaigns" in message]
    shown = [one["reviews"] for one in overviews if one]
    return {"longest_stop": ticker.longest, "opening_stop": opened, "answers": answers, "reviews": shown[-1]}
