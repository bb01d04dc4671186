"""LAMOST low-resolution FITS spectra, every layout from DR1 to DR13, plain or gzipped.

Two layouts exist: an image of five rows (DR1-DR7) and a one-row table ``COADD`` (DR8 on). In files of the first
data releases the third image row is the continuum-divided flux ("Subcontinuum"), in later ones the wavelength; so
wavelengths come from ``COEFF0`` and ``COEFF1``, and the row is only used where the header lacks them. Wavelengths are
vacuum and already heliocentric: nothing is corrected twice.
"""

from __future__ import annotations

import gzip
import io
import re
import warnings
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import MappingProxyType
from typing import Any, Protocol, TypeVar

import numpy as np
from astropy.io import fits
from astropy.utils.exceptions import AstropyWarning
from numpy.typing import NDArray

from pipeline.domain.spectrum import Spectrum, SpectrumError
from pipeline.domain.wavelength import redshift_to_velocity

SUFFIXES = (".fits", ".fits.gz", ".fit", ".fits.fz")
_NAME = re.compile(r"spec-(?P<lmjd>\d{5})-(?P<plan>.+?)_sp(?P<sp>\d{2})-(?P<fiber>\d{3})")
_TABLE_FIELDS = ("FLUX", "IVAR", "WAVELENGTH", "ANDMASK", "ORMASK")
_GZIP_MAGIC = b"\x1f\x8b"
_FITS_MAGIC = b"SIMPLE  ="


def find_spectra(folder: Path) -> list[Path]:
    """All files below a folder, sorted; whatever is not a usable spectrum will be told by its reader.

    Raises
    ------
    FileNotFoundError
        If the folder does not exist or holds no file.
    """
    if not folder.is_dir():
        raise FileNotFoundError(
            f"The folder of spectra {folder} does not exist. Set input.spectra in the configuration."
        )
    found = sorted(path for path in folder.rglob("*") if path.is_file())
    if not found:
        raise FileNotFoundError(f"The folder of spectra {folder} is empty. Set input.spectra in the configuration.")
    return found


def read_spectrum(path: Path) -> Spectrum:
    """Read one LAMOST spectrum.

    Parameters
    ----------
    path : Path
        A FITS file, plain or gzipped, of either layout.

    Returns
    -------
    Spectrum
        With ``ra``, ``dec``, ``snr`` (the paper's: mean over all pixels), ``rv_input`` (from the header's redshift),
        plate, spectrograph and fibre, and ``obsid_source`` in its ``meta``.

    Raises
    ------
    SpectrumError
        If the file is no usable spectrum; its ``code`` is one of not-fits, empty, truncated, unreadable, no-spectrum,
        bad-shape, bad-wavelength, no-good-pixel.
    """
    content = _content(path)
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore", AstropyWarning)
            with fits.open(io.BytesIO(content), memmap=False) as hdus:
                _refuse_truncated(hdus, len(content), path)
                return _spectrum(hdus, path)
    except SpectrumError:
        raise
    except Exception as error:  # astropy raises many kinds on damaged files; each becomes a reject with its reason
        raise SpectrumError(
            "unreadable", f"{path.name} cannot be read as FITS: {type(error).__name__}: {error}"
        ) from error


def _spectrum(hdus: fits.HDUList, path: Path) -> Spectrum:
    header = hdus[0].header
    flux, ivar, wavelength, andmask = _rows(hdus, path)
    if "COEFF0" in header and "COEFF1" in header:
        wavelength = 10.0 ** (float(header["COEFF0"]) + float(header["COEFF1"]) * np.arange(flux.size))
    obsid, obsid_source = identifier(header, path)
    signal = flux * np.sqrt(np.where(ivar > 0, ivar, 0.0))
    # Exactly zero flux is a dead stretch or the padded end of the range, never a measurement.
    mask = (andmask > 0) | (flux == 0.0) | ~(ivar > 0)
    meta = _meta(header, path) | {
        "obsid_source": obsid_source,
        "snr": float(np.mean(signal[np.isfinite(signal)])) if np.isfinite(signal).any() else float("nan"),
    }
    return Spectrum(obsid, wavelength, flux, np.where(ivar > 0, ivar, 0.0), mask, MappingProxyType(meta))


def read_spectra(paths: Iterable[Path]) -> Iterator[tuple[Path, Spectrum | SpectrumError]]:
    """Read many files; a bad one yields its error instead of stopping the run."""
    for path in paths:
        try:
            yield path, read_spectrum(path)
        except SpectrumError as error:
            yield path, error


class Identified(Protocol):
    """Whatever was made of a spectrum, with its identifier."""

    @property
    def obsid(self) -> int:
        """LAMOST observation identifier, or the derived one."""
        ...


Found = TypeVar("Found", bound=Identified)


def without_repeats(
    results: Iterable[tuple[Path, Found | SpectrumError]],
) -> Iterator[tuple[Path, Found | SpectrumError]]:
    """The same, with an error in place of every spectrum whose obsid an earlier file had."""
    seen: dict[int, str] = {}
    for path, found in results:
        if isinstance(found, SpectrumError) or found.obsid not in seen:
            if not isinstance(found, SpectrumError):
                seen[found.obsid] = path.name
            yield path, found
            continue
        reason = f"{path.name} has obsid {found.obsid}, already read from {seen[found.obsid]}."
        yield path, SpectrumError("duplicate-obsid", reason)


