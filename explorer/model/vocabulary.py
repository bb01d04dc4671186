"""Names in expressions: columns and their synonyms, subsets, and the stars for aggregates."""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cached_property, lru_cache

from explorer.model.selection import Columns, Mask, Selection, SelectionError
from explorer.model.table import StarTable
from pipeline.domain.column import Column
from pipeline.domain.columns import COLUMNS, column
from pipeline.domain.flags import QualityFlag
from pipeline.domain.own_columns import machine_name

FLAGS: dict[str, QualityFlag] = {str(flag.name): flag for flag in QualityFlag}
"""Quality bits by name."""

MAX_KEPT = 64
"""Maximum number of results of aggregates that are kept."""

_WORD = re.compile(r"[^\W\d]\w*")


class Names:
    """Columns by name, axis label, synonym and archive name.

    A name is looked up in this order, first as it is spelled, then without regard to case, brackets and underscores; a
    spelling that two columns share in one step is ambiguous.

    Parameters
    ----------
    columns : iterable of str or Column
        Columns with values: declared ones by name, the user's own by their description.
    exact : bool
        Whether columns are known by their names alone, as in stored expressions.
    """

    def __init__(self, columns: Iterable[str | Column], *, exact: bool = False) -> None:
        known = (column(item) if isinstance(item, str) else item for item in columns)
        self.columns: Mapping[str, Column] = {item.name: item for item in known}
        self.exact = exact

    @cached_property
    def _steps(self) -> list[dict[str, set[str]]]:
        return _steps(() if self.exact else self.columns.values())

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name.lower() in self.columns

    def find(self, text: str) -> Column | None:
        """The column that a name, label or synonym means; None without one.

        Raises
        ------
        SelectionError
            If several columns are meant equally; it names them.
        """
        if text.lower() in self.columns:
            return self.columns[text.lower()]
        for spelling, steps in ((text, self._steps[::2]), (_plain(text), self._steps[1::2])):
            for step in steps:
                names = step.get(spelling, set())
                if len(names) > 1:
                    raise SelectionError(f"{text!r} can mean {' or '.join(sorted(names))}. Use one of these names.")
                if names:
                    return self.columns[next(iter(names))]
        return None

    def meant(self, text: str) -> Column | None:
        """The column that a spelling means, see :meth:`find`; None for an ambiguous one."""
        try:
            return self.find(text)
        except SelectionError:
            return None

    def unknown(self, text: str, others: Iterable[str]) -> str:
        """The sentence for a name that means nothing in this catalogue."""
        absent = _declared().meant(text)
        if absent is not None and absent.name not in self.columns:
            return f"This catalogue has no values of {absent.name}."
        near = get_close_matches(text[:40], [*self.columns, *others], n=1)
        hint = f"Did you mean {near[0]!r}?" if near else "Columns are listed under About."
        return f"There is no column, bit, subset or function {text!r}. {hint}"


def names_of(table: StarTable) -> Names:
    """Names of the columns of a catalogue that have values."""
    return Names(item for item in table.columns if not item.is_float or table.usable(item.name))


@dataclass
class Vocabulary:
    """Names of an expression, and the stars that aggregates such as ``mean(x)`` are computed from.

    Parameters
    ----------
    names : Names
        The columns.
    subsets : mapping of str to Selection
        Named subsets.
    table : mapping of str to ndarray, optional
        The stars; without them there are no aggregates.
    selection : Selection, optional
        The selection, for ``mean(x, selection)``.
    mask_of : callable, optional
        Returns the mask of a selection; by default it is evaluated.
    kept : dict
        Results of aggregates, for expressions that are read again at each keystroke.
    """

    names: Names
    subsets: Mapping[str, Selection] = field(default_factory=dict)
    table: Columns | None = None
    selection: Selection | None = None
    mask_of: Callable[[Selection], Mask] | None = None
    kept: dict[Hashable, tuple[Selection | None, float, int]] = field(default_factory=dict)

    def once(
        self, key: tuple[Hashable, ...], stars: Selection | None, compute: Callable[[], tuple[float, int]]
    ) -> tuple[float, int]:
        """The result of an aggregate, computed once for the same stars, and the number of its values."""
        known = self.kept.get((*key, id(stars)))
        if known is None:
            if len(self.kept) >= MAX_KEPT:
                self.kept.clear()
            known = self.kept[*key, id(stars)] = (stars, *compute())  # with the stars, so that no others take their id
        return known[1:]

    def rows(self, selection: Selection) -> Mask:
        """The mask of a selection over the table."""
        assert self.table is not None
        return selection.mask(self.table) if self.mask_of is None else self.mask_of(selection)


def spellings(item: Column) -> Iterator[str]:
    """All names of a column in expressions but its own, the most usual first."""
    yield item.label
    yield from item.synonyms
    yield from item.aliases
    if item.paper_name:
        yield item.paper_name


def quoted(name: str, taken: Container[str] = ()) -> str:
    """A subset's name as expressions write it: in backticks where it is no word, or means something else.

    Parameters
    ----------
    name : str
        Name of the subset.
    taken : container of str
        Names of columns, which have precedence over those of subsets.
    """
    plain = _WORD.fullmatch(name) and name.lower() not in KEYWORDS and name.lower() not in taken
    return name if plain else f"`{name}`"


KEYWORDS = frozenset({"and", "or", "xor", "not", "in", "like", "between", "is"})
"""Words that join conditions or follow a value."""


def _steps(columns: Iterable[Column]) -> list[dict[str, set[str]]]:
    """Spellings of labels, synonyms and archive names, each exact and plain, with the columns that they mean."""
    steps: list[dict[str, set[str]]] = [{} for _ in range(6)]
    errors: dict[str, str] = {}
    columns = list(columns)
    for item in columns:
        if item.error:
            errors[item.error] = item.name
    for item in columns:
        measured = errors.get(item.name)
        synonyms = item.synonyms if measured is None else (*item.synonyms, f"{measured}_error", f"e_{measured}")
        archives = (*item.aliases, *([item.paper_name] if item.paper_name else []))
        for number, group in enumerate(((item.label,), synonyms, archives)):
            for spelling in group:
                steps[2 * number].setdefault(spelling, set()).add(item.name)
                steps[2 * number + 1].setdefault(_plain(spelling), set()).add(item.name)
    return steps


def _plain(text: str) -> str:
    """A spelling without case, brackets, blanks and underscores; Greek letters are spelt out."""
    name = machine_name(text).replace("_", "")
    return "" if name == "column" else name


@lru_cache(maxsize=1)
def _declared() -> Names:
    """Every declared column, made at first use."""
    return Names(COLUMNS)
