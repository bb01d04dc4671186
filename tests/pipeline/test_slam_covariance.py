"""SLAM's noise-dependent likelihood, posterior mean and ridge solver, compared with simple versions."""

import dataclasses
import json

import numpy as np
import pytest
from sklearn.kernel_ridge import KernelRidge

from pipeline.config import ConfigError, LabelConfig, RunConfig
from pipeline.domain.statistics import robust_scatter
from pipeline.domain.stored_spectrum import StoredSpectrum
from pipeline.science.slam.covariance import ResidualCovariance, principal_factors
from pipeline.science.slam.model import SlamModel, SlamSettings, refit_star
from pipeline.science.slam.noise_ridge import choose_ridge, fit_ridge, noise_levels
from pipeline.science.slam.posterior import posterior_mean
from pipeline.science.slam.prior import DensityPrior
from pipeline.science.slam.storage import from_arrays, to_arrays
from pipeline.science.star.evidence import chi2_of
from pipeline.science.star.refit import LabelModel

NAMES = ("a", "b", "c")
PIXELS = 60
SETTINGS = SlamSettings(
    engine="ridge", c_grid=(20.0,), gamma_grid=(0.1,), nuisance_modes=4, noise_modes=6, prior="density", threads=2
)


def survey(n, seed):
    """Spectra whose noise is three times as large as stated and shared by all pixels, by five patterns."""
    rng = np.random.default_rng(seed)
    fixed = np.random.default_rng(5)
    slopes, patterns = fixed.normal(size=(3, PIXELS)), fixed.normal(size=(5, PIXELS))
    labels = rng.uniform(-1, 1, (n, 3))
    level = np.exp(rng.uniform(np.log(0.2), np.log(5.0), n))
    stated = 0.02 * np.sqrt(level)[:, None] * np.ones(PIXELS)
    noise = 3.0 * stated * (rng.normal(size=(n, 5)) @ patterns) / np.sqrt(5) + 0.2 * stated * rng.normal(
        size=(n, PIXELS)
    )
    flux = 1 - 0.3 * np.tanh(labels @ slopes) + 0.01 * rng.normal(size=(n, 1)) * np.linspace(-1, 1, PIXELS) + noise
    return labels, flux, stated**-2.0, np.zeros(flux.shape, bool)


@pytest.fixture(scope="module")
def trained():
    return SlamModel(NAMES, SETTINGS).fit(*survey(600, 1))


def test_the_covariance_of_a_masked_star_is_the_dense_one():
    rng = np.random.default_rng(3)
    parts = [rng.uniform(0.5, 2, (3, 20)), rng.normal(size=(2, 20)), rng.normal(size=(3, 20))]
    model = ResidualCovariance(*parts[0], *parts[1:])
    noise, used = rng.uniform(0.5, 4, (4, 20)), rng.uniform(size=(4, 20)) > 0.3
    noise[~used] = np.nan
    diagonal, modes = model.of(noise, used)
    residual = np.where(used, rng.normal(size=(4, 20)), 0.0)
    weighted = residual / diagonal
    fast = (weighted * residual).sum(axis=1) - modes.explained(weighted[:, None])[:, 0, 0]
    marginal = model.marginal(noise, used)
    for row, kept in enumerate(used):
        x = np.mean(noise[row, kept] / model.typical[kept])
        dense = np.diag(model.white + model.noise_scale * np.where(kept, noise[row], 0))
        dense = dense + model.shared.T @ model.shared + x * model.noisy.T @ model.noisy
        part = dense[np.ix_(kept, kept)]
        assert fast[row] == pytest.approx(residual[row, kept] @ np.linalg.solve(part, residual[row, kept]))
        determinant = np.log(diagonal[row, kept]).sum() + modes.ln_determinant[row]
        assert determinant == pytest.approx(np.linalg.slogdet(part)[1])
        assert marginal[row, kept] == pytest.approx(np.diag(part))


def test_both_kinds_of_pattern_are_learned(trained):
    found = trained.covariance
    size = np.square(found.noisy).sum(axis=1)
    assert size[:5].sum() > 0.98 * size.sum()
    assert 1 <= len(found.shared) <= 4
    tilt = np.linspace(-1, 1, PIXELS)
    share = np.linalg.lstsq(found.shared.T, tilt, rcond=None)[0] @ found.shared
    assert np.corrcoef(share, tilt)[0, 1] > 0.9
    fixed = np.random.default_rng(5)
    fixed.normal(size=(3, PIXELS))
    patterns = fixed.normal(size=(5, PIXELS))
    true = 9.0 * found.typical * (np.square(patterns).sum(axis=0) / 5)
    assert np.median(np.square(found.noisy).sum(axis=0) / true) == pytest.approx(1.0, abs=0.25)
    assert np.median(found.noise_scale) < 0.3  # of single pixels: 0.04


