"""Computed columns: definition, units, use everywhere, undo, links, exports."""

import io
import json
from dataclasses import replace

import numpy as np
import pytest
from astropy.table import Table

from explorer.model.computed import MAX_COMPUTED, ComputedColumn, defined, ordered
from explorer.model.export import FORMS, export
from explorer.model.scales import ScaleKind
from explorer.model.selection import Everything, InRange, SelectionError
from explorer.model.star import facts_of
from explorer.model.table import StarTable
from explorer.model.visit_table import VisitTable
from explorer.model.vocabulary import Names, Vocabulary
from explorer.state.panels import PanelState
from explorer.state.table_layout import TableLayout
from explorer.state.workspace import Workspace


def vocabulary(table, **more):
    return Vocabulary(
        Names(item for item in table.columns if not item.is_float or table.usable(item.name)), {}, table, **more
    )


def column_of(table, name, text, unit="", label=""):
    return defined(name, text, unit, label, vocabulary(table))[0]


@pytest.fixture
def workspace(library):
    return Workspace(library.table)


def test_values_are_those_of_an_independent_computation(workspace):
    table = workspace.table
    workspace.define_column(column_of(table, "cool_by", "5000 K - teff", label="Coolness"))
    workspace.define_column(column_of(table, "ratio", "cool_by / snr^2"))
    teff, snr = (table.base[name].astype(float) for name in ("teff", "snr"))
    expected = (5000 - teff).astype(np.float32)
    np.testing.assert_array_equal(table["cool_by"], expected)
    np.testing.assert_allclose(table["ratio"], expected / snr**2, rtol=1e-6)
    assert table["ratio"].dtype == np.float32
    assert table.column("cool_by").axis_label == "Coolness [K]"
    assert table.column("ratio").unit == "K"
    assert not table["ratio"].flags.writeable
    assert "cool_by" not in workspace.table.base


@pytest.mark.parametrize(
    ("text", "unit", "given", "factor", "notes"),
    [
        ("distance * 2", "kpc", "", 2, ()),
        ("distance * 2", "pc", "pc", 2000, ("converted from kpc to pc: times 1000",)),
        ("1 / distance", "mas", "mas", None, ("1/kpc taken as mas: the numbers are unchanged",)),
        ("teff + distance", "", "", None, ()),
        ("teff + distance", "K", "K", None, ()),
        ("log(distance)", "", "", None, ("log is log10; ln is the natural logarithm",)),
    ],
)
def test_units_follow_from_the_parts_or_are_given(workspace, text, unit, given, factor, notes):
    item, said = defined("mine", text, given, "", vocabulary(workspace.table))
    assert item.unit == unit
    assert said == notes
    if factor:
        workspace.define_column(item)
        np.testing.assert_allclose(workspace.table["mine"], workspace.table["distance"] * factor, rtol=1e-6)


@pytest.mark.parametrize(
    ("name", "text", "unit", "label", "words"),
    [
        ("teff", "snr * 2", "", "", "already means something"),
        ("mean value", "snr * 2", "", "", "small letters"),
        ("Mine", "snr * 2", "", "", "small letters"),
        ("", "snr * 2", "", "", "small letters"),
        ("mine", "snr > 2", "", "", "true or false for each star"),
        ("mine", "in_training", "", "", "true or false for each star"),
        ("mine", "2 * pi", "", "", "the same for all stars"),
        ("mine", "mine * 2", "", "", "no column"),
        ("mine", "snr * ", "", "", "found the end"),
        ("mine", "snr * 2", "furlong", "", "is no unit"),
        ("mine", "snr * 2", "", "x" * 121, "at most 120"),
        ("mine", "percentile(snr)", "", "", "compared with a number"),
    ],
)
def test_what_cannot_be_a_column_is_refused(workspace, name, text, unit, label, words):
    with pytest.raises(SelectionError, match=words):
        defined(name, text, unit, label, vocabulary(workspace.table))


def test_columns_cannot_be_made_of_each_other(workspace):
    table = workspace.table
    workspace.define_column(column_of(table, "one", "snr * 2"))
    workspace.define_column(column_of(table, "two", "one + 1"))
    for text in ("two", "one * 2"):
        with pytest.raises(SelectionError, match="made of each other"):
            workspace.define_column(column_of(table, "one", text), replaces="one")
    with pytest.raises(SelectionError, match="already"):
        workspace.define_column(column_of(table, "two", "snr"))
    assert [item.name for item in ordered(reversed(workspace.computed), table.base.known)] == ["one", "two"]


