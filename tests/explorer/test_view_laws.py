"""Every view obeys the laws of views."""

import numpy as np
import pytest

from explorer.charts.view_specs import SPECS
from explorer.model.library import Library, open_library
from explorer.model.table import StarTable
from pipeline.domain.columns import column
from tests.laws.corner_laws import CornerLaws
from tests.laws.view_laws import ViewLaws, names_of


@pytest.fixture(scope="module")
def library(product_directory):
    """The invented catalogue with values for every view, and some stars without a value in each column."""
    found = open_library(product_directory)
    frame = found.products.catalog.table.copy()
    for name in sorted({name for view in SPECS for name in names_of(view)} - set(frame)):
        low, high = (0.0 if end is None else end for end in (column(name).low, column(name).high))
        frame[name] = np.linspace(low, high if low < high else low + 1.0, len(frame), dtype=np.float32)
    rng = np.random.default_rng(5)
    for name in frame.select_dtypes("float32"):
        frame.loc[rng.random(len(frame)) < 0.02, name] = np.float32(np.nan)
    return Library(found.products, StarTable.from_frame(frame))


class TestEveryView(ViewLaws):
    """Planes, maps and histograms."""


class TestCornerPlot(CornerLaws):
    """Corner plots of the first columns and of six."""
