"""The products of one directory, opened once a process and shared read-only by all visitors."""

from __future__ import annotations

import weakref
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import lru_cache, partial, wraps
from pathlib import Path
from threading import RLock
from typing import Any, Concatenate, ParamSpec, TypeVar

import pandas as pd

from explorer.model.checked_files import CheckedFiles, manifest_hash
from explorer.model.label_model import open_label_model
from explorer.model.mapped import LARGE, columns_folder, forget_columns, mapped_table
from explorer.model.table import StarTable
from pipeline.domain.frames import configured_frame
from pipeline.products.catalog import read_catalog
from pipeline.products.catalog_file import CATALOG_NAME, CatalogFile
from pipeline.products.correlations import Correlations, read_correlations
from pipeline.products.manifest import Manifest, ProductError
from pipeline.products.product import TRUTH_NAME, Products
from pipeline.products.spectra import FILE_NAMES, SPECTRA_DIR
from pipeline.products.versions import current_version
from pipeline.science.star.refit import LabelModel, RefitError

MAX_KEPT = 4
"""Number of directories whose newest library stays open without a page."""

_P = ParamSpec("_P")
_R = TypeVar("_R")


@dataclass(frozen=True, eq=False)
class Library:
    """Products and their star table; compared by identity, so that derived data can be cached.

    Everything in it is of one build, however the directory changes: it is in memory, or its file stays open.

    Parameters
    ----------
    products : Products
        The published products.
    table : StarTable
        Its stars as arrays.
    label_model : LabelModel or None
        For refits; None where the build trained none.
    no_model : str
        Why the label model cannot be used; "" where it can, or there is none.
    correlations : Correlations or None
        CCFs of the stars with a doubtful velocity.
    files : CheckedFiles, optional
        State of the file checks.
    kept : dict
        Cached results, see :func:`kept_by_library`.
    place : tuple of (Path, Path or None), optional
        Directory and cache that they were opened from; another process opens the same there.
    base : Library, optional
        The shared library, where this one has the table of one visitor.
    """

    products: Products
    table: StarTable
    label_model: LabelModel | None = None
    no_model: str = ""
    correlations: Correlations | None = None
    files: CheckedFiles | None = None
    kept: dict[Any, Any] = field(default_factory=dict, repr=False)
    place: tuple[Path, Path | None] | None = None
    base: Library | None = None

    def with_table(self, table: StarTable) -> Library:
        """The same products with the table of one visitor; what is cached is of the shared table."""
        return replace(self, table=table, base=self.base or self)

    @property
    def r0_kpc(self) -> float:
        """Distance of the Sun from the Galactic centre in kpc, of the build's frame, else of the paper's."""
        kinematics = self.products.manifest.configuration.get("kinematics", {"frame": "paper"})
        return configured_frame(kinematics["frame"], kinematics.get("custom_frame", {})).r0_kpc

    def demand_unchanged(self) -> None:
        """Refuse to read the directory again if it contains another build.

        Raises
        ------
        ProductError
            Naming the first file that changed.
        """
        if self.files is not None:
            self.files.demand_unchanged()

    @property
    def truth(self) -> pd.DataFrame | None:
        """True values of a simulated catalogue, by obsid; None if unknown.

        Raises
        ------
        ProductError
            If the file was changed before it was read for the first time.
        """
        known = "truth" in self.products.__dict__
        result = self.products.truth
        if result is not None and not known and self.files is not None:
            try:
                self.files.demand_unchanged(TRUTH_NAME)
            except ProductError:
                del self.products.__dict__["truth"]
                raise
        return result


def kept_by_library(
    most: int,
) -> Callable[[Callable[Concatenate[Library, _P], _R]], Callable[Concatenate[Library, _P], _R]]:
    """Cache results of a function of a library, its first argument, while the library is open.

    Parameters
    ----------
    most : int
        Results that are kept for each library, those that were used last.
    """

    def decorate(function: Callable[Concatenate[Library, _P], _R]) -> Callable[Concatenate[Library, _P], _R]:
        @wraps(function)
        def keeping(library: Library, /, *args: _P.args, **kwargs: _P.kwargs) -> _R:
            library = library.base or library
            if function not in library.kept:
                library.kept[function] = lru_cache(most)(partial(function, library))
            made: _R = library.kept[function](*args, **kwargs)
            return made

        return keeping

    return decorate


def load_library(directory: Path, cache: Path | None = None) -> Library:
    """Open a product directory and check its files against the manifest, large ones in the background.

    Parameters
    ----------
    directory : Path
        Product directory, or a link to it.
    cache : Path, optional
        Folder of memory-mapped columns of large catalogues; without one they are in memory.

    Raises
    ------
    ProductError
        If it cannot be opened, is damaged, or changes meanwhile.
    """
    directory = current_version(directory).resolve()
    manifest = Manifest.read(directory)
    files = CheckedFiles(directory, manifest, (CATALOG_NAME, *(f"{SPECTRA_DIR}/{name}" for name in FILE_NAMES)))
    products, file = Products.open(directory), CatalogFile(directory / CATALOG_NAME)
    files.hold((file.opened, *(products.spectra.files if products.spectra is not None else ())))
    forget: Callable[[], None] | None = None
    if cache is not None and len(file) > LARGE:
        table = mapped_table(file, manifest, cache)
        forget = partial(forget_columns, columns_folder(file, manifest, cache))
    else:
        table = StarTable.from_frame(read_catalog(file, own=False).table, file.own, file)
    model, no_model = _label_model(directory) if products.spectra is not None else (None, "")
    library = Library(products, table, model, no_model, read_correlations(directory), files, place=(directory, cache))
    if len(file) <= LARGE:
        _ = library.truth  # later the file may be of another build
    files.demand_unchanged()
    files.start(forget)
    return library


def _label_model(directory: Path) -> tuple[LabelModel | None, str]:
    """The label model, and the reason if there is none."""
    try:
        return open_label_model(directory), ""
    except RefitError as error:
        return None, str(error)


_OPEN: weakref.WeakValueDictionary[tuple[Path, str, Path | None], Library] = weakref.WeakValueDictionary()
_NEWEST: OrderedDict[tuple[Path, Path | None], Library] = OrderedDict()
_TURN = RLock()


def open_library(directory: Path, cache: Path | None = None) -> Library:
    """Open a product directory as :func:`load_library`, or return the open library of the same build.

    A library is known by its directory and the hash of its manifest: after another build there is another one.

    Raises
    ------
    ProductError
        If it cannot be opened.
    """
    with _TURN:
        version = current_version(directory).resolve()
        key = (version, manifest_hash(version), cache)
        library = _OPEN.get(key)
        if library is None or (library.files is not None and library.files.damage):
            library = load_library(directory, cache)
            _OPEN[key] = library
        _NEWEST[directory, cache] = library
        _NEWEST.move_to_end((directory, cache))
        while len(_NEWEST) > MAX_KEPT:
            _NEWEST.popitem(last=False)
        return library


def forget_libraries() -> None:
    """Close the libraries that no page shows."""
    with _TURN:
        _NEWEST.clear()
        _OPEN.clear()