def test_noise_without_patterns_stays_with_the_pixels():
    rng = np.random.default_rng(6)
    noise = np.exp(rng.uniform(-2, 2, (800, 1))) * np.ones(40)
    residual = np.sqrt(noise) * rng.normal(size=(800, 40))
    found = ResidualCovariance.learn(residual, noise, np.ones(noise.shape, bool), 5, 5)
    assert len(found.noisy) == 0
    assert np.median(np.square(found.shared).sum(axis=0) / found.typical) < 0.05
    assert np.median(found.noise_scale) == pytest.approx(1.0, abs=0.15)


def test_a_matrix_is_divided_into_patterns_and_diagonal():
    rng = np.random.default_rng(2)
    patterns = rng.normal(size=(3, 700))
    matrix = patterns.T @ patterns + np.diag(rng.uniform(0.1, 0.2, 700))
    for part in (slice(0, 80), slice(0, 700)):  # whole decomposition, and Lanczos iteration
        size = matrix[part, part].shape[0]
        found, diagonal = principal_factors(matrix[part, part], 6, np.full(size, 1e-6), 1e6)
        assert len(found) == 3
        assert np.allclose(found.T @ found + np.diag(diagonal), matrix[part, part], atol=0.02)


def test_labels_are_better_and_their_errors_true(trained):
    labels, *spectra = survey(500, 2)
    plain = dataclasses.replace(SETTINGS, noise_modes=0, nuisance_modes=4)
    fits = [model.infer_labels(*spectra) for model in (SlamModel(NAMES, plain).fit(*survey(600, 1)), trained)]
    scatter = [robust_scatter((fit.labels - labels).ravel()) for fit in fits]
    assert scatter[1] < 0.8 * scatter[0]
    pulls = ((fits[1].labels - labels) / fits[1].formal_error).ravel()
    assert robust_scatter(pulls) == pytest.approx(1.0, abs=0.25)
    assert np.median(fits[1].reduced_chi2) == pytest.approx(1.0, abs=0.25)


def test_the_posterior_mean_is_the_integral():
    rng = np.random.default_rng(4)
    means, precision = rng.normal(size=(3, 2)), np.stack([np.diag(rng.uniform(0.5, 3, 2)) for _ in range(3)])
    prior = DensityPrior(np.log([0.2, 0.5, 0.3]), means, precision)
    at, gradient = np.array([[0.3, -0.2]]), np.array([[0.4, -0.7]])
    fisher = np.array([[[1.5, 0.4], [0.4, 0.8]]])
    free = np.zeros(2, bool)
    mean, covariance = posterior_mean(at, gradient, fisher, prior, free)
    axis = np.linspace(-8, 8, 801)
    grid = np.stack(np.meshgrid(axis, axis, indexing="ij"), axis=-1).reshape(-1, 2)
    away = grid - at
    ln_density = away @ gradient[0] - 0.5 * np.einsum("na,ab,nb->n", away, fisher[0], away) + prior.terms(grid)[0]
    share = np.exp(ln_density - ln_density.max())
    share /= share.sum()
    exact = share @ grid
    assert mean[0] == pytest.approx(exact, abs=1e-4)
    assert covariance[0] == pytest.approx((grid - exact).T @ ((grid - exact) * share[:, None]), abs=1e-4)
    held, spread = posterior_mean(at, gradient, fisher, prior, np.array([True, False]))
    line = np.abs(grid[:, 0] - 0.3) < 1e-6
    weight = share[line] / share[line].sum()
    assert held[0] == pytest.approx([0.3, weight @ grid[line, 1]], abs=1e-4)
    assert spread[0, 0].tolist() == [0.0, 0.0]


