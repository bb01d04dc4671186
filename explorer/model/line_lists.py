"""Lists of spectral lines, built in and of the user, as values that a link can store."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from explorer.model.selection import SelectionError
from pipeline.domain.wavelength import air_to_vacuum

MAX_LISTS = 8
"""Maximum number of the user's own lists."""

MAX_LINES = 1000
"""Maximum number of lines of all own lists together: each drawing has those on screen, and a link has all."""

MAX_NAME_CHARACTERS = 40
"""Maximum length of the name of a list or of a line."""

OWN_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#b5651d", "#7f6bd1")
"""Colours of own lists as CSS, in the order in which they are added; one for each of the maximum number."""

WAVELENGTH_LIMITS = (1000.0, 100_000.0)
"""Limits of rest wavelengths in Angstrom, between which air and vacuum are converted."""


class Line(NamedTuple):
    """A line or a band head, by its rest wavelength in vacuum, in Angstrom."""

    name: str
    wavelength: float


@dataclass(frozen=True)
class LineList:
    """Lines that are switched on and off together.

    Parameters
    ----------
    name : str
        Different for each list.
    lines : tuple of Line
        In order of wavelength.
    colour : str
        As CSS; "" for the built-in lists, which have the colour of the figure's text.
    on : bool
        Whether it is shown.
    """

    name: str
    lines: tuple[Line, ...]
    colour: str = ""
    on: bool = True

    @property
    def is_own(self) -> bool:
        """Whether the user brought it."""
        return self.colour != ""

    def to_dict(self) -> dict[str, Any]:
        """Convert to plain values; :func:`lists_from_plain` is the inverse for all lists together."""
        state = {"name": self.name, "on": self.on}
        return {**state, "lines": [list(line) for line in self.lines]} if self.is_own else state


BUILT_IN: tuple[LineList, ...] = (
    LineList(
        "Atomic lines",
        (
            Line("Mg b", 5176.7),
            Line("Na D", 5894.6),
            Line("Hα", 6564.61),
            Line("K I", 7667.01),
            Line("K I", 7701.08),
            Line("Ca II", 8500.36),
            Line("Ca II", 8544.44),
            Line("Ca II", 8664.52),
        ),
    ),
    LineList(
        "TiO band heads",
        tuple(Line("TiO", float(air_to_vacuum(head))) for head in (6159.0, 6651.0, 7054.0, 7589.0, 8432.0, 8859.0)),
    ),
)
"""Atomic lines (doublets and triplets of the blue at their mean), and heads of TiO bands, which degrade to the red."""


def with_list(lists: Sequence[LineList], name: str, lines: Iterable[Line]) -> tuple[LineList, ...]:
    """Add a list of the user's own, or replace the one of that name.

    Raises
    ------
    SelectionError
        If the name is empty, too long or that of a built-in list, or there are too many lists or lines, or none.
    """
    ordered = tuple(sorted(lines, key=lambda line: line.wavelength))
    _check(name, ordered)
    known = {item.name: item for item in lists}
    if name in known and not known[name].is_own:
        raise SelectionError(f"{name!r} is a built-in list of lines. Choose another name.")
    own = [item for item in lists if item.is_own and item.name != name]
    total = len(ordered) + sum(len(item.lines) for item in own)
    if total > MAX_LINES:
        raise SelectionError(
            f"With {name!r} there are {total:,} lines of your own; at most {MAX_LINES:,} are shown. Shorten the list, "
            "or remove another one."
        )
    if name in known:
        return tuple(replace(item, lines=ordered, on=True) if item.name == name else item for item in lists)
    if len(own) >= MAX_LISTS:
        raise SelectionError(f"There are {len(own)} own lists of lines, the maximum. Remove one first.")
    free = (colour for colour in OWN_COLOURS if colour not in {item.colour for item in own})
    return (*lists, LineList(name, ordered, next(free)))


def without_list(lists: Sequence[LineList], name: str) -> tuple[LineList, ...]:
    """Remove a list of the user's own; raise SelectionError if there is none of that name."""
    left = tuple(item for item in lists if not (item.is_own and item.name == name))
    if len(left) == len(lists):
        raise _unknown(name)
    return left


def switched(lists: Sequence[LineList], name: str, *, on: bool) -> tuple[LineList, ...]:
    """Show or hide a list; raise SelectionError if there is none of that name."""
    if all(item.name != name for item in lists):
        raise _unknown(name)
    return tuple(replace(item, on=on) if item.name == name else item for item in lists)


def lists_to_plain(lists: Sequence[LineList]) -> list[dict[str, Any]]:
    """Convert lists to plain values."""
    return [item.to_dict() for item in lists]


def lists_from_plain(stored: Any) -> tuple[LineList, ...]:
    """Read what :func:`lists_to_plain` returns; None gives the built-in lists.

    Raises
    ------
    SelectionError
        If it is damaged or exceeds a limit.
    """
    result = BUILT_IN
    if stored is None:
        return result
    try:
        for item in stored:
            name, on = str(item["name"]), bool(item["on"])
            if "lines" in item:
                result = with_list(result, name, [_line(*line) for line in item["lines"]])
            result = switched(result, name, on=on)
    except (KeyError, TypeError, ValueError) as error:
        if isinstance(error, SelectionError):
            raise
        raise SelectionError(f"The stored lists of lines are damaged ({type(error).__name__}).") from error
    return result


def _line(name: str, wavelength: float) -> Line:
    return Line(str(name), float(wavelength))


def shown_lines(lists: Iterable[LineList], first: float, last: float) -> list[tuple[Line, str]]:
    """Lines of the lists that are on, between two wavelengths, in order, each with the colour of its list."""
    pairs = ((line, item.colour) for item in lists if item.on for line in item.lines)
    return sorted(
        (pair for pair in pairs if first < pair[0].wavelength < last),
        key=lambda pair: pair[0].wavelength,
    )


def nearest_line(lists: Iterable[LineList], low: float, high: float, wavelength: float) -> Line | None:
    """The shown line between two wavelengths that is nearest to a third one; None without one."""
    lines = [line for line, _ in shown_lines(lists, low, high)]
    return min(lines, key=lambda line: abs(line.wavelength - wavelength), default=None)


def _check(name: str, lines: Sequence[Line]) -> None:
    if not name or len(name) > MAX_NAME_CHARACTERS:
        raise SelectionError(f"A list of lines needs a name of at most {MAX_NAME_CHARACTERS} characters.")
    if not lines:
        raise SelectionError(f"The list {name!r} has no line.")
    low, high = WAVELENGTH_LIMITS
    outside = [line for line in lines if not (math.isfinite(line.wavelength) and low <= line.wavelength <= high)]
    if outside:
        raise SelectionError(
            f"{len(outside):,} wavelengths of {name!r} are outside of {low:,.0f} to {high:,.0f} Å. Check their unit."
        )
    if any(len(line.name) > MAX_NAME_CHARACTERS for line in lines):
        raise SelectionError(
            f"Names of lines have at most {MAX_NAME_CHARACTERS} characters. Shorten those of {name!r}."
        )


def _unknown(name: str) -> SelectionError:
    return SelectionError(f"There is no list of lines {name[:MAX_NAME_CHARACTERS]!r}.")
