"""Kept work: a page continues where its visitor left off."""

import asyncio
import sqlite3
from types import SimpleNamespace

import pytest

from explorer.app import build_page
from explorer.charts.grid import default_panels
from explorer.model import links as links_module
from explorer.model.selection import Everything, InRange
from explorer.rooms.page import ground, was_dark
from explorer.state.workspace import Workspace

BROWSER, OTHER = "a" * 32, "b" * 32
COOL = InRange("teff", 0, 3800)


@pytest.fixture
def opened(library, links, make_page):
    """Opens a page of a browser, in a tab; returns it with the answer."""

    def open_page(browser=BROWSER, tab=None, **parts):
        page = make_page(library, links, Workspace(library.table, panels=default_panels(library, 6)), **parts)
        return page, page.send("connect", seen=True, browser=browser, **({"tab": tab} if tab else {}))

    return open_page


def work(page, colour_by="m_h", selection=COOL):
    """Select stars, name them, and let the page store it; returns the token of its tab."""
    page.workspace.gesture(selection)
    page.workspace.define_subset("cool", selection, "#0072b2")
    page.workspace.param.update(colour_by=colour_by, focus=int(page.library.table["obsid"][3]))
    keep(page)
    return page.room.kept.token


def keep(page):
    asyncio.run(page.room.kept.save())


def test_a_new_page_continues_and_starts_afresh_at_a_click(opened):
    first, answer = opened()
    assert "continued" not in answer
    work(first)
    again, answer = opened()
    assert answer["continued"] == {"text": "Continued where you left off.", "action": "Start afresh"}
    assert answer["toolbar"]["colour_by"] == "m_h"
    assert len(answer["toolbar"]["colours"]) > 2
    assert len(answer["table"]["columns"]) > 2
    assert all(answer["stage"]["panels"])
    assert again.workspace.to_dict() == first.workspace.to_dict()
    assert answer["message"] == ""
    answer = again.send("afresh")
    assert answer["continued"]["action"] == "Continue where you left off"
    assert (again.workspace.selection, again.workspace.subsets, again.workspace.focus) == (Everything(), (), None)
    assert again.send("afresh")["continued"]["action"] == "Start afresh"
    assert again.workspace.to_dict() == first.workspace.to_dict()


def test_a_tab_has_its_own_state_and_a_new_one_the_latest(opened):
    here, _ = opened()
    there, _ = opened()
    tab = work(here, "m_h")
    work(there, "teff")
    keep(here)
    keep(there)
    assert opened(tab=tab)[0].workspace.colour_by == "m_h"
    assert opened()[0].workspace.colour_by == "teff"


def test_a_page_on_which_nothing_was_done_is_not_what_a_new_one_continues(opened):
    work(opened()[0])
    page, _ = opened(tab="unknown")
    page.send("afresh")
    keep(page)
    assert opened()[1].get("continued") is None, "what was chosen last is a fresh page"
    linked, _ = opened(browser=OTHER)
    linked.look(range(2), window=[0, 1, 0, 1])
    keep(linked)
    assert opened(browser=OTHER)[0].workspace.panels[0].x_ends is None, "a zoom alone is no work"
    assert opened(browser=OTHER, tab=linked.room.kept.token)[0].workspace.panels[0].x_ends == (0.0, 1.0)


def test_nobody_continues_the_work_of_another(opened):
    tab = work(opened()[0])
    page, answer = opened(browser=OTHER, tab=tab)
    assert "continued" not in answer
    assert page.workspace.subsets == ()


def test_a_person_continues_on_another_machine(opened, make_record):
    work(opened(record=make_record("ann"))[0])
    assert opened(browser=OTHER, record=make_record("ann"))[0].workspace.colour_by == "m_h"
    tab = work(opened(record=make_record("ann"))[0])
    assert "continued" not in opened(record=make_record("bob"), tab=tab)[1], "the same browser, another person"
    assert "continued" not in opened(tab=tab)[1], "after signing out"


@pytest.fixture
def make_record():
    from explorer.vetting.reader import NoRecord

    class Record(NoRecord):
        def __init__(self, name):
            self._name = name

        @property
        def name(self):
            return self._name

    return Record


def test_what_another_version_of_the_catalogue_cannot_show_is_said(opened, links):
    page, _ = opened()
    tab = work(page)
    state = links.get(tab)
    state |= {"created": "2020-01-01", "focus": 5}
    links.resume(tab, state, page.room.owner.name, state["catalog"])
    again, answer = opened()
    assert answer["continued"]["text"] == (
        "Continued where you left off. The catalogue has been rebuilt since. Everything was restored except the "
        "focused star (no star 5)."
    )
    assert again.workspace.selection == COOL
    links.resume(tab, {**state, "catalog": "other"}, page.room.owner.name, "other")
    assert "continued" not in opened(tab=tab)[1], "work on another catalogue"


