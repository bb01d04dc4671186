"""Report of the reproduction in a product: as JSON, as PDF, and its figures."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import msgspec

from pipeline.domain.reproduction import Reproduction
from pipeline.products.manifest import IDENTITY_KEY, Identity, ProductError, damaged
from pipeline.products.product import REPRODUCTION_NAME, publish_added

REPRODUCTION_DIR, REPORT_JSON = REPRODUCTION_NAME.split("/")
"""Folder of the report inside a product, and its numbers."""

REPORT_PDF = "report.pdf"
"""Table and figures as pages."""


def report_text(report: Reproduction) -> str:
    """The report as JSON text.

    Raises
    ------
    ValueError
        If a number is NaN or infinite: what was not measured is None.
    """
    return json.dumps(asdict(report), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def report_of(document: Mapping[str, Any]) -> Reproduction:
    """The report of a JSON object of :func:`report_text`.

    Raises
    ------
    ValueError
        If a field is missing or of another type; the message names it.
    """
    return msgspec.convert({name: value for name, value in document.items() if name != IDENTITY_KEY}, Reproduction)


def read_report(path: Path) -> Reproduction:
    """Read a report.

    Raises
    ------
    ProductError
        If it is missing, no JSON, or of another form.
    """
    try:
        return report_of(dict(json.loads(path.read_text("utf-8"))))
    except (OSError, ValueError, TypeError, RecursionError) as error:
        raise ProductError(_remedied(str(damaged(path, error)))) from error


def published_report(directory: Path) -> Reproduction | None:
    """The report inside a version of a product; None where none was published.

    Raises
    ------
    ProductError
        If it is damaged.
    """
    path = directory / REPRODUCTION_NAME
    return read_report(path) if path.is_file() else None


def publish_reproduction(directory: Path, judged: Path, files: Mapping[str, bytes]) -> None:
    """Publish a version of a product with a report in place of an earlier one.

    Parameters
    ----------
    directory : Path
        Product directory.
    judged : Path
        The version that was measured, from :func:`~pipeline.products.versions.current_version`.
    files : mapping of str to bytes
        Contents by name: :data:`REPORT_JSON`, :data:`REPORT_PDF` and the figures.

    Raises
    ------
    ProductError
        If the product is being written, or was replaced since.
    """

    def contents(identity: Identity | None) -> dict[str, bytes]:
        document = json.loads(files[REPORT_JSON])
        if identity is not None:
            document |= {IDENTITY_KEY: asdict(identity)}
        text = json.dumps(document, indent=1, ensure_ascii=False) + "\n"
        return {f"{REPRODUCTION_DIR}/{name}": data for name, data in files.items()} | {REPRODUCTION_NAME: text.encode()}

    publish_added(directory, judged, f"{REPRODUCTION_DIR}/", contents, "reproduction")


def _remedied(sentence: str) -> str:
    return sentence.replace("Build the products again.", "Run `python -m pipeline reproduce DIR` again.")
