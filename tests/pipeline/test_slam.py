"""SLAM: labels to spectra and back; masks, bounds, failures, storage."""

import json
from dataclasses import replace

import numpy as np
import pytest

from pipeline.science.slam.model import SlamModel, SlamSettings, assign_folds, refit_star
from pipeline.science.slam.storage import from_arrays, to_arrays

NAMES = ("teff", "logg", "m_h")
QUICK = SlamSettings(c_grid=(1.0, 10.0), gamma_grid=(0.1,), threads=2)
LOW, HIGH = np.array([3200.0, -0.4, -1.5]), np.array([4300.0, 2.5, 0.5])


def toy_labels(n, seed):
    return LOW + (HIGH - LOW) * np.random.default_rng(seed).random((n, 3))


def toy_spectra(labels, sigma, seed):
    """Sixty pixels, each a smooth nonlinear function of the labels."""
    x = (labels - LOW) / (HIGH - LOW) * 2 - 1
    rng = np.random.default_rng(9)
    slopes, bend = rng.normal(size=(3, 60)), rng.normal(size=(3, 60))
    flux = 1 - 0.3 * np.tanh(x @ slopes) ** 2 - 0.1 * np.sin(x @ bend)
    noise = sigma * np.random.default_rng(seed).normal(size=flux.shape)
    return flux + noise, np.full(flux.shape, sigma**-2.0), np.zeros(flux.shape, bool)


@pytest.fixture(scope="module")
def training():
    labels = toy_labels(300, 1)
    return labels, *toy_spectra(labels, 0.01, 2)


@pytest.fixture(scope="module")
def model(training):
    return SlamModel(NAMES, QUICK).fit(*training)


def test_known_labels_are_recovered(model):
    truth = LOW + (HIGH - LOW) * (0.1 + 0.8 * np.random.default_rng(3).random((200, 3)))
    fit = model.infer_labels(*toy_spectra(truth, 0.01, 4))
    assert fit.converged.mean() > 0.99
    assert set(fit.reason[fit.converged]) == {"converged"}
    difference = (fit.labels - truth) / (HIGH - LOW)
    assert (1.4826 * np.median(np.abs(difference), axis=0) < 0.03).all()
    pulls = (fit.labels - truth) / fit.formal_error
    assert (1.4826 * np.median(np.abs(pulls), axis=0) > 0.5).all()
    assert (1.4826 * np.median(np.abs(pulls), axis=0) < 2.0).all()
    assert 0.5 < np.median(fit.reduced_chi2) < 1.5


def test_sigma_pixel_is_cross_validation_less_noise(training, model):
    noise = (1 / training[2]).mean(axis=0)
    floor = (model.settings.sigma_floor * model.flux_std_) ** 2
    assert np.allclose(model.sigma_pixel_**2, np.maximum(model.cv_mse_ - noise, floor))
    assert np.median(model.cv_mse_ / model.flux_std_**2) < 0.2
    assert (np.abs(model.cv_mean_deviation_) < 0.3 * np.sqrt(model.cv_mse_)).all()
    assert not np.array_equal(model.cv_mean_deviation_, model.cv_median_deviation_)


def test_jacobian_matches_finite_differences(model):
    at = toy_labels(5, 8)
    flux, jacobian = model.predict_flux_and_jacobian(at)
    assert jacobian.shape == (5, 60, 3)
    assert np.allclose(flux, model.predict_flux(at))
    for d, h in enumerate((0.1, 1e-4, 1e-4)):
        step = h * np.eye(3)[d]
        numeric = (model.predict_flux(at + step) - model.predict_flux(at - step)) / (2 * h)
        assert np.allclose(jacobian[:, :, d], numeric, rtol=1e-4, atol=1e-6 * np.abs(jacobian[:, :, d]).max())


