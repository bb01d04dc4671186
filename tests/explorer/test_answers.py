"""The dock below the views without a browser: comparison of samples, fits, exports and the foot of the table."""

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from astropy.table import Table
from conftest import Page
from scipy import stats

from explorer.charts.answers import difference_drawing, distribution_drawing, edges_of
from explorer.model import answers
from explorer.model.answers import answer, check_samples, number_column
from explorer.model.samples import sample_of
from explorer.model.screen import BarHeight, DockTab, FitKind
from explorer.model.selection import Everything, InRange, Nothing, SelectionError
from explorer.rooms import answers as room_of_answers
from explorer.rooms import comparing
from explorer.state.answers import CompareState, DockState, FitState, dock_from_dict
from explorer.state.panels import PanelState
from explorer.state.workspace import Workspace
from pipeline.science.quality import sample_statistics

FAR = InRange("distance", 12.0, 1e3)
NEAR = InRange("distance", 0.0, 12.0)


def rows_of(answer, column=0):
    return {row[0]: row[1:] for row in answer["compare"]["results"][column]["rows"]}


def plain(text):
    return text.replace("−", "-").replace(",", "")


def sample(page, key):
    return page.room.answers.sample(key)


@pytest.fixture
def named(page):
    """A page with two named subsets and far stars selected."""
    page.open()
    page.change(selection=FAR)
    page.workspace.define_subset("far", FAR, "#0072b2")
    page.workspace.define_subset("near", NEAR, "#e69f00")
    return page


def test_the_selection_is_compared_with_the_rest_after_a_brush_and_a_click(page):
    page.open()
    page.send("region", slot=0, geometry={"type": "rect", "x0": 3900.0, "x1": 3600.0, "y0": 0.0, "y1": 1.0}, keys=[])
    reply = page.send("dock", tab="compare")
    assert reply["dock"]["tab"] == "compare"
    n, result = page.workspace.n_selected, reply["compare"]["results"][0]
    assert rows_of(reply)["stars"][:2] == [f"{n}", f"{400 - n}"]
    assert result["column"] == "m_h"
    assert {"mean", "median", "robust scatter", "Kolmogorov-Smirnov", "Anderson-Darling"} <= set(rows_of(reply))
    assert (reply["compare"]["stale"], reply["compare"]["rough"]) == (False, False)
    assert [bars["name"] for bars in result["drawing"]["samples"]] == ["selected", "not selected"]


def test_numbers_on_screen_are_those_of_pandas_and_scipy(named):
    named.send("compare_samples", first="in:far", second="in:near", columns=["m_h", "rv"])
    reply = named.send("dock", tab="compare")
    table = pd.DataFrame({name: named.library.table[name] for name in ("m_h", "m_h_err", "distance", "rv")}).astype(
        float
    )
    far, near = table[table.distance.between(12, 1e3)], table[table.distance <= 12]
    for k, name in enumerate(("m_h", "rv")):
        rows = {
            row: [text.replace("−", "-").replace(",", "") for text in texts] for row, texts in rows_of(reply, k).items()
        }
        for at, part in enumerate((far, near)):
            known = part[name].dropna()
            for row, value in (
                ("mean", known.mean()),
                ("median", known.median()),
                ("robust scatter", 1.4826 * stats.median_abs_deviation(known)),
                ("std. deviation", known.std()),
                ("16 %", known.quantile(0.16)),
            ):
                shown = rows[row][at].split(" ± ")[0]
                digits = len(shown.partition(".")[2])
                assert float(shown) == pytest.approx(value, abs=0.51 * 10.0**-digits), (name, row)
            assert float(rows["mean"][at].split(" ± ")[1]) == pytest.approx(known.sem(), rel=0.05)
        difference = far[name].mean() - near[name].mean()
        error = np.hypot(far[name].sem(), near[name].sem())
        assert float(rows["mean"][3].split()[0]) == pytest.approx(difference / error, abs=0.06)
        ks = stats.ks_2samp(far[name].dropna(), near[name].dropna()).pvalue
        shown = rows["Kolmogorov-Smirnov"][2].removeprefix("p ")
        assert shown == "< 1e-15" if ks < 1e-15 else float(shown.removeprefix("= ")) == pytest.approx(ks, rel=0.06)
    weights = 1.0 / far.m_h_err[far.m_h.notna()] ** 2
    shown = rows_of(reply, 0)["weighted mean"][0].replace("−", "-").split(" ± ")[0]
    assert float(shown) == pytest.approx(np.average(far.m_h.dropna(), weights=weights), abs=0.006)


