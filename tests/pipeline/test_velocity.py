"""Velocities: slow twin, Ca II lines, data-driven templates, repeats, zero points, CCFs."""

import numpy as np
import pandas as pd
import pytest

from pipeline.config import RunConfig, VelocityConfig
from pipeline.domain.settings import SpectraConfig
from pipeline.domain.wavelength import doppler_factor, log_grid
from pipeline.products.correlations import read_correlations
from pipeline.products.manifest import ProductError
from pipeline.science.quality.bits import LINE_SIGMA, doubtful_velocity
from pipeline.science.spectra.synthetic import SyntheticModel
from pipeline.science.velocity.radial_velocity import TemplateSet, VelocityMeasurer
from pipeline.science.velocity.repeats import repeat_statistics, star_numbers
from pipeline.science.velocity.templates import data_driven_templates, joined, synthetic_templates
from pipeline.science.velocity.zero_points import velocity_zero_points
from pipeline.sources.embedded import SYNTHETIC_TABLE, load_table
from pipeline.stages.state import BuildState
from pipeline.stages.velocity_reports import LINE_NAMES, report_velocities
from tests.reference.slow_velocity import slow_velocity, splines

GRID = log_grid(7600.0, 9095.0)
QUICK = VelocityConfig(max_velocity_kms=300.0)
PLAIN = VelocityConfig(max_velocity_kms=300.0, loss_sigma=0.0)


@pytest.fixture(scope="module")
def synthetic():
    return synthetic_templates(SyntheticModel.from_table(load_table(SYNTHETIC_TABLE)), SpectraConfig())


def stars(templates, velocity, snr=60.0, seed=1, template=20, bend=0.0):
    """Noisy stars that are one template, shifted; ``bend`` adds absorption that no template has."""
    rng = np.random.default_rng(seed)
    velocity = np.atleast_1d(velocity)
    rest = 10.0**templates.log_wavelength
    shape = templates.flux[template] - bend * np.exp(-0.5 * ((rest - 8432.0) / 25.0) ** 2)
    flux = np.array([np.interp(GRID / doppler_factor(v), rest, shape) for v in velocity])
    flux += rng.normal(0.0, 1.0 / snr, flux.shape)
    return flux, np.full(flux.shape, snr**2.0), np.zeros(flux.shape, bool)


def test_velocity_and_error_are_those_of_the_loop_over_templates_and_shifts(synthetic):
    some = TemplateSet(synthetic.log_wavelength, synthetic.flux[8:24:5], synthetic.labels[8:24:5], "some")
    measurer = VelocityMeasurer(GRID, some, PLAIN)
    flux, ivar, mask = stars(synthetic, [-133.0, 41.0, 208.0], template=18, seed=4)
    mask[1, 300:330] = True
    found = measurer.measure(flux, ivar, mask)
    wavelength, shapes = GRID[measurer.pixels], splines(some)
    for star in range(3):
        weight = np.where(mask[star], 0.0, ivar[star])[measurer.pixels]
        rv, error, best = slow_velocity(wavelength, flux[star, measurer.pixels], weight, shapes, measurer.velocities)
        assert best == found.template[star]
        assert found.rv_kms[star] == pytest.approx(rv, abs=0.05 * error)
        formal = np.sqrt(found.error_kms[star] ** 2 - found.mismatch_kms[star] ** 2)
        assert formal == pytest.approx(error, rel=0.05)


def test_a_known_shift_is_recovered_to_a_tenth_of_its_error(synthetic):
    rest = 10.0**synthetic.log_wavelength
    flux, ivar, mask = stars(synthetic, 0.0, snr=50.0)
    noise = flux[0] - np.interp(GRID, rest, synthetic.flux[20])
    measurer = VelocityMeasurer(GRID, synthetic, QUICK)
    base = measurer.measure(flux, ivar, mask)
    for shift in (-90.0, 17.0, 150.0):
        moved = np.interp(GRID / doppler_factor(shift), rest, synthetic.flux[20])
        # the noise moves along: then only the method can change the answer
        moved = moved + np.interp(GRID / doppler_factor(shift), GRID, noise)
        again = measurer.measure(moved[None], ivar, mask)
        assert again.rv_kms[0] - base.rv_kms[0] == pytest.approx(shift, abs=0.5 * base.error_kms[0])


