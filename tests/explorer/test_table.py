"""The table of the selection: columns, orders, pages, marked rows, copies, and the menu of columns."""

import numpy as np
import pandas as pd
import pytest

from explorer import protocol
from explorer.model.cells import cell_text, flag_names, tab_separated, usual_columns
from explorer.model.column_summary import BARS, TALLEST, summary_of
from explorer.model.ordering import StarOrders, stable_order
from explorer.model.selection import InRange
from explorer.model.table import StarTable
from explorer.rooms.columns_menu import search_words, share_text
from explorer.state.table_layout import MAX_SORTS, TableLayout
from pipeline.domain.columns import BY_NAME, COLUMNS, column, of_same_values
from pipeline.domain.flags import QualityFlag


@pytest.fixture
def rng():
    return np.random.default_rng(25)


@pytest.mark.parametrize("dtype", ["f4", "f8", "i2", "i4", "u4", "i8", "?"])
def test_numbers_are_sorted_as_a_stable_sort_does(rng, dtype):
    values = (rng.normal(size=2000) * 20).round().astype(dtype)
    if dtype.startswith("f"):
        values[::7], values[::11], values[3], values[5] = np.nan, -0.0, np.inf, -np.inf
        values[::13] = -np.float32(np.nan)
    assert np.array_equal(stable_order(values), np.argsort(values, kind="stable"))


def test_several_columns_sort_as_pandas_does(rng):
    frame = pd.DataFrame(
        {"obsid": np.arange(900), "quality": rng.integers(0, 4, 900).astype("i4"), "in_training": rng.random(900) < 0.5}
    )
    frame["teff"] = (rng.normal(size=900) * 3).round().astype("f4")
    frame.loc[::9, "teff"] = np.nan
    table = StarTable.from_frame(frame)
    keys = (("quality", True), ("teff", False))
    expected = frame.sort_values(["quality", "teff"], ascending=[False, True], kind="stable", na_position="last")
    for rows in (table.every, rng.random(900) < 0.5, np.arange(900) < 20):
        wanted = expected.index[rows[expected.index]]
        assert np.array_equal(StarOrders(table).ordered(rows, keys), wanted)
        assert np.array_equal(table.ordered(rows, keys), wanted), "also from an order that is kept"


def test_a_column_sorts_up_down_and_not_at_all():
    layout = TableLayout().sorted_by("teff").sorted_by("snr", add=True)
    assert layout.sorts == (("teff", False), ("snr", False))
    assert layout.sorted_by("teff", add=True).sorts == (("teff", True), ("snr", False))
    assert layout.sorted_by("teff").sorts == (("teff", True),)
    assert layout.sorted_by("snr").sorted_by("snr").sorts == ()
    for name in "abcdefg":
        layout = layout.sorted_by(name, add=True)
    assert len(layout.sorts) == MAX_SORTS
    assert layout.sorts[-1] == ("g", False)


def test_pinned_columns_come_first_and_unknown_ones_are_left_out():
    layout = TableLayout(("teff", "obsid", "gone", "snr"), ("snr", "obsid"))
    assert layout.of(("m_h",), {"teff", "obsid", "snr"}) == ("snr", "obsid", "teff")
    assert TableLayout(None, ()).of(("m_h", "teff"), {}) == ("m_h", "teff")


def test_columns_are_chosen_pinned_and_put_back(page):
    page.open()
    usual = page.room.table.names
    answer = page.send("table_columns", columns=["teff", "k_mag", "obsid", "teff"], pinned=["obsid"])["table"]
    assert [(name, pinned) for name, _, _, pinned in answer["columns"]] == [
        ("obsid", True),
        ("teff", False),
        ("k_mag", False),
    ]
    assert len(answer["rows"][0]) == 3
    assert not answer["usual"]
    assert page.send("table_columns", columns=None, pinned=["obsid"])["table"]["usual"]
    assert page.room.table.names == usual


def test_too_many_and_unknown_columns_are_refused(page, monkeypatch):
    page.open()
    before = page.workspace.table_layout
    monkeypatch.setattr("explorer.rooms.table.MAX_COLUMNS", 5)
    many = [item.name for item in page.library.table.columns][:6]
    assert "1 to 5 columns" in page.send("table_columns", columns=many, pinned=[])["message"]
    assert "1 to" in page.send("table_columns", columns=[], pinned=[])["message"]
    assert page.send("table_columns", columns=["no_such"], pinned=[])["refused"] == "table_columns"
    assert page.workspace.table_layout == before


