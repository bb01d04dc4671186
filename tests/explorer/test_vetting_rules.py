"""Vetting rules without a store: conflicts, agreement, queue, undo and redo."""

import itertools
import math
from uuid import uuid4

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.vetting.agreement import cohen_kappa, fleiss_kappa
from explorer.vetting.campaigns import build_queue
from explorer.vetting.conflicts import Status, conflicts, outcome
from explorer.vetting.events import EventError, EventKind, VettingEvent, just_after, utc_of
from explorer.vetting.rules import RulesError, VettingRules
from explorer.vetting.status import CampaignStatus, state_of

RULES = VettingRules()
CAMPAIGN = str(uuid4())
PUBLISHED = {"teff": 3700.0, "logg": 1.0, "m_h": -0.5, "alpha_m": 0.1, "rv": 10.0}


def event(user="ann", verdict=3, second=0, **more):
    values = {
        "id": str(uuid4()),
        "kind": EventKind.VERDICT,
        "campaign": CAMPAIGN,
        "user": user,
        "utc": f"2026-01-31T12:00:{second:02d}.000000Z",
        "star": 101,
        "verdict": verdict,
    }
    return VettingEvent(**(values | more))


def undo(target, second):
    return event(target.user, None, second, kind=EventKind.UNDO, supersedes=target.id)


def test_kappa_of_cohens_own_example():
    # Cohen (1960), Table 1: proportions .25 .13 .12 / .12 .02 .16 / .03 .15 .02 give kappa = -.066 ...
    counts = [[25, 13, 12], [12, 2, 16], [3, 15, 2]]
    pairs = [(i, j) for i, row in enumerate(counts) for j, n in enumerate(row) for _ in range(n)]
    first, second = zip(*pairs, strict=True)
    share = np.array(counts) / 100
    expected = share.sum(1) @ share.sum(0)
    assert cohen_kappa(first, second, (0, 1, 2)) == pytest.approx((np.trace(share) - expected) / (1 - expected))


def test_kappa_of_fleiss_own_example():
    # Fleiss (1971): ten subjects, fourteen raters, five categories; kappa = 0.210.
    table = [
        [0, 0, 0, 0, 14], [0, 2, 6, 4, 2], [0, 0, 3, 5, 6], [0, 3, 9, 2, 0], [2, 2, 8, 1, 1],
        [7, 7, 0, 0, 0], [3, 2, 6, 3, 0], [2, 5, 3, 2, 2], [6, 5, 2, 1, 0], [0, 2, 2, 3, 7],
    ]  # fmt: skip
    assert fleiss_kappa(table) == pytest.approx(0.210, abs=5e-4)


def test_kappa_knows_its_limits():
    assert math.isnan(cohen_kappa((), (), (0, 1)))
    assert math.isnan(cohen_kappa((1, 1), (1, 1), (0, 1)))
    assert cohen_kappa((0, 1, 2), (0, 1, 2), (0, 1, 2)) == 1.0
    near = cohen_kappa((0, 1, 2, 3), (1, 1, 2, 3), range(5), quadratic=True)
    far = cohen_kappa((0, 1, 2, 3), (3, 1, 2, 3), range(5), quadratic=True)
    assert far < near < 1.0
    assert math.isnan(fleiss_kappa(np.empty((0, 3))))
    with pytest.raises(ValueError, match="same number"):
        fleiss_kappa([[1, 1], [2, 1]])


@pytest.mark.parametrize(
    ("one", "other", "word"),
    [
        ({"verdict": 4}, {"verdict": 3}, None),
        ({"verdict": 4}, {"verdict": 2}, "Verdicts range from 2 to 4"),
        ({"flags": ("RV",)}, {"flags": ("RV",)}, None),
        ({"flags": ("RV", "sky")}, {"flags": ("RV",)}, "Not all raised sky"),
        ({"proposal": {"class": "carbon"}}, {}, "Proposed classes differ"),
        ({"proposal": {"teff": 3810.0}}, {}, None),
        ({"proposal": {"teff": 3830.0}}, {}, "Values of teff differ by more than 120"),
        ({"proposal": {"teff": 3640.0}}, {"proposal": {"teff": 3770.0}}, "Values of teff"),
        ({"proposal": {"teff": 3900.0}}, {"proposal": {"teff": 3950.0}}, None),
    ],
)
def test_the_conflict_rule(one, other, word):
    for pair in itertools.permutations((event(**one), event("bob", **other))):
        found = conflicts(pair, PUBLISHED, RULES)
        assert bool(found) == (word is not None)
        assert word is None or word in found[0]


def test_who_proposes_a_value_that_is_missing_conflicts_with_who_does_not():
    missing = dict.fromkeys(PUBLISHED, math.nan)
    assert conflicts((event(proposal={"rv": 5.0}), event("bob")), missing, RULES)
    assert not conflicts((event(), event("bob")), missing, RULES)


