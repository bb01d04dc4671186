"""Contents of a star's card: groups of catalogue values with errors and explanations."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from explorer.model.table import StarTable
from pipeline.domain.column import CARD_GROUPS, Column
from pipeline.domain.columns import COLUMNS, column
from pipeline.domain.flags import FLAG_TEXTS, doubts_of
from pipeline.domain.label_names import LABEL_NAMES as LABELS
from pipeline.domain.own_columns import OWN_GROUP

MAX_OWN = 60
"""Maximum number of the user's own columns on a card, besides those of the views."""

_LARGEST_WHOLE = 1e15
_LARGEST_FIXED = 1e9

_SIMBAD = "https://simbad.cds.unistra.fr/simbad/sim-coo"


class Entry(NamedTuple):
    """One line of the card: a column's label, value and meaning, and the bits that make it doubtful."""

    name: str
    label: str
    text: str
    about: str
    doubt: str = ""


class LabelRow(NamedTuple):
    """A label with both of its errors, and the bits that make it doubtful."""

    name: str
    label: str
    unit: str
    value: str
    calibrated: str
    formal: str
    reference: str
    doubt: str = ""


class Copied(NamedTuple):
    """A value to copy: what it is, and its text."""

    label: str
    text: str


@dataclass(frozen=True)
class StarFacts:
    """Contents of a star's card.

    Parameters
    ----------
    obsid : int
        The star.
    labels : tuple of LabelRow
        Labels with both errors.
    groups : tuple of (str, tuple of Entry)
        Known values by subject; unknown ones are left out.
    bits : tuple of str
        Quality bits in words, with the values that set them.
    in_training : bool
        Whether the label model was trained on it: its published labels are then out of fold.
    repeats : tuple of int
        Other observations of the same star.
    copies : tuple of Copied
        Identifiers and coordinates to copy.
    links : tuple of (str, str)
        Names and addresses of other services; empty for simulated stars, which no other service contains.
    """

    obsid: int
    labels: tuple[LabelRow, ...]
    groups: tuple[tuple[str, tuple[Entry, ...]], ...]
    bits: tuple[str, ...]
    in_training: bool
    repeats: tuple[int, ...]
    copies: tuple[Copied, ...]
    links: tuple[tuple[str, str], ...]


def facts_of(table: StarTable, row: int, *, simulated: bool, on_screen: Collection[str] = ()) -> StarFacts:
    """Assemble a star's card.

    Parameters
    ----------
    table : StarTable
        The catalogue.
    row : int
        The star's row.
    simulated : bool
        Whether the stars are simulated.
    on_screen : collection of str
        Columns on axes and in colours: the user's own among them are on the card however many there are.
    """
    groups = []
    doubts = doubts_of(int(table["quality"][row]))
    for title in CARD_GROUPS:
        listed = (item.name for item in COLUMNS if item.card == title)
        known = (entry for name in listed if (entry := _entry(table, row, name)) is not None)
        entries = tuple(entry._replace(doubt=doubts.get(entry.name, "")) for entry in known)
        if entries:
            groups.append((title, entries))
    by_group: dict[str, list[Entry]] = {}
    for entry in _own_entries(table, row, on_screen):
        by_group.setdefault(table.column(entry.name).group if entry.name else OWN_GROUP, []).append(entry)
    groups += [(title, tuple(entries)) for title, entries in by_group.items()]
    return StarFacts(
        obsid=int(table["obsid"][row]),
        labels=tuple(
            _label(table, row, name)._replace(doubt=doubts.get(name, ""))
            for name in LABELS
            if np.isfinite(table.value(name, row))
        ),
        groups=tuple(groups),
        bits=_bits(table, row),
        in_training=bool(table["in_training"][row]),
        repeats=_repeats(table, row),
        copies=tuple(_copies(table, row)),
        links=() if simulated else _links(table, row),
    )


def own_shown(table: StarTable, on_screen: Collection[str], most: int) -> tuple[Column, ...]:
    """The user's own columns to show: those of the views, then the first others, in catalogue order."""
    first = {item.name for item in table.own[:most]}
    return tuple(item for item in table.own if item.name in first or item.name in on_screen)


def _own_entries(table: StarTable, row: int, on_screen: Collection[str]) -> tuple[Entry, ...]:
    shown = own_shown(table, on_screen, MAX_OWN)
    entries = [entry for item in shown if (entry := _entry(table, row, item.name)) is not None]
    hidden = len(table.own) - len(shown)
    if hidden:
        about = (
            "A column on an axis or in the colours of a view is on the card too; every column is in exported tables."
        )
        entries.append(Entry("", "more", f"{hidden:,} columns that are not on screen", about))
    return tuple(entries)


def number(item: Column, value: float) -> str:
    """Format a value with the digits of its column; "-" if missing."""
    if not np.isfinite(value):
        return "-"
    if item.is_own and item.is_float:
        return own_number(value, item.dtype)
    return f"{value:.{item.digits}f}" if item.is_float else f"{int(value)}"


