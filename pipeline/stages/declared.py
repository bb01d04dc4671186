"""Declarations of stages: inputs and outputs, validity of their order, and plan for an input."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from pipeline.config import RunConfig
from pipeline.stages.internal import Internal
from pipeline.stages.items import (
    Available,
    Grid,
    InputColumns,
    Item,
    ModelSpectra,
    RawSpectra,
    RestSpectra,
    When,
    flattened,
)
from pipeline.stages.state import BuildState, Progress

MANY_STARS = 1_000_000_000
"""Number of stars that a plan assumes for an existing column, as it knows no values."""


@dataclass(frozen=True)
class Stage:
    """One step of a build.

    Parameters
    ----------
    name : str
        Name on screen and in the manifest.
    run : callable
        ``run(state, progress) -> rows_out``; raises :class:`~pipeline.stages.state.StageSkipped` for a reason that
        cannot be declared.
    weight : float
        Share of the whole time, for the time left.
    sections : tuple of str
        Sections of the configuration that it reads; a change there makes its checkpoint stale.
    needs : tuple of Item
        What must be there; the stage is skipped without it.
    optional : tuple of Item
        What the stage uses where it is there.
    gives : tuple of Item
        What later stages find; absent when the stage is skipped.
    """

    name: str
    run: Callable[[BuildState, Progress], int]
    weight: float
    sections: tuple[str, ...]
    needs: tuple[Item, ...] = ()
    optional: tuple[Item, ...] = ()
    gives: tuple[Item, ...] = ()

    def missing(self, available: Available) -> str:
        """Reason of the first unmet need; "" if the stage can run."""
        return next((reason for item in self.needs if (reason := item.missing(available))), "")

    def may_read(self, config: RunConfig) -> set[str]:
        """Names of all columns, published and internal, that the stage declares."""
        items = (*self.needs, *self.optional, *self.gives)
        conditions = (need for item in self.gives if isinstance(item, When) for need in item.needs)
        return _names((*items, *conditions), config)

    def may_write(self, config: RunConfig) -> set[str]:
        """Names of all columns, published and internal, that the stage may give."""
        return _names(self.gives, config)

    @property
    def files(self) -> tuple[str, ...]:
        """Files and folders below the work folder that belong to the stage."""
        return tuple(name for item in self.gives for name in item.files())


def _names(items: Iterable[Item], config: RunConfig) -> set[str]:
    names: set[str] = set()
    for item in items:
        names |= {*item.columns(config), *(entry.name for entry in item.internals())}
    return names


class StageOrderError(ValueError):
    """A stage precedes one whose output it needs."""


def check_order(stages: Sequence[Stage], config: RunConfig) -> None:
    """Refuse an order in which a stage comes before its inputs.

    A column or spectrum that stages give must be given before any stage takes it; what no stage gives must be an
    input column.

    Raises
    ------
    StageOrderError
        If the order does not fit; the message names both stages and the item.
    """
    for place, stage in enumerate(stages):
        taken = (
            *stage.needs,
            *stage.optional,
            *(n for item in stage.gives if isinstance(item, When) for n in item.needs),
        )
        wanted = _names(taken, config) | {name for item in taken for name in item.files()}
        for later in stages[place + 1 :]:
            gives = [item for item in flattened(later.gives) if not isinstance(item, InputColumns)]
            given = _names(gives, config) | {name for item in gives for name in item.files()}
            if clash := sorted(wanted & given):
                raise StageOrderError(
                    f"Stage {stage.name!r} takes {', '.join(clash)}, which the later stage {later.name!r} gives: put "
                    f"{later.name!r} first."
                )
        known = {
            name
            for earlier in stages[: place + 1]
            for name in (*_names(earlier.gives, config), *(n for item in earlier.gives for n in item.files()))
        }
        if unknown := sorted(wanted - known):
            raise StageOrderError(f"Stage {stage.name!r} takes {', '.join(unknown)}, which no earlier stage gives.")


class Planned(NamedTuple):
    """Plan of one stage."""

    name: str
    reason: str
    """Why the stage would not run; "" if it would."""


@dataclass
class _Expected:
    """Expected content of a build according to the declarations."""

    config: RunConfig
    names: set[str]
    raw_grid: Grid
    rest: bool = False
    internal: set[str] = field(default_factory=set)

    def stars_with(self, names: tuple[str, ...]) -> int:
        return MANY_STARS if set(names) <= self.names else 0

    def grid(self) -> Grid:
        return self.raw_grid

    def has_rest_spectra(self) -> bool:
        return self.rest

    def has(self, internal: Internal[Any]) -> bool:
        return internal.name in self.internal

    def take(self, item: Item) -> None:
        if isinstance(item, (InputColumns, RawSpectra, ModelSpectra)):
            return
        if isinstance(item, When):
            if not any(need.missing(self) for need in item.needs):
                for given in item.given:
                    self.take(given)
            return
        self.rest |= isinstance(item, RestSpectra)
        self.names |= set(item.columns(self.config))
        self.internal |= {entry.name for entry in item.internals()}


def plan(stages: Sequence[Stage], config: RunConfig, columns: Iterable[str], grid: Grid = "") -> list[Planned]:
    """Determine which stages would run on an input, and why the others would not.

    Only names are known beforehand: a stage may still be skipped because too few stars have a value.

    Parameters
    ----------
    stages : sequence of Stage
        In order; the first one reads.
    config : RunConfig
        Of the build.
    columns : iterable of str
        Contract names of the columns that the input brings.
    grid : str
        Wavelength grid of the input's spectra, "" without spectra.

    Returns
    -------
    list of Planned
        One a stage.
    """
    expected = _Expected(config, set(columns), grid)
    planned = []
    for stage in stages:
        reason = stage.missing(expected)
        planned.append(Planned(stage.name, reason))
        if not reason:
            for item in stage.gives:
                expected.take(item)
    return planned
