"""Steps of undo that are stored with the state of a page."""

import asyncio
import json

import numpy as np
import pytest

from explorer.charts.grid import default_panels
from explorer.model.computed import ComputedColumn
from explorer.model.definitions import SharedParts, read_definitions
from explorer.model.selection import Everything, InIds, InPolygon, InRange, SelectionError, SelectionMode
from explorer.rooms.explore import restore
from explorer.state import history as history_module
from explorer.state.history import MAX_STORED_STEPS, History, read_history, write_history
from explorer.state.workspace import STORED, Workspace

BROWSER = "a" * 32


def stored(workspace):
    """The steps as a file has them."""
    return json.loads(json.dumps(workspace.history_to_dict()))


def work(workspace):
    """Five steps, the last of which is undone."""
    workspace.gesture(InRange("teff", 0, 3800))
    workspace.gesture(InPolygon("teff", "logg", ((3000, 0), (4000, 0), (3500, 3))), SelectionMode.ADD)
    workspace.define_subset("cool", workspace.selection, "#0072b2")
    workspace.gesture(InIds(tuple(int(obsid) for obsid in workspace.table["obsid"][:3])), SelectionMode.SUBTRACT)
    workspace.clear()
    workspace.undo()


def test_steps_are_restored_in_their_order(table):
    workspace, again = Workspace(table), Workspace(table)
    work(workspace)
    again.resume({**workspace.to_dict(), "history": stored(workspace), "created": "x"}, "x")
    assert (again.can_undo, again.can_redo) == (True, True)
    for _ in range(4):
        workspace.undo()
        again.undo()
        assert (again.selection, again.subsets) == (workspace.selection, workspace.subsets)
        np.testing.assert_array_equal(again.rows, workspace.rows)
    assert (again.selection, again.can_undo) == (Everything(), False)
    for _ in range(5):
        again.redo()
    assert (again.selection, again.can_redo) == (Everything(), False)
    assert [subset.name for subset in again.subsets] == ["cool"]


def test_a_restored_page_without_steps_has_nothing_to_undo(table):
    workspace, again = Workspace(table), Workspace(table)
    work(workspace)
    again.resume(workspace.to_dict())
    assert (again.selection, again.can_undo, again.can_redo) == (workspace.selection, False, False)


def test_steps_of_another_build_of_the_catalogue_are_left_out(table):
    workspace, again = Workspace(table), Workspace(table)
    work(workspace)
    again.resume({**workspace.to_dict(), "history": stored(workspace), "created": "x"}, "y")
    assert (again.can_undo, again.message) == (False, "")


def test_parts_in_common_are_written_once(table):
    workspace = Workspace(table)
    corners = tuple((3000.0 + k, float(k % 3)) for k in range(500))
    workspace.gesture(InPolygon("teff", "logg", corners))
    for k in range(40):
        workspace.gesture(InRange("teff", 3000, 3000 + k), SelectionMode.ADD)
    one = len(json.dumps(workspace.selection.to_dict()))
    assert len(json.dumps(stored(workspace))) < 4 * one, "forty moments with the outline"
    past = read_history(stored(workspace), table).past
    assert past[-1].selection.first is past[1].selection


def test_stored_steps_are_bounded_in_number_and_size(table, monkeypatch):
    workspace = Workspace(table)
    for k in range(MAX_STORED_STEPS + 20):
        workspace.gesture(InRange("teff", 0, k))
    past = read_history(stored(workspace), table).past
    assert [moment.selection.high for moment in past] == list(range(19, MAX_STORED_STEPS + 19))
    monkeypatch.setattr(history_module, "MAX_STORED_BYTES", 5_000)
    written = stored(workspace)
    past = read_history(written, table).past
    assert 5 < len(past) < 40
    assert past[-1].selection.high == MAX_STORED_STEPS + 18, "the oldest are left out"
    assert len(json.dumps(written)) < 2 * 5_000
    workspace.gesture(InIds(tuple(range(100_000))))
    workspace.clear()
    assert len(json.dumps(stored(workspace))) < 5_000, "a long list of stars"


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        ({"past": 5}, "damaged"),
        ({"definitions": None}, "damaged"),
        ({"past": [{"selection": 99, "subsets": [], "computed": []}]}, "does not exist"),
        ({"past": [{"selection": 0, "subsets": [{}], "computed": []}]}, "damaged"),
    ],
)
def test_damaged_steps_are_reported_and_the_state_is_restored(table, damage, words):
    workspace, again = Workspace(table), Workspace(table)
    work(workspace)
    steps = stored(workspace) | damage
    with pytest.raises(SelectionError, match=words):
        read_history(steps, table)
    again.resume({**workspace.to_dict(), "history": steps, "created": "x"}, "x")
    assert again.selection == workspace.selection
    assert words in again.message
    assert not again.can_undo


def test_steps_by_a_missing_column_are_refused_but_not_by_a_computed_one(table):
    workspace = Workspace(table)
    workspace.define_column(ComputedColumn("twice", "teff * 2", "teff * 2"))
    workspace.gesture(InRange("twice", 0, 7000))
    workspace.clear()
    past = read_history(stored(workspace), table).past
    assert past[-1].selection == InRange("twice", 0, 7000)
    steps = write_history(History([past[-1]._replace(selection=InRange("absent", 0, 1))], []))
    with pytest.raises(SelectionError, match="lacks: absent"):
        read_history(steps, table)


def test_shared_parts_are_read_as_they_were():
    selection = (InRange("a", 0, 1) | InRange("b", 0, 1)) - InRange("a", 2, 3)
    parts = SharedParts()
    key = parts.key(selection)
    assert read_definitions(json.loads(json.dumps(parts.plain)))[key] == selection


def test_undo_works_after_a_reload(library, links, make_page):
    def opened():
        return make_page(library, links, Workspace(library.table, panels=default_panels(library, 6)))

    first = opened()
    answer = first.send("connect", seen=True, browser=BROWSER)
    assert answer["toolbar"]["undo"] is False
    first.workspace.gesture(InRange("teff", 0, 3800))
    first.workspace.gesture(InRange("teff", 0, 3700), SelectionMode.INTERSECT)
    asyncio.run(first.room.kept.save())
    again = opened()
    answer = again.send("connect", seen=True, browser=BROWSER)
    assert answer["toolbar"]["undo"] is True
    again.send("undo")
    assert again.workspace.selection == InRange("teff", 0, 3800)
    again.send("undo")
    assert (again.workspace.selection, again.workspace.can_undo) == (Everything(), False)


def test_what_is_stored_is_declared_once(table):
    assert set(Workspace(table).to_dict()) == {*STORED, "definitions"}


def test_the_page_of_a_lost_connection_has_its_steps_and_a_shared_link_none(library, links, page):
    page.send("connect", seen=True, browser=BROWSER)
    page.workspace.gesture(InRange("teff", 0, 3800))
    page.workspace.clear()
    asyncio.run(page.room.kept.save())
    created = library.products.manifest.created
    lost, linked = Workspace(library.table), Workspace(library.table)
    restore(lost, links, {"link": [page.room.kept.token.encode()]}, created)
    lost.undo()
    assert lost.selection == InRange("teff", 0, 3800)
    restore(linked, links, {"link": [page.ask("share")["link"]["token"].encode()]}, created)
    assert not linked.can_undo
