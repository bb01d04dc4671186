"""Simulated spectra in LAMOST's own FITS layouts, for tests of the reader.

Every file says what it is: ``SIMULATD = T`` and a HISTORY line in its header.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any, Literal

import numpy as np
from astropy.io import fits
from numpy.typing import NDArray

from pipeline.domain.wavelength import LAMOST_LOG_START, LOG_STEP, doppler_factor
from pipeline.mock.published import redshift
from pipeline.mock.survey import MockSurvey
from pipeline.science.spectra.indices import REID_1995, band_ratios

Layout = Literal["dr5", "dr9"]
Card = tuple[str, Any, str]

LAYOUTS: tuple[Layout, ...] = ("dr5", "dr9")
"""FITS layouts: dr5, an image of five rows (DR1 to DR7); dr9, a one-row table COADD (DR8 on)."""

NO_VALUE = -9999.0
"""LAMOST's missing value of numbers."""

Z_ERROR = 2e-5
"""LAMOST's stated error of a redshift, 6 km/s."""

_BLOCK = 256
_FITS_BLOCK = 2880
_RATIOS = tuple(band.name for band in REID_1995)
_MJD_ZERO = date(1858, 11, 17)
_SNR_BANDS = {
    "SNRU": (3700.0, 4000.0),
    "SNRG": (4000.0, 5500.0),
    "SNRR": (5600.0, 7000.0),
    "SNRI": (6900.0, 8200.0),
    "SNRZ": (8200.0, 9100.0),
}
"""Approximate ranges of the SDSS bands, Angstrom."""


@dataclass(frozen=True)
class PlateFolders:
    """Spectra in plate folders, with the measurements of LAMOST's pipeline.

    Parameters
    ----------
    paths : list of Path
        The files in row order.
    layouts : list of str
        Layout of each.
    snr : dict of ndarray, shape (n,)
        S/N of the five bands by header keyword.
    ratios : dict of ndarray, shape (n,)
        Band ratios tio5, cah2, cah3 at the header's redshift.
    """

    paths: list[Path]
    layouts: list[Layout]
    snr: dict[str, NDArray[np.float64]]
    ratios: dict[str, NDArray[np.float64]]


@dataclass(frozen=True)
class _Observed:
    """One spectrum and its row of the table."""

    row: int
    record: dict[str, Any]
    wavelength: NDArray[np.float64]
    flux: NDArray[np.float32]
    ivar: NDArray[np.float32]
    mask: NDArray[np.bool_]


def write_lamost_fits(
    survey: MockSurvey, directory: Path, layout: Layout, rows: slice | NDArray[np.intp] | None = None
) -> list[Path]:
    """Write spectra in LAMOST's format into one folder.

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
        The files, in row order, named ``spec-LMJD-PLANID_spSS-FFF.fits``; a name that is taken gets the position in
        the survey at its end.

    Raises
    ------
    ValueError
        If the layout is unknown.
    """
    if layout not in LAYOUTS:
        raise ValueError(f"layout must be one of {', '.join(LAYOUTS)}; found {layout!r}.")
    written: list[Path] = []
    taken: set[Path] = set()
    for item in _observed(survey, np.arange(len(survey))[slice(None) if rows is None else rows]):
        written.append(_free(directory / _name(item.record), item.row, taken))
        _write(item, written[-1], layout, survey.seed)
    return written


