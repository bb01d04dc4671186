"""A complete product directory: opened for the explorer, or verified against the contract."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.products.catalog import REJECT_COLUMNS, Catalog, read_rejects
from pipeline.products.catalog_file import CATALOG_NAME
from pipeline.products.correlations import read_correlations
from pipeline.products.disk import link_or_copy
from pipeline.products.identity import check_identity, identity_breaches, row_fingerprint, with_identity
from pipeline.products.manifest import (
    IDENTITY_KEY,
    MANIFEST_NAME,
    Identity,
    Manifest,
    ProductError,
    damaged,
    file_sha256,
    manifest_is_unchanged,
    product_files,
)
from pipeline.products.maps import DiscMap, read_maps
from pipeline.products.marked_parquet import is_simulated, read_marked
from pipeline.products.models import MODEL_DIR, read_model
from pipeline.products.overlays import OVERLAY_COLUMNS, read_overlays
from pipeline.products.spectra import SPECTRA_DIR, SpectrumStore
from pipeline.products.versions import current_version, fresh_draft, locked, publish

REPORT_NAME = "report.json"
TRUTH_NAME = "truth.parquet"
VALIDATION_NAME = "validation.json"
REPRODUCTION_NAME = "reproduction/report.json"


@dataclass(frozen=True)
class Products:
    """Published results of a build, opened read-only and shared by all visitors.

    Parameters
    ----------
    directory : Path
        The version of the product: its files stay together when the product is replaced.
    manifest : Manifest
        What made it.
    rejects : pandas.DataFrame
        What could not be used, and why.
    spectra : SpectrumStore or None
        Spectra by obsid; None for catalogues from tables alone.
    maps : tuple of DiscMap
        Disc maps, empty when there were no velocities.
    overlays : dict of str to pandas.DataFrame
        Reference curves by name.
    report : dict
        Measured summary of the build: bias and scatter of labels, velocity comparison, counts.
    validation : dict
        Comparison of a simulated catalogue with its truth; empty until it was made.
    """

    directory: Path
    manifest: Manifest
    rejects: pd.DataFrame
    spectra: SpectrumStore | None
    maps: tuple[DiscMap, ...]
    overlays: dict[str, pd.DataFrame]
    report: dict[str, Any]
    validation: dict[str, Any]

    @cached_property
    def catalog(self) -> Catalog:
        """The catalogue, read and validated at first use; ProductError if it violates the contract."""
        return Catalog.read(self.directory)

    @cached_property
    def truth(self) -> pd.DataFrame | None:
        """True values of a simulated catalogue, by obsid; None if unknown."""
        return read_truth(self.directory)

    @classmethod
    def open(cls, directory: Path) -> Products:
        """Open a product directory.

        Raises
        ------
        ProductError
            If it is none, a part is missing or damaged, or its files belong to several builds.
        """
        directory = current_version(directory)
        manifest = Manifest.read(directory)
        check_identity(directory, manifest)
        validated = (directory / VALIDATION_NAME).is_file()
        return cls(
            directory=directory,
            manifest=manifest,
            rejects=read_rejects(directory),
            spectra=SpectrumStore(directory) if SpectrumStore.exists(directory) else None,
            maps=read_maps(directory),
            overlays=read_overlays(directory),
            report=read_document(directory / REPORT_NAME),
            validation=read_document(directory / VALIDATION_NAME) if validated else {},
        )


def read_truth(directory: Path) -> pd.DataFrame | None:
    """Read the true values of a simulated catalogue, by obsid; None if unknown.

    Raises
    ------
    ProductError
        If the file is damaged.
    """
    path = directory / TRUTH_NAME
    return read_marked(path, ("obsid",)).set_index("obsid") if path.is_file() else None


def read_document(path: Path) -> dict[str, Any]:
    """Read a JSON object without its build identity."""
    try:
        document = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise damaged(path, error) from error
    if not isinstance(document, dict):
        raise ProductError(f"{path} holds no JSON object. Build the products again.")
    return {name: value for name, value in document.items() if name != IDENTITY_KEY}


def publish_validation(directory: Path, validated: Path, document: Mapping[str, Any]) -> None:
    """Publish a version of a product with a validation; NaN becomes null.

    Parameters
    ----------
    directory : Path
        Product directory.
    validated : Path
        The version that was validated, from :func:`~pipeline.products.versions.current_version`.
    document : mapping
        The validation.

    Raises
    ------
    ProductError
        If the product is being written, or was replaced since.
    """

    def contents(identity: Identity | None) -> dict[str, bytes]:
        content = _without_nan(document)
        if identity is not None:
            content = with_identity(content, identity)
        text = json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False)
        return {VALIDATION_NAME: f"{text}\n".encode()}

    publish_added(directory, validated, VALIDATION_NAME, contents, "validation")


def publish_added(
    directory: Path,
    judged: Path,
    replaced: str,
    contents: Callable[[Identity | None], Mapping[str, bytes]],
    what: str,
) -> None:
    """Publish a version of a product with further files; all others stay as they are.

    Parameters
    ----------
    directory : Path
        Product directory.
    judged : Path
        The version that the files are about, from :func:`~pipeline.products.versions.current_version`.
    replaced : str
        Start of the names of earlier files that these replace.
    contents : callable
        Takes the identity of the build, which JSON files carry, and returns the files by name.
    what : str
        Name of the work for messages.

    Raises
    ------
    ProductError
        If the product is being written, or was replaced since.
    """
    with locked(directory) as (place, lock):
        current = current_version(place)
        if not current.samefile(judged):
            raise ProductError(f"{directory} was built again during the {what}. Give the same command again.")
        manifest = Manifest.read(current)
        draft = fresh_draft(place)
        for name in product_files(current):
            if not name.startswith(replaced):
                (draft / name).parent.mkdir(parents=True, exist_ok=True)
                link_or_copy(current / name, draft / name)
        sums = {name: value for name, value in manifest.files.items() if not name.startswith(replaced)}
        for name, data in contents(manifest.identity).items():
            path = draft / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
            sums[name] = file_sha256(path)
        replace(manifest, files=sums).write(draft)
        publish(place, draft, lock)


def _without_nan(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _without_nan(part) for name, part in value.items()}
    return None if isinstance(value, float) and np.isnan(value) else value


def verify(directory: Path) -> list[str]:
    """Check a product directory against the contract and its checksums.

    Returns
    -------
    list of str
        A sentence for each breach; empty when all is well.
    """
    return list(dict.fromkeys(_breaches(directory)))


def _breaches(directory: Path) -> Iterator[str]:
    try:
        directory = current_version(directory)
        manifest = Manifest.read(directory)
    except ProductError as error:
        yield str(error)
        return
    if not manifest_is_unchanged(directory):
        yield f"{MANIFEST_NAME} differs from its own checksum: it was damaged or edited. Build the products again."
    yield from _checksum_breaches(directory, manifest)
    yield from identity_breaches(directory, manifest)
    for breaches_of in _PARTS:
        try:
            yield from breaches_of(directory, manifest)
        except ProductError as error:
            yield str(error)


def _checksum_breaches(directory: Path, manifest: Manifest) -> Iterator[str]:
    result = product_files(directory)
    for name in sorted(set(manifest.files) - set(result)):
        yield f"{name} is listed in {MANIFEST_NAME} and missing."
    for name in result:
        try:
            if name not in manifest.files:
                yield f"{name} is not listed in {MANIFEST_NAME}."
            elif file_sha256(directory / name) != manifest.files[name]:
                yield f"{name} differs from the checksum in {MANIFEST_NAME}."
        except OSError as error:
            yield str(damaged(directory / name, error))


def _catalogue_breaches(directory: Path, manifest: Manifest) -> Iterator[str]:
    if manifest.simulated and not manifest.simulated_note:
        yield "The manifest says simulated without saying what is."
    if manifest.simulated and not is_simulated(directory / CATALOG_NAME):
        yield f"{CATALOG_NAME} is not marked as simulated, the manifest is."
    catalog = Catalog.read(directory)
    obsid = catalog.table["obsid"].to_numpy()
    if manifest.rows and row_fingerprint(obsid) != manifest.rows:
        yield f"{CATALOG_NAME} holds other rows, or another order, than the build of {MANIFEST_NAME}."
    if SpectrumStore.exists(directory):
        yield from _spectra_breaches(SpectrumStore(directory), obsid, manifest)


def _spectra_breaches(spectra: SpectrumStore, obsid: NDArray[np.int64], manifest: Manifest) -> Iterator[str]:
    strangers = np.setdiff1d(spectra.obsid, obsid)
    if strangers.size:
        yield f"{strangers.size} spectra have no row in the catalogue (first: obsid {strangers[0]})."
    if np.unique(spectra.obsid).size != spectra.obsid.size:
        yield f"The store in {SPECTRA_DIR}/ holds an obsid twice."
    if spectra.simulated != manifest.simulated:
        yield "The spectrum store and the manifest disagree on what is simulated."


def _rejects_breaches(directory: Path, _manifest: Manifest) -> Iterator[str]:
    columns = tuple(read_rejects(directory).columns)
    if columns != REJECT_COLUMNS:
        yield f"The rejects table has columns {columns}, expected {REJECT_COLUMNS}."


def _overlay_breaches(directory: Path, _manifest: Manifest) -> Iterator[str]:
    for name, frame in read_overlays(directory).items():
        if tuple(frame.columns) != OVERLAY_COLUMNS[name]:
            yield f"Overlay {name} has columns {tuple(frame.columns)}, expected {OVERLAY_COLUMNS[name]}."


def _reading(read: Callable[[Path], object]) -> Callable[[Path, Manifest], Iterator[str]]:
    """Violations that are found only by reading a part."""

    def breaches(directory: Path, _manifest: Manifest) -> Iterator[str]:
        read(directory)
        yield from ()

    return breaches


def _read_documents(directory: Path) -> None:
    read_document(directory / REPORT_NAME)
    for name in (VALIDATION_NAME, REPRODUCTION_NAME):
        if (directory / name).is_file():
            read_document(directory / name)


def _read_store_if_any(directory: Path) -> None:
    if SpectrumStore.exists(directory):
        SpectrumStore(directory)


def _read_model_if_any(directory: Path) -> None:
    if (directory / MODEL_DIR).is_dir():
        read_model(directory)


_PARTS = (
    *(_catalogue_breaches, _rejects_breaches, _overlay_breaches),
    *(
        _reading(read)
        for read in (_read_documents, _read_store_if_any, read_truth, read_maps, read_correlations, _read_model_if_any)
    ),
)
"""Parts of a product, which are checked independently."""