def test_a_brush_brings_new_numbers_while_the_tab_is_open_only(page):
    page.open()
    page.send("dock", tab="compare")
    geometry = {"type": "rect", "x0": 3900.0, "x1": 3600.0, "y0": 0.0, "y1": 1.0}
    reply = page.send("region", slot=0, geometry=geometry, keys=[])
    assert rows_of(reply)["stars"][0] == f"{page.workspace.n_selected:,}"
    assert reply["toolbar"]["count"][0] == rows_of(reply)["stars"][0]
    page.send("dock", open=False)
    assert "compare" not in page.send("clear")
    assert "compare" in page.send("dock", open=True)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"selection": Everything()}, "All stars are selected: select some in a view"),
        ({"selection": Nothing()}, "No star is selected: select some in a view"),
    ],
)
def test_samples_without_stars_are_a_sentence(page, change, words):
    page.open()
    page.change(**change)
    reply = page.send("dock", tab="compare")
    assert reply["compare"]["sentence"].startswith(words)
    assert reply["compare"]["results"] == []
    assert page.send("dock", tab="fit")["fit"]["sentence" if not page.workspace.n_selected else "sentences"]


def test_equal_samples_and_bad_columns_are_sentences(named):
    named.send("dock", tab="compare")
    reply = named.send("compare_samples", first="selected", second="in:far")
    assert "are the same" in reply["compare"]["sentence"]
    reply = named.send("compare_samples", columns=["m_h", "no_such"])
    assert reply["message"] == "This catalogue has no column 'no_such': choose another one."
    assert "column of yes and no" in named.send("compare_samples", columns=["in_training"])["message"]
    assert "No subset is named 'gone'" in named.send("compare_samples", second="in:gone")["message"]
    assert "choose both" in named.send("compare_samples", plane=["m_h"])["message"]
    named.send("compare_samples", first="in:far", second="in:near")
    named.workspace.remove_subset("near")
    last = next(message for message in reversed(named.sent) if "compare" in message)
    assert "No subset is named 'near'" in last["compare"]["sentence"]


def test_a_sample_that_is_chosen_for_both_sides_changes_places(named):
    named.send("dock", tab="compare")
    named.send("compare_samples", first="rest")
    compare = named.workspace.dock.compare
    assert (compare.first, compare.second) == ("rest", "selected")


def test_few_values_and_none_are_sentences(own_library, library):
    table = library.table
    few = np.zeros(table.n_stars, bool)
    few[:3] = True

    def sample_with(rows, key="selected"):
        return sample_of(key, Everything(), rows, (), lambda _: rows, table.known)

    first, second = sample_with(few), sample_with(few, "rest")
    compared = answer(table, "m_h", first, second, check_samples(first, second))
    assert compared.comparison.tests is None
    assert "No test: each sample needs 5 values." in compared.sentences
    with pytest.raises(SelectionError, match="is a column of text: choose a column of numbers"):
        number_column(own_library.table, own_library.table.text_names[0])
    lacking = ~np.isfinite(table["distance"])
    if lacking.any():
        with pytest.raises(SelectionError, match="No star of “selected” has a value of d"):
            answer(table, "distance", sample_with(lacking), sample_with(lacking, "rest"), lacking & ~lacking)


def test_all_and_selected_share_stars_and_say_so(named):
    named.send("compare_samples", second="all")
    reply = named.send("dock", tab="compare")
    sentences = " ".join(reply["compare"]["results"][0]["sentences"])
    assert f"{named.workspace.n_selected:,} stars in both samples" in sentences
    assert "A small p says" in sentences


