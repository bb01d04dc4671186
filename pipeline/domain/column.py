"""One column of the catalogue: what it holds, and how it is written, checked and shown."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

DType = Literal["int64", "int32", "int16", "float64", "float32", "bool", "str"]

Scale = Literal["linear", "diverging", "log"]
"""How values compare: by difference, by difference from zero (colours are centred there), or by ratio."""

CARD_GROUPS = (
    *("Identifiers", "Photometry", "Distance", "Space and motion", "Orbit", "Sagittarius stream"),
    *("Labels by engine", "Fit and velocity"),
)
"""Sections of the star card, in their order."""

Place = Literal[
    "table",
    "trend",
    "header",
    "role",
    "ucd",
    "truth",
    "position",
    "identifier",
    "base",
    "map",
    "line",
    "velocity",
    "reference",
    "input",
    "first",
]
"""Places where a column is used by default:

- table: among the columns that the table of the selection shows first;
- trend: Validate looks for trends of differences along it;
- header: in the header of one star's FITS file;
- role: offered for a table in which it was not recognised;
- ucd: recognised in a table by its UCD alone;
- truth: compared with the truth of simulated stars;
- position: a coordinate on the sky, which the stage "sky" completes;
- identifier: rows of different tables are matched by it, the first one first;
- base: the main table alone gives it, a joined table never changes it;
- map: the disc maps are made of it;
- line: the velocity of a single line;
- velocity: the radial velocity of a star, the one that is preferred first;
- reference: a table of reference values gives it, and its error, under the name NAME_ref;
- input: a table beside spectra gives it under the name NAME_input;
- first: colours the first page, and is compared first, the one that is preferred first.
"""

DEFAULT_DIGITS = 2
"""Decimals of a float column that declares none."""

LARGEST = 1e15
"""Absolute value of a float32 column without a range of its own: its square still fits into single precision."""

_EXACT_DECIMALS = 2.0**53
_SQUARED = re.compile(r"(?<=[A-Za-z])2(?!\d)")


class Reference(NamedTuple):
    """A column with other values of the same quantity, and where these come from."""

    column: str
    origin: str


class Band(NamedTuple):
    """A photometric band: its effective wavelength in micrometres, and the flux of magnitude 0 in Jansky."""

    wavelength_um: float
    zero_point_jy: float


@dataclass(frozen=True)
class Column:
    """One quantity of the catalogue.

    Parameters
    ----------
    name : str
        Machine name: lower case, letters, digits and underscores.
    dtype : str
        Storage type; floats hold NaN where a value is missing.
    unit : str
        Unit in the spelling that astropy reads, "" when the quantity has none.
    ucd : str
        IVOA UCD1+ word.
    label : str
        Title of an axis.
    description : str
        One line for glossaries and file headers.
    group : str
        Chapter of the catalogue.
    low, high : float or None
        Valid range, inclusive; None means open (see :meth:`outside`).
    paper_name : str
        Name printed in Table A1 of the paper, "" for value-added columns.
    nullable : bool
        Whether a catalogue may lack the column. A missing float is NaN; integers say in their
        description which value means unknown.
    unknown : int or None
        That value; None where nothing or NaN means it.
    aliases : tuple of str
        Exact names under which archives and groups publish the quantity; the column's own name is always one.
    synonyms : tuple of str
        Other names that people give the quantity in expressions; they identify no column of a file, as aliases do.
    origin : str
        Table that brought the column, for a column of the user's own; "" for those that are declared here.
    digits : int
        Decimals of a float on the card and in the table; errors are shown with the digits of their value.
    scale : str
        linear, diverging or log: colours of a diverging column are centred on zero, differences of a log column are
        fractions.
    inverted : str
        Axis, x or y, on which values decrease with the coordinate; "" for none.
    period : float
        Length of a turn, in the column's unit, of angles that start again at 0; 0 for a quantity without a period.
    card : str
        Section of the star card, one of :data:`CARD_GROUPS`; "" for a column that is not on the card.
    error : str
        Column of the uncertainties; "" without one.
    interval : tuple of (str, str)
        Columns of the 16th and the 84th percentile; () without them.
    references : tuple of Reference
        Columns that Validate compares the column with; the first one holds the values that labels are trained on.
    places : tuple of str
        Places where the column is used by default, see :data:`Place`.
    after : str
        Column that it follows at these places, itself there or not; "" where it keeps its published place.
    velocity : str
        Column of the velocity along the coordinate, in the same frame; "" for other quantities and where there is none.
    sun : float or None
        Coordinate of the Sun, in units of its distance from the Galactic centre; None for other quantities.
    band : Band or None
        Of apparent magnitudes; None for other quantities.

    Raises
    ------
    ValueError
        If the section of the card or a place does not exist.
    """

    name: str
    dtype: DType
    unit: str
    ucd: str
    label: str
    description: str
    group: str
    low: float | None = None
    high: float | None = None
    paper_name: str = ""
    nullable: bool = True
    unknown: int | None = None
    aliases: tuple[str, ...] = ()
    origin: str = ""
    digits: int = DEFAULT_DIGITS
    scale: Scale = "linear"
    inverted: Literal["", "x", "y"] = ""
    period: float = 0.0
    card: str = ""
    error: str = ""
    interval: tuple[str, ...] = ()
    references: tuple[Reference, ...] = ()
    places: tuple[Place, ...] = ()
    after: str = ""
    velocity: str = ""
    sun: float | None = None
    band: Band | None = None
    synonyms: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse a section of the card and places that do not exist."""
        if self.card and self.card not in CARD_GROUPS:
            raise ValueError(f"Column {self.name}: card={self.card!r} is none of {', '.join(CARD_GROUPS)}.")
        if unknown := sorted(set(self.places) - set(get_args(Place))):
            raise ValueError(f"Column {self.name}: places={unknown} are none of {', '.join(get_args(Place))}.")

    @property
    def unit_label(self) -> str:
        """Unit as people read it: the 2 of a square is raised."""
        return _SQUARED.sub("²", self.unit)

    @property
    def axis_label(self) -> str:
        """Label with its unit, for an axis."""
        return f"{self.label} [{self.unit_label}]" if self.unit else self.label

    @property
    def is_float(self) -> bool:
        """Whether NaN can mark a missing value."""
        return self.dtype.startswith("float")

    @property
    def is_numeric(self) -> bool:
        """Whether it can be an axis."""
        return self.dtype not in ("str", "bool")

    @property
    def integer_limits(self) -> tuple[int, int]:
        """Least and greatest whole number that the column may hold: the declared range, else that of its type.

        Raises
        ------
        ValueError
            If the column holds no whole numbers.
        """
        limits = np.iinfo(self.dtype)
        low = limits.min if self.low is None else int(self.low)
        return low, limits.max if self.high is None else int(self.high)

    def outside(self, values: NDArray[Any]) -> NDArray[np.bool_]:
        """Invalid values: outside the column's range or type, infinite, or fractions in an integer column.

        Parameters
        ----------
        values : ndarray of numbers, shape (n,)
            Candidates; NaN is a missing value and never outside.

        Returns
        -------
        ndarray of bool, shape (n,)
            Where a value must not be stored.
        """
        low: float | None = self.low
        high: float | None = self.high
        if self.is_float:
            bound = LARGEST if self.dtype == "float32" else float(np.finfo(self.dtype).max)
            low, high = (-bound if low is None else low), (bound if high is None else high)
        else:
            low, high = self.integer_limits
        with np.errstate(invalid="ignore"):
            outside = np.asarray((values < low) | (values > high), np.bool_)
            if not self.is_float and values.dtype.kind == "f":
                outside |= (values != np.floor(values)) & ~np.isnan(values)
                outside |= np.abs(values) >= _EXACT_DECIMALS
        return outside

    @property
    def is_own(self) -> bool:
        """Whether a table of the user's brought it."""
        return self.origin != ""

    @property
    def meaning(self) -> str:
        """Description, and for a column of the user's own the table that brought it."""
        if not self.origin:
            return self.description
        source = f"column {self.label!r} of {self.origin}"
        return f"{self.description} ({source})" if self.description else source[0].upper() + source[1:]


