"""Links and saved views: owners, limits, lifetime, and an unwritable file."""

import json
import sqlite3

import pytest

from explorer.charts.grid import default_panels
from explorer.model import links as links_module
from explorer.model.links import ANONYMOUS, LinkStore
from explorer.model.selection import SelectionError
from explorer.state.workspace import Workspace

BOB, EVE = f"{ANONYMOUS}bob", f"{ANONYMOUS}eve"


def state(number, size=100):
    return {"number": number, "text": "x" * size}


def aged(links, days, column="changed"):
    with sqlite3.connect(links.path) as database:
        database.execute(f"update link set {column} = datetime('now', ?)", (f"-{days} days",))


def tokens(links):
    with sqlite3.connect(links.path) as database:
        return {row[0] for row in database.execute("select token from link")}


def test_a_visitor_makes_so_many_links_a_day(links, monkeypatch):
    monkeypatch.setattr(links_module, "MAX_DAY_LINKS", 2)
    first = links.share(state(0), BOB)
    links.share(state(1), BOB)
    with pytest.raises(SelectionError, match="You have made 2 links"):
        links.share(state(2), BOB)
    assert links.share(state(0), BOB) == first
    links.share(state(2), EVE)
    aged(links, 2, "made")
    links.share(state(3), BOB)


@pytest.mark.parametrize("limit", ["MAX_DAY_BYTES", "MAX_ANONYMOUS_DAY_BYTES", "MAX_STORE_BYTES"])
def test_sizes_are_bounded(links, monkeypatch, limit):
    monkeypatch.setattr(links_module, limit, 2_500)
    for number in range(2):
        links.share(state(number, 1000), BOB)
    with pytest.raises(SelectionError):
        links.share(state(2, 1000), BOB)
    if limit == "MAX_ANONYMOUS_DAY_BYTES":
        links.share(state(2, 1000), "ann")
        with pytest.raises(SelectionError, match="not signed in"):
            links.share(state(3, 1000), EVE)


def test_unopened_links_are_removed_after_a_year(links):
    old, opened, named = links.share(state(0)), links.share(state(1)), links.share(state(2))
    links.save_view("c", "v", state(2))
    aged(links, 400)
    assert links.get(opened) == state(1)
    links.share(state(3))
    assert tokens(links) >= {opened, named}
    assert old not in tokens(links)
    assert links.get(old) is None


def test_states_of_lost_pages_are_bounded_together(links, monkeypatch):
    monkeypatch.setattr(links_module, "MAX_RESUME_BYTES", 2_500)
    for number in range(4):
        links.resume(f"t{number}", state(number, 1000))
        aged(links, 4 - number) if number < 3 else None
    assert links.get("t0") is None
    assert links.get("t3") == state(3, 1000)


def test_views_are_of_who_saved_them(links):
    links.save_view("c", "mine", state(0), BOB)
    with pytest.raises(SelectionError, match="another visitor's"):
        links.save_view("c", "mine", state(1), EVE)
    with pytest.raises(SelectionError, match="another visitor's"):
        links.forget_view("c", "mine", EVE)
    links.save_view("c", "mine", state(1), BOB)
    links.save_view("c", "mine", state(2), "ann", may_replace=True)
    with pytest.raises(SelectionError, match="ann's"):
        links.forget_view("c", "mine", BOB)
    assert links.get(links.views("c")["mine"]) == state(2)
    links.forget_view("c", "mine", "ann")
    assert links.views("c") == {}


def test_pages_of_two_browsers_have_views_of_their_own(page, library, links, make_page):
    other = make_page(library, links, Workspace(library.table, panels=default_panels(library, 6)))
    for one, browser in ((page, "a" * 32), (other, "b" * 32)):
        one.send("connect", seen=True, browser=browser)
        one.send("side", open=True)
    page.ask("save_view", name="mine")
    assert "another visitor's" in other.ask("forget_view", name="mine")["message"]
    other.ask("save_view", name="mine")
    assert "another visitor's" in other.ask("save_view", name="mine")["message"]
    assert list(links.views(page.room.side.catalog)) == ["mine"]
    again = make_page(library, links, Workspace(library.table, panels=default_panels(library, 6)))
    again.send("connect", seen=True, browser="a" * 32)
    assert again.ask("forget_view", name="mine")["side"]["views"] == []


def test_files_of_before_owners_open_and_their_views_are_everybodys(links):
    with sqlite3.connect(links.path) as database:
        database.executescript(
            "create table link (token text primary key, state text not null, shared integer not null, "
            "changed text default current_timestamp);"
            "create table saved_view (catalog text not null, name text not null, token text not null, "
            "primary key (catalog, name));"
        )
        database.execute("insert into link (token, state, shared) values ('t', ?, 1)", (json.dumps(state(0)),))
        database.execute("insert into saved_view values ('c', 'old', 't')")
    assert links.get("t") == state(0)
    assert links.views("c") == {"old": "t"}
    links.forget_view("c", "old", EVE)
    assert links.views("c") == {}


@pytest.mark.parametrize("damage", ["folder", "text", "full"])
def test_a_file_that_cannot_be_written_is_a_sentence(tmp_path, damage, monkeypatch):
    links = LinkStore(tmp_path / "links.sqlite")
    if damage == "folder":
        links.path.mkdir()
    elif damage == "text":
        links.path.write_text("no database at all " * 100)
    else:
        links.share(state(0))
        monkeypatch.setattr(links_module, "_prepare", lambda database: database.execute("pragma max_page_count = 1"))
    with pytest.raises(SelectionError, match="cannot be read or written now"):
        links.share(state(1, 100_000))


def test_a_page_goes_on_when_its_state_cannot_be_kept(page, caplog):
    page.open()
    page.links.path.mkdir()
    assert "cannot be read or written" in page.ask("share")["message"]
    assert "cannot be read or written" in page.ask("save_view", name="v").get("message", "cannot be read or written")
    page.run("painted")
    assert [record for record in caplog.records if record.exc_info] == []
