"""Evidence of oddness: specific response of each piece, and ranking by all."""

import numpy as np
import pytest

from pipeline.domain.wavelength import log_grid
from pipeline.science.quality.oddness import (
    conditional_distance,
    joint_oddness,
    neighbour_distance,
    relative_to_like,
    repeat_pull,
    tail_log_probability,
)
from pipeline.science.quality.scoring import interval_coverage, score_choice, score_ranking, score_values
from pipeline.science.spectra.line_tests import emission_pattern, significance, sky_lines, sky_pattern
from pipeline.science.spectra.residuals import ResidualModel, second_velocity

N = 400
GRID = log_grid(6000.0, 6800.0)


@pytest.fixture
def rng():
    return np.random.default_rng(4)


def test_joint_oddness_ranks_the_odd_first_says_why_and_survives_missing_evidence(rng):
    first, second = np.abs(rng.normal(size=(2, 300)))
    first[42], second[7] = 9.0, 12.0
    second[10] = np.nan
    score, reason = joint_oddness({"first": first, "second": second, "none": np.full(300, np.nan)})
    assert set(np.argsort(-score)[:2]) == {42, 7}
    assert (reason[42], reason[7]) == ("first", "second")
    assert np.isfinite(score).all()
    with pytest.raises(ValueError, match="at least one"):
        joint_oddness({})


def test_one_loud_piece_is_not_drowned_by_many_silent_ones(rng):
    silent = {f"silent {k}": np.abs(rng.normal(size=N)) for k in range(20)}
    loud = np.abs(rng.normal(size=N))
    loud[3] = 8.0
    score, reason = joint_oddness({**silent, "loud": loud})
    assert np.argmax(score) == 3
    assert reason[3] == "loud"


def test_a_tail_is_not_bent_by_a_few_per_cent_of_oddities(rng):
    values = np.abs(rng.normal(size=2000))
    values[0] = 6.0
    alone = tail_log_probability(values)[0]
    values[1:60] = rng.uniform(5.0, 30.0, 59)
    assert tail_log_probability(values)[0] == pytest.approx(alone, rel=0.15)
    assert np.isnan(tail_log_probability(np.array([1.0, np.nan]))).all()


def test_conditional_distance_follows_curves_and_finds_who_leaves_them(rng):
    given = rng.normal(size=(N, 2))
    values = np.stack([given[:, 0] ** 2 + given[:, 1], 2.0 * given[:, 0]], axis=1) + 0.1 * rng.normal(size=(N, 2))
    values[5, 0] += 1.5
    values[9, 1] = np.nan
    given[11, 0] = np.nan
    distance = conditional_distance(values, given)
    assert np.nanargmax(distance) == 5
    assert distance[5] > 8
    assert np.isfinite(distance[9])
    assert np.isnan(distance[11])
    assert 0.7 < np.nanmedian(distance) < 1.1
    assert np.isnan(conditional_distance(values[:20], given[:20])).all()


def test_like_is_compared_with_like(rng):
    condition = rng.uniform(0, 3, N)
    values = np.exp(condition) * np.abs(rng.normal(size=N))
    ratio = relative_to_like(values, condition)
    low, high = np.median(ratio[condition < 1]), np.median(ratio[condition > 2])
    assert high / low == pytest.approx(1.0, abs=0.3)
    assert np.isnan(relative_to_like(np.full(N, np.nan), condition)).all()


def test_neighbour_distance_does_not_count_the_star_itself(rng):
    reference = rng.normal(size=(200, 3))
    distance = neighbour_distance(np.concatenate([reference, [[8.0, 8.0, 8.0], [np.nan, 0, 0]]]), reference)
    assert (distance[:200] > 0).all()
    assert distance[200] > 3 * distance[:200].max()
    assert np.isnan(distance[201])


def test_repeats_that_disagree():
    star = np.array([0, 0, 0, 1, 1, 2])
    values, errors = np.array([10.0, 10.1, 13.0, 5.0, 5.0, 1.0]), np.full(6, 0.1)
    pull = repeat_pull(star, values, errors)
    assert np.argmax(np.nan_to_num(pull)) == 2
    assert pull[3] == 0.0
    assert np.isnan(pull[5])


