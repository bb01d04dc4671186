"""Self-describing fixed-width tables: the machine-readable form of CDS and AAS, and IPAC tables."""

from __future__ import annotations

import itertools
import re
import warnings
from collections.abc import Sequence
from pathlib import Path

from astropy.io import ascii as astropy_ascii

from pipeline.sources.tables.fixed_width import FixedWidthTable, Place
from pipeline.sources.tables.table_file import Field, Kind, Origin, TableError
from pipeline.sources.tables.text_encoding import decode_head, split_lines

_BYTE_BY_BYTE = re.compile(r"Byte-by-byte Description of file\s*:?\s*(?P<files>.*)", re.IGNORECASE)
_DESCRIBED_COLUMN = re.compile(r"\s*(\d+\s*-\s*)?\d+\s+[AIFE]\d")
_SIMULATED = re.compile(r"\bsimulated\s*:\s*(?!false\b|no\b)\w", re.IGNORECASE)
_HEAD_LETTERS = 20_000
_MAX_README = 1 << 24

_IPAC_KINDS: dict[str, Kind] = {
    **dict.fromkeys(("int", "i", "integer", "long", "l"), "int"),
    **dict.fromkeys(("float", "f", "double", "d", "real", "r"), "float"),
    **dict.fromkeys(("char", "c", "date", "t"), "str"),
}


class MachineReadableTable(FixedWidthTable):
    """A fixed-width table, described by a ``ReadMe`` in its folder or by its own header.

    The places of the columns are astropy's reading of the description.
    """

    def __init__(self, origin: Origin, readme: Path | None) -> None:
        lines = split_lines(decode_whole(origin))
        described = lines if readme is None else split_lines(readme.read_text("utf-8", "replace"))
        start = 0 if readme is not None else _first_row(lines)
        head = described if readme is not None else described[:start]
        origin.limits.check_columns(origin.name, sum(map(bool, map(_DESCRIBED_COLUMN.match, head))))
        rows = [line for line in lines[start:] if line.strip()]
        origin.limits.check_rows(origin.name, len(rows))
        reader = astropy_ascii.get_reader(astropy_ascii.Cds if readme else astropy_ascii.Mrt)
        header = reader.header
        if readme is not None:
            header.readme = str(readme)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                header.data.table_name = origin.path.name.removesuffix(".gz") if origin.path else "table"
                header.get_cols(head if readme is None else lines[:1])
        except Exception as error:  # noqa: BLE001 - astropy raises many kinds on damaged descriptions
            raise TableError(
                f"{origin.name}: its byte-by-byte description cannot be read ({type(error).__name__})."
            ) from None
        fields, places = [], []
        for column in header.cols:
            kind: Kind = {"A": "str", "I": "int"}.get(str(column.raw_type)[:1].upper(), "float")  # type: ignore[assignment]
            unit = "" if column.unit is None else str(column.unit)
            fields.append(Field(column.name, kind, unit, "", " ".join(str(column.description or "").split())))
            places.append(Place(column.start, column.end, _missing(header.data.fill_values, column.name)))
        simulated = _SIMULATED.search("\n".join(head)[:_HEAD_LETTERS]) is not None
        super().__init__(origin, "CDS table", fields, places, rows, simulated=simulated)


class IpacTable(FixedWidthTable):
    """An IPAC table (IRSA), with names, types, units and null values in a header between bars."""

    def __init__(self, origin: Origin) -> None:
        lines = split_lines(decode_whole(origin))
        start = next((number for number, line in enumerate(lines) if line.startswith("|")), len(lines))
        head = list(itertools.takewhile(lambda line: line.startswith("|"), lines[start : start + 4]))
        if not head:
            raise TableError(f"{origin.name} is an IPAC table without names of columns.")
        origin.limits.check_columns(origin.name, head[0].count("|") - 1)
        bars = [place for place, letter in enumerate(head[0].rstrip()) if letter == "|"]
        cells = [[line[a + 1 : b].strip() for a, b in itertools.pairwise(bars)] for line in head]
        cells += [[""] * len(cells[0])] * (4 - len(cells))
        if len(set(cells[0])) < len(cells[0]):
            raise TableError(f"{origin.name} has several columns of one name. Rename them.")
        kinds = [_IPAC_KINDS.get(kind.lower(), "unknown" if not kind else "str") for kind in cells[1]]
        fields = [Field(name, kind, unit) for name, kind, unit in zip(cells[0], kinds, cells[2], strict=True)]
        places = [
            Place(a + 1, b, (null, "null") if null else ("null",))
            for (a, b), null in zip(itertools.pairwise(bars), cells[3], strict=True)
        ]
        rows = [line for line in lines[start + len(head) :] if line.strip() and not line.startswith(("|", "\\"))]
        super().__init__(origin, "IPAC table", fields, places, rows, simulated=False)


def decode_whole(origin: Origin) -> str:
    """Decode the whole text."""
    data = origin.whole()
    encoding, _ = decode_head(data[: 1 << 18], origin.name)
    return data.decode(encoding, "replace")


def describes_itself(text: str) -> bool:
    """Whether a header is that of a machine-readable table."""
    return text.lstrip().startswith("Title:") and _BYTE_BY_BYTE.search(text) is not None


def readme_of(path: Path | None) -> Path | None:
    """The ``ReadMe`` beside a table that describes it; no other files are read."""
    if path is None:
        return None
    name = path.name.removesuffix(".gz")
    for candidate in sorted(path.parent.glob("[Rr][Ee][Aa][Dd][Mm][Ee]*")):
        if candidate.name.lower() not in ("readme", "readme.txt") or not candidate.is_file() or candidate == path:
            continue
        with candidate.open("rb") as file:
            text = file.read(_MAX_README).decode("utf-8", "replace")
        for match in _BYTE_BY_BYTE.finditer(text):
            wanted = re.split(r"[\s,]+", match["files"].strip())
            if any(re.fullmatch(re.escape(item).replace(r"\*", ".*").replace(r"\?", "."), name) for item in wanted):
                return candidate
    return None


def _first_row(lines: Sequence[str]) -> int:
    rules = [number for number, line in enumerate(lines) if line.startswith(("------", "======="))]
    return rules[-1] + 1 if rules else len(lines)


def _missing(fills: object, name: str) -> tuple[str, ...]:
    known = fills if isinstance(fills, list) else []
    return tuple(str(fill[0]) for fill in known if len(fill) > 2 and name in fill[2:])
