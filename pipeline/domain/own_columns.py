"""The user's own columns: unique machine names and :class:`Column` objects.

A column that a table brings and :mod:`pipeline.domain.columns` does not declare is described by the same class as every
other one; ``origin`` names the table. Its machine name never equals a declared name, a word of expressions or a quality
bit, so that one name has one meaning everywhere.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterator
from pathlib import PurePath
from typing import get_args

from pipeline.domain.column import Column, DType
from pipeline.domain.columns import BY_NAME, RELEASE_COLUMNS
from pipeline.domain.flags import QualityFlag

OWN_GROUP = "Own columns"
"""Chapter of every column of the user's own."""

OWN_FIELDS = ("name", "dtype", "unit", "ucd", "label", "description", "group", "origin")
"""Fields of :class:`Column` that a column of the user's own sets; it takes the defaults of all others."""

OWN_DTYPES: tuple[DType, ...] = get_args(DType)
"""Types in which they are stored."""

MAX_NAME = 68
"""Letters of a machine name: a FITS card holds so many."""

MAX_LABEL = 120
"""Letters of a label; longer spellings end in an ellipsis."""

EXPRESSION_WORDS = frozenset(
    {
        *("and", "or", "xor", "not", "between", "known", "cone", "nan", "inf", "infinity"),
        *("abs", "sqrt", "exp", "ln", "log10", "sin", "cos", "floor", "hypot", "min", "max"),
    }
)
"""Words and functions of the explorer's expressions, which cannot name a column."""

RESERVED = frozenset(
    {
        *BY_NAME,
        *(column.name for column in RELEASE_COLUMNS),
        *EXPRESSION_WORDS,
        *(str(flag.name).lower() for flag in QualityFlag),
        *("count", "subsets"),  # values of "colour by" beside the columns
    }
)
"""Names that mean something else."""

_NAME = re.compile(r"[a-z][a-z0-9_]*")
_NOT_ALPHANUMERIC = re.compile(r"[^a-z0-9]+")
_SUFFIXES = frozenset(
    {
        *(".gz", ".bz2", ".xz", ".zip", ".zst", ".fits", ".fit", ".fts", ".csv", ".tsv", ".psv", ".txt", ".dat"),
        *(".parquet", ".pq", ".vot", ".votable", ".xml", ".ecsv", ".mrt"),
    }
)
_FALLBACK = "column"


def machine_name(spelling: str) -> str:
    """A spelling in lower-case ASCII letters, digits and underscores, the first a letter.

    Greek letters are spelt, accents are dropped, and every other run of characters is one underscore.

    Parameters
    ----------
    spelling : str
        Any text.

    Returns
    -------
    str
        At most :data:`MAX_NAME` characters; "column" where no letter or digit is left.
    """
    spelt = "".join(_spelt(letter) for letter in spelling)
    name = _NOT_ALPHANUMERIC.sub("_", spelt.lower()).strip("_")
    if name[:1].isdigit():
        name = f"c_{name}"
    return name[:MAX_NAME].rstrip("_") or _FALLBACK


def _spelt(letter: str) -> str:
    if letter.isascii():
        return letter
    words = unicodedata.name(letter, "").split()
    if words[:1] == ["GREEK"] and "LETTER" in words[:-1]:
        at = words.index("LETTER") + 1
        return f" {words[at + 1 if words[at] == 'FINAL' else at]} "
    return unicodedata.normalize("NFKD", letter).encode("ascii", "ignore").decode() or " "


def source_name(origin: str) -> str:
    """Machine name of a table: that of its file name without folders and endings.

    Parameters
    ----------
    origin : str
        Path or name of the table, such as ``lists/my-table.csv.gz``.
    """
    path = PurePath(origin)
    while path.suffix.lower() in _SUFFIXES:
        path = path.with_suffix("")
    return machine_name(path.name)


