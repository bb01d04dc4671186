"""Vetting commands on SQLite and PostgreSQL, with several users and missing permissions."""

import logging
import threading
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from alembic import command
from alembic.config import Config
from postgres import Postgres, find_postgres
from sqlalchemy import inspect, text
from sqlalchemy.exc import DatabaseError
from vetting_helpers import ANN, BOB, CY, EVE, PLAIN, VIC, draft, judge_all, make_commands, person

from explorer.model.proposals import Proposal
from explorer.vetting import migrations
from explorer.vetting.campaigns import Task
from explorer.vetting.conflicts import Status
from explorer.vetting.drafts import RefusedError
from explorer.vetting.events import EventKind
from explorer.vetting.exchange import latest_verdicts
from explorer.vetting.overview import overview
from explorer.vetting.people import Role
from explorer.vetting.record import EventLog
from explorer.vetting.rules import VettingRules
from explorer.vetting.schema import METADATA
from explorer.vetting.store import Store, StoreError

STARS = 12


@pytest.fixture(scope="session")
def postgres():
    programs = find_postgres()
    if programs is None:
        pytest.skip("PostgreSQL is not installed (Debian: apt-get install postgresql), so it was not tested on it.")
    server = Postgres(programs)
    yield server
    server.stop()


@pytest.fixture(params=["sqlite", "postgresql"])
def where(request, tmp_path):
    if request.param == "sqlite":
        return tmp_path / "vetting.sqlite"
    return request.getfixturevalue("postgres").new_database(f"v{uuid4().hex}")


@pytest.fixture
def store(where):
    opened = Store.open(where)
    yield opened
    opened.close()


@pytest.fixture
def light(tmp_path):
    """A store where the database does not matter."""
    opened = Store.open(tmp_path / "vetting.sqlite")
    yield opened
    opened.close()


@pytest.fixture
def commands(light, library):
    return make_commands(light, library)


def start(commands, rules=PLAIN, count=STARS, name="first"):
    return commands.create_campaign(
        EVE, name, [int(star) for star in commands.library.table["obsid"][:count]], rules, seed=5
    )


def test_the_migrations_make_the_declared_tables(store):
    found = inspect(store.engine)
    for table in METADATA.sorted_tables:
        columns = {one["name"]: one for one in found.get_columns(table.name)}
        assert set(columns) == set(table.c.keys())
        for column in table.c:
            assert columns[column.name]["nullable"] == column.nullable, (table.name, column.name)
        assert found.get_pk_constraint(table.name)["constrained_columns"] == [one.name for one in table.primary_key]


def test_opening_again_changes_nothing_and_a_newer_record_is_refused(where, store):
    Store.open(where).close()
    with store.writing() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StoreError, match="newer version"):
        Store.open(where)


@pytest.mark.parametrize("sql", ["UPDATE event SET note = 'changed'", "DELETE FROM event"])
def test_the_database_itself_refuses_to_change_the_record(store, library, sql):
    commands = make_commands(store, library)
    campaign = start(commands)
    commands.judge(ANN, campaign, draft(commands.next_task(ANN, campaign).star))
    with pytest.raises(DatabaseError, match="append-only"), store.writing() as connection:
        connection.execute(text(sql))
    assert len(EventLog(store).refresh()) == 1


@pytest.mark.parametrize("how", ["INSERT OR REPLACE", "REPLACE", "INSERT OR IGNORE", "INSERT"])
@pytest.mark.parametrize("key", ["id", "seq", "both"])
def test_sqlite_refuses_to_replace_an_event(light, library, how, key):
    commands = make_commands(light, library)
    campaign = start(commands)
    said = commands.judge(ANN, campaign, draft(commands.next_task(ANN, campaign).star))
    names = [name for name in METADATA.tables["event"].c.keys() if name != "seq"]  # noqa: SIM118 - not a dict
    other = {"note": "'changed'"} | ({} if key != "seq" else {"id": f"'{uuid4()}'"})
    values = ", ".join(other.get(name, f'"{name}"') for name in names)
    into, number = ", ".join(f'"{name}"' for name in names), ("" if key == "id" else "seq, ")
    sql = f"{how} INTO event ({number}{into}) SELECT {number}{values} FROM event"
    with suppress(DatabaseError), light.writing() as connection:
        connection.execute(text(sql))
    assert EventLog(light).refresh() == (said,)


