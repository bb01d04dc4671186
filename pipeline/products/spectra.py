"""Spectra on the common grid, with random access by obsid through positioned reads (0.03 ms a star)."""

from __future__ import annotations

import json
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pipeline.domain.stored_spectrum import StoredSpectrum
from pipeline.products.array_file import ArrayFile
from pipeline.products.manifest import ARRAY_ERRORS, ProductError, damaged
from pipeline.products.opened_file import OpenedFile, StoredRows

SPECTRA_DIR = "spectra"
_ARRAYS = {"flux": "<f4", "ivar": "<f4", "mask": "|b1", "model": "<f4", "continuum": "<f4"}
_BLANK = {"model": np.nan, "continuum": 1.0}
FILE_NAMES = tuple(f"{name}.npy" for name in _ARRAYS)
"""Files whose rows are read when they are asked for."""


class SpectrumStore:
    """Read-only store of many spectra on one wavelength grid; its files stay open.

    Parameters
    ----------
    directory : Path
        Product directory; the store is its ``spectra`` folder.

    Raises
    ------
    ProductError
        If a file is missing or shapes disagree.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory / SPECTRA_DIR
        path = self.directory / "store.json"
        try:
            self.description: dict[str, object] = dict(json.loads(path.read_text("utf-8")))
        except ARRAY_ERRORS as error:
            raise damaged(path, error) from error
        self.wavelength: NDArray[np.float64] = _array(self.directory / "wavelength.npy", "<f8")
        self.obsid: NDArray[np.int64] = _array(self.directory / "obsid.npy", "<i8")
        self._arrays = {name: StoredRows(self.directory / f"{name}.npy", kind) for name, kind in _ARRAYS.items()}
        expected = (self.obsid.size, self.wavelength.size)
        for name, array in self._arrays.items():
            if array.shape != expected:
                raise ProductError(f"{name}.npy in {self.directory} has shape {array.shape}, expected {expected}.")
        self._row = {int(obsid): row for row, obsid in enumerate(self.obsid)}

    @staticmethod
    def exists(directory: Path) -> bool:
        """Whether a product directory holds spectra (catalogues from tables alone do not)."""
        return (directory / SPECTRA_DIR / "store.json").is_file()

    @property
    def files(self) -> tuple[OpenedFile, ...]:
        """The files that are read when spectra are asked for."""
        return tuple(array.file for array in self._arrays.values())

    @property
    def refusal(self) -> str:
        """Why no spectrum may be shown now; "" while they may."""
        try:
            for file in self.files:
                file.demand_unchanged()
        except ProductError as error:
            return str(error)
        return ""

    @property
    def simulated(self) -> bool:
        """Whether the spectra are simulated."""
        return bool(self.description.get("simulated", False))

    @cached_property
    def has_continuum(self) -> bool:
        """Whether fluxes were divided by a pseudo-continuum, judged by the first spectrum: it is 1 where none was."""
        return bool(len(self)) and bool((self._arrays["continuum"].row(0) != 1.0).any())

    def __len__(self) -> int:
        return int(self.obsid.size)

    def __contains__(self, obsid: object) -> bool:
        return obsid in self._row

    def get(self, obsid: int) -> StoredSpectrum:
        """One star's spectrum.

        Raises
        ------
        KeyError
            If the store has no spectrum of that obsid.
        ProductError
            If a file was cut, refused, or changed since it was pinned.
        """
        row = self._row.get(int(obsid))
        if row is None:
            raise KeyError(f"obsid {obsid} has no spectrum in this release ({len(self)} stars do).")
        flux, ivar, mask, model, continuum = (self._arrays[name].row(row) for name in _ARRAYS)
        return StoredSpectrum(int(obsid), self.wavelength, flux, ivar, mask, model, continuum)

    def pixels(
        self, rows: slice | NDArray[np.integer]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.bool_]]:
        """Flux, inverse variance and mask of some rows, as copies of shape (rows, n_pixels)."""
        flux, ivar, mask = (self._arrays[name].rows(rows) for name in ("flux", "ivar", "mask"))
        return flux, ivar, mask

    def models(self, rows: slice | NDArray[np.integer]) -> NDArray[np.float32]:
        """Models of some rows, as a copy of shape (rows, n_pixels); NaN where there is none."""
        return self._arrays["model"].rows(rows)

    def continua(self, rows: slice | NDArray[np.integer]) -> NDArray[np.float32]:
        """Pseudo-continua of some rows, as a copy of shape (rows, n_pixels)."""
        return self._arrays["continuum"].rows(rows)

    def block(self, rows: slice) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Flux and inverse variance of some rows, as copies."""
        return self._arrays["flux"].rows(rows), self._arrays["ivar"].rows(rows)

    def rows(self, obsids: ArrayLike) -> NDArray[np.int64]:
        """Row of each obsid, -1 where the store has none."""
        return np.array([self._row.get(int(obsid), -1) for obsid in np.atleast_1d(np.asarray(obsids))], dtype=np.int64)


