"""Named subsets: nesting, renaming and removal."""

import numpy as np
import pytest

from explorer.model.expression import parse
from explorer.model.selection import (
    Everything,
    HasFlag,
    InBox,
    InCone,
    InIds,
    InPolygon,
    InRange,
    Inverse,
    Joined,
    Named,
    Nothing,
    SelectionError,
)
from explorer.model.subsets import Subset, define, describe, parts, remove, subset_from_dict
from explorer.state.answers import CompareState, DockState, FitState
from pipeline.domain.flags import QualityFlag

COOL = InRange("teff", 3400.0, 3600.0)
HOT = InRange("teff", 3700.0, 4200.0)
FAR = InRange("distance", 10.0, 100.0)


def named(*pairs):
    return tuple(Subset(name, selection, "#0072b2") for name, selection in pairs)


def of(subsets, name):
    return next(one.selection for one in subsets if one.name == name)


def test_a_new_definition_reaches_everything_made_of_it(table):
    subsets = define(named(("cool", COOL)), Subset("far_cool", Named("cool", COOL) & FAR, "#d55e00"))
    subsets = define(subsets, Subset("others", Inverse(Named("far_cool", of(subsets, "far_cool"))), "#009e73"))
    subsets = define(subsets, Subset("cool", HOT, "#0072b2"))
    expected = HOT.mask(table) & FAR.mask(table)
    np.testing.assert_array_equal(of(subsets, "far_cool").mask(table), expected)
    np.testing.assert_array_equal(of(subsets, "others").mask(table), ~expected)


def test_what_is_made_of_a_forgotten_subset_keeps_its_stars(table):
    subsets = named(("cool", COOL), ("far_cool", Named("cool", COOL) & FAR))
    left = remove(subsets, "cool")
    assert [one.name for one in left] == ["far_cool"]
    np.testing.assert_array_equal(left[0].selection.mask(table), COOL.mask(table) & FAR.mask(table))
    assert "cool" not in describe(left[0].selection)


def test_two_subsets_cannot_be_made_of_each_other():
    subsets = named(("cool", COOL), ("far_cool", Named("cool", COOL) & FAR))
    with pytest.raises(SelectionError, match="would contain each other"):
        define(subsets, Subset("cool", Named("far_cool", of(subsets, "far_cool")), "#0072b2"))


def test_a_subset_defined_of_itself_grows(table):
    """ "cool or hot" under the name "cool" means the stars that "cool" had."""
    wider = Named("cool", COOL) | HOT
    subsets = define(named(("cool", COOL)), Subset("cool", wider, "#0072b2"))
    np.testing.assert_array_equal(of(subsets, "cool").mask(table), COOL.mask(table) | HOT.mask(table))
    assert "cool" not in describe(of(subsets, "cool"))


@pytest.mark.parametrize("name", ["", "x" * 61, "a`b", " a", "a\nb", "a  b", "\u202ea"])
def test_names_that_cannot_be_shown_or_quoted_are_refused(name):
    with pytest.raises(SelectionError, match="cannot name a subset"):
        define((), Subset(name, COOL, "#0072b2"))


@pytest.mark.parametrize(
    "name", ["Sgr by eye", "2mass", "teff", "and", "low_snr", "<b>&", "[M/H] < -1", "ä!", "x" * 60]
)
def test_any_other_name_can_be_used_in_expressions(page, name):
    page.open()
    page.workspace.gesture(COOL)
    page.send("save_subset", name=f"  {name} ")
    assert [item.name for item in page.workspace.subsets] == [name]
    page.send("side", open=True)
    for prefix in ("", "snr > 0 & "):
        text = f"{prefix}`{name[:3]}"
        check = page.send("check", text=text, cursor=len(text))["side"]["check"]
        words = [word for word, *_ in check["suggestions"] if word.strip("`") == name]
        assert words, check
        text = text[: check["start"]] + words[0]
        assert page.send("check", text=text, cursor=len(text))["side"]["check"]["count"].startswith(
            f"{page.workspace.n_selected:,} "
        )
        page.workspace.clear()
        page.send("filter", text=text)
        assert describe(page.workspace.selection).endswith(words[0] if words[0] != name else name)
    page.workspace.selection = COOL
    stored = page.workspace.to_dict()
    page.workspace.restore(stored)
    assert page.workspace.message == ""
    assert page.workspace.subsets[0].name == name


