"""The dust map of Burstein & Heiles (1982, AJ 87, 1165) in the library ``dustmaps``: abs(b) > 10."""

from __future__ import annotations

import importlib.util
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
from astropy.coordinates import SkyCoord
from numpy.typing import NDArray

from pipeline.sources.dust_maps import DustMapError

FloatArray = NDArray[np.float64]

FILE_NAME = "bh.h5"
CAPTION = "Burstein & Heiles (1982) at abs(b) > 10, placed in depth by the "


def find_burstein_heiles(where: Path | None = None) -> Path | None:
    """Path of the map: ``where``, in that folder, or in the installed ``dustmaps``; None if missing.

    Parameters
    ----------
    where : Path, optional
        The file or the folder that holds it.
    """
    if where is not None:
        path = where / FILE_NAME if where.is_dir() else where
        return path if path.is_file() else None
    result = importlib.util.find_spec("dustmaps")
    if result is None or result.origin is None or importlib.util.find_spec("h5py") is None:
        return None
    path = Path(result.origin).parent / "data" / "bh" / FILE_NAME
    return path if path.is_file() else None


def open_burstein_heiles(path: Path) -> Callable[[FloatArray, FloatArray], FloatArray]:
    """Read the map.

    Parameters
    ----------
    path : Path
        ``bh.h5``.

    Returns
    -------
    callable
        (l, b) in degrees, shape (n,) -> E(B-V), shape (n,), at least 0; NaN at abs(b) < 10 and in the map's holes.

    Raises
    ------
    DustMapError
        If the library is missing or the file has another format.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # dustmaps warns of a configuration file that is not needed here
            query = importlib.import_module("dustmaps.bh").BHQuery(str(path.parent))
    except ModuleNotFoundError as error:
        raise DustMapError(
            f"The dust map 'bh' needs {str(error.name).partition('.')[0]}, which is not installed: "
            "pip install -c constraints.txt -e '.[dust]'."
        ) from error
    except (OSError, KeyError, ValueError) as error:
        raise DustMapError(
            f"{path} cannot be read as the map of Burstein & Heiles ({error}). Install dustmaps again."
        ) from error

    def column(glon: FloatArray, glat: FloatArray) -> FloatArray:
        result = np.asarray(query(SkyCoord(glon, glat, unit="deg", frame="galactic")), float)
        return np.asarray(np.where(np.isfinite(result), np.maximum(result, 0.0), np.nan))

    return column
