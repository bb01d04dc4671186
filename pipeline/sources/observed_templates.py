"""Observed mean spectra as velocity templates: cluster means of MaStar in the MaNGA DAP layout.

A file holds one spectrum in its primary HDU, at rest, on vacuum wavelengths that are equal steps in log10 (``CRVAL1``,
``CDELT1``), at the resolution of the BOSS spectrographs (1800 at 5100 Angstrom, 2200 at 8600), near enough to LAMOST's.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from astropy.io import fits
from numpy.typing import NDArray

from pipeline.domain.spectrum import SpectrumError
from pipeline.sources.bounded_files import read_bounded, unpacked
from pipeline.sources.template_grids import TemplateError, TemplateSpectrum

FloatArray = NDArray[np.float64]

LOGG, M_H = 1.0, 0.0
"""Labels of giants whose file tells none; only Teff of a velocity template is published."""


def is_observed_template(path: Path) -> bool:
    """Whether the content of a file has the layout of these templates."""
    try:
        with fits.open(io.BytesIO(unpacked(read_bounded(path), path.name)), memmap=False) as hdus:
            return _is_mean(hdus[0])
    except (OSError, ValueError, SpectrumError):
        return False


def _is_mean(hdu: fits.PrimaryHDU) -> bool:
    header = hdu.header
    logarithmic = str(header.get("CTYPE1", "")).strip() == "WAVE-LOG" and 0.0 < float(header.get("CRVAL1", 0.0)) < 6.0
    return bool(logarithmic and "CDELT1" in header and header["NAXIS"] == 1)


def read_observed_templates(paths: Sequence[Path]) -> list[TemplateSpectrum]:
    """Read mean spectra; a missing Teff is NaN.

    Parameters
    ----------
    paths : sequence of Path
        Of the files.

    Raises
    ------
    TemplateError
        If one cannot be read or has another layout; the message names it.
    """
    return [_read(path) for path in paths]


def _read(path: Path) -> TemplateSpectrum:
    try:
        with fits.open(io.BytesIO(unpacked(read_bounded(path), path.name)), memmap=False) as hdus:
            header, layout = hdus[0].header, _is_mean(hdus[0])
            flux = np.asarray(hdus[0].data, float) if layout else np.zeros(0)
    except (OSError, ValueError, TypeError, SpectrumError) as error:
        raise TemplateError(f"{path.name} cannot be read as a template: {type(error).__name__}: {error}.") from error
    good = np.isfinite(flux)
    if not layout or good.sum() < 100 or not np.median(flux[good]) > 0:
        raise TemplateError(
            f"{path.name} is no mean spectrum of MaStar: expected is one positive spectrum in its primary HDU, with "
            "CTYPE1 WAVE-LOG, CRVAL1 and CDELT1."
        )
    pixel = np.arange(flux.size) + 1.0 - float(header.get("CRPIX1", 1))
    wavelength = 10.0 ** (float(header["CRVAL1"]) + float(header["CDELT1"]) * pixel)
    labels = float(header.get("TEFF", np.nan)), float(header.get("LOGG", LOGG)), float(header.get("M_H", M_H))
    return TemplateSpectrum(labels, wavelength[good], flux[good])
