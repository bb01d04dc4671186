"""The user's own columns on axes, in colours, expressions, tables, links, files and pictures."""

import io
import json
import warnings

import numpy as np
import pyarrow.parquet as pq
import pytest
from astropy.io import fits
from astropy.table import Table
from own_factory import N_STARS, POPULATIONS, SOURCE, own_columns
from products_factory import make_products

from explorer.charts.colouring import Density
from explorer.charts.grid import default_panels
from explorer.charts.journal import FORMATS
from explorer.model.export import FORMS, export
from explorer.model.expression import Matches, parse
from explorer.model.library import open_library
from explorer.model.selection import Everything, InCategory, InRange, SelectionError, from_dict
from explorer.model.star import MAX_OWN, facts_of, own_number
from explorer.model.star_files import spectrum_fits
from explorer.rooms.about import AboutView
from explorer.rooms.validate import ROOM, ValidateView
from explorer.state.panels import PanelState
from explorer.state.workspace import Workspace
from pipeline.domain.own_columns import OWN_GROUP, own_column

ON_AXES = ("my_table_teff", "flux_x", "visits", "alpha", "cost_of_it")
VALUES = {one.name: values for one, values in own_columns().items()}


@pytest.fixture
def page(own_library, links, make_page):
    made = make_page(own_library, links, Workspace(own_library.table, panels=default_panels(own_library, 2)))
    made.open()
    return made


def test_nothing_of_them_is_read_before_it_is_asked_for(own_library):
    fresh = type(own_library.table).from_frame(
        own_library.products.catalog.table[["obsid", "in_training", "quality"]],
        own_library.table.own,
        own_library.table._source,
    )
    assert [one.name for one in fresh.axes()][-5:] == list(ON_AXES)
    assert [one.name for one in fresh.categorical()] == ["in_training", "is_binary", "population"]
    assert not {"flux_x", "alpha", "population", "note"} & {*fresh._arrays, *fresh._words}
    np.testing.assert_array_equal(fresh["flux_x"], VALUES["flux_x"])
    assert {*fresh._arrays} & set(VALUES) == {"flux_x"}


def test_menus_have_them_in_a_group_of_their_own_after_the_others(page):
    answer = page.send("connect", seen=True)
    columns, colours = answer["stage"]["columns"], answer["toolbar"]["colours"]
    assert [name for name, *_ in columns[-5:]] == list(ON_AXES)
    assert {group for _, _, group in columns[-5:]} == {OWN_GROUP}
    assert {group for _, _, group in columns[:-5]} == {""}
    titles = {name: title for name, title, _ in columns}
    assert titles["my_table_teff"] == "Teff [K] (my_table_teff)", "beside the other Teff [K]"
    assert titles["visits"] == "visits [10-3 weird]"
    own = [name for name, _, group in colours if group == OWN_GROUP]
    assert own == [*ON_AXES, "is_binary", "population"]
    assert {"source_id", "note", "empty"}.isdisjoint(name for name, *_ in (*columns, *colours))


@pytest.mark.parametrize("name", ON_AXES)
def test_each_column_works_on_an_axis_in_a_brush_and_in_a_picture(page, name):
    spec = page.send("axis", slot=0, axis="x", column=name)["stage"]["panels"][0]
    assert (spec["view"], spec["x"]["column"], spec["y"]["column"]) == ("custom", name, "logg")
    assert spec["x"]["label"] == page.library.table.column(name).axis_label.replace("$$", "$ $")
    assert page.layers(page.look([0]), "stars")
    low, high = map(float, np.nanquantile(VALUES[name], (0.3, 0.6)))
    drag = {"type": "rect", "x0": low, "x1": high, "y0": -9, "y1": 9}
    page.send("region", slot=0, geometry=drag, keys=[])
    with np.errstate(invalid="ignore"):
        assert page.workspace.n_selected == ((VALUES[name] >= low) & (VALUES[name] <= high)).sum()
    assert "≤" in page.room.sharing.note
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for form in FORMATS:
            page.run("picture", slot=0, form=form)
            assert page.sent[-1]["download"]["data"]


