"""Landmarks, prior, shared residuals, pre-screen and limits, compared with simple versions."""

import json

import numpy as np
import pytest
from sklearn.kernel_ridge import KernelRidge

from pipeline.science.slam.kernel_expansion import find_landmarks
from pipeline.science.slam.kernel_ridge import RIDGES, ridge_screen
from pipeline.science.slam.model import SlamModel, SlamSettings
from pipeline.science.slam.modes import StarModes, residual_modes
from pipeline.science.slam.pixel_quality import information, training_report
from pipeline.science.slam.prior import DensityPrior
from pipeline.science.slam.storage import from_arrays, to_arrays
from pipeline.science.slam.svr import HyperParameters, fit_expansion

NAMES = ("a", "b", "c")


def toy(n, sigma, seed, shared=0.0):
    """Forty pixels, smooth functions of three labels; ``shared`` noise tilts the whole spectrum."""
    rng = np.random.default_rng(seed)
    labels = rng.uniform(-1, 1, (n, 3))
    slopes = np.random.default_rng(5).normal(size=(3, 40))
    flux = 1 - 0.3 * np.tanh(labels @ slopes) + sigma * rng.normal(size=(n, 40))
    flux += shared * rng.normal(size=(n, 1)) * np.linspace(-1, 1, 40)
    return labels, flux, np.full(flux.shape, sigma**-2.0), np.zeros(flux.shape, bool)


def settings(**changes):
    return SlamSettings(**{"c_grid": (10.0,), "gamma_grid": (0.1,), "threads": 2, **changes})


def test_landmarks_keep_the_stated_error():
    labels, flux, *_ = toy(600, 0.02, 1)
    y = (flux - flux.mean(axis=0)) / flux.std(axis=0)
    gamma = np.where(np.arange(40) < 30, 0.05, 0.2)
    full = fit_expansion(
        labels, y, np.ones_like(y), HyperParameters(np.full(40, 1.0), gamma, np.full(40, 0.05)), iterations=150
    )
    landmarks = find_landmarks(full, flux.std(axis=0), 1e-5)
    assert landmarks.error <= 1e-5
    assert max(len(group.support) for group in landmarks.groups) < 300
    inside = np.random.default_rng(2).uniform(-0.6, 0.6, (500, 3))
    apart = np.abs(landmarks.evaluator().predict(inside) - full.evaluator().predict(inside)) * flux.std(axis=0)
    assert apart.max() <= 3e-5
    some = np.array([35, 3, 31])
    assert np.allclose(landmarks.take(some).evaluator().predict(inside), landmarks.evaluator().predict(inside)[:, some])


def test_landmark_labels_are_the_full_models():
    training, survey = toy(500, 0.03, 1), toy(200, 0.03, 2)
    model = SlamModel(NAMES, settings(gamma_grid=(0.03,))).fit(*training)
    assert all(len(group.support) < 500 for group in model.landmarks_.groups)
    fast, exact = (model.infer_labels(*survey[1:], exact=exact) for exact in (False, True))
    assert (np.abs(fast.labels - exact.labels) < 0.01 * exact.formal_error).all()


def test_prior_terms_are_derivatives_of_its_density():
    labels = np.random.default_rng(3).normal(size=(900, 2)) * np.array([1.0, 0.4])
    labels[::2] += 2.0
    prior = DensityPrior.fit(labels, 0)
    assert len(prior.mean) > 1
    at = labels[:6] + 0.1
    _, gradient, curvature = prior.terms(at)
    for d in range(2):
        step = 1e-5 * np.eye(2)[d]
        numeric = (prior.terms(at + step)[0] - prior.terms(at - step)[0]) / 2e-5
        assert np.allclose(gradient[:, d], numeric, rtol=1e-4, atol=1e-6)
    assert (np.linalg.eigvalsh(curvature) > 0).all()
    grid = np.stack(np.meshgrid(*[np.linspace(-6, 8, 400)] * 2), axis=-1).reshape(-1, 2)
    assert np.exp(prior.terms(grid)[0]).sum() * (14 / 399) ** 2 == pytest.approx(1.0, abs=0.01)


def test_density_prior_draws_poor_spectra_to_where_stars_are():
    training = toy(300, 0.03, 1)
    flat = SlamModel(NAMES, settings()).fit(*training)
    density = SlamModel(NAMES, settings(prior="density")).fit(*training)
    poor, good = toy(200, 1.0, 2), toy(200, 0.02, 2)
    spread = [np.abs(model.infer_labels(*poor[1:]).labels).mean() for model in (flat, density)]
    assert spread[1] < 0.9 * spread[0]
    same = [model.infer_labels(*good[1:]) for model in (flat, density)]
    assert (np.abs(same[0].labels - same[1].labels) < same[0].formal_error).mean() > 0.95