def test_columns_without_values_are_not_usual(rng):
    n = 1000
    frame = pd.DataFrame({"obsid": np.arange(n), "quality": np.zeros(n, "i4"), "in_training": np.zeros(n, bool)})
    for name in ("teff", "logg", "m_h", "rv", "snr", "ra", "dec", "distance"):
        frame[name] = rng.normal(size=n).astype("f4")
    frame["oddness"] = np.float32(np.nan)
    frame["v_phi"] = np.where(np.arange(n) < 3, 1.0, np.nan).astype("f4")
    names = usual_columns(StarTable.from_frame(frame.astype({"ra": "f8", "dec": "f8"})))
    assert {"obsid", "teff", "rv"} <= set(names)
    assert {"oddness", "v_phi"}.isdisjoint(names), "0 % and 0.3 % of the stars have a value"


def test_the_table_follows_the_chosen_star(page):
    page.open()
    page.send("sort", column="teff")
    page.send("page_rows", rows=7)
    order, obsid = page.room.table.stars, page.library.table["obsid"]
    answer = page.send("focus", obsid=str(obsid[order[50]]))["table"]
    assert (answer["page"], answer["focus"]) == (8, str(obsid[order[50]]))
    assert answer["ids"] == [str(star) for star in obsid[order[49:56]]]
    assert "rows" not in page.send("star_step", by=1)["table"], "the next one is on the same page"
    assert page.send("page", by="first")["table"]["page"] == 1
    assert page.send("page", by="focus")["table"]["page"] == 8
    assert page.send("star_step", by=-1)["table"]["focus"] == str(obsid[order[50]])


def test_another_number_of_rows_keeps_the_first_one_on_the_page(page):
    page.open()
    page.send("go_to_page", page=4)
    first = page.room.table.state().ids[0]
    answer = page.send("page_rows", rows=9)["table"]
    assert first in answer["ids"]
    assert (answer["start"], answer["total"], len(answer["ids"])) == (54, 400, 9)
    assert page.send("go_to_page", page=999)["table"]["page"] == 45
    assert page.send("go_to_page", page=-5)["table"]["page"] == 1
    assert page.send("page_rows", rows=0)["refused"] == "page_rows"


def test_marked_rows_are_kept_and_removed_as_gestures(page):
    page.open()
    page.workspace.gesture(InRange("teff", 0, 9000))
    ids = list(page.room.table.state().ids[:3])
    before = page.workspace.n_selected
    page.send("marked_rows", action="remove", obsids=ids[:2])
    assert page.workspace.n_selected == before - 2
    page.send("undo")
    page.send("marked_rows", action="keep", obsids=ids)
    assert sorted(page.library.table["obsid"][page.workspace.rows]) == sorted(map(int, ids))
    assert "Ctrl-click" in page.send("marked_rows", action="keep", obsids=[])["message"]


def test_rows_are_copied_with_their_names_and_every_digit(page):
    page.open()
    page.send("table_columns", columns=["obsid", "teff", "quality"], pinned=[])
    table, stars = page.library.table, page.room.table.stars
    ids = [str(table["obsid"][stars[k]]) for k in (30, 2)]
    head, *lines = [line.split("\t") for line in page.send("copy_rows", obsids=ids)["table"]["copied"].split("\n")]
    assert head == ["obsid", "teff", "quality", "simulated"]
    assert [line[0] for line in lines] == ids[::-1], "in the order of the table"
    assert np.float32(lines[0][1]) == table["teff"][stars[2]]
    assert int(lines[0][2]) == table["quality"][stars[2]]
    assert len(page.send("copy_rows")["table"]["copied"].split("\n")) == 21, "the page, if none is marked"


def test_copied_texts_do_nothing_in_a_spreadsheet(own_library):
    table = own_library.table
    text = tab_separated(table, ["note"], np.arange(3), simulated=False)
    assert text.split("\n")[:2] == ["note", "star 0 <b>"]
    assert "\t" not in text


