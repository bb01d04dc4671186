"""Comparisons of the catalogue with other values: pairs, differences, trends, Figure 4."""

import numpy as np
import pytest
from comparison_factory import REPORT, N

from explorer.model.comparisons import REPEATS, TRUTH, Pair, differences, error_curves, pairs_of, trend


def test_what_can_be_compared_is_offered(compared, library):
    keys = [(pair.name, pair.origin) for pair in pairs_of(compared)]
    assert ("teff", "reference labels") in keys
    assert ("distance", "parallaxes") in keys
    assert ("teff", REPEATS) in keys
    assert ("teff", TRUTH) in keys
    assert ("distance", TRUTH) not in keys
    assert ("rv", "Gaia") not in keys
    assert pairs_of(library) == ()


def test_differences_are_ours_less_the_other_with_both_errors(compared):
    found = differences(compared, Pair("teff", "teff_ref", "reference labels"))
    assert found.rows.tolist() == list(range(30, N))
    assert found.difference == pytest.approx(10.0, abs=1e-3)
    assert found.error == pytest.approx(50.0)
    assert found.scores()["bias"] == pytest.approx(10.0, abs=1e-3)
    assert found.beyond(5.0).size == 0
    assert found.beyond(0.1).size == found.rows.size


def test_distances_are_compared_as_fractions(compared):
    found = differences(compared, Pair("distance", "distance_geo", "parallaxes"))
    assert found.difference == pytest.approx(0.2, abs=1e-5)
    # half of 20 % of ours, over the other: 0.12; a tenth of the other from the parallax
    assert found.error == pytest.approx(np.hypot(0.12, 0.1), rel=1e-4)


def test_a_sample_restricts_the_stars(compared):
    sample = compared.table["in_training"]
    assert differences(compared, Pair("teff", "teff_ref", "reference labels"), sample).rows.tolist() == list(
        range(30, 50)
    )


def test_truth_is_found_by_obsid_whatever_its_order(compared):
    assert differences(compared, Pair("teff", "", TRUTH)).difference == pytest.approx(-7.0, abs=1e-3)


def test_repeats_compare_observations_of_one_star(compared):
    found, teff = differences(compared, Pair("teff", "", REPEATS)), compared.table["teff"].astype(float)
    assert found.rows.tolist() == [4, 5, 199]
    assert found.difference == pytest.approx([teff[4] - teff[5], teff[5] - teff[100], teff[199] - teff[200]])
    assert found.error == pytest.approx(30.0 * np.sqrt(2.0))


def test_a_trend_follows_the_differences():
    rng = np.random.default_rng(1)
    x = rng.uniform(0, 10, 4000)
    found = trend(x, 3.0 * x + rng.normal(0, 1, x.size))
    assert found.median == pytest.approx(3.0 * found.at, abs=0.5)
    assert np.all(np.diff(found.at) > 0)
    assert np.median(found.high - found.low) == pytest.approx(2 * np.hypot(1.0, 3 * 10 / 14 / np.sqrt(12)), rel=0.2)


@pytest.mark.parametrize("values", [np.zeros(3), np.full(500, np.nan)])
def test_too_few_stars_have_no_trend(values):
    assert trend(values, np.zeros(values.size)) is None


def test_figure_4_leaves_empty_bins_out():
    held, injected = error_curves(REPORT, "logg")
    assert (held.snr.tolist(), held.scatter.tolist(), held.bias.tolist()) == ([60.0], [0.2], [0.1])
    assert (injected.snr.tolist(), injected.scatter.tolist()) == ([10.0], [0.4])
    assert error_curves(REPORT, "rv") == ()
    assert error_curves({}, "teff") == ()