def test_what_is_no_number_does_not_stand_on_an_axis(page):
    for name in ("source_id", "note", "is_binary", "empty"):
        page.send("axis", slot=0, axis="x", column=name)
        assert page.room.stage.charts[0].state.view == "hr"


@pytest.mark.parametrize("name", [*ON_AXES, "is_binary", "population"])
def test_colours_have_a_legend_with_label_and_unit(page, name):
    legend = page.send("colour", value=name)["legend"]
    declared = page.library.table.column(name)
    if name in ON_AXES:
        assert legend["label"].endswith(declared.axis_label)
        assert float(legend["low"].replace(",", "")) < float(legend["high"].replace(",", ""))
    else:
        assert legend["label"] == declared.label
        labels = [label for label, _ in legend["entries"]]
        assert labels == (["no", "yes"] if name == "is_binary" else ["(none)", "halo", "thick disc", "thin disc"])
    page.run("picture", slot=0, form="pdf")
    assert page.sent[-1]["download"]["data"].startswith(b"%PDF")


def test_a_text_of_many_values_colours_nothing_and_says_why(page):
    page.change(colour_by="cost_of_it")
    answer = page.change(colour_by="note")  # as a link could ask
    assert isinstance(page.room.stage.colours.present, Density)
    assert "Note has one value, or more than 12" in answer["legend"]["label"]


def test_a_histogram_of_whole_numbers(own_library, links, make_page):
    page = make_page(own_library, links, Workspace(own_library.table, panels=(PanelState("histogram", x="visits"),)))
    bars = page.layers(page.open(), "everything")[0]
    assert bars["counts"].sum() == N_STARS
    page.send("region", slot=0, geometry={"type": "rect", "x0": 2.5, "x1": 4.5, "y0": 0, "y1": 9}, keys=[])
    assert page.workspace.selection == InRange("visits", 2.5, 4.5)
    assert page.workspace.n_selected == ((VALUES["visits"] == 3) | (VALUES["visits"] == 4)).sum()


MEANINGS = {
    "flux_x > 2e-17 & teff < 3900": lambda t: (VALUES["flux_x"] > 2e-17) & (t["teff"] < 3900),
    "abs(my_table_teff - teff) > 100": lambda t: np.abs(VALUES["my_table_teff"].astype(float) - t["teff"]) > 100,
    "is_binary": lambda _: VALUES["is_binary"],
    "not is_binary and visits == 3": lambda _: ~VALUES["is_binary"] & (VALUES["visits"] == 3),
    "population == 'halo' | population == ''": lambda _: np.isin(VALUES["population"], ["halo", ""]),
    "note = 'star 7 <b>'": lambda _: np.arange(N_STARS) == 7,
    "source_id == 4000000000000000003": lambda _: np.arange(N_STARS) == 3,
    "known(empty)": lambda _: np.zeros(N_STARS, bool),
    "between(visits, 2, 4)": lambda _: (VALUES["visits"] >= 2) & (VALUES["visits"] <= 4),
    "between(sqrt(alpha), 1, 2)": lambda _: (VALUES["alpha"] >= 1) & (VALUES["alpha"] <= 4),
    "ALPHA > 1": lambda _: VALUES["alpha"] > 1,
}


@pytest.mark.parametrize("text", MEANINGS)
def test_expressions_name_them_and_come_back_from_json(own_library, text):
    table = own_library.table
    selection = parse(text, table.columns)
    expected = MEANINGS[text](table)
    np.testing.assert_array_equal(selection.mask(table), expected)
    again = from_dict(json.loads(json.dumps(selection.to_dict())))
    assert again == selection
    np.testing.assert_array_equal(again.mask(table), expected)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("population > 3", "Text can only be compared with text"),
        ("note < 'a'", "Text can be equal or not"),
        ("sqrt(note) > 3", "must be a number; found text"),
        ("flux_xy > 3", "Did you mean 'flux_x'"),
        ("empty > 3", "no column, bit, subset or function 'empty'"),
    ],
)
def test_invalid_expressions_are_reported(page, text, words):
    page.send("side", open=True)
    assert words in page.send("check", text=text, cursor=0)["side"]["check"]["error"][0]


