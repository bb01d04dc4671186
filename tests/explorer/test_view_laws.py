"""Every view obeys the laws of views."""

import numpy as np
import pytest

from explorer.model.library import Library, open_library
from explorer.model.table import StarTable
from tests.laws.view_laws import ViewLaws


class TestEveryView(ViewLaws):
    """The invented catalogue, with energies, and some stars without a value in each column."""

    @pytest.fixture(scope="class")
    @classmethod
    def library(cls, product_directory):
        found = open_library(product_directory)
        frame = found.products.catalog.table.copy()
        frame["energy"] = np.linspace(-2e5, 0.0, len(frame), dtype=np.float32)
        rng = np.random.default_rng(5)
        for name in frame.select_dtypes("float32"):
            frame.loc[rng.random(len(frame)) < 0.02, name] = np.float32(np.nan)
        return Library(found.products, StarTable.from_frame(frame))
