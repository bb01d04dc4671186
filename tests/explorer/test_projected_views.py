"""The projected sky and the space that is turned: numbers, regions, links, pictures, and what the page gets."""

import json
from dataclasses import replace

import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from astropy.wcs import WCS
from matplotlib.backends.backend_agg import FigureCanvasAgg
from scipy.spatial.transform import Rotation
from slow_views import inside_outline

from explorer import protocol
from explorer.charts.chart import Brush, Shot
from explorer.charts.colouring import Density, colouring_of
from explorer.charts.grid import new_state
from explorer.charts.space import MAX_CLOUD
from explorer.charts.view_specs import chart_of
from explorer.model.library import Library
from explorer.model.planes import MAX_PLANES, SkyPlane, SkyView, Turn, TurnedPlane, plane_from_dict
from explorer.model.selection import InProjection, SelectionError, from_dict
from explorer.model.subsets import describe
from explorer.model.table import StarTable
from explorer.model.used_columns import columns_of
from explorer.model.visit_table import VisitTable
from explorer.protocol import CloudLayer, CloudLevelsLayer, GraticuleLayer, Outline, StarsLayer
from explorer.state.panels import PanelState, panel_from_dict
from pipeline.domain.columns import column
from pipeline.domain.frames import SKY_FRAMES
from pipeline.science.space.sky_projection import Projection
from tests.laws.axis_laws import ONCE, looked_at

TRIANGLE = ((-60.0, -20.0), (70.0, -30.0), (10.0, 60.0))
CENTRE, UNIT = (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)


@pytest.fixture
def sky(library):
    return looked_at(chart_of(library, new_state(library, "sky_map")))


@pytest.fixture
def space(library):
    return looked_at(chart_of(library, new_state(library, "space_3d")))


def shown(library, state):
    return looked_at(chart_of(library, state))


def shot_of(chart, rows, colouring=None):
    return Shot(rows, colouring or Density(), chart.state, 0.6, "what is drawn")


@pytest.mark.parametrize("frame", SKY_FRAMES)
def test_stars_are_where_the_fits_standard_has_them(library, sky, frame):
    chart = shown(library, sky.with_sky(Projection.AITOFF, frame, "40", ""))
    x, y = chart.plane.points(library.table)
    places = SkyCoord(library.table["ra"], library.table["dec"], unit="deg").galactic
    lon, lat = {
        "icrs": (library.table["ra"], library.table["dec"]),
        "galactic": (places.l.deg, places.b.deg),
        "sagittarius": (library.table["sgr_lambda"], library.table["sgr_beta"]),
    }[frame]
    header = WCS(naxis=2)
    header.wcs.ctype, header.wcs.crval = ["GLON-AIT", "GLAT-AIT"], [40.0, 0.0]
    header.wcs.crpix, header.wcs.cdelt = [0.0, 0.0], [1.0, 1.0]
    expected = header.all_world2pix(lon, lat, 1)
    known = np.isfinite(expected[0]) & np.isfinite(lon)
    tolerance = 2e-3 if frame == "sagittarius" else 1e-4  # the stream's coordinates are in single precision
    assert np.abs(x[known] - expected[0][known]).max() < tolerance
    assert np.abs(y[known] - expected[1][known]).max() < tolerance


def test_a_star_without_a_position_is_nowhere():
    columns = {"ra": np.array([10.0, np.nan, 3.0]), "dec": np.array([0.0, 5.0, 91.0])}
    for view in (SkyView(), SkyView(Projection.ZENITHAL, "icrs", 5.0, 90.0), SkyView(Projection.AITOFF)):
        x, y = SkyPlane(view, "icrs").points(columns)
        assert np.isfinite(x).tolist() == np.isfinite(y).tolist() == [True, False, False]