def test_a_stored_comparison_says_which_columns_are_own(own_library, library):
    stored = {"kind": "matches", "text": "flux_x > 1", "own": [["flux_x", "float64"]]}
    assert from_dict(stored) == Matches("flux_x > 1", (("flux_x", "float64"),))
    assert from_dict({"kind": "matches", "text": "teff > 1"}) == Matches("teff > 1")
    for damaged in (
        {"text": "flux_x > 1"},
        {"text": "abs > 1", "own": [["abs", "float64"]]},
        {"text": "teff", "own": 3},
    ):
        with pytest.raises(SelectionError, match="damaged"):
            from_dict({"kind": "matches", **damaged})
    with pytest.raises(SelectionError, match="no column 'flux_x'"):
        from_dict(stored).mask(library.table)
    other = Matches("population > 1", (("population", "float64"),))  # of a catalogue where it is a number
    with pytest.raises(SelectionError, match="holds text in this catalogue"):
        other.mask(own_library.table)
    with pytest.raises(SelectionError, match="holds numbers in this catalogue"):
        Matches("visits == 'x'", (("visits", "str"),)).mask(own_library.table)
    with pytest.raises(SelectionError, match="holds text in this catalogue"):
        InRange("note", 0, 1).mask(own_library.table)


def test_completion_knows_names_units_and_where_they_come_from(page):
    page.send("side", open=True)
    words = page.send("check", text="flux", cursor=4)["side"]["check"]["suggestions"]
    assert words == [["flux_x", f"Flux (X) [erg / (s cm2)]: X-ray flux (column 'Flux (X)' of {SOURCE})"]]


def test_a_subset_of_their_name_is_quoted(page):
    page.workspace.gesture(InRange("visits", 1, 3))
    page.send("save_subset", name="flux_x")
    rows = page.workspace.rows
    page.send("clear")
    page.send("filter", text="`flux_x`")
    assert np.array_equal(page.workspace.rows, rows)
    assert "is a value" in page.send("filter", text="flux_x")["message"]


def test_the_table_shows_them_with_units_and_sorts_by_them(page):
    headings = page.send("connect", seen=True)["table"]["columns"]
    names = [name for name, *_ in headings]
    assert names[:2] == ["obsid", "snr"]
    assert names[-10:] == [one.name for one in page.library.table.own if one.name != "empty"]
    assert {name: title for name, title, *_ in headings}["flux_x"] == "Flux (X) [erg / (s cm²)]"
    row = dict(zip(names, page.room.table.state().rows[0], strict=True))
    assert row["note"] == "star 0 <b>"
    assert row["source_id"] == "4000000000000000000"
    assert row["is_binary"] in ("yes", "no")
    assert row["my_table_teff"] == ""
    for name in ("note", "population", "source_id", "flux_x", "is_binary"):
        for descending in (False, True):
            page.send("sort", column=name)
            stars = page.room.table.stars
            assert sorted(stars) == list(range(N_STARS))
            values = page.library.table[name][stars]
            known = values[values != ""] if values.dtype == object else values[np.isfinite(values.astype(float))]
            assert list(known) == sorted(known, reverse=descending)
            missing = [value == "" if values.dtype == object else value != value for value in values]  # noqa: PLR0124
            assert missing == sorted(missing), "what is unknown comes last"


