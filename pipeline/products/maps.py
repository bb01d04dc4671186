"""Disc maps, computed once and stored for display."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.products.manifest import ARRAY_ERRORS, damaged

MAPS_DIR = "maps"
_FIELDS = ("count", "v_x", "v_y", "v_phi", "residual", "texture")


@dataclass(frozen=True)
class DiscMap:
    """Velocity field of one slice in height (Figure 9).

    Parameters
    ----------
    z_low_kpc, z_high_kpc : float
        Slice in abs(Z).
    edges_kpc : ndarray, shape (n + 1,)
        Edges of the cells, the same along X and Y (Galactocentric, Sun at X = -R0).
    count : ndarray of int, shape (n, n)
        Stars a cell, indexed [y, x].
    v_x, v_y : ndarray, shape (n, n)
        Mean velocity in km/s, NaN in cells with too few stars.
    v_phi : ndarray, shape (n, n)
        Median rotation velocity in km/s, positive with the disc.
    residual : ndarray, shape (n, n)
        ``v_phi`` minus the slice's median rotation at that radius.
    texture : ndarray of uint8, shape (m, m)
        Line integral convolution of the field, m a multiple of n; 0 where there is no field.
    """

    z_low_kpc: float
    z_high_kpc: float
    edges_kpc: NDArray[np.float64]
    count: NDArray[np.int32]
    v_x: NDArray[np.float32]
    v_y: NDArray[np.float32]
    v_phi: NDArray[np.float32]
    residual: NDArray[np.float32]
    texture: NDArray[np.uint8]

    @property
    def label(self) -> str:
        """Name of the slice."""
        return f"{self.z_low_kpc:g} ≤ |Z| < {self.z_high_kpc:g} kpc"


def write_maps(directory: Path, maps: Sequence[DiscMap], *, simulated: bool = False) -> None:
    """Write ``maps/``: one .npz for each slice and an index."""
    folder = directory / MAPS_DIR
    folder.mkdir(parents=True, exist_ok=True)
    index = []
    for number, disc in enumerate(maps):
        name = f"slice_{number}.npz"
        fields = {key: getattr(disc, key) for key in _FIELDS}
        np.savez(folder / name, edges_kpc=disc.edges_kpc, simulated=np.array(simulated), **fields)
        index.append({"file": name, "z_low_kpc": disc.z_low_kpc, "z_high_kpc": disc.z_high_kpc, "simulated": simulated})
    (folder / "maps.json").write_text(json.dumps(index, indent=1) + "\n", encoding="utf-8")


def read_maps(directory: Path) -> tuple[DiscMap, ...]:
    """Read the disc maps; empty if the build had no velocities.

    Raises
    ------
    ProductError
        If an indexed file is missing or damaged.
    """
    folder = directory / MAPS_DIR
    if not (folder / "maps.json").is_file():
        return ()
    maps = []
    path = folder / "maps.json"
    try:
        for entry in json.loads(path.read_text("utf-8")):
            path = folder / "maps.json"
            low, high, name = float(entry["z_low_kpc"]), float(entry["z_high_kpc"]), str(entry["file"])
            path = folder / name
            with np.load(path, allow_pickle=False) as stored:
                fields = {key: stored[key] for key in ("edges_kpc", *_FIELDS)}
            maps.append(DiscMap(low, high, **fields))
    except ARRAY_ERRORS as error:
        raise damaged(path, error) from error
    return tuple(maps)
