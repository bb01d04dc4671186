"""Synthetic spectra of common grids, one model a file or row, as velocity templates.

Formats, told apart by content: PHOENIX HiRes (FITS image, wavelengths in a ``WAVE_*.fits`` beside it), Castelli &
Kurucz style FITS tables (``WAVELENGTH`` and one column a gravity, ``g05`` ...), BOSZ FITS tables (``Wavelength``,
``SpecificIntensity``, ``Continuum``), text in columns (wavelength, flux, perhaps continuum), and FERRE grids (a text
header of names, limits and steps, then one spectrum a line). The grid's wavelengths are declared air or vacuum by the
user: files rarely say.
"""

from __future__ import annotations

import gzip
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np
from astropy.io import fits
from numpy.typing import NDArray

from pipeline.domain.wavelength import air_to_vacuum

FloatArray = NDArray[np.float64]

MEDIA = ("vacuum", "air")

_BOSZ_2017 = re.compile(r"^am(?P<sign>[pm])(?P<m_h>\d{2}).*?t(?P<teff>\d{4,5})g(?P<logg>\d{2})")
_BOSZ_2024 = re.compile(r"_t(?P<teff>\d{4,5})_g(?P<logg>[+-]\d\.\d)_m(?P<m_h>[+-]\d\.\d+)")
_PLAIN = re.compile(r"t(?P<teff>\d{4,5})[_-]?g(?P<logg>[+-]?\d\.\d+)[_-]?m(?P<m_h>[+-]?\d\.\d+)")


class TemplateError(ValueError):
    """A template file cannot be used; the message names it, the problem and the remedy."""


@dataclass(frozen=True)
class TemplateSpectrum:
    """One synthetic spectrum.

    Parameters
    ----------
    labels : tuple of float
        Teff [K], log g [dex], [M/H] [dex].
    wavelength : ndarray, shape (n,)
        Vacuum wavelengths in Angstrom, ascending.
    flux : ndarray, shape (n,)
        Flux in any unit per Angstrom.
    """

    labels: tuple[float, float, float]
    wavelength: FloatArray
    flux: FloatArray


def read_template_grid(folder: Path, medium: str) -> list[TemplateSpectrum]:
    """Read all templates of a folder or file.

    Parameters
    ----------
    folder : Path
        Holds the files of one grid; or the file.
    medium : {"vacuum", "air"}
        Of the grid's wavelengths. PHOENIX is in vacuum, most others in air: a wrong choice shifts velocities by 82
        km/s.

    Raises
    ------
    TemplateError
        If the folder is missing or holds no template, or a file is damaged.
    """
    if medium not in MEDIA:
        raise TemplateError(f"Template wavelengths are {medium!r}: say vacuum or air.")
    if not folder.exists():
        raise TemplateError(f"The folder of templates {folder} does not exist.")
    result: list[TemplateSpectrum] = []
    files = [folder] if folder.is_file() else sorted(item for item in folder.rglob("*") if item.is_file())
    for path in files:
        if path.name.startswith(("WAVE_", ".")) or path.suffix.lower() in (".md", ".toml", ".json"):
            continue
        try:
            result.extend(_templates(path))
        except TemplateError:
            raise
        except Exception as error:  # damaged files fail in many ways; each names the file
            raise TemplateError(
                f"{path.name} cannot be read as a template: {type(error).__name__}: {error}."
            ) from error
    if not result:
        raise TemplateError(f"The folder of templates {folder} holds no template.")
    return [_in_vacuum(entry, medium) for entry in result]


def _in_vacuum(item: TemplateSpectrum, medium: str) -> TemplateSpectrum:
    wavelength = air_to_vacuum(item.wavelength) if medium == "air" else item.wavelength
    good = np.isfinite(wavelength) & np.isfinite(item.flux)
    if good.sum() < 100 or not (np.diff(wavelength[good]) > 0).all():
        raise TemplateError(f"The template at {item.labels} has no ascending wavelengths with finite flux.")
    return TemplateSpectrum(item.labels, wavelength[good], item.flux[good])


def _templates(path: Path) -> Iterator[TemplateSpectrum]:
    content = path.read_bytes()
    if content.startswith(b"\x1f\x8b"):
        content = gzip.decompress(content)
    if content.startswith(b"SIMPLE  ="):
        yield from _from_fits(path, content)
    elif b"&SYNTH" in content[:4000]:
        yield from _from_ferre(path, content.decode("latin1"))
    else:
        yield _from_text(path, content.decode("latin1"))


def _from_fits(path: Path, content: bytes) -> Iterator[TemplateSpectrum]:
    with fits.open(io.BytesIO(content), memmap=False) as hdus:
        header = hdus[0].header
        tables = [hdu for hdu in hdus if isinstance(hdu, fits.BinTableHDU)]
        if not tables:
            yield _phoenix(path, hdus[0])
            return
        columns = {name.lower(): name for name in tables[0].columns.names}
        data = tables[0].data
        if "wavelength" not in columns:
            raise TemplateError(f"{path.name} has columns {', '.join(columns)}; a template has a column WAVELENGTH.")
        wavelength = np.asarray(data[columns["wavelength"]], float)
        gravities = {name: int(name[1:]) / 10.0 for name in columns if re.fullmatch(r"g\d\d", name)}
        if gravities:  # Castelli & Kurucz: one column a gravity; zeros where there is no model
            teff, m_h = float(header["TEFF"]), float(header["LOG_Z"])
            for name, logg in gravities.items():
                flux = np.asarray(data[columns[name]], float)
                if (flux > 0).any():
                    yield TemplateSpectrum((teff, logg, m_h), wavelength, flux)
            return
        name = next((columns[key] for key in ("specificintensity", "flux") if key in columns), None)
        if name is None:
            raise TemplateError(f"{path.name} has columns {', '.join(columns)}; none is SpecificIntensity or FLUX.")
        yield TemplateSpectrum(_labels(path, header), wavelength, np.asarray(data[name], float))


