"""Nested subsets: evaluated once, stored once, limited in size."""

import json

import numpy as np
import pytest

from explorer.model.definitions import MAX_DEPTH, MAX_PARTS, Definitions, read_definitions, read_selection, size_of
from explorer.model.expression import Matches
from explorer.model.selection import MAX_VERTICES, InPolygon, InRange, Inverse, Named, SelectionError, from_dict
from explorer.model.subsets import MAX_SUBSETS, Subset, define
from explorer.state.workspace import Workspace

LEVELS = 8


@pytest.fixture
def evaluations(monkeypatch):
    """Conditions that were evaluated."""
    seen, mask = [], Matches.mask
    monkeypatch.setattr(Matches, "mask", lambda self, columns: seen.append(self.text) or mask(self, columns))
    return seen


def double(page, level):
    """Define a subset that contains the one before twice; returns the answer."""
    page.send("filter", text=f"s{level - 1} & (s{level - 1} | logg > {level / 10})")
    return page.send("save_subset", name=f"s{level}")


@pytest.fixture
def doubled(page):
    page.open()
    page.send("side", open=True)
    page.send("filter", text="teff > 3000")
    page.send("save_subset", name="s0")
    for level in range(1, LEVELS + 1):
        double(page, level)
    return page


def test_subsets_made_of_each_other_cost_their_own_conditions(doubled, evaluations):
    doubled.send("filter", text=f"s{LEVELS} | snr > 10")
    assert evaluations == ["snr > 10"]
    doubled.send("colour", value="subsets")
    doubled.send("side", open=True)
    assert evaluations == ["snr > 10"]
    Named("top", doubled.workspace.subset(f"s{LEVELS}").selection).mask(doubled.library.table)
    assert len(evaluations) <= 2 + LEVELS


def test_a_selection_of_too_many_parts_is_refused_with_a_sentence(doubled):
    before = doubled.workspace.selection
    said = []
    for level in range(LEVELS + 1, LEVELS + 4):
        answer = doubled.send("filter", text=f"s{LEVELS} & (s{LEVELS} | logg > {level / 10})")
        said.append(answer.get("message", ""))
    assert all(f"at most {MAX_PARTS:,} are taken" in one for one in said)
    assert doubled.workspace.selection == before
    assert "at most" in doubled.send("check", text=f"s{LEVELS} & s{LEVELS}", cursor=7)["side"]["check"]["error"][0]


def test_each_definition_is_stored_once(doubled, table):
    state = doubled.workspace.to_dict()
    assert len(json.dumps(state["definitions"])) < 400 * (LEVELS + 1)
    again = Workspace(table)
    again.restore(json.loads(json.dumps(state)))
    assert again.message == ""
    assert again.to_dict() == state
    for one, other in zip(again.subsets, doubled.workspace.subsets, strict=True):
        assert one == other
    parts, _ = size_of(again.subsets[-1].selection)
    assert parts == 2 ** (LEVELS + 1) - 1


def test_states_with_every_definition_in_its_place_still_open(doubled, table):
    state = doubled.workspace.to_dict()
    old = {name: part for name, part in state.items() if name != "definitions"}
    old["selection"] = doubled.workspace.selection.to_dict()
    old["subsets"] = [one.to_dict() for one in doubled.workspace.subsets]
    again = Workspace(table)
    again.restore(json.loads(json.dumps(old)))
    assert again.subsets == doubled.workspace.subsets
    np.testing.assert_array_equal(again.rows, doubled.workspace.rows)


@pytest.mark.parametrize("damage", [[], [{"kind": "?"}], [7], {"0": 1}, [{"kind": "named", "name": "a", "defined": 0}]])
def test_a_missing_definition_is_reported(doubled, table, damage):
    again = Workspace(table)
    again.restore({**doubled.workspace.to_dict(), "definitions": damage})
    assert "the subset 's0'" in again.message


def test_what_is_made_of_a_bomb_costs_its_distinct_parts(table):
    bomb = InRange("teff", 3500.0, 3800.0)
    for level in range(14):
        bomb = Named(f"s{level}", bomb | (bomb & Inverse(bomb)))
    assert size_of(bomb)[0] == 3**14
    assert bomb.mask(table).sum() > 0
    definitions = Definitions()
    written = definitions.write(bomb)
    assert len(definitions.plain) == 14
    assert read_selection(written, read_definitions(definitions.plain)).mask(table).sum() > 0
    with pytest.raises(SelectionError, match="at most"):
        define((), Subset("bomb", bomb, "#0072b2"))
    subsets = (Subset("s", bomb, "#0072b2"),)
    assert len(define(subsets, Subset("other", InRange("snr", 0, 1), "#d55e00"))) == 2


def test_how_deep_and_how_many():
    deep = InRange("teff", 3500.0, 3800.0)
    for level in range(MAX_DEPTH):
        deep = Named(f"s{level}", deep)
    with pytest.raises(SelectionError, match="nested"):
        define((), Subset("deep", deep, "#0072b2"))
    subsets = tuple(Subset(f"s{number}", InRange("teff", 0, 1), "#0072b2") for number in range(MAX_SUBSETS))
    with pytest.raises(SelectionError, match="Remove some first"):
        define(subsets, Subset("more", InRange("teff", 0, 1), "#0072b2"))
    assert ~~InRange("teff", 0, 1) == InRange("teff", 0, 1)


def test_an_outline_of_more_corners_than_a_hand_draws_is_refused():
    corners = tuple((float(number), float(number % 7)) for number in range(MAX_VERTICES + 1))
    with pytest.raises(SelectionError, match="Draw a simpler one"):
        InPolygon("teff", "logg", corners)
    stored = InPolygon("teff", "logg", corners[:-1]).to_dict()
    assert from_dict(stored).vertices == corners[:-1]


def test_a_subset_lists_no_more_parts_than_a_person_reads(page):
    page.open()
    page.send("filter", text=" | ".join(f"teff > {number}" for number in range(300)))
    page.send("save_subset", name="many")
    nodes = page.send("subset", name="many", action="open")["side"]["children"]["nodes"]
    assert nodes[-1]["description"] == "100 more"
    assert len(nodes) == 201
