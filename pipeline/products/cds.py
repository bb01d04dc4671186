"""The machine-readable table of the CDS: fixed-width text and the ReadMe that describes each byte.

Every number is written with the fewest digits that give back the same value, which is why no library does it: those
we know round, or take a second for every hundred stars.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from astropy.units import Unit, UnrecognizedUnit
from numpy.typing import NDArray

from pipeline.domain.column import Column
from pipeline.products.tables import ascii_only

_WIDTH = 80
_RULE = "-" * _WIDTH
_GREEK = str.maketrans({"α": "alpha", "Λ": "Lambda", "Å": "Angstrom", "φ": "phi", "χ": "chi", "ν": "nu", "σ": "sigma"})
_DEX = "[-]"
"""How the CDS writes the unit of a logarithm of nothing in particular."""

_BEFORE_NUMBER = re.compile(r" (?=[\d-])")
_GLUE = "\x00"
_RUN = re.compile(r"([-=])\1{3,}")
_NULL_MARK = re.compile(r"([\[\]]\S*[\[\]])?\?")


@dataclass(frozen=True)
class CdsField:
    """A column as it is written in the file.

    Parameters
    ----------
    texts : ndarray of str, shape (n,)
        Its entries, "" where there is no value.
    width : int
        Bytes.
    form : str
        Fortran format.
    unit : str
        As the CDS spells it.
    label, explanation : str
        ASCII.
    """

    texts: NDArray[np.str_]
    width: int
    form: str
    unit: str
    label: str
    explanation: str


def cds_files(columns: Mapping[Column, NDArray[Any]], name: str, title: str, about: Sequence[str]) -> dict[str, bytes]:
    """The data file and its ReadMe, by file name.

    Parameters
    ----------
    columns : mapping of Column to ndarray, shape (n,)
        Values of each column.
    name : str
        Of the data file.
    title : str
        First line of the ReadMe.
    about : sequence of str
        Paragraphs of its description.
    """
    fields = [_field(declared, values) for declared, values in columns.items()]
    columns_of_text = [
        np.char.ljust(one.texts, one.width) if one.form[0] == "A" else np.char.rjust(one.texts, one.width)
        for one in fields
    ]
    lines = [" ".join(row) for row in zip(*(texts.tolist() for texts in columns_of_text), strict=True)]
    data = "".join(f"{line}\n" for line in lines).encode("ascii")
    record = sum(one.width + 1 for one in fields) - 1
    return {name: data, "ReadMe": _read_me(fields, name, len(lines), record, title, about).encode("ascii")}


def _field(column: Column, values: NDArray[Any]) -> CdsField:
    blank = 0
    if column.dtype == "str":
        texts = np.array([ascii_only(" ".join(str(value).split())) for value in values], dtype=str)
    elif column.is_float:
        texts = np.where(np.isfinite(values), values.astype(str), "")
        blank = int(np.isinf(values).sum())
    else:
        texts = values.astype(np.int64).astype(str)
    width = max(int(np.char.str_len(texts).max(initial=1)), 1)
    if column.dtype == "str":
        form = f"A{width}"
    elif column.is_float:
        fractions = np.char.partition(texts, ".")[:, 2]
        decimals = int(np.char.str_len(fractions).max(initial=0))
        exponent = bool((np.char.find(texts, "e") >= 0).any())
        form = f"{'E' if exponent else 'F'}{width}.{min(decimals, width - 2) if decimals else 0}"
    else:
        form = f"I{width}"
    unit = _unit(column.unit)
    gaps = bool((texts == "").any())
    return CdsField(texts, width, form, unit, column.name, _explanation(column, unit, gaps=gaps, blank=blank))


def _explanation(column: Column, unit: str, *, gaps: bool, blank: int) -> str:
    """Meaning of a column; a question mark before it means that fields without a value are blank."""
    words = ascii_only((column.description or column.meaning).translate(_GREEK))
    words = _RUN.sub(r"\1", words)
    if not gaps and _NULL_MARK.match(words):  # which would say that blank fields have no value
        words = f"Value: {words}"
    if "_" in unit and "_" not in column.unit:
        words += f" (unit: {ascii_only(column.unit)})"
    if blank:
        words += f" ({blank} infinite values are blank)"
    return f"? {words}" if gaps else words


def _unit(unit: str) -> str:
    """A unit as the CDS spells it; one that it cannot spell as it is, without blanks."""
    if not unit:
        return "---"
    if unit == "dex":
        return _DEX
    known = Unit(unit, parse_strict="silent")
    if not isinstance(known, UnrecognizedUnit):
        try:
            return "".join(str(known.to_string("cds")).split())
        except ValueError:  # a unit of astropy's alone, such as electron or mag(AB)
            return ascii_only(str(known).replace(" / ", "/").replace(" ", "."))
    return "_".join(ascii_only(unit).split())


def _read_me(fields: Sequence[CdsField], name: str, records: int, record: int, title: str, about: Sequence[str]) -> str:
    rows, start = [], 1
    forms, units, labels = (max(len(getattr(one, part)) for one in fields) for part in ("form", "unit", "label"))
    place = len(str(record))
    for one in fields:
        end = start + one.width - 1
        where = f"{start:{place}d}-{end:{place}d}" if end > start else f"{'':{place}s} {start:{place}d}"
        head = f" {where} {one.form:{forms}s} {one.unit:{units}s} {one.label:{labels}s} "
        lines = _wrapped(one.explanation, max(_WIDTH - len(head), 24))
        rows += [head + lines[0], *(" " * len(head) + line for line in lines[1:])]
        start = end + 2
    caption = f" {'Bytes':>{2 * place + 1}s} {'Format':{forms}s} {'Units':{units}s} {'Label':{labels}s} Explanations"
    parts = [
        *textwrap.wrap(ascii_only(title), _WIDTH),
        "=" * _WIDTH,
        "Description:",
        *(
            line
            for text in about
            for line in textwrap.wrap(ascii_only(text), _WIDTH - 4, initial_indent="  ", subsequent_indent="  ")
        ),
        "",
        "File Summary:",
        _RULE,
        f" {'FileName':14s} {'Lrecl':>7s} {'Records':>9s}   Explanations",
        _RULE,
        f" {'ReadMe':14s} {_WIDTH:7d} {'.':>9s}   This file",
        f" {name:14s} {record:7d} {records:9d}   The catalogue",
        _RULE,
        "",
        f"Byte-by-byte Description of file: {name}",
        _RULE,
        caption,
        _RULE,
        *rows,
        _RULE,
        "=" * _WIDTH,
    ]
    return "".join(f"{line.rstrip()}\n" for line in parts)


def _wrapped(text: str, width: int) -> list[str]:
    """Lines of which no later one begins with a number: readers would take it for the bytes of a column."""
    glued = _BEFORE_NUMBER.sub(_GLUE, text)
    return [line.replace(_GLUE, " ") for line in textwrap.wrap(glued, width, break_long_words=False)]