def test_the_card_shows_values_units_errors_and_the_source(own_library):
    facts = facts_of(own_library.table, 30, simulated=True)
    title, entries = facts.groups[-1]
    assert title == OWN_GROUP
    lines = {entry.name: entry for entry in entries}
    value = VALUES["my_table_teff"][30]
    assert lines["my_table_teff"].text == f"{value:.7g} ± 25 K"
    assert lines["my_table_teff"].about == f"Temperature by somebody else (column 'Teff' of {SOURCE})"
    assert lines["visits"].text == f"{VALUES['visits'][30]} 10-3 weird"
    assert lines["is_binary"].text == ("yes" if VALUES["is_binary"][30] else "no")
    assert lines["alpha"].label == "质量 α"
    assert lines["source_id"].text == "4000000000000000030"
    assert lines["note"].text == "star 30 <b>"
    assert "empty" not in lines
    first = dict(facts_of(own_library.table, 3, simulated=True).groups)[OWN_GROUP]
    assert "my_table_teff" not in [entry.name for entry in first], "it is unknown there"
    teff = facts.labels[0]
    assert teff.calibrated == "55", "an error of somebody else's is not that of our column"


@pytest.mark.parametrize(
    ("value", "dtype", "text"),
    [
        (np.float32(0.1), "float32", "0.1"),
        (2457000.123456, "float64", "2457000.123456"),
        (266.190430, "float64", "266.19043"),
        (3.154160944e-17, "float64", "3.154161e-17"),
        (-12.0, "float64", "-12"),
        (1.5e20, "float64", "1.5e+20"),
        (0.9999999999, "float64", "1"),
    ],
)
def test_digits_of_values_of_which_nothing_is_known(value, dtype, text):
    assert own_number(float(value), dtype) == text


def test_a_subset_for_each_value_of_a_category(page):
    categories = page.send("side", open=True)["side"]["categories"]
    assert [name for name, *_ in categories] == ["in_training", "is_binary", "population"]
    page.send("categories", column="population")
    names = [one.name for one in page.workspace.subsets]
    assert names == ["population_none", "population_halo", "population_thick_disc", "population_thin_disc"]
    counts = [int(one.selection.mask(page.library.table).sum()) for one in page.workspace.subsets]
    assert counts == [(VALUES["population"] == value).sum() for value in sorted(POPULATIONS)]
    assert len({one.colour for one in page.workspace.subsets}) == 4
    page.send("undo")
    assert page.workspace.subsets == (), "they are one step"
    page.send("categories", column="is_binary")
    binary = page.workspace.subset("is_binary_yes")
    assert binary.selection == InCategory("is_binary", "yes")
    np.testing.assert_array_equal(binary.selection.mask(page.library.table), VALUES["is_binary"])
    assert parse("is_binary_yes & visits > 3", page.library.table.columns, {binary.name: binary.selection})
    for column in ("note", "visits", "nothing"):
        assert "more than 12" in page.send("categories", column=column)["message"]


def test_links_bring_them_back_and_say_what_another_catalogue_lacks(page, library):
    page.send("axis", slot=0, axis="y", column="flux_x")
    page.send("colour", value="population")
    page.send("side", open=True)
    page.send("filter", text="visits > 3 & population == 'halo'")
    page.send("categories", column="population")
    page.send("sort", column="note")
    state = json.loads(json.dumps(page.links.get(page.ask("share")["link"]["token"])))
    again = Workspace(page.library.table)
    again.restore(state)
    assert again.message == ""
    assert again.to_dict() == page.workspace.to_dict()
    other = Workspace(library.table)
    other.restore(state)
    for words in ("the selection", "the subset 'population_halo'", "no column 'population'", "order of the table"):
        assert words in other.message


