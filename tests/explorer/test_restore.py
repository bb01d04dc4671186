"""Restoring of links, saved views and lost pages, and reports on lost parts."""

import asyncio
import json

import numpy as np
import pytest

from explorer import protocol
from explorer.app import build_page
from explorer.charts.grid import default_panels
from explorer.model.screen import DragTool
from explorer.model.selection import Everything, InRange
from explorer.state.panels import PanelState
from explorer.state.table_layout import TableLayout
from explorer.state.workspace import Workspace

COOL = InRange("teff", 0, 3800)


@pytest.fixture
def stored(table):
    """A page with everything on it, as a link keeps it."""
    workspace = Workspace(table, panels=(PanelState("hr"), PanelState("histogram", x="m_h")))
    workspace.gesture(COOL)
    workspace.define_subset("cool", COOL, "#0072b2")
    layout = TableLayout(("obsid", "teff", "snr"), ("obsid", "snr"), (("snr", True), ("teff", False)))
    workspace.param.update(colour_by="m_h", table_layout=layout, focus=int(table["obsid"][3]), enlarged=1)
    return json.loads(json.dumps(workspace.to_dict()))


def test_everything_on_screen_comes_back(table, stored):
    workspace = Workspace(table)
    workspace.restore(stored)
    assert json.loads(json.dumps(workspace.to_dict())) == stored
    assert workspace.message == ""


BAD_SUBSET = {"name": "cool`poor", "selection": COOL.to_dict(), "colour": "#0072b2"}


@pytest.mark.parametrize(
    ("name", "change", "words"),
    [
        ("subsets", lambda old: [*old, BAD_SUBSET], "the subset 'cool`poor'"),
        ("subsets", lambda old: [*old, old[0]], "second subset 'cool'"),
        ("subsets", lambda old: [*old, 7], "the subset ''"),
        ("panels", lambda old: [*old, {"x": "teff"}], "view 3"),
        ("colour_by", lambda _: "no_such", "no column 'no_such'"),
        ("selection", lambda _: InRange("no_such", 0, 1).to_dict(), "no column 'no_such'"),
        ("focus", lambda _: 5, "no star 5"),
        ("table_layout", lambda old: {**old, "sorts": [["no_such", True]]}, "the order of the table"),
        ("table_layout", lambda old: {**old, "columns": ["no_such"]}, "the columns of the table"),
        ("table_layout", lambda old: {**old, "columns": "teff"}, "the columns and the order of the table"),
        ("table_layout", lambda old: {**old, "sorts": [["teff"]]}, "the columns and the order of the table"),
    ],
)
def test_a_damaged_part_costs_itself_alone(table, stored, name, change, words):
    workspace = Workspace(table)
    workspace.restore({**stored, name: change(stored[name])})
    assert workspace.message.startswith("Everything was restored except ")
    assert words in workspace.message
    now = json.loads(json.dumps(workspace.to_dict()))
    untouched = set(stored) - {name} - ({"enlarged"} if name == "panels" else set())
    assert {key: now[key] for key in untouched} == {key: stored[key] for key in untouched}
    if name in ("subsets", "panels"):
        assert now[name] == stored[name]


def test_what_is_no_state_is_refused_whole(table, stored):
    workspace = Workspace(table)
    for nothing in ({}, {**stored, "panels": None}, {"selection": stored["selection"]}, []):
        with pytest.raises(ValueError, match="damaged"):
            workspace.restore(nothing)
    assert workspace.selection == Everything()


def test_states_of_before_the_table_had_a_layout_still_open(table, stored):
    older = {key: value for key, value in stored.items() if key != "table_layout"}
    for order, sorts in ((None, ()), (["snr", True], (("snr", True),))):
        workspace = Workspace(table, table_layout=TableLayout(sorts=(("teff", False),)))
        workspace.restore({**older, "sorted_by": order})
        assert workspace.table_layout == TableLayout(sorts=sorts)
        assert workspace.message == ""


def test_the_order_of_the_table_is_part_of_a_link(page, library, links, make_page):
    page.open()
    page.send("sort", column="snr")
    assert page.send("sort", column="snr")["table"]["sort"] == [["snr", True]]
    state = links.get(page.ask("share")["link"]["token"])
    other = make_page(library, links, Workspace(library.table, panels=default_panels(library, 6)))
    other.workspace.restore(state)
    other.open()
    assert other.room.table.state().sort == (protocol.TableOrder("snr", descending=True),)
    order = library.table["snr"][other.room.table.stars]
    assert np.array_equal(order, np.sort(library.table["snr"])[::-1])


def test_a_bad_link_is_reported_beside_the_star_of_the_address(library, links, monkeypatch):
    made = []
    monkeypatch.setattr("explorer.app.ExploreRoom", lambda workspace, *_, **__: made.append(workspace) or "room")
    known = str(library.table["obsid"][3]).encode()
    for star, sentences in ((known, ("link is unknown",)), (b"5", ("link is unknown", "no star with obsid 5"))):
        build_page(library, links, {"star": [star], "link": [b"zz"]})
        for words in sentences:
            assert words in made[-1].message


def test_a_shown_message_is_not_repeated(page):
    page.workspace.message = "This link is unknown."
    page.send("connect", seen=True)
    page.workspace.look_at(5)
    assert page.workspace.message == "This catalogue has no star with obsid 5."


def test_one_star_fits(page):
    page.open()
    page.send("side", open=True)
    star = int(page.library.table["obsid"][3])
    for text, count in ((f"obsid == {star}", "1 star fits"), ("teff > 0", "400 stars fit"), ("1/0 > 0", "0 stars fit")):
        assert page.send("check", text=text, cursor=0)["side"]["check"]["count"] == count


def test_a_page_that_lost_its_server_goes_back_to_its_room(page, library, links, make_page):
    page.workspace.param.update(room="Validate", tool=DragTool.LASSO)
    asyncio.run(page.room.kept.save())
    state = links.get(page.room.kept.token)
    again = make_page(library, links, Workspace(library.table))
    again.workspace.restore(state)
    again.open()
    assert again.workspace.room == "Explore"
    again.send("painted")
    assert (again.workspace.room, again.workspace.tool) == ("Validate", "lasso")
    again.workspace.room = "Explore"
    again.send("painted")
    assert again.workspace.room == "Explore"


def test_a_link_opens_the_views_whatever_the_room_of_who_made_it(page, links):
    page.workspace.room = "Validate"
    assert "room" not in links.get(page.ask("share")["link"]["token"])


def test_states_that_are_too_large_are_reported(page, links, monkeypatch, caplog):
    monkeypatch.setattr("explorer.model.links.MAX_BYTES", 100)
    page.open()
    assert "at most 100 are stored" in page.ask("share")["message"]
    page.send("side", open=True)
    assert "at most 100 are stored" in page.ask("save_view", name="large")["message"]
    page.sent.clear()
    for _ in range(2):
        asyncio.run(page.room.kept.save())
    assert len(page.sent) == 1
    assert page.sent[0]["message"].startswith("The state could not be restored after a lost connection.")
    assert links.views(page.room.side.catalog) == {}
    assert not caplog.records


@pytest.mark.parametrize("ends", [[float("nan"), 1.0], [0.0, float("inf")]])
def test_a_stored_view_ends_at_numbers(table, stored, ends):
    stored["panels"][1]["x_ends"] = ends
    workspace = Workspace(table)
    workspace.restore(stored)
    assert "view 2" in workspace.message
