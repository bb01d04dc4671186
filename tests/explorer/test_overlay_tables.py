"""Tables of the user's own over the views: reading, guesses, limits, links, planes and pictures."""

import base64
import io
import json

import numpy as np
import pandas as pd
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.table import Table
from conftest import Page
from matplotlib.backends.backend_agg import FigureCanvasAgg

from explorer.charts.chart import Shot
from explorer.charts.colouring import Density
from explorer.charts.overlay_shapes import switch_of, table_overlays
from explorer.charts.view_specs import chart_of
from explorer.model import overlay_file, overlay_tables
from explorer.model.overlay_file import read_overlay
from explorer.model.overlay_tables import (
    MAX_TABLES,
    OverlayColumn,
    OverlayTable,
    changed_table,
    tables_from_plain,
    tables_to_plain,
    with_table,
)
from explorer.model.scales import Scale, ScaleKind
from explorer.model.selection import SelectionError
from explorer.state.panels import PanelState
from explorer.state.workspace import Workspace
from pipeline.domain.columns import column

BLUE = "#0b62b2"
TRACK = b"Teff,logg,track\n4200,1.5,a\n4000,1.0,a\n3800,0.5,a\n4100,1.6,b\n3700,0.6,b\n"


def read(library, data, name="track.csv"):
    return read_overlay(data, name, BLUE, library.table.axes())


def shape_of(table, x, y):
    (overlay,) = table_overlays([table], column(x), column(y))
    return overlay.shape


def written(table, form):
    target = io.BytesIO()
    table.write(target, format=form)
    return target.getvalue()


def text_table(table, form):
    target = io.StringIO()
    table.write(target, format=form)
    return target.getvalue().encode()


def base_of(data):
    return base64.b64encode(data).decode()


@pytest.fixture
def track(library):
    return read(library, TRACK).table


@pytest.fixture
def page(library, links):
    opened = Page(library, links, Workspace(library.table, panels=(PanelState("hr"), PanelState("sky"))))
    opened.open()
    opened.send("side", open=True)
    return opened


def test_columns_are_recognised_and_lines_broken_by_their_name(track):
    assert track.name == "track"
    assert dict(track.uses) == {"teff": "Teff", "logg": "logg"}
    assert (track.style, track.breaks) == ("line", "track")
    shape = shape_of(track, "teff", "logg")
    assert [x.tolist() for x in shape.xs] == [[4200, 4000, 3800], [4100, 3700]]
    assert [y.tolist() for y in shape.ys] == [[1.5, 1.0, 0.5], pytest.approx([1.6, 0.6])]
    assert shape_of(track, "logg", "teff").ys[0].tolist() == [4200, 4000, 3800], "with exchanged axes"
    assert table_overlays([track], column("teff"), column("m_h")) == []
    (one,) = changed_table((track,), "track", {"breaks": ""})
    assert len(shape_of(one, "teff", "logg").xs) == 1


@pytest.mark.parametrize("form", ["csv", "fits", "votable", "ecsv", "parquet"])
def test_units_are_converted_in_every_format_that_states_them(library, form):
    table = Table({"distance": [1500.0, 2500.0], "rv": [10.0, -20.0]}, units={"distance": "pc", "rv": "m/s"})
    if form == "parquet":
        target = io.BytesIO()
        pd.DataFrame({"distance": [1.5, 2.5], "rv": [0.01, -0.02]}).to_parquet(target)
        data = target.getvalue()
    elif form == "csv":
        data = b"distance_pc,rv\n1500,0.01\n2500,-0.02\n"
    else:
        data = text_table(table, "ascii.ecsv") if form == "ecsv" else written(table, form)
    shape = shape_of(read(library, data, f"x.{form}").table, "distance", "rv")
    assert np.concatenate(shape.xs) == pytest.approx([1.5, 2.5])
    assert np.concatenate(shape.ys) == pytest.approx([0.01, -0.02])


