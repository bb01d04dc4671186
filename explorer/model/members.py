"""Member lists that visitors upload: identifiers or positions in CSV, FITS, VOTable or Parquet, as a selection."""

from __future__ import annotations

import codecs
import io
import re
import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from astropy.table import Column, MaskedColumn, Table
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from explorer.model.selection import InIds, SelectionError
from explorer.model.table import StarTable
from pipeline.sources.tables.safe_xml import UnsafeXmlError, refuse_outside_references

MOST_BYTES = 16_000_000
_MOST_ROWS = MOST_BYTES // 8
"""Of a packed list: no more identifiers than an unpacked one can hold."""

_BATCH = 65_536

RADIUS_ARCSEC = 1.0
"""How near a position must be to a star."""

_OBSID = ("obsid", "lamost_obsid")
_GAIA = ("gaia_source_id", "source_id", "gaia_dr3_source_id", "gaia_dr3")
_UNNAMED = "(no header)"
"""Column of a list that is identifiers alone."""

_RA = ("ra", "ra_deg", "raj2000", "ra_icrs", "_raj2000", "_ra")
_DEC = ("dec", "dec_deg", "dej2000", "de_icrs", "_dej2000", "_de")

_LARGEST = 2**63 - 1
_EXACT = 2**53
"""Decimal numbers of double precision have every digit of whole ones below this."""

_LETTERS = 40
"""Of a packed text that are unpacked: more than any identifier or degree has."""

_NUMBER = re.compile(r"(\d+)(?:\.(\d*))?(?:[eE]\+?(\d{1,3}))?", re.ASCII)
"""An identifier, also as a program writes it that takes it for a decimal number."""


@dataclass(frozen=True)
class Members:
    """What a member list holds.

    Parameters
    ----------
    selection : InIds
        Stars of the catalogue that it names.
    sentence : str
        How many of how many, and by what.
    """

    selection: InIds
    sentence: str


def read_members(data: bytes, table: StarTable) -> Members:
    """Read a member list.

    Parameters
    ----------
    data : bytes
        The file: CSV, FITS, VOTable or Parquet with a column of obsid or Gaia source id, or two of RA and Dec in
        degrees; or plain text with an obsid or a source id a line.
    table : StarTable
        The catalogue.

    Raises
    ------
    SelectionError
        With what was found and the remedy.
    """
    if len(data) > MOST_BYTES:
        raise SelectionError(f"The list has {len(data):,} bytes; at most {MOST_BYTES:,} are read. Leave columns out.")
    columns = _columns(_in_utf8(data))
    if _UNNAMED in columns:
        tried = [_by_id(columns[_UNNAMED], table, name, name) for name in ("obsid", "gaia_source_id") if name in table]
        return max(tried, key=lambda members: len(members.selection.obsids))
    if (obsids := _find(columns, _OBSID)) is not None:
        return _by_id(columns[obsids], table, "obsid", obsids)
    if (gaia := _find(columns, _GAIA)) is not None and "gaia_source_id" in table:
        return _by_id(columns[gaia], table, "gaia_source_id", gaia)
    ra, dec = _find(columns, _RA), _find(columns, _DEC)
    if ra is not None and dec is not None:
        return _by_position(columns[ra], columns[dec], table)
    raise SelectionError(
        f"The list has no column obsid, source_id, or ra and dec among its {len(columns)} columns. Name one so."
    )


def _in_utf8(data: bytes) -> bytes:
    """Text in UTF-16, such as Excel's "Unicode text", as the text that the readers know; other data as they are."""
    if not data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data
    try:
        return data.decode("utf-16").encode()
    except UnicodeDecodeError as error:
        raise SelectionError(f"The list is damaged UTF-16 ({error.reason}). Save it as CSV in UTF-8.") from error