def test_histograms_and_the_map(named):
    table, far, near = named.library.table, sample(named, "in:far"), sample(named, "in:near")
    drawing = distribution_drawing(table, "m_h", (far, near), 20, BarHeight.FRACTION, cumulative=False)
    assert drawing.edges.size == 21
    known = table["m_h"][far.rows]
    expected = np.histogram(known[np.isfinite(known)].astype(float), drawing.edges)[0]
    assert np.array_equal(drawing.samples[0].counts, expected)
    assert drawing.samples[0].heights == pytest.approx(expected / np.isfinite(known).sum())
    density = distribution_drawing(table, "m_h", (far, near), 0, BarHeight.DENSITY, cumulative=False)
    assert np.sum(density.samples[1].heights * np.diff(density.edges)) == pytest.approx(1.0, abs=0.03)
    total = distribution_drawing(table, "m_h", (far, near), 0, BarHeight.FRACTION, cumulative=True)
    assert (np.diff(total.samples[0].heights) >= 0).all()
    assert total.samples[0].heights[-1] == pytest.approx(1.0, abs=0.02)
    ends = ((0.5, -1.5), (-0.2, 0.4))
    swapped = [
        np.frombuffer(difference_drawing(table, *pair, ("m_h", "alpha_m"), ends, dark=False).levels, np.uint8)
        for pair in ((far, near), (near, far))
    ]
    assert swapped[0].min() == 0
    drawn = swapped[0] > 0
    assert np.abs(swapped[0][drawn].astype(int) + swapped[1][drawn] - 256).max() <= 1, "zero is in the middle"
    same = difference_drawing(table, far, far, ("m_h", "alpha_m"), ends, dark=True)
    assert set(np.frombuffer(same.levels, np.uint8)) == {0, 128}
    assert (same.x_ends, same.window[:2]) == ((0.5, -1.5), (-1.5, 0.5))


def test_quick_histograms_and_maps_have_the_numbers_of_all_stars(named, monkeypatch):
    monkeypatch.setattr(comparing, "MAX_QUICK", 150)
    monkeypatch.setattr(sample_statistics, "MAX_QUICK", 150)
    monkeypatch.setattr(answers, "MAX_QUICK", 150)
    named.send("compare_samples", plane=["m_h", "alpha_m"], bins=6)
    task = named.room.answers.compare_task()
    quick, whole = (task.result(whole=which) for which in (False, True))
    assert "Quick statistics of at most 150 stars" in " ".join(quick.results[0].sentences)
    assert "Quick" not in " ".join(whole.results[0].sentences)
    for part, exact in zip(quick.results[0].drawing.samples, whole.results[0].drawing.samples, strict=True):
        assert part.counts.sum() == pytest.approx(exact.counts.sum(), rel=0.1)
        assert part.heights.max() == pytest.approx(exact.heights.max(), rel=0.3)
    assert quick.results[0].rows[0] == whole.results[0].rows[0], "numbers of stars are those of all"
    assert whole.difference is not None
    assert quick.difference.levels != whole.difference.levels


def test_edges_are_round_and_whole_numbers_have_bars_of_their_own(table):
    values = np.random.default_rng(1).normal(0.0, 1.0, 2000)
    edges = edges_of(table.column("m_h"), [values, values + 1], 0)
    step = edges[1] - edges[0]
    assert step in (pytest.approx(0.1), pytest.approx(0.2), pytest.approx(0.25))
    assert edges / step == pytest.approx(np.rint(edges / step))
    whole = next(column for column in table.columns if column.is_numeric and not column.is_float)
    assert list(edges_of(whole, [np.array([1.0, 2.0, 4.0])], 0)) == [0.5, 1.5, 2.5, 3.5, 4.5]
    assert edges_of(table.column("m_h"), [np.ones(5)], 0).size > 1
    wild = np.append(values, np.full(100, 1e6))
    assert edges_of(table.column("m_h"), [wild], 0)[-1] < 10.0, "some wild values do not squeeze all others together"
    assert edges_of(table.column("m_h"), [np.empty(0)], 0).size == 2


def test_the_map_has_the_axes_of_the_view_that_shows_its_plane(named):
    named.send("dock", tab="compare")
    reply = named.send("compare_samples", plane=["teff", "logg"])
    spec = named.room.stage.charts[0].spec()
    assert tuple(reply["compare"]["difference"]["x_ends"]) == spec.x.ends
    reply = named.look([0], window=(4200.0, 3600.0, 1.5, 0.5))
    assert tuple(reply["compare"]["difference"]["x_ends"]) == (4200.0, 3600.0)
    assert named.send("compare_samples", plane=[])["compare"]["difference"] is None


