"""Direct and joint label engines, and errors that depend on the labels."""

import dataclasses
import json

import numpy as np
import pandas as pd
import pytest

from pipeline.config import LabelConfig, RunConfig, load_config
from pipeline.domain.flags import QualityFlag
from pipeline.products.models import read_model, write_model
from pipeline.products.product import verify
from pipeline.products.spectra import SpectrumStore
from pipeline.science.labels.calibration import Relatives, out_of_fold_labels
from pipeline.science.labels.compression import Compression
from pipeline.science.labels.direct import DirectModel, DirectSettings, direct_from_arrays, direct_to_arrays
from pipeline.science.labels.error_model import ErrorModel, coverage
from pipeline.science.labels.joint import JointModel
from pipeline.science.labels.networks import NoisyFeatures
from pipeline.science.labels.trend import LabelTrend
from pipeline.science.slam.storage import from_arrays
from pipeline.stages.items import engine_columns
from pipeline.stages.runner import build
from pipeline.stages.state import BuildState
from pipeline.stages.training import drawn_stars, training_sample

NAMES = ("a", "b")
QUICK = DirectSettings(networks=2, components=8, hidden=(24,), penalty=1e-3, epochs=150)


def toy(n, sigma=0.03, seed=1, pixels=40):
    rng = np.random.default_rng(seed)
    labels = rng.uniform(-1, 1, (n, 2))
    slopes = np.random.default_rng(5).normal(size=(2, pixels))
    flux = 1 - 0.3 * np.tanh(labels @ slopes) + sigma * rng.normal(size=(n, pixels))
    return labels, flux, np.full(flux.shape, sigma**-2.0), np.zeros(flux.shape, bool)


@pytest.fixture(scope="module")
def trained():
    training = toy(300)
    return training, DirectModel(NAMES, QUICK).fit(*training)


def test_compressed_spectra_lack_what_is_masked_and_nothing_else():
    _, flux, ivar, mask = toy(200)
    model = Compression.fit(flux, ivar, ~mask, 6)
    whole = model.coefficients(flux, ivar, ~mask)
    assert whole[:, :2].std(axis=0) == pytest.approx(np.ones(2), abs=0.1)  # these rule; the rest is little but noise
    assert np.abs(np.cov(whole.T) - np.diag(np.var(whole, axis=0))).max() < 0.1
    mask[:, ::4] = True
    spoilt = np.where(mask, 1e6, flux)
    partly = model.coefficients(spoilt, ivar, ~mask)
    assert np.array_equal(partly, model.coefficients(np.where(mask, np.nan, flux), ivar, ~mask))
    assert np.corrcoef(partly[:, 0], whole[:, 0])[0, 1] > 0.98
    filled = model.coefficients(np.where(mask, model.mean, flux), ivar, np.ones_like(mask))  # what silent filling does
    assert np.abs(partly - whole)[:, 0].mean() < 0.5 * np.abs(filled - whole)[:, 0].mean()
    nothing = model.coefficients(flux[:1], ivar[:1], np.zeros((1, 40), bool))
    assert np.abs(nothing).max() == 0


def test_a_pixel_that_no_star_has_carries_nothing():
    _, flux, ivar, mask = toy(60)
    mask[:, 7] = True
    model = Compression.fit(flux, ivar, ~mask, 4)
    one = model.coefficients(flux, ivar, np.ones_like(mask))
    flux[:, 7] += 100.0
    assert np.array_equal(one, model.coefficients(flux, ivar, np.ones_like(mask)))


def test_networks_learn_labels_and_ignore_masked_values(trained):
    _, model = trained
    labels, flux, ivar, mask = toy(200, seed=9)
    fit = model.infer_labels(flux, ivar, mask)
    assert np.sqrt(np.mean((fit.labels - labels) ** 2)) < 0.08
    mask[:, 5:15] = True
    mask[0] = True
    spoilt = np.where(mask, 1e3, flux)
    part = model.infer_labels(spoilt, ivar, mask)
    assert np.isnan(part.labels[0]).all()
    assert np.sqrt(np.mean((part.labels[1:] - labels[1:]) ** 2)) < 0.11
    assert np.array_equal(part.labels[1:], model.infer_labels(flux, ivar, mask).labels[1:])


