"""The vetting rooms without a browser: claims, undo, and an unreachable record."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import uuid4

import pandas as pd
import pytest
from products_factory import make_products
from sqlalchemy.exc import OperationalError
from vetting_helpers import ANN, BOB, CY, EVE, PLAIN, VIC, draft, judge_all, make_commands

from explorer.model.library import open_library
from explorer.model.line_lists import BUILT_IN, Line, with_list
from explorer.model.proposals import Proposal
from explorer.model.table import StarTable
from explorer.rooms.channel import NOT_UNDERSTOOD
from explorer.rooms.vetting import campaigns
from explorer.rooms.vetting.adjudicate import AdjudicateRoom
from explorer.rooms.vetting.campaigns import CampaignsRoom
from explorer.rooms.vetting.submitted import proposal_of
from explorer.rooms.vetting.vet import VetRoom
from explorer.rooms.vetting.visit import Visit
from explorer.state.workspace import Workspace
from explorer.vetting.claims import claims_of
from explorer.vetting.drafts import RefusedError
from explorer.vetting.events import EventKind
from explorer.vetting.exchange import Source, export_record, import_record
from explorer.vetting.overview import overview
from explorer.vetting.queries import GRACE
from explorer.vetting.rules import VettingRules
from explorer.vetting.store import Store
from pipeline.products import release as release_module


def start(commands, name="first", count=4, rules=PLAIN):
    stars = [int(star) for star in commands.library.table["obsid"][:count]]
    return commands.create_campaign(EVE, name, stars, rules, seed=5)


class Screen:
    """A room and the messages to its page."""

    def __init__(self, commands, person, make=VetRoom, room="Vet"):
        self.workspace = Workspace(commands.library.table, room=room)
        self.room = make(Visit(commands, person, "unknown here", self.workspace))
        self.sent = []
        self.room.channel.deliver = self.sent.append
        self.send("connect")

    def send(self, kind, **message):
        """Send a message and wait for its work in the background; returns all fields sent meanwhile."""
        before = len(self.sent)

        async def everything():
            self.room.channel._handle_msg({"kind": kind, **message})
            while self.room.channel._tasks:
                await asyncio.gather(*self.room.channel._tasks)

        with ThreadPoolExecutor(1) as pool:  # Playwright's own loop may run in this thread
            pool.submit(lambda: asyncio.run(everything())).result()
        answer = {}
        for fields in self.sent[before:]:
            answer |= fields
        return answer

    def judge(self, verdict=3, **more):
        given = {"id": str(uuid4()), "star": str(self.room.task.star), "flags": [], "note": "", "proposal": {}}
        return self.send("judge", verdict=verdict, **(given | more))


def claims(commands, campaign):
    return {(claim.user, claim.star) for claim in claims_of(commands.store, campaign.id)}


def test_a_star_is_claimed_only_while_vet_is_shown(commands):
    campaign = start(commands)
    away = Screen(commands, ANN, room="Campaigns")
    assert claims(commands, campaign) == set()
    away.workspace.room = "Vet"
    star = away.room.task.star
    assert claims(commands, campaign) == {("ann", star)}
    away.workspace.room = "Explore"
    assert claims(commands, campaign) == set()
    assert Screen(commands, BOB).room.task.star == star


def test_verdicts_without_spectra_say_what_they_are_about(tmp_path):
    judged = {}
    for spectra in (False, True):
        library = open_library(make_products(tmp_path / str(spectra), 40, spectra=spectra))
        store = Store.open(tmp_path / f"{spectra}.sqlite")
        commands = make_commands(store, library)
        start(commands)
        judged[spectra] = Screen(commands, ANN).sent[-1]["vet"]["judged"]
        store.close()
    assert "no spectra" in judged[False]
    assert judged[True] == ""


def test_the_form_of_a_campaign_says_which_stars_it_takes(commands, tmp_path):
    def made(visit):
        return CampaignsRoom(visit, tmp_path)

    def chosen(those):
        return Screen(those, EVE, made, "Campaigns").sent[-1]["campaigns"]["chosen"]

    assert chosen(commands) == "the oddest"
    library, names = commands.library, ["obsid", "ra", "dec"]
    table = StarTable.from_frame(pd.DataFrame({name: library.table[name] for name in names}))
    plain = make_commands(commands.store, type(library)(library.products, table))
    assert chosen(plain) == "the first of the catalogue, as it has no oddness"


def test_lists_of_lines_are_those_of_the_visit(commands):
    start(commands)
    screen = Screen(commands, ANN)
    lists = with_list(screen.workspace.lines, "mine", [Line("x", 6000.0)])
    screen.workspace.lines = lists
    assert screen.room.workspace.lines == lists
    assert [item["name"] for item in screen.sent[-1]["lines"]["lists"]][-1] == "mine"
    screen.send("line_forget", name="mine")
    assert screen.workspace.lines == BUILT_IN


def test_a_star_that_was_given_back_can_still_be_judged_unless_another_has_it(commands):
    campaign = start(commands)
    first, second = Screen(commands, ANN), Screen(commands, ANN)
    star = first.room.task.star
    second.workspace.room = "Explore"
    assert first.judge()["saved"]
    assert commands.status(campaign).verdicts(star)["ann"].verdict == 3
    held = first.room.task.star
    second.room.visit.commands.release(ANN, campaign)
    assert commands.next_task(BOB, campaign, {(star, 1)}).star == held
    assert "another inspector has it" in first.judge()["message"]


def test_a_campaign_that_starts_meanwhile_changes_nothing(commands):
    first = start(commands)
    screen = Screen(commands, ANN)
    star = screen.room.task.star
    start(commands, "second", 8)
    assert screen.room.campaign() == first
    assert screen.judge(campaign=first.id)["saved"]
    assert commands.status(first).verdicts(star)


def test_the_chosen_campaign_is_that_of_every_room(commands):
    first, second = start(commands), start(commands, "second", 8)
    screen = Screen(commands, EVE)
    progress = CampaignsRoom(screen.room.visit, None)
    assert progress.campaign() == second
    screen.send("campaign", id=first.id)
    assert progress.campaign() == screen.room.campaign() == first


def test_an_undo_is_reported_even_if_another_inspector_has_the_star(commands):
    campaign = start(commands, count=2)
    ann = Screen(commands, ANN)
    star = ann.room.task.star
    ann.judge()
    assert commands.next_task(BOB, campaign).star == star
    message = str(uuid4())
    assert "undone; the star is now assigned to another inspector" in ann.send("vet_undo", id=message)["message"]
    assert commands.status(campaign).verdicts(star) == {}
    events = len(commands.log.refresh())
    ann.send("vet_undo", id=message)
    assert len(commands.log.refresh()) == events, "the same message twice is one undo"


def test_a_star_has_no_more_reviews_than_it_needs(commands):
    campaign = start(commands, count=1)
    judge_all(commands, ANN, campaign, lambda _: 3)
    commands.undo(ANN, campaign)
    for person in (BOB, CY):
        judge_all(commands, person, campaign, lambda _: 3)
    with pytest.raises(RefusedError, match="2 reviews already"):
        commands.redo(ANN, campaign)
    star = commands.tasks(campaign)[0]
    with pytest.raises(RefusedError, match="2 reviews already"):
        commands.reopen(ANN, campaign, star)
    with pytest.raises(RefusedError, match="2 reviews already"):
        commands.judge(ANN, campaign, draft(star.star, 0))


def test_what_an_adjudicator_settled_stays(commands):
    campaign = start(commands, count=1)
    star = commands.tasks(campaign)[0]
    judge_all(commands, ANN, campaign, lambda _: 0)
    judge_all(commands, BOB, campaign, lambda _: 4)
    settled = commands.adjudicate(EVE, campaign, draft(star.star, 1))
    for action in (
        lambda: commands.undo(ANN, campaign),
        lambda: commands.reopen(ANN, campaign, star),
        lambda: commands.judge(BOB, campaign, draft(star.star, 1)),
    ):
        with pytest.raises(RefusedError, match="settled by an adjudicator"):
            action()
    assert [case.star for case in commands.cases(EVE, campaign)] == [star.star]
    assert commands.undo(EVE, campaign) is None, "an undo in Vet takes no adjudication back"
    assert commands.undo(EVE, campaign, kind=EventKind.ADJUDICATION).supersedes == settled.id
    assert commands.redo(EVE, campaign, kind=EventKind.ADJUDICATION) is not None
    with pytest.raises(RefusedError, match="adjudicator"):
        commands.undo(ANN, campaign, kind=EventKind.ADJUDICATION)


def test_progress_shows_agreement_once_all_reviews_are_final(commands):
    campaign = start(commands)
    judge_all(commands, ANN, campaign, lambda _: 3)
    judge_all(commands, BOB, campaign, lambda _: 3)
    for person, shown in ((ANN, False), (VIC, False), (EVE, True)):
        screen = Screen(commands, person, lambda visit: CampaignsRoom(visit, None), "Campaigns")
        words = screen.sent[-1]["campaigns"]["overview"]
        assert ("fleiss" in words, "done" in words, "pairs" in words) == (shown, shown, shown)
        assert len(words["inspectors"][0]) == (7 if shown else 3)
    commands.clock.now += 2 * GRACE
    words = Screen(commands, ANN, lambda visit: CampaignsRoom(visit, None), "Campaigns").sent[-1]["campaigns"][
        "overview"
    ]
    assert words["done"][1] == ["agreed", 4]


def test_a_release_with_a_failed_physics_check_needs_a_reason(commands, tmp_path, monkeypatch):
    start(commands)
    screen = Screen(commands, EVE, lambda visit: CampaignsRoom(visit, tmp_path / "releases"), "Campaigns")
    assert screen.sent[-1]["campaigns"]["failed"] == []
    for module in (campaigns, release_module):
        monkeypatch.setattr(module, "failed_physics", lambda _directory: ("median V_Z: IMPOSSIBLE, 80 km/s.",))
    screen = Screen(commands, EVE, lambda visit: CampaignsRoom(visit, tmp_path / "releases"), "Campaigns")
    assert screen.sent[-1]["campaigns"]["failed"] == ["median V_Z: IMPOSSIBLE, 80 km/s."]
    assert "median V_Z: IMPOSSIBLE" in str(screen.send("freeze", name="v1", reason=" "))
    assert not (tmp_path / "releases").exists()
    folder = Path(screen.send("freeze", name="v1", reason="known, see the paper")["frozen"]["folder"])
    assert "known, see the paper" in (folder / "CHANGELOG.md").read_text()


def test_the_time_left_counts_stars_that_come_again(commands):
    campaign = start(
        commands, "again", 4, VettingRules(control_fraction=0.0, repeat_fraction=1.0, repeat_gap=1, reviews=1)
    )
    for _ in range(4):
        task = commands.next_task(ANN, campaign, {(one.star, 2) for one in commands.tasks(campaign)})
        commands.judge(ANN, campaign, draft(task.star, 3))
    numbers = overview(commands, campaign)
    pace = numbers.inspectors[0].seconds
    assert numbers.reviews_done == numbers.reviews_needed
    assert numbers.seconds_left == pytest.approx(4 * pace)


def test_a_record_out_of_reach_keeps_what_was_given(commands, monkeypatch):
    start(commands)
    screen = Screen(commands, ANN)

    def broken(*_):
        raise OperationalError("INSERT", {}, Exception("database is locked"))

    monkeypatch.setattr(type(commands), "judge", broken)
    answer = screen.judge(note="kept")
    assert answer["unreachable"] == "judge"
    assert "Your input is kept" in answer["message"]
    assert "saved" not in answer


@pytest.mark.parametrize(
    "wrong", [{"verdict": 3.9}, {"verdict": True}, {"verdict": "3"}, {"note": {"a": 1}}, {"star": None}, {"flags": 7}]
)
def test_what_no_page_sends_is_refused_and_the_form_is_free_again(commands, wrong):
    campaign = start(commands)
    answer = Screen(commands, ANN).judge(**{"verdict": 3} | wrong)
    assert answer["refused"] == "judge"
    assert commands.log.refresh() == ()
    assert campaign in commands.campaigns()


@pytest.mark.parametrize("kind", [{}, [], None, 5])
def test_a_message_of_no_kind_is_refused(commands, kind):
    start(commands)
    assert Screen(commands, ANN).send(kind)["message"] == NOT_UNDERSTOOD


def test_a_refit_goes_only_with_its_own_values(commands):
    workspace = Workspace(commands.library.table)
    star = int(commands.library.table["obsid"][0])
    fit = Proposal(star, (("teff", 3650.25), ("logg", 1.1)), (), (), (), 1.0, 9, 2.0, "m", "c", "why")
    workspace.proposals = {star: fit}
    assert "refit" in proposal_of({"teff": 3650.25, "class": "C star"}, workspace, star)
    assert "refit" not in proposal_of({"teff": 3700.0}, workspace, star)
    assert "refit" not in proposal_of({"class": "C star"}, workspace, star)


def test_an_adjudicator_goes_on_to_the_next_conflict(commands):
    campaign = start(commands, count=2)
    judge_all(commands, ANN, campaign, lambda _: 0)
    judge_all(commands, BOB, campaign, lambda _: 4)
    screen = Screen(commands, EVE, AdjudicateRoom, "Adjudicate")
    first = screen.room.workspace.focus
    given = {"id": str(uuid4()), "star": str(first), "flags": [], "note": "", "proposal": {}, "verdict": 1}
    assert screen.send("judge", **given)["saved"]
    assert screen.room.workspace.focus != first
    answer = screen.send("vet_undo", id=str(uuid4()))
    assert answer["adjudicate"]["star"] == str(first)
    for text in ("abc", "", "12", "9" * 40):
        assert "not a star whose reviews conflict" in screen.send("star_find", text=text)["message"]
    assert screen.send("star_find", text=f" {first} ")["adjudicate"]["star"] == str(first)


def test_reviews_that_came_from_a_file_say_who_brought_them(commands, tmp_path, library):
    campaign = start(commands, count=1)
    judge_all(commands, ANN, campaign, lambda _: 0)
    judge_all(commands, BOB, campaign, lambda _: 4)
    store = Store.open(tmp_path / "other.sqlite")
    other = make_commands(store, library)
    import_record(store, "".join(export_record(commands.store)), Source("eve", now=other.clock()))
    reviews = Screen(other, EVE, AdjudicateRoom, "Adjudicate").sent[-1]["adjudicate"]["reviews"]
    assert [(one["user"], one["imported"]) for one in reviews] == [
        ("ann", "eve on 2026-01-31"),
        ("bob", "eve on 2026-01-31"),
    ]
    here = Screen(commands, EVE, AdjudicateRoom, "Adjudicate").sent[-1]["adjudicate"]["reviews"]
    assert [one["imported"] for one in here] == ["", ""]
    store.close()