def test_each_calcium_line_has_its_own_velocity(synthetic):
    flux, ivar, mask = stars(synthetic, np.full(40, 55.0), snr=80.0)
    found = VelocityMeasurer(GRID, synthetic, QUICK).measure(flux, ivar, mask)
    pulls = (found.line_kms - 55.0) / found.line_error_kms
    assert np.isfinite(pulls).all()
    assert (np.abs(np.median(pulls, axis=0)) < 0.6).all()
    assert (np.std(pulls, axis=0) < 2.0).all()
    assert (found.line_disagreement < LINE_SIGMA).mean() > 0.9
    line = (GRID > 8640.0) & (GRID < 8695.0)
    flux[:, line] = stars(synthetic, np.full(40, 215.0), snr=80.0)[0][:, line]
    odd = VelocityMeasurer(GRID, synthetic, QUICK).measure(flux, ivar, mask)
    assert (odd.line_disagreement > LINE_SIGMA).all()
    assert doubtful_velocity(odd).all()
    mask[:, line] = True
    blind = VelocityMeasurer(GRID, synthetic, QUICK).measure(flux, ivar, mask)
    assert np.isnan(blind.line_kms[:, 2]).all()
    assert np.isfinite(blind.line_kms[:, :2]).all()


def test_templates_that_disagree_enlarge_the_error(synthetic):
    pair = TemplateSet(
        synthetic.log_wavelength,
        np.stack([synthetic.flux[20], np.roll(synthetic.flux[20], 3)]),  # the same star 50 km/s apart
        synthetic.labels[20:22],
        "pair",
    )
    flux, ivar, mask = stars(synthetic, np.zeros(20), snr=2.0)
    found = VelocityMeasurer(GRID, pair, QUICK).measure(flux, ivar, mask)
    assert np.median(found.mismatch_kms) > 10.0
    assert (found.error_kms >= found.mismatch_kms).all()


def test_data_driven_templates_learn_what_the_grid_lacks_and_settle(synthetic):
    rng = np.random.default_rng(2)
    velocity = rng.uniform(-150, 150, 120)
    flux, ivar, mask = stars(synthetic, velocity, snr=80.0, bend=0.25)
    labels = np.stack([rng.uniform(3600, 4000, 120), rng.uniform(0.5, 1.5, 120), rng.uniform(-0.5, 0.2, 120)], axis=1)
    made = data_driven_templates(GRID, flux, ivar, mask, labels, synthetic, QUICK, count=6)
    assert made.moved_kms[-1] < 0.1
    assert len(made.templates.flux) == len(synthetic.flux) + 6
    before, after = (
        VelocityMeasurer(GRID, templates, QUICK).measure(flux, ivar, mask) for templates in (synthetic, made.templates)
    )
    assert np.median(after.chi2_nu) < 0.5 * np.median(before.chi2_nu)
    assert (after.template >= len(synthetic.flux)).mean() > 0.9
    scatter = [np.std(one.rv_kms - velocity) for one in (before, after)]
    assert scatter[1] < 1.1 * scatter[0]
    pulls = (after.rv_kms - velocity - np.median(after.rv_kms - velocity)) / after.error_kms
    assert 0.6 < np.std(pulls) < 1.4


def test_sets_on_other_grids_do_not_join(synthetic):
    other = TemplateSet(
        synthetic.log_wavelength[100:-100] + 2e-5, synthetic.flux[:1, 100:-100], synthetic.labels[:1], "x"
    )
    with pytest.raises(ValueError, match=r"grids of .* differ"):
        joined(synthetic, other)


def test_doubtful_stars_keep_their_ccf(tiny):
    kept = read_correlations(tiny)
    assert kept.ccf.shape == (kept.obsid.size, kept.velocity_kms.size)
    assert kept.of(-5) is None
    for obsid in kept.obsid[:3]:
        assert kept.of(obsid).max() <= 1.0


def test_damaged_correlations_are_reported(tmp_path):
    assert read_correlations(tmp_path) is None
    (tmp_path / "velocity").mkdir()
    with pytest.raises(ProductError, match="damaged"):
        read_correlations(tmp_path)
    for name, size in (("velocity_kms", 5), ("obsid", 2), ("ccf", 3)):
        np.save(tmp_path / "velocity" / f"{name}.npy", np.zeros(size))
    with pytest.raises(ProductError, match="not one row a star"):
        read_correlations(tmp_path)