def test_the_same_seed_gives_the_same_networks_with_any_number_of_threads(trained, monkeypatch):
    training, model = trained
    monkeypatch.setattr("pipeline.science.labels.networks.available_threads", lambda _: 1)
    again = DirectModel(NAMES, QUICK).fit(*training)
    assert all(np.array_equal(a, b) for a, b in zip(model.networks_.weights, again.networks_.weights, strict=True))
    other = DirectModel(NAMES, dataclasses.replace(QUICK, seed=1)).fit(*training)
    assert not np.array_equal(model.networks_.weights[0], other.networks_.weights[0])


def test_out_of_fold_networks_have_not_seen_the_star_nor_its_repeats():
    doubled = [np.concatenate([part, part]) for part in toy(60)]
    groups = np.tile(np.arange(60), 2)
    model = DirectModel(NAMES, dataclasses.replace(QUICK, epochs=9)).fit(*doubled, groups=groups)
    out = np.isin(groups, [3, 8])
    blind = model.without(out, *doubled[1:])
    features, targets, kept = model._training
    features.levels[0][out] = targets[out] = 1e3
    again = model.without(out, *doubled[1:])
    assert all(np.array_equal(a, b) for a, b in zip(blind.networks_.weights, again.networks_.weights, strict=True))
    targets[5] = 1e3  # one that it sees
    assert not np.array_equal(blind.networks_.weights[0], model.without(out, *doubled[1:]).networks_.weights[0])
    assert np.array_equal(kept[:60], kept[60:])


def test_other_spectra_of_a_training_star_are_judged_by_the_model_without_it():
    training = toy(60)
    model = DirectModel(NAMES, dataclasses.replace(QUICK, epochs=9)).fit(*training)
    relatives = Relatives(np.arange(5), *(part[:5] for part in training[1:]))
    fit, others = out_of_fold_labels(model, *training[1:], n_folds=4, relatives=relatives)
    assert np.allclose(others.labels, fit.labels[:5], rtol=1e-12)
    assert not np.allclose(model.infer_labels(*(part[:5] for part in training[1:])).labels, others.labels)


def test_noise_levels_are_mixed_star_by_star():
    levels = tuple(np.full((500, 1), float(level)) for level in range(3))
    features = NoisyFeatures(levels, tuple(level[:, 0] for level in levels))
    drawn, weights = features.mixed(np.random.default_rng(2))
    assert set(np.unique(drawn)) == {0.0, 1.0, 2.0}
    assert np.array_equal(drawn[:, 0], weights)


def test_networks_are_stored_as_arrays_and_json(trained, tmp_path):
    (_, flux, ivar, mask), model = trained
    arrays, metadata = direct_to_arrays(model)
    write_model(tmp_path, arrays, {"direct": metadata})
    found, document = read_model(tmp_path)
    again = direct_from_arrays(found, document["direct"])
    before, after = (one.infer_labels(flux, ivar, mask) for one in (model, again))
    assert np.array_equal(before.labels, after.labels)
    assert np.array_equal(before.formal_error, after.formal_error)
    with pytest.raises(ValueError, match="fit it anew"):
        again.without(np.arange(300) < 10, flux, ivar, mask)
    with pytest.raises(ValueError, match="direct_bias_0"):
        direct_from_arrays({k: v for k, v in arrays.items() if k != "direct_bias_0"}, metadata)
    with pytest.raises(ValueError, match="format 9"):
        direct_from_arrays(arrays, metadata | {"format_version": 9})


