"""Export of one star as FITS: spectrum, model and masks, with its catalogue row and provenance."""

from __future__ import annotations

import io
import textwrap
from collections.abc import Sequence

import numpy as np
from astropy.io import fits

from explorer.model.table import StarTable
from pipeline import __version__
from pipeline.domain.columns import column, placed
from pipeline.domain.stored_spectrum import StoredSpectrum
from pipeline.products.manifest import Manifest
from pipeline.products.tables import annotated, ascii_only, fits_tables
from pipeline.science.star.refit import Interval, LabelModel, Trial, in_any

_MEANINGS = {
    "WAVELENGTH": "Wavelength in vacuum, at rest",
    "FLUX": "Flux over CONTINUUM, no unit",
    "IVAR": "Inverse variance of FLUX, no unit; 0 means no information",
    "MASK": "Whether the build excluded the pixel",
    "MASK_USER": "Whether the visitor excluded the pixel",
    "MODEL": "Model of the label fit, over the continuum",
    "SIGMA_MODEL": "Uncertainty of the model, as FLUX; NaN unknown",
    "CONTINUUM": "Continuum, in the flux unit of the input file",
    "MODEL_TRIAL": "Model of the visitor's labels: not published",
}
_CARD_LETTERS = 80

OWN_NAME = "OWN"
"""Name of the extension with the user's own columns."""


def spectrum_fits(
    spectrum: StoredSpectrum,
    table: StarTable,
    row: int,
    manifest: Manifest,
    model: LabelModel | None,
    masked: Sequence[Interval],
    trial: Trial | None = None,
) -> bytes:
    """Write one star.

    Parameters
    ----------
    spectrum : StoredSpectrum
        The published spectrum: at rest, normalised.
    table : StarTable
        The catalogue.
    row : int
        The star's row.
    manifest : Manifest
        Provenance.
    model : LabelModel or None
        For the model's own uncertainty.
    masked : sequence of (float, float)
        Stretches that the visitor masked, Angstrom.
    trial : Trial, optional
        The unpublished model of the sliders or of the refit.

    Returns
    -------
    bytes
        A binary table STAR with one row a pixel; where the catalogue has columns of the user's own, their values of the
        star in tables OWN, OWN2, ... of one row.
    """
    sigma = np.full(spectrum.wavelength.size, np.nan) if model is None else model.slam.sigma_pixel_
    columns = [
        fits.Column("WAVELENGTH", "D", "Angstrom", array=spectrum.wavelength),
        fits.Column("FLUX", "E", array=spectrum.flux),
        fits.Column("IVAR", "E", array=spectrum.ivar),
        fits.Column("MASK", "L", array=spectrum.mask),
        fits.Column("MASK_USER", "L", array=in_any(spectrum.wavelength, masked)),
        fits.Column("MODEL", "E", array=spectrum.model),
        fits.Column("SIGMA_MODEL", "E", array=sigma),
        fits.Column("CONTINUUM", "E", array=spectrum.continuum),
    ]
    if trial is not None:
        columns.append(fits.Column("MODEL_TRIAL", "E", array=trial.flux))
    unit = fits.BinTableHDU.from_columns(columns, name="STAR")
    header = unit.header
    header["OBSID"] = (spectrum.obsid, "LAMOST observation id")
    for number, declared in enumerate(unit.columns, 1):
        header.set(f"TCOMM{number}", _MEANINGS[declared.name], after=f"TFORM{number}")
    for name in (item.name for item in placed("header")):
        if np.isfinite(table.value(name, row)):
            header.append(_card(name, float(str(table[name][row]))))  # the digits that are stored
    header["QUALITY"] = (int(table["quality"][row]), "quality bits")
    header["CATALOG"] = (manifest.name, "name of the build")
    header["CREATED"] = (manifest.created, "time of the build")
    header["ORIGIN"] = f"mgiant-explorer {__version__}"
    if model is not None:
        header["HIERARCH LABEL MODEL"] = model.version[:32]
    for name, label in trial.labels if trial is not None else ():
        header.append(_card(name, float(label), "HIERARCH TRIAL ", "of MODEL_TRIAL, not published"))
    header["SIMULATD"] = (manifest.simulated, "whether the star is simulated")
    header["COMMENT"] = "Rest frame, vacuum wavelengths; FLUX is divided by CONTINUUM, and so is MODEL."
    if manifest.simulated:
        header["COMMENT"] = manifest.simulated_note.encode("ascii", "replace").decode()
    target = io.BytesIO()
    fits.HDUList([fits.PrimaryHDU(), unit, *_own_tables(table, row)]).writeto(target)
    return target.getvalue()


def _own_tables(table: StarTable, row: int) -> list[fits.BinTableHDU]:
    """Tables of the obsid and the user's own columns, with units, UCDs and descriptions."""
    if not table.own:
        return []
    stars = np.array([row])
    columns = {item: table.taken(item.name, stars) for item in (table.column("obsid"), *table.own)}
    return fits_tables(annotated(columns), OWN_NAME)


def _card(name: str, value: float, before: str = "", about: str = "") -> fits.Card:
    """Header card of a column's value with its unit and the beginning of its description."""
    declared = column(name)
    words = f"[{declared.unit}] " if declared.unit else ""
    key = f"{before}{name.upper()}" if before or len(name) <= 8 else f"HIERARCH {name.upper()}"
    room = _CARD_LETTERS - len(str(fits.Card(key, value)).rstrip()) - len(" / ")
    words = ascii_only(words + (about or declared.description))
    return fits.Card(key, value, textwrap.shorten(words, room, placeholder="..."))
