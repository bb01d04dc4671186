"""Rules of imported events, merges independent of their order, and signed files."""

import json
import random
from datetime import timedelta
from uuid import uuid4

import pytest
from test_vetting_exchange import campaign_line, record, start, two_laptops
from vetting_helpers import ANN, BOB, CY, EVE, Roles, draft, judge_all, make_commands

from explorer.__main__ import main
from explorer.rooms.vetting.campaigns import imports_of, source_of
from explorer.vetting.conflicts import Status
from explorer.vetting.events import utc_of, utc_text
from explorer.vetting.exchange import Source, export_record, import_record
from explorer.vetting.people import UserFile
from explorer.vetting.signing import SignatureError, sign, verify
from explorer.vetting.store import Store

KEY = b"k" * 40


@pytest.fixture
def other(tmp_path, library):
    store = Store.open(tmp_path / "other.sqlite")
    yield make_commands(store, library)
    store.close()


def forged(said, **changes):
    return said.to_dict() | {"id": str(uuid4())} | changes


def take(commands, *lines, **more):
    source = Source("eve", Roles(), commands.published, commands.clock() + timedelta(minutes=20), **more)
    return import_record(commands.store, record(*lines), source)


def shifted(event, **by):
    return utc_text(utc_of(event.utc) + timedelta(**by))


def test_every_forgery_is_refused_with_its_reason_and_the_rest_is_taken(commands, other):
    campaign = start(commands, count=2)
    star, calm = (task.star for task in commands.tasks(campaign))
    said = commands.judge(ANN, campaign, draft(commands.next_task(ANN, campaign).star, 3))
    assert said.star == star
    adjudged = forged(said, kind="adjudication", user="eve")
    lies = {
        "do not conflict": forged(said, kind="adjudication", user="eve", verdict=0),
        "zed is no adjudicator": forged(said, kind="adjudication", user="zed", verdict=0),
        "ann is no adjudicator": forged(said, kind="adjudication", verdict=0),
        "vic is no inspector": forged(said, user="vic"),
        "before the start of its campaign": forged(said, user="bob", utc="0001-01-01T00:00:00.000000Z"),
        "is in the future": forged(said, user="bob", utc=shifted(said, hours=2)),
        "about the catalogue": forged(said, user="bob", catalogue="other 2020"),
        "replaces is not in the record": forged(said, supersedes=str(uuid4()), utc=shifted(said, seconds=9)),
        "another user": forged(said, user="bob", supersedes=said.id, utc=shifted(said, seconds=9)),
        "another occasion": adjudged | {"supersedes": said.id, "utc": shifted(said, seconds=9)},
        "not a name": forged(said, user="<b>"),
    }
    fine = forged(said, user="bob", star=calm)
    report = take(other, campaign_line(commands, campaign), said.to_dict(), *lies.values(), fine)
    assert (report.new, report.campaigns) == (2, 1)
    assert len(report.refused) == len(lies)
    for word in lies:
        assert any(word in reason for reason in report.refused), (word, report.refused)


def test_a_star_gets_no_more_reviews_than_its_campaign_has(commands, other):
    campaign = start(commands, count=1)
    said = commands.judge(ANN, campaign, draft(commands.next_task(ANN, campaign).star, 3))
    take(other, campaign_line(commands, campaign), said.to_dict())
    second, third = forged(said, user="bob"), forged(said, user="cy", utc=shifted(said, seconds=5))
    report = take(other, second, third)
    assert (report.new, len(report.refused)) == (1, 1)
    assert "has its 2 reviews by others" in report.refused[0]
    undo = forged(said, kind="undo", verdict=None, supersedes=said.id, utc=shifted(said, seconds=7))
    assert take(other, undo, third).new == 2, "who takes a verdict back makes room"
    assert take(other, undo, third, second).known == 3


def test_campaigns_come_from_adjudicators(commands, other):
    line = campaign_line(commands, start(commands))
    line["campaign"]["created_by"] = "ann"
    assert "ann is no adjudicator" in take(other, line).refused[0]
    assert import_record(other.store, record(line), Source("eve")).campaigns == 1, "no roles to check"