def test_outcomes():
    reviews = (event(verdict=3), event("bob", 4))
    assert outcome(reviews[:1], None, PUBLISHED, RULES).status is Status.INCOMPLETE
    agreed = outcome(reviews, None, PUBLISHED, RULES)
    assert (agreed.status, agreed.verdict, agreed.agreement) == (Status.AGREED, 3, 1.0)
    split = outcome((reviews[0], event("bob", 0)), None, PUBLISHED, RULES)
    assert (split.status, split.verdict, split.agreement) == (Status.CONFLICT, None, 0.0)
    settled = outcome((reviews[0], event("bob", 0)), event("eve", 1, flags=("sky",)), PUBLISHED, RULES)
    assert (settled.status, settled.verdict, settled.flags) == (Status.ADJUDICATED, 1, ("sky",))


def test_undo_and_redo_are_events():
    first, second = event(verdict=1), event(verdict=4, second=1)
    away = undo(second, 2)
    back = undo(away, 3)
    steps = {0: (first, 1), 1: (second, 4), 2: (away, 1), 3: (back, 4)}
    said = []
    for step, (one, stands) in steps.items():
        said.append(one)
        for order in itertools.permutations(said):
            assert state_of(order).verdicts[1]["ann"].verdict == stands, step
    status = CampaignStatus()
    status.add(said)
    assert status.undoable("ann", EventKind.VERDICT) == second
    assert status.redoable("ann", EventKind.VERDICT) is None
    assert status.undoable("ann", EventKind.ADJUDICATION) is None


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 4), st.booleans()), max_size=14), st.randoms())
def test_the_status_does_not_depend_on_the_order_of_arrival(said, random):
    events, status = [], CampaignStatus()
    for number, (user, verdict, takes_back) in enumerate(said):
        target = status.undoable(user, EventKind.VERDICT) if takes_back else None
        new = undo(target, number) if target else event(user, verdict, number)
        events.append(new)
        status.add([new])
    random.shuffle(events)
    again = CampaignStatus()
    for one in events:
        again.add([one])
    assert again.star(101) == status.star(101)


def test_the_queue_is_odd_first_with_controls_and_repeats():
    everyone = np.arange(1, 1001, dtype=np.int64)
    oddness = np.random.default_rng(1).random(1000).astype(np.float32)
    chosen = [int(star) for star in everyone[:100]]
    queue = build_queue(chosen, everyone, oddness, RULES, 7)
    assert queue == build_queue(chosen, everyone, oddness, RULES, 7)
    assert queue != build_queue(chosen, everyone, oddness, RULES, 8)
    firsts = [task for task in queue if task.occasion == 1]
    odd = [task.star for task in firsts if not task.control]
    assert sorted(odd) == chosen
    assert odd == sorted(odd, key=lambda star: -oddness[star - 1])
    controls = [task.star for task in firsts if task.control]
    assert len(controls) == 10
    assert not set(controls) & set(chosen)
    seconds = [task for task in queue if task.occasion == 2]
    assert len(seconds) == 11
    places = {(task.star, task.occasion): place for place, task in enumerate(queue)}
    for task in seconds:
        gap = places[task.star, 2] - places[task.star, 1]
        assert gap > RULES.repeat_gap or (gap >= 1 and places[task.star, 1] + RULES.repeat_gap >= len(queue) - 12)


@pytest.mark.parametrize(
    ("chosen", "word"), [([], "at least one star"), ([1, 1], "repeats"), ([1, 99], "no star with obsid 99")]
)
def test_a_queue_of_nonsense_is_refused(chosen, word):
    with pytest.raises(ValueError, match=word):
        build_queue(chosen, np.arange(1, 9, dtype=np.int64), np.zeros(8, np.float32), RULES, 1)


