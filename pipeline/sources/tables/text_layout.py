"""Layout of a text table from its beginning: encoding, comments, delimiter, names, first row."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from pipeline.sources.tables.ecsv_header import is_ecsv, read_ecsv_header
from pipeline.sources.tables.table_file import Limits, Origin, TableError
from pipeline.sources.tables.text_encoding import decode_head, refuse_long_line, split_lines

HEAD_BYTES = 1 << 18
_MAX_HEAD_BYTES = 1 << 25
DELIMITERS = (",", "\t", ";", "|")
_SAMPLE_LINES = 50
_MIN_SHARE = 0.5
"""Minimum fraction of lines with as many delimiters as the first."""

_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eEdD][-+]?\d+)?|[-+]?(nan|inf)", re.IGNORECASE)
_DECIMAL_COMMA = re.compile(r"[-+]?\d+,\d+([eE][-+]?\d+)?")
_RULE = re.compile(r"[-=+|\s]*(-{2,}|={2,})[-=+|\s]*")
_DESIGNATION = re.compile(r"Gaia\s+E?DR\d\s+\d+", re.IGNORECASE)
_TOKEN = re.compile(r'"((?:[^"]|"")*)"|(\S+)')


@dataclass(frozen=True)
class Layout:
    """Layout of a text table.

    Parameters
    ----------
    encoding : str
        Name that Python knows.
    delimiter : str
        One character; "" for any run of white space.
    names : tuple of str
        Of the columns, made unique.
    skip_lines : int
        Lines before the first row.
    decimal : str
        Decimal mark.
    named : bool
        Whether the file has a header.
    about : dict
        For each column that the file describes (VizieR, ECSV): ``unit``, ``description``, ``datatype``, ``ucd``.
    metadata : dict
        Words of the file about itself.
    comments : tuple of str
        Comment lines before the first row.
    """

    encoding: str
    delimiter: str
    names: tuple[str, ...]
    skip_lines: int
    decimal: str = "."
    named: bool = True
    about: dict[str, dict[str, Any]] = field(default_factory=dict)
    metadata: dict[str, str] = field(default_factory=dict)
    comments: tuple[str, ...] = ()

    @property
    def described(self) -> bool:
        """Whether the file is ECSV, which declares the types of columns."""
        return any("datatype" in item for item in self.about.values())


def find_layout(origin: Origin) -> Layout:
    """Determine the layout from the first bytes of a file.

    Raises
    ------
    TableError
        If it is no table, holds nothing, has too many columns, or two delimiters fit equally well.
    """
    encoding, lines = _head_lines(origin)
    name, limits = origin.name, origin.limits
    content = [(number, line) for number, line in enumerate(lines) if line.strip() and not line.startswith("#")]
    comments = tuple(line for line in lines[: content[0][0] if content else None] if line.startswith("#"))
    if not content:
        raise TableError(f"{name} is empty: it holds no row. Choose another file.")
    if comments and is_ecsv(comments[0]):
        return _ecsv_layout(encoding, content[0], comments, name, limits)
    if is_rule(content[0][1]) and len(content) > 1:  # a rule above the names
        content = content[1:]
    sample = [line for _, line in content[:_SAMPLE_LINES]]
    limits.check_columns(name, max(sample[0].count(sign) for sign in DELIMITERS) + 1)
    delimiter = find_delimiter(sample, name)
    if not delimiter:
        limits.check_columns(name, len(sample[0].split()))
    cells = [split(line, delimiter) for line in sample]
    decimal = "," if delimiter != "," and _has_decimal_commas(cells) else "."
    metadata = _words(comments)
    heading = _heading(comments, cells[0], delimiter, decimal)
    if heading:
        return Layout(
            encoding, delimiter, _unique(heading), content[0][0], decimal, metadata=metadata, comments=comments
        )
    if _is_row(cells[0], decimal) or _DESIGNATION.fullmatch(sample[0].strip(' "')):
        names = tuple(f"column{n + 1}" for n in range(len(cells[0])))
        return Layout(
            encoding, delimiter, names, content[0][0], decimal, named=False, metadata=metadata, comments=comments
        )
    first, about = 1, {}
    names = _unique(cells[0])
    ruled = next((n for n, line in enumerate(sample[1:4], 1) if is_rule(line)), 0)
    if ruled:  # VizieR: names, units, a rule
        first = ruled + 1
        if ruled == 2:
            about = {key: {"unit": unit} for key, unit in zip(names, cells[1], strict=False) if unit}
    skip = content[first][0] if first < len(content) else len(lines)
    return Layout(encoding, delimiter, names, skip, decimal, about=about, metadata=metadata, comments=comments)


def _head_lines(origin: Origin) -> tuple[str, list[str]]:
    """Encoding and complete lines of the beginning, with at least two lines of content if possible."""
    size = HEAD_BYTES
    while True:
        head = origin.head(size)
        whole = len(head) < size
        encoding, text = decode_head(head, origin.name, whole=whole)
        lines = split_lines(text)
        refuse_long_line(max(map(len, lines), default=0), origin)
        if whole:
            return encoding, lines
        lines = lines[:-1]
        content = sum(bool(line.strip()) and not line.startswith("#") for line in lines)
        if content > 1 or size >= _MAX_HEAD_BYTES:
            return encoding, lines
        size *= 8


def _heading(comments: Sequence[str], row: Sequence[str], delimiter: str, decimal: str) -> list[str]:
    """Names in the last comment with as many words as the first row has cells."""
    if not any(_is_number(cell, decimal) for cell in row):
        return []
    for line in reversed(comments):
        result = split(line.lstrip("#").strip(), delimiter)
        if len(result) == len(row) and not any(_is_number(cell, decimal) for cell in result):
            return result
    return []


def find_delimiter(sample: Sequence[str], name: str) -> str:
    """The delimiter with the same count in most lines; "" for white space.

    Raises
    ------
    TableError
        If two fit equally well.
    """
    fits = {}
    for sign in DELIMITERS:
        counts = [len(split(line, sign)) for line in sample if not is_rule(line)]
        share = sum(count == counts[0] for count in counts) / len(counts) if counts else 0.0
        if share >= _MIN_SHARE and counts[0] > 1:
            fits[sign] = share, counts[0]
    if not fits:
        words = [len(_TOKEN.findall(line)) for line in sample]
        single = words[0] == 1 or 2 * sum(count == 1 for count in words[1:]) > len(words[1:])
        return "," if single or _DESIGNATION.fullmatch(sample[0].strip()) else ""
    best = max(fits.values())
    equal = [sign for sign, value in fits.items() if value[0] == best[0]]
    if len(equal) > 1 and "," in equal and len(sample) > 1:  # "1,5;2,5": commas are decimal marks
        rest = [sign for sign in equal if sign != ","]
        inside = [cell for line in sample[1:] for cell in split(line, rest[0])]
        if any(_DECIMAL_COMMA.fullmatch(cell) for cell in inside):
            equal = rest
    if len(equal) > 1:
        header = {sign: len(split(sample[0], sign)) for sign in equal}
        most = max(header.values())
        equal = [sign for sign in equal if header[sign] == most]
    if len(equal) > 1:
        shown = " and ".join(repr(sign) for sign in equal)
        raise TableError(f"{name}: {shown} both separate its columns. Save it with one delimiter, or as FITS.")
    return equal[0]


def is_rule(line: str) -> bool:
    """Whether a line consists of dashes or equal signs."""
    return _RULE.fullmatch(line) is not None


def split(line: str, delimiter: str) -> list[str]:
    """Split a line into cells without quotes and surrounding space."""
    if not delimiter:
        return [quoted or plain for quoted, plain in _TOKEN.findall(line)]
    try:
        cells = next(csv.reader([line], delimiter=delimiter, skipinitialspace=True), [])
    except csv.Error:  # a cell that is too long
        cells = line.split(delimiter)
    if delimiter == "|" and len(cells) > 2 and not cells[0].strip() and not cells[-1].strip():
        return [cell.strip() for cell in cells[1:-1]]
    return [cell.strip() for cell in cells]


def _is_number(cell: str, decimal: str) -> bool:
    return _NUMBER.fullmatch(cell.replace(decimal, ".")) is not None


def _is_row(cells: Sequence[str], decimal: str) -> bool:
    """Whether cells are values and not names: at least one number, and no more words than numbers."""
    numbers = sum(_is_number(cell, decimal) for cell in cells)
    return numbers > 0 and 2 * numbers >= sum(bool(cell) for cell in cells)


def _has_decimal_commas(rows: Sequence[Sequence[str]]) -> bool:
    cells = [cell for row in rows for cell in row]
    commas = sum(bool(_DECIMAL_COMMA.fullmatch(cell)) for cell in cells)
    points = sum("." in cell and bool(_NUMBER.fullmatch(cell)) for cell in cells)
    return commas > points


def _unique(names: Sequence[str]) -> tuple[str, ...]:
    wanted = [raw.strip().strip('"') or f"column{number}" for number, raw in enumerate(names, 1)]
    reserved, taken = set(wanted), set()
    counts: dict[str, int] = {}
    result = []
    for name in wanted:
        free = name
        while free in taken or (free != name and free in reserved):
            counts[name] = counts.get(name, 1) + 1
            free = f"{name}_{counts[name]}"
        taken.add(free)
        result.append(free)
    return tuple(result)


def _words(comments: Sequence[str]) -> dict[str, str]:
    """``# key: value`` comments."""
    pairs = (line.lstrip("# ").partition(":") for line in comments)
    return {key.strip().lower(): value.strip() for key, sign, value in pairs if sign and " " not in key.strip()}


def _ecsv_layout(encoding: str, first: tuple[int, str], comments: Sequence[str], name: str, limits: Limits) -> Layout:
    header = read_ecsv_header(comments, name, limits)
    number, line = first
    limits.check_columns(name, line.count(header.delimiter) + 1)
    names = _unique(split(line, header.delimiter))
    return Layout(
        encoding,
        header.delimiter,
        names,
        number + 1,
        about=header.about,
        metadata=header.metadata,
        comments=tuple(comments),
    )
