"""Sky residuals, robust refinement, scaled errors, velocities of the arms, and their bits."""

import numpy as np
import pandas as pd
import pytest

from pipeline.config import ConfigError, RunConfig, VelocityConfig, load_config
from pipeline.domain.flags import QualityFlag
from pipeline.domain.settings import SpectraConfig
from pipeline.domain.statistics import robust_scatter
from pipeline.domain.wavelength import doppler_factor, log_grid
from pipeline.science.quality.bits import arms_disagree, template_against_bands, trusted_velocity, velocity_misfit
from pipeline.science.spectra.sky_residuals import learn_sky, sample_rows
from pipeline.science.spectra.synthetic import SyntheticModel
from pipeline.science.velocity.errors import Corrections, ErrorModel, repeat_errors
from pipeline.science.velocity.radial_velocity import TemplateSet, VelocityMeasurer
from pipeline.science.velocity.robust import gaussian_share, profiled, refined_error
from pipeline.science.velocity.templates import blue_templates, synthetic_templates
from pipeline.sources.embedded import SYNTHETIC_TABLE, load_table
from pipeline.stages.flagging import raise_flags
from pipeline.stages.internal import RV_EDGE_OF_SEARCH
from pipeline.stages.state import BuildState
from pipeline.stages.velocity_reports import zero_point_levels, zero_point_reference

GRID = log_grid(7600.0, 9095.0)
OH = (8344.6, 8399.2, 8430.2, 8465.4, 8506.9, 8551.0, 8778.3, 8827.1, 8850.3, 8885.9, 8919.6)
"""Sky lines, two of them in the red wings of Ca II."""


@pytest.fixture(scope="module")
def synthetic():
    return synthetic_templates(SyntheticModel.from_table(load_table(SYNTHETIC_TABLE)), SpectraConfig())


def stars(templates, velocity, snr, template=20, seed=1):
    rest, rng = 10.0**templates.log_wavelength, np.random.default_rng(seed)
    flux = np.array([np.interp(GRID / doppler_factor(v), rest, templates.flux[template]) for v in velocity])
    flux += rng.normal(0.0, 1.0 / snr, flux.shape)
    return flux, np.full(flux.shape, float(snr) ** 2), np.zeros(flux.shape, bool)


def sky_lines(n, seed=5):
    """Residuals of OH lines that share a pattern at rest in the observed frame, brighter on one side of each line."""
    rng = np.random.default_rng(seed)
    shape = sum(
        np.exp(-0.5 * ((GRID - at) / 2.6) ** 2) - 0.7 * np.exp(-0.5 * ((GRID - at - 4.0) / 2.6) ** 2) for at in OH
    )
    return rng.uniform(0.1, 0.3, (n, 1)) * shape


def test_what_the_sky_left_no_longer_moves_the_velocities(synthetic):
    velocity = np.random.default_rng(2).uniform(-60.0, 60.0, 40)
    flux, ivar, mask = stars(synthetic, velocity, 30)
    clean, dirty = flux, flux + sky_lines(40)
    some = TemplateSet(synthetic.log_wavelength, synthetic.flux[12:36:4], synthetic.labels[12:36:4], "some")
    plain = VelocityMeasurer(GRID, some, VelocityConfig(max_velocity_kms=300.0, loss_sigma=0.0))
    measurer = VelocityMeasurer(GRID, some, VelocityConfig(max_velocity_kms=300.0))
    before = plain.measure(dirty, ivar, mask, lines=False)
    groups = [("plate and spectrograph", np.repeat(["A 1", "A 2"], [34, 6])), ("plate", np.full(40, "A"))]
    rows = sample_rows(groups)
    assert rows.size >= 34
    found = measurer.measure(dirty, ivar, mask, lines=False)
    sky = learn_sky(
        measurer.residuals(dirty, ivar, mask, found),
        ivar[:, measurer.pixels],
        mask[:, measurer.pixels],
        np.arange(40),
        groups,
    )
    assert [(level["level"], level["groups"], level["stars"]) for level in sky.facts] == [
        ("plate and spectrograph", 1, 34),
        ("plate", 1, 6),
    ]
    inflated = ivar.copy()
    inflated[:, measurer.pixels] = sky.inflated(ivar[:, measurer.pixels], mask[:, measurer.pixels], slice(0, 40))
    ratio = (inflated / ivar)[0, measurer.pixels]
    near = np.min(np.abs(GRID[measurer.pixels][:, None] - np.array(OH)), axis=1)
    assert np.median(ratio[near < 2.0]) < 0.4
    assert np.median(ratio[near > 15.0]) > 0.9
    after = measurer.measure(dirty, inflated, mask, lines=False)
    best = measurer.measure(clean, ivar, mask, lines=False)
    moved = [np.sqrt(np.mean((one.rv_kms - best.rv_kms) ** 2)) for one in (before, after)]
    assert moved[0] > 6.0
    assert moved[1] < 0.5 * moved[0]