def test_the_mean_has_the_least_error_and_keeps_what_is_fixed():
    mean = SlamModel(NAMES, dataclasses.replace(SETTINGS, estimate="mean")).fit(*survey(600, 1))
    labels, flux, ivar, mask = survey(300, 2)
    fit = mean.infer_labels(flux, ivar, mask)
    pulls = ((fit.labels - labels) / fit.formal_error).ravel()
    assert robust_scatter(pulls) == pytest.approx(1.0, abs=0.25)
    one = refit_star(mean, flux[0], ivar[0], mask[0], {1: 0.25})
    assert (one.labels[0, 1], one.formal_error[0, 1]) == (0.25, 0.0)
    every = refit_star(mean, flux[0], ivar[0], mask[0], dict(enumerate(fit.labels[0])))
    assert every.chi2[0] == pytest.approx(fit.chi2[0], rel=1e-6)


def test_a_refit_repeats_the_label_and_its_sum_of_squares(trained):
    _, flux, ivar, mask = survey(3, 2)
    mask[1, 10:25] = True
    arrays, metadata = to_arrays(trained)
    model = LabelModel(from_arrays(arrays, json.loads(json.dumps(metadata))), None, np.linspace(5000.0, 6000.0, PIXELS))
    whole = trained.infer_labels(flux, ivar, mask)
    for row in range(3):
        again = refit_star(model.slam, flux[row], ivar[row], mask[row])
        assert again.labels[0] == pytest.approx(whole.labels[row], abs=1e-9)
        spectrum = StoredSpectrum(row, model.wavelength, flux[row], ivar[row], mask[row], flux[row], flux[row])
        assert chi2_of(model, spectrum, again.labels)[0] == pytest.approx(again.chi2[0], rel=1e-4)


def test_models_from_before_the_noise_patterns_open(trained):
    plain = SlamModel(NAMES, dataclasses.replace(SETTINGS, noise_modes=0)).fit(*survey(300, 1))
    arrays, metadata = to_arrays(plain)
    new = ("noise_scale", "typical_noise", "noise_modes", "chi2_per_pixel")
    old = {name: values for name, values in arrays.items() if name not in new}
    settings = {k: v for k, v in metadata["settings"].items() if k not in ("noise_modes", "estimate")}
    again = from_arrays(old, metadata | {"format_version": 2, "settings": settings})
    spectra = survey(20, 2)[1:]
    assert np.array_equal(again.infer_labels(*spectra).labels, plain.infer_labels(*spectra).labels)
    with pytest.raises(ValueError, match="Build the products again"):
        from_arrays(arrays, metadata | {"format_version": 1})
    arrays, metadata = to_arrays(trained)
    with pytest.raises(ValueError, match="lacks noise_modes"):
        from_arrays({k: v for k, v in arrays.items() if k != "noise_modes"}, metadata)


def test_ridge_functions_are_kernel_ridge_and_never_read_what_is_masked():
    labels, flux, ivar, mask = survey(150, 1)
    level = noise_levels(1 / ivar, ~mask)
    found = fit_ridge(labels, flux, ~mask, level, 5.0, 0.2)
    exact = KernelRidge(alpha=1.0, kernel="precomputed")
    kernel = np.exp(-0.2 * ((labels[:, None] - labels) ** 2).sum(axis=2))
    exact.fit(kernel, flux - found.intercept, sample_weight=10.0 / (1.0 + level))
    assert np.allclose(found.evaluator().predict(labels), found.intercept + exact.predict(kernel))
    mask[::5, 7] = True
    spoilt = np.where(mask, np.nan, flux)
    partly = fit_ridge(labels, spoilt, ~mask, level, 5.0, 0.2).evaluator().predict(labels)
    alone = fit_ridge(
        labels[~mask[:, 7]], flux[~mask[:, 7]][:, [7]], ~mask[~mask[:, 7]][:, [7]], level[~mask[:, 7]], 5.0, 0.2
    )
    assert np.abs(partly[:, 7] - alone.evaluator().predict(labels)[:, 0]).max() < 0.05 * flux[:, 7].std()
    chosen = choose_ridge(labels, flux, np.ones_like(mask), level, np.arange(150) % 3, [(5.0, 0.2), (5.0, 500.0)])
    assert chosen.gamma == 0.2


def test_settings_that_cannot_be_met_are_refused():
    with pytest.raises(ConfigError, match=r'labels.estimate = "mean" needs labels.prior = "density"'):
        RunConfig("mean", labels=dataclasses.replace(LabelConfig(), estimate="mean"))
    with pytest.raises(ConfigError, match=r"labels\.noise_modes must be 0 or more; found -1"):
        RunConfig("fewer", labels=dataclasses.replace(LabelConfig(), noise_modes=-1))
    with pytest.raises(ValueError, match="needs prior"):
        SlamSettings(estimate="mean")