def test_errors_follow_the_labels():
    rng = np.random.default_rng(4)
    n = 4000
    labels = rng.uniform(-1, 1, (n, 2))
    snr = np.exp(rng.uniform(np.log(20), np.log(200), n))
    sigma = np.column_stack([0.1 * np.exp(-0.9 * labels[:, 0]), np.full(n, 0.2)]) * (50 / snr[:, None]) ** 0.5
    difference = sigma * rng.normal(size=(n, 2))
    formal = np.full((n, 2), 0.02)
    errors = ErrorModel(NAMES).fit(difference, formal, snr, labels=labels)
    published = errors.apply(formal, snr, labels)
    plain = ErrorModel(NAMES).fit(difference, formal, snr).apply(formal, snr)
    third = np.digitize(labels[:, 0], np.quantile(labels[:, 0], [1 / 3, 2 / 3]))
    for part in range(3):
        pulls = difference[third == part] / published[third == part]
        for label in range(2):
            inner, outer = coverage(pulls[:, label])
            assert abs(inner - 0.683) < 0.03
            assert abs(outer - 0.954) < 0.02
    assert coverage((difference / plain)[third == 0, 0])[0] < 0.6
    again = ErrorModel.from_dict(json.loads(json.dumps(errors.to_dict())))
    assert np.array_equal(again.apply(formal, snr, labels), published)
    with pytest.raises(ValueError, match="give the inferred labels"):
        again.apply(formal, snr)


def test_wide_tails_have_a_wider_outer_interval_and_bias_is_part_of_the_error():
    rng = np.random.default_rng(6)
    n = 20_000
    difference = 0.3 * np.column_stack([rng.standard_t(3, n), 1.0 + rng.normal(size=n)])
    formal, snr = np.full((n, 2), 0.1), np.exp(rng.uniform(np.log(20), np.log(200), n))
    errors = ErrorModel(NAMES).fit(difference, formal, snr)
    pulls = difference / errors.apply(formal, snr)
    for label in range(2):
        assert coverage(pulls[:, label], errors.tail_[label]) == pytest.approx((0.683, 0.954), abs=0.01)
    assert errors.tail_[0] > 2.4
    assert coverage(pulls[:, 0])[1] < 0.93
    old = {name: values for name, values in errors.to_dict().items() if name != "tail"}
    assert ErrorModel.from_dict(old).tail_.tolist() == [2.0, 2.0]


def test_the_pull_to_the_mean_is_divided_between_true_and_inferred_values():
    rng = np.random.default_rng(7)
    true = rng.normal(size=(4000, 2))
    seen = true + rng.normal(0, 0.6, size=true.shape)
    found = seen / 1.36  # the regression of true on seen values: right on average at each inferred value
    snr, error = np.full(4000, 50.0), np.full(true.shape, 0.5)
    better = LabelTrend.balanced(found, true, snr, error, 1).corrected(found, snr)
    assert np.array_equal(better[:, 0], found[:, 0])
    low = true[:, 1] < -1.2
    before, after = (np.median((labels - true)[low, 1]) for labels in (found, better))
    assert 0.25 * before < after < 0.7 * before
    assert np.array_equal(LabelTrend.none(2).corrected(found, snr), found)


def two_estimates(n=6000, seed=8):
    rng = np.random.default_rng(seed)
    common = rng.normal(size=(n, 2))
    first = 0.2 * (0.5 * common + np.sqrt(0.75) * rng.normal(size=(n, 2)))
    second = 0.1 * (0.5 * common + np.sqrt(0.75) * rng.normal(size=(n, 2)))
    return first, np.full((n, 2), 0.2), second, np.full((n, 2), 0.1)


