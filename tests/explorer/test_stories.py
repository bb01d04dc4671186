"""Stories and the welcome: their declarations, and what they do in products of several kinds."""

from __future__ import annotations

import string
from dataclasses import replace

import numpy as np
import pytest
from conftest import Page
from products_factory import make_products
from vetting_helpers import ANN, VIC

from explorer.charts.grid import FIRST_VIEWS, GRIDS, default_panels
from explorer.charts.view_specs import VIEWS
from explorer.model.expression import read
from explorer.model.library import Library, open_library
from explorer.model.selection import InIds, Named
from explorer.model.subsets import Subset
from explorer.model.used_columns import columns_of
from explorer.model.vocabulary import Names, Vocabulary
from explorer.rooms.guide import TOUR, choice_of, lack_of_story, panels_of, steps_of
from explorer.rooms.stories import BY_KEY, STORIES, Place
from explorer.rooms.story_needs import Here
from explorer.rooms.vetting.visit import Visit
from explorer.state.workspace import ARRANGED, Workspace
from explorer.vetting.reader import NoRecord
from pipeline.domain.columns import BY_NAME, COLUMNS
from tests.quick_build import build_real_table

MAX_CHARACTERS = 230
"""Characters of a step: what is read at a glance beside a view."""

each_story = pytest.mark.parametrize("key", [story.key for story in STORIES])


@pytest.fixture(scope="module")
def plain_library(tmp_path_factory) -> Library:
    """The same stars without spectra."""
    return open_library(make_products(tmp_path_factory.mktemp("plain") / "invented", 400, spectra=False))


@pytest.fixture(scope="module")
def real_library(shared_data, tmp_path_factory) -> Library:
    """A real table without spectra and labels."""
    return open_library(build_real_table(shared_data, tmp_path_factory.mktemp("real")))


@pytest.fixture
def judge(commands, library, links):
    """A page of an inspector, on which every story can be followed."""
    workspace = Workspace(library.table, panels=default_panels(library, FIRST_VIEWS))
    return Page(library, links, workspace, record=Visit(commands, ANN, "", workspace))


def page_of(library, links):
    return Page(library, links, Workspace(library.table, panels=default_panels(library, FIRST_VIEWS)))


def rows_of(page):
    return [(story.key, story.title, story.about, story.lack) for story in page.room.guide.welcome().stories]


def state_of(workspace):
    """What a story changes, as values that can be compared."""
    return {name: getattr(workspace, name) for name in ("selection", "subsets", *ARRANGED)}


@each_story
def test_a_story_names_what_exists(key):
    story = BY_KEY[key]
    columns = {*story.colour, *story.compare, *([story.sort] if story.sort else [])}
    assert columns <= set(BY_NAME)
    assert {state.view for state in story.views} <= set(VIEWS)
    assert {name for state in story.views for name in (state.x, state.y) if name} <= set(BY_NAME)
    table = {"obsid": np.arange(200)} | {item.name: np.linspace(0.0, 100.0, 200) for item in COLUMNS if item.is_float}
    for expression in story.select:
        selection = read(expression, Vocabulary(Names(COLUMNS), table=table)).selection
        assert columns_of(selection) <= set(BY_NAME)
    assert story.grid in GRIDS
    assert bool(story.select) == bool(story.subset)


@each_story
def test_a_story_has_few_short_steps_beside_its_views(key):
    story = BY_KEY[key]
    assert 2 <= len(story.steps) <= 4
    for step in story.steps:
        assert step.at in {state.view for state in story.views} | set(Place)
        fields = {name for _, name, _, _ in string.Formatter().parse(step.text) if name}
        assert fields <= {"count", "expression", "catalogue", "undo", "next", "previous"}
        assert len(step.text) <= MAX_CHARACTERS
        assert step.text.rstrip().endswith(".")


def test_the_tour_points_at_places_of_the_page():
    assert {selector for selector, _ in TOUR} <= set(Place)


@each_story
def test_a_story_is_one_message_and_one_step_of_undo(judge, key):
    judge.open()
    before, story = state_of(judge.workspace), BY_KEY[key]
    answer = judge.send("start_story", key=key)
    shown = answer["story"]
    assert (shown["key"], shown["title"]) == (key, story.title)
    assert 2 <= len(shown["steps"]) <= 4
    assert not any("{" in text for _, text in shown["steps"])
    choice = choice_of(judge.library, key)
    assert judge.workspace.n_selected == choice.stars
    if story.subset:
        assert judge.workspace.selection == Named(story.subset, choice.selection)
        assert story.subset in {subset.name for subset in judge.workspace.subsets}
    views = [spec["view"] for spec in answer["stage"]["panels"] if spec is not None]
    assert {state.view for state in panels_of(story, judge.library)} >= set(views)
    assert len(judge.workspace.panels) == story.grid
    judge.look(range(story.grid))
    after = state_of(judge.workspace)
    judge.send("undo")
    assert state_of(judge.workspace) == before
    assert not judge.workspace.can_undo
    judge.send("redo")
    assert _without_windows(state_of(judge.workspace)) == _without_windows(after)


def _without_windows(state):
    return state | {"panels": [replace(panel, x_ends=None, y_ends=None) for panel in state["panels"]]}


def test_a_story_twice_is_one_step_of_undo(judge):
    judge.send("start_story", key="stream")
    judge.send("start_story", key="stream")
    judge.send("undo")
    assert not judge.workspace.can_undo


def test_gestures_after_a_story_are_undone_before_it(judge):
    judge.open()
    judge.send("start_story", key="stream")
    story = state_of(judge.workspace)
    judge.send("clear")
    judge.send("undo")
    assert state_of(judge.workspace) == story
    assert judge.workspace.can_undo