def declare(
    name: str,
    dtype: DType,
    unit: str,
    ucd: str,
    label: str,
    description: str,
    low: float | None = None,
    high: float | None = None,
    *,
    paper: str = "",
    nullable: bool = True,
    unknown: int | None = None,
    alias: str = "",
    digits: int = DEFAULT_DIGITS,
    scale: Scale = "linear",
    inverted: Literal["", "x", "y"] = "",
    period: float = 0.0,
    card: str = "",
    ref: str = "",
    places: str = "",
    after: str = "",
    velocity: str = "",
    sun: float | None = None,
    band: Band | None = None,
    syn: str = "",
) -> Column:
    """Declare a column in one entry of a table; see :class:`Column` for what is not described here.

    Parameters
    ----------
    alias : str
        Other names of the quantity, separated by commas.
    syn : str
        Its synonyms in expressions, separated by commas.
    ref : str
        Reference columns, ``NAME: ORIGIN``, separated by commas.
    places : str
        Places, separated by blanks.

    Raises
    ------
    ValueError
        If the section of the card or a place does not exist, or a reference names no origin.
    """
    return Column(
        *(name, dtype, unit, ucd, label, description, "", low, high, paper, nullable, unknown),
        aliases=_parts(alias),
        digits=digits,
        scale=scale,
        inverted=inverted,
        period=period,
        card=card,
        references=tuple(_reference(name, part) for part in _parts(ref)),
        places=tuple(places.split()),  # type: ignore[arg-type]  # Column refuses other places
        after=after,
        velocity=velocity,
        sun=sun,
        band=band,
        synonyms=_parts(syn),
    )


def _parts(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _reference(name: str, text: str) -> Reference:
    other, colon, origin = text.partition(":")
    if not (colon and other.strip() and origin.strip()):
        raise ValueError(f"Column {name}: ref={text!r} is not of the form NAME: ORIGIN.")
    return Reference(other.strip(), origin.strip())