def test_bits_are_words(page):
    assert flag_names(0) == "good"
    assert flag_names(int(QualityFlag.LOW_SNR | QualityFlag.UNBOUND)) == "low S/N, unbound"
    assert cell_text(column("quality"), 1) == "low S/N"
    state = page.send("connect", seen=True)["table"]
    flags = {short: columns for _, short, _, columns in state["flags"]}
    assert {"energy", "v_phi"} <= set(flags["unbound"])
    assert state["quality"] == page.library.table["quality"][page.room.table.stars[:20]].tolist()


def test_errors_and_percentiles_are_doubtful_with_their_columns(page):
    page.open()
    flags = {short: columns for _, short, _, columns in page.send("connect", seen=True)["table"]["flags"]}
    assert {"m_h", "m_h_err", "m_h_err_formal"} <= set(flags["two minima"])
    assert {"v_phi", "v_phi_16", "v_phi_50", "v_phi_84", "distance_16"} <= set(flags["distance"])
    assert not {"rv", "rv_err", "ra", "m_h"} & set(flags["distance"])
    assert {name for columns in flags.values() for name in columns} <= set(BY_NAME)
    assert of_same_values(["ra", "rv"]) == ("ra", "rv", "rv_err")


def test_the_menu_finds_columns_by_the_words_of_expressions():
    assert {"feh", "[m/h]", "[fe/h]"} <= set(search_words(column("m_h")))
    for item in COLUMNS:
        assert {word for name in item.synonyms for word in name.lower().split()} <= set(search_words(item))


def test_menus_learn_of_computed_columns_when_they_change(page):
    page.open()
    unasked = page.ask("define_column", name="twice", text="2 * teff")
    assert "column_facts" not in unasked
    page.send("list_columns")
    page.send("sort", column="twice")
    page.workspace.table_layout = TableLayout(("obsid", "twice"), sorts=(("twice", True),))
    largest = page.room.table.stars[0]
    assert page.library.table["teff"][largest] == np.nanmax(page.library.table["teff"])
    answer = page.send("remove_column", name="twice")
    assert "twice" not in [name for name, *_ in answer["column_facts"]]
    assert answer["table"]["sort"] == []
    assert [name for name, *_ in answer["table"]["columns"]] == ["obsid"]


def test_summaries_count_values_and_bars(rng):
    values = rng.normal(size=5000).astype("f4")
    values[::4] = np.nan
    summary = summary_of(column("m_h"), values)
    assert summary.known == pytest.approx(0.75)
    assert (len(summary.bars), max(summary.bars)) == (BARS, TALLEST)
    counts, _ = np.histogram(values[np.isfinite(values)], BARS, summary.ends)
    assert np.argmax(counts) == np.argmax(summary.bars)
    assert np.allclose(np.array(summary.bars) / TALLEST, counts / counts.max(), atol=1 / TALLEST)
    assert summary_of(column("m_h"), np.full(9, np.nan, "f4")) == summary_of(column("m_h"), values[:1])
    close = 2.0**53 + np.array([0, 2, 2], np.float64)
    assert sum(bar > 0 for bar in summary_of(column("ra"), close).bars) == 2
    assert summary_of(column("m_h"), np.ones(9, "f4")).ends == (1.0, 1.0)
    assert summary_of(column("oddness_reason"), np.array(["", "snr"], object)).known == 0.5


@pytest.mark.parametrize(
    ("share", "text"), [(0, "0 %"), (0.001, "< 1 %"), (0.5, "50 %"), (0.999, "> 99 %"), (1, "100 %")]
)
def test_only_none_and_all_are_none_and_all(share, text):
    assert share_text(share) == text


def test_menus_learn_of_columns_once_and_of_values_on_demand(page):
    facts = page.send("list_columns")["column_facts"]
    assert [name for name, *_ in facts] == [item.name for item in page.library.table.columns]
    by_name = {name: rest for name, *rest in facts}
    assert "metal" in by_name["m_h"][2].lower()
    (name, known, low, high, bars), empty = page.send("summarise_columns", columns=["teff", "obsid"])["column_values"]
    assert (name, known, len(bars)) == ("teff", "100 %", BARS)
    assert int(low) < int(high)
    assert page.library.table.summary("teff") is page.library.table.summary("teff")
    assert empty[0] == "obsid"
    assert page.send("summarise_columns", columns=["no_such"])["refused"] == "summarise_columns"
    assert isinstance(protocol.SummariseColumns(("a",)).columns, tuple)