def test_masked_training_pixels_have_no_influence(training):
    labels, flux, ivar, mask = training
    mask = mask.copy()
    mask[:40, 10:20] = True
    spoilt = np.where(mask, np.nan, flux)
    at = toy_labels(20, 5)
    one, other = (SlamModel(NAMES, QUICK).fit(labels, f, ivar, mask) for f in (flux, spoilt))
    assert np.array_equal(one.predict_flux(at), other.predict_flux(at))
    assert np.array_equal(one.sigma_pixel_, other.sigma_pixel_)


def test_masked_observed_pixels_have_no_influence(model):
    flux, ivar, mask = toy_spectra(toy_labels(20, 6), 0.01, 7)
    mask[:, ::3] = True
    fit = model.infer_labels(flux, ivar, mask)
    spoilt = model.infer_labels(np.where(mask, np.nan, flux), np.where(mask, np.nan, ivar), mask)
    assert np.array_equal(fit.labels, spoilt.labels)
    assert (fit.n_pixels == 40).all()


def test_duplicates_share_a_fold():
    groups = np.repeat(np.arange(40), 3)
    folds = assign_folds(120, 5, 1, groups)
    assert all(np.unique(folds[groups == star]).size == 1 for star in range(40))
    assert np.bincount(folds).tolist() == [24] * 5
    assert np.array_equal(folds, assign_folds(120, 5, 1, groups))
    assert not np.array_equal(folds, assign_folds(120, 5, 2, groups))


def test_stars_that_cannot_be_fitted_say_why(model):
    flux, ivar, mask = toy_spectra(toy_labels(4, 6), 0.01, 7)
    mask[0] = True
    mask[1, 2:] = True
    ivar[2] = 0
    fit = model.infer_labels(flux, ivar, mask)
    assert fit.reason.tolist() == ["no usable pixel", "fewer pixels than labels", "no usable pixel", "converged"]
    assert np.isnan(fit.labels[:3]).all()
    assert np.isfinite(fit.labels[3]).all()
    assert not fit.converged[:3].any()
    assert model.infer_labels(flux[:0], ivar[:0], mask[:0]).labels.shape == (0, 3)


def test_labels_stay_in_the_training_range_and_say_so(training, model):
    truth = toy_labels(30, 11)
    truth[:, 0] = 4500.0
    fit = model.infer_labels(*toy_spectra(truth, 0.01, 12))
    known = np.isfinite(fit.labels).all(axis=1)
    assert (fit.labels[known] >= training[0].min(axis=0)).all()
    assert (fit.labels[known] <= training[0].max(axis=0)).all()
    assert fit.at_bound.any()
    assert np.isfinite(fit.formal_error[fit.at_bound.any(axis=1)]).all()


def test_constant_and_masked_pixels_are_flagged(training):
    labels, flux, ivar, mask = (part.copy() for part in training)
    flux[:, 5] = 0.7
    mask[:, 6] = True
    model = SlamModel(NAMES, QUICK).fit(labels, flux, ivar, mask)
    assert np.flatnonzero(~model.usable_pixel_).tolist() == [5, 6]
    assert np.isinf(model.sigma_pixel_[[5, 6]]).all()
    assert np.allclose(model.predict_flux(labels[:3])[:, 5], 0.7)
    fit = model.infer_labels(flux[:5], ivar[:5], np.zeros_like(mask[:5]))
    assert (fit.n_pixels == 58).all()
    assert np.isfinite(fit.ln_posterior).all()


def test_stored_model_gives_the_same_answers(model):
    arrays, metadata = to_arrays(model)
    assert not any(values.dtype.hasobject for values in arrays.values())
    again = from_arrays(arrays, json.loads(json.dumps(metadata)))
    spectra = toy_spectra(toy_labels(10, 6), 0.01, 7)
    one, other = model.infer_labels(*spectra), again.infer_labels(*spectra)
    assert np.array_equal(one.labels, other.labels)
    assert again.settings == model.settings
    assert again.training_fingerprint_ == model.training_fingerprint_
    with pytest.raises(ValueError, match="Build the products again"):
        from_arrays(arrays, metadata | {"format_version": 99})
    with pytest.raises(ValueError, match="lacks coefficients"):
        from_arrays({k: v for k, v in arrays.items() if k != "coefficients"}, metadata)