def test_a_changed_definition_reaches_all_that_is_made_of_it(workspace):
    table = workspace.table
    workspace.define_column(column_of(table, "one", "snr * 2"))
    workspace.define_column(column_of(table, "two", "one + 1"))
    workspace.gesture(InRange("two", 101, 1e6))
    workspace.define_subset("many", workspace.selection, "#0072b2")
    assert np.array_equal(workspace.rows, table["snr"] >= 50)
    workspace.define_column(column_of(table, "one", "snr * 4"), replaces="one")
    assert np.array_equal(workspace.rows, table["snr"] >= 25)
    assert workspace.count_of(workspace.subsets[0]) == workspace.n_selected
    workspace.undo()
    assert np.array_equal(workspace.rows, table["snr"] >= 50)
    workspace.redo()
    assert np.array_equal(workspace.rows, table["snr"] >= 25)


def test_removal_is_refused_while_it_is_in_use(workspace):
    table = workspace.table
    workspace.define_column(column_of(table, "one", "snr * 2"))
    workspace.define_column(column_of(table, "two", "one + 1"))
    workspace.gesture(InRange("one", 50, 1e6))
    workspace.define_subset("a subset", workspace.selection, "#0072b2")
    workspace.param.update(colour_by="one", panels=(PanelState("custom", x="one", y="two"),))
    with pytest.raises(SelectionError) as caught:
        workspace.remove_column("one")
    for words in ("the column two", "the subset 'a subset'", "the selection", "a view", "the colours"):
        assert words in str(caught.value)
    with pytest.raises(SelectionError, match="in use"):
        workspace.define_column(column_of(table, "other", "snr"), replaces="one")
    workspace.param.update(colour_by="count", panels=())
    workspace.clear()
    workspace.remove_subset("a subset")
    workspace.remove_column("two")
    workspace.remove_column("one")
    assert "one" not in table


def test_the_card_has_a_section_of_them(workspace):
    workspace.define_column(column_of(workspace.table, "twice", "snr * 2", label="Twice"))
    ((title, entries),) = facts_of(workspace.table, 5, simulated=True).groups[-1:]
    assert title == "Computed columns"
    assert [(entry.label, entry.about) for entry in entries] == [
        ("Twice", "Computed: snr * 2 (column 'Twice' of the explorer)")
    ]
    assert float(entries[0].text) == pytest.approx(2 * workspace.table["snr"][5])


def test_undo_of_a_definition_leaves_no_colour_of_it(workspace):
    workspace.define_column(column_of(workspace.table, "one", "snr * 2"))
    workspace.colour_by = "one"
    workspace.undo()
    assert (workspace.computed, workspace.colour_by) == ((), "count")
    workspace.redo()
    assert "one" in workspace.table


def test_aggregates_are_recorded_when_a_column_is_defined(library):
    workspace = Workspace(library.table)
    item = column_of(workspace.table, "above", "snr - median(snr)")
    median = float(str(np.float32(np.median(library.table["snr"].astype(float)))))
    assert item.recorded == f"snr - {median:.15g}"
    assert item.definition == f"snr - median(snr), that is {item.recorded}"


def test_a_link_has_the_same_columns(library):
    workspace = Workspace(library.table)
    workspace.define_column(column_of(workspace.table, "one", "snr * 2", label="Twice"))
    workspace.define_column(column_of(workspace.table, "two", "one - mean(one)"))
    workspace.gesture(InRange("two", 0, 1e6))
    workspace.param.update(colour_by="two", table_layout=TableLayout(sorts=(("one", True),)))
    stored = json.loads(json.dumps(workspace.to_dict()))
    other = Workspace(library.table)
    other.restore(stored)
    assert other.message == ""
    assert other.computed == workspace.computed
    assert np.array_equal(other.rows, workspace.rows)
    assert (other.colour_by, other.table_layout.sorts) == ("two", (("one", True),))
    other.restore({name: value for name, value in stored.items() if name != "computed"})
    assert "the selection" in other.message
    assert other.computed == ()
    for damage in (
        {"recorded": "snr >"},
        {"name": "teff"},
        {"name": 3},
        {"recorded": "nothing * 2"},
        {"unit": "x" * 99},
    ):
        damaged = [stored["computed"][0] | damage, stored["computed"][1]]
        other.restore(stored | {"computed": damaged})
        assert "the computed column" in other.message
    other.restore(stored | {"computed": "x"})
    assert "the computed column" in other.message


def test_at_most_so_many_columns(workspace):
    for number in range(MAX_COMPUTED):
        workspace.define_column(ComputedColumn(f"c{number}", "snr", "snr"))
    with pytest.raises(SelectionError, match="at most 30"):
        workspace.define_column(ComputedColumn("more", "snr", "snr"))


