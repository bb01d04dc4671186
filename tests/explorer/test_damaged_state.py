"""Damaged and hostile states: parts are lost with a short plain sentence, and the page works on."""

import base64
import copy
import json
import logging
import random
import threading

import numpy as np
import pytest

from explorer.charts.crowding import Crowding
from explorer.charts.grid import default_panels
from explorer.charts.shading import Stars, Viewport
from explorer.model import kept_axes
from explorer.model.computed import ComputedColumn
from explorer.model.damaged import MAX_SENTENCE, brief, shortened, text_in
from explorer.model.definitions import MAX_DEFINITIONS, read_definitions
from explorer.model.kept_axes import MAX_AXES
from explorer.model.polygons import LOOKUP_FROM, points_in_polygon
from explorer.model.scales import Scale, ScaleKind
from explorer.model.selection import Everything, InBox, InIds, InPolygon, InRange, Named, SelectionError, from_dict
from explorer.model.table import StarTable
from explorer.rooms import session_files
from explorer.state.workspace import Workspace

DEEP = json.loads("[" * 300 + "]" * 300)
NAMED = json.loads('{"kind": "named", "name": "a", "inner": ' * 300 + '{"kind": "everything"}' + "}" * 300)
HOSTILE = (
    *(None, True, 0, -1, 3, 2**63, 2**64, 10**400, 1.5, 1e308, -1e308, 5e-324, "", "x", "`", "\0", "x" * 10_000),
    *("\u202elive", "<img src=x onerror=alert(1)>", [], {}, [[]], [1, 2], ["x"], list(range(500)), DEEP, NAMED),
    *("teff", "gone", "custom", "log", {"kind": "range"}, {"kind": "matches", "text": "teff<"}, {"kind": "everything"}),
)
RAW = ("Error(", "NoneType", "object at", "not subscriptable", "unpack", "argument must be", "indices", "codec")
"""Words of Python's own errors."""


def opened(page, content):
    """The answer of a page to a session file."""
    data = content if isinstance(content, bytes) else json.dumps(content).encode()
    return page.ask("open_session", size=len(data), data=base64.b64encode(data).decode())


@pytest.fixture
def fresh(library, links, make_page):
    page = make_page(library, links, Workspace(library.table, panels=default_panels(library, 6)))
    page.open()
    return page


@pytest.fixture
def session(page):
    """The file of a page where much was changed."""
    page.open()
    workspace = page.workspace
    workspace.define_column(ComputedColumn("twice", "teff * 2", "teff * 2", "K", "Twice"))
    outline = InPolygon("teff", "logg", ((3000, 0), (4200, 0), (3700, 4)), Scale(ScaleKind.LOG))
    workspace.define_subset("drawn", outline, "#0072b2")
    workspace.gesture(InBox("twice", "logg", 0, 8000, 0, 5))
    workspace.gesture(Named("drawn", outline))
    page.send("swap", slot=2, view="sky_map")
    page.send("swap", slot=3, view="space_3d")
    page.send("axis_scale", slot=1, axis="x", scale="symlog")
    page.send("sort", column="teff")
    workspace.param.update(colour_by="m_h", focus=int(page.library.table["obsid"][3]))
    return json.loads(bytes(page.ask("save_session")["download"]["data"]))