def test_two_estimates_combine_to_a_better_one_with_the_error_it_has():
    first, first_error, second, second_error = two_estimates()
    low, high = np.full(2, -5.0), np.full(2, 5.0)
    model = JointModel.fit(first / first_error, second / second_error, low, high)
    assert model.correlation[0, 2] == pytest.approx(0.25, abs=0.05)
    both = model.combine(first, first_error, second, second_error)
    assert both.labels.std() < min(first.std(), second.std())
    assert both.labels.std() == pytest.approx(both.formal_error.mean(), rel=0.05)
    assert np.sqrt(np.mean(both.disagreement**2)) == pytest.approx(1.0, abs=0.05)
    again = JointModel.from_dict(json.loads(json.dumps(model.to_dict())))
    assert np.array_equal(again.combine(first, first_error, second, second_error).labels, both.labels)


def test_one_estimate_alone_is_taken_and_a_large_difference_is_seen():
    first, first_error, second, second_error = (part.copy() for part in two_estimates())
    model = JointModel.fit(first / first_error, second / second_error, np.full(2, -0.5), np.full(2, 0.5))
    first[0], second[1], first[2], second[2] = np.nan, np.nan, np.nan, np.nan
    first[3] = second[3] + 2.0
    both = model.combine(first, first_error, second, second_error)
    assert np.array_equal(both.labels[0], second[0])
    assert np.array_equal(both.labels[1], first[1])
    assert np.isnan(both.labels[2]).all()
    assert np.isnan(both.disagreement[:3]).all()
    assert both.disagreement[3] > 5
    assert np.abs(both.labels[3:]).max() <= 0.5
    with pytest.raises(ValueError, match="3 stars have both estimates"):
        JointModel.fit(first[3:6], second[3:6], np.full(2, -0.5), np.full(2, 0.5))


def test_a_trend_with_the_inferred_labels_is_taken_off():
    rng = np.random.default_rng(3)
    n = 3000
    true = rng.normal(size=(n, 2))
    snr = np.exp(rng.uniform(np.log(20), np.log(200), n))
    found = true + 0.1 * rng.normal(size=(n, 2))
    found[:, 0] += 0.3 * np.tanh(found[:, 0]) - 0.1
    difference = found - true
    difference[:60, 1] += 5.0  # a few wrong references
    trend = LabelTrend.fit(difference, found, snr, np.full((n, 2), 0.1))
    better = LabelTrend.from_dict(json.loads(json.dumps(trend.to_dict()))).corrected(found, snr)
    third = np.digitize(found[:, 0], np.quantile(found[:, 0], [1 / 3, 2 / 3]))
    for part in range(3):
        assert abs(np.median((better - true)[third == part, 0])) < 0.04
    assert max(abs(np.median(difference[third == part, 0])) for part in range(3)) > 0.15
    assert np.abs(np.median(better[:, 1] - true[:, 1])) < 0.02
    few = LabelTrend.fit(difference[:50], found[:50], snr[:50], np.full((50, 2), 0.1))
    assert len(few.coefficients) == 1


def test_no_star_is_divided_between_training_and_judging(tmp_path):
    groups = np.repeat(np.arange(30), np.tile([1, 2, 3], 10))
    chosen = drawn_stars(groups, 25, 1)
    assert chosen.sum() == 25
    assert not set(groups[chosen]) & set(groups[~chosen])
    assert np.array_equal(chosen, drawn_stars(groups, 25, 1))
    assert not np.array_equal(chosen, drawn_stars(groups, 25, 2))
    labels = dict.fromkeys(("teff_ref", "logg_ref", "m_h_ref", "alpha_m_ref"), 1.0)
    table = pd.DataFrame({**labels, "snr": np.full(groups.size, 80.0), "star": groups})
    config = RunConfig("groups", labels=dataclasses.replace(LabelConfig(), max_training_stars=25))
    rows = training_sample(BuildState(config, tmp_path, tmp_path, table)).rows
    assert not set(groups[rows]) & set(np.delete(groups, rows))