def test_the_galactic_coordinates_of_a_catalogue_without_others_are_used(library):
    frame = {"obsid": library.table["obsid"], "glon": library.table["glon"], "glat": library.table["glat"]}
    bare = Library(library.products, StarTable(frame))
    chart = shown(bare, PanelState("sky_map"))
    assert chart.plane.source == "galactic"
    full = chart_of(library, PanelState("sky_map"))
    for values, others in zip(chart.plane.points(bare.table), full.plane.points(library.table), strict=True):
        assert values == pytest.approx(others, abs=1e-3, nan_ok=True)


@pytest.mark.parametrize("turn", [Turn(0.0, 90.0), Turn(330.0, 25.0), Turn(123.4, -67.8)], ids=lambda turn: turn.words)
def test_a_space_is_turned_as_scipy_turns_it(library, turn):
    names = "x_gal", "y_gal", "z_gal"
    plane = TurnedPlane(*names, turn, (-8.0, 1.0, 0.5), (2.0, 2.0, 2.0))
    values = (np.stack([library.table[name] for name in names], axis=1) - plane.centre) / 2.0
    rotation = Rotation.from_euler("z", -turn.azimuth, degrees=True)
    tilted = Rotation.from_euler("x", turn.elevation - 90.0, degrees=True) * rotation
    expected = tilted.apply(values)
    x, y = plane.points(library.table)
    assert x == pytest.approx(expected[:, 0], abs=1e-4, nan_ok=True)
    assert y == pytest.approx(expected[:, 1], abs=1e-4, nan_ok=True)
    assert turn.matrix @ turn.matrix.T == pytest.approx(np.eye(3), abs=1e-12)
    assert np.linalg.det(turn.matrix) == pytest.approx(1.0)


@pytest.mark.parametrize(
    "plane",
    [
        SkyPlane(SkyView(Projection.ZENITHAL, "icrs", 20.0, -50.0), "icrs"),
        SkyPlane(SkyView(Projection.MOLLWEIDE, "sagittarius", 180.0), "icrs"),
        TurnedPlane("x_gal", "y_gal", "z_gal", Turn(200.0, 10.0), CENTRE, (0.1, 0.1, 0.1)),
    ],
    ids=["zenithal", "mollweide", "space"],
)
def test_an_outline_on_a_plane_is_a_region_that_a_link_keeps(library, plane):
    region = InProjection(plane, TRIANGLE)
    rows = region.mask(library.table)
    values = np.stack(plane.points(library.table), axis=1)
    assert np.array_equal(rows, inside_outline(values, (ONCE, ONCE), TRIANGLE))
    assert 0 < rows.sum() < library.table.n_stars
    assert from_dict(json.loads(json.dumps(region.to_dict()))) == region
    assert plane_from_dict(json.loads(json.dumps(plane.to_dict()))) == plane
    plain = {name: library.table[name] for name in ("obsid", *plane.names)}
    assert np.array_equal(region.mask(plain), rows), "a table that keeps no planes"
    assert columns_of(~region) == set(plane.names)


def test_regions_are_described_in_words():
    sky = InProjection(SkyPlane(SkyView(Projection.ZENITHAL, "icrs", 20.0, -50.0), "icrs"), TRIANGLE)
    assert describe(sky) == "outline in the sky (Zenithal, ICRS, centre 20° -50°)"
    space = InProjection(TurnedPlane("x_gal", "y_gal", "z_gal", Turn(200.0, 10.0), CENTRE, UNIT), TRIANGLE)
    assert describe(space) == "outline in X, Y, Z seen from azimuth 200°, elevation 10°"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"vertices": [[0, 0], [1, 1]]}, "at least three"),
        ({"plane": {"kind": "moon"}}, "is damaged"),
        ({"plane": {"kind": "turned", "x": "rv"}}, "is damaged"),
        ({"plane": None}, "is damaged"),
    ],
    ids=["two corners", "unknown plane", "half a plane", "no plane"],
)
def test_damaged_regions_are_refused(change, words):
    stored = InProjection(SkyPlane(SkyView(), "icrs"), TRIANGLE).to_dict() | change
    with pytest.raises(SelectionError, match=words):
        from_dict(stored)