# --- fits


def test_a_line_is_drawn_in_the_views_of_its_columns(page):
    page.open()
    reply = page.send("dock", tab="fit")
    fit = reply["fit"]
    assert (fit["x"], fit["y"]) == page.room.stage.charts[0].names
    assert fit["relation"]["at"].size == fit["relation"]["median"].size > 3
    shown = {item["slot"]: len(item["xs"]) for item in reply["fit_curves"]}
    assert shown[0] > 3
    assert not any(shown[slot] for slot in range(1, 6))
    page.workspace.panels = (page.workspace.panels[0], PanelState("custom", "logg", "teff"), *page.workspace.panels[2:])
    swapped = {item["slot"]: item for item in page.sent[-1]["fit_curves"]}
    assert np.array_equal(swapped[1]["xs"][0], swapped[0]["ys"][0])
    page.run("picture", slot=0, form="svg")
    assert b"#005ea8" in page.sent[-1]["download"]["data"]
    assert not any(item["xs"] for item in page.send("dock", tab="table")["fit_curves"])


def test_a_gaussian_is_drawn_over_its_histogram(library, links):
    page = Page(library, links, Workspace(library.table, panels=(PanelState("histogram", x="m_h"),)))
    page.open()
    page.send("dock", tab="fit")
    reply = page.send("fit_sample", model="gaussian", y="m_h")
    curve = reply["fit_curves"][0]
    values = library.table["m_h"].astype(float)
    low, high = sorted(page.room.stage.charts[0].spec().x.ends)
    area = np.trapezoid(curve["ys"][0], curve["xs"][0]) / ((high - low) / 60)
    assert area == pytest.approx(np.isfinite(values).sum(), rel=0.05)
    rows = dict(reply["fit"]["rows"])
    assert float(rows["mean [dex]"].split(" ± ")[0].replace("−", "-")) == pytest.approx(np.nanmean(values), abs=0.05)
    half = page.look([0], window=(low, (low + high) / 2, 0.0, 1.0))["fit_curves"][0]
    assert half["ys"][0].max() < curve["ys"][0].max()
    assert not page.send("fit_sample", shown=False)["fit_curves"][0]["xs"]


def test_what_cannot_be_fitted_is_a_sentence(page):
    page.open()
    page.change(selection=Nothing())
    assert page.send("dock", tab="fit")["fit"]["sentence"].startswith("No star is selected")
    few = InRange("teff", 0.0, float(np.sort(page.library.table["teff"])[2]))
    reply = page.change(selection=few)
    assert "A line takes 5 stars" in reply["fit"]["sentence"]
    assert reply["fit"]["relation"] is None
    page.send("fit_sample", x="logg", y="teff")
    assert page.send("fit_sample", x="teff")["fit"]["y"] == "logg", "columns change places"


# --- exports, links


@pytest.mark.parametrize("form", ["ecsv", "csv_notes", "csv"])
def test_numbers_are_exported_with_both_definitions(named, form):
    named.send("compare_samples", first="in:far", second="in:near", columns=["m_h"])
    named.send("dock", tab="compare")
    named.run("answer_table", form=form)
    data = named.sent[-1]["download"]["data"].decode()
    table = Table.read(data, format="ascii.ecsv" if form == "ecsv" else "ascii.csv", comment="#")
    assert list(table["sample"]) == ["far", "near", "difference"]
    values = named.library.table["m_h"][sample(named, "in:far").rows]
    assert table["median"][0] == pytest.approx(float(np.nanmedian(values)))
    assert table["median"][2] == pytest.approx(table["median"][0] - table["median"][1])
    assert table["median_sigma"][2] == pytest.approx(table["median"][2] / table["median_error"][2])
    if form == "csv":
        assert table["simulated"].tolist() == ["True"] * 3
        return
    assert "in_range" in data
    assert "SIMULATED" in data
    if form == "ecsv":
        assert str(table["median"].unit) == "dex"
        assert json.loads(table.meta["second selection_json"]) == NEAR.to_dict()