def _columns(data: bytes) -> dict[str, NDArray[np.generic]]:
    """Columns of the file by lower-case name."""
    begin = data[:2000].removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if not data.removeprefix(b"\xef\xbb\xbf").strip():
        raise SelectionError("The list is empty: the file holds nothing but space. Choose another file.")
    if begin.startswith((b"<!doctype html", b"<html")) or (begin.startswith(b"<") and b"<html" in begin):
        raise SelectionError(
            "This is a web page, not a table. Download the list itself: CSV, FITS, VOTable or Parquet."
        )
    votable = data.lstrip()[:5] == b"<?xml" or b"<VOTABLE" in data[:2000].upper()
    if votable:
        _refuse_outside_references(data)
    fits = data.startswith(b"SIMPLE  =")
    parquet = data.startswith(b"PAR1")
    if not (fits or votable or parquet) and b"\0" in data:
        raise SelectionError("The list is neither text nor FITS, VOTable or Parquet. Save it as CSV with a header.")
    try:
        if parquet:
            return _of_parquet(data)
        return _of_table(data, "fits" if fits else "votable") if fits or votable else _of_text(data)
    except SelectionError:
        raise
    except Exception as error:  # a damaged file may fail anywhere in the libraries that read it
        # What the libraries say may quote the file: only the kind of failure is shown.
        form = "FITS" if fits else "VOTable" if votable else "Parquet" if parquet else "text"
        raise SelectionError(
            f"The list could not be read as {form} ({type(error).__name__}). "
            "Save it as CSV with a header, FITS, VOTable or Parquet."
        ) from error


def _refuse_outside_references(data: bytes) -> None:
    try:
        refuse_outside_references(data)
    except UnsafeXmlError as error:
        raise SelectionError(str(error)) from None


def _of_table(data: bytes, form: str) -> dict[str, NDArray[np.generic]]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        table = Table.read(io.BytesIO(data), format=form)
    return {name.lower(): _decoded(_without_gaps(table[name])) for name in table.colnames}


def _without_gaps(column: Column) -> NDArray[np.generic]:
    """A gap is neither an id nor a degree."""
    if not isinstance(column, MaskedColumn):
        return np.asarray(column)
    if column.dtype.kind == "f":
        return np.asarray(column.filled(np.nan))
    return np.asarray(column.filled(b"") if column.dtype.kind == "S" else column.astype(str).filled(""))


def _decoded(values: NDArray[Any]) -> NDArray[np.generic]:
    """Text of FITS is bytes."""
    return np.char.decode(values, "ascii", "replace") if values.dtype.kind == "S" else values


def _of_parquet(data: bytes) -> dict[str, NDArray[np.generic]]:
    """Columns of identifiers and positions with their values, others empty.

    Sizes of columns are not asked for: pyarrow ends the process where those of a damaged file disagree.
    """
    every = pq.ParquetFile(io.BytesIO(data)).schema_arrow.names
    names = [name for name in every if name.lower() in (*_OBSID, *_GAIA, *_RA, *_DEC)]
    file = pq.ParquetFile(io.BytesIO(data), read_dictionary=names)
    parts: dict[str, list[NDArray[np.generic]]] = {name: [np.empty(0, str)] for name in every}
    n_rows = 0
    for batch in file.iter_batches(_BATCH, columns=names):
        n_rows += batch.num_rows
        if n_rows > _MOST_ROWS:
            raise SelectionError(f"The list has more than {_MOST_ROWS:,} rows; no more are read. Leave rows out.")
        for name in names:
            parts[name].append(_of_arrow(batch[name]))
    return {name.lower(): np.concatenate(found[1:] or found) for name, found in parts.items()}


def _of_arrow(values: pa.Array) -> NDArray[np.generic]:
    if pa.types.is_dictionary(values.type):
        values = _unpacked(values)
    if pa.types.is_floating(values.type):
        return np.asarray(values.to_numpy(zero_copy_only=False))
    return np.array(values.cast(pa.string()).fill_null("").to_pylist(), str)


def _unpacked(part: pa.DictionaryArray) -> pa.Array:
    short = pc.utf8_slice_codeunits(part.dictionary.cast(pa.string()), 0, _LETTERS)
    return pa.DictionaryArray.from_arrays(part.indices, short).cast(pa.string())


def _of_text(data: bytes) -> dict[str, NDArray[np.generic]]:
    text = data.decode("utf-8-sig")
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    if lines and all(_NUMBER.fullmatch(line.strip()) for line in lines[:50]):
        return {_UNNAMED: np.array(lines, str)}
    if not lines:
        raise SelectionError("The list is empty: it holds comments alone. Choose another file.")
    header = lines[0]
    separator = next((sign for sign in (",", "\t", ";", "|") if sign in header), r"\s+")
    frame = pd.read_csv(
        io.StringIO("\n".join(lines)), sep=separator, dtype=str, keep_default_na=False, skipinitialspace=True
    )
    return {str(name).strip().strip('"').lower(): np.array(frame[name].tolist(), str) for name in frame.columns}


