"""Out-of-fold labels and calibrated errors."""

import json

import numpy as np
import pytest

from pipeline.science.labels.calibration import (
    Degraded,
    bias_and_scatter,
    degrade,
    out_of_fold_labels,
)
from pipeline.science.labels.contradictions import contradicting
from pipeline.science.labels.error_model import ErrorModel, coverage
from pipeline.science.slam.model import SlamModel, SlamSettings

NAMES = ("a", "b")


def toy(n, sigma, seed):
    rng = np.random.default_rng(seed)
    labels = rng.uniform(-1, 1, (n, 2))
    slopes = np.random.default_rng(5).normal(size=(2, 40))
    flux = 1 - 0.3 * np.tanh(labels @ slopes) + sigma * rng.normal(size=(n, 40))
    return labels, flux, np.full(flux.shape, sigma**-2.0), np.zeros(flux.shape, bool)


@pytest.fixture(scope="module")
def held_out():
    training = toy(200, 0.03, 1)
    model = SlamModel(NAMES, SlamSettings(c_grid=(1.0,), gamma_grid=(0.1,), threads=2)).fit(*training)
    return training, model, out_of_fold_labels(model, *training[1:], n_folds=5)[0]


def test_out_of_fold_stars_are_all_fitted_in_order(held_out):
    training, model, fit = held_out
    assert np.isfinite(fit.labels).all()
    assert np.median(np.abs(fit.labels - training[0])) < 0.1
    inside = model.infer_labels(*training[1:])
    # Stars that a model has seen look better than they are.
    assert np.median(inside.chi2) <= np.median(fit.chi2)


def test_out_of_fold_groups_share_a_model(held_out):
    training, model, _ = held_out
    doubled = tuple(np.concatenate([part[:60], part[:60]]) for part in training)
    again = SlamModel(NAMES, model.settings).fit(*doubled, groups=np.tile(np.arange(60), 2))
    (fit,) = out_of_fold_labels(again, *doubled[1:], groups=np.tile(np.arange(60), 2), n_folds=4)
    assert np.allclose(fit.labels[:60], fit.labels[60:])


def test_calibrated_pulls_are_those_of_a_unit_normal():
    rng = np.random.default_rng(3)
    n = 3000
    snr = np.exp(rng.uniform(np.log(10), np.log(300), n))
    formal = np.stack([20 / snr, 5 / snr], axis=1) * rng.uniform(0.7, 1.3, (n, 1))
    floor = np.stack([0.3 + 3 / snr, np.full(n, 0.1)], axis=1)
    difference = rng.normal(size=(n, 2)) * np.sqrt((2.5 * formal) ** 2 + floor**2)
    difference[:30] *= 20  # outliers must not widen everyone's error
    errors = ErrorModel(NAMES).fit(difference, formal, snr)
    published = errors.apply(formal, snr)
    for label in range(2):
        inner, outer = coverage(difference[:, label] / published[:, label])
        assert abs(inner - 0.683) < 0.03
        assert abs(outer - 0.945) < 0.03
        for part in (snr < 30, snr > 100):
            assert abs(coverage((difference / published)[part, label])[0] - 0.683) < 0.07
    again = ErrorModel.from_dict(json.loads(json.dumps(errors.to_dict())))
    assert np.array_equal(again.apply(formal, snr), published)


def test_injected_noise_scatters_more_and_spares_fainter_stars(held_out):
    (labels, flux, ivar, mask), model, fit = held_out
    reached = np.arange(200) >= 20
    factor = np.where(reached, 3.0, 1.0)
    noisy_flux, noisy_ivar = degrade(flux, ivar, mask, factor, np.random.default_rng(1))
    noisy = Degraded(20.0, reached, noisy_flux, noisy_ivar, mask)
    _, again = out_of_fold_labels(model, flux, ivar, mask, n_folds=5, degraded=[noisy])
    assert np.isnan(again.labels[:20]).all()
    assert np.isfinite(again.labels[20:]).all()
    spread = [np.std((one.labels - labels)[20:]) for one in (fit, again)]
    assert spread[1] > 1.5 * spread[0]
    assert np.allclose(np.median(again.reduced_chi2[20:]), 1.0, atol=0.3)


