"""Visibility of verdicts outside the vetting rooms, so that reviews stay blind."""

import numpy as np
import pytest
from vetting_helpers import ANN, BOB, CY, EVE, PLAIN, VIC, draft, judge_all

from explorer.charts.grid import default_panels
from explorer.model.selection import InIds, Named
from explorer.rooms.vetting.visit import Visit
from explorer.state.workspace import Workspace
from explorer.vetting.campaigns import Task
from explorer.vetting.drafts import RefusedError
from explorer.vetting.queries import GRACE
from explorer.vetting.rules import VettingRules
from explorer.vetting.visible import judged, remarks_on, verdict_lists


@pytest.fixture
def stars(library):
    return [int(star) for star in library.table["obsid"][:4]]


@pytest.fixture
def campaign(commands, stars):
    return commands.create_campaign(EVE, "odd ones", stars, PLAIN, seed=5)


def texts(commands, person, star):
    return [remark.text for remark in remarks_on(commands, person, star)]


def review(commands, person, campaign, star, verdict, **more):
    """Judge one star, whatever the queue would give first."""
    skipped = {(task.star, task.occasion) for task in commands.tasks(campaign) if task.star != star}
    assert commands.next_task(person, campaign, skipped).star == star
    return commands.judge(person, campaign, draft(star, verdict, **more))


def ordered(commands, campaign, stars):
    """Stars in the order of the queue."""
    return tuple(task.star for task in commands.tasks(campaign) if task.star in stars)


def test_reviews_stay_blind_for_users_who_can_still_judge(commands, campaign, stars):
    review(commands, ANN, campaign, stars[0], 1, note="ann's secret", flags=("RV",))
    for person in (BOB, CY, EVE, VIC):
        assert texts(commands, person, stars[0]) == []
        assert not any("said" in name for name in verdict_lists(commands, person))
    assert [text.endswith("1 wrong (RV)") for text in texts(commands, ANN, stars[0])] == [True]


def test_users_who_can_change_a_verdict_see_no_outcome(commands, campaign, stars):
    review(commands, ANN, campaign, stars[0], 1, note="ann's secret")
    review(commands, BOB, campaign, stars[0], 4)
    for person in (BOB, CY, VIC):
        remarks = remarks_on(commands, person, stars[0])
        assert not any("conflict" in one.text or "ann" in one.text or one.note for one in remarks)
        assert [name for name in verdict_lists(commands, person) if "said" not in name] == []
    assert texts(commands, EVE, stars[0])[0] == "conflict"
    assert verdict_lists(commands, EVE)["odd ones: conflict"] == (stars[0],)


def test_a_star_that_waits_in_another_campaign_stays_blind(commands, campaign, stars):
    for person in (ANN, BOB):
        judge_all(commands, person, campaign, lambda _: 3)
    commands.clock.now += 2 * GRACE
    assert texts(commands, CY, stars[0]) == ["agreed: 3 probably good"]
    commands.create_campaign(EVE, "second", stars[:1], PLAIN, seed=5)
    for person in (CY, EVE):
        assert texts(commands, person, stars[0]) == []
        assert stars[0] not in verdict_lists(commands, person)["odd ones: settled, 3 probably good"]
    assert texts(commands, VIC, stars[0]) == ["agreed: 3 probably good"]