def is_own_name(name: str) -> bool:
    """Whether a column of the user's own can have this machine name."""
    return len(name) <= MAX_NAME and _NAME.fullmatch(name) is not None and name not in RESERVED


def own_name(spelling: str, origin: str, taken: Collection[str]) -> str:
    """Machine name for a column of the user's own.

    Parameters
    ----------
    spelling : str
        The file's name of the column.
    origin : str
        Name of its table; a name that collides is prefixed with :func:`source_name` of it, then numbered.
    taken : collection of str
        Machine names of the own columns so far; :data:`RESERVED` names are taken always.
    """
    return next(name for name in _candidates(machine_name(spelling), source_name(origin)) if _is_free(name, taken))


def _candidates(name: str, source: str) -> Iterator[str]:
    """The name, then the name after its source, then with numbers from 2 on; none is too long."""
    yield name
    prefixed = f"{source}_{name}"
    yield prefixed[:MAX_NAME].rstrip("_")
    number = 2
    while True:
        ending = f"_{number}"
        yield prefixed[: MAX_NAME - len(ending)].rstrip("_") + ending
        number += 1


def _is_free(name: str, taken: Collection[str]) -> bool:
    return name not in taken and name not in RESERVED


def own_column(
    spelling: str, dtype: DType, unit: str, ucd: str, description: str, origin: str, taken: Collection[str]
) -> Column:
    """Describe a column of the user's own by its file's metadata.

    Parameters
    ----------
    spelling : str
        The file's name of the column; it becomes the label.
    dtype : str
        One of :data:`OWN_DTYPES`: how the values are stored.
    unit : str
        As astropy spells it, else as the file does; "" for none.
    ucd : str
        As the file has it, "" for none.
    description : str
        As the file has it, "" for none.
    origin : str
        Name of the table; not empty.
    taken : collection of str
        Machine names of the own columns so far.

    Raises
    ------
    ValueError
        If the type is none of :data:`OWN_DTYPES` or the origin is empty.
    """
    if dtype not in OWN_DTYPES:
        known = ", ".join(OWN_DTYPES)
        raise ValueError(f"Column {spelling!r} of {origin} is of type {dtype!r}; expected one of {known}.")
    origin = single_line(origin)
    if not origin:
        raise ValueError(f"Column {spelling!r} has no origin: name the table that brought it.")
    label = single_line(spelling) or _FALLBACK
    return Column(
        name=own_name(spelling, origin, taken),
        dtype=dtype,
        unit=single_line(unit),
        ucd=single_line(ucd),
        label=label if len(label) <= MAX_LABEL else f"{label[: MAX_LABEL - 1]}…",
        description=single_line(description),
        group=OWN_GROUP,
        origin=origin,
    )


def single_line(text: str) -> str:
    """Text without control characters, and with single blanks for its white space: headers know no more."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())


def own_breaches(column: Column) -> Iterator[str]:
    """Yield a sentence for each way in which a column is no column of the user's own."""
    if not is_own_name(column.name):
        yield (
            f"Column {column.name!r} cannot have this name: it means something else, or is no lower-case word of at "
            f"most {MAX_NAME} letters. Make it with own_column."
        )
    if column.dtype not in OWN_DTYPES:
        yield f"Column {column.name} is of type {column.dtype!r}; expected one of {', '.join(OWN_DTYPES)}."
    if not column.origin or column.group != OWN_GROUP:
        yield (
            f"Column {column.name} has origin {column.origin!r} and group {column.group!r}; name its table and the "
            f"group {OWN_GROUP!r}."
        )
    texts = (column.unit, column.ucd, column.label, column.description)
    if any(text != single_line(text) for text in (*texts, column.origin)):
        yield f"Column {column.name} has control characters or line breaks in its texts; make it with own_column."
    plain = Column(column.name, column.dtype, *texts, column.group, origin=column.origin)
    if column != plain:
        yield f"Column {column.name} has limits, aliases or an unknown value, which only declared columns have."