@pytest.mark.parametrize("form", FORMS)
def test_exports_hold_them_with_what_their_file_says(own_library, form):
    table = own_library.table
    selection = InRange("visits", 2, 5)
    rows = selection.mask(table)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        made = export(own_library, selection, rows, form)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if form in ("csv", "csv_notes"):
            back = Table.read(made.data.decode(), format="ascii.csv", comment="#")
        else:
            back = Table.read(io.BytesIO(made.data), format={"ecsv": "ascii.ecsv"}.get(form, form))
    names = [one.name for one in table.own]
    assert [name for name in back.colnames if name in names] == names
    np.testing.assert_array_equal(np.asarray(back["source_id"]), VALUES["source_id"][rows])
    np.testing.assert_allclose(np.ma.filled(back["flux_x"], np.nan), VALUES["flux_x"][rows], rtol=1e-12)
    populations = [str(one).strip() for one in np.ma.filled(np.ma.asarray(back["population"]), "")]
    assert populations == list(VALUES["population"][rows])
    if form == "csv_notes":
        lines = made.data.decode().splitlines()
        assert any(line.startswith("# column flux_x [erg / (s cm2)]: X-ray flux (column 'Flux (X)'") for line in lines)
    elif form == "parquet":
        about = pq.read_schema(io.BytesIO(made.data)).field("visits").metadata
        assert (about[b"unit"], about[b"ucd"]) == (b"10-3 weird", b"meta.number")
    elif form != "csv":
        assert str(back["alpha"].unit) == "solMass"


def test_the_fits_file_of_a_star_has_a_table_of_them(own_library):
    products, row = own_library.products, 30
    spectrum = products.spectra.get(int(own_library.table["obsid"][row]))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        data = spectrum_fits(spectrum, own_library.table, row, products.manifest, None, ())
    with fits.open(io.BytesIO(data)) as hdus:
        own = hdus["OWN"]
        assert own.columns.names == ["obsid", *(one.name for one in own_library.table.own)]
        assert own.data["source_id"][0] == VALUES["source_id"][row]
        assert own.data["note"][0] == f"star {row} <b>"
        assert own.header["TUNIT4"] == "erg / (s cm2)"


def test_about_lists_them_with_their_source(own_library):
    text = AboutView(own_library).text()
    assert "<td>flux_x</td>" in text
    assert f"<td>{OWN_GROUP}</td><td>{SOURCE}</td>" in text
    assert "恒星质量" in text


def test_trends_run_along_them(own_library):
    view = ValidateView(Workspace(own_library.table), own_library)
    assert "flux_x" in view.param.along.objects
    assert view.pair is None
    view.workspace.room = ROOM
    assert "Nothing to compare" in view.words.object
    view.body()


def test_thousands_of_them_open_and_stay_usable(tmp_path, links, make_page):
    """Nothing is gone through that nobody looks at: neither numbers nor texts of a million different values."""
    many, n_stars = {}, 50
    for number in range(900):
        dtype = "str" if number % 3 == 0 else "float64"
        values = [f"{number} {row}" for row in range(n_stars)] if dtype == "str" else np.arange(n_stars) + 0.5
        many[own_column(f"x{number}", dtype, "", "", "", "t.csv", ())] = values
    found = open_library(make_products(tmp_path / "many", n_stars, spectra=False, own=many))
    page = make_page(found, links, Workspace(found.table, panels=default_panels(found, 6)))
    page.open()
    page.send("side", open=True)
    assert page.send("check", text="x14", cursor=3)["side"]["check"]["suggestions"]
    assert len(page.send("connect", seen=True)["stage"]["columns"]) > 600
    page.send("focus", obsid=str(found.table["obsid"][3]))
    held = {*found.table._arrays, *found.table._words} & {one.name for one in many}
    assert len(held) <= MAX_OWN + 20
    entries = dict(facts_of(found.table, 3, simulated=True, on_screen={"x899"}).groups)[OWN_GROUP]
    assert [entry.name for entry in entries[-2:]] == ["x899", ""]
    assert entries[-1].text == f"{900 - MAX_OWN - 1:,} columns that are not on screen"
    page.send("axis", slot=0, axis="x", column="x898")
    assert [name for name, *_ in page.sent[-1]["table"]["columns"]][-1] == "x898"
    assert len(export(found, Everything(), found.table.every, "fits").data) > 0