def _find(columns: Iterable[str], names: tuple[str, ...]) -> str | None:
    there = set(columns)
    return next((name for name in names if name in there), None)


def _by_id(values: NDArray[Any], table: StarTable, name: str, called: str) -> Members:
    values = values.ravel()
    ids, rounded = _identifiers(values)
    if not ids.size:
        raise SelectionError(_none_of(values, rounded, called))
    different = np.unique(ids)
    rows = np.flatnonzero(np.isin(table[name], different))
    selection = InIds(tuple(int(obsid) for obsid in table["obsid"][rows]))
    matched = int(np.isin(different, table[name]).sum())
    sentence = f"{matched:,} of {different.size:,} identifiers ({called}) are in the catalogue."
    return Members(selection, sentence + _left_out(values.size - ids.size - rounded, rounded))


def _none_of(values: NDArray[Any], rounded: int, called: str) -> str:
    if rounded:
        return (
            f"The column {called} holds decimal numbers that have lost their last digits ({rounded:,} of "
            f"{values.size:,} values). Save it as integers or as text."
        )
    found = "" if values.size else " because it is empty"
    return f"The column {called} holds no whole number{found}. Write one identifier a row."


def _left_out(others: int, rounded: int) -> str:
    """What is told of values that were not looked for."""
    told = f" Left out as no identifiers: {others:,}." if others else ""
    if rounded:
        told += f" Left out as decimal numbers that have lost their last digits: {rounded:,}; "
        told += "save the column as integers or as text."
    return told


def _identifiers(values: NDArray[Any]) -> tuple[NDArray[np.int64], int]:
    """Identifiers among some values, and how many of the others have lost digits as decimal numbers."""
    if values.dtype.kind in "iu":
        return values[(values > 0) & (values <= _LARGEST)].astype(np.int64), 0
    if values.dtype.kind == "f":
        whole = values[np.isfinite(values) & (values > 0) & (values == np.floor(values))]
        rounded = whole >= 2.0 ** (np.finfo(values.dtype).nmant + 1)
        return whole[~rounded].astype(np.int64), int(rounded.sum())
    found = [_identifier(str(value).strip()) for value in values]
    whole_ones = [number for number, rounded in found if number and not rounded]
    return np.array(whole_ones, np.int64), sum(rounded for _, rounded in found)


def _identifier(text: str) -> tuple[int, bool]:
    """The number that a text is, 0 if it is no identifier, and whether it has lost digits."""
    parts = _NUMBER.fullmatch(text)
    if parts is None:
        return 0, False
    digits, decimals, shift = parts[1].lstrip("0"), parts[2] or "", int(parts[3] or 0)
    if len(digits) + shift > len(str(_LARGEST)) or decimals[shift:].strip("0"):
        return 0, False
    number = int((digits + decimals[:shift].ljust(shift, "0")) or "0")
    if number > _LARGEST:
        return 0, False
    decimal = parts[2] is not None or parts[3] is not None
    return number, bool(number) and decimal and (number >= _EXACT or len(decimals) < shift)


def _by_position(ra: NDArray[np.generic], dec: NDArray[np.generic], table: StarTable) -> Members:
    numbers = [pd.to_numeric(pd.Series(values.ravel()), errors="coerce").to_numpy(np.float64) for values in (ra, dec)]
    good = np.isfinite(numbers[0]) & (np.abs(numbers[1]) <= 90.0)
    if not good.any():
        raise SelectionError("The columns of RA and Dec hold no degrees. Convert hours and minutes to degrees.")
    away, row = cKDTree(_on_sphere(table["ra"], table["dec"])).query(
        _on_sphere(numbers[0][good], numbers[1][good]), distance_upper_bound=np.radians(RADIUS_ARCSEC / 3600.0)
    )
    rows = np.unique(row[np.isfinite(away)])
    sentence = (
        f"{int(np.isfinite(away).sum()):,} of {good.sum():,} positions lie within {RADIUS_ARCSEC:g} arcsec of a star."
    )
    return Members(InIds(tuple(int(obsid) for obsid in table["obsid"][rows])), sentence)


def _on_sphere(ra_deg: NDArray[np.float64], dec_deg: NDArray[np.float64]) -> NDArray[np.float64]:
    ra, dec = np.radians(ra_deg), np.radians(dec_deg)
    return np.stack([np.cos(dec) * np.cos(ra), np.cos(dec) * np.sin(ra), np.sin(dec)], axis=1)
