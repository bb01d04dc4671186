"""Compiled drawing kernels compared with their slow twins."""

import datashader
import numpy as np
import pandas as pd
import pytest
import slow_shading as slow
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.charts import kernels
from explorer.charts.categories import colouring_of_subsets
from explorer.charts.colouring import Density, ValueScale
from explorer.charts.shading import Canvas, Viewport, count_bars, packed
from explorer.model.selection import MAX_IMAGES, MAX_TURNS, InRange, images
from explorer.model.subsets import Subset
from explorer.model.table import StarTable

VIEW = Viewport(0.0, 10.0, 0.0, 10.0, 50, 40)


def stars(**columns):
    n = len(next(iter(columns.values())))
    frame = pd.DataFrame({"obsid": np.arange(1, n + 1), "quality": np.zeros(n, np.int32), **columns})
    return StarTable.from_frame(frame.astype(dict.fromkeys(columns, np.float32)))


@pytest.fixture
def cloud():
    rng = np.random.default_rng(8)
    x, y = rng.normal(5, 3, 300), rng.normal(5, 3, 300)
    x[::9] = np.nan
    return stars(teff=x, logg=y, m_h=np.where(rng.random(300) < 0.2, np.nan, rng.normal(size=300)))


def test_counts_and_levels_are_those_of_the_slow_way(cloud):
    rows = cloud["logg"] > 4
    canvas = Canvas(cloud, "teff", "logg")
    for radius in (0, 1, 2):
        canvas.dot_radius = radius
        everything = canvas.everything(VIEW)
        every = slow.spread(slow.counts(cloud["teff"], cloud["logg"], cloud.every, VIEW), radius)
        assert np.array_equal(everything.levels, slow.log_levels(every, every.max()))
        chosen = slow.spread(slow.counts(cloud["teff"], cloud["logg"], rows, VIEW), radius)
        layer = Density().layer(canvas, VIEW, rows)
        assert np.array_equal(layer.levels, slow.log_levels(chosen, every.max()))
        assert layer.n_shown == (rows & np.isfinite(cloud["teff"])).sum() == canvas.count_known(rows)


def test_means_leave_out_unknown_values_and_keep_their_scale(cloud):
    canvas = Canvas(cloud, "teff", "logg")
    canvas.dot_radius = 0
    scale = ValueScale("m_h", -2.0, 2.0)
    layer = scale.layer(canvas, VIEW, cloud.every)
    known = np.isfinite(cloud["m_h"])
    counts = slow.counts(cloud["teff"], cloud["logg"], known, VIEW)
    assert np.array_equal(layer.levels > 0, counts > 0)
    lone = np.argwhere(counts == 1)[0]
    inside = known & np.isfinite(cloud["teff"])
    pixel = np.stack([cloud["logg"] / 10 * 40, cloud["teff"] / 10 * 50], 1)
    star = np.flatnonzero(inside & (np.floor(pixel) == lone).all(1))[0]
    assert layer.levels[tuple(lone)] == scale.levels(cloud["m_h"][star : star + 1])[0]
    assert layer.n_shown == inside.sum()