def test_a_region_of_columns_that_a_catalogue_lacks_names_one():
    region = InProjection(SkyPlane(SkyView(), "icrs"), TRIANGLE)
    with pytest.raises(SelectionError, match="no column 'ra'"):
        region.mask({"obsid": np.arange(3)})


def test_planes_are_computed_once_and_few_are_kept(library, monkeypatch):
    table = StarTable({name: library.table[name] for name in ("obsid", "ra", "dec")})
    calls = []
    original = SkyPlane.points
    monkeypatch.setattr(SkyPlane, "points", lambda self, columns: calls.append(self) or original(self, columns))
    planes = [SkyPlane(SkyView(lon=float(number)), "icrs") for number in range(MAX_PLANES + 1)]
    first = table.projected(planes[0])
    assert table.projected(planes[0]) is first
    assert VisitTable(table).projected(planes[0]) is first, "visitors share them"
    assert not first[0].flags.writeable
    for plane in planes[1:]:
        table.projected(plane)
    assert len(calls) == len(planes)
    table.projected(planes[0])
    assert len(calls) == len(planes) + 1


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        ((Projection.AITOFF, "martian", "0", "0"), "no frame 'martian'"),
        ((Projection.ZENITHAL, "icrs", "0", "95"), "latitude of -90 to 90"),
        ((Projection.ZENITHAL, "icrs", "many", "0"), "is no value of RA"),
        ((Projection.MOLLWEIDE, "icrs", "2 kpc", "0"), "is no unit of RA"),
    ],
    ids=["frame", "latitude", "number", "unit"],
)
def test_impossible_skies_are_refused_in_a_sentence(sky, wanted, words):
    with pytest.raises(SelectionError, match=words):
        sky.with_sky(*wanted)


def test_a_sky_is_chosen_and_comes_back_with_a_link(library, sky):
    state = sky.with_sky(Projection.ZENITHAL, "icrs", "-0.5 rad", "90")
    assert state.sky == SkyView(Projection.ZENITHAL, "icrs", state.sky.lon, 90.0)
    assert state.sky.lon == pytest.approx(360.0 - np.degrees(0.5))
    assert sky.with_sky(Projection.AITOFF, "icrs", "-1e-17", "").sky.lon == 0.0
    assert state.x_ends is None
    assert panel_from_dict(json.loads(json.dumps(state.to_dict()))) == state
    assert sky.with_sky(Projection.MOLLWEIDE, "icrs", "", "40").sky.lat == 0.0, "it is centred on the equator"
    spec = shown(library, state).spec()
    assert (spec.sky.lat, spec.sky.has_latitude, spec.x.ends) == ("90", True, (92.0, -92.0))
    assert spec.hover == ("RA [deg]", "Dec [deg]")
    with pytest.raises(ValueError, match="centred on the equator"):
        SkyView(Projection.AITOFF, lat=10.0)
    with pytest.raises(ValueError, match="its sky cannot be"):
        panel_from_dict({"view": "sky_map", "sky": {"projection": "aitoff", "frame": "x", "lon": 0, "lat": 0}})


def test_other_views_refuse_projections_and_turns(library):
    chart = chart_of(library, PanelState("hr"))
    with pytest.raises(SelectionError, match="not in a projection"):
        chart.with_sky(Projection.AITOFF, "icrs", "", "")
    with pytest.raises(SelectionError, match="cannot be turned"):
        chart.with_turn(0.0, 0.0)


def test_the_page_gets_a_graticule_of_what_is_on_screen(sky):
    whole = next(layer for layer in sky.background(0) if isinstance(layer, GraticuleLayer))
    assert {"0°", "30°", "+60°", "\N{MINUS SIGN}30°"} <= set(whole.labels)
    sky.look((10.0, 6.0, 20.0, 22.0), 200, 100)
    close = next(layer for layer in sky.background(0) if isinstance(layer, GraticuleLayer))
    assert "+19.5°" in close.labels
    assert np.nanmax(close.x) < 11.0


