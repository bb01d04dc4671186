"""Simulated spectra in LAMOST's own FITS layouts, so that the reader meets what it will meet on real files.

Every file says what it is: ``SIMULATD = T`` and a HISTORY line in its header.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import numpy as np
from astropy.io import fits
from astropy.time import Time, TimeDelta
from numpy.typing import NDArray

from pipeline.domain.wavelength import C_KMS, LAMOST_LOG_START, LOG_STEP
from pipeline.mock.survey import MockSurvey

Layout = Literal["dr5", "dr9"]

LAYOUTS: tuple[Layout, ...] = ("dr5", "dr9")
"""dr5: image of five rows (DR1 to DR7); dr9: one-row table COADD (DR8 on)."""

_BLOCK = 256
_BEIJING_DAY = 8.0 / 24.0
_SNR_BANDS = {
    "SNRU": (3700.0, 4000.0),
    "SNRG": (4000.0, 5500.0),
    "SNRR": (5600.0, 7000.0),
    "SNRI": (6900.0, 8200.0),
    "SNRZ": (8200.0, 9100.0),
}
"""Approximate ranges of the SDSS bands, Angstrom."""


def write_lamost_fits(
    survey: MockSurvey, directory: Path, layout: Layout, rows: slice | NDArray[np.intp] | None = None
) -> list[Path]:
    """Write spectra as LAMOST writes them.

    Parameters
    ----------
    survey : MockSurvey
        The simulated survey.
    directory : Path
        Where to write; made when missing. Files of the same name are replaced.
    layout : {"dr5", "dr9"}
        Image of five rows (flux, inverse variance, wavelength, andmask, ormask), or table ``COADD`` of one row.
    rows : slice or ndarray of int, optional
        Which stars, by position; all by default.

    Returns
    -------
    list of Path
        The files, in row order, named ``spec-LMJD-PLANID_spSS-FFF-N.fits`` with N the position in the survey.

    Raises
    ------
    ValueError
        If the layout is unknown.
    """
    if layout not in LAYOUTS:
        raise ValueError(f"layout must be one of {', '.join(LAYOUTS)}; found {layout!r}.")
    directory.mkdir(parents=True, exist_ok=True)
    index = np.arange(len(survey))[slice(None) if rows is None else rows]
    written = []
    for start in range(0, index.size, _BLOCK):
        part = index[start : start + _BLOCK]
        wavelength, flux, ivar, mask = survey.observe(part)
        for n, row in enumerate(part):
            record: dict[str, Any] = {str(k): v for k, v in survey.table.iloc[int(row)].to_dict().items()}
            name = (
                f"spec-{record['lmjd']:05d}-{record['plan_id']}_sp{record['spectrograph_id']:02d}"
                f"-{record['fiber_id']:03d}-{row}.fits"
            )
            header = _header(record, name, layout, survey.seed, wavelength, flux[n], ivar[n])
            planes = (flux[n], ivar[n], wavelength, mask[n], mask[n])
            build = _image if layout == "dr5" else _table
            build(header, [np.asarray(plane, np.float32) for plane in planes]).writeto(directory / name, overwrite=True)
            written.append(directory / name)
    return written


def _image(header: fits.Header, planes: list[NDArray[np.float32]]) -> fits.HDUList:
    header["EXTNAME"] = "Flux"
    return fits.HDUList([fits.PrimaryHDU(np.stack(planes), header)])


def _table(header: fits.Header, planes: list[NDArray[np.float32]]) -> fits.HDUList:
    flux = planes[0]
    smooth = np.convolve(np.pad(flux, 150, mode="edge"), np.full(301, 1.0 / 301.0), mode="valid")
    normalised = np.divide(flux, smooth, out=np.zeros_like(flux), where=smooth > 0).astype(np.float32)
    names = ("FLUX", "IVAR", "WAVELENGTH", "ANDMASK", "ORMASK", "NORMALIZATION")
    columns = [
        fits.Column(name=name, format=f"{flux.size}E", array=plane[None, :])
        for name, plane in zip(names, [*planes, normalised], strict=True)
    ]
    coadd = fits.BinTableHDU.from_columns(columns, name="COADD")
    coadd.header["SIMULATD"] = (True, "not an observation")
    return fits.HDUList([fits.PrimaryHDU(header=header), coadd])


def _header(
    record: dict[str, Any],
    name: str,
    layout: Layout,
    seed: int,
    wavelength: NDArray[np.float64],
    flux: NDArray[np.float32],
    ivar: NDArray[np.float32],
) -> fits.Header:
    begin = Time(float(record["lmjd"]), format="mjd") + TimeDelta(20.5 / 24.0 - _BEIJING_DAY, format="jd")
    cards: list[tuple[str, Any, str]] = [
        ("SIMULATD", True, "not an observation"),
        ("FILENAME", name, ""),
        ("OBSID", int(record["obsid"]), "simulated; beyond every real identifier"),
        ("AUTHOR", "M-giant explorer, simulated", ""),
        ("DATA_V", f"SIMULATED, layout of LAMOST {layout.upper()}", ""),
        ("N_EXTEN", 1 if layout == "dr5" else 2, ""),
        ("TELESCOP", "SIMULATED", "layout of LAMOST"),
        ("DATE-OBS", begin.isot, "UTC"),
        ("LMJD", int(record["lmjd"]), "local modified Julian day"),
        ("MJD", int(record["lmjd"]) - 1, ""),
        ("PLANID", record["plan_id"], ""),
        ("RA", round(float(record["ra"]), 6), "[deg] ICRS"),
        ("DEC", round(float(record["dec"]), 6), "[deg] ICRS"),
        ("DESIG", f"LAMOST {record['designation']}", "simulated star"),
        ("FIBERID", int(record["fiber_id"]), ""),
        ("OBJTYPE", "Star", ""),
        ("OBS_TYPE", "OBJ", ""),
        ("SPID", int(record["spectrograph_id"]), ""),
        ("HELIO", True, "wavelengths are heliocentric"),
        ("HELIO_RV", 0.0, "[km/s]"),
        ("VACUUM", True, "wavelengths are in vacuum"),
        ("WFITTYPE", "LOG-LINEAR", ""),
        ("COEFF0", LAMOST_LOG_START, "log10 of the first wavelength"),
        ("COEFF1", LOG_STEP, "step in log10"),
        ("CRVAL1", LAMOST_LOG_START, ""),
        ("CD1_1", LOG_STEP, ""),
        ("CRPIX1", 1, ""),
        ("CTYPE1", "LINEAR", ""),
        ("DC-FLAG", 1, ""),
        ("CLASS", "STAR", ""),
        ("SUBCLASS", record["subclass"], ""),
        ("Z", round(float(record["rv_input"]) / C_KMS, 8), "redshift, simulated"),
        ("Z_ERR", 2e-5, ""),
    ]
    signal = flux.astype(np.float64) * np.sqrt(ivar.astype(np.float64))
    for band, (low, high) in _SNR_BANDS.items():
        inside = (wavelength >= low) & (wavelength < high) & (ivar > 0)
        value = float(np.median(signal[inside])) if inside.any() else 0.0
        cards.append((band, round(max(value, 0.0), 2), ""))
    header = fits.Header(cards)
    header["HISTORY"] = "SIMULATED. Not an observation."
    header["HISTORY"] = f"Made by the embedded survey of the M-giant explorer, seed {seed}."
    return header