def test_modes_are_the_woodbury_identity():
    rng = np.random.default_rng(4)
    modes, weight = rng.normal(size=(3, 20)), rng.uniform(0, 2, (5, 20))
    weight[:, 4] = 0.0
    vectors = rng.normal(size=(5, 2, 20))
    star = StarModes.of(modes, weight)
    weighted = vectors * weight[:, None, :]
    fast = weighted @ vectors.transpose(0, 2, 1) - star.explained(weighted)
    used = np.flatnonzero(weight[0] > 0)
    for row in range(5):
        covariance = np.diag(1 / weight[row, used]) + modes[:, used].T @ modes[:, used]
        exact = vectors[row][:, used] @ np.linalg.solve(covariance, vectors[row][:, used].T)
        assert np.allclose(fast[row], exact)
        diagonal = np.log(1 / weight[row, used]).sum()
        assert star.ln_determinant[row] == pytest.approx(np.linalg.slogdet(covariance)[1] - diagonal)


def test_noise_alone_has_no_modes():
    rng = np.random.default_rng(5)
    modes, white = residual_modes(
        rng.normal(size=(800, 60)), np.ones(60), np.ones((800, 60), bool), np.full(60, 0.01), 9
    )
    assert len(modes) == 0
    assert (white < 0.3).all()


def test_shared_residuals_are_learned_and_no_longer_mislead():
    training, survey = toy(400, 0.01, 1, shared=0.2), toy(400, 0.01, 2, shared=0.2)
    plain = SlamModel(NAMES, settings()).fit(*training)
    aware = SlamModel(NAMES, settings(nuisance_modes=4)).fit(*training)
    assert 1 <= len(aware.modes_) <= 4
    tilt = np.linspace(-1, 1, 40)
    first = aware.modes_[0] / np.linalg.norm(aware.modes_[0])
    assert abs(first @ tilt) / np.linalg.norm(tilt) > 0.9
    fits = [model.infer_labels(*survey[1:]) for model in (plain, aware)]
    scatter = [np.median(np.abs(fit.labels - survey[0])) for fit in fits]
    assert scatter[1] < 0.6 * scatter[0]
    assert 0.5 < np.median(np.abs(fits[1].labels - survey[0]) / fits[1].formal_error) / 0.6745 < 1.6


def test_ridge_screen_is_kernel_ridge_cross_validation():
    labels, flux, *_ = toy(150, 0.05, 1)
    y = (flux - flux.mean(axis=0)) / flux.std(axis=0)
    folds = np.arange(150) % 5
    found = ridge_screen(labels, y, np.ones_like(y), folds, (0.1, 1.0))
    for row, gamma in enumerate((0.1, 1.0)):
        each = []
        for ridge in RIDGES:
            out = np.empty_like(y)
            for fold in range(5):
                machine = KernelRidge(alpha=ridge, kernel="rbf", gamma=gamma)
                out[folds == fold] = machine.fit(labels[folds != fold], y[folds != fold]).predict(labels[folds == fold])
            each.append(np.square(out - y).mean(axis=0))
        assert np.allclose(found[row], np.min(each, axis=0), rtol=0.02)


def test_prescreen_leaves_out_hopeless_kernels_only():
    training = toy(300, 0.03, 1)
    grid = {"gamma_grid": (0.1, 30.0), "c_grid": (1.0,)}
    whole = SlamModel(NAMES, settings(**grid)).fit(*training)
    screened = SlamModel(NAMES, settings(prescreen_margin=0.1, **grid)).fit(*training)
    assert np.array_equal(whole.hyper_parameters_.gamma, screened.hyper_parameters_.gamma)
    assert np.allclose(whole.cv_mse_, screened.cv_mse_, rtol=1e-3)


def test_prior_modes_and_landmarks_survive_storage():
    training = toy(500, 0.03, 1, shared=0.1)
    model = SlamModel(NAMES, settings(gamma_grid=(0.03,), prior="density", nuisance_modes=3)).fit(*training)
    arrays, metadata = to_arrays(model)
    again = from_arrays(arrays, json.loads(json.dumps(metadata)))
    survey = toy(20, 0.03, 2)[1:]
    assert np.array_equal(model.infer_labels(*survey).labels, again.infer_labels(*survey).labels)
    assert again.landmarks_.error == model.landmarks_.error
    for name in ("prior_mean", "landmark_pixels_0", "modes"):
        with pytest.raises(ValueError, match=f"lacks {name}"):
            from_arrays({key: value for key, value in arrays.items() if key != name}, metadata)


def test_training_sets_beyond_the_memory_are_refused_before_anything_is_computed():
    n = 100_000
    spectra = [np.broadcast_to(np.float32(one), (n, 3)) for one in (1.0, 1.0)]
    with pytest.raises(ValueError, match=r"100,000 training stars.*GB.*at most"):
        SlamModel(NAMES, settings(memory_limit_gb=8.0)).fit(
            np.random.default_rng(1).normal(size=(n, 3)), *spectra, np.zeros((n, 3), bool)
        )