def write_plate_folders(
    survey: MockSurvey, directory: Path, progress: Callable[[float], None] = lambda _fraction: None
) -> PlateFolders:
    """Write all spectra as a download of LAMOST holds them.

    The files are ``YYYYMMDD/PLANID/spec-LMJD-PLANID_spSS-FFF.fits``, by the night's date; half of the plates have
    either layout, half are gzipped. Sorted by path they are in row order.
    """
    n = len(survey)
    written = PlateFolders(
        [], [], {name: np.full(n, np.nan) for name in _SNR_BANDS}, {name: np.full(n, np.nan) for name in _RATIOS}
    )
    taken: set[Path] = set()
    for item in _observed(survey, np.arange(n)):
        plan = str(item.record["plan_id"])
        choice = zlib.crc32(plan.encode())
        layout = LAYOUTS[choice % 2]
        night = observing_date(int(item.record["lmjd"])).strftime("%Y%m%d")
        name = _name(item.record) + (".gz" if choice // 2 % 2 else "")
        written.paths.append(_free(directory / night / plan / name, item.row, taken))
        written.layouts.append(layout)
        _write(item, written.paths[-1], layout, survey.seed)
        for band, value in _band_snr(item.wavelength, item.flux, item.ivar).items():
            written.snr[band][item.row] = value
        rest = item.wavelength / doppler_factor(np.nan_to_num(float(item.record["rv_input"])))
        for ratio, values in band_ratios(rest, item.flux[None, :].astype(np.float64), item.mask[None, :]).items():
            written.ratios[ratio][item.row] = values[0]
        progress((item.row + 1) / n)
    return written


def observing_date(lmjd: int) -> date:
    """Date on which a night began in Beijing.

    LMJD is one more than the modified Julian day of its evening.
    """
    return _MJD_ZERO + timedelta(days=lmjd - 1)


def _observed(survey: MockSurvey, index: NDArray[np.intp]) -> Iterator[_Observed]:
    """Spectra of some rows, observed in blocks."""
    for start in range(0, index.size, _BLOCK):
        part = index[start : start + _BLOCK]
        wavelength, flux, ivar, mask = survey.observe(part)
        records = survey.table.iloc[part].to_dict("records")
        for n, row in enumerate(part):
            record = {str(name): value for name, value in records[n].items()}
            yield _Observed(int(row), record, wavelength, flux[n], ivar[n], mask[n])


def _name(record: dict[str, Any]) -> str:
    return (
        f"spec-{record['lmjd']:05d}-{record['plan_id']}_sp{record['spectrograph_id']:02d}-{record['fiber_id']:03d}.fits"
    )


def _free(path: Path, row: int, taken: set[Path]) -> Path:
    """Unused path, with the row in its name if a spectrum of this call has the original one."""
    if path in taken:
        stem, dot, ending = path.name.partition(".fits")
        path = path.with_name(f"{stem}-{row}{dot}{ending}")
    taken.add(path)
    return path


def _write(item: _Observed, path: Path, layout: Layout, seed: int) -> None:
    """Write one file; the same spectrum gives the same bytes, gzipped or not."""
    path.parent.mkdir(parents=True, exist_ok=True)
    planes = np.stack([item.flux, item.ivar, item.wavelength, item.mask, item.mask]).astype(np.float32)
    cards = _cards(item, path.name, layout, seed)
    data = _image(cards, planes) if layout == "dr5" else _table(cards, planes)
    path.write_bytes(gzip.compress(data, 1, mtime=0) if path.suffix == ".gz" else data)


def _band_snr(
    wavelength: NDArray[np.float64], flux: NDArray[np.float32], ivar: NDArray[np.float32]
) -> dict[str, float]:
    """Median S/N a pixel in LAMOST's five bands, two decimals, 0 where no pixel is good."""
    signal = flux.astype(np.float64) * np.sqrt(ivar.astype(np.float64))
    result = {}
    for band, (low, high) in _SNR_BANDS.items():
        inside = (wavelength >= low) & (wavelength < high) & (ivar > 0)
        value = float(np.median(signal[inside])) if inside.any() else 0.0
        result[band] = round(max(value, 0.0), 2)
    return result


def _image(cards: list[Card], planes: NDArray[np.float32]) -> bytes:
    """Primary HDU of five rows, written without astropy, which takes ten times as long a file."""
    rows, pixels = planes.shape
    shape: list[Card] = [("NAXIS", 2, ""), ("NAXIS1", pixels, ""), ("NAXIS2", rows, ""), ("EXTEND", True, "")]
    return _padded(
        _header([("SIMPLE", True, "conforms to FITS standard"), ("BITPIX", -32, ""), *shape, *cards]), planes
    )


def _table(cards: list[Card], planes: NDArray[np.float32]) -> bytes:
    """Empty primary HDU and the table of one row, with the flux over its running mean as last column."""
    flux = planes[0]
    smooth = np.convolve(np.pad(flux, 150, mode="edge"), np.full(301, 1.0 / 301.0), mode="valid")
    normalised = np.divide(flux, smooth, out=np.zeros_like(flux), where=smooth > 0)
    shape: list[Card] = [("BITPIX", 8, ""), ("NAXIS", 0, ""), ("EXTEND", True, "")]
    primary = _header([("SIMPLE", True, "conforms to FITS standard"), *shape, *cards])
    row = np.concatenate([planes, normalised[None, :]])
    return primary + _padded(_coadd_header(flux.size), row)


@cache
def _coadd_header(pixels: int) -> bytes:
    names = ("FLUX", "IVAR", "WAVELENGTH", "ANDMASK", "ORMASK", "NORMALIZATION")
    columns = fits.ColDefs([fits.Column(name, f"{pixels}E") for name in names])
    header = fits.BinTableHDU.from_columns(columns, nrows=1, name="COADD").header
    header["SIMULATD"] = (True, "not an observation")
    return bytes(header.tostring().encode("ascii"))


def _header(cards: list[Card]) -> bytes:
    return bytes(fits.Header(cards).tostring().encode("ascii"))


def _padded(header: bytes, data: NDArray[np.float32]) -> bytes:
    """Header and data, big-endian and filled up to whole blocks."""
    content = data.astype(">f4").tobytes()
    return header + content + bytes(-len(content) % _FITS_BLOCK)


def _cards(item: _Observed, name: str, layout: Layout, seed: int) -> list[Card]:
    record = item.record
    velocity = float(record["rv_input"])
    measured = np.isfinite(velocity)
    cards: list[Card] = [
        ("SIMULATD", True, "not an observation"),
        ("FILENAME", name, ""),
        ("OBSID", int(record["obsid"]), "simulated; beyond every real identifier"),
        ("AUTHOR", "M-giant explorer, simulated", ""),
        ("DATA_V", f"SIMULATED, layout of LAMOST {layout.upper()}", ""),
        ("N_EXTEN", 1 if layout == "dr5" else 2, ""),
        ("TELESCOP", "SIMULATED", "layout of LAMOST"),
        ("DATE-OBS", f"{observing_date(int(record['lmjd']))}T12:30:00", "UTC"),
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
        ("CLASS", record["object_class"], ""),
        ("SUBCLASS", record["subclass"], ""),
        ("Z", float(redshift(np.array(velocity))) if measured else NO_VALUE, "redshift, simulated"),
        ("Z_ERR", Z_ERROR if measured else NO_VALUE, ""),
    ]
    cards += [(band, value, "") for band, value in _band_snr(item.wavelength, item.flux, item.ivar).items()]
    if layout == "dr5":
        cards.append(("EXTNAME", "Flux", ""))
    cards.append(("HISTORY", "SIMULATED. Not an observation.", ""))
    cards.append(("HISTORY", f"Made by the embedded survey of the M-giant explorer, seed {seed}.", ""))
    return cards