def test_a_run_without_groups_of_some_size_learns_no_sky():
    levels = [("plate", np.array(["A", "B", "", "C"]))]
    assert sample_rows(levels).size == 0
    some = learn_sky(np.ones((4, 5)), np.ones((4, 5)), np.zeros((4, 5), bool), np.arange(4), levels)
    assert (some.of_star == -1).all()
    np.testing.assert_array_equal(some.inflated(np.ones((4, 5)), np.zeros((4, 5), bool), slice(0, 4)), 1.0)


def test_a_few_bad_pixels_move_least_squares_and_not_the_robust_fit(synthetic):
    velocity = np.full(30, 20.0)
    flux, ivar, mask = stars(synthetic, velocity, 60)
    rng = np.random.default_rng(9)
    for row in flux:
        row[rng.choice(np.flatnonzero((GRID > 8480.0) & (GRID < 8700.0)), 4, replace=False)] += 1.0
    some = TemplateSet(synthetic.log_wavelength, synthetic.flux[12:36:4], synthetic.labels[12:36:4], "some")
    robust, least = (
        VelocityMeasurer(GRID, some, VelocityConfig(max_velocity_kms=300.0, loss_sigma=loss)).measure(
            flux, ivar, mask, lines=False
        )
        for loss in (5.0, 0.0)
    )
    assert robust_scatter(robust.rv_kms - 20.0) < 0.7 * robust_scatter(least.rv_kms - 20.0)
    pulls = (robust.rv_kms - 20.0) / robust.error_kms
    assert 0.5 < robust_scatter(pulls) < 1.6


def test_errors_of_pure_noise_are_right_and_grow_with_correlated_residuals():
    rng = np.random.default_rng(3)
    x = np.linspace(-1.0, 1.0, 400)
    model = np.tile(1.0 - 0.5 * np.exp(-0.5 * ((x - 0.1) / 0.05) ** 2), (2000, 1))
    slope = np.tile(np.gradient(model[0], x), (2000, 1))
    noise, w = rng.normal(0.0, 0.05, model.shape), np.full(model.shape, 400.0)
    share = gaussian_share(1e6)
    assert share == pytest.approx(1.0, abs=1e-3)
    residual, gradient = profiled(model + noise, w, model, slope)
    error = refined_error(residual, gradient, w, np.ones(w.shape), share)
    shift = (residual * gradient).sum(axis=1) / (gradient**2).sum(axis=1)
    assert np.std(shift / error) == pytest.approx(1.0, abs=0.1)
    smooth = (noise + np.roll(noise, 1, axis=1) + np.roll(noise, 2, axis=1)) / np.sqrt(3.0)
    residual, gradient = profiled(model + smooth, w, model, slope)
    wide = refined_error(residual, gradient, w, np.ones(w.shape), share)
    shift = (residual * gradient).sum(axis=1) / (gradient**2).sum(axis=1)
    assert np.median(wide) > 1.4 * np.median(error)
    assert np.std(shift / wide) == pytest.approx(1.0, abs=0.2)
    assert np.isnan(refined_error(residual[:2], 0.0 * gradient[:2], w[:2], np.ones((2, 400)), share)).all()


def test_repeats_give_scale_and_floor_of_the_errors():
    rng = np.random.default_rng(4)
    star = np.repeat(np.arange(1500), 2)
    formal = rng.uniform(0.1, 5.0, star.size)
    values = rng.normal(0.0, 80.0, 1500)[star] + np.hypot(1.5 * formal, 3.0) * rng.normal(size=star.size)
    values[:20] += 400.0 * rng.normal(size=20)
    model = repeat_errors(star, values, formal)
    assert model.scale == pytest.approx(1.5, rel=0.2)
    assert model.floor_kms == pytest.approx(3.0, rel=0.35)
    assert (model.stars, model.pairs) == (1500, 1500)
    np.testing.assert_allclose(model.apply(np.array([0.0])), model.floor_kms)
    assert repeat_errors(star[:20], values[:20], formal[:20]) == ErrorModel()
    assert repeat_errors(np.arange(3000), values, formal) == ErrorModel()


def test_errors_of_corrections_are_not_counted_as_those_of_the_spectra():
    rng = np.random.default_rng(9)
    star = np.repeat(np.arange(2000), 2)
    group = rng.integers(0, 2000, star.size)
    group[1::8] = group[::8]
    own, error = 2.0, np.full(star.size, 3.0)
    values = own * rng.normal(size=star.size) + 3.0 * rng.normal(size=2000)[group]
    corrections = Corrections(group.astype(float), error)
    formal = np.ones(star.size)
    assert np.median(repeat_errors(star, values, formal, corrections).apply(formal)) == pytest.approx(own, rel=0.08)
    assert np.median(repeat_errors(star, values, formal).apply(formal)) > 3.0


