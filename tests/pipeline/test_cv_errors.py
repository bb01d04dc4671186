"""The paper's label errors: scatter at a star's S/N, independent of its formal error."""

import json

import numpy as np
import pytest

from pipeline.config import ConfigError, LabelConfig, RunConfig, load_config
from pipeline.science.labels.cv_errors import scatter_errors
from pipeline.science.labels.error_model import ErrorModel


def test_errors_are_the_root_mean_square_at_the_stars_s_n():
    rng = np.random.default_rng(1)
    snr = rng.uniform(20, 200, 4000)
    sigma = np.stack([2000.0 / snr, 0.1 + 3.0 / snr], axis=1)
    difference = sigma * rng.standard_normal((4000, 2)) + (10.0, 0.0)
    model = scatter_errors(("teff", "logg"), difference, snr)
    at = np.array([30.0, 60.0, 150.0])
    found = model.apply(np.ones((3, 2)), at)
    np.testing.assert_allclose(found[:, 0], np.hypot(2000.0 / at, 10.0), rtol=0.12)
    np.testing.assert_allclose(found[:, 1], 0.1 + 3.0 / at, rtol=0.12)
    np.testing.assert_array_equal(found, model.apply(np.full((3, 2), 99.0), at))
    assert np.isnan(model.apply(np.array([[np.nan, 1.0]]), at[:1])).tolist() == [[True, False]]


def test_few_stars_have_one_error_and_none_are_refused():
    model = scatter_errors(("teff",), np.array([[3.0], [-3.0]]), np.array([40.0, 50.0]))
    np.testing.assert_allclose(model.apply(np.ones((2, 1)), np.array([10.0, 500.0])), 3.0)
    with pytest.raises(ValueError, match="found none"):
        scatter_errors(("teff",), np.full((4, 1), np.nan), np.full(4, 30.0))


def test_the_errors_are_stored_and_restored():
    model = scatter_errors(("teff",), np.arange(90.0)[:, None], np.linspace(20.0, 90.0, 90))
    again = ErrorModel.from_dict(json.loads(json.dumps(model.to_dict())))
    at = np.array([25.0, 50.0])
    np.testing.assert_array_equal(again.total(np.ones((2, 1)), at), model.total(np.ones((2, 1)), at))


def test_paper_exact_is_the_papers():
    exact = load_config("paper-exact")
    labels, distance = exact.labels, exact.distance
    assert len(labels.c_grid) * len(labels.gamma_grid) * len(labels.epsilon_grid) == 27
    assert (labels.folds, labels.min_snr, labels.max_training_stars) == (10, 50.0, 3670)
    assert (labels.engine, labels.errors, labels.nuisance_modes, labels.prior) == ("slam", "cv-scatter", 0, "flat")
    assert (labels.max_teff_error_k, labels.max_logg_error_dex) == (20.0, 0.1)
    assert (labels.max_m_h_error_dex, labels.max_alpha_m_error_dex) == (0.1, 0.05)
    assert (distance.ages, distance.isochrone_age_gyr, distance.spectral_colour) == ("single", 3.0, False)
    assert (exact.velocity.templates, exact.velocity.apply_zero_points) == ("synthetic", False)
    assert (exact.velocity.first_angstrom, exact.velocity.last_angstrom) == (8000.0, 8950.0)
    assert exact.kinematics.frame == "paper"
    assert exact.input == load_config("paper").input


def test_another_formula_is_refused():
    with pytest.raises(ConfigError, match=r"labels\.errors"):
        RunConfig("x", labels=LabelConfig(errors="guess"))
