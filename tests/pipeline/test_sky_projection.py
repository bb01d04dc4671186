"""Projections of the sky beside those of astropy (wcslib), and graticules."""

import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from astropy.wcs import WCS

from pipeline.domain.frames import SKY_FRAMES, galactic_to_sagittarius, sky_angles, sky_rotation, unit_vectors
from pipeline.science.space.graticule import graticule
from pipeline.science.space.sky_projection import (
    Projection,
    centred,
    edge_of,
    project,
    projected_curve,
    unproject,
)

CODES = {Projection.MOLLWEIDE: "MOL", Projection.AITOFF: "AIT", Projection.ZENITHAL: "ZEA"}
WINDOWS = [((-170, 170, -85, 85), 30.0), ((0, 12, 0, 9), 2.0), ((20, 20.4, 5, 5.3), 0.05)]
CENTRES = {Projection.MOLLWEIDE: (123.4, 0.0), Projection.AITOFF: (359.0, 0.0), Projection.ZENITHAL: (200.0, -37.5)}


@pytest.fixture(params=list(Projection), ids=lambda item: item.value)
def projection(request):
    return request.param


@pytest.fixture(scope="module")
def places():
    """Longitudes and latitudes all over the sky, and at its special places."""
    rng = np.random.default_rng(2)
    lon, lat = rng.uniform(0.0, 360.0, 4000), np.degrees(np.arcsin(rng.uniform(-1.0, 1.0, 4000)))
    near_pole = 90.0 - 10.0 ** rng.uniform(-3.5, 0, 50)
    return np.r_[lon, np.full(50, 77.0), 0.0, 10.0], np.r_[lat, near_pole, 0.0, -89.999]


def twin(projection, lon, lat):
    """The plane by the library of the FITS standard, without a formula of ours."""
    header = WCS(naxis=2)
    header.wcs.ctype = [f"GLON-{CODES[projection]}", f"GLAT-{CODES[projection]}"]
    header.wcs.crval, header.wcs.crpix, header.wcs.cdelt = CENTRES[projection], [0.0, 0.0], [1.0, 1.0]
    return header.all_world2pix(lon, lat, 1)


def test_the_plane_is_that_of_the_fits_standard(projection, places):
    x, y = project(projection, unit_vectors(*places) @ centred(*CENTRES[projection]).T)
    expected = twin(projection, *places)
    assert np.hypot(x - expected[0], y - expected[1]).max() < 1e-5, "degrees"


def test_next_to_a_pole_the_mollweide_angle_follows_its_series():
    """There wcslib rounds to the pole: 4/3 beta^3 = pi level^2 / 2 to first order."""
    level = 10.0 ** np.linspace(-9.0, -5.0, 9)
    vectors = np.stack([0.6 * level, 0.8 * level, np.sqrt(1.0 - level**2)], axis=1)
    x, _ = project(Projection.MOLLWEIDE, vectors)
    beta = np.cbrt(0.75 * 0.5 * np.pi * level**2)
    assert np.radians(x) == pytest.approx(2.0 * np.sqrt(2.0) / np.pi * np.arctan2(0.8, 0.6) * beta, rel=1e-4)


def test_a_point_of_the_plane_is_the_direction_that_it_came_from(projection, places):
    vectors = unit_vectors(*places) @ centred(*CENTRES[projection]).T
    assert np.abs(unproject(projection, *project(projection, vectors)) - vectors).max() < 2e-7


def test_areas_are_true(projection):
    """Stars that are even on the sphere are even on the plane."""
    rng = np.random.default_rng(4)
    vectors = rng.normal(size=(200_000, 3))
    x, y = project(projection, vectors / np.linalg.norm(vectors, axis=1)[:, None])
    width, height = projection.reach_deg
    assert np.pi * width * height == pytest.approx(4.0 * np.pi * np.degrees(1.0) ** 2)
    for centre in (0.0, 0.5):
        near = np.hypot((x - centre * width) / width, y / height) < 0.25
        assert near.mean() == pytest.approx(0.25**2, rel=0.03)


def test_unknown_directions_and_points_beyond_the_sky_are_nowhere(projection):
    assert np.isnan(project(projection, np.full((1, 3), np.nan))).all()
    width, height = projection.reach_deg
    outside = unproject(projection, np.array([1.01 * width, 0.9 * width]), np.array([0.0, 0.9 * height]))
    assert np.isnan(outside).all()


