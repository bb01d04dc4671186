"""The Validate room: figures, selections, and tables of a simulated catalogue."""

from dataclasses import replace

import holoviews as hv
import numpy as np
import pytest

from explorer.charts.validation import MAX_DOTS, values_figure
from explorer.model.comparisons import differences, pairs_of
from explorer.model.selection import InIds
from explorer.rooms.validate import ROOM, ValidateView, physics_table, truth_tables
from explorer.state.workspace import Workspace

DOCUMENT = {
    "simulated": True,
    "stars": {"oddity": {"blend": 3}},
    "quantities": {
        "teff": {"unit": "K", "stars": 2794, "bias": 6.47, "scatter": 18.7, "pull_scatter": 0.64},
        "k_abs": {"unit": "mag", "stars": 2725, "bias": 0.0011, "scatter": 0.292},
    },
    "intervals": {"j_r": {"stars": 2723, "below": 0.19, "within": 0.7, "above": 0.11}},
    "stream": {"threshold": 0.5, "completeness": 0.98, "purity": None},
    "bits": {
        "LOW_SNR": {"flagged": 40, "purity": 0.21, "completeness": {"ordinary": 0.012, "blend": 0.33}},
        "UNBOUND": {"flagged": 0, "purity": None, "completeness": {"ordinary": 0.0, "blend": 0.0}},
    },
    "oddness": {
        "vetted_share": 0.01,
        "all": {"stars": 167, "auc": 0.971, "seen": 30, "found": 29, "recall": 0.17},
        "kinds": {"blend": {"stars": 18, "auc": 0.97, "found": 0}},
    },
}


@pytest.fixture
def room(compared):
    view = ValidateView(Workspace(compared.table), compared)
    view.workspace.room = ROOM
    return view


def test_nothing_is_compared_before_the_room_is_entered(compared):
    view = ValidateView(Workspace(compared.table), compared)
    assert view.shown is None
    view.workspace.room = ROOM
    assert view.shown.pair.name == "teff"
    assert "bias" in view.words.object


def test_every_pair_is_drawn(room, compared):
    for pair in pairs_of(compared):
        room.pair = pair
        assert room.shown.pair == pair
        assert [pane.object is not None for pane in room.figures] == [True, True, True, pair.name == "teff"]


def test_a_brush_redraws_only_what_shows_the_selection(room):
    before = room.figures[0].object
    room.workspace.selection = InIds((100, 101))
    assert room.figures[0].object is before
    room.sample = "selected in Explore"
    assert room.shown.rows.tolist() == [99, 100]
    room.workspace.room = "Explore"
    room.workspace.selection = InIds((100,))
    assert room.shown.rows.size == 2
    room.workspace.room = ROOM
    assert room.shown.rows.tolist() == [99]


def test_a_box_over_the_trend_selects_its_stars(room, compared):
    room.along = "snr"
    found, values = room.shown, compared.table.axis("snr")[room.shown.rows]
    room._boxed(found, values, (0.0, 9.0, 60.0, 11.0))
    picked = compared.table["obsid"][room.workspace.rows]
    assert set(picked) == set(compared.table["obsid"][found.rows[values <= 60.0]])
    room._boxed(found, values, (0.0, 50.0, 60.0, 60.0))
    assert "No star" in room.report.object
    assert room.workspace.n_selected == picked.size


def test_the_figure_is_taken_away_as_pdf(room):
    assert room.picture().read(5) == b"%PDF-"


def test_measurements_of_the_build_are_shown(room):
    text = room.body()[-1].object
    assert "label errors by snr: noise injected" in text
    assert "Against the simulated truth" in text


def test_a_catalogue_with_nothing_to_compare_says_so(library):
    view = ValidateView(Workspace(library.table), library)
    view.workspace.room = ROOM
    assert "Nothing to compare" in view.words.object
    assert view.body() is not None


def test_many_stars_are_drawn_as_densities(compared):
    found = differences(compared, pairs_of(compared)[0])
    many = np.resize(found.ours, MAX_DOTS + 1)
    crowd = replace(found, ours=many, other=many - 10.0)
    kinds = [type(values_figure(one, dark=False).get(0)).__name__ for one in (found, crowd)]
    assert kinds == ["Points", "Image"]


def test_every_table_is_there():
    text = truth_tables(DOCUMENT)
    for words in ("pull scatter", "18.7", "completeness", "LOW_SNR", "33 %", "21 %", "0.971", "recall"):
        assert words in text
    assert "nan" not in text.lower()


def test_a_catalogue_without_oddities():
    assert "Not judged" in truth_tables({**DOCUMENT, "oddness": {}})


def test_without_a_validation_it_says_how_to_make_one():
    assert "python -m pipeline validate" in truth_tables({})


@pytest.mark.parametrize("dark", [False, True])
def test_the_density_of_many_stars_is_clear_where_there_are_none(compared, dark):
    pair = pairs_of(compared)[0]
    rng = np.random.default_rng(2)
    count = MAX_DOTS + 500
    ours = rng.normal(3700.0, 80.0, count)
    found = differences(compared, pair)
    many = replace(found, ours=ours, other=ours + rng.normal(0.0, 30.0, count))
    image = next(iter(values_figure(many, dark=dark).values()))
    counts = image.dimension_values(2)
    assert np.nanmin(counts) >= 1
    assert np.isnan(counts).mean() > 0.5
    plot = hv.render(values_figure(many, dark=dark))
    mapper = next(one.glyph.color_mapper for one in plot.renderers if hasattr(one.glyph, "color_mapper"))
    assert mapper.nan_color in ("transparent", "rgba(0, 0, 0, 0)")


def test_physics_checks_are_shown_failed_ones_first(library):
    assert "median V_Z" in physics_table(library.products.report)
    made = [
        {"name": name, "value": value, "error": 0.1, "unit": "km/s", "low": -1.0, "high": 1.0, "stars": 1234}
        | {"verdict": verdict, "sentence": "<b>"}
        for name, value, verdict in (
            ("first", 0.5, "as expected"),
            ("second", None, "not enough stars"),
            ("third", 80.25, "impossible"),
        )
    ]
    text = physics_table({"sanity": made})
    assert text.index("third") < text.index("first") < text.index("second")
    assert "80.25" in text
    assert "1,234" in text
    assert "&lt;b&gt;" in text
    assert "Missing" in physics_table({})