JOINT = """
name = "joint"
[input]
kind = "mock"
n_stars = 130
n_training = 90
seed = 7
[spectra]
first_angstrom = 8300.0
last_angstrom = 8950.0
[labels]
engine = "joint"
networks = 2
spectrum_components = 12
c_grid = [10.0]
gamma_grid = [0.1]
folds = 2
out_of_fold_models = 2
min_snr = 30.0
"""
OTHER_STAGES = ("distance", "phase space", "actions", "quantiles", "stream coordinates", "stream", "maps")


@pytest.fixture(scope="module")
def joint(tmp_path_factory):
    folder = tmp_path_factory.mktemp("joint")
    (folder / "joint.toml").write_text(JOINT)
    config = load_config(str(folder / "joint.toml"))
    build(config, folder / "products", quiet=True, checkpoints=False, without=OTHER_STAGES)
    return config, folder / "products"


def test_a_joint_product_carries_both_estimates_and_evaluates_a_star_again(joint):
    config, directory = joint
    table = pd.read_parquet(directory / "catalog.parquet")
    names = config.labels.names
    assert verify(directory) == []
    arrays, metadata = read_model(directory)
    document = metadata["direct"]
    slam, direct = from_arrays(arrays, metadata), direct_from_arrays(arrays, document)
    training = table["in_training"].to_numpy(bool)
    fresh = ~np.isin(table["star"], table["star"][training])
    store = SpectrumStore(directory)
    rows = store.rows(table["obsid"].to_numpy())[fresh]
    snr = table["snr"].to_numpy(float)[fresh]
    low, high = slam.label_low_, slam.label_high_
    labels, totals = [], []
    for engine, model, stored in (("slam", slam, metadata["errors"]), ("direct", direct, document["errors"])):
        fit, errors = model.infer_labels(*store.pixels(rows)), ErrorModel.from_dict(stored)
        trend = LabelTrend.from_dict(metadata["joint"]["trend_of_slam"] if engine == "slam" else document["trend"])
        better = np.clip(trend.corrected(fit.labels, snr), low, high)
        own = fit.labels if engine == "slam" else better
        found = table.loc[fresh, list(engine_columns(engine, names))].to_numpy(float)
        assert own == pytest.approx(found[:, :4], rel=1e-5, abs=1e-5, nan_ok=True)
        error = errors.apply(fit.formal_error, snr, own)
        assert error == pytest.approx(found[:, 4:], rel=1e-4, nan_ok=True)
        labels.append(better)
        totals.append(errors.total(fit.formal_error, snr, own))
    both = JointModel.from_dict(metadata["joint"]).combine(labels[0], totals[0], labels[1], totals[1])
    published = table.loc[fresh, list(names)].to_numpy(float)
    combined = LabelTrend.from_dict(metadata["joint"]["trend"]).corrected(both.labels, snr)
    assert np.clip(combined, low, high) == pytest.approx(published, rel=1e-5, abs=1e-5, nan_ok=True)
    assert both.disagreement == pytest.approx(table.loc[fresh, "label_disagreement"].to_numpy(float), rel=1e-4)
    drawn = slam.predict_flux(slam.infer_labels(*store.pixels(rows)).labels)  # what the screen shows is SLAM's own fit
    assert np.nanmax(np.abs(store.models(rows) - drawn)[:, slam.usable_pixel_]) < 1e-4
    apart = table["label_disagreement"].to_numpy(float)
    flagged = (table["quality"].to_numpy() & int(QualityFlag.ENGINES_DISAGREE)) > 0
    assert apart[flagged].min(initial=np.inf) > apart[training & ~flagged].max()


def test_the_report_of_a_joint_product_judges_each_engine(joint):
    _, directory = joint
    report = json.loads((directory / "report.json").read_text())
    assert set(report["labels_by_engine"]) == {"slam", "direct", "joint"}
    assert report["labels"] == report["labels_by_engine"]["joint"]
    errors = json.loads((directory / "model" / "model.json").read_text())["metadata"]["joint"]["errors"]
    assert report["label_contradictions"] == errors["contradictions"]
