"""Raw spectra of a build: written once while they are read, then processed in blocks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from pipeline.stages.growing import GrowingArray

FloatArray = NDArray[np.float64]

BLOCK = 250
"""Number of spectra that are in memory together."""

LOGARITHMIC_STEP_TOLERANCE = 1e-7
"""Tolerance of equal steps of log10(wavelength)."""

_KINDS = {"flux": np.float32, "ivar": np.float32, "mask": np.bool_}


def blocks(n: int, size: int = BLOCK) -> Iterator[slice]:
    """Split rows 0 to ``n`` into blocks of limited memory."""
    for start in range(0, n, size):
        yield slice(start, min(start + size, n))


class Pixels(NamedTuple):
    """Spectra of some rows, each array of shape (rows, n_pixels)."""

    flux: FloatArray
    ivar: FloatArray
    mask: NDArray[np.bool_]


class RawSpectraReader:
    """Spectra in the observed frame on one grid, row by row of the star table.

    Parameters
    ----------
    folder : Path
        Of their files.
    masked_windows : sequence of (float, float)
        Ranges that always count as masked (sky, telluric), Angstrom.
    """

    def __init__(self, folder: Path, masked_windows: Sequence[tuple[float, float]]) -> None:
        self._folder, self._windows = folder, tuple(masked_windows)

    @property
    def stored(self) -> bool:
        """Whether all spectra were written."""
        return (self._folder / "wavelength.npy").is_file()

    @cached_property
    def wavelength(self) -> FloatArray:
        """Vacuum wavelengths in Angstrom, shape (n_pixels,)."""
        return np.asarray(np.load(self._folder / "wavelength.npy", allow_pickle=False), np.float64)

    @property
    def logarithmic(self) -> bool:
        """Whether the pixels have equal logarithmic steps, as LAMOST's."""
        step = np.diff(np.log10(self.wavelength))
        return bool(step.max() - step.min() <= LOGARITHMIC_STEP_TOLERANCE)

    @cached_property
    def _arrays(self) -> dict[str, NDArray[np.generic]]:
        return {name: np.load(self._folder / f"{name}.npy", mmap_mode="r", allow_pickle=False) for name in _KINDS}

    def block(self, rows: slice | NDArray[np.integer]) -> Pixels:
        """Copies of some rows in double precision, with the configured windows masked."""
        flux, ivar = (np.array(self._arrays[name][rows], dtype=np.float64) for name in ("flux", "ivar"))
        mask = np.array(self._arrays["mask"][rows], dtype=np.bool_)
        for low, high in self._windows:
            mask[:, (self.wavelength >= low) & (self.wavelength <= high)] = True
        return Pixels(flux, ivar, mask)


class RawSpectraWriter:
    """Writes raw spectra as they arrive; a context manager.

    The wavelengths are written last, when no error ended the block: they mark the spectra as complete.

    Parameters
    ----------
    folder : Path
        Of the files; replaced.
    wavelength : ndarray, shape (n_pixels,)
        Vacuum wavelengths in Angstrom.
    """

    def __init__(self, folder: Path, wavelength: FloatArray) -> None:
        self._folder, self._wavelength = folder, np.asarray(wavelength, np.float64)
        self._stack = ExitStack()
        (folder / "wavelength.npy").unlink(missing_ok=True)
        self._arrays = {
            name: self._stack.enter_context(GrowingArray(folder / f"{name}.npy", self._wavelength.size, kind))
            for name, kind in _KINDS.items()
        }

    def append(self, flux: NDArray[np.floating], ivar: NDArray[np.floating], mask: NDArray[np.bool_]) -> None:
        """Add one spectrum, or several as blocks of two dimensions."""
        for array, values in zip(self._arrays.values(), (flux, ivar, mask), strict=True):
            array.append(values)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()
        if kind is None:
            np.save(self._folder / "wavelength.npy", self._wavelength, allow_pickle=False)


def reorder(folder: Path, order: NDArray[np.integer]) -> None:
    """Rewrite stored raw spectra in another order of rows, block by block.

    Parameters
    ----------
    folder : Path
        Of their files.
    order : ndarray of int, shape (n,)
        Which of the present rows comes first, second, and so on.
    """
    for name, kind in _KINDS.items():
        path = folder / f"{name}.npy"
        old = np.load(path, mmap_mode="r", allow_pickle=False)
        with GrowingArray(path.with_suffix(".part"), old.shape[1], kind) as new:
            for rows in blocks(len(order)):
                new.append(np.array(old[order[rows]]))
        del old
        path.with_suffix(".part").replace(path)