@pytest.mark.parametrize("form", FORMS)
def test_exports_contain_the_column_and_its_definition(library, form):
    workspace = Workspace(library.table)
    workspace.define_column(column_of(workspace.table, "far", "distance * 1000", "pc", "Far"))
    rows = np.zeros(workspace.table.n_stars, bool)
    rows[:120] = True  # so many that slow forms are written by a helper process
    made = export(library.with_table(workspace.table), Everything(), rows, form)
    if form == "csv_notes":
        assert b"Computed: distance * 1000" in made.data
    if form in ("fits", "votable", "ecsv"):
        assert b"distance * 1000" in made.data
        assert b"computed_columns: far = " in made.data or b"computed_columns" in made.data
    names = {"fits": "fits", "votable": "votable", "ecsv": "ascii.ecsv", "csv": "ascii.csv", "csv_notes": "ascii.csv"}
    if form in names:
        found = Table.read(
            io.BytesIO(made.data), format=names[form], **({"comment": "#"} if "csv" in form and form != "ecsv" else {})
        )
        np.testing.assert_allclose(np.asarray(found["far"], float), workspace.table["distance"][:120] * 1e6, rtol=1e-5)


def test_the_table_of_a_visit_answers_as_one_table_of_all_columns(library):
    visit = VisitTable(library.table, (ComputedColumn("twice", "2 * snr", "2 * snr"),))
    names = [item.name for item in library.table.columns if item.dtype != "str"]
    arrays = {name: np.array(library.table[name]) for name in names} | {"twice": visit["twice"].copy()}
    whole = StarTable(arrays, own=(visit.column("twice"),))
    stars = np.arange(0, 400, 7)
    for name in ("snr", "teff", "twice", "in_training"):
        np.testing.assert_array_equal(visit[name], whole[name])
        np.testing.assert_array_equal(visit.axis(name), whole.axis(name))
        np.testing.assert_array_equal(visit.taken(name, stars), whole.taken(name, stars))
        np.testing.assert_array_equal(
            visit.order_of(name, stars, descending=True), whole.order_of(name, stars, descending=True)
        )
        keys = (("in_training", True), (name, False))
        for rows in (visit.every, np.arange(visit.n_stars) < 9):
            assert np.array_equal(visit.ordered(rows, keys), whole.ordered(rows, keys))
        assert visit.summary(name) == whole.summary(name)
        assert visit.limits(name, 0.02) == whole.limits(name, 0.02)
        assert visit.value(name, 3) == whole.value(name, 3)
        assert visit.categories(name) is None or visit.categories(name)[0] == whole.categories(name)[0]
    assert [item.name for item in visit.axes()] == [item.name for item in whole.axes()]
    assert [item.name for item in visit.colourable()] == [item.name for item in whole.colourable()]
    assert visit.titles["twice"] == whole.titles["twice"]
    assert set(visit) == set(whole) | set(library.table)
    assert len(visit) == len(list(visit))
    assert visit.text("designation", 3) == library.table.text("designation", 3)
    mine = {name for name in vars(StarTable) if not name.startswith("__")}
    private = {
        "_column_of_numbers",
        "_column_of_words",
        "_is_text",
        "_kept_categories",
        "_find_categories",
        "_identifies",
    }
    private |= {
        "_summaries",
        "_measure_limits",
        "_by_obsid",
        "_may_be_categories",
        "_fits_axis",
        "_from_its_table",
        "from_frame",
    }
    derived = {
        "columns",
        "column",
        "titles",
        "error_of",
        "interval_of",
        "correlation_of",
        "usable",
        "missing",
        "axes",
        "colourable",
        "categorical",
    }
    assert mine - private - derived <= vars(VisitTable).keys(), "a method of the table that a visit's table lacks"


def test_a_page_defines_uses_edits_and_removes_a_column(page):
    page.open()
    page.send("side", open=True)
    check = page.send("check_column", text="log(sn", cursor=6)["side"]["column_check"]
    assert check["suggestions"][0][0] == "snr"
    assert "found the end" in check["error"][0]
    check = page.send("check_column", text="5000 K - teff", cursor=13)["side"]["column_check"]
    assert check["count"].endswith("of 400 stars")
    assert " K, for " in check["count"]
    assert (
        "is no unit"
        in page.send("check_column", text="teff", cursor=4, unit="furlong")["side"]["column_check"]["error"][0]
    )
    answer = page.ask("define_column", name="cool_by", text="5000 K - teff", label="Coolness")
    assert answer["side"]["column_done"] is True
    assert [item["name"] for item in answer["side"]["computed"]] == ["cool_by"]
    assert ["cool_by", "Coolness [K]", "Computed columns"] in [list(item) for item in answer["stage"]["columns"]]
    assert "cool_by" in [item[0] for item in answer["toolbar"]["colours"]]
    assert "Coolness [K]" in [item[1] for item in answer["table"]["columns"]]
    page.send("filter", text="cool_by > 1200")
    assert np.array_equal(page.workspace.rows, page.library.table["teff"] < 3800)
    page.send("swap", slot=0, view="custom")
    page.send("axis", slot=0, axis="x", column="cool_by")
    assert page.room.stage.charts[0].names[0] == "cool_by"
    page.send("colour", value="cool_by")
    page.look([0])
    answer = page.ask("define_column", name="cool_by", text="5000 - teff / 2", unit="K", replaces="cool_by")
    assert answer["stage"]["panels"][0] is not None
    assert page.room.stage.charts[0].axes["x"].ends[0] > 2500
    page.send("focus", obsid=str(page.library.table["obsid"][5]))
    assert (
        "in use by the selection, a view, the colours"
        in page.send("remove_column", name="cool_by")["side"]["column_report"]
    )
    page.send("undo")
    page.send("clear")
    page.send("swap", slot=0, view="hr")
    page.send("colour", value="count")
    answer = page.send("remove_column", name="cool_by")
    assert "side" in answer, answer.get("message", answer)
    assert answer["side"]["computed"] == []
    assert "There is no column" in page.ask("define_column", name="a", text="cool_by * 2")["side"]["column_report"]