# ---- repeats and zero points ----


def test_observations_of_one_star_share_its_number():
    ra = np.array([10.0, 50.0, 10.0 + 0.8 / 3600, np.nan, 120.0, 120.0 + 0.5 / 3600, np.nan, 359.99999, 0.00001])
    dec = np.array([0.0, 20.0, 0.0, np.nan, 5.0, 5.0, np.nan, 0.0, 0.0])
    gaia = np.array([0, 7, 0, 7, 21, 22, 0, 0, 0])
    assert star_numbers(ra, dec, gaia).tolist() == [0, 1, 0, 1, 2, 3, 4, 5, 5]
    assert star_numbers(ra[:3], dec[:3]).tolist() == [0, 1, 0]
    assert star_numbers(ra[:0], dec[:0]).tolist() == []


def test_a_row_without_identifier_joins_the_nearest_star_and_never_two():
    ra = np.array([10.0, 10.0 + 1.0 / 3600, 10.0 + 0.4 / 3600, 10.0 - 1.2 / 3600, 10.0 - 2.5 / 3600])
    dec = np.zeros(5)
    assert star_numbers(ra, dec, np.array([21, 22, 0, 0, 0])).tolist() == [0, 1, 0, 0, 0]
    assert star_numbers(ra, dec, np.array([21, 22, 0, 0, 23])).tolist() == [0, 1, 0, 0, 2]
    assert star_numbers(ra[:4], dec[:4], np.array([0, 22, 0, 0])).tolist() == [0, 0, 0, 0]
    assert star_numbers(ra[2:], dec[2:], np.array([0, 0, 0])).tolist() == [0, 1, 1]


def test_equal_positions_do_not_make_pairs_as_many_as_their_square():
    ra = np.concatenate([np.zeros(200_000), [1.0]])
    assert star_numbers(ra, ra).tolist() == [0] * 200_000 + [1]
    gaia = np.arange(200_001) % 1000
    assert star_numbers(ra, ra, gaia).max() == 999


def test_repeats_give_the_true_error():
    rng = np.random.default_rng(1)
    star = np.repeat(np.arange(900), 3)[:2500]
    error = rng.uniform(1.0, 6.0, star.size)
    values = rng.normal(0, 100, 900)[star] + 1.5 * error * rng.normal(size=star.size)
    values[0] = np.nan
    found = repeat_statistics(star, values, error)
    assert found["pull_scatter"] == pytest.approx(1.5, abs=0.08)
    assert found["stars"] == 833
    assert repeat_statistics(np.arange(5), np.zeros(5), np.ones(5)) == {"stars": 0, "observations": 0}


def test_zero_points_are_recovered_and_small_groups_left_alone():
    rng = np.random.default_rng(3)
    group = np.repeat(["A", "B", "C", "D"], [400, 400, 12, 3])
    offset = np.repeat([5.0, -3.0, 2.0, 50.0], [400, 400, 12, 3])
    reference = rng.normal(0, 80, group.size)
    error = np.full(group.size, 4.0)
    rv = reference + offset + error * rng.normal(size=group.size)
    rv[::20] += 300.0
    reference[::7] = np.nan
    found = velocity_zero_points(rv, error, reference, [("plate", group)])
    assert found.table["group"].tolist() == ["whole run", "A", "B", "C"]
    assert found.offset[0] == pytest.approx(5.0, abs=1.0)
    assert found.offset[500] == pytest.approx(-3.0, abs=1.0)
    assert (found.offset[-3:] == found.table["offset"][0]).all(), "a thin group takes the zero point of the run"
    assert (found.level[-3:] == "whole run").all()
    assert (found.error[-3:] > 2.0).all(), "and the scatter among the groups as an error"
    assert found.error[800] > 2 * found.error[0]
    assert not found.shifted.any()
    nothing = velocity_zero_points(rv, error, np.full(group.size, np.nan), [("plate", group)])
    assert len(nothing.table) == 0
    assert np.isnan(nothing.offset).all()