def test_errors_of_the_reference_labels_are_taken_out():
    rng = np.random.default_rng(4)
    snr, formal = np.exp(rng.uniform(3, 5, 9000)), np.full((9000, 1), 0.02)
    own = np.full((9000, 1), 0.10)
    difference = np.hypot(0.06, 0.10) * rng.normal(size=(9000, 1))
    published = ErrorModel(("a",)).fit(difference, formal, snr, own).apply(formal, snr)
    assert np.median(published) == pytest.approx(0.06, rel=0.12)
    assert np.median(ErrorModel(("a",)).fit(difference, formal, snr).apply(formal, snr)) == pytest.approx(
        0.117, rel=0.1
    )


def test_injected_noise_does_not_change_the_errors_of_stars_as_observed():
    rng = np.random.default_rng(6)
    snr = np.exp(rng.uniform(np.log(20), np.log(300), 600))
    formal = np.full((600, 1), 0.01)
    difference = 0.05 * rng.normal(size=(600, 1))
    difference[:, 0] *= np.hypot(1.0, 30.0 / snr)
    noisy = [0.3 * rng.standard_t(3, size=(600, 1)), 0.12 * rng.standard_t(3, size=(600, 1))]
    many = np.concatenate([difference, *noisy])
    at = np.concatenate([snr, np.full(600, 10.0), np.full(600, 19.0)])
    errors = ErrorModel(("a",)).fit(many, np.tile(formal, (3, 1)), at, injected=np.arange(1800) >= 600)
    total = errors.total(np.tile(formal, (3, 1)), at)
    for part in (at > 100, (at < 40) & (np.arange(1800) < 600), at == 10.0, at == 19.0):
        assert coverage(many[part] / total[part])[0] == pytest.approx(0.683, abs=0.06)
    assert coverage(difference / total[:600])[0] == pytest.approx(0.683, abs=0.005)


def test_labels_of_another_star_are_found_and_a_long_tail_is_not():
    rng = np.random.default_rng(7)
    reference = rng.multivariate_normal([3800.0, 1.0, -0.4], np.diag([200.0, 0.5, 0.4]) ** 2, 1000)
    error = np.tile([35.0, 0.15, 0.08], (1000, 1))
    difference = error * rng.standard_t(6, size=(1000, 3))
    assert contradicting(difference, reference, error).sum() <= 2
    difference[:40] = reference[rng.permutation(40)] - reference[:40]
    difference[40:60, 1] = 0.6
    found = contradicting(difference, reference, error)
    far = (np.abs(difference / error)[:40].max(axis=1)) > 6.0
    assert far.sum() > 15
    assert found[:40][far].mean() > 0.8
    assert found[40:].sum() <= 3
    assert not contradicting(difference[:49], reference[:49], error[:49]).any()


def test_few_stars_still_give_an_error_model(held_out):
    training, _, fit = held_out
    few = slice(0, 25)
    snr = np.full(25, 50.0)
    errors = ErrorModel(NAMES).fit((fit.labels - training[0])[few], fit.formal_error[few], snr)
    assert np.isfinite(errors.apply(fit.formal_error[few], snr)).all()
    assert (errors.apply(fit.formal_error[few], snr) > 0).all()


def test_scatter_is_the_root_of_the_mean_square():
    difference = np.array([[1.0], [-3.0], [5.0]])
    result = bias_and_scatter(difference, np.array([15.0, 15.0, 500.0]), np.array([10.0, 20.0, 30.0]))
    assert result["stars"].tolist() == [2, 0]
    assert result["bias"][0, 0] == -1.0
    assert result["scatter"][0, 0] == pytest.approx(np.sqrt(5.0))
    assert np.isnan(result["scatter"][1, 0])
