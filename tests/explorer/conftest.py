"""Products that the explorer's tests share."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from products_factory import make_products

from explorer.model.library import Library, open_library


@pytest.fixture(scope="session")
def product_directory(tmp_path_factory) -> Path:
    return make_products(tmp_path_factory.mktemp("products") / "invented", n_stars=400)


@pytest.fixture(scope="session")
def library(product_directory) -> Library:
    return open_library(product_directory)


@pytest.fixture
def table(library):
    return library.table