def own_number(value: float, dtype: str) -> str:
    """Format a value without declared digits: seven digits, and for float64 at least six decimals."""
    if float(value).is_integer() and abs(value) < _LARGEST_WHOLE:
        return f"{value:.0f}"
    if dtype == "float32" or not 1.0 <= abs(value) < _LARGEST_FIXED:
        return f"{value:.7g}"
    return f"{value:.6f}".rstrip("0").rstrip(".")


def error_text(name: str, error: float) -> str:
    """Format an error with its value's digits, or as many more as make it differ from zero."""
    if not np.isfinite(error) or error <= 0.0:
        return number(column(name), error)
    return f"{error:.{max(column(name).digits, int(np.ceil(-np.log10(error))))}f}"


def _entry(table: StarTable, row: int, name: str) -> Entry | None:
    if name not in table:
        return None
    item = table.column(name)
    text = _text(table, row, item)
    return Entry(name, item.label, f"{text} {item.unit_label}".strip(), item.meaning) if text else None


def _text(table: StarTable, row: int, item: Column) -> str:
    """Format a value with its error and its interval; "" if unknown."""
    if item.dtype == "str":
        return table.text(item.name, row)
    value = table.value(item.name, row)
    if not np.isfinite(value) or (item.unknown is not None and value == item.unknown):
        return ""
    if item.dtype == "bool":
        return "yes" if value else "no"
    text = number(item, value) if item.is_float else str(int(table[item.name][row]))
    error = _beside(table, row, table.error_of(item.name))
    low, high = (_beside(table, row, name) for name in table.interval_of(item.name))
    if np.isfinite(error):
        text += f" ± {number(item, error)}"
    if np.isfinite(low) and np.isfinite(high):
        text += f" ({number(item, low)} to {number(item, high)})"
    return text


def _beside(table: StarTable, row: int, name: str | None) -> float:
    """The value of a column's error or percentile; NaN without one."""
    return float("nan") if name is None else table.value(name, row)


def _label(table: StarTable, row: int, name: str) -> LabelRow:
    declared = column(name)
    return LabelRow(
        name=name,
        label=declared.label,
        unit=declared.unit,
        value=number(declared, table.value(name, row)),
        calibrated=number(declared, table.value(declared.error, row)),
        formal=number(declared, table.value(f"{name}_err_formal", row)),
        reference=number(declared, table.value(declared.references[0].column, row)),
    )


def _bits(table: StarTable, row: int) -> tuple[str, ...]:
    quality = int(table["quality"][row])
    sentences = []
    for flag, text in FLAG_TEXTS.items():
        if quality & int(flag):
            seen = [entry for name in text.evidence if (entry := _entry(table, row, name)) is not None]
            values = ", ".join(f"{entry.label} = {entry.text}" for entry in seen)
            sentences.append(f"{text.meaning}" + (f" [{values}]" if values else ""))
    return tuple(sentences)


def _repeats(table: StarTable, row: int) -> tuple[int, ...]:
    """Other observations of the same star, if the build numbered stars."""
    if "star" not in table or int(table.value("n_obs", row) if "n_obs" in table else 2) < 2:
        return ()
    same = np.flatnonzero(table["star"] == table["star"][row])
    return tuple(int(obsid) for obsid in table["obsid"][same[same != row]])


def _copies(table: StarTable, row: int) -> Iterator[Copied]:
    yield Copied("obsid", str(int(table["obsid"][row])))
    gaia = int(table["gaia_source_id"][row]) if "gaia_source_id" in table else 0
    if gaia > 0:
        yield Copied(column("gaia_source_id").label, str(gaia))
    ra, dec = table.value("ra", row), table.value("dec", row)
    if np.isfinite(ra) and np.isfinite(dec):
        yield Copied("coordinates", f"{ra:.6f} {dec:+.6f}")


def _links(table: StarTable, row: int) -> tuple[tuple[str, str], ...]:
    ra, dec = table.value("ra", row), table.value("dec", row)
    if not (np.isfinite(ra) and np.isfinite(dec)):
        return ()
    place = f"{ra:.6f}%20{dec:+.6f}".replace("+", "%2B")
    result = [
        ("SIMBAD", f"{_SIMBAD}?Coord={place}&Radius=5&Radius.unit=arcsec"),
        ("VizieR", f"https://vizier.cds.unistra.fr/viz-bin/VizieR-4?-c={place}&-c.rs=5"),
        ("Aladin", f"https://aladin.cds.unistra.fr/AladinLite/?target={place}&fov=0.05"),
    ]
    gaia = int(table["gaia_source_id"][row]) if "gaia_source_id" in table else 0
    if gaia > 0:
        result.append(("Gaia", f"https://vizier.cds.unistra.fr/viz-bin/VizieR-5?-source=I/355/gaiadr3&Source={gaia}"))
    if table.text("obsid_source", row) == "header":
        result.append(("LAMOST", f"https://www.lamost.org/dr9/v2.0/spectrum/view?obsid={int(table['obsid'][row])}"))
    return tuple(result)