def _phoenix(path: Path, hdu: fits.PrimaryHDU) -> TemplateSpectrum:
    waves = sorted(path.parent.glob("WAVE_*.fits"))
    if hdu.data is None or hdu.data.ndim != 1:
        raise TemplateError(f"{path.name} holds neither a table nor an image of one row.")
    if "CRVAL1" in hdu.header and "CDELT1" in hdu.header:
        wavelength = hdu.header["CRVAL1"] + hdu.header["CDELT1"] * np.arange(hdu.data.size)
        wavelength = np.exp(wavelength) if hdu.header.get("CTYPE1", "").strip() == "AWAV-LOG" else wavelength
    elif waves:
        wavelength = np.asarray(fits.getdata(waves[0]), float)
    else:
        raise TemplateError(f"{path.name} has no wavelengths: put the grid's WAVE_*.fits beside it.")
    if wavelength.size != hdu.data.size:
        raise TemplateError(f"{path.name} has {hdu.data.size} pixels, its wavelengths {wavelength.size}.")
    return TemplateSpectrum(_labels(path, hdu.header), wavelength, np.asarray(hdu.data, float))


def _labels(path: Path, header: fits.Header) -> tuple[float, float, float]:
    """Labels from the header with names of PHOENIX or BOSZ, else from the file name."""
    for teff, logg, m_h in (("PHXTEFF", "PHXLOGG", "PHXM_H"), ("TEFF", "LOGG", "FEH"), ("TEFF", "LOGG", "LOG_Z")):
        if all(key in header for key in (teff, logg, m_h)):
            return float(header[teff]), float(header[logg]), float(header[m_h])
    return _labels_of_name(path)


def _labels_of_name(path: Path) -> tuple[float, float, float]:
    result = _BOSZ_2017.search(path.name)
    if result:
        sign = -1.0 if result["sign"] == "m" else 1.0
        return float(result["teff"]), int(result["logg"]) / 10.0, sign * int(result["m_h"]) / 10.0
    result = _BOSZ_2024.search(path.name) or _PLAIN.search(path.name)
    if result:
        return float(result["teff"]), float(result["logg"]), float(result["m_h"])
    raise TemplateError(
        f"{path.name} tells Teff, log g and [M/H] neither in its header nor in its name (t3500_g+1.0_m-0.50 would)."
    )


def _from_text(path: Path, text: str) -> TemplateSpectrum:
    rows = np.loadtxt(text.splitlines(), comments=("#", "!"), ndmin=2)
    if rows.shape[1] < 2:
        raise TemplateError(f"{path.name} has {rows.shape[1]} column; a template has wavelength and flux.")
    return TemplateSpectrum(_labels_of_name(path), rows[:, 0].copy(), rows[:, 1].copy())


def _from_ferre(path: Path, text: str) -> Iterator[TemplateSpectrum]:
    """All nodes of a FERRE grid; the last dimension varies fastest."""
    block, _, body = text.partition("\n /")
    if not body:
        block, _, body = text.partition("\n/")
    entries = dict(re.findall(r"([A-Z_0-9]+(?:\(\d+\))?)\s*=\s*([^=\n]*)(?=\n|$)", block))

    def numbers(key: str) -> list[float]:
        if key not in entries:
            raise TemplateError(f"{path.name} is a FERRE grid without {key} in its header.")
        return [float(part) for part in re.findall(r"[-+0-9.eEdD]+", entries[key].replace("D", "e"))]

    names = [entries[f"LABEL({k + 1})"].strip(" ',").upper() for k in range(int(numbers("N_OF_DIM")[0]))]
    counts, low, step = [int(v) for v in numbers("N_P")], numbers("LLIMITS"), numbers("STEPS")
    pixels, wave = int(numbers("NPIX")[0]), numbers("WAVE")
    wavelength = np.asarray(wave[0] + wave[1] * np.arange(pixels), np.float64)
    scale = int(numbers("LOGW")[0]) if "LOGW" in entries else 0
    wavelength = wavelength if scale == 0 else 10.0**wavelength if scale == 1 else np.exp(wavelength)
    place = [_ferre_dimension(names, keys, path) for keys in (("TEFF",), ("LOGG",), ("METALS", "FEH", "M_H", "[M/H]"))]
    nodes = list(product(*(range(count) for count in counts)))
    lines = body.splitlines()
    spectra = [line for line in lines[1 if lines and not lines[0].strip() else 0 :] if line.strip()]
    if len(spectra) != len(nodes):
        raise TemplateError(f"{path.name} has {len(spectra)} spectra; its header tells of {len(nodes)}.")
    for node, line in zip(nodes, spectra, strict=True):
        flux: NDArray[np.float64] = np.array(line.split(), np.float64)
        if flux.size != pixels:
            raise TemplateError(f"{path.name} has a spectrum of {flux.size} pixels; its header says {pixels}.")
        teff, logg, m_h = (low[k] + step[k] * node[k] for k in place)
        yield TemplateSpectrum((teff, logg, m_h), wavelength, flux)


def _ferre_dimension(names: list[str], keys: tuple[str, ...], path: Path) -> int:
    for number, name in enumerate(names):
        if any(key in name for key in keys):
            return number
    raise TemplateError(f"{path.name} is a FERRE grid of {', '.join(names)}; none is {keys[0]}.")
