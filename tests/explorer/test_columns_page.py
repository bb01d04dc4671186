"""The columns page and the notice above the explorer, without a browser."""

import asyncio
import tomllib
from types import SimpleNamespace

import pytest
from opening_factory import until, until_whole

from explorer import app
from explorer.charts.grid import default_panels
from explorer.config import AppConfig
from explorer.model.building import BuildProgress, BuildStatus
from explorer.model.opening import OpeningState
from explorer.model.understood import PlannedStage, Understood, UnderstoodColumn, tables_from
from explorer.rooms.about import AboutView
from explorer.rooms.channel import NOT_UNDERSTOOD
from explorer.rooms.columns import ColumnsPage
from explorer.rooms.opening_words import number_words, ready_words, share_words, status_of, unit_words
from explorer.rooms.strip import OpeningStrip, strip_words
from explorer.rooms.vetting import signin
from explorer.rooms.warm_up import warm_up_views
from explorer.state.panels import PanelState
from explorer.state.workspace import Workspace
from explorer.vetting.events import Authority
from explorer.vetting.people import Person
from run_app import main

CHANGE = {"table": 0, "ours": "distance", "theirs": "d_pc", "unit": "pc"}


class Browser:
    """Stands in for the browser on the page of columns."""

    def __init__(self, page):
        self.page, self.sent = page, []
        page.channel.deliver = self.sent.append

    def send(self, kind, **message):
        """Send a message and wait for its work; returns all fields sent meanwhile, merged."""
        before = len(self.sent)

        async def everything():
            self.page.channel._handle_msg({"kind": kind, **message})
            while self.page.channel._tasks:
                await asyncio.gather(*self.page.channel._tasks)

        asyncio.run(everything())
        return self.since(before)

    def since(self, number):
        merged = {}
        for parts in self.sent[number:]:
            merged |= parts
        return merged


def test_the_page_shows_how_columns_were_understood(open_files, stars):
    opening = open_files(stars, flags=("hold-quick",))
    opening.start()
    until(opening, lambda s: s.understood and s.progress.count)
    browser = Browser(ColumnsPage(opening, requested=True))
    answer = browser.send("connect")
    assert (answer["permitted"], answer["requested"]) == (True, True)
    assert answer["status"]["heading"] == "Computing the catalogue"
    assert answer["status"]["text"].startswith("Stage ")
    (table,) = answer["columns"]["tables"]
    assert table["heading"] == "CSV · 8 rows · no known schema"
    assert table["own"] == ["d_pc", "my_class"]
    distance = next(one for one in table["columns"] if one["ours"] == "distance")
    assert (distance["theirs"], distance["units"]) == ("dist", ["kpc", "pc", "Mpc"])
    assert (distance["known"], distance["range"]) == ("98.8 %", ["1.5", "5.5", "8.5"])
    assert "rv" in [ours for ours, _ in table["absent"]]
    assert answer["columns"]["stages"] == [["phase space", ""], ["labels", "there are no spectra"]]


def test_what_did_not_change_sends_nothing(open_files, stars):
    opening = open_files(stars)
    until_whole(opening)
    browser = Browser(ColumnsPage(opening))
    answer = browser.send("connect")
    assert answer["status"]["open"]
    before = len(browser.sent)
    for _ in range(3):
        browser.page.refresh()
    assert len(browser.sent) == before


def test_a_correction_is_applied_and_shown(open_files, stars):
    opening = open_files(stars)
    until_whole(opening)
    browser = Browser(ColumnsPage(opening))
    browser.send("connect")
    text = browser.send("configuration", corrections=[CHANGE])["download"]
    assert text["name"] == "stars.toml"
    wanted = {"distance": {"column": "d_pc", "unit": "pc"}}
    assert tomllib.loads(text["data"].decode())["input"]["source"][0]["columns"] == wanted
    assert opening.corrected() == (frozenset(),), "a download changes nothing"
    assert browser.send("apply", corrections=[CHANGE])["applied"]
    until_whole(opening)
    before = len(browser.sent)
    browser.page.refresh()
    (table,) = browser.since(before)["columns"]["tables"]
    distance = next(one for one in table["columns"] if one["ours"] == "distance")
    assert (distance["theirs"], distance["unit_from"], distance["corrected"]) == ("d_pc", "pc", True)


