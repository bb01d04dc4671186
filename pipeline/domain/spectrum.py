"""One spectrum, of any format of files."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray


class SpectrumError(ValueError):
    """A spectrum cannot be used; ``code`` is the reason in the rejects table."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code

    def __reduce__(self) -> tuple[type[SpectrumError], tuple[str, str]]:
        """Travel between processes with both parts."""
        return type(self), (self.code, str(self))


@dataclass(frozen=True)
class Spectrum:
    """A flux-calibrated spectrum on its own pixels, in vacuum, heliocentric.

    Parameters
    ----------
    obsid : int
        LAMOST observation identifier (or the one derived from plate, spectrograph and fibre).
    wavelength : ndarray, shape (n,)
        Vacuum wavelengths in Angstrom, strictly ascending.
    flux : ndarray, shape (n,)
        Relative flux; finite where ``mask`` is False.
    ivar : ndarray, shape (n,)
        Inverse variance of the flux, >= 0; 0 where ``mask`` is True.
    mask : ndarray of bool, shape (n,)
        True where the pixel carries no information.
    meta : mapping
        Header values under contract names (``ra``, ``dec``, ``plan_id``, ...) and provenance.

    Raises
    ------
    SpectrumError
        If shapes differ, wavelengths do not ascend, or no pixel carries information.
    """

    obsid: int
    wavelength: NDArray[np.float64]
    flux: NDArray[np.float64]
    ivar: NDArray[np.float64]
    mask: NDArray[np.bool_]
    meta: MappingProxyType[str, Any] = field(default_factory=lambda: MappingProxyType({}))

    def __post_init__(self) -> None:
        """Validate once and freeze the arrays, so that no further checks are needed."""
        n = self.wavelength.size
        for name in ("wavelength", "flux", "ivar", "mask"):
            shape = getattr(self, name).shape
            if shape != (n,):
                raise SpectrumError("bad-shape", f"{name} of spectrum {self.obsid} has shape {shape}, not {(n,)}.")
        if n < 2 or not np.all(np.isfinite(self.wavelength)) or not np.all(np.diff(self.wavelength) > 0):
            raise SpectrumError("bad-wavelength", f"Wavelengths of spectrum {self.obsid} do not ascend strictly.")
        dead = ~np.isfinite(self.flux) | ~np.isfinite(self.ivar) | (self.ivar <= 0) | self.mask
        if bool(dead.all()):
            raise SpectrumError("no-good-pixel", f"Spectrum {self.obsid} has no pixel with finite flux and ivar > 0.")
        for name, value in (
            ("wavelength", np.array(self.wavelength, dtype=np.float64)),
            ("flux", np.where(dead, np.where(np.isfinite(self.flux), self.flux, 0.0), self.flux)),
            ("ivar", np.where(dead, 0.0, self.ivar)),
            ("mask", dead),
        ):
            value.setflags(write=False)
            object.__setattr__(self, name, value)

    @property
    def masked_fraction(self) -> float:
        """Fraction of pixels without information."""
        return float(self.mask.mean())