def test_the_centre_the_poles_and_the_antipode_are_finite(projection):
    corners = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, 0.0, -1.0], [-1.0, 0.0, 0.0]])
    x, y = project(projection, corners)
    assert np.isfinite(x).all()
    assert (x[0], y[0]) == (0.0, pytest.approx(0.0, abs=1e-12))
    assert y[1] == pytest.approx(-y[2])
    assert abs(x[3]) == pytest.approx(projection.reach_deg[0])


def test_rotations_between_frames_are_those_of_astropy_and_of_the_stream(places):
    lon, lat = places
    vectors = unit_vectors(lon, lat)
    galactic = SkyCoord(lon, lat, unit="deg").galactic
    turned = vectors @ sky_rotation("icrs", "galactic").T
    assert np.abs(turned - unit_vectors(galactic.l.deg, galactic.b.deg)).max() < 1e-12
    stream = unit_vectors(*galactic_to_sagittarius(lon, lat))
    assert np.abs(vectors @ sky_rotation("galactic", "sagittarius").T - stream).max() < 1e-12
    for first in SKY_FRAMES:
        for second in SKY_FRAMES:
            there_and_back = sky_rotation(second, first) @ sky_rotation(first, second)
            assert np.abs(there_and_back - np.eye(3)).max() < 1e-12


def test_a_curve_is_cut_where_it_leaves_the_plane():
    circle = np.linspace(0.0, 360.0, 721)
    vectors = unit_vectors(circle, 10.0 + 0.0 * circle) @ centred(100.0, 0.0).T
    x, y = projected_curve(Projection.MOLLWEIDE, vectors)
    assert np.isnan(x).sum() == np.isnan(y).sum() == 1
    assert np.nanmax(np.abs(np.diff(x))) < 1.0


@pytest.mark.parametrize(("window", "step"), WINDOWS)
def test_lines_of_a_graticule_are_at_round_degrees(projection, window, step):
    matrix = centred(*CENTRES[projection])
    lines = graticule(projection, matrix, window)
    x, y = lines.x, lines.y
    known = np.isfinite(x)
    assert not (~known[1:] & ~known[:-1]).any(), "two gaps in a row say nothing"
    rim = np.hypot(x / projection.reach_deg[0], y / projection.reach_deg[1]) < 0.999
    lon, lat = sky_angles(unproject(projection, x[known & rim], y[known & rim]) @ matrix)
    unit = min(step, 1.0)  # meridians are at other multiples of it than parallels where they are closer to each other
    away = np.minimum(unit * np.abs(lon / unit - np.rint(lon / unit)), step * np.abs(lat / step - np.rint(lat / step)))
    assert away.max() < 2e-5
    for at_x, at_y, text in zip(lines.label_x, lines.label_y, lines.labels, strict=True):
        assert window[0] <= at_x <= window[1]
        assert window[2] <= at_y <= window[3]
        lon, lat = sky_angles(unproject(projection, np.array([at_x]), np.array([at_y])) @ matrix)
        value = float(text.rstrip("°").replace("\N{MINUS SIGN}", "-"))
        assert min(abs(float(lat[0]) - value), abs((float(lon[0]) - value + 180.0) % 360.0 - 180.0)) < 1e-3
    assert len(lines.labels) >= 4


def test_the_labels_of_meridians_are_apart(projection):
    lines = graticule(projection, centred(0.0, 0.0), (-170.0, 170.0, -85.0, 85.0))
    places = list(zip(lines.label_x.round(1), lines.label_y.round(1), strict=True))
    assert len(set(places)) >= len(places) - 1, "the equator's own label may be at a meridian's"


def test_a_window_beyond_the_sky_has_no_lines():
    lines = graticule(Projection.AITOFF, np.eye(3), (300.0, 310.0, 100.0, 110.0))
    assert lines.x.size == 0
    assert lines.labels == ()


def test_the_edge_is_that_of_the_whole_sky(projection):
    x, y = edge_of(projection)
    assert (np.abs(x).max(), np.abs(y).max()) == pytest.approx(projection.reach_deg)