def test_positions_are_points_on_every_sky(library):
    data = b"name,RAJ2000,DEJ2000\nM54,283.76,-30.48\nTerzan 7,289.43,-34.66\n"
    table = read(library, data).table
    assert table.style == "points"
    shape = shape_of(table, "glon", "glat")
    sky = SkyCoord([283.76, 289.43] * u.deg, [-30.48, -34.66] * u.deg)
    assert shape.x == pytest.approx(sky.galactic.l.deg, abs=1e-3)
    assert shape.y == pytest.approx(sky.galactic.b.deg, abs=1e-3)
    along = shape_of(table, "sgr_lambda", "sgr_beta")
    assert np.abs(np.mod(along.x[0] + 180.0, 360.0) - 180.0) < 2.0, "M54 is near the origin of the stream's longitude"


def test_positions_in_hours_are_not_drawn_as_degrees(library):
    rows = "".join(f"{24 * k / 60:.3f},{k - 30}\n" for k in range(60))
    found = read(library, f"ra,dec\n{rows}".encode())
    assert not {"ra", "glon"} & dict(found.table.uses).keys()
    assert "hours?" in found.sentence


def test_a_column_can_be_chosen_for_another_one_in_its_unit(library):
    data = text_table(Table({"a": [1000.0, 2000.0], "b": [0.1, 0.2]}, units={"a": "pc"}), "ascii.ecsv")
    table = read(library, data).table
    assert table.uses == ()
    used = table.using(column("distance"), "a").using(column("m_h"), "b")
    assert np.concatenate(shape_of(used, "distance", "m_h").xs) == pytest.approx([1.0, 2.0])
    assert used.using(column("m_h"), "").uses == (("distance", "a"),)
    with pytest.raises(SelectionError, match=r"a is in pc, which is no unit of Teff \[K\]"):
        table.using(column("teff"), "a")
    with pytest.raises(SelectionError, match="has no column 'c'"):
        table.using(column("teff"), "c")


def test_a_line_is_cut_where_a_longitude_begins_again(library):
    data = b"glon,glat\n350,1\n359,2\n1,3\n10,4\n"
    table = changed_table((read(library, data).table,), "track", {"style": "line"})[0]
    shape = shape_of(table, "glon", "glat")
    assert [x.tolist() for x in shape.xs] == [[350, 359], [1, 10]]
    turned = OverlayTable(
        "t",
        (OverlayColumn("l", "deg", np.float32([-10, 370])), OverlayColumn("b", "deg", np.float32([0, 1]))),
        (("glon", "l"), ("glat", "b")),
        "points",
        BLUE,
    )
    assert shape_of(turned, "glon", "glat").x.tolist() == [350, 10]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b"\x00\x01\x02\x03" * 50, "."),
        (b"name,kind\nx,y\nz,w\n", "0 columns of numbers"),
        (b"a\n1\n2\n", "1 columns of numbers"),
        (b"teff,logg\n", "no rows"),
    ],
    ids=["empty", "binary", "words", "one", "no_rows"],
)
def test_files_that_are_no_curve_are_refused_with_a_reason(library, data, reason):
    with pytest.raises(SelectionError) as refused:
        read(library, data)
    assert reason in str(refused.value)
    assert str(refused.value).endswith(".")


def test_limits_are_sentences(library, track, monkeypatch):
    with pytest.raises(SelectionError, match="at most 16,000,000"):
        read(library, b"x" * (overlay_file.MAX_BYTES + 1))
    many = b"teff,logg\n" + b"4000,1\n" * (overlay_tables.MAX_ROWS + 1)
    with pytest.raises(SelectionError, match="more than 50,000 rows"):
        read(library, many)
    tables = ()
    for k in range(MAX_TABLES):
        tables = with_table(tables, OverlayTable(f"t{k}", track.columns, track.uses, "line", BLUE))
    with pytest.raises(SelectionError, match="Remove one first"):
        with_table(tables, OverlayTable("one more", track.columns, track.uses, "line", BLUE))
    assert len(with_table(tables, OverlayTable("t3", track.columns, track.uses, "points", BLUE))) == MAX_TABLES
    monkeypatch.setattr(overlay_tables, "MAX_VALUES", 20)
    with pytest.raises(SelectionError, match="have 30 values; at most 20"):
        with_table(tables[:1], OverlayTable("other", track.columns, track.uses, "line", BLUE))


def test_only_as_many_columns_are_kept_as_links_hold(library, monkeypatch):
    monkeypatch.setattr(overlay_file, "MAX_VALUES", 8)
    found = read(library, b"a,b,c,teff,logg\n1,2,3,4000,1\n1,2,3,3900,1\n")
    assert [item.name for item in found.table.columns] == ["teff", "logg", "a", "b"]
    assert "Of its columns 4 are kept" in found.sentence


