"""Export and import of records, forged lines, waiting times, and verdicts for a release."""

import json
import logging
import threading
import time
import tracemalloc
from datetime import timedelta
from uuid import uuid4

import pytest
from vetting_helpers import ANN, BOB, CY, EVE, draft, judge_all, make_commands

from explorer.vetting import exchange
from explorer.vetting.events import EventKind, VettingEvent
from explorer.vetting.exchange import (
    MAX_BYTES,
    MAX_DAMAGED,
    ExchangeError,
    Source,
    export_record,
    import_record,
    latest_verdicts,
)
from explorer.vetting.record import EventLog, Import
from explorer.vetting.rules import VettingRules
from explorer.vetting.store import Store
from pipeline.products.vetting import read_verdicts, write_verdicts

STARS = 12
PLAIN = VettingRules(control_fraction=0.0, repeat_fraction=0.0)


@pytest.fixture
def stores(tmp_path):
    opened = [Store.open(tmp_path / f"{name}.sqlite") for name in ("one", "two")]
    yield opened
    for store in opened:
        store.close()


@pytest.fixture
def commands(stores, library):
    return make_commands(stores[0], library)


def start(commands, name="first", count=6, rules=PLAIN):
    return commands.create_campaign(
        EVE, name, [int(star) for star in commands.library.table["obsid"][:count]], rules, seed=5
    )


def record(*lines):
    return "\n".join(json.dumps(line) for line in ({"format": "mgiant-vetting-1"}, *lines))


def campaign_line(commands, campaign):
    (line,) = [one for one in export_record(commands.store) if f'"id": "{campaign.id}"' in one and '"tasks"' in one]
    return json.loads(line)


def two_laptops(library, tmp_path):
    first = make_commands(Store.open(tmp_path / "one.sqlite"), library)
    campaign = start(first, count=STARS)
    second = make_commands(Store.open(tmp_path / "two.sqlite"), library)
    import_record(second.store, "".join(export_record(first.store)), Source("bob", now=second.clock()))
    return first, second, campaign


def test_two_laptops_one_release(library, tmp_path):
    first, second, campaign = two_laptops(library, tmp_path)
    judge_all(first, ANN, campaign, lambda _: 3)
    second.clock.now += timedelta(hours=2)
    judge_all(second, BOB, second.campaign(campaign.id), lambda _: 4)
    lines, others = "".join(export_record(first.store)), "".join(export_record(second.store))
    assert import_record(first.store, others, Source("ann", now=second.clock())).new == STARS
    assert import_record(first.store, others, Source("ann", now=second.clock())).known == STARS
    import_record(second.store, lines, Source("bob", now=second.clock()))
    assert "".join(export_record(first.store)) == "".join(export_record(second.store))
    assert latest_verdicts(first) == latest_verdicts(second)
    assert {one.status for one in latest_verdicts(first)} == {"agreed"}
    for name in ("v.csv", "v.parquet"):
        write_verdicts(latest_verdicts(first), tmp_path / name, simulated=True)
        assert read_verdicts(tmp_path / name) == latest_verdicts(first)


