"""Embedded tables of ``assets/tables``, with provenance in ``PROVENANCE.md``."""

from __future__ import annotations

from importlib.resources import as_file, files

import numpy as np
from numpy.typing import NDArray

SYNTHETIC_TABLE = "synthetic_cubic_model.npz"
ISOCHRONE_TABLE = "parsec_red_giant_branches.npz"


def load_table(name: str) -> dict[str, NDArray[np.float64]]:
    """Read an embedded table of arrays.

    Raises
    ------
    FileNotFoundError
        If the installation lacks it.
    """
    resource = files("assets") / "tables" / name
    with as_file(resource) as path, np.load(path, allow_pickle=False) as stored:
        return {key: stored[key] for key in stored.files}