def test_the_blue_arm_is_measured_alone_and_a_shift_of_the_red_one_is_found(synthetic):
    few = blue_templates(synthetic)
    assert 20 <= len(few.flux) < len(synthetic.flux) / 3
    grid = log_grid(4500.0, 9095.0)
    rest, rng = 10.0**synthetic.log_wavelength, np.random.default_rng(6)
    red_kms = np.where(np.arange(12) < 6, 40.0, 140.0)
    scale = np.where(grid < 5900.0, doppler_factor(40.0), doppler_factor(red_kms)[:, None])
    flux = np.interp(grid / scale, rest, synthetic.flux[26]) + rng.normal(0.0, 0.03, (12, grid.size))
    ivar, mask = np.full(flux.shape, 0.03**-2), np.zeros(flux.shape, bool)
    blue = VelocityMeasurer(grid, few, VelocityConfig(4600.0, 5560.0)).measure(flux, ivar, mask, lines=False)
    red = VelocityMeasurer(grid, synthetic, VelocityConfig()).measure(flux, ivar, mask, lines=False)
    assert np.isnan(blue.line_kms).all()
    assert trusted_velocity(blue).all()
    apart = arms_disagree(blue.rv_kms, blue.error_kms, red.rv_kms, red.error_kms)
    assert apart.tolist() == [False] * 6 + [True] * 6


def test_bits_of_velocities(tmp_path):
    table = pd.DataFrame(
        {
            "obsid": np.arange(1, 8),
            "rv": [10.0, 10.0, 10.0, 10.0, 10.0, np.nan, 10.0],
            "rv_err": 2.0,
            "rv_peak": [0.9, 0.9, 0.9, 0.9, np.nan, np.nan, 0.9],
            "rv_peak_ratio": 0.1,
            "rv_chi2_nu": [1.0, 2400.0, 1.0, 1.0, 1.0, np.nan, 200.0],
            "snr_ca": [60.0, 60.0, 60.0, 60.0, 60.0, 60.0, 200.0],
            "rv_template_teff": [3800.0, 3800.0, 6000.0, 3800.0, 3800.0, np.nan, 3500.0],
            "tio5": [0.5, 0.5, 0.4, 0.5, 0.5, 0.5, 0.5],
            "rv_blue": [12.0, 12.0, 12.0, 100.0, np.nan, 12.0, 12.0],
            "rv_blue_err": 3.0,
            "rv_red": 10.0,
            "rv_red_err": 2.0,
        }
    )
    state = BuildState(RunConfig("bits"), tmp_path, tmp_path, table)
    state.keep(RV_EDGE_OF_SEARCH, np.zeros(7, bool))
    raise_flags(state, lambda _fraction, _message: None)
    flags = [QualityFlag(value) for value in state.table["quality"]]
    assert flags[0] == flags[6] == QualityFlag(0), "200 at S/N 200 is 7 % of the continuum"
    assert flags[1] == QualityFlag.RV_POOR_FIT
    assert flags[2] == QualityFlag.TEMPLATE_AGAINST_BANDS
    assert flags[3] == QualityFlag.ARMS_DISAGREE
    assert flags[4] == flags[5] == QualityFlag.RV_DOUBTFUL


def test_misfit_and_bands_judge_nothing_that_is_unknown():
    assert np.isnan(velocity_misfit(np.array([np.nan, 5.0, 5.0]), np.array([50.0, np.nan, 0.0]))).all()
    assert velocity_misfit(np.array([0.5]), np.array([50.0])) == 0.0
    assert not template_against_bands(np.array([np.nan, 6000.0]), np.array([0.4, np.nan])).any()


def test_references_are_gaia_then_apogee_then_the_header_on_one_zero_point(tmp_path):
    rng = np.random.default_rng(7)
    n = 60
    truth = rng.normal(0.0, 80.0, n)
    part = np.arange(n) // 20
    table = pd.DataFrame(
        {
            "plan_id": "P",
            "spectrograph_id": 3,
            "lmjd": 57000 + part,
            "rv_gaia": np.where(part == 0, truth, np.nan),
            "rv_ref": np.where(part == 1, truth, np.nan),
            "rv_input": truth - 5.0 + rng.normal(0.0, 0.5, n),
        }
    )
    state = BuildState(RunConfig("v"), tmp_path, tmp_path, table)
    reference, counts = zero_point_reference(state)
    assert counts == {"rv_gaia": 20, "rv_ref": 20, "rv_input": 20}
    assert np.abs(reference - truth).max() < 2.0
    levels = dict(zero_point_levels(state, "plate and spectrograph"))
    assert list(levels) == ["night", "plate", "plate and spectrograph"]
    assert set(levels["plate and spectrograph"]) == {f"{57000 + k} P spectrograph 3" for k in range(3)}
    assert [name for name, _ in zero_point_levels(state, "spectrograph")] == ["spectrograph"]


def test_settings_of_velocities_that_no_stage_could_use_are_refused(tmp_path):
    (tmp_path / "run.toml").write_text("[velocity]\nloss_sigma = -1\n")
    with pytest.raises(ConfigError, match=r"velocity.loss_sigma must be 0 or more; found -1"):
        load_config(str(tmp_path / "run.toml"))
    assert VelocityConfig().reference == "best"
