"""Trained models as arrays and JSON, so that loading executes no code."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.products.manifest import ARRAY_ERRORS, ProductError, damaged

MODEL_DIR = "model"


def write_model(directory: Path, arrays: Mapping[str, NDArray[Any]], metadata: Mapping[str, Any]) -> None:
    """Write arrays as ``model/NAME.npy`` and metadata as ``model/model.json``."""
    folder = directory / MODEL_DIR
    folder.mkdir(parents=True, exist_ok=True)
    for name, values in arrays.items():
        if values.dtype.hasobject:
            raise ProductError(f"Model array {name!r} holds Python objects; only numbers and fixed strings are stored.")
        np.save(folder / f"{name}.npy", values, allow_pickle=False)
    document = {"arrays": sorted(arrays), "metadata": dict(metadata)}
    (folder / "model.json").write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def read_model(directory: Path) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """Read the output of :func:`write_model`.

    Raises
    ------
    ProductError
        If a file is missing or damaged.
    """
    path = document_path = directory / MODEL_DIR / "model.json"
    arrays: dict[str, NDArray[Any]] = {}
    try:
        document = json.loads(path.read_text("utf-8"))
        names, metadata = [str(name) for name in document["arrays"]], dict(document["metadata"])
        for name in names:
            path = document_path.with_name(f"{name}.npy")
            arrays[name] = np.load(path, allow_pickle=False)
    except ARRAY_ERRORS as error:
        raise damaged(path, error) from error
    return arrays, metadata
