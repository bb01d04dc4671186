"""LAMOST low-resolution FITS spectra, every layout from DR1 to DR13, plain, gzipped or packed by fpack.

Two layouts exist: an image of five rows (DR1-DR7) and a one-row table ``COADD`` (DR8 on). In files of the first
data releases the third image row is the continuum-divided flux ("Subcontinuum"), in later ones the wavelength; so
wavelengths come from ``COEFF0`` and ``COEFF1``, and the row is only used where the header lacks them. Wavelengths are
vacuum and already heliocentric: nothing is corrected twice. A file packed by fpack holds the image and its header in
the first extension.

Sizes are bounded before anything is read, header values by the declared ranges of the catalogue's columns, pixels by
what a spectrograph can measure; so a bad file costs its own row and nothing else.
"""

from __future__ import annotations

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
from pipeline.sources.bounded_files import read_bounded, unpacked
from pipeline.sources.folders import Listing, list_files, shown_name
from pipeline.sources.header_values import HeaderValues, exact_whole
from pipeline.sources.packed_images import is_packed_image, packed_image
from pipeline.sources.pixel_values import impossible_pixels

_NAME = re.compile(r"spec-(?P<lmjd>\d{5})-(?P<plan>.+?)_sp(?P<sp>\d{2})-(?P<fiber>\d{3})")
_TABLE_FIELDS = ("FLUX", "IVAR", "WAVELENGTH", "ANDMASK", "ORMASK")
_FITS_MAGIC = b"SIMPLE  ="
_MAX_HDUS = 256
"""LAMOST's files have 1 or 2, those of medium resolution one an exposure and arm."""

_MAX_REASON = 300
"""Characters of a reason; astropy's may quote a whole header."""

_DERIVED_PARTS = (("LMJD", 99_999), ("SPID", 99), ("FIBERID", 999))
"""Cards of a derived identifier, and the largest number for which it has room."""

_MAX_STAR_REDSHIFT = 0.005


def find_spectra(folder: Path) -> Listing:
    """All files below a folder, and what else is in the way; a file that is no spectrum is refused by the reader.

    Raises
    ------
    FileNotFoundError
        If the folder does not exist or holds nothing.
    """
    if not folder.is_dir():
        raise FileNotFoundError(
            f"The folder of spectra {shown_name(folder)} does not exist. Set input.spectra in the configuration."
        )
    listing = list_files(folder)
    if not listing.files and not listing.problems:
        raise FileNotFoundError(
            f"The folder of spectra {shown_name(folder)} is empty. Set input.spectra in the configuration."
        )
    return listing


def read_spectrum(path: Path) -> Spectrum:
    """Read one LAMOST spectrum.

    Parameters
    ----------
    path : Path
        A FITS file of either layout: plain, gzipped, or its image packed by fpack.

    Returns
    -------
    Spectrum
        See :func:`spectrum_of`.

    Raises
    ------
    SpectrumError
        As :func:`spectrum_of` does, and with code not-a-file, too-large or unreadable.
    """
    return spectrum_of(read_bounded(path), path)


def spectrum_of(content: bytes, path: Path) -> Spectrum:
    """Spectrum in the content of a file.

    Parameters
    ----------
    content : bytes
        Of the whole file, gzipped or not.
    path : Path
        Of the file, for messages and where the header has no identifier.

    Returns
    -------
    Spectrum
        With ``ra``, ``dec``, ``snr`` (the paper's: mean over all pixels), ``rv_input`` (from the header's redshift),
        plate, spectrograph and fibre, ``obsid_source``, and ``problems`` (a sentence for each header value that is
        taken as missing) in its ``meta``.

    Raises
    ------
    SpectrumError
        If the file is no usable spectrum; its ``code`` is one of not-fits, empty, truncated, too-large, unreadable,
        no-spectrum, bad-shape, bad-wavelength, no-identifier, no-good-pixel, impossible-values, negative-flux.
    """
    name = shown_name(path.name)
    if not content:
        raise SpectrumError("empty", f"{name} is an empty file.")
    content = unpacked(content, name)
    if not content.startswith(_FITS_MAGIC):
        raise SpectrumError("not-fits", f"{name} is not FITS: it does not begin with 'SIMPLE  ='.")
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore", AstropyWarning)
            with fits.open(io.BytesIO(content), memmap=False, disable_image_compression=True) as hdus:
                _refuse_truncated(hdus, len(content), name)
                return _spectrum(hdus, content, path, name)
    except SpectrumError as error:
        raise SpectrumError(error.code, _short(str(error))) from error
    except Exception as error:  # astropy raises many kinds on damaged files; each becomes a reject with its reason
        reason = f"{name} cannot be read as FITS: {type(error).__name__}: {error}"
        raise SpectrumError("unreadable", _short(reason)) from error