def test_a_link_brings_them_back(library, track, links):
    workspace = Workspace(library.table, panels=(PanelState("hr"),), overlay_tables=(track,))
    token = links.share(json.loads(json.dumps(workspace.to_dict())))
    other = Workspace(library.table)
    other.restore(links.get(token))
    (again,) = other.overlay_tables
    assert (again.name, again.uses, again.style, again.colour, again.breaks, again.on) == (
        *(track.name, track.uses, track.style, track.colour, track.breaks, track.on),
    )
    for before, after in zip(track.columns, again.columns, strict=True):
        assert (before.name, before.unit) == (after.name, after.unit)
        assert np.array_equal(before.numbers, after.numbers, equal_nan=True)
    old = workspace.to_dict()
    del old["overlays"]
    other.restore(old)
    assert other.overlay_tables == (), "links of earlier versions have none"


@pytest.mark.parametrize(
    "damage",
    [
        {"style": "sheet"},
        {"colour": "red;"},
        {"columns": []},
        {"columns": [{"name": "a", "unit": "", "values": "AAAA"}]},
        {"columns": 3},
        {"breaks": "gone"},
        {"uses": [["teff", "gone"]]},
    ],
    ids=["style", "colour", "none", "bytes", "number", "breaks", "uses"],
)
def test_damaged_tables_of_a_link_are_left_out_and_named(library, track, damage):
    stored = [{**tables_to_plain([track])[0], **damage}]
    with pytest.raises(SelectionError):
        tables_from_plain(stored)
    workspace = Workspace(library.table)
    workspace.restore({**workspace.to_dict(), "panels": [PanelState("hr").to_dict()], "overlays": stored})
    assert workspace.overlay_tables == ()
    assert "the tables over the views" in workspace.message


def test_planes_of_both_columns_show_it_and_have_a_switch(library, track):
    chart = chart_of(library, PanelState("hr"))
    before = len(chart.overlays)
    chart.lay((track,))
    overlay = chart.overlays[-1]
    spec = chart.spec().overlays[before]
    assert (spec.name, spec.label, spec.on, spec.shape.colour) == (switch_of(track), "track", True, BLUE)
    assert ("track", BLUE) in [(item.text, item.colour) for item in chart.spec().caption]
    assert "table of your own" in chart.spec().about
    chart.lay((track, *changed_table((track,), "track", {"on": False, "name": "hidden"})))
    assert len(chart.overlays) == before + 1
    other = chart_of(library, PanelState("abundances"))
    other.lay((track,))
    assert overlay.name not in other.switches
    scaled = chart_of(library, PanelState("hr", x_scale=Scale(ScaleKind.LOG)))
    scaled.lay((track,))
    assert scaled.overlays[-1].shape.xs[0] == pytest.approx(np.log10([4200, 4000, 3800]))


def test_it_is_in_pictures_and_their_key(library, track):
    points = changed_table((track,), "track", {"style": "points", "name": "members"})[0]
    chart = chart_of(library, PanelState("hr", x_ends=(4300.0, 3500.0)))
    chart.lay((track, points))
    figure = chart.draw(Shot(library.table.every, Density(), chart.state, 0.75, "note"))
    FigureCanvasAgg(figure).draw()
    names = [text.get_text() for text in figure.legends[0].get_texts()]
    assert {"track", "members"} <= set(names)
    drawn = [line for line in figure.axes[0].lines if line.get_color() == BLUE]
    assert [line.get_xdata().tolist() for line in drawn] == [
        [4200, 4000, 3800],
        [4100, 3700],
        [4200, 4000, 3800, 4100, 3700],
    ]
    state = PanelState("hr", switched=(switch_of(track), switch_of(points)))
    hidden = chart.draw(Shot(library.table.every, Density(), state, 0.75, "note"))
    assert not [line for line in hidden.axes[0].lines if line.get_color() == BLUE]


