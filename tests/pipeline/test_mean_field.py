"""Mean velocity fields: against the slow way, and against fields that are known."""

import numpy as np
import pytest

from pipeline.domain.statistics import with_error
from pipeline.figures.disc_map import (
    DARKEST,
    DIVERGING_RAMP,
    MIN_STARS,
    ROTATION_RAMP,
    MapOf,
    image_of,
    lacks_stars,
    painted,
    scale_of,
)
from pipeline.figures.field_arrows import field_arrows
from pipeline.science.space import mean_field as fields_module
from pipeline.science.space import mean_field_kernels as kernels
from pipeline.science.space.mean_field import (
    DETAIL,
    FIELD_PIXELS,
    KERNEL_STARS,
    MAX_SPEED_KMS,
    disc_stars,
    fitted_grid,
    mean_fields,
    smoothed_sums,
)
from tests.reference import slow_mean_field as slow


def rotating(n, seed=1, *, speed=220.0, scatter=0.0):
    """Stars on circles around the centre."""
    rng = np.random.default_rng(seed)
    radius, angle = np.abs(rng.normal(9.0, 2.0, n)) + 1.0, np.pi + rng.normal(0.0, 0.5, n)
    x, y, z = radius * np.cos(angle), radius * np.sin(angle), rng.laplace(0.0, 0.6, n)
    v_phi = speed + scatter * rng.normal(size=n)
    v_x, v_y = v_phi * np.sin(angle), -v_phi * np.cos(angle)
    return [values.astype(np.float32) for values in (x, y, z, v_x, v_y, v_phi)]


@pytest.fixture(scope="module")
def columns():
    return rotating(4000, scatter=30.0)


@pytest.fixture(scope="module")
def stars(columns):
    return disc_stars(*columns)


def everyone(stars):
    return np.ones(stars.cell.size, bool)


def test_stars_are_in_the_slice_and_the_pixel_of_their_position(columns, stars):
    x, y, z = columns[:3]
    grid = stars.grid
    assert max(grid.width, grid.height) == FIELD_PIXELS
    x_low, x_high, y_low, y_high = grid.window
    for part, (low, high) in enumerate(stars.slices_kpc):
        inside = (np.abs(z) >= low) & (np.abs(z) < high) & (x > x_low) & (x < x_high) & (y > y_low) & (y < y_high)
        assert np.array_equal(stars.in_slice(part), inside)
    star = np.flatnonzero(stars.cell >= 0)[7]
    row, column = divmod(int(stars.cell[star] % grid.size), grid.width)
    assert grid.centres[0][column] == pytest.approx(x[star], abs=0.51 * grid.pixel_kpc)
    assert grid.centres[1][row] == pytest.approx(y[star], abs=0.51 * grid.pixel_kpc)


def test_unknown_and_impossible_velocities_are_on_no_map(columns):
    x, y, z, v_x, v_y, v_phi = (values.copy() for values in columns)
    v_phi[0], v_x[1], z[2] = np.nan, 1.5 * MAX_SPEED_KMS, np.nan
    v_x[1:2], v_phi[3] = 15_000.0, -15_873.0
    v_y[3] = 15_873.0
    assert (disc_stars(x, y, z, v_x, v_y, v_phi).cell[:4] == -1).all()


@pytest.mark.parametrize("n", [0, 1, 2])
def test_a_grid_of_few_stars_has_an_area(n):
    x, y = np.full(n, -8.0, np.float32), np.zeros(n, np.float32)
    grid = fitted_grid(x, y)
    x_low, x_high, y_low, y_high = grid.window
    assert x_high - x_low >= 3.9
    assert y_high - y_low >= 3.9
    assert grid.size > 100


def test_sums_are_those_of_the_slow_way(stars):
    rows = np.random.default_rng(3).random(stars.cell.size) < 0.3
    sums = np.zeros((len(stars.slices_kpc) * stars.grid.size, 4))
    kernels.add_stars(stars.cell, rows, stars.v_x, stars.v_y, stars.v_phi, sums)
    np.testing.assert_allclose(sums, slow.sums(stars, rows))


def test_smoothing_is_that_of_the_slow_way():
    rng = np.random.default_rng(5)
    counts = rng.poisson(np.linspace(0.0, 3.0, 30)[None, :] * np.ones((24, 1)))
    planes = np.stack([counts, counts * rng.normal(200.0, 30.0, counts.shape)]).astype(np.float32)
    quick = smoothed_sums(planes, 0.25)
    exact = slow.smoothed(planes, 0.25, fields_module._WIDTHS_KPC, KERNEL_STARS)
    seen = exact[0] > 1.0
    np.testing.assert_allclose(quick[0][seen], exact[0][seen], rtol=0.03)
    np.testing.assert_allclose((quick[1] / quick[0])[seen], (exact[1] / exact[0])[seen], rtol=0.01)
    settled = (exact[0] > KERNEL_STARS * 0.999) & (exact[0] < KERNEL_STARS * 1.001)
    assert settled.any(), "the mixture of two widths has as many stars as are demanded"