def test_forged_lines_of_a_file_are_refused_and_reported(library, tmp_path):
    first, second, campaign = two_laptops(library, tmp_path)
    task = first.next_task(ANN, campaign)
    said = first.judge(ANN, campaign, draft(task.star))
    header, event, *_ = "".join(export_record(first.store)).split("\n")
    good = said.to_dict()
    thief = good | {"id": str(uuid4()), "user": "bob", "kind": "undo", "verdict": None, "supersedes": said.id}
    forged = [
        good | {"star": 1, "id": str(uuid4())},
        good | {"campaign": str(uuid4()), "id": str(uuid4())},
        good | {"utc": "2999-01-01T00:00:00.000000Z", "id": str(uuid4())},
        good | {"user": "../ann", "id": str(uuid4())},
        good | {"verdict": 0},
        thief | {"utc": "2026-02-01T00:00:00.000000Z"},
    ]
    text_of = "\n".join([header, event, json.dumps(good), *(json.dumps(one) for one in forged)])
    report = import_record(second.store, text_of, Source("bob", now=first.clock() + timedelta(days=9)))
    assert (report.new, report.known, len(report.refused)) == (1, 0, len(forged))
    assert EventLog(second.store).refresh() == (said,)
    for nonsense in ("", "{}", "a,b\n1,2", header + "\n[1]", "[" * 100_000):
        with pytest.raises(ExchangeError):
            import_record(second.store, nonsense, Source("bob"))


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"verdict": 7}, "7 is no verdict"),
        ({"flags": ["blend"]}, "no flag"),
        ({"proposal": {"quality": 1.0}}, "cannot be proposed"),
        ({"proposal": {"teff": 99.0}}, "between 2,000 and 10,000 K"),
        ({"proposal": {"refit": "[" * 20_000}}, "damaged"),
        ({"proposal": {"teff": 10**400}}, "too large"),
        ({"star": 3}, "not in this campaign"),
        ({"occasion": 2}, "no occasion 2"),
        ({"campaign": str(uuid4())}, "campaign is not in the record"),
        ({"utc": "2999-01-01T00:00:00.000000Z"}, "future"),
        ({"kind": "undo", "verdict": None, "supersedes": str(uuid4())}, "not in the record"),
        ({"kind": "undo", "verdict": None, "supersedes": str(uuid4()), "flags": ["sky"]}, "neither flags"),
    ],
)
def test_an_event_that_breaks_the_rules_of_its_campaign_is_refused_and_the_rest_is_taken(
    commands, stores, changes, word
):
    campaign = start(commands)
    said = commands.judge(ANN, campaign, draft(commands.next_task(ANN, campaign).star))
    wrong = said.to_dict() | {"id": str(uuid4())} | changes
    text = record(campaign_line(commands, campaign), wrong, said.to_dict())
    report = import_record(stores[1], text, Source("bob", now=commands.clock()))
    assert (report.new, report.campaigns, len(report.refused)) == (1, 1, 1)
    assert word in report.refused[0]
    assert EventLog(stores[1]).refresh() == (said,)


def test_only_own_earlier_events_can_be_undone(commands, stores):
    campaign = start(commands)
    said = commands.judge(ANN, campaign, draft(commands.next_task(ANN, campaign).star))
    undo = said.to_dict() | {"kind": "undo", "verdict": None, "supersedes": said.id}
    thief = undo | {"id": str(uuid4()), "user": "bob", "utc": "2026-02-01T00:00:00.000000Z"}
    early = undo | {"id": str(uuid4()), "utc": "2026-01-01T00:00:00.000000Z"}
    other = said.to_dict() | {"verdict": 0}
    text = record(campaign_line(commands, campaign), said.to_dict(), thief)
    later = commands.clock() + timedelta(days=9)
    report = import_record(stores[1], text, Source("bob", now=later))
    assert "another user" in report.refused[0]
    report = import_record(stores[1], record(early, other), Source("bob", now=later))
    assert [
        any(word in line for line in report.refused)
        for word in ("before the start of its campaign", "a different content")
    ] == [
        True,
        True,
    ]
    assert EventLog(stores[1]).refresh() == (said,)


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"id": "7"}, "not a UUID"),
        ({"id": 7}, "no text"),
        ({"name": " "}, "no name"),
        ({"name": "x" * 81}, "no name"),
        ({"name": "a\nb"}, "no name"),
        ({"name": "\ud800"}, "no name"),
        ({"created": "yesterday"}, "created is"),
        ({"created": "2026-02-30T12:00:00.000000Z"}, "created is"),
        ({"created_by": "a b"}, "no user name"),
        ({"catalogue": "x" * 201}, "catalogue is"),
        ({"seed": 2**63}, "seed is"),
        ({"seed": 10**400}, "seed is"),
        ({"seed": True}, "seed is"),
        ({"rules": {"reviews": 10**9}}, "reviews is 1 to 10"),
        ({"rules": 7}, "found 7"),
        ({"colour": "red"}, "has the fields"),
    ],
)
def test_a_damaged_campaign_is_refused_with_its_reason(commands, stores, changes, word):
    line = campaign_line(commands, start(commands))
    report = import_record(
        stores[1], record(line | {"campaign": line["campaign"] | changes}), Source("bob", now=commands.clock())
    )
    assert (report.campaigns, len(report.refused)) == (0, 1)
    assert word in report.refused[0]