def spectra(rng, n=200):
    model = np.ones((n, GRID.size))
    for at in (6130.0, 6300.0, 6500.0, 6563.0, 6700.0):
        model -= 0.4 * np.exp(-0.5 * ((GRID - at) / 4.0) ** 2)
    ivar = np.full(model.shape, 1e4)
    pattern = np.sin(GRID / 90.0)
    flux = model + 0.01 * rng.normal(size=model.shape) + 0.02 * rng.normal(size=(n, 1)) * pattern
    return model, flux, ivar


def test_residuals_forgive_shared_patterns_and_cosmic_rays_but_not_features(rng):
    model, flux, ivar = spectra(rng)
    flux[0, 300:305] += 0.06
    flux[1, 300] += 0.5
    flux[2, 100:160] += 0.02
    ivar[3, 200:400] = 0.0
    behaviour = ResidualModel.learn((flux - model)[20:], ivar[20:])
    judged = behaviour.judge(flux - model, ivar)
    assert np.argmax(judged["narrow"]) == 0
    assert np.argmax(judged["broad"]) == 2
    assert judged["narrow"][1] < 0.75 * judged["narrow"][0]
    assert np.isfinite(judged["narrow"][3])


def test_a_second_velocity_is_seen(rng):
    model, flux, ivar = spectra(rng)
    flux[0] = 0.6 * model[0] + 0.4 * np.roll(model[0], 3) + 0.01 * rng.normal(size=GRID.size)
    behaviour = ResidualModel.learn((flux - model)[20:], ivar[20:])
    gain = second_velocity(flux - model, model, behaviour.weight(ivar))
    assert np.argmax(gain) == 0
    assert gain[0] > 3 * np.percentile(gain, 95)


def test_emission_and_sky_answer_to_their_own_lines_only(rng):
    wavelength = log_grid(6400.0, 8950.0)
    residual, weight = 0.01 * rng.normal(size=(5, wavelength.size)), np.full((5, wavelength.size), 1e4)
    residual[0] += 0.1 * emission_pattern(wavelength)
    velocity = np.array([0.0, 150.0, -80.0, 0.0, 0.0])
    residual[1] += 0.03 * sky_lines(wavelength * (1 + 150.0 / 299792.458))
    sky = sky_pattern(wavelength, velocity, np.ones(residual.shape))
    emission, night = significance(residual, weight, emission_pattern(wavelength)), significance(residual, weight, sky)
    assert np.argmax(emission) == 0
    assert np.argmax(night) == 1
    assert emission[0] > 8
    assert night[1] > 8
    assert np.abs(emission[1:]).max() < 4
    assert np.abs(night[[0, 2, 3, 4]]).max() < 4
    assert (sky_pattern(wavelength, velocity, np.zeros(residual.shape)) == 0).all()


def test_scores_of_values(rng):
    true, error = rng.normal(size=5000), np.full(5000, 0.1)
    scored = score_values(true + 0.05 + 0.1 * rng.normal(size=5000), true, error)
    assert scored["bias"] == pytest.approx(0.05, abs=0.01)
    assert scored["pull_scatter"] == pytest.approx(1.0, abs=0.05)
    assert scored["within_2_sigma"] == pytest.approx(0.93, abs=0.03)
    assert score_values(np.full(3, np.nan), true[:3]) == {"stars": 0}
    covered = interval_coverage(true - 1, true + 2, true + 0.5 * rng.normal(size=5000))
    assert covered["below"] == pytest.approx(0.023, abs=0.01)
    assert covered["below"] + covered["within"] + covered["above"] == pytest.approx(1.0)


def test_scores_of_a_choice_and_of_a_ranking():
    chosen, real = np.array([True, True, False, False]), np.array([True, False, True, False])
    assert score_choice(chosen, real) == {"real": 2, "chosen": 2, "completeness": 0.5, "purity": 0.5}
    score, wanted = np.array([3.0, 1.0, np.nan, 2.0]), np.array([True, False, False, False])
    assert score_ranking(score, wanted, 0.25) == {"stars": 1, "auc": 1.0, "seen": 1, "found": 1, "recall": 1.0}
    assert score_ranking(-score, wanted, 0.25)["auc"] == pytest.approx(1 / 3)
    assert np.isnan(score_ranking(score, np.zeros(4, bool))["auc"])