def test_lines_are_those_of_the_slow_way():
    rng = np.random.default_rng(6)
    y, x = np.mgrid[:20, :26] - 8.0
    speed = np.hypot(x, y)
    along = [np.where((speed > 3.0) & (x < 15), values / np.maximum(speed, 1e-9), 0.0) for values in (-y, x)]
    along_x, along_y = (1.5 * values.astype(np.float32) for values in along)
    noise, weights = rng.standard_normal((20, 26), np.float32), np.linspace(1.0, 0.1, 9).astype(np.float32)
    shades = np.empty(noise.shape, np.uint8)
    kernels.convolve_lines(along_x, along_y, noise, weights, 2.0, shades)
    expected = slow.line_shades(along_x, along_y, noise, weights, 2.0)
    assert np.array_equal(shades == 0, expected == 0)
    assert (np.abs(shades.astype(int) - expected) <= 1).mean() > 0.98, "single precision may take another pixel"


def test_circles_give_a_flat_rotation_and_their_field():
    circles = disc_stars(*rotating(6000))
    (field,) = mean_fields(circles, everyone(circles), (0,))
    clear = field.effective >= KERNEL_STARS
    assert field.v_phi[clear] == pytest.approx(220.0, rel=1e-4)
    assert np.abs(field.residual[clear]).max() < 0.1
    x, y = field.grid.centres
    radius = np.hypot(x[None, :], y[:, None])
    assert np.abs(field.v_x - 220.0 * y[:, None] / radius)[clear].mean() < 8.0
    assert np.abs(field.v_y + 220.0 * x[None, :] / radius)[clear].mean() < 8.0
    assert field.stars == circles.in_slice(0).sum()


def test_one_star_is_no_field_and_many_are(stars):
    one = np.zeros(stars.cell.size, bool)
    one[np.flatnonzero(stars.in_slice(0))[0]] = True
    (field,) = mean_fields(stars, one, (0,))
    scale = scale_of((field,), (field,), MapOf.SELECTED, residual=False)
    assert not image_of(field, scale, residual=False).strength.any()
    assert lacks_stars(field)
    (field,) = mean_fields(stars, everyone(stars), (0,))
    assert not lacks_stars(field)
    assert field.effective.max() > MIN_STARS
    image = image_of(field, scale, residual=False)
    assert (image.strength[field.effective >= KERNEL_STARS] == 255).all()
    assert image.texture.shape == (DETAIL * field.grid.height, DETAIL * field.grid.width)
    assert np.array_equal(np.kron(np.isfinite(field.v_x), np.ones((DETAIL, DETAIL), bool)), image.texture > 0)


def test_the_same_stars_have_the_same_map(stars):
    rows = np.random.default_rng(2).random(stars.cell.size) < 0.5
    (first,), (_, second) = mean_fields(stars, rows, (1,)), mean_fields(stars, rows, (0, 1))
    assert np.array_equal(first.texture, second.texture)
    assert np.array_equal(first.v_phi, second.v_phi, equal_nan=True)


def test_the_texture_streams_along_the_motion():
    circles = disc_stars(*rotating(6000))
    (field,) = mean_fields(circles, everyone(circles), (0,))
    shades = field.texture.astype(float)
    rows, columns = np.nonzero(np.kron(field.effective >= KERNEL_STARS, np.ones((DETAIL, DETAIL), bool)))
    x, y = ((centres.repeat(DETAIL)) for centres in field.grid.centres)
    change = {}
    for name, turn in (("along", np.pi / 2), ("across", 0.0)):
        angle = np.arctan2(y[rows], x[columns]) + turn
        to_row = np.clip((rows + 4 * np.sin(angle)).round().astype(int), 0, shades.shape[0] - 1)
        to_column = np.clip((columns + 4 * np.cos(angle)).round().astype(int), 0, shades.shape[1] - 1)
        there = shades[to_row, to_column]
        change[name] = np.abs(there - shades[rows, columns])[there > 0].mean()
    assert change["across"] > 1.8 * change["along"]


def test_a_difference_is_that_of_the_means_and_as_certain_as_the_less_certain(stars):
    rows = np.random.default_rng(4).random(stars.cell.size) < 0.2
    every = mean_fields(stars, everyone(stars), (0, 2))
    chosen = mean_fields(stars, rows, (0, 2))
    for less, more, difference in zip(chosen, every, mean_fields(stars, rows, (0, 2), every), strict=True):
        np.testing.assert_allclose(difference.v_phi, less.v_phi - more.v_phi)
        np.testing.assert_allclose(difference.residual, less.residual - more.residual)
        assert np.array_equal(difference.effective, np.minimum(less.effective, more.effective))
        assert difference.stars == less.stars
    nothing = mean_fields(stars, everyone(stars), (0,), every[:1])
    assert not np.nan_to_num(nothing[0].v_phi).any()
    assert set(np.unique(nothing[0].texture)) <= {0, 128}, "no direction, no lines"