def test_the_commonest_category_wins_and_the_rest_stays_apart(cloud):
    above = [Subset(f"above{y}", InRange("logg", y, 99), "#112233") for y in (5, 2)]
    categories = colouring_of_subsets(cloud, above, dark=False)
    canvas = Canvas(cloud, "teff", "logg")
    canvas.dot_radius = 0
    levels = categories.layer(canvas, VIEW, cloud.every).levels
    assert set(np.unique(levels)) == {0, 1, 2, 3}
    assert set(np.unique(levels[: int(2 / 10 * 40)])) == {0, 3}, "stars in none are seen"
    assert set(np.unique(levels[int(5 / 10 * 40) + 1 :])) == {0, 1}


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 40), st.integers(1, 40), st.floats(0, 1), st.integers(0, 99))
def test_packing_loses_nothing(height, width, fill, seed):
    rng = np.random.default_rng(seed)
    image = np.where(rng.random((height, width)) < fill, rng.integers(1, 256, (height, width)), 0).astype(np.uint8)
    assert np.array_equal(slow.unpack(packed(image), image.shape), image)
    empty = np.zeros((height * 10, width), np.uint8)
    assert len(packed(empty)) <= 2 * (empty.size // kernels.MAX_RUN + 1)


def test_longitudes_come_round():
    table = stars(sgr_lambda=[1.0, 359.0, 180.0], sgr_beta=[0.0, 0.0, 0.0])
    across = Viewport(350.0, 370.0, -1.0, 1.0, 20, 4)
    canvas = Canvas(table, "sgr_lambda", "sgr_beta")
    canvas.dot_radius = 0
    levels = canvas.everything(across).levels
    assert sorted(np.argwhere(levels)[:, 1].tolist()) == [9, 11]
    assert canvas.nearest(across, 361.1, 0.0, 5) == 0
    few = canvas.stars_in(across, 5)
    assert sorted(few.x.tolist()) == [359.0, 361.0]
    assert few.rows.tolist() == [1, 0]
    assert InRange("sgr_lambda", 350, 370).mask(table).tolist() == [True, True, False]
    assert InRange("sgr_lambda", -10, 10).mask(table).tolist() == [True, True, False]
    assert InRange("sgr_lambda", -400, 400).mask(table).all()


@pytest.mark.parametrize("ends", [(-648, 1018), (-300, -100), (700, 1100), (180, 540), (0, 360), (-5000, 5000)])
@pytest.mark.parametrize("upright", [False, True])
def test_a_star_is_seen_at_its_longitude_and_every_turn_from_it(ends, upright):
    rng = np.random.default_rng(5)
    table = stars(sgr_lambda=rng.integers(0, 720, 40) / 2, sgr_beta=rng.uniform(-1, 1, 40))
    window = (-1.0, 1.0, *ends) if upright else (*ends, -1.0, 1.0)
    view, names = Viewport(*window, 60, 50), ("sgr_beta", "sgr_lambda") if upright else ("sgr_lambda", "sgr_beta")
    canvas = Canvas(table, *names)
    canvas.dot_radius = 0
    seen = [table["sgr_lambda"] + np.float32(360 * turn) for turn in range(-20, 20)]
    longitudes, latitudes = np.concatenate(seen), np.tile(table["sgr_beta"], 40)
    x, y = (latitudes, longitudes) if upright else (longitudes, latitudes)
    counts = slow.counts(x, y, np.ones(x.size, bool), view)
    assert np.array_equal(canvas.everything(view).levels, slow.log_levels(counts, counts.max()))
    assert ValueScale("sgr_beta", -1, 1).layer(canvas, view, table.every).n_shown == 40
    inside = (longitudes >= ends[0]) & (longitudes <= ends[1])
    few = canvas.stars_in(view, 5000)
    drawn = few.y if upright else few.x
    assert set(drawn) >= set(longitudes[inside & (longitudes < ends[1])])
    assert set(drawn) <= set(longitudes[inside])
    assert np.array_equal(table["sgr_lambda"][few.rows], drawn % 360)
    for star in np.flatnonzero(inside)[:5]:
        near = canvas.nearest(view, float(x[star]), float(y[star]), 0.1)
        assert (table["sgr_lambda"][near], table["sgr_beta"][near]) == (longitudes[star] % 360, latitudes[star])
        assert (float(x[star]), float(y[star])) in canvas.images_of(near, view)


def test_a_view_of_a_million_turns_is_drawn_in_its_middle_without_going_through_all():
    table = stars(sgr_lambda=[1.0, 359.0, 180.0], glon=[2.0, 10.0, 200.0], teff=[1.0, np.nan, 3.0])
    for names in (("sgr_lambda", "teff"), ("teff", "glon"), ("sgr_lambda", "glon")):
        canvas = Canvas(table, *names)
        for far in (1e4, 1e9, 1e300):
            view = Viewport(-far, far, -far, far, 50, 40)
            assert 2 <= canvas.stars_in(view, 1000).rows.size <= 3 * MAX_IMAGES
            assert canvas.everything(view).levels.any()
            assert len(canvas.images_of(0, view)) <= MAX_IMAGES
    widest = 360.0 * MAX_TURNS
    assert images("sgr_lambda", "glon", (0.0, widest, 0.0, widest)) == [
        (360.0 * across, 360.0 * up) for across in range(5) for up in range(5)
    ]
    assert images("sgr_lambda", "teff", (350.0, 370.0, -1e9, 1e9)) == [(0.0, 0.0), (360.0, 0.0)]


def test_bars_of_a_longitude_come_round():
    table = stars(sgr_lambda=[1.0, 359.0, 180.5, np.nan])
    counts, known = count_bars(table, "sgr_lambda", table.every, -30.0, 570.0)
    assert np.flatnonzero(counts).tolist() == [2, 3, 21, 38, 39, 57]
    assert known == 3


def test_nearest_counts_in_pixels():
    table = stars(teff=[0.5, 9.5, np.nan], logg=[0.5, 9.5, 5.0])
    canvas = Canvas(table, "teff", "logg")
    assert canvas.nearest(VIEW, 0.6, 0.6, 10) == 0
    assert canvas.nearest(VIEW, 5.0, 5.0, 10) is None
    assert canvas.stars_in(VIEW, 2).rows.tolist() == [0, 1]
    assert canvas.stars_in(VIEW, 1) is None


def test_degenerate_viewports_are_blank(cloud):
    canvas = Canvas(cloud, "teff", "logg")
    for bad in (Viewport(0, 0, 0, 1, 10, 10), Viewport(0, np.nan, 0, 1, 10, 10), Viewport(0, 1, 0, 1, 1, 1)):
        assert not canvas.everything(bad).levels.any()
        assert not Density().layer(canvas, bad, cloud.every).levels.any()
        assert not ValueScale("m_h", 0, 1).layer(canvas, bad, cloud.every).levels.any()
        assert canvas.stars_in(bad, 10_000) is None


@given(st.integers(0, 2**32 - 1), st.integers(0, 400))
@settings(max_examples=25, deadline=None)
def test_stars_fall_into_the_pixels_of_datashader(seed, n):
    rng = np.random.default_rng(seed)
    x, y = (rng.uniform(-2, 12, n).astype(np.float32) for _ in range(2))
    counts = np.zeros((VIEW.height, VIEW.width), np.int32)
    kernels.bin_counts(x, y, np.ones(n, bool), 0.0, 0.0, VIEW.x_scale, VIEW.y_scale, counts)
    canvas = datashader.Canvas(VIEW.width, VIEW.height, (0.0, 10.0), (0.0, 10.0))
    theirs = canvas.points(pd.DataFrame({"x": x, "y": y}), "x", "y", datashader.count())
    assert np.array_equal(counts, theirs.to_numpy())


def test_stars_in_no_subset_hide_none_that_is_in_one():
    table = stars(teff=[5.5, 5.5, 5.5, 8.5], logg=[5.5, 5.5, 5.5, 8.5], m_h=[1.0, 0.0, 0.0, 0.0])
    colouring = colouring_of_subsets(table, [Subset("rich", InRange("m_h", 0.5, 2.0), "#112233")], dark=True)
    canvas = Canvas(table, "teff", "logg")
    canvas.dot_radius = 0
    levels = colouring.layer(canvas, VIEW, table.every).levels
    assert sorted(levels[levels > 0]) == [1, 2], "the one in the subset among two in none"
