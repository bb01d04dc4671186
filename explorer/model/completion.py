"""Completions of an expression, with units and meanings."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from explorer.model.aggregates import AGGREGATES
from explorer.model.expression import CONDITIONS, FLAGS, WORDS
from explorer.model.formula import FUNCTIONS
from explorer.model.vocabulary import Names, quoted, spellings
from pipeline.domain.flags import FLAG_TEXTS

_WORD_BEFORE = re.compile(r"(?:`[^`]*|\[[^\[\]]*|\w+)$")
_NUMBER_BEFORE = re.compile(r"(?<![\w.])(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?\s*$")
"""A number, after which a unit is written."""

_MEANING_FROM = 3
"""Number of letters from which labels, synonyms and meanings are searched too."""


@dataclass(frozen=True)
class Completion:
    """A word that completes an expression.

    Parameters
    ----------
    word : str
        Text to insert.
    help : str
        Meaning, with the unit.
    names : str
        Other names and the meaning, in small letters.
    """

    word: str
    help: str
    names: str = ""


def completions(
    text: str, cursor: int, columns: Names, subsets: Iterable[str], most: int = 8
) -> tuple[int, tuple[Completion, ...]]:
    """Words that begin like the one before the cursor, then those that contain it or mean it.

    Returns
    -------
    start : int
        Start of the word that a completion replaces.
    completions : tuple of Completion
        At most ``most``.
    """
    before = text[:cursor]
    closed = before.endswith("`") and before.count("`") % 2 == 0
    match = None if closed else _WORD_BEFORE.search(before)
    written = match[0] if match else ""
    begun = written.strip("`[").lower()
    if not begun or written[0].isdigit() or _NUMBER_BEFORE.search(before[: len(before) - len(written)]):
        return cursor, ()
    words = list(_words(columns, subsets))
    if written[0] == "`":
        words.sort(key=lambda item: not item.word.startswith("`"))
    begin = [item for item in words if item.word.strip("`").lower().startswith(begun)]
    contain = [item for item in words if begun in item.word.lower()]
    searched = words if len(begun) >= _MEANING_FROM or written[0] == "[" else []
    mean = [item for item in searched if begun in item.names]
    result = tuple(dict.fromkeys([*begin, *contain, *mean]))[:most]
    if len(result) == 1 and result[0].word.lower() == written.lower():
        result = ()
    return cursor - len(written), result


def _words(columns: Names, subsets: Iterable[str]) -> Iterator[Completion]:
    for column in columns.columns.values():
        unit = f" [{column.unit}]" if column.unit else ""
        names = " ".join((*spellings(column), column.meaning)).lower()
        yield Completion(column.name, f"{column.label}{unit}: {column.meaning}", names)
    for name in subsets:
        yield Completion(quoted(name, columns), "named subset")
    for name, function in FUNCTIONS.items():
        yield Completion(name, function.help)
    for name, aggregate in AGGREGATES.items():
        yield Completion(name, aggregate.help)
    for words in (CONDITIONS, WORDS):
        for name, meaning in words.items():
            yield Completion(name, meaning)
    for name, flag in FLAGS.items():
        yield Completion(name, f"quality bit: {FLAG_TEXTS[flag].meaning}", FLAG_TEXTS[flag].meaning.lower())