def identifier(header: fits.Header, path: Path) -> tuple[int, str]:
    """LAMOST's obsid, or one derived where old headers have none.

    A derived identifier is ``1 NNNNN PPPPP SS FFF``: the local modified Julian day, five digits of the plate name's
    CRC-32, the spectrograph and the fibre. It has 16 digits, so it is never taken for LAMOST's own (at most 10), and
    it stays below 2^53, so that every tool keeps it exact.

    Returns
    -------
    obsid : int
        The identifier.
    source : str
        "header", "derived from header" or "derived from filename".

    Raises
    ------
    SpectrumError
        With code no-identifier if neither header nor file name tells night, plate, spectrograph and fibre.
    """
    found = _whole(header.get("OBSID"))
    if found:
        return found, "header"
    values = tuple(header.get(key) for key in ("LMJD", "PLANID", "SPID", "FIBERID"))
    source = "derived from header"
    if any(value in (None, "") for value in values):
        match = _NAME.search(path.name)
        if match is None:
            raise SpectrumError(
                "no-identifier",
                f"{path.name} has no OBSID, and neither header nor name tells night, plate, spectrograph and fibre.",
            )
        values, source = match.group("lmjd", "plan", "sp", "fiber"), "derived from filename"
    lmjd, plan, spectrograph, fiber = values
    plate = zlib.crc32(str(plan).strip().encode()) % 100_000
    digits = f"1{_whole(lmjd):05d}{plate:05d}{_whole(spectrograph):02d}{_whole(fiber):03d}"
    return int(digits), source


def _content(path: Path) -> bytes:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise SpectrumError("unreadable", f"{path.name} cannot be opened: {error.strerror}.") from error
    if not content:
        raise SpectrumError("empty", f"{path.name} is an empty file.")
    if content.startswith(_GZIP_MAGIC):
        try:
            content = gzip.decompress(content)
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise SpectrumError("truncated", f"{path.name} is a damaged gzip file: {error}.") from error
    if not content.startswith(_FITS_MAGIC):
        raise SpectrumError("not-fits", f"{path.name} is not FITS: it does not begin with 'SIMPLE  ='.")
    return content


def _refuse_truncated(hdus: fits.HDUList, size: int, path: Path) -> None:
    for hdu in hdus:
        info = hdu.fileinfo()
        end = info["datLoc"] + hdu.size if info else 0
        if end > size:
            raise SpectrumError("truncated", f"{path.name} is truncated: it needs {end} bytes and has {size}.")


def _rows(hdus: fits.HDUList, path: Path) -> tuple[NDArray[np.float64], ...]:
    """Flux, ivar, wavelength and andmask, from whichever layout."""
    for hdu in hdus:
        if isinstance(hdu, fits.BinTableHDU) and {"FLUX", "IVAR"} <= set(hdu.columns.names):
            missing = [name for name in _TABLE_FIELDS[:4] if name not in hdu.columns.names]
            if missing or len(hdu.data) < 1:
                raise SpectrumError("no-spectrum", f"Table {hdu.name} of {path.name} lacks {missing or 'its row'}.")
            return _checked([np.ravel(np.asarray(hdu.data[name][0], np.float64)) for name in _TABLE_FIELDS[:4]], path)
    image = hdus[0].data
    if image is None:
        found = ", ".join(f"{hdu.name} ({type(hdu).__name__})" for hdu in hdus)
        raise SpectrumError("no-spectrum", f"{path.name} holds no spectrum: neither an image nor COADD; found {found}.")
    if image.ndim != 2 or image.shape[0] < 5:
        raise SpectrumError(
            "bad-shape", f"{path.name} has an image of shape {image.shape}; a LAMOST spectrum has 5 rows."
        )
    return _checked([np.asarray(image[row], np.float64) for row in range(4)], path)


def _checked(rows: list[NDArray[np.float64]], path: Path) -> tuple[NDArray[np.float64], ...]:
    sizes = {row.size for row in rows}
    if len(sizes) != 1 or sizes.pop() < 100:
        raise SpectrumError("bad-shape", f"{path.name} has rows of {[row.size for row in rows]} pixels.")
    return tuple(rows)


def _whole(value: Any) -> int:
    """A header number that may be stored as text; 0 when there is none."""
    try:
        return int(str(value).strip())
    except ValueError:
        return 0


def _number(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        return float("nan")


def _meta(header: fits.Header, path: Path) -> dict[str, Any]:
    redshift = _number(header.get("Z"))
    object_class = str(header.get("CLASS", "")).strip()
    usable = np.isfinite(redshift) and abs(redshift) < 0.005  # -9999 and galaxies have no stellar velocity
    usable = usable and object_class.upper() not in ("GALAXY", "QSO")
    return {
        "source_file": path.name,
        "ra": _number(header.get("RA")),
        "dec": _number(header.get("DEC")),
        "designation": str(header.get("DESIG", "")).strip().removeprefix("LAMOST "),
        "plan_id": str(header.get("PLANID", "")).strip(),
        "spectrograph_id": _whole(header.get("SPID")),
        "fiber_id": _whole(header.get("FIBERID")),
        "lmjd": _whole(header.get("LMJD")),
        "object_class": object_class,
        "subclass": str(header.get("SUBCLASS", "")).strip(),
        "rv_input": float(redshift_to_velocity(redshift)) if usable else float("nan"),
        "simulated": bool(header.get("SIMULATD", False)),
    }
