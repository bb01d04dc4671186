"""What the record shows outside the vetting rooms: blind until a star is closed to the reader."""

import numpy as np
import pytest
from vetting_helpers import ANN, BOB, CY, EVE, VIC, draft, judge_all, make_desk

from explorer.model.selection import InIds, Named
from explorer.model.vetting.rules import VettingRules
from explorer.model.vetting.shown import judged, remarks_on, verdict_lists
from explorer.model.vetting.store import Store
from explorer.state.workspace import Workspace
from explorer.views.catalogue import default_panels
from explorer.views.vetting.visit import Visit

PLAIN = VettingRules(control_fraction=0.0, repeat_fraction=0.0)


@pytest.fixture
def desk(tmp_path, library):
    store = Store.open(tmp_path / "vetting.sqlite")
    yield make_desk(store, library)
    store.close()


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


def test_reviews_stay_blind_for_whoever_could_still_judge(desk, campaign, stars):
    review(desk, ANN, campaign, stars[0], 1, note="ann's secret", flags=("RV",))
    for person in (BOB, CY, EVE):
        assert texts(desk, person, stars[0]) == ["not settled"]
        assert not any(remark.note for remark in remarks_on(desk, person, stars[0]))
        assert list(verdict_lists(desk, person)) == ["odd ones: not settled"]
    assert texts(desk, VIC, stars[0]) == ["incomplete"]
    assert any(text.startswith("ann,") and text.endswith("1 wrong (RV)") for text in texts(desk, ANN, stars[0]))


def test_settled_stars_are_told_to_everybody_known_and_reviews_to_adjudicators(desk, campaign, stars):
    for person in (ANN, BOB):
        review(desk, person, campaign, stars[0], 3, flags=("sky",))
    assert texts(desk, VIC, stars[0]) == ["agreed: 3 probable (sky)"]
    assert texts(desk, CY, stars[0]) == ["agreed: 3 probable (sky)"]
    assert len(texts(desk, EVE, stars[0])) == 3
    assert verdict_lists(desk, VIC)["odd ones: settled, 3 probable"] == (stars[0],)
    assert verdict_lists(desk, VIC)["odd ones: settled, sky"] == (stars[0],)
    assert verdict_lists(desk, ANN)["odd ones: ann said 3 probable"] == (stars[0],)
    assert remarks_on(desk, None, stars[0]) == ()
    assert verdict_lists(desk, None) == {}


def test_conflicts_are_for_adjudicators_until_they_are_settled(desk, campaign, stars):
    review(desk, ANN, campaign, stars[0], 0)
    review(desk, BOB, campaign, stars[0], 4, note="looks fine")
    assert texts(desk, VIC, stars[0]) == ["conflict"]
    assert verdict_lists(desk, EVE)["odd ones: conflict"] == (stars[0],)
    assert "odd ones: conflict" not in verdict_lists(desk, ANN)
    assert "looks fine" not in [remark.note for remark in remarks_on(desk, ANN, stars[0])]
    desk.adjudicate(EVE, campaign, draft(stars[0], 2, note="settled so"))
    told = remarks_on(desk, VIC, stars[0])
    assert [(one.text, one.note) for one in told] == [("adjudicated: 2 doubtful", "settled so")]


def test_a_repeat_that_waits_hides_the_first_verdict(desk, stars):
    rules = VettingRules(control_fraction=0.0, repeat_fraction=1.0, repeat_gap=1, reviews=1)
    campaign = desk.create_campaign(EVE, "twice", stars, rules, seed=5)
    task = desk.next_task(ANN, campaign)
    desk.judge(ANN, campaign, draft(task.star, 4))
    assert texts(desk, ANN, task.star) == ["not settled"]
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
    for person in (ANN, BOB):
        review(desk, person, campaign, stars[2], 1)
    offered = page.send("side", open=True)["side"]["verdicts"]
    assert ["odd ones: settled, 1 wrong", "odd ones: settled, 1 wrong (1)"] in offered
    answer = page.send("verdicts", name="odd ones: settled, 1 wrong")
    assert page.workspace.selection == Named("odd ones: settled, 1 wrong", InIds((stars[2],)))
    assert answer["toolbar"]["subset"] == ["odd ones: settled, 1 wrong", ""]
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
    assert [remark[0] for remark in packet["remarks"]] == ["odd ones", "odd ones"]
    page.workspace.selection = InIds(tuple(stars))
    ordered = [int(star) for star in page.library.table["obsid"][np.sort(page.room.table.stars)]]
    assert page.send("star_step", by=1, unvetted=True)["star"]["obsid"] == str(ordered[2])
    assert page.send("star_step", by=-1, unvetted=True)["star"]["obsid"] == str(ordered[3])
    page.workspace.selection = InIds((stars[1], ordered[3]))
    assert "every other star" in page.send("star_step", by=1, unvetted=True)["say"]