def test_survey_larger_than_a_block_and_stars_outside_the_hull():
    model = SlamModel(NAMES, settings(star_block=64)).fit(*toy(300, 0.03, 1))
    _, flux, ivar, mask = toy(1000, 0.03, 2)
    flux[7] = 3.0  # like no star
    fit = model.infer_labels(flux, ivar, mask)
    assert np.isfinite(fit.labels).all()
    assert fit.reduced_chi2[7] > 100 * np.median(fit.reduced_chi2)
    one = model.infer_labels(flux[:1], ivar[:1], mask[:1])
    assert (np.abs(one.labels - fit.labels[:1]) < 1e-3 * one.formal_error).all()


def test_any_number_of_labels():
    rng = np.random.default_rng(6)
    for count in (1, 6):
        labels = rng.uniform(-1, 1, (250, count))
        flux = 1 + 0.2 * np.tanh(labels @ rng.normal(size=(count, 60))) + 0.01 * rng.normal(size=(250, 60))
        model = SlamModel(tuple("abcdef"[:count]), settings())
        fit = model.fit(labels, flux, np.full(flux.shape, 1e4), np.zeros(flux.shape, bool)).infer_labels(
            flux[:30], np.full((30, 60), 1e4), np.zeros((30, 60), bool)
        )
        assert np.median(np.abs(fit.labels - labels[:30])) < 0.1


def test_information_sits_where_a_label_acts():
    rng = np.random.default_rng(7)
    labels = rng.uniform(-1, 1, (300, 2))
    flux = 1 + 0.1 * labels[:, :1] * np.ones(60) + 0.02 * rng.normal(size=(300, 60))
    flux[:, 20:24] += 0.2 * labels[:, 1:]
    flux[:, 50] = 0.5
    ivar = np.full(flux.shape, 2500.0)
    model = SlamModel(("everywhere", "one line"), settings()).fit(labels, flux, ivar, np.zeros(flux.shape, bool))
    wavelength = 6000.0 + 5.0 * np.arange(60)
    told = information(model, labels[:50], np.full(60, 1 / 2500.0))
    assert told.shape == (2, 60)
    assert told[1, 20:24].sum() > 0.8 * told[1].sum()
    assert told[:, 50].tolist() == [0.0, 0.0]
    report = json.loads(json.dumps(training_report(model, wavelength, told, apart_angstrom=20.0)))
    assert report["telling"]["one line"][0]["share"] > 0.8
    assert abs(report["telling"]["one line"][0]["angstrom"] - 6107.5) < 10
    assert report["unusable_pixels"] == 1
    assert len(report["telling"]["everywhere"]) > 3


def dimmed(n, seed):
    """Stars whose spectra differ in colour by a factor that is no label; levels differ tenfold with the first label."""
    labels, flux, *_ = toy(n, 1e-4, seed)
    rng = np.random.default_rng(seed + 100)
    factor = np.exp(0.3 * rng.normal(size=(n, 1)) * np.linspace(-1, 1, 40))
    flux = flux * 10 ** (0.5 * labels[:, :1]) * factor * (1 + 0.005 * rng.normal(size=flux.shape))
    return labels, flux, (0.005 * flux) ** -2.0, np.zeros(flux.shape, bool)


def test_softened_flux_comes_back_as_flux():
    training = dimmed(400, 1)
    model = SlamModel(NAMES, settings(flux_softening=0.1)).fit(*training)
    at = training[0][:20] * 0.8
    flux, jacobian = model.predict_flux_and_jacobian(at)
    assert np.allclose(flux, model.predict_flux(at))
    for d in range(3):
        step = 1e-4 * np.eye(3)[d]
        numeric = (model.predict_flux(at + step) - model.predict_flux(at - step)) / 2e-4
        assert np.allclose(jacobian[:, :, d], numeric, rtol=1e-3, atol=1e-4 * np.abs(jacobian).max())
    again = from_arrays(*to_arrays(model))
    assert np.array_equal(again.predict_flux(at), model.predict_flux(at))


def test_softened_flux_learns_factors_that_linear_flux_cannot():
    training, survey = dimmed(600, 1), dimmed(200, 2)
    scatter = {}
    for softening in (0.0, 0.1):
        model = SlamModel(NAMES, settings(flux_softening=softening, nuisance_modes=2)).fit(*training)
        scatter[softening] = np.std(model.infer_labels(*survey[1:]).labels - survey[0], axis=0)
    assert (scatter[0.1] < 0.5 * scatter[0.0]).all()


def test_masked_garbage_does_not_matter_on_the_softened_scale():
    training = dimmed(300, 1)
    model = SlamModel(NAMES, settings(flux_softening=0.1)).fit(*training)
    _, flux, ivar, mask = dimmed(5, 2)
    mask[:, 7] = True
    clean = model.infer_labels(flux, ivar, mask).labels
    flux[:, 7] = [np.nan, np.inf, -np.inf, 1e30, -1e30]
    assert np.array_equal(model.infer_labels(flux, ivar, mask).labels, clean)
