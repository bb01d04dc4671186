"""Files and pasted texts with lists of spectral lines."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import pandas as pd

from explorer.model.line_lists import MAX_LINES, MAX_NAME_CHARACTERS, WAVELENGTH_LIMITS, Line
from explorer.model.selection import SelectionError
from pipeline.domain.wavelength import air_to_vacuum
from pipeline.sources.tables.reader import open_table
from pipeline.sources.tables.table_file import Field, Limits, TableError, TableFile
from pipeline.sources.tables.units import conversion

WavelengthUnit: TypeAlias = Literal["Å", "nm", "µm"]

MAX_BYTES = 500_000
"""Maximum size of a file with a list of lines."""

_LIMITS = Limits(max_bytes=MAX_BYTES, max_rows=20 * MAX_LINES, max_columns=200)
_ANGSTROM: dict[str, float] = {"Å": 1.0, "nm": 10.0, "µm": 10_000.0}
_NAMES = ("name", "line", "ion", "el", "elem", "element", "species", "id", "label", "spectrum", "feature", "elm")
_WAVELENGTHS = ("wavelength", "lambda", "wave", "wl", "λ", "wvl", "lam", "obs_wl", "ritz_wl")
_MEDIA = (("vac", False), ("air", True))
_NUMBER = r"[+-]?\d+(?:\.\d*)?(?:[eE][+-]?\d+)?"
_NAME_FIRST = re.compile(rf"(?P<name>.*?[^\d\s.,;].*?)[\s,;|]+(?P<wavelength>{_NUMBER})")
_WAVELENGTH_FIRST = re.compile(rf"(?P<wavelength>{_NUMBER})(?:[\s,;|]+(?P<name>.*[^\W\d].*))?")


@dataclass(frozen=True)
class ReadLines:
    """Content of a file with lines.

    Parameters
    ----------
    lines : tuple of Line
        At rest, in vacuum.
    sentence : str
        Number of lines, and what their wavelengths were taken for.
    """

    lines: tuple[Line, ...]
    sentence: str


@dataclass(frozen=True)
class _Written:
    """Names and wavelengths as written, with the unit and the medium that the file states ("" and None: none)."""

    names: list[str]
    wavelengths: np.ndarray[tuple[int], np.dtype[np.float64]]
    unit: str = ""
    air: bool | None = None


def read_lines(data: bytes, unit: WavelengthUnit, *, air: bool) -> ReadLines:
    """Read a list of lines.

    Parameters
    ----------
    data : bytes
        A table in any format that :func:`pipeline.sources.tables.reader.open_table` knows, with a column of wavelengths
        and one of names; or lines of text with a name and a wavelength, in either order, or a wavelength alone.
    unit : str
        Unit of the wavelengths, where the file states none.
    air : bool
        Whether they are in air, where the file does not state it by the name of the column, as in ``lambda_vac``.

    Raises
    ------
    SelectionError
        With the reason and the remedy; the content of the file is never quoted.
    """
    if len(data) > MAX_BYTES:
        raise SelectionError(f"The list of lines has {len(data):,} bytes; at most {MAX_BYTES:,} are read. Shorten it.")
    try:
        written = _plain(data) or _tabulated(open_table(data, "The list of lines", _LIMITS))
    except TableError as error:
        raise SelectionError(str(error)) from None
    factor = conversion(written.unit, "Angstrom") if written.unit else _ANGSTROM[unit]
    if factor is None:
        raise SelectionError(f"The unit {written.unit[:20]!r} of the wavelengths is no length. Use Angstrom, nm or um.")
    in_air = air if written.air is None else written.air
    wavelengths = factor * written.wavelengths
    low, high = WAVELENGTH_LIMITS
    usable = np.isfinite(wavelengths) & (wavelengths >= low) & (wavelengths <= high)
    if not usable.any():
        raise SelectionError(
            f"No wavelength of the list is within {low:,.0f} to {high:,.0f} Å. Check the unit, and the column's name: "
            "wavelength or lambda."
        )
    rest = air_to_vacuum(wavelengths[usable]) if in_air else wavelengths[usable]
    names = [name for name, known in zip(written.names, usable, strict=True) if known]
    lines = tuple(
        Line(name[:MAX_NAME_CHARACTERS] or f"{value:.2f}", float(value))
        for name, value in zip(names, rest, strict=True)
    )
    left_out = int((~usable).sum())
    return ReadLines(lines, _sentence(len(lines), left_out, written.unit or unit, written, air=in_air))


def _sentence(count: int, left_out: int, unit: str, written: _Written, *, air: bool) -> str:
    by_file = written.air is not None
    text = f"{count:,} {'line' if count == 1 else 'lines'}, wavelengths in {'air' if air else 'vacuum'}"
    text += f"{' as the file states' if by_file else ''}, in {unit}{' as the file states' if written.unit else ''}."
    return f"{text} Left out without a usable wavelength: {left_out:,}." if left_out else text


def _plain(data: bytes) -> _Written | None:
    """Lines of text with a name and a wavelength each; None if any line is something else."""
    try:
        texts = [line.strip() for line in data.decode("utf-8-sig").splitlines()]
    except UnicodeDecodeError:
        return None
    texts = [text for text in texts if text and not text.startswith("#")]
    for form in (_NAME_FIRST, _WAVELENGTH_FIRST):
        matches = [form.fullmatch(text) for text in texts]
        if texts and all(matches):
            groups = [match.groupdict() for match in matches if match is not None]
            names = [" ".join(re.split(r"[\s,;|]+", group["name"] or "")).strip(" \"'") for group in groups]
            return _Written(names, np.array([float(group["wavelength"]) for group in groups]))
    return None


def _tabulated(source: TableFile) -> _Written:
    """Names and wavelengths of a table.

    Raises
    ------
    SelectionError
        If it has no column of wavelengths.
    """
    frame = source.read([item.name for item in source.fields if item.kind != "array"])
    numbers = [name for name in frame if pd.api.types.is_numeric_dtype(frame[name].dtype)]
    named = [name for name in numbers if _is_called(str(name), _WAVELENGTHS)]
    if not (named or len(numbers) == 1):
        raise SelectionError(
            f"The list of lines has {len(numbers)} columns of numbers and none that is called wavelength or lambda. "
            "Name one so."
        )
    field = source.by_name[str((named or numbers)[0])]
    texts = [name for name in frame if name not in numbers]
    chosen = [name for name in texts if _is_called(str(name), _NAMES)] or texts
    names = [
        " ".join(str(value) for value in row if str(value)) for row in zip(*(frame[c] for c in chosen), strict=True)
    ]
    values = frame[field.name].to_numpy(np.float64, na_value=np.nan)
    return _Written(names or [""] * values.size, values, field.unit, _medium(field))


def _is_called(name: str, usual: tuple[str, ...]) -> bool:
    plain = name.strip().lower()
    return any(plain == word or plain.startswith((f"{word}_", f"{word} ", f"{word}(")) for word in usual)


def _medium(field: Field) -> bool | None:
    """Whether a column is in air, by its name or description; None where neither states it."""
    text = f"{field.name} {field.description}".lower()
    stated = [air for word, air in _MEDIA if re.search(rf"(?<![a-z]){word}", text)]
    return stated[0] if len(stated) == 1 else None