def test_what_is_damaged_is_said_and_the_page_opens(opened, links):
    page, _ = opened()
    tab = work(page)
    links.resume(tab, {"catalog": page.library.products.manifest.name}, page.room.owner.name, "")
    _, answer = opened(tab=tab)
    assert answer["message"].startswith("What you left could not be restored.")
    assert "stage" in answer
    links.path.write_bytes(b"no database" * 100)
    _, answer = opened(tab=tab)
    assert "cannot be read or written" in answer["message"]
    assert "stage" in answer


def test_states_of_one_owner_are_bounded(links, monkeypatch):
    monkeypatch.setattr(links_module, "MAX_LEFT", 3)
    for number in range(5):
        links.resume(f"t{number}", {"catalog": "c", "number": number}, "ann", "c")
        with sqlite3.connect(links.path) as database:
            database.execute(
                "update link set changed = datetime('now', ?) where token = ?", (f"{number - 9} hours", f"t{number}")
            )
    links.resume("other", {"catalog": "c"}, "bob", "c")
    assert [links.get(f"t{number}") is not None for number in range(5)] == [False, False, True, True, True]
    assert links.left("ann", "c")["number"] == 4
    assert links.left("ann", "c", "t2")["number"] == 2


def test_a_page_that_is_left_stores_its_state_at_once(opened, links):
    page, _ = opened()
    page.workspace.gesture(COOL)
    page.room.kept._unsaved = True  # a save is due
    page.ask("leave")
    assert links.get(page.room.kept.token)["selection"] == COOL.to_dict()
    assert page.send("leave") == {}, "nothing is due any more"


def test_a_link_is_followed_without_a_tour(library, links, make_page):
    page = make_page(library, links, Workspace(library.table), continues=False)
    answer = page.send("connect", seen=False, browser=BROWSER)
    assert "welcome" not in page.send("painted")
    assert len(answer["offer"]) == len(page.send("help")["help"]["welcome"]["tour"])
    assert "offer" not in page.send("connect", seen=True)


def test_a_link_shows_itself_in_place_of_what_was_left(opened, library, links, make_page):
    tab = work(opened()[0])
    page = make_page(library, links, Workspace(library.table), continues=False)
    assert "continued" not in page.send("connect", seen=True, browser=BROWSER)
    assert page.workspace.subsets == ()
    reloaded = make_page(library, links, Workspace(library.table), continues=False)
    reloaded.send("connect", seen=True, browser=BROWSER, tab=tab)
    assert reloaded.workspace.selection == COOL, "the page of a link that is reloaded is as it was"


def test_the_theme_is_the_visitors_and_no_part_of_what_is_kept(opened, links):
    page, answer = opened()
    assert answer["theme"] == "light"
    page.workspace.dark = True
    tab = work(page)
    assert "dark" not in links.get(tab)
    again, answer = opened(tab=tab)
    assert ("continued" in answer, again.workspace.dark) == (True, False)


@pytest.mark.parametrize(
    ("cookie", "hint", "dark", "style"),
    [
        ("1", "", True, ""),
        ("system-1", '"light"', True, ""),
        ("0", '"dark"', False, ""),
        ("system-0", "", False, ""),
        (None, '"dark"', True, ""),
        (None, "dark", True, ""),
        (None, "", False, "@media"),
    ],
)
def test_a_page_opens_in_the_theme_of_its_browser(monkeypatch, cookie, hint, dark, style):
    cookies = {} if cookie is None else {"mgiant-dark": cookie}
    state = SimpleNamespace(cookies=cookies, headers={"Sec-Ch-Prefers-Color-Scheme": hint} if hint else {})
    monkeypatch.setattr("explorer.rooms.page.pn.state", state)
    assert was_dark() is dark
    assert ground().partition(" ")[0] == style


@pytest.mark.parametrize(
    ("address", "continues", "by_link"),
    [
        ({}, True, False),
        ({"afresh": [b"1"]}, False, False),
        ({"star": [b"5"]}, False, True),
        ({"link": [b"x"]}, False, True),
    ],
)
def test_the_address_says_whether_a_page_continues(library, links, monkeypatch, address, continues, by_link):
    made = []
    monkeypatch.setattr("explorer.app.ExploreRoom", lambda *_, **parts: made.append(parts) or "room")
    build_page(library, links, address)
    assert [(parts["continues"], parts["by_link"]) for parts in made] == [(continues, by_link)]