def test_tooltips_have_longitude_and_latitude_of_the_frame(library, sky):
    chart = shown(library, sky.with_sky(Projection.MOLLWEIDE, "galactic", "", ""))
    (stars,) = (layer for layer in chart.background(20_000) if isinstance(layer, StarsLayer))
    lon, lat = stars.hover
    assert lon == pytest.approx(library.table["glon"][chart.stars.rows], abs=1e-3)
    assert lat == pytest.approx(library.table["glat"][chart.stars.rows], abs=1e-3)


def test_the_planes_of_galaxy_and_stream_are_curves_on_the_sky(library, sky):
    chart = shown(library, sky.with_sky(Projection.MOLLWEIDE, "galactic", "120", ""))
    galaxy, stream = (overlay.shape for overlay in chart.overlays)
    assert np.nanmax(np.abs(galaxy.ys[0])) < 1e-6
    assert np.nanmax(stream.ys[0]) > 60.0, "it is nearly polar"
    assert {overlay.name for overlay in chart.spec().overlays} == {"galactic_plane", "stream_plane", "graticule"}


def test_a_space_turns_without_a_new_view(library, space):
    space.background(0)
    (before, _), sun = space.canvas.points, space.spec().space.marks[0]
    space.background(0)
    space.state = space.with_turn(10.0, 90.0)
    layers = space.background(0)
    assert not any(isinstance(layer, CloudLayer) for layer in layers), "the page has it"
    assert not np.array_equal(space.canvas.points[0], before, equal_nan=True)
    assert sun.label == "Sun"
    assert sun.x == pytest.approx(-library.r0_kpc - space.space.centre[0])
    assert panel_from_dict(json.loads(json.dumps(space.state.to_dict()))) == space.state
    for wanted in ((360.0, 0.0), (0.0, 91.0), (float("nan"), 0.0)):
        with pytest.raises(SelectionError, match="azimuth of 0 to 360"):
            space.with_turn(*wanted)


def test_the_page_turns_a_sample_of_the_stars(library, space):
    (cloud,) = (layer for layer in space.background(0) if isinstance(layer, CloudLayer))
    places = np.frombuffer(cloud.places, "<u2").reshape(-1, 3) * (cloud.width / 65_535) + cloud.low
    values = np.stack([library.table[name] for name in space.names], axis=1)
    known = np.isfinite(values).all(axis=1)
    expected = space.space.placed(values[known])
    near = (np.abs(expected) <= cloud.width / 2).all(axis=1)
    assert len(places) == near.sum() > 0.9 * known.sum()
    assert np.abs(places - expected[near]).max() <= cloud.width / 65_535
    rows = np.arange(library.table.n_stars) % 3 == 0
    rows.setflags(write=False)
    layers = space.selected(Brush(rows, int(rows.sum()), colouring_of(library.table, "m_h"), everything=False))
    (levels,) = (layer for layer in layers if isinstance(layer, CloudLevelsLayer))
    assert np.array_equal(np.frombuffer(levels.levels, np.uint8) > 0, rows[space._cloud])


def test_the_sample_is_limited_and_always_alike(library):
    rng = np.random.default_rng(3)
    n_stars = MAX_CLOUD + 5000
    frame = {name: rng.normal(size=n_stars).astype(np.float32) for name in ("x_gal", "y_gal", "z_gal")}
    table = StarTable({"obsid": np.arange(n_stars), **frame})
    charts = [chart_of(Library(library.products, table), PanelState("space_3d")) for _ in range(2)]
    first, second = (chart._sampled() for chart in charts)
    assert len(first.places) <= MAX_CLOUD * 6
    assert len(first.places) > 0.95 * MAX_CLOUD * 6
    assert first.places == second.places


