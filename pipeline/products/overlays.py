"""Reference curves that the explorer overlays: isochrones, stream model, spiral arms.

They are published with the catalogue, because a figure must show the very model that the numbers were compared with.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from pipeline.products.manifest import ProductError
from pipeline.products.marked_parquet import read_marked, write_marked

OVERLAYS_DIR = "overlays"

OVERLAY_COLUMNS: dict[str, tuple[str, ...]] = {
    "isochrones": ("age_gyr", "m_h", "teff", "logg", "jk0", "k_abs"),
    "stream_model": (
        "sgr_lambda",
        "sgr_beta",
        "distance",
        "v_gsr",
        "x_gal",
        "y_gal",
        "z_gal",
        "stripped_gyr",
    ),
    "spiral_arms": ("arm", "x_gal", "y_gal"),
}
"""Columns of each overlay, with catalogue names and units; rows are in drawing order."""


def write_overlay(directory: Path, name: str, frame: pd.DataFrame, *, simulated: bool = False) -> None:
    """Write ``overlays/NAME.parquet``; ProductError for an unknown name or other columns."""
    expected = OVERLAY_COLUMNS.get(name)
    if expected is None or tuple(frame.columns) != expected:
        raise ProductError(f"Overlay {name!r} must have columns {expected}; found {tuple(frame.columns)}.")
    folder = directory / OVERLAYS_DIR
    folder.mkdir(parents=True, exist_ok=True)
    write_marked(frame, folder / f"{name}.parquet", simulated=simulated)


def read_overlays(directory: Path) -> dict[str, pd.DataFrame]:
    """Read the overlays of a product directory, by name.

    Raises
    ------
    ProductError
        If one is damaged.
    """
    result = {}
    for name, columns in OVERLAY_COLUMNS.items():
        path = directory / OVERLAYS_DIR / f"{name}.parquet"
        if path.is_file():
            result[name] = read_marked(path, columns)
    return result