def test_rules_are_read():
    rules = VettingRules.from_toml(
        'reviews = 3\nflags = ["blend"]\n[verdicts]\n1 = "bad"\n2 = "good"\n[tolerances]\nteff = 50\n'
    )
    assert (rules.reviews, rules.flags, rules.verdicts) == (3, ("blend",), {1: "bad", 2: "good"})
    assert VettingRules.from_json(rules.to_json()) == rules
    assert VettingRules.from_toml("") == VettingRules()


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("reviewers = 2", "know no 'reviewers'"),
        ("[", "TOML"),
        ("reviews = " + "1" * 5000, "TOML"),
        ("a = " + "[" * 5000 + "]" * 5000, "nested too deep"),
        ("reviews" + ".a" * 5000 + " = 1", "reviews is"),
        ("flags" + ".a" * 5000 + " = 1", "wrong type"),
        ("reviews = 0", "reviews is 1 to 10; found 0"),
        ("reviews = 11", "reviews is"),
        ("reviews = true", "reviews is"),
        ("reviews = 2.0", "reviews is"),
        ('reviews = "two"', "reviews is"),
        ("verdict_gap = 10", "verdict_gap is"),
        ("verdict_gap = 1.5", "verdict_gap is"),
        ("repeat_gap = -1", "repeat_gap is"),
        ("repeat_gap = 1001", "repeat_gap is"),
        ("claim_minutes = nan", "claim_minutes is"),
        ("claim_minutes = inf", "claim_minutes is"),
        ("claim_minutes = 0.5", "claim_minutes is"),
        ("claim_minutes = 10081", "claim_minutes is"),
        ("claim_minutes = 1" + "0" * 400, "claim_minutes is"),
        ("control_fraction = nan", "control_fraction is"),
        ("control_fraction = 1.5", "control_fraction is"),
        ("repeat_fraction = true", "repeat_fraction is"),
        ("repeat_fraction = -0.1", "repeat_fraction is"),
        ("[tolerances]\nmass = 1.0", "columns of the catalogue"),
        ("[tolerances]\nquality = 1.0", "hold numbers"),
        ("[tolerances]\nvet_agreement = 1.0", "columns of the catalogue"),
        ("[tolerances]\nteff = 0", "tolerances are positive"),
        ("[tolerances]\nteff = inf", "tolerances are positive"),
        ("[tolerances]\nteff = nan", "tolerances are positive"),
        ('[tolerances]\nteff = "50"', "tolerances are positive"),
        ("[tolerances]\nteff = 1" + "0" * 400, "tolerances are positive"),
        ("tolerances = 3", "wrong type"),
        ("flags = []", "flags are 1 to 32"),
        (f"flags = {[f'flag {number}' for number in range(33)]}", "flags are 1 to 32"),
        ('flags = "sky"', "wrong type"),
        ("flags = [1]", "flags are short"),
        ('flags = [" "]', "flags are short"),
        (f'flags = ["{"x" * 41}"]', "flags are short"),
        ('flags = ["a\\u202eb"]', "flags are short"),
        ('flags = ["a,b"]', "no comma"),
        ('flags = ["a", "a"]', "differ"),
        ('verdicts = ["a"]', "wrong type"),
        ("[verdicts]", "verdicts are digits"),
        ('[verdicts]\n10 = "a"', "verdicts are digits"),
        ('[verdicts]\ngood = "a"', "verdicts are digits"),
        ("[verdicts]\n1 = 2", "verdicts mean"),
        (f'[verdicts]\n1 = "{"x" * 41}"', "verdicts mean"),
    ],
)
def test_rules_that_no_campaign_could_follow_are_refused(text, word):
    with pytest.raises(RulesError, match=word):
        VettingRules.from_toml(text)


def test_rules_of_another_type_are_refused():
    for values in (7, [], None, {"flags": None}, {"tolerances": [1]}, {"verdicts": {True: "yes"}}):
        with pytest.raises(RulesError):
            VettingRules.from_mapping(values)
    for values in ({"flags": "sky"}, {"flags": ["sky"]}, {"verdicts": None}, {"claim_minutes": None}):
        with pytest.raises(RulesError):
            VettingRules(**values)


@pytest.mark.parametrize(
    "broken",
    [
        {"id": "1"},
        {"id": str(uuid4()).upper()},
        {"user": "a b"},
        {"user": "../ann"},
        {"user": "a'; DROP TABLE event; --"},
        {"utc": "yesterday"},
        {"utc": "2026-02-30T12:00:00.000000Z"},
        {"utc": "0000-01-01T12:00:00.000000Z"},
        {"utc": "٢٠٢٦-01-01T12:00:00.000000Z"},
        {"catalogue": "x" * 201},
        {"fit": "0" * 65},
        {"star": -1},
        {"star": 2**63},
        {"occasion": 3},
        {"verdict": None},
        {"verdict": 17},
        {"flags": ("sky", "RV")},
        {"note": "x" * 100_000},
        {"note": "a\0b"},
        {"note": "\ud800"},
        {"proposal": {"teff": math.nan}},
        {"proposal": {"teff": "hot"}},
        {"proposal": {"class": 7.0}},
        {"kind": EventKind.UNDO, "verdict": None},
        {"supersedes": "that one"},
    ],
)
def test_an_event_that_no_reader_could_trust_is_refused(broken):
    with pytest.raises(EventError, match="cannot be recorded"):
        event(**broken)


def test_an_event_survives_json_and_refuses_other_fields():
    one = event(flags=("RV", "sky"), note="δ <b>&\n☃", proposal={"teff": 3500.5, "class": "S"})
    stored = one.to_dict()
    assert VettingEvent.from_dict(stored) == one
    huge = stored | {"proposal": {"teff": 10**400}}
    for wrong in (stored | {"role": "adjudicator"}, stored | {"star": "101"}, stored | {"verdict": True}, {}, [], huge):
        with pytest.raises(EventError):
            VettingEvent.from_dict(wrong)


def test_a_clock_that_runs_backwards_keeps_the_order():
    later = "2026-01-31T12:00:00.000000Z"
    assert just_after(later, now=utc_of("2020-01-01T00:00:00.000000Z")) == "2026-01-31T12:00:00.000001Z"