def test_selections_keep_the_scale_of_all_stars_until_they_leave_it(stars):
    every = mean_fields(stars, everyone(stars), (0,))
    some = mean_fields(stars, np.arange(stars.cell.size) % 2 == 0, (0,))
    whole, half = (scale_of(one, every, MapOf.SELECTED, residual=False) for one in (every, some))
    assert (whole.low, whole.high) == (half.low, half.high)
    assert whole.high - whole.low >= 60.0
    slow_stars = disc_stars(*rotating(4000, speed=90.0))
    slower = mean_fields(slow_stars, everyone(slow_stars), (0,))
    own = scale_of(slower, every, MapOf.SELECTED, residual=False)
    assert own.low <= 90.0 <= own.high < whole.low + 1.0
    for of, residual in ((MapOf.DIFFERENCE, False), (MapOf.ALL, True)):
        scale = scale_of(some, every, of, residual=residual)
        assert scale.low == -scale.high < 0.0
        assert scale.ramp == DIVERGING_RAMP
    assert "selected - all" in scale_of(some, every, MapOf.DIFFERENCE, residual=False).label
    assert "mean(R)" in scale_of(some, every, MapOf.ALL, residual=True).label


def lightness(ramp, gain):
    """CIELAB L* of colours (IEC 61966-2-1, CIE 15)."""
    colours = gain * np.array([[int(colour[at : at + 2], 16) for at in (1, 3, 5)] for colour in ramp]) / 255
    linear = np.where(colours <= 0.04045, colours / 12.92, ((colours + 0.055) / 1.055) ** 2.4)
    y = linear @ (0.2126, 0.7152, 0.0722)
    return 116 * np.where(y > 216 / 24389, np.cbrt(y), (24389 / 27 * y + 16) / 116) - 16


@pytest.mark.parametrize("ramp", [ROTATION_RAMP, DIVERGING_RAMP])
@pytest.mark.parametrize("gain", [1.0, 0.8, DARKEST])
def test_colours_are_equally_bright_so_that_brightness_is_the_texture(ramp, gain):
    assert len(ramp) == 256
    assert np.ptp(lightness(ramp, gain)) < 4.0
    assert (lightness(ramp, 1.0) - lightness(ramp, DARKEST)).min() > 20.0


def test_zero_is_grey():
    red, green, blue = (int(DIVERGING_RAMP[128][at : at + 2], 16) for at in (1, 3, 5))
    assert max(red, green, blue) - min(red, green, blue) <= 3


def test_painted_pixels_have_the_hue_the_gain_and_the_opacity(stars):
    fields = mean_fields(stars, everyone(stars), (0,))
    scale = scale_of(fields, fields, MapOf.ALL, residual=False)
    image = image_of(fields[0], scale, residual=False)
    pixels = painted(image, scale.ramp)
    assert pixels.shape == (*image.texture.shape, 4)
    row, column = np.argwhere(fields[0].effective >= KERNEL_STARS)[300]
    at = DETAIL * row + 1, DETAIL * column + 1
    colour = np.array([int(scale.ramp[image.hue[row, column]][start : start + 2], 16) for start in (1, 3, 5)])
    gain = DARKEST + (1 - DARKEST) * image.texture[at] / 255
    np.testing.assert_allclose(pixels[at][:3], colour * gain, atol=1.0)
    assert pixels[at][3] == image.strength[row, column] == 255


def test_arrows_point_along_the_mean_motion(stars):
    fields = mean_fields(stars, everyone(stars), (0, 1))
    for field, arrows in zip(fields, field_arrows(fields), strict=True):
        x, y = 0.5 * (arrows.x0 + arrows.x1), 0.5 * (arrows.y0 + arrows.y1)
        turn = (x * (arrows.y1 - arrows.y0) - y * (arrows.x1 - arrows.x0)) / np.hypot(x, y)
        assert (turn < 0).all(), "clockwise, as the disc turns"
        assert np.hypot(arrows.x1 - arrows.x0, arrows.y1 - arrows.y0).max() <= 7.01 * field.grid.pixel_kpc
        assert 200.0 < arrows.longest_kms < 260.0
    empty = mean_fields(stars, np.zeros(stars.cell.size, bool), (0,))
    assert field_arrows(empty)[0].longest_kms == 0.0


@pytest.mark.parametrize(
    ("value", "error", "expected"),
    [
        (0.00487, 3.21, "+0.0 ± 3.2"),
        (-0.004, 3.21, "+0.0 ± 3.2"),
        (1.2345, 0.0456, "+1.234 ± 0.046"),
        (-7.04, 31.6, "-7 ± 32"),
        (1234.5, 250.0, "+1,234 ± 250"),
        (0.5, float("nan"), "+0.5 ± nan"),
    ],
)
def test_a_value_has_the_digits_of_its_error(value, error, expected):
    assert with_error(value, error, "+") == expected
