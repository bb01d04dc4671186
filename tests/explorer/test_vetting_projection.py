"""Incremental projections equal those from scratch; 3,000 events do not block the event loop."""

import asyncio
import math
from dataclasses import astuple
from datetime import timedelta
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from large_record import Users, fill, judge_with_progress
from slow_overview import slow_overview
from vetting_helpers import ANN, BOB, EVE, PLAIN, draft, make_commands

from explorer.vetting.campaigns import Campaign, Task
from explorer.vetting.commands import VettingCommands
from explorer.vetting.events import EventKind, VettingEvent, utc_of, utc_text
from explorer.vetting.overview import overview, overview_of
from explorer.vetting.people import SingleUser
from explorer.vetting.projection import Projection
from explorer.vetting.queue import is_open
from explorer.vetting.rules import VettingRules
from explorer.vetting.store import Store

START = "2026-01-31T12:00:00.000000Z"
RULES = VettingRules(reviews=2)
CAMPAIGN = Campaign(str(UUID(int=1)), "c", START, "eve", "invented", 1, RULES)
TASKS = (Task(1), Task(2), Task(1, 2), Task(3, control=True), Task(3, 2, control=True))
USERS = ("ann", "bob", "cy")


def published(star):
    return dict.fromkeys(RULES.tolerances, 4000.0 + star)


@st.composite
def histories(draw):
    """Events that undo and replace one another, in any order, in parts."""
    events = []
    for number in range(draw(st.integers(1, 25))):
        kind = draw(st.sampled_from(["verdict"] * 5 + ["adjudication", "undo", "undo"]))
        utc = utc_text(utc_of(START) + timedelta(seconds=draw(st.integers(0, 3000))))
        place = draw(st.sampled_from(TASKS))
        common = {"id": str(UUID(int=100 + number)), "campaign": CAMPAIGN.id, "utc": utc}
        if kind == "undo":
            if not events:
                continue
            target = draw(st.sampled_from(events))
            later = utc_text(utc_of(target.utc) + timedelta(seconds=draw(st.integers(1, 50))))
            common |= {"utc": later, "user": target.user, "star": target.star, "occasion": target.occasion}
            events.append(VettingEvent(kind=EventKind.UNDO, supersedes=target.id, **common))
            continue
        events.append(
            VettingEvent(
                kind=EventKind(kind),
                user=draw(st.sampled_from(USERS)),
                star=place.star,
                occasion=place.occasion if kind == "verdict" else 1,
                verdict=draw(st.integers(0, 4)),
                flags=draw(st.sampled_from([(), ("RV",), ("RV", "sky")])),
                proposal=draw(st.sampled_from([{}, {"teff": 4001.0}, {"teff": 4500.0}])),
                **common,
            )
        )
    return draw(st.permutations(events)), draw(st.integers(1, 7))


def same(one, other):
    """Equal but for rounding, NaN equal to NaN."""
    if isinstance(one, float) or isinstance(other, float):
        return (math.isnan(one) and math.isnan(other)) or math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-9)
    if isinstance(one, (tuple, list)):
        return len(one) == len(other) and all(map(same, one, other))
    return one == other


@settings(max_examples=150, deadline=None)
@given(histories())
def test_sums_that_are_kept_equal_those_from_scratch(history):
    events, size = history
    kept, taken = Projection(CAMPAIGN, TASKS, published), []
    for start in range(0, len(events), size):
        kept.fold(events[start : start + size])
        taken += events[start : start + size]
        kept.update(at_most=1)
        assert kept.update()
        assert same(astuple(overview_of(kept)), astuple(slow_overview(CAMPAIGN, TASKS, taken, published)))
        for user in (*USERS, "dee"):
            done = sum(user in kept.status.verdicts(task.star, task.occasion) for task in TASKS)
            left = sum(is_open(user, task, kept.status, RULES) for task in TASKS)
            assert kept.own_counts(user) == (done, left)


def test_a_change_of_one_sum_is_detected():
    kept = Projection(CAMPAIGN, TASKS, published)
    event = VettingEvent(str(UUID(int=9)), EventKind.VERDICT, CAMPAIGN.id, "ann", START, 1, verdict=3)
    kept.fold([event])
    kept.update()
    expected = slow_overview(CAMPAIGN, TASKS, [event], published)
    assert same(astuple(overview_of(kept)), astuple(expected))
    kept.counts_by_user["ann"].firsts += 1
    assert not same(astuple(overview_of(kept)), astuple(expected))


def test_projections_of_two_servers_agree(tmp_path, library):
    where = tmp_path / "v.sqlite"
    stores = [Store.open(where), Store.open(where)]
    one, two = (make_commands(store, library) for store in stores)
    campaign = one.create_campaign(EVE, "c", [int(star) for star in library.table["obsid"][:6]], PLAIN, 5)
    for person, verdict in ((ANN, 0), (BOB, 4)):
        while (task := one.next_task(person, campaign)) is not None:
            one.judge(person, campaign, draft(task.star, verdict))
    assert same(astuple(overview(one, campaign)), astuple(overview(two, campaign)))
    assert [case.star for case in one.cases(EVE, campaign)] == [case.star for case in two.cases(EVE, campaign)]
    for store in stores:
        store.close()


@pytest.fixture
def large(tmp_path, library):
    store = Store.open(tmp_path / "large.sqlite")
    fill(store, library, 3000)
    yield VettingCommands(store, library, Users())
    store.close()


def test_the_first_look_at_a_large_record_reads_it_beside_the_pages(large):
    measured = asyncio.run(judge_with_progress(large, 2))
    assert measured["reviews"] == [3002, 4000]
    assert not large.behind
    campaign = large.campaigns()[0]
    events = large.log.refresh()
    expected = slow_overview(
        campaign, large.tasks(campaign), events, lambda star: large.published(star, campaign.rules)
    )
    assert same(astuple(overview(large, campaign)), astuple(expected))


def test_the_event_loop_leaves_many_new_events_to_a_thread(large):
    campaign = large.campaigns()[0]

    async def look():
        return large.projection(campaign).given, large.behind

    assert asyncio.run(look()) == (0, True)
    large.prepare()
    assert asyncio.run(look()) == (3000, False)


def test_a_new_record_without_campaigns_is_up_to_date_once_it_is_read(tmp_path, library):
    commands = VettingCommands(Store(tmp_path / "new.sqlite"), library, SingleUser("ann"))
    assert commands.behind
    commands.prepare()
    assert not commands.behind
