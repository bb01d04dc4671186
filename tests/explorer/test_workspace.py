"""The Workspace without a browser."""

import numpy as np

from explorer.model.expression import parse
from explorer.model.selection import Everything, InBox, InRange, Nothing, SelectionMode
from explorer.model.table import StarTable
from explorer.state.workspace import Workspace

COOL = InRange("teff", 0, 3800)
GIANT = InRange("logg", -5, 0.8)


def test_rows_follow_the_selection(table):
    workspace = Workspace(table)
    assert workspace.n_selected == table.n_stars
    workspace.selection = COOL
    assert np.array_equal(workspace.rows, table["teff"] <= 3800)
    assert workspace.n_selected == int((table["teff"] <= 3800).sum())
    assert f"{workspace.n_selected} of 400" in workspace.summary()


def test_one_mask_a_gesture(table, monkeypatch):
    calls = []
    original = InBox.mask
    monkeypatch.setattr(InBox, "mask", lambda self, columns: calls.append(1) or original(self, columns))
    workspace = Workspace(table)
    seen = []
    workspace.param.watch(lambda event: seen.append(event.new), "rows")
    workspace.gesture(InBox("teff", "logg", 3500, 3900, 0, 2))
    assert len(calls) == 1
    assert len(seen) == 1


def test_undo_and_redo(table):
    workspace = Workspace(table)
    assert not workspace.can_undo
    workspace.gesture(COOL)
    workspace.gesture(GIANT, SelectionMode.INTERSECT)
    both = workspace.rows.copy()
    workspace.undo()
    assert workspace.selection == COOL
    assert workspace.can_redo
    workspace.undo()
    assert workspace.selection == Everything()
    assert not workspace.can_undo
    workspace.undo()
    workspace.redo()
    workspace.redo()
    assert np.array_equal(workspace.rows, both)
    workspace.undo()
    workspace.selection = Nothing()
    assert not workspace.can_redo


def test_mode_is_used_unless_the_gesture_says_otherwise(table):
    workspace = Workspace(table, mode=SelectionMode.SUBTRACT)
    workspace.gesture(COOL)
    assert np.array_equal(workspace.rows, ~COOL.mask(table))
    workspace.gesture(COOL, SelectionMode.REPLACE)
    assert np.array_equal(workspace.rows, COOL.mask(table))
    workspace.clear()
    assert workspace.selection == Everything()


def test_an_unknown_star_says_so(table):
    workspace = Workspace(table)
    workspace.look_at(5)
    assert workspace.focus is None
    assert "no star with obsid 5" in workspace.message
    workspace.look_at(int(table["obsid"][3]))
    assert workspace.message == ""
    assert workspace.focus_row == 3


def test_visitors_do_not_share_state(table):
    one, two = Workspace(table), Workspace(table)
    one.gesture(COOL)
    one.look_at(int(table["obsid"][0]))
    assert two.selection == Everything()
    assert two.focus is None
    assert not table["teff"].flags.writeable


def test_words_can_be_compared(library):
    """Columns of text are selected by as columns of numbers are."""
    frame = library.products.catalog.table.assign(subclass=lambda stars: np.where(stars["teff"] < 3700, "gM5", "gM0"))
    workspace = Workspace(StarTable.from_frame(frame))
    cool = int((frame["teff"] < 3700).sum())
    for text, count in (("subclass == 'gM5'", cool), ("not subclass != 'gM5'", cool), ("subclass == 'gM9'", 0)):
        workspace.gesture(parse(text, [declared.name for declared in workspace.table.columns]))
        assert workspace.rows.sum() == count