def _short(reason: str) -> str:
    """A reason as one printable line."""
    plain = "".join(letter if letter.isprintable() else " " for letter in reason)
    return plain if len(plain) <= _MAX_REASON else f"{plain[:_MAX_REASON]}..."


def _spectrum(hdus: fits.HDUList, content: bytes, path: Path, name: str) -> Spectrum:
    header, (flux, ivar, wavelength, andmask) = _rows(hdus, content, name)
    if "COEFF0" in header and "COEFF1" in header:
        wavelength = np.power(10.0, float(header["COEFF0"]) + float(header["COEFF1"]) * np.arange(flux.size))
    values = HeaderValues(header)
    obsid, obsid_source = identifier(values, path)
    # Exactly zero flux is a dead stretch or the padded end of the range, never a measurement.
    mask = (andmask > 0) | (flux == 0.0) | ~(ivar > 0)
    impossible = impossible_pixels(flux, ivar, mask, name)
    if impossible.any():
        values.problems.append(f"{int(impossible.sum()):,} pixels hold no values of a spectrum; they are masked.")
    signal = (flux * np.sqrt(np.where(ivar > 0, ivar, 0.0)))[~impossible]
    signal = signal[np.isfinite(signal)]
    meta = _meta(values, name) | {
        "obsid_source": obsid_source,
        "snr": float(np.mean(signal)) if signal.size else float("nan"),
    }
    meta["problems"] = tuple(f"{name}: {problem}" for problem in dict.fromkeys(values.problems))
    usable = np.where((ivar > 0) & ~impossible, ivar, 0.0)
    return Spectrum(obsid, wavelength, flux, usable, mask | impossible, MappingProxyType(meta))


def read_spectra(paths: Iterable[Path]) -> Iterator[tuple[Path, Spectrum | SpectrumError]]:
    """Read many files; a bad one yields its error instead of stopping the run."""
    for path in paths:
        try:
            yield path, read_spectrum(path)
        except SpectrumError as error:
            yield path, error


class Identified(Protocol):
    """A spectrum or the reason of its rejection, with its identifier."""

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
                seen[found.obsid] = shown_name(path.name)
            yield path, found
            continue
        name = shown_name(path.name)
        first = seen[found.obsid]
        where = f" in {shown_name(path.parent.name)}" if first == name else ""
        reason = f"{name}{where} has obsid {found.obsid}, already read from {first}."
        yield path, SpectrumError("duplicate-obsid", reason)