def places(value, path=()):
    """Paths of all values inside a state."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield (*path, key)
        yield from places(item, (*path, key))


def test_each_part_may_be_replaced_by_anything(session, fresh, caplog):
    caplog.set_level(logging.WARNING, logger="explorer")
    draw = random.Random(5)
    paths = list(places(session["state"]))
    for number in range(150):
        damaged = copy.deepcopy(session)
        *outer, last = draw.choice(paths)
        inner = damaged["state"]
        for key in outer:
            inner = inner[key]
        inner[last] = draw.choice(HOSTILE)
        answer = opened(fresh, damaged)
        text = answer.get("message") or answer["continued"]["text"]
        assert len(text) < 3 * MAX_SENTENCE, (outer, last)
        assert not [words for words in RAW if words in text], text
        fresh.look(range(len(fresh.room.stage.charts)))
        if number % 10 == 0:
            assert "download" in fresh.ask("save_session")
    assert not caplog.records


@pytest.mark.parametrize(
    ("name", "value"),
    [("dock", 1.5), ("dock", "x"), ("focus", 10**400), ("panels", [{"view": "hr", "part": 10**400}])],
    ids=["number", "text", "focus", "part"],
)
def test_a_part_of_another_kind_costs_itself_alone(session, fresh, name, value):
    session["state"][name] = value
    text = opened(fresh, session)["continued"]["text"]
    assert "Everything was restored except" in text
    assert fresh.workspace.colour_by == "m_h"


def test_texts_and_numbers_that_no_file_can_hold_are_refused(session, fresh):
    session["state"]["panels"][0]["x"] = "\ud800"
    assert "no text in UTF-8" in opened(fresh, session)["message"]
    text = json.dumps(session).replace('"\\ud800"', '""').replace('"tail": 2.0', '"tail": 1e999')
    assert "1e999 is too large for a number" in opened(fresh, text.encode())["message"]
    assert "download" in fresh.ask("save_session")


def test_many_definitions_and_losses_are_bounded(session, fresh):
    whole = {"kind": "everything"}
    session["state"]["definitions"] = [whole] * MAX_DEFINITIONS + [whole]
    session["state"]["subsets"] = [
        {"name": f"s{number}", "colour": "#000000", "defined": MAX_DEFINITIONS} for number in range(100)
    ]
    text = opened(fresh, session)["continued"]["text"]
    assert f"the definition {MAX_DEFINITIONS}, which does not exist" in text
    assert "more parts" in text
    assert len(text) < 8 * MAX_SENTENCE


def test_a_damaged_definition_holds_nothing_of_what_was_read():
    (error,) = read_definitions([0])
    assert isinstance(error, SelectionError)
    assert error.__traceback__ is None


def test_a_file_is_read_outside_of_the_event_loop(session, fresh, monkeypatch):
    threads = []
    read = session_files.read_state

    def watched(*arguments):
        threads.append(threading.current_thread().name)
        return read(*arguments)

    monkeypatch.setattr(session_files, "read_state", watched)
    opened(fresh, session)
    assert [name.startswith("explorer-uploads") for name in threads] == [True]


@pytest.mark.parametrize("edge", [0.0, -1.0])
def test_an_outline_beyond_its_scale_is_refused(edge):
    with pytest.raises(SelectionError, match="corner at"):
        InPolygon("teff", "logg", ((edge, 0), (4200, 0), (3700, 4)), Scale(ScaleKind.LOG))


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("count", [1000, LOOKUP_FROM])
@pytest.mark.parametrize("size", [1.7e308, 1e300, 5e-324], ids=["largest", "large", "smallest"])
def test_outlines_of_any_size_are_tested(count, size):
    points = np.linspace(-1.0, 1.0, count, dtype=np.float32)
    corners = np.array(((-size, -size), (size, -size), (size, size), (-size, size)))
    inside = points_in_polygon(points, points, corners)
    assert inside.shape == points.shape
    assert inside.any() == (size > 1.0)


def test_obsids_of_any_number_of_digits_select_nothing(page):
    page.open()
    known = int(page.library.table["obsid"][3])
    page.send("marked_rows", action="keep", obsids=["9" * 30, str(known)])
    assert page.workspace.n_selected == 1
    other = Workspace(page.library.table)
    other.restore(json.loads(json.dumps(page.workspace.to_dict())))
    assert other.selection == InIds((10**30 - 1, known))


@pytest.mark.parametrize("stored", [{"kind": "has_flag", "flag": -1}, {"kind": "has_flag", "flag": 2**70}])
def test_bits_without_a_meaning_are_refused(stored):
    with pytest.raises(SelectionError, match="its flag cannot be"):
        from_dict(stored)


def test_a_deep_selection_is_refused_in_short(table):
    with pytest.raises(SelectionError, match="damaged"):
        from_dict(json.loads('{"kind": "named", "name": "a", "inner": ' * 800 + "0" + "}" * 800))
    other = Workspace(table)
    other.restore(Workspace(table, selection=InRange("teff", 0, 1)).to_dict() | {"selection": NAMED})
    assert len(other.message) < 2 * MAX_SENTENCE


def test_values_are_quoted_in_short():
    for value in HOSTILE:
        assert len(brief(value)) <= 60
    assert brief("teff") == "'teff'"
    assert shortened("a" * MAX_SENTENCE) == "a" * MAX_SENTENCE
    assert len(shortened("a" * 9999)) == MAX_SENTENCE
    for value in (3, None, "x" * 201):
        with pytest.raises((TypeError, ValueError), match="expected"):
            text_in(value)


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("region", {"slot": 0, "geometry": {"type": "poly", "x": [1.0, 2.0, 3.0], "y": [1.0]}}),
        ("region", {"slot": 5, "geometry": {"type": "poly", "x": [], "y": []}}),
        ("forget_view", {"name": "\ud800"}),
        ("slide", {"labels": {"\udfff": 1.0}}),
    ],
    ids=["corners", "empty", "half", "half of a key"],
)
def test_what_no_page_can_draw_or_type_is_refused_before_any_handler(page, caplog, kind, fields):
    page.open()
    assert page.send(kind, **fields)["refused"] == kind
    assert [record.getMessage()[:8] for record in caplog.records] == ["Refused:"]


def test_whole_characters_of_any_plane_are_read(page):
    page.open()
    page.send("save_subset", name="☉ 𝛼 é")
    assert page.workspace.subset("☉ 𝛼 é").name == "☉ 𝛼 é"


@pytest.mark.parametrize(("kind", "more"), [("colour_subset", {"colour": "#000000"}), ("verdicts", {})])
def test_long_names_are_quoted_in_short(page, kind, more):
    page.open()
    assert 0 < len(page.send(kind, name="x" * 9000, **more)["message"]) < 200


def test_the_foot_keeps_its_order(session, fresh):
    session["state"]["dock"]["foot"] = ["max", "n", "gone", "max", "mean"]
    opened(fresh, session)
    assert fresh.workspace.dock.foot == ("max", "n", "mean")


def test_a_projection_stays_linear_without_any_star(foreign_library, links, make_page):
    page = make_page(
        foreign_library, links, Workspace(foreign_library.table, panels=default_panels(foreign_library, 6))
    )
    page.open()
    page.send("swap", slot=0, view="sky_map")
    assert "refused" not in page.send("axis_scale", slot=0, axis="y", scale="linear")
    assert "can be linear" in page.send("axis_scale", slot=0, axis="y", scale="log")["message"]


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("width", [5e-324, 1e-30, 1e39, 1e308])
def test_single_stars_are_placed_on_axes_of_any_length(width):
    places = np.zeros(3, np.float32)
    viewport = Viewport(-width / 2 if width > 1 else 0.0, width, -width / 2 if width > 1 else 0.0, width, 60, 60)
    levels = Crowding(viewport, Stars(np.arange(3), places, places)).levels(np.ones(3, np.bool_))
    assert (levels == levels[0]).all()
    assert levels[0] > 0


def test_scales_of_visitors_fill_no_memory(monkeypatch):
    table = StarTable({"obsid": np.arange(4), "teff": np.linspace(3000.0, 4000.0, 4, dtype=np.float32)})
    monkeypatch.setattr(kept_axes, "MAX_BYTES", 0)
    monkeypatch.setattr(table._limits, "most", 10)
    for width in range(1, 40):
        scale = Scale(ScaleKind.SYMLOG, float(width))
        expected = scale.forward(table["teff"]).astype(np.float32)
        assert np.array_equal(table.axis("teff", scale), expected)
        assert table.axis("teff", scale) is table.axis("teff", scale)
        assert table.limits("teff", scale=scale) == (scale.coordinate(3000.0), scale.coordinate(4000.0))
    assert len(table._scaled) == MAX_AXES
    assert len(table._limits) == 10
    assert table.axis("teff") is table.axis("teff", Scale(width=3.0))


def test_a_catalogue_of_any_size_keeps_the_axes_of_a_grid():
    assert kept_axes.kept_axes(10**9).most == MAX_AXES
    assert kept_axes.kept_axes(43_000).most * 43_000 * 4 <= kept_axes.MAX_BYTES
    assert kept_axes.kept_axes(0).most > MAX_AXES


@pytest.mark.parametrize("view", ["sky_map", "space_3d"])
def test_a_range_along_a_projection_selects_nothing(page, view):
    page.open()
    page.send("swap", slot=0, view=view)
    answer = page.send("axis_range", slot=0, axis="x", start=0.0, end=1.0)
    assert "shows a projection" in answer["message"]
    assert page.workspace.selection == Everything()
