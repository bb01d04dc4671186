"""Statistics of samples, their differences and fits beside pandas, scipy and simulated samples."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from scipy.optimize import curve_fit

from pipeline.science.quality import sample_statistics
from pipeline.science.quality.sample_fits import FitError, fit_gaussian, fit_line, running_median
from pipeline.science.quality.sample_statistics import (
    PERCENTS,
    Quantity,
    compare,
    summarise,
    two_sample_tests,
    weighted_mean,
)


@pytest.fixture
def giants(shared_data):
    """Real giants: [Fe/H] without errors, proper motions with errors, some values missing."""
    table = pd.read_csv(shared_data / "sgr_mgiants_slim.csv")
    table.loc[::17, "sgr_dr4.feh"] = np.nan
    return table


@pytest.fixture
def simulated():
    """Stars of two populations with errors, missing values and an infinite one."""
    rng = np.random.default_rng(7)
    n = 1500
    table = pd.DataFrame({"feh": rng.normal(-0.3, 0.2, n), "error": rng.uniform(0.02, 0.2, n)})
    table["far"] = np.arange(n) % 3 == 0
    table.loc[table.far, "feh"] -= 0.25
    table["feh"] += table.error * rng.normal(size=n)
    table.loc[::29, "feh"] = np.nan
    table.loc[5, "feh"] = np.inf
    table.loc[::31, "error"] = 0.0
    return table


def check_summary(summary, values):
    """Numbers of a sample beside pandas and scipy."""
    known = values.replace([np.inf, -np.inf], np.nan).dropna()
    assert (summary.stars, summary.known) == (len(values), known.size)
    assert summary.mean.value == pytest.approx(known.mean())
    assert summary.mean.error == pytest.approx(known.sem())
    assert summary.std == pytest.approx(known.std())
    assert summary.median.value == pytest.approx(known.median())
    assert summary.scatter.value == pytest.approx(1.4826 * stats.median_abs_deviation(known))
    assert summary.percentiles == pytest.approx(known.quantile([percent / 100 for percent in PERCENTS]).tolist())


def check_weighted(weighted, values, errors):
    known = np.isfinite(values) & np.isfinite(errors) & (errors > 0)
    v, w = values[known], 1.0 / errors[known] ** 2
    mean = np.average(v, weights=w)
    chi2 = float((w * (v - mean) ** 2).sum() / (v.size - 1))
    assert weighted.mean.value == pytest.approx(mean)
    assert weighted.mean.error == pytest.approx(np.sqrt(max(chi2, 1.0) / w.sum()))
    assert weighted.reduced_chi2 == pytest.approx(chi2)
    wider = 1.0 / (errors[known] ** 2 + weighted.excess**2)
    about = np.average(v, weights=wider)
    if weighted.excess > 0:
        assert (wider * (v - about) ** 2).sum() / (v.size - 1) == pytest.approx(1.0, rel=1e-6)


def check_compared(values, errors, first, second):
    """One comparison of disjoint samples beside scipy."""
    quantity = Quantity(values.to_numpy(), None if errors is None else errors.to_numpy())
    compared = compare(quantity, first.to_numpy(), second.to_numpy())
    check_summary(compared.first, values[first])
    check_summary(compared.second, values[second])
    left, right = (values[rows][np.isfinite(values[rows])] for rows in (first, second))
    assert compared.shared == 0
    assert compared.mean.value == pytest.approx(left.mean() - right.mean())
    assert compared.mean.error == pytest.approx(np.hypot(left.sem(), right.sem()))
    welch = stats.ttest_ind(left, right, equal_var=False).statistic
    assert compared.mean.sigma == pytest.approx(welch)
    ks, ad = stats.ks_2samp(left, right), stats.anderson_ksamp([left, right], variant="midrank")
    assert (compared.tests.ks, compared.tests.ks_p) == pytest.approx((ks.statistic, ks.pvalue))
    assert compared.tests.ad == pytest.approx(ad.statistic)
    assert compared.tests.ad_p == pytest.approx(np.clip(ad.pvalue, 0.001, 0.25))
    if errors is not None:
        check_weighted(compared.first.weighted, values[first].to_numpy(), errors[first].to_numpy())
        check_weighted(compared.second.weighted, values[second].to_numpy(), errors[second].to_numpy())
    return compared


@pytest.mark.shared
def test_real_giants_have_the_numbers_of_pandas_and_scipy(giants):
    far = giants["sgr_dr4.dist"] > giants["sgr_dr4.dist"].median()
    compared = check_compared(giants["sgr_dr4.feh"], None, far, ~far)
    assert compared.weighted is None
    assert compared.first.known < compared.first.stars
    check_compared(giants["pmra"], giants["pmra_error"], far, ~far)


def test_simulated_stars_have_the_numbers_of_pandas_and_scipy(simulated):
    compared = check_compared(simulated.feh, simulated.error, simulated.far, ~simulated.far)
    assert compared.median.value == pytest.approx(-0.25, abs=4 * compared.median.error)
    assert compared.median.sigma < -10


@pytest.mark.parametrize("statistic", ["median", "scatter"])
def test_bootstrap_errors_are_those_of_scipy(simulated, statistic):
    known = simulated.feh[np.isfinite(simulated.feh)].to_numpy()
    functions = {"median": np.median, "scatter": lambda x, axis: 1.4826 * stats.median_abs_deviation(x, axis=axis)}
    expected = stats.bootstrap((known,), functions[statistic], n_resamples=800, method="basic", rng=1)
    error = getattr(summarise(simulated.feh.to_numpy()), statistic).error
    assert error == pytest.approx(expected.standard_error, rel=0.2)
    assert error == getattr(summarise(simulated.feh.to_numpy()), statistic).error, "the same for the same values"


def test_quick_numbers_are_the_whole_ones_without_errors(simulated):
    quantity, far = Quantity(simulated.feh.to_numpy()), simulated.far.to_numpy()
    quick, whole = (compare(quantity, far, ~far, whole=which) for which in (False, True))
    assert quick.first.median.value == whole.first.median.value
    assert quick.first.scatter.value == pytest.approx(whole.first.scatter.value)
    assert quick.tests is None
    assert np.isnan(quick.median.error)
    assert quick.mean == whole.mean


@pytest.mark.parametrize("inside", [True, False])
def test_quick_numbers_of_large_samples_are_those_of_a_part_of_their_stars(monkeypatch, inside):
    monkeypatch.setattr(sample_statistics, "MAX_QUICK", 1500)
    rng = np.random.default_rng(8)
    values = rng.normal(2.0, 0.5, 20_000)
    values[::9] = np.nan
    quantity = Quantity(values, rng.uniform(0.2, 0.6, values.size))
    first, second = np.arange(values.size) < 15_500, np.ones(values.size, bool)
    if not inside:
        second[:6_000] = False
    quick, whole = (compare(quantity, first, second, whole=which) for which in (False, True))
    for part, exact in ((quick.first, whole.first), (quick.second, whole.second)):
        assert (part.stars, part.known) == (exact.stars, exact.known)
        assert part.mean.error == pytest.approx(exact.mean.error, rel=0.05)
        assert part.weighted.mean.error == pytest.approx(exact.weighted.mean.error, rel=0.05)
        drawn = np.sqrt(exact.stars / 1500)
        assert part.median.value == pytest.approx(exact.median.value, abs=5 * drawn * exact.median.error)
        assert part.median.value != exact.median.value
    assert quick.shared == whole.shared
    assert quick.mean.error == pytest.approx(whole.mean.error, rel=0.1)
    assert quick.weighted.error == pytest.approx(whole.weighted.error, rel=0.1)


@pytest.mark.parametrize("inside", [True, False])
def test_errors_of_differences_allow_for_shared_stars(inside):
    rng = np.random.default_rng(3)
    first, second = np.zeros(900, bool), np.ones(900, bool)
    first[:300] = True
    if not inside:
        second[:150] = False
    found = []
    for _ in range(150):
        compared = compare(Quantity(rng.normal(size=900), np.ones(900)), first, second)
        assert compared.shared == (300 if inside else 150)
        found.append([item.sigma for item in (compared.mean, compared.median, compared.scatter, compared.weighted)])
    assert np.std(found, axis=0) == pytest.approx(np.ones(4), abs=0.2)


def test_shared_stars_are_tested_in_the_smaller_sample_only():
    values = np.random.default_rng(1).normal(size=400)
    small, every = np.arange(400) < 100, np.ones(400, bool)
    tests = compare(Quantity(values), small, every).tests
    assert tests.drawn == (100, 300)
    assert tests.ks_p == pytest.approx(stats.ks_2samp(values[:100], values[100:]).pvalue)


def test_samples_that_cannot_be_tested():
    assert two_sample_tests(np.arange(4.0), np.arange(50.0)) is None
    assert two_sample_tests(np.ones(10), np.ones(10)) is None
    assert two_sample_tests(np.ones(10), np.zeros(10)).ks_p < 1e-4
    nothing = summarise(np.full(3, np.nan), np.ones(3))
    assert (nothing.stars, nothing.known, nothing.weighted) == (3, 0, None)
    single = summarise(np.array([2.0]), np.array([0.5]))
    assert (single.mean.value, single.weighted.mean.error) == (2.0, 0.5)
    assert np.isnan(single.std)
    assert weighted_mean(np.ones(3), np.zeros(3)) is None


def test_errors_that_account_for_the_scatter_leave_no_excess():
    rng = np.random.default_rng(5)
    errors = rng.uniform(0.5, 2.0, 500)
    assert weighted_mean(0.5 * errors * rng.normal(size=500), errors).excess == 0.0


# --- fits


def test_a_line_without_errors_is_that_of_least_squares(simulated):
    x = np.linspace(0.0, 5.0, len(simulated))
    y = simulated.feh.to_numpy() + 0.3 * x
    known = np.isfinite(y)
    expected = stats.linregress(x[known], y[known])
    line = fit_line(x, y)
    assert (line.slope.value, line.slope.error) == pytest.approx((expected.slope, expected.stderr))
    assert (line.intercept.value, line.intercept.error) == pytest.approx(
        (expected.intercept, expected.intercept_stderr)
    )
    assert line.slope.stars == known.sum()
    assert line.at(np.zeros(1))[1][0] == pytest.approx(line.intercept.error)


def test_a_line_with_errors_of_y_is_the_weighted_one():
    rng = np.random.default_rng(2)
    x, errors = rng.uniform(0.0, 10.0, 400), rng.uniform(0.1, 1.0, 400)
    y = 1.0 - 0.7 * x + errors * rng.normal(size=400) * 0.9
    line = fit_line(x, y, None, errors)
    (slope, intercept), covariance = curve_fit(lambda at, a, b: a * at + b, x, y, sigma=errors, absolute_sigma=True)
    assert line.scatter.value == 0.0
    assert (line.slope.value, line.intercept.value) == pytest.approx((slope, intercept), abs=1e-3)
    assert line.slope.error == pytest.approx(np.sqrt(covariance[0, 0]), rel=0.02)
    assert line.intercept.error == pytest.approx(np.sqrt(covariance[1, 1]), rel=0.02)


def test_errors_of_x_do_not_flatten_a_line():
    rng = np.random.default_rng(4)
    pulls, scatters = [], []
    for _ in range(40):
        true = rng.normal(3.0, 1.0, 300)
        x_errors, y_errors = rng.uniform(0.2, 0.8, 300), rng.uniform(0.1, 0.3, 300)
        y = 2.0 + 1.5 * true + 0.3 * rng.normal(size=300) + y_errors * rng.normal(size=300)
        line = fit_line(true + x_errors * rng.normal(size=300), y, x_errors, y_errors)
        pulls.append((line.slope.value - 1.5) / line.slope.error)
        scatters.append(line.scatter.value)
    assert abs(np.mean(pulls)) < 0.5
    assert np.std(pulls) == pytest.approx(1.0, abs=0.35)
    assert np.median(scatters) == pytest.approx(0.3, abs=0.05)


def test_a_gaussian_without_errors_is_that_of_scipy(simulated):
    known = simulated.feh[np.isfinite(simulated.feh)].to_numpy()
    gaussian = fit_gaussian(np.append(simulated.feh.to_numpy(), [50.0, -80.0]))
    assert (gaussian.mean.value, gaussian.sigma.value) == pytest.approx(stats.norm.fit(known))
    assert gaussian.left_out == 2
    at = np.linspace(-3.0, 3.0, 4001)
    assert np.trapezoid(gaussian.density(at), at) == pytest.approx(1.0, abs=1e-4)


def test_a_gaussian_with_errors_is_narrower_than_the_values():
    rng = np.random.default_rng(6)
    errors = rng.uniform(0.1, 0.6, 2000)
    gaussian = fit_gaussian(1.0 + 0.4 * rng.normal(size=2000) + errors * rng.normal(size=2000), errors)
    assert gaussian.sigma.value == pytest.approx(0.4, abs=4 * gaussian.sigma.error)
    assert gaussian.mean.value == pytest.approx(1.0, abs=4 * gaussian.mean.error)
    assert gaussian.widths.min() > gaussian.sigma.value
    blurred_only = fit_gaussian(errors * rng.normal(size=2000) * 0.5, errors)
    assert blurred_only.sigma.value == 0.0


@pytest.mark.shared
def test_running_medians_of_real_giants_are_those_of_pandas(giants):
    x, y = giants["sgr_dr4.dist"], giants["sgr_dr4.feh"]
    running = running_median(x.to_numpy(), y.to_numpy())
    known = pd.DataFrame({"x": x, "y": y}).dropna().sort_values("x", kind="stable")
    parts = [known.iloc[rows] for rows in np.array_split(np.arange(len(known)), running.at.size)]
    assert running.median == pytest.approx([part.y.median() for part in parts])
    assert running.at == pytest.approx([part.x.median() for part in parts])
    assert running.stars.sum() == len(known)
    errors = [stats.bootstrap((part.y,), np.median, n_resamples=500, method="basic", rng=1) for part in parts]
    ratio = running.error / [item.standard_error for item in errors]
    assert np.median(ratio) == pytest.approx(1.0, abs=0.12)


@pytest.mark.parametrize(
    ("fit", "words"),
    [
        (lambda: fit_line(np.arange(4.0), np.arange(4.0)), "A line takes 5 stars with both values; there are 4."),
        (lambda: fit_line(np.arange(9.0), np.arange(9.0), np.zeros(9)), "both values and their errors; there are 0."),
        (lambda: fit_line(np.ones(9), np.arange(9.0)), "All stars have the same x"),
        (lambda: fit_gaussian(np.ones(9)), "All 9 values are equal"),
        (lambda: fit_gaussian(np.full(9, np.nan)), "A Gaussian takes 5 stars with a value; there are 0."),
        (lambda: running_median(np.arange(9.0), np.arange(9.0)), "takes 20 stars with both values; there are 9."),
    ],
)
def test_fits_that_are_refused_say_why(fit, words):
    with pytest.raises(FitError, match=words.replace(".", r"\.")):
        fit()


def test_errors_of_x_that_account_for_its_spread_are_refused():
    rng = np.random.default_rng(9)
    with pytest.raises(FitError, match="errors of x account"):
        fit_line(0.01 * rng.normal(size=300), rng.normal(size=300), np.ones(300), np.ones(300))