def test_a_settled_conflict_is_taken_with_its_reviews_and_shown_as_imported(commands, other):
    campaign = start(commands, count=1)
    judge_all(commands, ANN, campaign, lambda _: 0)
    judge_all(commands, BOB, campaign, lambda _: 4)
    commands.adjudicate(EVE, campaign, draft(commands.tasks(campaign)[0].star, 1))
    text = "".join(export_record(commands.store))
    report = import_record(other.store, text, Source("eve", Roles(), other.published, commands.clock()))
    assert (report.new, report.refused) == (3, ())
    there = other.campaign(campaign.id)
    assert other.outcome(there, commands.tasks(campaign)[0].star).status is Status.ADJUDICATED
    assert imports_of(other) == ["3 events were imported by eve on 2026-01-31."]
    assert (imports_of(commands), source_of(commands, "eve").people) == ([], commands.people)


@pytest.mark.parametrize("seed", range(6))
def test_records_that_obey_the_rules_merge_alike_in_any_order(library, tmp_path, seed):
    rng = random.Random(seed)
    first, second, campaign = two_laptops(library, tmp_path)
    second.clock.now += timedelta(minutes=30)
    for commands, person in ((first, ANN), (second, BOB)):
        there = commands.campaign(campaign.id)
        judge_all(commands, person, there, lambda _: rng.choice([0, 3, 4]))
        for _ in range(rng.randrange(4)):
            if rng.random() < 0.6:
                commands.undo(person, there)
            else:
                commands.redo(person, there)
    now = second.clock.now
    sources = [Source("eve", Roles(), commands.published, now) for commands in (first, second)]
    texts = ["".join(export_record(commands.store)) for commands in (first, second)]
    for commands, text, source in ((first, texts[1], sources[0]), (second, texts[0], sources[1])):
        shuffled = text.splitlines()
        shuffled[1:] = rng.sample(shuffled[1:], len(shuffled) - 1)
        report = import_record(commands.store, "\n".join(shuffled), source)
        assert report.refused == ()
        assert import_record(commands.store, text, source).new == 0, "again is nothing"
    assert "".join(export_record(first.store)) == "".join(export_record(second.store))


def test_a_signed_file_is_taken_by_its_key_alone(commands, other):
    start(commands)
    text = "".join(sign(export_record(commands.store), KEY))
    for wrong, word in (
        (text.replace("first", "fIrst"), "altered"),
        ("".join(export_record(commands.store)), "not signed"),
        (text[: len(text) // 2], "not signed"),
    ):
        with pytest.raises(SignatureError, match=word):
            import_record(other.store, wrong, Source("eve", key=KEY))
    with pytest.raises(SignatureError, match="another key"):
        verify(text, b"x" * 40)
    assert other.campaigns() == ()
    assert import_record(other.store, text, Source("eve", key=KEY)).campaigns == 1
    assert import_record(commands.store, text, Source("eve")).refused == ()


def test_commands_sign_and_verify(commands, tmp_path, capsys):
    campaign = start(commands)
    commands.judge(CY, campaign, draft(commands.next_task(CY, campaign).star))
    key, file, users = tmp_path / "key", tmp_path / "r.jsonl", tmp_path / "users.json"
    record_file, new = commands.store.file.path, str(tmp_path / "new.sqlite")
    assert main(["make-key", str(key)]) == 0
    assert key.stat().st_mode & 0o777 == 0o600
    assert main(["export-record", str(file), "--record", str(record_file), "--sign-key", str(key)]) == 0
    UserFile(users).add("eve", commands.people.role_of("eve"), None)
    roles = ["--users", str(users)]
    assert main(["import-record", str(file), "--record", new, "--verify-key", str(key), *roles]) == 1
    assert "cy is no inspector of this server" in capsys.readouterr().out
    lines = file.read_text().splitlines()
    altered = [json.dumps(json.loads(line) | {"note": "other"}) if '"verdict"' in line else line for line in lines]
    file.write_text("\n".join(altered) + "\n")
    assert main(["import-record", str(file), "--record", new, "--verify-key", str(key)]) == 2
    assert "altered" in capsys.readouterr().err
    (tmp_path / "short").write_text("x")
    assert main(["import-record", str(file), "--record", new, "--verify-key", str(tmp_path / "short")]) == 2
    assert "1 bytes" in capsys.readouterr().err
