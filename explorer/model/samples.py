"""Samples of stars to compare and fit: the selection, named subsets, their complements, all."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from explorer.model.selection import Everything, Inverse, Mask, Selection, SelectionError
from explorer.model.subsets import Subset, describe
from pipeline.domain.column import Column

SELECTED, REST, ALL = "selected", "rest", "all"
"""Keys of the samples that always exist; those of subsets follow :data:`INSIDE` and :data:`OUTSIDE`."""

INSIDE, OUTSIDE = "in:", "out:"

MAX_COLUMNS = 8
"""Maximum number of columns that are compared at once."""

MAX_BINS = 200
"""Maximum number of bins of a histogram."""

SELECTED_COLOUR, REST_COLOUR, ALL_COLOUR = "#d81b60", "#7a8594", "#5b7a99"
"""Colours of samples without one of their own, which show on light and on dark pages."""


@dataclass(frozen=True, eq=False)
class Sample:
    """Stars with a name.

    Parameters
    ----------
    key : str
        Name in messages and links.
    title : str
        Name on screen.
    selection : Selection
        Its definition.
    definition : str
        The definition in words.
    colour : str
        Colour in figures.
    rows : ndarray of bool, shape (n,)
        Its stars.
    """

    key: str
    title: str
    selection: Selection
    definition: str
    colour: str
    rows: Mask

    @property
    def stars(self) -> int:
        """Number of stars."""
        return int(np.count_nonzero(self.rows))


def sample_choices(subsets: Sequence[Subset]) -> Iterator[tuple[str, str]]:
    """Keys and titles of all samples."""
    yield SELECTED, "selected"
    yield REST, "not selected"
    yield ALL, "all stars"
    for subset in subsets:
        yield f"{INSIDE}{subset.name}", subset.name
        yield f"{OUTSIDE}{subset.name}", f"not {subset.name}"


def key_with_new_name(key: str, name: str, new: str) -> str:
    """The key of a sample after a subset was renamed."""
    for prefix in (INSIDE, OUTSIDE):
        if key == f"{prefix}{name}":
            return f"{prefix}{new}"
    return key


def sample_of(
    key: str,
    selection: Selection,
    rows: Mask,
    subsets: Sequence[Subset],
    mask_of: Callable[[Selection], Mask],
    known: Mapping[str, Column],
) -> Sample:
    """The sample of a key.

    Parameters
    ----------
    key : str
        One of :func:`sample_choices`.
    selection : Selection
        The present selection.
    rows : ndarray of bool, shape (n,)
        Its mask.
    subsets : sequence of Subset
        The named subsets.
    mask_of : callable
        Mask of a subset's selection.
    known : mapping of str to Column
        Columns, for definitions in words.

    Raises
    ------
    SelectionError
        If there is no such sample, as its subset was removed or renamed.
    """
    if key == SELECTED:
        return Sample(key, "selected", selection, describe(selection, known), SELECTED_COLOUR, rows)
    if key == REST:
        outside = Inverse(selection)
        return Sample(key, "not selected", outside, describe(outside, known), REST_COLOUR, ~rows)
    if key == ALL:
        return Sample(key, "all stars", Everything(), "all stars", ALL_COLOUR, np.ones_like(rows))
    for subset in subsets:
        if key == f"{INSIDE}{subset.name}":
            words = describe(subset.selection, known)
            return Sample(key, subset.name, subset.selection, words, subset.colour, mask_of(subset.selection))
        if key == f"{OUTSIDE}{subset.name}":
            words = f"not ({describe(subset.selection, known)})"
            colour, inside = REST_COLOUR, mask_of(subset.selection)
            return Sample(key, f"not {subset.name}", Inverse(subset.selection), words, colour, ~inside)
    name = key.removeprefix(INSIDE).removeprefix(OUTSIDE)
    raise SelectionError(f"No subset is named {name!r:.60}: choose another sample.")
