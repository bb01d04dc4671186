"""Completions of an expression, with units and meanings."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from explorer.model.expression import CONDITIONS, FLAGS, WORDS
from explorer.model.formula import FUNCTIONS
from pipeline.domain.column import Column
from pipeline.domain.flags import FLAG_TEXTS

_WORD_BEFORE = re.compile(r"\w*$")


@dataclass(frozen=True)
class Completion:
    """A word that completes an expression.

    Parameters
    ----------
    word : str
        Text to insert.
    help : str
        Meaning, with the unit.
    """

    word: str
    help: str


def completions(
    text: str, cursor: int, columns: Iterable[Column], subsets: Iterable[str], most: int = 8
) -> tuple[int, tuple[Completion, ...]]:
    """Words that begin like the one before the cursor, else those that contain it.

    Returns
    -------
    start : int
        Start of the word that a completion replaces.
    completions : tuple of Completion
        At most ``most``.
    """
    match = _WORD_BEFORE.search(text[:cursor])
    begun = match[0].lower() if match else ""
    if not begun or begun[0].isdigit():
        return cursor, ()
    words = list(_words(columns, subsets))
    begin = [item for item in words if item.word.lower().startswith(begun)]
    contain = [item for item in words if begun in item.word.lower() and item not in begin]
    result = tuple([*begin, *contain][:most])
    if len(result) == 1 and result[0].word.lower() == begun:
        result = ()
    return cursor - len(begun), result


def _words(columns: Iterable[Column], subsets: Iterable[str]) -> Iterator[Completion]:
    for column in columns:
        unit = f" [{column.unit}]" if column.unit else ""
        yield Completion(column.name, f"{column.label}{unit}: {column.meaning}")
    for name in subsets:
        yield Completion(name, "named subset")
    for name, function in FUNCTIONS.items():
        yield Completion(name, function.help)
    for words in (CONDITIONS, WORDS):
        for name, meaning in words.items():
            yield Completion(name, meaning)
    for name, flag in FLAGS.items():
        yield Completion(name, f"quality bit: {FLAG_TEXTS[flag].meaning}")