def test_the_guard_against_replacing_comes_to_an_old_record_and_can_go(tmp_path):
    where = tmp_path / "vetting.sqlite"
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    opened = Store.open(where)

    def guards():
        sql = text("SELECT count(*) FROM sqlite_master WHERE type = 'trigger' AND name = 'event_no_replace'")
        with opened.reading() as connection:
            return connection.execute(sql).scalar_one()

    assert guards() == 1
    with opened.writing() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "0001")
    assert guards() == 0
    opened.migrate()
    assert guards() == 1
    opened.close()


def test_addresses_that_are_none_are_refused_without_their_password():
    for where in ("mysql://u:hunter2@h/d", "postgresql://u:hunter2@127.0.0.1:1/d", "nonsense:hunter2@@"):
        with pytest.raises(StoreError) as refused:
            Store.open(where)
        assert "hunter2" not in str(refused.value)


def test_the_whole_flow(store, library):
    commands = make_commands(store, library)
    campaign = start(commands)
    stars = [task.star for task in commands.tasks(campaign)]
    split, flagged = stars[0], stars[1]
    judge_all(commands, ANN, campaign, lambda task: 0 if task.star == split else 3)
    judge_all(commands, BOB, campaign, lambda task: {"verdict": 3, "flags": ("sky",)} if task.star == flagged else 3)
    assert commands.next_task(CY, campaign) is None
    assert {case.star for case in commands.cases(EVE, campaign)} == {split, flagged}
    assert [review.user for review in commands.reviews(EVE, campaign, split)] == ["ann", "bob"]
    commands.adjudicate(EVE, campaign, draft(split, 1, flags=("artefact", "RV"), note="a ghost"))
    numbers = overview(commands, campaign)
    assert numbers.done == {
        Status.INCOMPLETE: 0, Status.AGREED: STARS - 2, Status.CONFLICT: 1, Status.ADJUDICATED: 1
    }  # fmt: skip
    assert (numbers.reviews_done, numbers.reviews_needed, numbers.seconds_left) == (2 * STARS, 2 * STARS, 0.0)
    verdicts = {one.obsid: one for one in latest_verdicts(commands)}
    assert (verdicts[split].verdict, verdicts[split].issues) == (1, ("RV", "artefact"))
    assert (verdicts[flagged].verdict, verdicts[flagged].status) == (-1, "conflict")
    event = commands.status(campaign).star(split).adjudication
    assert (event.catalogue, event.fit, event.user) == (commands.version, commands.fit(split), "eve")


def test_two_inspectors_do_not_get_the_same_star(store, library):
    commands, other = make_commands(store, library), make_commands(store, library)
    campaign = start(commands)
    first, second = commands.next_task(ANN, campaign), other.next_task(BOB, campaign)
    assert first.star != second.star
    assert commands.next_task(ANN, campaign) == first, "one resumes where one stopped"
    with pytest.raises(RefusedError, match="another inspector has it"):
        commands.judge(ANN, campaign, draft(second.star))
    commands.clock.now += timedelta(hours=1)
    assert other.next_task(CY, campaign) is not None
    commands.judge(ANN, campaign, draft(first.star))
    assert commands.next_task(ANN, campaign).star != first.star


def test_an_expired_claim_is_available_to_others(commands):
    campaign = start(commands, count=1)
    task = commands.next_task(ANN, campaign)
    assert commands.next_task(BOB, campaign) is None
    commands.clock.now += timedelta(hours=1)
    assert commands.next_task(BOB, campaign) == task
    with pytest.raises(RefusedError, match="another inspector has it"):
        commands.judge(ANN, campaign, draft(task.star))


def test_reviews_are_blind_and_two_are_enough(commands):
    campaign = start(commands, count=3)
    judge_all(commands, ANN, campaign, lambda _: 3)
    for act in (commands.cases, lambda *given: commands.reviews(*given, 1)):
        with pytest.raises(RefusedError, match="Only an adjudicator"):
            act(BOB, campaign)
    judge_all(commands, BOB, campaign, lambda _: 2)
    assert judge_all(commands, CY, campaign, lambda _: 0) == []


def test_repeats_measure_consistency(commands):
    campaign = start(commands, VettingRules(repeat_fraction=0.5, repeat_gap=3, control_fraction=0.25))
    done = judge_all(commands, ANN, campaign, lambda task: 3 if task.occasion == 1 else 2)
    assert len(done) == STARS + 3 + 8
    assert len(set(done)) == len(done)
    ann = overview(commands, campaign).inspectors[0]
    assert (ann.repeats, ann.same, ann.gap) == (8, 0.0, 1.0)
    judge_all(commands, BOB, campaign, lambda _: 3)
    (pair,) = overview(commands, campaign).pairs
    assert (pair.names, pair.stars) == (("ann", "bob"), STARS + 3)