def test_on_a_sky_it_is_repeated_with_the_longitude(library):
    table = read(library, b"l,b,glon,glat\n1,2,10,4\n1,2,20,5\n").table
    chart = chart_of(library, PanelState("sky"))
    chart.lay((table,))
    chart.look((0.0, 720.0, -90.0, 90.0), 240, 160)
    (layer,) = (layer for layer in chart.background(0) if layer.name == "dots")
    assert switch_of(table) in layer.overlays
    assert len(layer.images) == 2


def test_a_page_lays_changes_and_removes_a_table(page):
    answer = page.ask("overlay_file", name="my track.csv", size=len(TRACK), data=base_of(TRACK))
    assert answer["side"]["overlay_report"].startswith("my track: 5 rows; Teff from Teff")
    (state,) = answer["side"]["overlays"]
    assert (state["name"], state["rows"], state["breaks"]) == ("my track", 5, "track")
    hr, sky = answer["stage"]["panels"]
    assert hr["overlays"][-1]["label"] == "my track" or any(one["label"] == "my track" for one in hr["overlays"])
    assert sky is None, "only views of both columns are built again"
    answer = page.send("overlay_change", name="my track", label="AGB", colour="#d55e00")
    assert any("AGB" in caption[0] for caption in answer["stage"]["panels"][0]["caption"])
    answer = page.send("overlay_change", name="AGB", on=False)
    assert not any("AGB" in caption[0] for caption in answer["stage"]["panels"][0]["caption"])
    page.send("overlay_change", name="AGB", on=True)
    answer = page.send("overlay_use", name="AGB", ours="logg", theirs="")
    assert answer["side"]["overlays"][0]["shown"] == "in no view: choose two columns"
    answer = page.send("overlay_change", name="AGB", colour="red")
    assert answer["side"]["overlay_refused"]
    assert "#rrggbb" in answer["side"]["overlay_report"]
    answer = page.send("overlay_forget", name="AGB")
    assert answer["side"]["overlays"] == []
    assert page.workspace.overlay_tables == ()


def test_a_page_says_why_a_file_is_refused(page):
    answer = page.ask("overlay_file", name="x.csv", size=8, data=base_of(b"a,b\nc,d\n"))
    assert answer["side"]["overlay_refused"]
    assert "columns of numbers" in answer["side"]["overlay_report"]
    answer = page.ask("overlay_file", name="x.csv", size=10**9, data="")
    assert "at most 16,000,000" in answer["side"]["overlay_report"]
    assert page.workspace.overlay_tables == ()


@pytest.mark.parametrize(
    ("name", "style", "planes"),
    [
        ("parsec/parsec_3.02Gyr_newgrid.csv", "line", [("teff", "logg"), ("jk0", "k_abs")]),
        ("sgr_mgiants_lamost_dr5_gaia_dr2.fits", "points", [("glon", "glat"), ("sgr_lambda", "sgr_beta")]),
        ("sgr_nbody_dl17_particles.csv", "points", [("glon", "glat"), ("sgr_lambda", "sgr_beta")]),
        ("lamost_dr4_mgiants.csv", "points", [("ra", "dec"), ("glon", "glat")]),
    ],
    ids=["isochrones", "members", "particles", "catalogue"],
)
def test_real_files_are_laid_over_their_planes(library, shared_data, name, style, planes):
    path = shared_data / name
    if not path.is_file():
        pytest.skip(f"{name} is not beside the project")
    table = read(library, path.read_bytes(), path.name).table
    assert table.style == style
    for x, y in planes:
        (overlay,) = table_overlays([table], column(x), column(y))
        values = (
            np.concatenate([np.atleast_1d(part) for part in overlay.shape.to_client().xs])
            if style == "line"
            else overlay.shape.x
        )
        assert np.isfinite(values).any()
    stored = tables_from_plain(json.loads(json.dumps(tables_to_plain([table]))))
    assert stored[0].n_rows == table.n_rows
    if style == "line":
        frame = pd.read_csv(path)
        shape = shape_of(table, "teff", "logg")
        assert len(shape.xs) > frame.MH.nunique(), "each isochrone, and each phase of it"
        assert np.concatenate(shape.xs) == pytest.approx(10.0 ** frame.LOGTE.to_numpy(), rel=1e-5)
        colours = shape_of(table, "jk0", "k_abs")
        assert np.concatenate(colours.xs) == pytest.approx((frame.TMASS_JMAG - frame.TMASS_KSMAG).to_numpy(), abs=1e-4)
