"""The products of one directory, opened once a process and shared read-only by all visitors."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from explorer.model.table import StarTable
from pipeline.products.release import Products


@dataclass(frozen=True)
class Library:
    """Products and the table made of them.

    Parameters
    ----------
    products : Products
        What was published.
    table : StarTable
        Its stars as arrays.
    """

    products: Products
    table: StarTable


@lru_cache(maxsize=4)
def open_library(directory: Path) -> Library:
    """Open a product directory, or hand back the one that this process holds open.

    Raises
    ------
    ProductError
        If it cannot be opened; failures are not remembered.
    """
    products = Products.open(directory)
    return Library(products, StarTable.from_catalog(products.catalog))