def test_undo_shows_the_star_again_and_redo_takes_it_away(commands):
    campaign = start(commands, count=2)
    first = commands.next_task(ANN, campaign)
    said = commands.judge(ANN, campaign, draft(first.star))
    taken = commands.undo(ANN, campaign)
    assert (taken.kind, taken.supersedes, taken.star) == (EventKind.UNDO, said.id, first.star)
    assert commands.undo(ANN, campaign) is None
    assert commands.redo(ANN, campaign).supersedes == taken.id
    assert commands.redo(ANN, campaign) is None
    assert commands.next_task(ANN, campaign).star != first.star
    assert commands.reopen(ANN, campaign, first)
    again = commands.judge(ANN, campaign, draft(first.star, 1))
    assert again.supersedes == said.id
    assert commands.outcome(campaign, first.star).reviews == 1
    assert len(EventLog(commands.store).refresh()) == 4


def test_a_verdict_that_is_sent_twice_counts_once(commands):
    campaign = start(commands)
    sent = draft(commands.next_task(ANN, campaign).star, 2, flags=("sky", "RV"), note="ü")
    first = commands.judge(ANN, campaign, sent)
    assert commands.judge(ANN, campaign, sent) == first
    assert len(EventLog(commands.store).refresh()) == 1


# --- people who may not -------------------------------


def refused(caplog, commands, act, word):
    before, caplog_at = len(EventLog(commands.store).refresh()), len(caplog.records)
    with pytest.raises(RefusedError, match=word):
        act()
    assert len(EventLog(commands.store).refresh()) == before
    assert any(record.name == "explorer.vetting" for record in caplog.records[caplog_at:]), "a refusal is logged"


def test_roles_are_checked_at_every_action(commands, caplog):
    campaign = start(commands)
    star = commands.next_task(ANN, campaign).star
    for act in (
        lambda: commands.next_task(VIC, campaign),
        lambda: commands.judge(VIC, campaign, draft(star)),
        lambda: commands.undo(VIC, campaign),
        lambda: commands.redo(VIC, campaign),
        lambda: commands.reopen(VIC, campaign, Task(star)),
        lambda: commands.create_campaign(ANN, "mine", [star]),
        lambda: commands.adjudicate(ANN, campaign, draft(star)),
        lambda: commands.cases(ANN, campaign),
        lambda: commands.reviews(ANN, campaign, star),
        lambda: commands.judge(person("stranger"), campaign, draft(star)),
    ):
        refused(caplog, commands, act, "Only an")
    commands.people.kept["ann"] = Role.VIEWER
    refused(caplog, commands, lambda: commands.judge(ANN, campaign, draft(star)), "Only an inspector")


def test_forgeries_are_refused_and_logged(commands, caplog):
    caplog.set_level(logging.WARNING)
    campaign = start(commands)
    star = commands.next_task(ANN, campaign).star
    mine = commands.judge(ANN, campaign, draft(star))
    there = commands.next_task(ANN, campaign).star
    theirs = commands.next_task(BOB, campaign).star
    elsewhere = int(commands.library.table["obsid"][50])
    for sent, word in (
        (draft(elsewhere), "not in this campaign"),
        (draft(-7), "not in this campaign"),
        (draft(theirs), "another inspector has it"),
        (draft(there, 9), "no verdict"),
        (draft(there, flags=("'; DROP TABLE event; --",)), "no flag"),
        (draft(there, proposal={"quality": 0.0}), "cannot be proposed"),
        (draft(there, proposal={"teff": float("inf")}), "not a finite number"),
        (draft(there, proposal={"teff": "hot"}), "not a finite number"),
        (draft(there, proposal={"teff": 99.0}), "between 2,000 and 10,000 K"),
        (draft(there, proposal={"teff": 10**400}), "between 2,000 and 10,000 K"),
        (draft(there, proposal={"rv": -1501.0}), "between -1,500 and 1,500 km/s"),
        (draft(there, proposal={"refit": "{}"}), "damaged"),
        (draft(there, proposal={"refit": "[" * 20_000}), "damaged"),
        (draft(there, note="x" * 20_000), "more than 10,000 characters"),
        (replace(draft(there), id="../../etc/passwd"), "not a UUID"),
        (replace(draft(there, 0), id=mine.id), "a different content"),
    ):
        refused(caplog, commands, lambda sent=sent: commands.judge(ANN, campaign, sent), word)
    refused(
        caplog, commands, lambda: commands.judge(BOB, campaign, replace(draft(star), id=mine.id)), "a different content"
    )
    refused(caplog, commands, lambda: commands.reopen(CY, campaign, Task(star)), "not judged")
    refused(caplog, commands, lambda: commands.campaign("' OR 1=1 --"), "does not exist")
    refused(caplog, commands, lambda: commands.adjudicate(EVE, campaign, draft(star)), "do not conflict")
    for name in ("", " ", "a\nb", "x" * 81, "first"):
        refused(caplog, commands, lambda name=name: commands.create_campaign(EVE, name, [star]), "name")
    assert not any("\n" in record.getMessage() for record in caplog.records), "a name cannot forge a line of the log"