def test_a_closed_campaign_is_shown_and_does_not_change(commands, campaign, stars):
    judge_all(commands, ANN, campaign, lambda task: 0 if task.star == stars[0] else 3)
    judge_all(commands, BOB, campaign, lambda _: {"verdict": 3, "flags": ("sky",)} if _.star == stars[1] else 3)
    assert not commands.closed(campaign)
    for star in stars[:2]:
        commands.adjudicate(EVE, campaign, draft(star, 2, note="settled so"))
    assert not commands.closed(campaign), "the last word is fresh"
    assert commands.undo(ANN, campaign) is not None
    assert commands.redo(ANN, campaign) is not None
    commands.clock.now += 2 * GRACE
    assert commands.closed(campaign)
    remarks = remarks_on(commands, VIC, stars[0])
    assert [(one.text, one.note) for one in remarks] == [("adjudicated: 2 doubtful", "settled so")]
    assert verdict_lists(commands, VIC)["odd ones: settled, 2 doubtful"] == ordered(commands, campaign, stars[:2])
    assert verdict_lists(commands, ANN)["odd ones: ann said 3 probably good"] == ordered(commands, campaign, stars[1:])
    assert remarks_on(commands, None, stars[0]) == ()
    assert verdict_lists(commands, None) == {}
    with pytest.raises(RefusedError, match="is closed"):
        commands.undo(ANN, campaign)
    with pytest.raises(RefusedError, match="is closed"):
        commands.reopen(BOB, campaign, Task(stars[2]))


def test_a_repeat_that_waits_hides_the_first_verdict(commands, stars):
    rules = VettingRules(control_fraction=0.0, repeat_fraction=1.0, repeat_gap=1, reviews=1)
    campaign = commands.create_campaign(EVE, "twice", stars, rules, seed=5)
    task = commands.next_task(ANN, campaign)
    commands.judge(ANN, campaign, draft(task.star, 4))
    assert texts(commands, ANN, task.star) == []
    judge_all(commands, ANN, campaign, lambda _: 4)
    assert sum("ann," in text for text in texts(commands, ANN, task.star)) == 2


def test_what_was_taken_back_is_not_judged(commands, campaign, stars):
    review(commands, ANN, campaign, stars[1], 3)
    assert judged(commands, ANN) == {stars[1]}
    assert judged(commands, BOB) == frozenset()
    commands.undo(ANN, campaign)
    assert judged(commands, ANN) == frozenset()


@pytest.fixture
def page(commands, library, links, make_page):
    workspace = Workspace(library.table, panels=default_panels(library, 2))
    made = make_page(library, links, workspace, Visit(commands, ANN, "", workspace))
    made.open()
    made.send("painted")
    return made


def test_lists_of_verdicts_become_selections(commands, campaign, stars, page):
    review(commands, ANN, campaign, stars[2], 1)
    name = "odd ones: ann said 1 wrong"
    assert page.send("side", open=True)["side"]["verdicts"] == [[name, f"{name} (1)"]]
    answer = page.send("verdicts", name=name)
    assert page.workspace.selection == Named(name, InIds((stars[2],)))
    assert answer["toolbar"]["subset"] == [name, ""]
    assert "is empty now" in page.send("verdicts", name="odd ones: bob said 1 wrong")["message"]
    assert page.workspace.n_selected == 1


def test_a_subset_that_is_selected_is_named_in_its_colour(page, stars):
    page.workspace.selection = InIds(tuple(stars))
    assert page.send("save_subset", name="mine")["toolbar"]["subset"] == ["mine", page.workspace.subsets[0].colour]
    page.workspace.selection = InIds((stars[0],))
    assert page.sent[-1]["toolbar"]["subset"] == ["", ""]
    assert page.send("subset", name="mine", action="replace")["toolbar"]["subset"][0] == "mine"


def test_the_card_and_the_next_star_follow_the_record(commands, campaign, stars, page):
    for star in stars[:2]:
        review(commands, ANN, campaign, star, 3)
    packet = page.send("focus", obsid=str(stars[0]))["star"]
    assert [remark[0] for remark in packet["remarks"]] == ["odd ones"]
    page.workspace.selection = InIds(tuple(stars))
    ordered = [int(star) for star in page.library.table["obsid"][np.sort(page.room.table.stars)]]
    assert page.send("star_step", by=1, unvetted=True)["star"]["obsid"] == str(ordered[2])
    assert page.send("star_step", by=-1, unvetted=True)["star"]["obsid"] == str(ordered[3])
    page.workspace.selection = InIds((stars[1], ordered[3]))
    assert "every other star" in page.send("star_step", by=1, unvetted=True)["message"]