def _array(path: Path, dtype: str) -> NDArray[Any]:
    """An array of the store, of its type; ProductError when it is missing or damaged."""
    try:
        array: NDArray[Any] = np.load(path, allow_pickle=False)
    except ARRAY_ERRORS as error:
        raise damaged(path, error) from error
    if array.dtype != np.dtype(dtype):
        raise ProductError(f"{path} holds {array.dtype}, expected {np.dtype(dtype)}. Build the products again.")
    return array


class SpectrumStoreWriter:
    """Writes a store block by block, so that all spectra are never in memory together.

    Parameters
    ----------
    directory : Path
        Product directory.
    obsid : ndarray, shape (n_stars,)
        Observation ids, one a row.
    wavelength : ndarray, shape (n_pixels,)
        Vacuum rest wavelengths in Angstrom.
    simulated : bool
        Whether the spectra are simulated; written into the store.
    note : str
        What the fluxes are.

    Raises
    ------
    OSError
        If the disk has no room for all spectra; it names the file.
    """

    def __init__(
        self,
        directory: Path,
        obsid: NDArray[np.int64],
        wavelength: NDArray[np.float64],
        *,
        simulated: bool,
        note: str,
    ) -> None:
        folder = directory / SPECTRA_DIR
        folder.mkdir(parents=True, exist_ok=True)
        np.save(folder / "wavelength.npy", np.asarray(wavelength, "<f8"))
        np.save(folder / "obsid.npy", np.asarray(obsid, "<i8"))
        shape = (len(obsid), len(wavelength))
        self._arrays = {
            name: ArrayFile(folder / f"{name}.npy", dtype, shape, _BLANK.get(name)) for name, dtype in _ARRAYS.items()
        }
        self._folder = folder
        self._description = {"simulated": simulated, "note": note, "n_stars": shape[0], "n_pixels": shape[1]}

    def put(self, rows: slice | NDArray[np.int64], **arrays: NDArray[np.generic]) -> None:
        """Write rows of any of flux, ivar, mask, model, continuum."""
        for name, values in arrays.items():
            self._arrays[name][rows] = values

    def close(self) -> None:
        """Flush everything and mark the store complete."""
        for array in self._arrays.values():
            array.close()
        (self._folder / "store.json").write_text(json.dumps(self._description, indent=1) + "\n", encoding="utf-8")


def write_blank_models(directory: Path) -> ArrayFile:
    """Replace all models of a store by NaN.

    Parameters
    ----------
    directory : Path
        Product directory with a store.

    Returns
    -------
    ArrayFile, shape (n_stars, n_pixels)
        Open for writing; ``close`` it.
    """
    folder = directory / SPECTRA_DIR
    shape = tuple(np.load(folder / f"{name}.npy", mmap_mode="r").size for name in ("obsid", "wavelength"))
    return ArrayFile(folder / "model.npy", _ARRAYS["model"], shape, np.nan)