def test_figures_and_fits_are_exported(named):
    named.send(
        "compare_samples", first="in:far", second="in:near", columns=["m_h", "alpha_m"], plane=["m_h", "alpha_m"]
    )
    named.send("dock", tab="compare")
    for form, begin in (("png", b"\x89PNG"), ("pdf", b"%PDF"), ("svg", b"<?xml")):
        named.run("answer_picture", form=form)
        assert named.sent[-1]["download"]["data"].startswith(begin)
    assert b"far" in named.sent[-1]["download"]["data"]
    named.send("dock", tab="fit")
    named.run("answer_picture", form="png")
    assert named.sent[-1]["download"]["name"].startswith("fit_of_")
    named.run("answer_table", form="ecsv")
    table = Table.read(named.sent[-1]["download"]["data"].decode(), format="ascii.ecsv")
    assert {"slope", "intercept", "running median"} <= set(table["number"])
    named.send("fit_sample", model="gaussian")
    named.run("answer_picture", form="pdf")
    assert named.sent[-1]["download"]["data"].startswith(b"%PDF")
    named.run("answer_table", form="fits")
    assert "cannot be written as 'fits'" in named.sent[-1]["message"]
    named.send("dock", tab="table")
    named.run("answer_table", form="ecsv")
    assert named.sent[-1]["message"].startswith("Open a comparison or a fit first")


def test_the_dock_comes_back_with_a_link(table):
    compare = CompareState("in:far", "all", ("m_h", "rv"), 30, BarHeight.DENSITY, True, ("m_h", "alpha_m"))
    state = DockState(DockTab.FIT, False, compare, FitState("rest", FitKind.GAUSSIAN, "teff", "m_h", False), ())
    workspace = Workspace(table, dock=state)
    stored = json.loads(json.dumps(workspace.to_dict()))
    other = Workspace(table)
    other.restore(stored)
    assert other.dock == state
    del stored["dock"]
    other.restore(stored)
    assert other.dock == DockState()


@pytest.mark.parametrize(
    "damage",
    [
        {"tab": "no_such"},
        {"compare": []},
        {"compare": {"columns": ["m_h"] * 9}},
        {"compare": {"bins": -1}},
        {"compare": {"plane": ["m_h"]}},
        {"fit": {"sample": 5}},
        {"foot": "n"},
    ],
)
def test_a_damaged_dock_is_lost_alone(table, damage):
    workspace = Workspace(table, selection=FAR)
    stored = json.loads(json.dumps(workspace.to_dict()))
    stored["dock"] |= damage
    with pytest.raises(ValueError, match="stored"):
        dock_from_dict(stored["dock"])
    other = Workspace(table)
    other.restore(stored)
    assert "the dock (" in other.message
    assert other.selection == FAR


# --- in the background


def test_quick_numbers_come_first_and_old_ones_never(page, monkeypatch):
    """On a page with a server: stale in the brush's message, then quick numbers, then all; the last selection wins."""
    page.open()
    page.workspace.dock = DockState(DockTab.COMPARE)
    monkeypatch.setattr(room_of_answers, "PAUSE_S", 0.02)
    monkeypatch.setattr(room_of_answers, "in_turn", lambda action: action())
    document = SimpleNamespace(session_context=SimpleNamespace(id="session"), add_timeout_callback=lambda *_: None)
    monkeypatch.setattr(room_of_answers, "pn", SimpleNamespace(state=SimpleNamespace(curdoc=document)))
    before = len(page.sent)

    async def brushes():
        for high in (3700.0, 3800.0, 3900.0):
            page.workspace.gesture(InRange("teff", 0.0, high))
        while page.room.answers._tasks:
            await asyncio.gather(*page.room.answers._tasks)

    with ThreadPoolExecutor(1) as pool:
        pool.submit(lambda: asyncio.run(brushes())).result()
    states = [message["compare"] for message in page.sent[before:] if "compare" in message]
    assert [state["stale"] for state in states] == [True, True, True, False, False]
    quick, whole = states[-2:]
    assert (quick["rough"], whole["rough"]) == (True, False)
    assert "difference" not in whole
    stars = [row[1] for state in (quick, whole) for row in state["results"][0]["rows"] if row[0] == "stars"]
    assert stars == [f"{page.workspace.n_selected:,}"] * 2
    assert "Kolmogorov-Smirnov" not in rows_of({"compare": quick})
    assert "Kolmogorov-Smirnov" in rows_of({"compare": whole})