@pytest.mark.parametrize(
    ("tasks", "word"),
    [
        ([], "needs a list"),
        ({}, "needs a list"),
        ([[1, 1, False], [1, 1, True]], "a star twice"),
        ([[0, 1, False]], "task 1"),
        ([[2**63, 1, False]], "task 1"),
        ([[1, 3, False]], "task 1"),
        ([[1, 1]], "task 1"),
        ([["1", 1, False]], "task 1"),
        ([[1, 1, 0]], "task 1"),
        ([7], "task 1"),
    ],
)
def test_a_campaign_with_a_damaged_queue_is_refused_with_its_reason(commands, stores, tasks, word):
    line = campaign_line(commands, start(commands))
    report = import_record(stores[1], record(line | {"tasks": tasks}), Source("bob", now=commands.clock()))
    assert (report.campaigns, len(report.refused)) == (0, 1)
    assert word in report.refused[0]


def test_campaigns_that_contradict_one_another_are_refused(commands, stores):
    line = campaign_line(commands, start(commands))
    twin = line | {"campaign": line["campaign"] | {"id": str(uuid4())}}
    report = import_record(stores[1], record(line, line, twin), Source("bob"))
    assert (report.campaigns, len(report.refused)) == (1, 2)
    assert all("an earlier one with this id or name" in reason for reason in report.refused)
    report = import_record(commands.store, record(twin), Source("bob"))
    assert "under another id" in report.refused[0]
    report = import_record(commands.store, record(line | {"tasks": line["tasks"][:1]}), Source("bob"))
    assert "other stars or rules" in report.refused[0]
    assert import_record(commands.store, record({"campaign": line["campaign"]}), Source("bob")).campaigns == 0


def test_what_came_by_import_is_known_as_such(commands, stores):
    campaign = start(commands)
    said = commands.judge(ANN, campaign, draft(commands.next_task(ANN, campaign).star))
    import_record(stores[1], "".join(export_record(commands.store)), Source("bob", now=commands.clock()))
    log, own = EventLog(stores[1]), commands.log
    assert log.imported == {}
    log.refresh()
    own.refresh()
    assert (dict(log.imported), dict(own.imported)) == ({said.id: Import("bob", "2026-01-31T12:00:50.000000Z")}, {})


def test_who_judges_during_an_import_waits_for_a_part_of_it_only(commands, monkeypatch):
    crowd = VettingRules(control_fraction=0.0, repeat_fraction=0.0, reviews=10)
    campaign, own = start(commands, "file", count=200, rules=crowd), start(commands, "here")
    stars = [task.star for task in commands.tasks(campaign)]
    events = [
        VettingEvent(
            str(uuid4()),
            EventKind.VERDICT,
            campaign.id,
            f"user{number}",
            "2026-01-31T12:00:00.000000Z",
            star,
            verdict=3,
            catalogue=commands.version,
        )
        for number in range(10)
        for star in stars
    ]
    stored, judged, seen = exchange.insert_many, threading.Event(), []

    def insert_slowly(connection, some, by, when):
        time.sleep(0.05)
        seen.append((len(some), judged.is_set()))
        return stored(connection, some, by, when)

    def judge():
        while not seen:
            time.sleep(0.001)
        commands.judge(ANN, own, draft(task.star))
        judged.set()

    task = commands.next_task(ANN, own)
    monkeypatch.setattr(exchange, "insert_many", insert_slowly)
    thread = threading.Thread(target=judge)
    thread.start()
    report = import_record(
        commands.store, record(*(event.to_dict() for event in events)), Source("bob", now=commands.clock())
    )
    thread.join(30)
    assert (report.new, report.refused) == (len(events), ())
    assert max(count for count, _ in seen) <= 200
    assert any(done for _, done in seen), "the verdict was saved before the import ended"