def test_a_name_is_checked_when_it_is_given(page):
    page.open()
    answer = page.send("save_subset", name="a`b")
    assert page.workspace.subsets == ()
    assert "cannot name a subset" in answer["side"]["report"]


def test_every_kind_has_words_of_its_own(table):
    kinds = (
        Everything(),
        Nothing(),
        COOL,
        InBox("teff", "logg", 3400.0, 3600.0, 0.0, 1.0),
        InPolygon("teff", "logg", ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0))),
        InCone(10.0, 20.0, 1.5),
        InIds((17,)),
        InIds((17, 18)),
        HasFlag(QualityFlag.LOW_SNR),
        Named("cool", COOL),
        Inverse(COOL),
        COOL ^ FAR,
        parse("teff < 3600", table),
    )
    sentences = [describe(kind) for kind in kinds]
    assert len(set(sentences)) == len(kinds)
    assert "\n" not in "".join(sentences)
    assert describe(Inverse(COOL | FAR)).startswith("not (")


def test_the_tree_of_what_a_selection_is_made_of():
    both = (COOL & FAR) ^ HOT
    assert isinstance(both, Joined)
    assert [word for word, _ in parts(both)] == ["", "and", "xor"]
    assert [part for _, part in parts(Named("both", both))] == [COOL, FAR, HOT]
    assert list(parts(Inverse(COOL))) == [("not", COOL)]
    assert list(parts(COOL)) == []


def test_subsets_come_back_as_they_were_stored():
    for one in named(("cool", COOL), ("mixed", ~Named("cool", COOL) ^ FAR)):
        assert subset_from_dict(one.to_dict()) == one


@pytest.mark.parametrize(
    "damage",
    [{"colour": "red"}, {"colour": None}, {"name": "a`b"}, {"selection": {"kind": "?"}}, {"selection": None}],
)
def test_damaged_stores_are_refused(damage):
    with pytest.raises(SelectionError):
        subset_from_dict(Subset("cool", COOL, "#0072b2").to_dict() | damage)
    with pytest.raises(SelectionError):
        subset_from_dict({})


def test_stars_of_a_forgotten_subset_stay_selected_without_its_name(page):
    page.workspace.gesture(InRange("teff", 0, 3800))
    page.send("save_subset", name="cool")
    page.send("subset", name="cool", action="replace")
    assert page.workspace.selection == Named("cool", InRange("teff", 0, 3800))
    rows = page.workspace.rows
    answer = page.send("subset", name="cool", action="remove")
    assert answer["toolbar"]["subset"] == ["", ""]
    assert np.array_equal(page.workspace.rows, rows)
    page.send("undo")
    assert page.workspace.selection == Named("cool", InRange("teff", 0, 3800))
    assert [one.name for one in page.workspace.subsets] == ["cool"]


def test_three_dozen_subsets_have_colours_of_their_own(page):
    for number in range(36):
        page.send("save_subset", name=f"s{number}")
    assert len({one.colour for one in page.workspace.subsets}) == 36
    for number in range(36, 40):
        page.send("save_subset", name=f"s{number}")
    assert len({one.colour for one in page.workspace.subsets[36:]}) == 4


def test_a_view_of_another_user_is_replaced_only_after_confirmation(page):
    page.send("side", open=True)
    page.ask("save_view", name="mine")
    first = page.links.views(page.room.side.catalog)["mine"]
    page.workspace.gesture(InRange("teff", 0, 3800))
    answer = page.ask("save_view", name="mine")
    assert "already" in answer["side"]["report"]
    assert page.links.views(page.room.side.catalog)["mine"] == first
    assert page.ask("save_view", name="mine")["side"]["saved"]
    assert page.links.views(page.room.side.catalog)["mine"] != first
    assert "already" in page.ask("save_view", name="mine")["side"]["report"]


