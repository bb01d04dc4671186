"""Session files: saved, opened, and checked on opening."""

import base64
import json

import pytest

from explorer.charts.grid import default_panels
from explorer.model import session_file
from explorer.model.computed import ComputedColumn
from explorer.model.scales import Scale, ScaleKind
from explorer.model.selection import InBox, InPolygon, InRange, SelectionError
from explorer.model.session_file import FORMAT, VERSION, read_session, session_bytes
from explorer.state.panels import MAX_PANELS
from explorer.state.workspace import Workspace

OUTLINE = InPolygon("teff", "logg", ((3000, 0), (4200, 0), (3700, 4)), Scale(ScaleKind.LOG))


def opened(page, content, **parts):
    """What a page answers to a file."""
    data = content if isinstance(content, bytes) else json.dumps(content).encode()
    return page.ask("open_session", **({"size": len(data), "data": base64.b64encode(data).decode()} | parts))


@pytest.fixture
def saved(page):
    """A page at work, and the file of its session."""
    page.open()
    workspace = page.workspace
    workspace.define_column(ComputedColumn("twice", "teff * 2", "teff * 2", "K", "Twice"))
    workspace.define_subset("drawn", OUTLINE, "#0072b2")
    workspace.gesture(InBox("twice", "logg", 0, 8000, 0, 5))
    page.send("switch", slot=0, name=next(iter(page.room.stage.charts[0].switches)), on=False)
    page.send("axis_scale", slot=1, axis="x", scale="symlog")
    page.send("sort", column="teff")
    workspace.param.update(colour_by="m_h", focus=int(page.library.table["obsid"][3]))
    download = page.ask("save_session")["download"]
    assert download["name"].endswith("_session.json")
    return json.loads(bytes(download["data"]))


@pytest.fixture
def fresh(library, links, make_page):
    page = make_page(library, links, Workspace(library.table, panels=default_panels(library, 6)))
    page.open()
    return page


def test_a_file_restores_what_a_link_does(saved, page, fresh):
    answer = opened(fresh, saved)
    assert fresh.workspace.to_dict() == page.workspace.to_dict()
    assert fresh.workspace.n_selected == page.workspace.n_selected > 0
    assert answer["continued"] == {"text": "Opened the session.", "action": "Return to what was before"}
    assert answer["stage"]["panels"][1]["x"]["scale"] == "symlog"


def test_a_click_returns_to_what_was_before_and_undo_too(saved, page, fresh):
    fresh.workspace.gesture(InRange("teff", 0, 3500))
    before = fresh.workspace.to_dict()
    opened(fresh, saved)
    assert fresh.send("afresh")["continued"]["action"] == "Show the session again"
    assert fresh.workspace.to_dict() == before
    fresh.send("afresh")
    assert fresh.workspace.to_dict() == page.workspace.to_dict()
    fresh.send("undo")
    assert fresh.workspace.selection == InRange("teff", 0, 3500)


def test_a_file_of_another_catalogue_says_what_does_not_apply(saved, fresh):
    saved["catalogue"]["name"] = "other"
    saved["state"]["colour_by"] = "absent"
    saved["state"]["subsets"].append({"name": "far", "colour": "#000000", "selection": InRange("gone", 0, 1).to_dict()})
    saved["state"]["panels"][0] |= {"view": "custom", "x": "gone", "y": "teff"}
    saved["state"]["later"] = 1
    text = opened(fresh, saved)["continued"]["text"]
    for words in (
        "saved from the catalogue 'other'; this is",
        "1 of its views cannot be drawn. No such columns in this catalogue: it has no values of gone.",
        "does not know its parts later",
        "except the subset 'far'",
        "no column 'absent'",
    ):
        assert words in text
    assert [subset.name for subset in fresh.workspace.subsets] == ["drawn"]


def test_a_rebuilt_catalogue_is_reported(saved, fresh):
    saved["catalogue"]["created"] = "2020"
    assert "has been rebuilt since" in opened(fresh, saved)["continued"]["text"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"\xff\xfe\x00", "no text in UTF-8"),
        (b"obsid,ra\n1,2", "no valid JSON"),
        (b'{"format": NaN}', "NaN is no number of JSON"),
        (b"[" * 100_000, "no valid JSON"),
        ([1, 2], "its format is"),
        ({"format": "x"}, "its format is 'x'"),
        ({"format": FORMAT, "version": VERSION + 1}, f"version {VERSION + 1}; versions 1 to {VERSION}"),
        ({"format": FORMAT, "version": "1"}, "of version '1'"),
        ({"format": FORMAT, "version": 1}, "has no state"),
        ({"format": FORMAT, "version": 1, "catalogue": {}, "state": {"subsets": []}}, "holds no selection"),
    ],
    ids=["binary", "csv", "nan", "nested", "list", "format", "later", "text", "stateless", "empty"],
)
def test_a_wrong_file_is_refused_with_the_remedy(fresh, content, words):
    before = fresh.workspace.to_dict()
    answer = opened(fresh, content)
    assert words in answer["message"]
    assert "continued" not in answer
    assert fresh.workspace.to_dict() == before


def test_sizes_are_limited(fresh, saved, monkeypatch):
    assert "at most" in opened(fresh, b"", size=session_file.MAX_BYTES + 1)["message"]
    saved["state"]["panels"] = saved["state"]["panels"] * 3
    text = opened(fresh, saved)["continued"]["text"]
    assert f"{18 - MAX_PANELS} views above the maximum of {MAX_PANELS}" in text
    assert len(fresh.workspace.panels) == MAX_PANELS
    monkeypatch.setattr(session_file, "MAX_BYTES", 100)
    assert "can be opened again" in fresh.ask("save_session")["message"]


def test_a_file_in_parts_is_read(fresh, saved):
    data = json.dumps(saved).encode()
    middle = len(data) // 2
    for part, piece in enumerate((data[:middle], data[middle:])):
        fresh.send("upload", upload="u", part=part, data=base64.b64encode(piece).decode())
    assert "continued" in opened(fresh, data, data=None, upload="u")
    assert "not received completely" in opened(fresh, data, data=None, upload="u")["message"]


def test_text_outside_ascii_and_a_mark_of_byte_order_are_read():
    data = session_bytes({"a": "Größe ☉"}, "c", "d")
    session = read_session(b"\xef\xbb\xbf" + data, {"a"})
    assert (session.state, session.catalog, session.created, session.unknown) == ({"a": "Größe ☉"}, "c", "d", ())
    with pytest.raises(SelectionError):
        read_session(data[:-3], {"a"})
