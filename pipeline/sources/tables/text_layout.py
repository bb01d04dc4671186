"""How a text table is laid out: encoding, comments, delimiter, names, where its rows begin. Looked up in its head."""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml

from pipeline.sources.tables.table_file import TableError

HEAD_BYTES = 1 << 18
DELIMITERS = (",", "\t", ";", "|")
_SAMPLE_LINES = 50
_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?|[-+]?(nan|inf)", re.IGNORECASE)
_DECIMAL_COMMA = re.compile(r"[-+]?\d+,\d+([eE][-+]?\d+)?")
_RULE = re.compile(r"[-=+|\s]*-{2,}[-=+|\s]*")
_ECSV = re.compile(r"#\s*%ECSV\s")

UNNAMED = "column1"
"""Name of the only column of a list without a header."""


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
        For each column that the file describes (ECSV): ``unit``, ``description``, ``datatype``, ``ucd``.
    metadata : dict
        Words of the file about itself.
    """

    encoding: str
    delimiter: str
    names: tuple[str, ...]
    skip_lines: int
    decimal: str = "."
    named: bool = True
    about: dict[str, dict[str, Any]] = field(default_factory=dict)
    metadata: dict[str, str] = field(default_factory=dict)


def decode_head(head: bytes, name: str) -> tuple[str, str]:
    """Encoding and text of the first bytes, without a byte order mark."""
    for mark, encoding in (
        (codecs.BOM_UTF8, "utf-8-sig"),
        (codecs.BOM_UTF16_LE, "utf-16"),
        (codecs.BOM_UTF16_BE, "utf-16"),
    ):
        if head.startswith(mark):
            return encoding, head.decode(encoding, "ignore")
    if b"\0" in head:
        raise TableError(
            f"{name} is neither text nor FITS, VOTable or Parquet. Save it as CSV with a header, FITS or VOTable."
        )
    try:
        return "utf-8", codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return "latin-1", head.decode("latin-1")


def find_layout(head: bytes, name: str) -> Layout:
    """Find the layout in the first bytes of a file.

    Raises
    ------
    TableError
        If it is no table, holds nothing, or two delimiters fit equally well.
    """
    encoding, text = decode_head(head, name)
    lines = text.splitlines()
    if len(head) >= HEAD_BYTES and len(lines) > 1:
        lines = lines[:-1]
    comments = [line for line in lines[:2000] if line.startswith("#")]
    if any(_ECSV.match(line) for line in comments[:1]):
        return _ecsv(lines, encoding, name)
    content = [(number, line) for number, line in enumerate(lines) if line.strip() and not line.startswith("#")]
    if not content:
        raise TableError(f"{name} is empty: it holds no row. Choose another file.")
    sample = [line for _, line in content[:_SAMPLE_LINES]]
    delimiter = find_delimiter(sample, name)
    cells = [split(line, delimiter) for line in sample]
    decimal = "," if delimiter != "," and _has_decimal_commas(cells[1:]) else "."
    metadata = _words(comments)
    before = [line for line in lines[: content[0][0]] if line.startswith("#")]
    heading = split(before[-1].lstrip("# ").rstrip(), delimiter) if before else []
    if _is_row(cells[0], decimal):
        if len(heading) == len(cells[0]) and not _is_row(heading, decimal):
            return Layout(encoding, delimiter, _unique(heading), content[0][0], decimal, metadata=metadata)
        names = tuple(f"column{n + 1}" for n in range(len(cells[0])))
        return Layout(encoding, delimiter, names, content[0][0], decimal, named=False, metadata=metadata)
    first, about = 1, {}
    names = _unique(cells[0])
    ruled = next((n for n, line in enumerate(sample[1:4], 1) if _RULE.fullmatch(line)), 0)
    if ruled:  # VizieR: names, units, a rule
        first = ruled + 1
        if ruled == 2:
            about = {key: {"unit": unit} for key, unit in zip(names, cells[1], strict=False) if unit}
    skip = content[first][0] if first < len(content) else len(lines)
    return Layout(encoding, delimiter, names, skip, decimal, about=about, metadata=metadata)


def find_delimiter(sample: Sequence[str], name: str) -> str:
    """The delimiter whose count is the same in every line; "" for white space.

    Raises
    ------
    TableError
        If two fit equally well.
    """
    fits = {}
    for sign in DELIMITERS:
        counts = [len(split(line, sign)) for line in sample if not _RULE.fullmatch(line)]
        if counts and counts[0] > 1:
            fits[sign] = sum(count == counts[0] for count in counts) / len(counts), counts[0]
    if not fits:
        return "" if any(len(line.split()) > 1 for line in sample) else ","
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


def split(line: str, delimiter: str) -> list[str]:
    """Cells of a line, quotes and surrounding space removed."""
    if not delimiter:
        return [cell.strip('"') for cell in line.split()]
    cells = next(csv.reader([line], delimiter=delimiter, skipinitialspace=True), [])
    if delimiter == "|" and len(cells) > 2 and not cells[0].strip() and not cells[-1].strip():
        return [cell.strip() for cell in cells[1:-1]]
    return [cell.strip() for cell in cells]


def _is_row(cells: Sequence[str], decimal: str) -> bool:
    """Whether cells are values and no names: at least one number, and no more words than numbers."""
    numbers = sum(bool(_NUMBER.fullmatch(cell.replace(decimal, "."))) for cell in cells)
    return numbers > 0 and 2 * numbers >= sum(bool(cell) for cell in cells)


def _has_decimal_commas(rows: Sequence[Sequence[str]]) -> bool:
    cells = [cell for row in rows for cell in row]
    commas = sum(bool(_DECIMAL_COMMA.fullmatch(cell)) for cell in cells)
    points = sum("." in cell and bool(_NUMBER.fullmatch(cell)) for cell in cells)
    return commas > points


def _unique(names: Sequence[str]) -> tuple[str, ...]:
    taken: dict[str, int] = {}
    result = []
    for number, raw in enumerate(names, 1):
        name = raw.strip().strip('"') or f"column{number}"
        taken[name] = taken.get(name, 0) + 1
        result.append(name if taken[name] == 1 else f"{name}_{taken[name]}")
    return tuple(result)


def _words(comments: Sequence[str]) -> dict[str, str]:
    """``# key: value`` comments."""
    pairs = (line.lstrip("# ").partition(":") for line in comments)
    return {key.strip().lower(): value.strip() for key, sign, value in pairs if sign and " " not in key.strip()}