def identifier(values: HeaderValues, path: Path) -> tuple[int, str]:
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
        With code no-identifier if neither header nor file name has night, plate, spectrograph and fibre.
    """
    found = values.whole("OBSID", "obsid")
    if found:
        return found, "header"
    parts = [_part(values.raw(key), most) for key, most in _DERIVED_PARTS]
    plan, source = values.text("PLANID"), "derived from header"
    if None in parts or not plan:
        match = _NAME.search(path.name)
        if match is None:
            raise SpectrumError(
                "no-identifier",
                f"{shown_name(path.name)} has no usable OBSID, and neither header nor name has night, plate, "
                "spectrograph and fibre.",
            )
        plan, source = match["plan"], "derived from filename"
        parts = [int(match[key]) for key in ("lmjd", "sp", "fiber")]
    lmjd, spectrograph, fiber = parts
    plate = zlib.crc32(plan.strip().encode(errors="surrogateescape")) % 100_000
    return int(f"1{lmjd:05d}{plate:05d}{spectrograph:02d}{fiber:03d}"), source


def _part(value: Any, most: int) -> int | None:
    """A part of a derived identifier; None where it has none or does not fit."""
    number = exact_whole(value) if value is not None else None
    return number if number is not None and 0 <= number <= most else None


def _refuse_truncated(hdus: fits.HDUList, size: int, name: str) -> None:
    for number, hdu in enumerate(hdus):
        if number == _MAX_HDUS:
            raise SpectrumError("too-large", f"{name} has more than {_MAX_HDUS} HDUs; a spectrum has 1 or 2.")
        info = hdu.fileinfo()
        end = info["datLoc"] + hdu.size if info else 0
        if end > size:
            raise SpectrumError("truncated", f"{name} is truncated: it needs {end} bytes and has {size}.")


def _rows(hdus: fits.HDUList, content: bytes, name: str) -> tuple[fits.Header, tuple[NDArray[np.float64], ...]]:
    """The header with the star's cards; flux, ivar, wavelength and andmask, from whichever layout."""
    header, image = hdus[0].header, hdus[0].data
    for number, hdu in enumerate(hdus):
        if not isinstance(hdu, fits.BinTableHDU):
            continue
        if is_packed_image(hdu):
            header, image = packed_image(content, number, hdu, name)
            break
        if hdu.header.get("ZTABLE", False):
            raise SpectrumError("unreadable", f"{name} holds a table packed by fpack, which is not read. Unpack it.")
        if {"FLUX", "IVAR"} <= set(hdu.columns.names):
            missing = [field for field in _TABLE_FIELDS[:4] if field not in hdu.columns.names]
            if missing or len(hdu.data) < 1:
                raise SpectrumError("no-spectrum", f"Table {hdu.name} of {name} lacks {missing or 'its row'}.")
            row = [np.ravel(np.asarray(hdu.data[field][0], np.float64)) for field in _TABLE_FIELDS[:4]]
            return header, _checked(row, name)
    if image is None:
        found = ", ".join(f"{hdu.name} ({type(hdu).__name__})" for hdu in hdus)
        raise SpectrumError("no-spectrum", f"{name} holds no spectrum: neither an image nor COADD; found {found}.")
    if image.ndim != 2 or image.shape[0] < 5:
        raise SpectrumError("bad-shape", f"{name} has an image of shape {image.shape}; a LAMOST spectrum has 5 rows.")
    return header, _checked([np.asarray(image[row], np.float64) for row in range(4)], name)


def _checked(rows: list[NDArray[np.float64]], name: str) -> tuple[NDArray[np.float64], ...]:
    sizes = {row.size for row in rows}
    if len(sizes) != 1 or sizes.pop() < 100:
        raise SpectrumError("bad-shape", f"{name} has rows of {[row.size for row in rows]} pixels.")
    return tuple(rows)


def _meta(values: HeaderValues, name: str) -> dict[str, Any]:
    redshift = values.number("Z")
    object_class = values.text("CLASS")
    usable = np.isfinite(redshift) and abs(redshift) < _MAX_STAR_REDSHIFT  # galaxies have no stellar velocity
    usable = usable and object_class.upper() not in ("GALAXY", "QSO")
    ra, dec = values.position()
    return {
        "source_file": name,
        "ra": ra,
        "dec": dec,
        "designation": values.text("DESIG").removeprefix("LAMOST "),
        "plan_id": values.text("PLANID"),
        "spectrograph_id": values.whole("SPID", "spectrograph_id"),
        "fiber_id": values.whole("FIBERID", "fiber_id"),
        "lmjd": values.whole("LMJD", "lmjd"),
        "object_class": object_class,
        "subclass": values.text("SUBCLASS"),
        "rv_input": float(redshift_to_velocity(redshift)) if usable else float("nan"),
        "simulated": values.raw("SIMULATD") is True,
    }
