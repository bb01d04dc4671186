"""The robust scatter: equal to the standard deviation for normal samples, robust otherwise."""

import numpy as np
import pytest

from pipeline.domain.statistics import robust_scatter


def test_robust_scatter():
    values = np.random.default_rng(1).normal(3.0, 2.0, 50_000)
    assert robust_scatter(values) == pytest.approx(2.0, rel=0.02)
    values[:500], values[500:900] = 1e9, np.nan
    assert robust_scatter(values) == pytest.approx(2.0, rel=0.04)
    assert np.isnan(robust_scatter(np.full(3, np.nan)))
