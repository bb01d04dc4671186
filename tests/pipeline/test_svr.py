"""The batched solver compared with libsvm, and the meaning of masks."""

import numpy as np
import pytest

from pipeline.science.slam.svr import HyperParameters, cross_validate, fit_expansion
from tests.reference.slow_svr import predict_with_libsvm


@pytest.fixture(scope="module")
def regression():
    rng = np.random.default_rng(1)
    labels = rng.normal(size=(250, 3))
    slopes = rng.normal(size=(3, 6))
    flux = np.tanh(labels @ slopes / 2) + 0.3 * np.sin(labels[:, :1] * labels[:, 1:2])
    flux += 0.15 * rng.normal(size=flux.shape)
    flux = (flux - flux.mean(axis=0)) / flux.std(axis=0)
    inclusion = (rng.random(flux.shape) > 0.1).astype(float)
    return labels, flux, inclusion, np.clip(rng.normal(size=(200, 3)), -2, 2)


def predict(expansion, at):
    return expansion.evaluator().predict(at)


def parameters(pixels, c=1.0, gamma=0.1, epsilon=0.05):
    return HyperParameters(*(np.full(pixels, v) for v in (c, gamma, epsilon)))


@pytest.mark.parametrize("precision", ["float64", "float32"])
@pytest.mark.parametrize(
    ("c", "gamma", "epsilon"), [(1, 0.1, 0.05), (10, 0.1, 0.05), (10, 1, 0.02), (0.1, 1, 0.1), (10, 0.03, 0.05)]
)
def test_admm_is_libsvm_away_from_the_training_stars(regression, c, gamma, epsilon, precision):
    labels, flux, inclusion, at = regression
    fitted = fit_expansion(labels, flux, inclusion, parameters(6, c, gamma, epsilon), iterations=200, dtype=precision)
    exact = predict_with_libsvm(labels, flux, inclusion, c, gamma, epsilon, at)
    assert np.abs(predict(fitted, at) - exact).max() < 5e-3


def test_libsvm_engine_is_libsvm(regression):
    labels, flux, inclusion, at = regression
    fitted = fit_expansion(labels, flux, inclusion, parameters(6), engine="sklearn")
    assert np.abs(predict(fitted, at) - predict_with_libsvm(labels, flux, inclusion, 1, 0.1, 0.05, at)).max() < 1e-3


@pytest.mark.parametrize("engine", ["admm", "sklearn"])
def test_masked_values_have_no_influence(regression, engine):
    labels, flux, inclusion, at = regression
    spoilt = np.where(inclusion > 0, flux, np.nan)
    clean, other = (fit_expansion(labels, f, inclusion, parameters(6), engine=engine) for f in (flux, spoilt))
    assert np.array_equal(predict(clean, at), predict(other, at))


def test_masking_a_star_is_leaving_it_out(regression):
    labels, flux, _, at = regression
    inclusion = np.ones_like(flux)
    inclusion[200:] = 0
    masked = fit_expansion(labels, flux, inclusion, parameters(6))
    absent = fit_expansion(labels[:200], flux[:200], inclusion[:200], parameters(6))
    assert np.abs(predict(masked, at) - predict(absent, at)).max() < 5e-3


def test_blocks_and_threads_change_nothing(regression):
    labels, flux, inclusion, at = regression
    one = fit_expansion(labels, flux, inclusion, parameters(6), pixel_block=2, threads=1)
    two = fit_expansion(labels, flux, inclusion, parameters(6), pixel_block=512, threads=2)
    assert np.allclose(predict(one, at), predict(two, at), atol=1e-9)


def test_mixed_gammas_agree_with_single_ones(regression):
    labels, flux, inclusion, at = regression
    gamma = np.array([0.1, 1, 0.1, 1, 0.1, 1])
    mixed = fit_expansion(labels, flux, inclusion, HyperParameters(np.ones(6), gamma, np.full(6, 0.05)))
    for value in (0.1, 1.0):
        single = fit_expansion(labels, flux, inclusion, parameters(6, gamma=value))
        assert np.allclose(predict(mixed, at)[:, gamma == value], predict(single, at)[:, gamma == value], atol=1e-6)


def test_ranking_has_libsvms_mean_squared_errors(regression):
    labels, flux, inclusion, _ = regression
    folds = np.arange(250) % 5
    triples = [(c, gamma, 0.05) for c in (0.1, 1.0) for gamma in (0.1, 1.0)]
    fast = cross_validate(labels, flux, inclusion, folds, triples)
    exact = cross_validate(labels, flux, inclusion, folds, triples, engine="sklearn")
    for one, other in zip(fast, exact, strict=True):
        assert np.abs(one.mse / other.mse - 1).max() < 0.02
        assert np.abs(one.mean_deviation - other.mean_deviation).max() < 0.01
        assert np.abs(one.median_deviation - other.median_deviation).max() < 0.02


def test_held_out_flux_does_not_reach_its_own_prediction(regression):
    labels, flux, inclusion, _ = regression
    folds = np.arange(250) % 5
    moved = np.where(folds[:, None] == 0, flux + 100.0, flux)
    shifted = cross_validate(labels, moved, inclusion, folds, [(1.0, 0.1, 0.05)])[0]
    # A fold model that saw its own fold would follow a fifth of the stars some of the way to 100.
    assert (shifted.mse > 0.19 * 100.0**2 * 0.8).all()


def test_analytic_jacobian(regression):
    labels, flux, inclusion, at = regression
    mixed = HyperParameters(np.ones(6), np.array([0.1, 1, 0.1, 1, 0.1, 1]), np.full(6, 0.05))
    fitted = fit_expansion(labels, flux, inclusion, mixed)
    value, jacobian = fitted.evaluator().predict_with_jacobian(at)
    assert np.allclose(value, predict(fitted, at))
    for d in range(3):
        step = 1e-5 * np.eye(3)[d]
        numeric = (predict(fitted, at + step) - predict(fitted, at - step)) / 2e-5
        assert np.allclose(jacobian[:, d], numeric, atol=1e-6)


def test_a_pixel_without_members_is_zero(regression):
    labels, flux, inclusion, at = regression
    none = inclusion.copy()
    none[:, 2] = 0
    assert np.all(predict(fit_expansion(labels, flux, none, parameters(6)), at)[:, 2] == 0)