def test_refused_corrections_are_reported_and_change_nothing(open_files, stars, caplog):
    opening = open_files(stars)
    until_whole(opening)
    stranger = Browser(ColumnsPage(opening, lambda: "Only adjudicators do that."))
    answer = stranger.send("connect")
    assert (answer["permitted"], answer["refusal"]) == (False, "Only adjudicators do that.")
    for kind, fields in (("apply", {"corrections": [CHANGE]}), ("rebuild", {})):
        assert stranger.send(kind, **fields)["message"] == "Only adjudicators do that."
    assert "Refused: 'apply': 'Only adjudicators do that.'" in caplog.text
    browser = Browser(ColumnsPage(opening))
    browser.send("connect")
    assert browser.send("apply", corrections=[])["message"] == "Nothing was changed."
    assert "no column of the catalogue" in browser.send("apply", corrections=[CHANGE | {"ours": "x"}])["message"]
    for damaged in (CHANGE | {"theirs": 3}, CHANGE | {"table": "first"}, {}, 7):
        answer = browser.send("apply", corrections=[damaged])
        assert (answer["message"], answer["refused"]) == (NOT_UNDERSTOOD, "apply")
    assert opening.corrected() == (frozenset(),)
    assert (opening.folder / "starts").read_text() == "started\n"


def test_who_may_correct(tmp_path, monkeypatch):
    alone = AppConfig(tmp_path, tmp_path)
    assert signin.correction_refusal(alone) == ""
    open_server = AppConfig(tmp_path, tmp_path, address="0.0.0.0")
    assert "does not identify its visitors" in signin.correction_refusal(open_server)
    users = tmp_path / "users.json"
    users.write_text('{"ann": {"role": "adjudicator", "hash": ""}, "ian": {"role": "inspector", "hash": ""}}')
    shared = AppConfig(tmp_path, tmp_path, users=users)
    for name, welcome in (("ann", True), ("ian", False)):
        monkeypatch.setattr(signin, "visitor", lambda *_, name=name: (Person(name, Authority.PASSWORD), ""))
        assert (signin.correction_refusal(shared) == "") is welcome


def test_the_strip_follows_and_brings_what_is_new(open_files, stars):
    opening = open_files(stars, flags=("hold-full",))
    opening.start()
    until(opening, lambda s: s.opened and s.progress.phase == "full")
    strip = OpeningStrip(opening, opening.library(), reload=None)
    assert "Orbits and stream membership are being computed: 0 %, about 20 s left" in strip.text.object
    assert not strip.bring.visible
    changes = []
    for part in (strip.text, strip.row, strip.bring, strip.close):
        part.param.watch(changes.append, ["object", "visible"] if part is strip.text else ["visible"])
    strip.refresh()
    assert changes == [], "nothing changed, nothing is sent"
    (opening.folder / "hold-full").unlink()
    until(opening, lambda s: s.whole and s.opened)
    strip.refresh()
    assert "Orbits and stream membership are ready." in strip.text.object
    assert strip.bring.visible
    assert not OpeningStrip(opening, opening.library(), reload=None).row.visible, "the whole catalogue needs no strip"


def test_the_strip_says_what_failed_until_it_is_closed(open_files, stars):
    opening = open_files(stars, flags=("fail-full",))
    opening.start()
    until(opening, lambda s: s.failure and s.opened)
    strip = OpeningStrip(opening, opening.library(), reload=None)
    assert "could not be computed: The potential is missing." in strip.text.object
    assert (strip.bring.visible, strip.close.visible) == (False, True)
    strip._close()
    assert not strip.row.visible


def test_pages_show_a_notice_of_a_corrected_catalogue(open_files, stars):
    opening = open_files(stars)
    until_whole(opening)
    strip = OpeningStrip(opening, opening.library(), reload=None)
    assert not strip.row.visible
    (opening.folder / "hold-quick").touch()
    browser = Browser(ColumnsPage(opening))
    browser.send("apply", corrections=[CHANGE])
    strip.refresh()
    assert "is being recomputed" in strip.text.object
    (opening.folder / "hold-quick").unlink()
    until_whole(opening)
    strip.refresh()
    assert "The catalogue was recomputed." in strip.text.object
    assert strip.bring.visible


def test_a_page_that_loads_again_keeps_what_was_chosen(page, library):
    saved = []
    page.links.resume = lambda _, state, *__: saved.append(state)

    def reload():
        asyncio.run(page.room.reload())
        return saved[-1]

    page.open()
    page.workspace.colour_by = "m_h"
    assert (reload()["panels"], saved[-1]["colour_by"]) == ([], "m_h")
    assert page.sent[-1] == {"reload": True}
    asyncio.run(page.room.kept.save())  # one that was due when the button was pressed
    assert saved[-1]["panels"] == []
    workspace = Workspace(library.table, panels=default_panels(library, 6))
    workspace.restore(saved[-1])
    assert workspace.panels == default_panels(library, 6), "views that nobody chose are the catalogue's"
    page.workspace.panels = (PanelState("sky"), *page.workspace.panels[1:])
    assert reload()["panels"][0]["view"] == "sky"