@pytest.mark.parametrize("words", ["'); DROP TABLE event; --", "<script>alert(1)</script>", "Ω\n\t\u202e☃ %s {0}"])
def test_words_are_data(store, library, words):
    commands = make_commands(store, library)
    campaign = start(commands)
    star = commands.next_task(ANN, campaign).star
    sent = draft(star, note=words, proposal={"class": words[:40]})
    commands.judge(ANN, campaign, sent)
    (kept,) = EventLog(store).refresh()
    assert (kept.note, kept.proposal) == (words, {"class": words[:40]})


def test_a_refit_is_kept_with_the_verdict_and_must_be_of_the_star(commands, caplog):
    campaign = start(commands)
    star = commands.next_task(ANN, campaign).star
    fit = Proposal(star, (("teff", 3650.0),), (("teff", 9.0),), (), ((8400.0, 8450.0),), 1.0, 9, 2.0, "m", "c", "ghost")
    for other in (replace(fit, obsid=star + 1).to_json(), "[]"):
        sent = draft(star, proposal={"teff": 3650.0, "refit": other})
        refused(caplog, commands, lambda sent=sent: commands.judge(ANN, campaign, sent), "refit|damaged")
    said = commands.judge(ANN, campaign, draft(star, proposal={"teff": 3650.0, "refit": fit.to_json()}))
    assert Proposal.from_json(said.proposal["refit"]) == fit


def test_a_draft_that_lost_its_refit_in_a_reload_is_the_same_draft(commands):
    campaign = start(commands)
    star = commands.next_task(ANN, campaign).star
    fit = Proposal(star, (("teff", 3650.0),), (("teff", 9.0),), (), ((8400.0, 8450.0),), 1.0, 9, 2.0, "m", "c", "ghost")
    sent = draft(star, proposal={"teff": 3650.0, "refit": fit.to_json()})
    said = commands.judge(ANN, campaign, sent)
    assert commands.judge(ANN, campaign, replace(sent, proposal={"teff": 3650.0})) == said
    with pytest.raises(RefusedError, match="a different content"):
        commands.judge(ANN, campaign, replace(sent, proposal={"teff": 3651.0}))


def test_a_number_without_bounds_of_its_own_is_bounded(commands, caplog):
    campaign = start(commands, replace(PLAIN, tolerances={"v_gsr": 5.0, "distance": 1.0}))
    star = commands.next_task(ANN, campaign).star
    for proposal, word in (
        ({"v_gsr": -10_001.0}, "-10,000 and 10,000 km/s"),
        ({"distance": 1e5}, "0 and 10,000 kpc"),
    ):
        sent = draft(star, proposal=proposal)
        refused(caplog, commands, lambda sent=sent: commands.judge(ANN, campaign, sent), word)
    assert commands.judge(ANN, campaign, draft(star, proposal={"v_gsr": -10_000.0, "distance": 0.0}))


# --- several at once -------------------------------


def test_writers_at_once_lose_and_double_nothing(store, library):
    commands = make_commands(store, library)
    campaign = start(commands, replace(PLAIN, reviews=4), count=20)
    names = [f"user{number}" for number in range(4)]
    commands.people.kept |= dict.fromkeys(names, Role.INSPECTOR)
    failures, done = [], {}

    def work(name):
        try:
            own = make_commands(store, library)
            own.people.kept |= dict.fromkeys(names, Role.INSPECTOR)
            done[name] = []
            while len(done[name]) < 20:
                done[name] += judge_all(own, person(name), campaign, lambda _: 3)
        except Exception as error:  # noqa: BLE001 - reported in the main thread
            failures.append(error)

    threads = [threading.Thread(target=work, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failures == []
    events = commands.log.refresh()
    assert len(events) == 80
    assert len({(event.user, event.star) for event in events}) == 80
    assert {
        star: len(commands.status(campaign).verdicts(star)) for star in commands.status(campaign).stars()
    } == dict.fromkeys((task.star for task in commands.tasks(campaign)), 4)
