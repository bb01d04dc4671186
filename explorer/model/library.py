"""The products of one directory, opened once a process and shared read-only by all visitors."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from explorer.model.mapped import LARGE, mapped_table
from explorer.model.table import StarTable
from pipeline.domain.frames import configured_frame
from pipeline.products.catalog import catalog_length, read_catalog
from pipeline.products.catalog_file import CATALOG_NAME, CatalogFile
from pipeline.products.release import Products


@dataclass(frozen=True, eq=False)
class Library:
    """Products and the table made of them; equal to itself alone, so that what is made of it can be kept.

    Parameters
    ----------
    products : Products
        What was published.
    table : StarTable
        Its stars as arrays.
    place : tuple of (Path, Path or None), optional
        Directory and cache that they were opened from; another process opens the same there.
    """

    products: Products
    table: StarTable
    place: tuple[Path, Path | None] | None = None

    @property
    def r0_kpc(self) -> float:
        """How far the Sun is from the Galactic centre, in kpc: of the build's frame, else of the paper's."""
        kinematics = self.products.manifest.configuration.get("kinematics", {"frame": "paper"})
        return configured_frame(kinematics["frame"], kinematics.get("custom_frame", {})).r0_kpc


def load_library(directory: Path, cache: Path | None = None) -> Library:
    """Open a product directory.

    Parameters
    ----------
    directory : Path
        Product directory.
    cache : Path, optional
        Where the columns of large catalogues are kept; without one they are held in memory.

    Raises
    ------
    ProductError
        If it cannot be opened.
    """
    products = Products.open(directory)
    if cache is not None and catalog_length(directory) > LARGE:
        return Library(products, mapped_table(directory, products.manifest, cache), (directory, cache))
    file = CatalogFile(directory / CATALOG_NAME)
    declared = read_catalog(file, own=False)
    return Library(products, StarTable.from_frame(declared.table, file.own, file), (directory, cache))


@lru_cache(maxsize=4)
def open_library(directory: Path, cache: Path | None = None) -> Library:
    """Open a product directory as :func:`load_library`, or hand back the one that this process holds open."""
    return load_library(directory, cache)