def test_no_page_is_written_while_others_are_served(library, monkeypatch):
    """Panel looks up style sheets by a switch of the process: a page of another thread would get them from its host."""
    monkeypatch.setattr(app, "build_page", None)
    warm_up_views(library)
    with pytest.raises(TypeError):
        app.warm_up(library)


def state(**values):
    given = {"understood": Understood(), "progress": BuildProgress(BuildStatus.RUNNING)} | values
    return OpeningState(**given)


@pytest.mark.parametrize(
    ("given", "heading", "text", "error"),
    [
        ({"understood": None}, "Reading a.csv", "", ""),
        ({"understood": None, "progress": BuildProgress(BuildStatus.WAITING)}, "Reading a.csv", "Another process", ""),
        ({}, "Computing the catalogue", "Starting (0 %)", ""),
        ({"quick": True}, "Opening the catalogue", "Its stars are being loaded.", ""),
        ({"quick": True, "opened": True}, "The catalogue is ready", "Orbits and stream membership are being", ""),
        ({"opened": True, "failure": "no disk."}, "The catalogue is ready", "", "Orbits and stream membership could"),
        ({"opened": True, "left_out": "Too many."}, "The catalogue is ready", "Too many.", ""),
        ({"understood": None, "failure": "no table."}, "a.csv cannot be opened", "", "no table."),
        ({"understood": Understood(error="two.")}, "Computing the catalogue", "Starting", ""),
        ({"understood": Understood(error="two."), "failure": "two."}, "a.csv cannot be opened", "", "two."),
        ({"failure": "no disk."}, "The catalogue could not be made", "", "no disk."),
    ],
)
def test_how_it_goes_in_words(given, heading, text, error):
    status = status_of(state(**given), "a.csv")
    assert status.heading == heading
    assert status.text.startswith(text)
    assert status.error.startswith(error)
    assert bool(status.error) is bool(error)
    assert status.open is bool(given.get("opened"))


@pytest.mark.parametrize(
    ("running", "words"),
    [
        ({"actions", "stream", "maps"}, "Orbits, stream membership and disc maps are ready."),
        ({"stream"}, "Stream membership is ready."),
        (set(), "The whole catalogue is ready."),
    ],
)
def test_what_is_still_made_is_what_the_columns_feed(running, words):
    stages = tuple(
        PlannedStage(name, "" if name in running else "needs rv") for name in ("read", "actions", "stream", "maps")
    )
    assert ready_words(state(understood=Understood(stages=stages))) == words
    quick = SimpleNamespace(products=SimpleNamespace(directory="quick"))
    whole = SimpleNamespace(products=SimpleNamespace(directory="product"))
    given = state(understood=Understood(stages=stages), quick=True, whole=True, opened=True)
    assert strip_words(given, whole, quick) == (words if running else "", True, False)


def test_numbers_are_read_without_exponents_where_people_do():
    numbers = (0.0, 0.5237, -338.74, 20_530.4, 2_100_000.0, 1.2e8, 3e-5)
    assert [number_words(one) for one in numbers] == [
        "0",
        "0.5237",
        "-338.7",
        "20,530",
        "2,100,000",
        "1.200e+08",
        "3.000e-05",
    ]
    assert [share_words(one) for one in (0.0, 1e-6, 0.5, 0.99999, 1.0)] == ["0 %", "0.1 %", "50.0 %", "99.9 %", "100 %"]
    assert unit_words(UnderstoodColumn("distance", "d", unit_from="pc", unit_to="kpc")) == "pc → kpc"


def test_about_shows_how_columns_were_understood(open_files, stars):
    opening = open_files(stars)
    state = until_whole(opening)
    library = opening.library()
    assert tables_from(library.products.manifest.tables) == state.understood.tables
    text = AboutView(library, columns_page=True).text()
    for words in ("Interpretation of the columns", 'href="?columns"', "stars.csv", "no unit in the file: kpc taken"):
        assert words in text
    assert "?columns" not in AboutView(library).text()


def test_about_is_silent_where_no_table_was_read(library):
    assert "Interpretation of the columns" not in AboutView(library).text()


@pytest.mark.usefixtures("configure_logs")
@pytest.mark.parametrize(("name", "words"), [("absent.csv", "does not exist"), ("empty", "is an empty folder")])
def test_what_cannot_be_opened_ends_the_program_with_a_sentence(tmp_path, capsys, name, words):
    (tmp_path / "empty").mkdir()
    assert main([str(tmp_path / name), "--no-browser"]) == 1
    assert words in capsys.readouterr().err