def test_a_column_that_was_removed_meanwhile_stays_away(workspace):
    workspace.define_column(column_of(workspace.table, "one", "snr * 2"))
    item = column_of(workspace.table, "two", "snr * 3")
    ahead = workspace.with_column(item)
    np.testing.assert_array_equal(ahead["two"], workspace.table.base["snr"] * 3)
    workspace.remove_column("one")
    workspace.define_column(item, values=ahead)
    assert [known.name for known in workspace.computed] == ["two"]
    assert workspace.table["two"] is ahead["two"], "the values that were computed before are used"


def test_a_saved_view_brings_its_columns(page, library, links, make_page):
    page.open()
    page.ask("define_column", name="twice", text="snr * 2")
    page.send("swap", slot=0, view="custom")
    page.send("axis", slot=0, axis="y", column="twice")
    page.send("colour", value="twice")
    page.send("filter", text="twice > 100")
    page.send("side", open=True)
    page.ask("save_view", name="with a column")
    other = make_page(library, links, Workspace(library.table, panels=page.workspace.panels[1:]))
    other.open()
    other.send("side", open=True)
    answer = other.send("view", name="with a column")
    assert [item["name"] for item in answer["side"]["computed"]] == ["twice"]
    assert other.room.stage.charts[0].names[1] == "twice"
    assert answer["toolbar"]["colour_by"] == "twice"
    assert "twice" in [item[0] for item in answer["toolbar"]["colours"]]
    assert np.array_equal(other.workspace.rows, library.table["snr"] > 50)
    assert other.look([0])["layers"]
    answer = other.send("undo")
    assert other.workspace.computed == ()
    assert "message" not in answer
    assert other.look(range(6)) is not None
    other.send("redo")
    assert np.array_equal(other.workspace.rows, library.table["snr"] > 50)


def test_visitors_do_not_see_the_columns_of_others(page, library, links, make_page):
    page.ask("define_column", name="mine", text="snr * 2")
    other = make_page(library, links, Workspace(library.table))
    other.send("side", open=True)
    assert other.send("check", text="mine > 2", cursor=0)["side"]["check"]["error"][0].startswith("There is no column")
    assert "mine" not in library.table
    assert replace(library).table is library.table


def test_aggregates_of_a_typed_expression_are_computed_once(page, monkeypatch):
    from explorer.model import calls

    seen, known_values = [], calls.known_values
    monkeypatch.setattr(calls, "known_values", lambda *given: seen.append(given[0].text) or known_values(*given))
    page.send("side", open=True)
    for text in ("snr > median(snr)", "snr > median(snr) & teff > 3", "snr > median(snr, selection)"):
        page.send("check", text=text, cursor=0)
    assert seen == ["snr", "snr"]
    page.send("filter", text="snr > median(snr, selection)")
    check = page.send("check", text="snr > median(snr, selection)", cursor=0)["side"]["check"]
    assert len(seen) == 3, "of the stars that are selected now"
    assert check["count"] == f"{-(-page.workspace.n_selected // 2) - page.workspace.n_selected % 2:,} stars fit"


def test_a_computed_column_has_every_scale(library):
    table = VisitTable(library.table, (ComputedColumn("above", "snr - 30", "snr - 30"),))
    values = library.table["snr"].astype(float) - 30
    for kind in ScaleKind:
        scale = table.scale("above", kind)
        expected = scale.forward(values)
        np.testing.assert_allclose(table.axis("above", scale), expected, rtol=1e-5, atol=1e-4)
        assert table.limits("above", scale=scale) == pytest.approx((np.nanmin(expected), np.nanmax(expected)), abs=1e-3)
