"""A whole product directory: opened for the explorer, or verified against the contract."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from pipeline.products.catalog import REJECT_COLUMNS, Catalog, read_rejects
from pipeline.products.catalog_file import CATALOG_NAME
from pipeline.products.manifest import MANIFEST_NAME, Manifest, ProductError, checksums, file_sha256
from pipeline.products.maps import DiscMap, read_maps
from pipeline.products.marked_parquet import is_simulated
from pipeline.products.models import MODEL_DIR, read_model
from pipeline.products.overlays import OVERLAY_COLUMNS, read_overlays
from pipeline.products.spectra import SPECTRA_DIR, SpectrumStore

REPORT_NAME = "report.json"
TRUTH_NAME = "truth.parquet"
VALIDATION_NAME = "validation.json"


@dataclass(frozen=True)
class Products:
    """Everything that a build published, opened read-only and shared by all visitors.

    Parameters
    ----------
    directory : Path
        Where it lies.
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
        """The stars, read and validated when they are first asked for; ProductError when they break the contract."""
        return Catalog.read(self.directory)

    @cached_property
    def truth(self) -> pd.DataFrame | None:
        """What was put into a simulated catalogue, by obsid; None where nothing is known."""
        path = self.directory / TRUTH_NAME
        return pd.read_parquet(path).set_index("obsid") if path.is_file() else None

    @classmethod
    def open(cls, directory: Path) -> Products:
        """Open a product directory.

        Raises
        ------
        ProductError
            If it is none, or a part is missing or damaged.
        """
        manifest = Manifest.read(directory)
        try:
            rejects = read_rejects(directory)
            report = json.loads((directory / REPORT_NAME).read_text("utf-8"))
            validated = (directory / VALIDATION_NAME).is_file()
            validation = json.loads((directory / VALIDATION_NAME).read_text("utf-8")) if validated else {}
        except (OSError, ValueError) as error:
            raise ProductError(f"{directory} is incomplete ({error}). Build the products again.") from error
        return cls(
            directory=directory,
            manifest=manifest,
            rejects=rejects,
            spectra=SpectrumStore(directory) if SpectrumStore.exists(directory) else None,
            maps=read_maps(directory),
            overlays=read_overlays(directory),
            report=report,
            validation=validation,
        )


def publish_validation(directory: Path, document: Mapping[str, Any]) -> None:
    """Write a validation beside the products, and its checksum into their manifest; NaN becomes null."""
    path = directory / VALIDATION_NAME
    text = json.dumps(_without_nan(document), indent=1, ensure_ascii=False, allow_nan=False)
    path.write_text(f"{text}\n", encoding="utf-8")
    manifest = Manifest.read(directory)
    replace(manifest, files={**manifest.files, VALIDATION_NAME: file_sha256(path)}).write(directory)


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
    return list(_breaches(directory))


def _breaches(directory: Path) -> Iterator[str]:
    try:
        manifest = Manifest.read(directory)
    except ProductError as error:
        yield str(error)
        return
    yield from _checksum_breaches(directory, manifest)
    try:
        products = Products.open(directory)
        yield from _consistency_breaches(products)
    except ProductError as error:
        yield str(error)
        return
    yield from _model_breaches(directory)


def _checksum_breaches(directory: Path, manifest: Manifest) -> Iterator[str]:
    found = checksums(directory)
    for path, expected in manifest.files.items():
        if path not in found:
            yield f"{path} is listed in {MANIFEST_NAME} and missing."
        elif found[path] != expected:
            yield f"{path} differs from the checksum in {MANIFEST_NAME}."
    for path in sorted(set(found) - set(manifest.files)):
        yield f"{path} is not listed in {MANIFEST_NAME}."


def _consistency_breaches(products: Products) -> Iterator[str]:
    catalog, spectra = products.catalog.table, products.spectra
    if tuple(products.rejects.columns) != REJECT_COLUMNS:
        yield f"The rejects table has columns {tuple(products.rejects.columns)}, expected {REJECT_COLUMNS}."
    if products.manifest.simulated and not products.manifest.simulated_note:
        yield "The manifest says simulated without saying what is."
    if spectra is not None:
        strangers = np.setdiff1d(spectra.obsid, catalog["obsid"].to_numpy())
        if strangers.size:
            yield f"{strangers.size} spectra have no row in the catalogue (first: obsid {strangers[0]})."
        if np.unique(spectra.obsid).size != spectra.obsid.size:
            yield f"The store in {SPECTRA_DIR}/ holds an obsid twice."
        if spectra.simulated != products.manifest.simulated:
            yield "The spectrum store and the manifest disagree on what is simulated."
    if products.manifest.simulated and not is_simulated(products.directory / CATALOG_NAME):
        yield f"{CATALOG_NAME} is not marked as simulated, the manifest is."
    for name, frame in products.overlays.items():
        if tuple(frame.columns) != OVERLAY_COLUMNS[name]:
            yield f"Overlay {name} has columns {tuple(frame.columns)}, expected {OVERLAY_COLUMNS[name]}."


def _model_breaches(directory: Path) -> Iterator[str]:
    if (directory / MODEL_DIR).is_dir():
        try:
            read_model(directory)
        except ProductError as error:
            yield str(error)