def test_thin_groups_take_the_zero_point_of_the_next_wider_one_and_shifted_ones_are_found():
    rng = np.random.default_rng(8)
    size = 40
    plates = ("N1 A", "N1 B", "N1 C", "N2 D", "N2 E", "N2 F")
    plate = np.repeat(plates, size)
    both = np.char.add(plate, np.tile(np.repeat([" 1", " 2"], size // 2), len(plates)))
    both[3:20] = "N1 A 1 thin"
    both[0:3] = "N1 A 9"
    offset = np.where(np.char.startswith(plate, "N1"), 4.0, -4.0) + np.where(both == "N2 E 2", 70.0, 0.0)
    offset[plate == "N1 A"] += 6.0
    rv = offset + rng.normal(0, 1.0, plate.size)
    levels = [("night", np.char.partition(plate, " ")[:, 0]), ("plate", plate), ("both", both)]
    found = velocity_zero_points(rv, np.ones(plate.size), np.zeros(plate.size), levels)
    assert set(found.level) == {"both", "plate"}
    assert (found.level[:3] == "plate").all()
    assert found.offset[0] == pytest.approx(10.0, abs=1.5)
    assert (found.shifted == (both == "N2 E 2")).all()
    assert found.offset[both == "N2 E 2"][0] == pytest.approx(66.0, abs=1.0)


@pytest.mark.parametrize("apply", [False, True])
def test_zero_points_are_reported_and_applied_only_when_asked(tmp_path, apply):
    rng = np.random.default_rng(4)
    n = 300
    plate = np.repeat(["A", "B"], n // 2)
    gaia = rng.normal(0, 60, n)
    rv = gaia + np.where(plate == "A", 8.0, -2.0) + rng.normal(0, 2, n)
    config = RunConfig("zero", velocity=VelocityConfig(zero_point_group="plate", apply_zero_points=apply))
    lines = dict.fromkeys(LINE_NAMES, rv)
    table = pd.DataFrame({"star": np.arange(n), "plan_id": plate, "rv": rv, "rv_err": 2.0, "rv_gaia": gaia, **lines})
    state = BuildState(config, tmp_path, tmp_path / "draft", table)
    report_velocities(state, rv, np.full(n, 2.0))
    told = state.facts["report"]["rv_zero_points"]
    assert told["applied"] is apply
    assert told["reference_stars"] == {"rv_gaia": n}
    by_plate = [group for group in told["groups"] if group["level"] == "plate"]
    assert [round(group["offset"]) for group in by_plate] == [8, -2]
    assert [round(value) for value in state.table["rv_offset"][[0, n - 1]]] == [8, -2]
    offset = np.median((state.table["rv"] - gaia)[plate == "A"])
    assert offset == pytest.approx(0.0 if apply else 8.0, abs=0.6)
    assert ("rv_zero_point" in state.table) is apply
    if apply:
        np.testing.assert_allclose(rv - state.table["rv"], state.table["rv_zero_point"])
        np.testing.assert_allclose(state.table[LINE_NAMES[0]], state.table["rv"])
        assert (state.table["rv_err"] > 2.0).all()


@pytest.mark.parametrize("apply", [False, True])
def test_errors_are_those_of_the_published_velocities(tmp_path, apply):
    """Zero points are errors of the repeats as long as they are in the velocities, and not after."""
    rng = np.random.default_rng(5)
    n = 600
    star, plate = np.tile(np.arange(n // 2), 2), np.repeat(["A", "B"], n // 2)
    gaia = rng.normal(0, 60, n // 2)[star]
    rv = gaia + np.where(plate == "A", 9.0, -9.0) + rng.normal(0, 2, n)
    config = RunConfig("zero", velocity=VelocityConfig(zero_point_group="plate", apply_zero_points=apply))
    lines = dict.fromkeys(LINE_NAMES, rv)
    table = pd.DataFrame({"star": star, "plan_id": plate, "rv": rv, "rv_gaia": gaia, **lines})
    state = BuildState(config, tmp_path, tmp_path / "draft", table)
    report_velocities(state, rv, np.full(n, 1.0))
    report = state.facts["report"]
    assert ("rv_red_repeats" in report) is apply
    assert np.median(state.table["rv_red_err"]) > 8.0
    if apply:
        assert np.median(state.table["rv_err"]) == pytest.approx(2.0, rel=0.12)
        assert report["rv_repeats"]["scaled_pull_scatter"] == pytest.approx(1.0, abs=0.1)
    else:
        np.testing.assert_array_equal(state.table["rv_err"], state.table["rv_red_err"])