def test_a_removed_view_leaves_the_list(page):
    page.send("side", open=True)
    page.ask("save_view", name="mine")
    page.links.forget_view(page.room.side.catalog, "mine", page.room.owner.name)
    answer = page.send("view", name="mine")
    assert answer["side"]["views"] == []
    assert "does not exist any more" in answer["side"]["report"]


def test_a_renamed_subset_is_renamed_wherever_it_is_used(page, table):
    page.workspace.define_subset("cool", COOL, "#0072b2")
    page.workspace.define_subset("far_cool", Named("cool", COOL) & FAR, "#d55e00")
    page.workspace.gesture(~Named("cool", COOL))
    rows = page.workspace.rows.copy()
    page.send("rename_subset", name="cool", new=" chilly ")
    assert [one.name for one in page.workspace.subsets] == ["chilly", "far_cool"]
    assert describe(of(page.workspace.subsets, "far_cool")).startswith("chilly and")
    assert describe(page.workspace.selection) == "not chilly"
    np.testing.assert_array_equal(page.workspace.rows, rows)
    page.send("rename_subset", name="chilly", new="cool & near")
    page.send("filter", text="`cool & near` & far_cool")
    np.testing.assert_array_equal(page.workspace.rows, (COOL & FAR).mask(table))
    page.send("undo")
    page.send("undo")
    parse("chilly & far_cool", table.columns, {one.name: one.selection for one in page.workspace.subsets})
    page.send("undo")
    assert [one.name for one in page.workspace.subsets] == ["cool", "far_cool"]


def test_a_renamed_subset_stays_the_sample_that_is_compared_and_fitted(page):
    page.workspace.define_subsets(named(("cool", COOL), ("far", FAR)))
    page.workspace.dock = DockState(compare=CompareState(first="in:cool", second="out:far"), fit=FitState("out:cool"))
    page.send("rename_subset", name="cool", new="in the cold: all")
    assert page.workspace.dock.compare == CompareState(first="in:in the cold: all", second="out:far")
    assert page.workspace.dock.fit == FitState("out:in the cold: all")


@pytest.mark.parametrize(("new", "words"), [("a`b", "cannot name"), ("far", "Another subset"), ("", "cannot name")])
def test_a_name_that_cannot_be_is_refused_and_nothing_is_renamed(page, new, words):
    page.workspace.define_subsets(named(("cool", COOL), ("far", FAR)))
    answer = page.send("rename_subset", name="cool", new=new)["side"]
    assert words in answer["report"]
    assert answer["place"] == "subset"
    assert [one.name for one in page.workspace.subsets] == ["cool", "far"]


def test_a_subset_is_hidden_moved_and_recoloured_and_undo_brings_it_back(page):
    page.workspace.define_subsets(named(("cool", COOL), ("hot", HOT), ("far", FAR)))
    page.send("side", open=True)
    page.send("move_subset", name="far", by=-1)
    page.send("colour_subset", name="far", colour="#123456")
    shown = page.send("show_subset", name="far", visible=False)["side"]["subsets"]
    assert [(one["name"], one["visible"]) for one in shown] == [("cool", True), ("far", False), ("hot", True)]
    assert shown[1]["colour"] == "#123456"
    assert "no colour of a subset" in page.send("colour_subset", name="far", colour="red")["message"]
    assert "No subset is named" in page.send("show_subset", name="lost", visible=True)["message"]
    for _ in range(3):
        page.send("undo")
    assert page.workspace.subsets == named(("cool", COOL), ("hot", HOT), ("far", FAR))


def test_the_first_subset_stays_first_without_a_step_of_undo(page):
    page.workspace.define_subsets(named(("cool", COOL), ("hot", HOT)))
    page.send("move_subset", name="cool", by=-1)
    page.send("show_subset", name="cool", visible=True)
    page.send("rename_subset", name="cool", new="cool")
    page.send("undo")
    assert page.workspace.subsets == ()


def test_subsets_of_older_links_are_visible():
    stored = Subset("cool", COOL, "#0072b2", visible=False).to_dict()
    assert not subset_from_dict(stored).visible
    assert subset_from_dict({key: value for key, value in stored.items() if key != "visible"}).visible
    with pytest.raises(SelectionError, match="true or false"):
        subset_from_dict(stored | {"visible": 1})
