"""What the record shows outside the vetting rooms: blind until a star is closed to the reader."""

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
def campaign(desk, stars):
    return desk.create_campaign(EVE, "odd ones", stars, PLAIN, seed=5)


def texts(desk, person, star):
    return [remark.text for remark in remarks_on(desk, person, star)]


def review(desk, person, campaign, star, verdict, **more):
    """Judge one star, whatever the queue would give first."""
    skipped = {(task.star, task.occasion) for task in desk.tasks(campaign) if task.star != star}
    assert desk.next_task(person, campaign, skipped).star == star
    return desk.judge(person, campaign, draft(star, verdict, **more))


def ordered(desk, campaign, stars):
    """Stars in the order of the queue."""
    return tuple(task.star for task in desk.tasks(campaign) if task.star in stars)


def test_reviews_stay_blind_for_whoever_could_still_judge(desk, campaign, stars):
    review(desk, ANN, campaign, stars[0], 1, note="ann's secret", flags=("RV",))
    for person in (BOB, CY, EVE, VIC):
        assert texts(desk, person, stars[0]) == []
        assert not any("said" in name for name in verdict_lists(desk, person))
    assert [text.endswith("1 wrong (RV)") for text in texts(desk, ANN, stars[0])] == [True]


def test_whoever_could_change_a_verdict_sees_no_outcome(desk, campaign, stars):
    review(desk, ANN, campaign, stars[0], 1, note="ann's secret")
    review(desk, BOB, campaign, stars[0], 4)
    for person in (BOB, CY, VIC):
        told = remarks_on(desk, person, stars[0])
        assert not any("conflict" in one.text or "ann" in one.text or one.note for one in told)
        assert [name for name in verdict_lists(desk, person) if "said" not in name] == []
    assert texts(desk, EVE, stars[0])[0] == "conflict"
    assert verdict_lists(desk, EVE)["odd ones: conflict"] == (stars[0],)


def test_a_star_that_waits_in_another_campaign_stays_blind(desk, campaign, stars):
    for person in (ANN, BOB):
        judge_all(desk, person, campaign, lambda _: 3)
    desk.clock.now += 2 * GRACE
    assert texts(desk, CY, stars[0]) == ["agreed: 3 probable"]
    desk.create_campaign(EVE, "second", stars[:1], PLAIN, seed=5)
    for person in (CY, EVE):
        assert texts(desk, person, stars[0]) == []
        assert stars[0] not in verdict_lists(desk, person)["odd ones: settled, 3 probable"]
    assert texts(desk, VIC, stars[0]) == ["agreed: 3 probable"]


def test_a_campaign_that_is_over_is_told_and_stays_as_it_is(desk, campaign, stars):
    judge_all(desk, ANN, campaign, lambda task: 0 if task.star == stars[0] else 3)
    judge_all(desk, BOB, campaign, lambda _: {"verdict": 3, "flags": ("sky",)} if _.star == stars[1] else 3)
    assert not desk.closed(campaign)
    for star in stars[:2]:
        desk.adjudicate(EVE, campaign, draft(star, 2, note="settled so"))
    assert not desk.closed(campaign), "the last word is fresh"
    assert desk.undo(ANN, campaign) is not None
    assert desk.redo(ANN, campaign) is not None
    desk.clock.now += 2 * GRACE
    assert desk.closed(campaign)
    told = remarks_on(desk, VIC, stars[0])
    assert [(one.text, one.note) for one in told] == [("adjudicated: 2 doubtful", "settled so")]
    assert verdict_lists(desk, VIC)["odd ones: settled, 2 doubtful"] == ordered(desk, campaign, stars[:2])
    assert verdict_lists(desk, ANN)["odd ones: ann said 3 probable"] == ordered(desk, campaign, stars[1:])
    assert remarks_on(desk, None, stars[0]) == ()
    assert verdict_lists(desk, None) == {}
    with pytest.raises(RefusedError, match="is over"):
        desk.undo(ANN, campaign)
    with pytest.raises(RefusedError, match="is over"):
        desk.look_again(BOB, campaign, Task(stars[2]))


def test_a_repeat_that_waits_hides_the_first_verdict(desk, stars):
    rules = VettingRules(control_fraction=0.0, repeat_fraction=1.0, repeat_gap=1, reviews=1)
    campaign = desk.create_campaign(EVE, "twice", stars, rules, seed=5)
    task = desk.next_task(ANN, campaign)
    desk.judge(ANN, campaign, draft(task.star, 4))
    assert texts(desk, ANN, task.star) == []
    judge_all(desk, ANN, campaign, lambda _: 4)
    assert sum("ann," in text for text in texts(desk, ANN, task.star)) == 2


def test_what_was_taken_back_is_not_judged(desk, campaign, stars):
    review(desk, ANN, campaign, stars[1], 3)
    assert judged(desk, ANN) == {stars[1]}
    assert judged(desk, BOB) == frozenset()
    desk.undo(ANN, campaign)
    assert judged(desk, ANN) == frozenset()


@pytest.fixture
def page(desk, library, links, make_page):
    workspace = Workspace(library.table, panels=default_panels(library, 2))
    made = make_page(library, links, workspace, Visit(desk, ANN, "", workspace))
    made.open()
    made.send("painted")
    return made


def test_lists_of_verdicts_become_selections(desk, campaign, stars, page):
    review(desk, ANN, campaign, stars[2], 1)
    name = "odd ones: ann said 1 wrong"
    assert page.send("side", open=True)["side"]["verdicts"] == [[name, f"{name} (1)"]]
    answer = page.send("verdicts", name=name)
    assert page.workspace.selection == Named(name, InIds((stars[2],)))
    assert answer["toolbar"]["subset"] == [name, ""]
    assert "any more" in page.send("verdicts", name="odd ones: bob said 1 wrong")["say"]
    assert page.workspace.n_selected == 1


def test_a_subset_that_is_selected_is_named_in_its_colour(page, stars):
    page.workspace.selection = InIds(tuple(stars))
    assert page.send("keep", name="mine")["toolbar"]["subset"] == ["mine", page.workspace.subsets[0].colour]
    page.workspace.selection = InIds((stars[0],))
    assert page.told[-1]["toolbar"]["subset"] == ["", ""]
    assert page.send("subset", name="mine", action="replace")["toolbar"]["subset"][0] == "mine"


def test_the_card_and_the_next_star_follow_the_record(desk, campaign, stars, page):
    for star in stars[:2]:
        review(desk, ANN, campaign, star, 3)
    packet = page.send("focus", obsid=str(stars[0]))["star"]
    assert [remark[0] for remark in packet["remarks"]] == ["odd ones"]
    page.workspace.selection = InIds(tuple(stars))
    ordered = [int(star) for star in page.library.table["obsid"][np.sort(page.room.table.stars)]]
    assert page.send("star_step", by=1, unvetted=True)["star"]["obsid"] == str(ordered[2])
    assert page.send("star_step", by=-1, unvetted=True)["star"]["obsid"] == str(ordered[3])
    page.workspace.selection = InIds((stars[1], ordered[3]))
    assert "every other star" in page.send("star_step", by=1, unvetted=True)["say"]