class _PlainLoader(yaml.SafeLoader):
    """YAML of an ECSV header: plain values; tags that would make objects are plain values too."""


def _plain_node(loader: _PlainLoader, _tag: str, node: yaml.Node) -> Any:
    if isinstance(node, yaml.MappingNode):
        return loader.construct_mapping(node, deep=True)
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    return loader.construct_scalar(node)  # type: ignore[arg-type] # only scalars are left


_PlainLoader.add_multi_constructor("!", _plain_node)
_PlainLoader.add_multi_constructor("tag:yaml.org,2002:python/", _plain_node)


def _ecsv(lines: Sequence[str], encoding: str, name: str) -> Layout:
    """An ECSV header: YAML in comments, read as plain values whatever tags it holds."""
    end = next((n for n, line in enumerate(lines) if line.strip() and not line.startswith("#")), len(lines))
    text = "\n".join(line[2:] if line.startswith("# ") else line[1:] for line in lines[:end] if line.startswith("#"))
    if text.count("&") and "*" in text:
        raise TableError(f"{name}: its ECSV header uses YAML anchors, which are not read. Save it again with astropy.")
    try:
        header = yaml.load(text.partition("\n")[2], Loader=_PlainLoader)  # noqa: S506 - a safe loader
        delimiter = str(header.get("delimiter", " "))
        described = {str(item["name"]): {str(k): v for k, v in item.items()} for item in header["datatype"]}
    except (yaml.YAMLError, AttributeError, KeyError, TypeError, RecursionError) as error:
        raise TableError(f"{name}: its ECSV header is damaged ({type(error).__name__}).") from None
    if end >= len(lines):
        raise TableError(f"{name} is ECSV without rows.")
    names = _unique(split(lines[end], delimiter))
    meta = header.get("meta") or {}
    pairs = meta.items() if isinstance(meta, dict) else meta if isinstance(meta, list) else ()
    metadata = {
        str(pair[0]).lower(): str(pair[1]) for pair in pairs if isinstance(pair, tuple | list) and len(pair) == 2
    }
    for about in described.values():
        own = about.get("meta")
        about["ucd"] = str(dict(own).get("ucd", "")) if isinstance(own, dict) else ""
    return Layout(encoding, delimiter, names, end + 1, about=described, metadata=metadata)