def test_a_space_of_any_columns_has_units_of_its_own(library, space):
    state = space.with_axis("z", "m_h")
    chart = shown(library, state)
    assert chart.names == ("x_gal", "y_gal", "m_h")
    assert "[M/H]" in chart.title
    assert not list(chart.space.marks()), "no place for the Sun"
    ends = [library.table.limits(name, 0.002) for name in chart.names]
    assert chart.space.unit == pytest.approx([(high - low) / 2 for low, high in ends])
    assert {label.split()[0] for _, label in chart.space.guides()} == {"X", "Y", "[M/H]"}


def test_the_picture_has_the_pixels_of_the_page(library, sky, space):
    """All stars selected or not, a picture shows the same points at the same places as the page."""
    rows = np.arange(library.table.n_stars) % 2 == 0
    rows.setflags(write=False)
    for chart in (sky, space):
        figure = chart.draw(shot_of(chart, rows, colouring_of(library.table, "m_h")))
        FigureCanvasAgg(figure).draw()
        (axes, *_) = figure.axes
        drawn = np.concatenate([item.get_offsets() for item in axes.collections if len(item.get_offsets())])
        x, y = chart.canvas.points
        picked = rows & np.isfinite(x) & np.isfinite(y)
        low, high = sorted(axes.get_xlim())
        bottom, top = sorted(axes.get_ylim())
        picked &= (x >= low) & (x <= high) & (y >= bottom) & (y <= top)
        assert sorted(map(tuple, np.round(drawn, 3))) == sorted(
            map(tuple, np.round(np.stack([x, y], axis=1)[picked].astype(float), 3))
        )
        assert axes.get_xlabel() in ("Mollweide, Galactic, centre 0°", chart.plane.describe(library.table.known))


def test_a_picture_is_of_the_state_that_was_on_screen(library, space):
    shot = replace(shot_of(space, library.table.every), state=space.with_turn(90.0, 0.0))
    figure = space.draw(shot)
    names = [text.get_text() for text in figure.axes[0].texts]
    assert {"Sun", "GC"} <= set(names)
    assert column("x_gal").label in figure.axes[0].get_xlabel()
    assert "azimuth 90" in figure.axes[0].get_xlabel()


class TestRequests:
    """The page chooses a sky, turns a space, and draws on both."""

    @pytest.fixture
    def room(self, page):
        page.send("swap", slot=0, view="sky_map")
        page.send("swap", slot=1, view="space_3d")
        return page

    def test_a_sky_is_chosen(self, room):
        room.send("choose_sky", slot=0, projection="zenithal", frame="icrs", lon="12", lat="-90")
        assert room.workspace.panels[0].sky == SkyView(Projection.ZENITHAL, "icrs", 12.0, -90.0)

    def test_a_turn_is_kept_without_a_new_specification(self, room):
        room.send("turn_space", slot=1, azimuth=12.5, elevation=-30.0)
        assert room.workspace.panels[1].turn == Turn(12.5, -30.0)

    def test_a_lasso_selects_from_the_direction_that_is_seen(self, room):
        room.send("turn_space", slot=1, azimuth=12.5, elevation=-30.0)
        outline = {"type": "poly", "x": [-50, 50, 0], "y": [-50, -50, 60]}
        room.send("region", slot=1, geometry=outline, keys=[])
        chosen = room.workspace.selection
        assert isinstance(chosen, InProjection)
        assert chosen.plane.turn == Turn(12.5, -30.0)
        assert room.workspace.n_selected == chosen.mask(room.workspace.table).sum() > 0


def test_the_outline_of_the_protocol_is_a_region(sky):
    region = sky.region(Outline(x=(0.0, 10.0, 0.0), y=(0.0, 0.0, 10.0)))
    assert isinstance(region, InProjection)
    assert sky.region(Outline(x=(0.0, 1.0), y=(0.0, 1.0))) is None
    assert isinstance(sky.spec(), protocol.PlaneSpec)