def test_an_import_that_was_cut_off_is_done_again(commands, stores):
    campaign = start(commands)
    judge_all(commands, ANN, campaign, lambda _: 3)
    judge_all(commands, BOB, campaign, lambda _: 3)
    lines = "".join(export_record(commands.store)).splitlines(keepends=True)
    half = import_record(stores[1], "".join(lines[:7]), Source("bob", now=commands.clock()))
    whole = import_record(stores[1], "".join(lines), Source("bob", now=commands.clock()))
    assert (half.new, whole.new, whole.known) == (5, 7, 5)


@pytest.mark.parametrize("line", ["{}", '{"campaign": 0, "tasks": 0}', '{"id": 1e999}'])
def test_a_file_of_damaged_lines_costs_neither_time_nor_memory(commands, line):
    header = '{"format": "mgiant-vetting-1"}\n'
    few = import_record(commands.store, header + "\n \n" + f"{line}\n" * MAX_DAMAGED, Source("eve"))
    assert (few.new, len(few.refused), few.refused[0][:7]) == (0, MAX_DAMAGED, "Line 2:")
    many = header + f"{line}\n" * 200_000
    tracemalloc.start()
    with pytest.raises(ExchangeError, match="More than 1,000 lines of this file are damaged"):
        import_record(commands.store, many, Source("eve"))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 4 * len(many) + 1_000_000


def test_a_file_is_at_most_50_mb():
    assert MAX_BYTES == 50_000_000


# --- what a release takes over -------------------------------


def test_a_settled_star_stays_settled_when_a_later_campaign_has_only_begun(commands):
    first = start(commands, "first", 2)
    judge_all(commands, ANN, first, lambda _: 3)
    judge_all(commands, BOB, first, lambda _: 3)
    later = start(commands, "later", 2)
    star = commands.next_task(CY, later).star
    commands.judge(CY, later, draft(star, 1))
    verdicts = {one.obsid: (one.verdict, one.status) for one in latest_verdicts(commands)}
    assert set(verdicts.values()) == {(3, "agreed")}
    judge_all(commands, ANN, later, lambda _: 1)
    judge_all(commands, BOB, later, lambda _: 1)
    verdicts = {one.obsid: (one.verdict, one.status) for one in latest_verdicts(commands)}
    assert sorted(verdicts.values()) == [(1, "agreed"), (1, "agreed")]


def test_stars_that_the_catalogue_lacks_are_left_out_and_logged(commands, caplog):
    line = campaign_line(commands, start(commands))
    strange = line["campaign"] | {"id": str(uuid4()), "name": "of an older build"}
    known = commands.tasks(commands.campaigns()[0])[0].star
    events = [
        VettingEvent(
            str(uuid4()),
            EventKind.VERDICT,
            strange["id"],
            "ann",
            commands.campaigns()[0].created,
            star,
            verdict=3,
            catalogue=commands.version,
        )
        for star in (5, known)
    ]
    text = record(
        {"campaign": strange, "tasks": [[5, 1, False], [known, 1, False]]}, *(one.to_dict() for one in events)
    )
    assert import_record(commands.store, text, Source("bob", now=commands.clock())).new == 2
    with caplog.at_level(logging.WARNING):
        assert [one.obsid for one in latest_verdicts(commands)] == [known]
    assert "1 stars that the catalogue lacks, such as 5" in caplog.text