def test_a_subset_of_the_visitor_keeps_its_name(judge):
    own = Subset(BY_KEY["stream"].subset, InIds((1, 2)), "#0072b2")
    judge.workspace.subsets = (own,)
    judge.send("start_story", key="stream")
    first, second = judge.workspace.subsets
    assert first == own
    assert second.name == f"{own.name} 2"
    assert judge.workspace.selection.name == second.name


def test_odd_fits_begin_with_the_oddest(judge):
    judge.send("start_story", key="odd")
    oddness, table = judge.library.table["oddness"], judge.library.table
    assert judge.workspace.focus == table["obsid"][np.nanargmax(oddness)]
    assert judge.workspace.focus in judge.library.products.spectra
    assert judge.workspace.table_layout.sorts == (("oddness", True),)
    assert judge.workspace.colour_by == "oddness"


def test_your_own_table_opens_the_panel_of_lists(judge):
    answer = judge.send("start_story", key="own")
    assert answer["side"]["open"] is True
    assert Place.SIDE in [selector for selector, _ in answer["story"]["steps"]]


def test_what_a_story_lacks_is_a_sentence(library, plain_library, foreign_library, links, commands):
    workspace = Workspace(library.table)
    viewer = Visit(commands, VIC, "", workspace)
    spectra = lack_of_story(BY_KEY["odd"], Here(plain_library, NoRecord()))
    assert spectra == "This catalogue has no spectra."
    role = lack_of_story(BY_KEY["odd"], Here(library, viewer))
    assert role.startswith("vic has the role of viewer here; judging fits is for inspectors.")
    nobody = lack_of_story(BY_KEY["odd"], Here(library, NoRecord()))
    assert nobody == "Judging fits is for inspectors, whom only a vetting record knows."
    assert not lack_of_story(BY_KEY["odd"], Here(library, Visit(commands, ANN, "", workspace)))
    page = page_of(foreign_library, links)
    lacks = {key: lack for key, _, _, lack in rows_of(page)}
    assert lacks["own"] == ""
    assert all(lack.endswith(".") for key, lack in lacks.items() if key != "own")


def test_a_story_with_too_few_stars_says_so(library):
    story = replace(BY_KEY["stream"], min_stars=100_000)
    assert lack_of_story(story, Here(library, NoRecord())).endswith("the story needs 100000.")


def test_a_story_that_is_lacking_changes_nothing(plain_library, links):
    page = page_of(plain_library, links)
    before = state_of(page.workspace)
    assert page.send("start_story", key="odd") == {"message": "This catalogue has no spectra."}
    assert state_of(page.workspace) == before
    assert page.send("start_story", key="none")["refused"] == "start_story"


@pytest.mark.parametrize("kind", ["plain", "real"])
def test_stories_work_without_spectra(request, links, kind):
    library = request.getfixturevalue(f"{kind}_library")
    started = 0
    for story in STORIES:
        page = page_of(library, links)
        page.open()
        if lack_of_story(story, Here(library, NoRecord())):
            continue
        started += 1
        answer = page.send("start_story", key=story.key)
        assert 2 <= len(answer["story"]["steps"]) <= 4
        drawn = page.look(range(len(page.workspace.panels)))
        assert {layer["slot"] for layer in drawn["layers"]} == set(range(len(page.workspace.panels)))
        page.send("undo")
        assert not page.workspace.can_undo
    assert started >= 2


def test_the_real_table_is_described_and_its_stream_is_shown(real_library, links):
    page = page_of(real_library, links)
    welcome = page.room.guide.welcome()
    assert welcome.title == "The stars of sgr_mgiants_lamost_dr5_gaia_dr2.fits"
    assert "195 stars; 32 of its columns were recognised" in welcome.sentences[0]
    page.send("start_story", key="stream")
    assert page.workspace.n_selected > 100
    assert page.workspace.colour_by == "m_h_input"
    assert page.workspace.dock.compare.columns == ("m_h_input",)
    opened = steps_of(BY_KEY["own"], Here(real_library, NoRecord(), opened=True))
    assert "It was opened from files" in opened[0].text
    assert len(opened) == len(steps_of(BY_KEY["own"], Here(real_library, NoRecord()))) + 1


def test_the_welcome_follows_the_views_of_a_first_visit(library, links):
    page = page_of(library, links)
    assert "welcome" not in page.send("connect", seen=False)
    welcome = page.send("painted")["welcome"]
    assert len(welcome["sentences"]) == 3
    assert "simulated" in welcome["sentences"][0]
    assert [row[0] for row in welcome["stories"]] == list(BY_KEY)
    assert "welcome" not in page.send("painted")
    known = page_of(library, links)
    known.send("connect", seen=True)
    assert "welcome" not in known.send("painted")


def test_help_brings_the_welcome_back(page):
    content = page.send("help")["help"]
    assert content["welcome"]["title"] == "A simulated catalogue"
    assert [selector for selector, _ in content["welcome"]["tour"]] == [str(selector) for selector, _ in TOUR]


def test_the_welcome_names_the_star_only_where_one_is_shown(library, links):
    page = page_of(library, links)
    assert "star that is shown" not in page.room.guide.welcome().sentences[2]
    page.workspace.focus = int(library.table["obsid"][0])
    assert "star that is shown" in page.room.guide.welcome().sentences[2]


def test_arranging_unknown_parts_is_an_error(page):
    with pytest.raises(KeyError, match="cannot be arranged"):
        page.workspace.arrange(page.workspace.selection, (), dark=True)