def test_refit_with_fixed_labels(model):
    truth = LOW + (HIGH - LOW) * np.array([[0.4, 0.5, 0.6]])
    flux, ivar, mask = (part[0] for part in toy_spectra(truth, 0.005, 7))
    free = refit_star(model, flux, ivar, mask)
    fixed = refit_star(model, flux, ivar, mask, {1: float(truth[0, 1])})
    assert fixed.labels[0, 1] == truth[0, 1]
    assert fixed.formal_error[0, 1] == 0
    assert fixed.formal_error[0, 0] <= free.formal_error[0, 0] * 1.05
    assert abs(fixed.labels[0, 0] - truth[0, 0]) < 40
    every = refit_star(model, flux, ivar, mask, dict(enumerate(truth[0])))
    assert np.array_equal(every.labels, truth)
    assert every.chi2[0] >= free.chi2[0]
    with pytest.raises(ValueError, match="training range"):
        refit_star(model, flux, ivar, mask, {0: 9999.0})


def test_without_never_sees_the_rows_left_out(training, model):
    labels, flux, ivar, mask = training
    out = np.arange(300) < 60
    spoilt = flux.copy()
    spoilt[out] = 50.0
    one, other = (model.without(out, f, ivar, mask) for f in (flux, spoilt))
    assert np.array_equal(one.predict_flux(labels), other.predict_flux(labels))
    assert len(one.expansion_.support) == 240


def test_block_size_and_threads_change_nothing(model):
    spectra = toy_spectra(toy_labels(30, 6), 0.01, 7)
    whole = model.infer_labels(*spectra)
    model.settings = replace(QUICK, star_block=7, threads=1)
    parts = model.infer_labels(*spectra)
    model.settings = QUICK
    assert (np.abs(whole.labels - parts.labels) < 1e-3 * whole.formal_error).all()


def test_progress_ends_at_one(training):
    seen = []
    SlamModel(NAMES, QUICK).fit(*(part[:60] for part in training), progress=seen.append)
    assert seen == sorted(seen)
    assert seen[-1] == pytest.approx(1.0)


def spoil(training, what):
    labels, flux, ivar, mask = (part.copy() for part in training)
    if what == "label":
        labels[3, 1] = np.nan
    elif what == "flux":
        flux[3, 1] = np.nan
    elif what == "ivar":
        ivar[3, 1] = -1
    elif what == "pixels":
        ivar = ivar[:, 1:]
    elif what == "columns":
        labels = labels[:, :2]
    elif what == "stars":
        labels, flux, ivar, mask = (part[:3] for part in (labels, flux, ivar, mask))
    elif what == "rows":
        labels = labels[1:]
    elif what == "flat":
        labels[:, 2] = 0.0
    return labels, flux, ivar, mask


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ("label", "logg"),
        ("flux", "flux that is not finite"),
        ("ivar", "negative"),
        ("pixels", "shapes"),
        ("columns", "one column for each"),
        ("stars", "lower n_folds"),
        ("rows", "one spectrum a row"),
        ("flat", "same m_h"),
    ],
)
def test_bad_training_sets_are_named(training, what, message):
    with pytest.raises(ValueError, match=message):
        SlamModel(NAMES, QUICK).fit(*spoil(training, what))


@pytest.mark.parametrize(
    "change", [{"engine": "magic"}, {"c_grid": ()}, {"gamma_grid": (-1,)}, {"n_folds": 1}, {"final_iterations": 60}]
)
def test_bad_settings_are_refused(change):
    with pytest.raises(ValueError, match=next(iter(change)) if "engine" not in change else "choose one of"):
        SlamSettings(**change)


def test_spectra_of_another_grid_are_refused(model):
    with pytest.raises(ValueError, match="rebin"):
        model.infer_labels(*(np.zeros((2, 50)) for _ in range(3)))
