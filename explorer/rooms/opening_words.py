"""Sentences about the progress of an opening and the interpretation of columns."""

from __future__ import annotations

import math
from collections.abc import Iterable

from msgspec.structs import replace

from explorer import protocol
from explorer.model.building import BuildProgress, BuildStatus
from explorer.model.corrections import UNITS
from explorer.model.opening import OpeningState
from explorer.model.understood import Understood, UnderstoodColumn, UnderstoodTable
from explorer.rooms.progress import time_words
from pipeline.domain.columns import BY_NAME

FULL_PHASE = "full"
"""Name of the phase that makes the complete product."""

_SLOW_STAGES = {"actions": "orbits", "stream": "stream membership", "maps": "disc maps"}
"""Names of results that the quick product lacks, by stage."""


def status_of(state: OpeningState, name: str) -> protocol.OpeningStatus:
    """Progress as shown on the columns page.

    Parameters
    ----------
    state : OpeningState
        Progress of the opening.
    name : str
        Of the files.

    Returns
    -------
    OpeningStatus
        Heading, text, fraction, error, whether the explorer can be entered, whether another try can help.
    """
    status = protocol.OpeningStatus(
        heading="", text="", fraction=None, error=state.failure, open=state.opened, retry=bool(state.failure)
    )
    if state.opened:
        return _opened(state, replace(status, heading="The catalogue is ready"))
    if state.failure:
        unread = state.understood is None or bool(state.understood.error)
        return replace(status, heading=f"{name} cannot be opened" if unread else "The catalogue could not be made")
    if state.quick or state.whole:
        return replace(status, heading="Opening the catalogue", text="Its stars are being loaded.")
    if state.understood is None:
        waits = state.progress.status is BuildStatus.WAITING
        text = "Another process is processing these files." if waits else state.progress.message
        return replace(status, heading=f"Reading {name}", text=text)
    fraction, text = state.progress.fraction, _stage_words(state.progress)
    return replace(status, heading="Computing the catalogue", text=text, fraction=fraction)


def _opened(state: OpeningState, status: protocol.OpeningStatus) -> protocol.OpeningStatus:
    """Progress of an opening whose catalogue is available."""
    if state.failure:
        return replace(status, error=failed_words(state))
    if state.whole or state.left_out:
        return replace(status, text=state.left_out)
    return replace(status, text=slow_words(state), fraction=_slow_fraction(state.progress))


def slow_parts(understood: Understood | None) -> list[str]:
    """Results of the complete product that the quick one lacks; empty if the columns do not allow them."""
    planned = {stage.name: stage.reason for stage in understood.stages} if understood else {}
    if not planned.keys() & _SLOW_STAGES.keys():  # a command that does not say
        return ["orbits", "stream membership"]
    return [words for stage, words in _SLOW_STAGES.items() if planned.get(stage, "not planned") == ""]


def _slow_name(state: OpeningState) -> tuple[str, str]:
    """Name of a result at the start of a sentence, with the verb."""
    parts = slow_parts(state.understood) or ["the whole catalogue"]
    name = " and ".join((", ".join(parts[:-1]), parts[-1])) if len(parts) > 1 else parts[0]
    return f"{name[0].upper()}{name[1:]}", "is" if parts in (["stream membership"], ["the whole catalogue"]) else "are"


def slow_words(state: OpeningState) -> str:
    """Progress of orbits and stream membership as a sentence."""
    progress, (name, verb) = state.progress, _slow_name(state)
    left = f", about {time_words(progress.seconds_left)} left" if _is_slow(progress) and progress.seconds_left else ""
    return f"{name} {verb} being computed: {100 * _slow_fraction(progress):.0f} %{left}"


def ready_words(state: OpeningState) -> str:
    """Sentence that they are available."""
    name, verb = _slow_name(state)
    return f"{name} {verb} ready."


def failed_words(state: OpeningState) -> str:
    """Reason why they are missing."""
    return f"{_slow_name(state)[0]} could not be computed: {state.failure}"


def _is_slow(progress: BuildProgress) -> bool:
    return progress.phase == FULL_PHASE


def _slow_fraction(progress: BuildProgress) -> float:
    return progress.fraction if _is_slow(progress) else 0.0


def _stage_words(progress: BuildProgress) -> str:
    stage = f"Stage {progress.index + 1} of {progress.count}: {progress.stage}" if progress.count else "Starting"
    left = f", about {time_words(progress.seconds_left)} left" if progress.seconds_left else ""
    return f"{stage} ({100 * progress.fraction:.0f} %{left})"


def column_report(column: UnderstoodColumn, *, corrected: bool) -> protocol.ColumnReport:
    """One column of ours, every number as it is read; ``corrected`` by a user or not."""
    declared = BY_NAME.get(column.ours)
    numbers = [value for value in (column.low, column.median, column.high) if value is not None]
    return protocol.ColumnReport(
        ours=column.ours,
        label=declared.label if declared else column.ours,
        description=declared.description if declared else "",
        theirs=column.theirs,
        reason=column.why,
        unit_from=column.unit_from,
        unit_to=column.unit_to,
        known=share_words(column.known),
        share=round(column.known, 4),
        range=tuple(number_words(value) for value in numbers) if len(numbers) == 3 else (),
        replaced=replaced_words(column),
        note=column.note,
        units=units_offered(column.ours, column.unit_from),
        corrected=corrected,
    )


def share_words(share: float) -> str:
    """Format a fraction in percent: 100 only if complete, 0 only if empty."""
    if share in (0.0, 1.0):
        return f"{100 * share:.0f} %"
    return f"{min(max(100 * share, 0.1), 99.9):.1f} %"


def number_words(value: float) -> str:
    """Format a number with four digits, without an exponent in the usual range."""
    size = abs(value)
    if size and not 1e-3 <= size < 1e7:
        return f"{value:.3e}"
    digits = max(3 - math.floor(math.log10(size)), 0) if size else 0
    text = f"{value:,.{digits}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def replaced_words(column: UnderstoodColumn) -> str:
    """Values that were set to missing."""
    parts = [
        f"{count:,} {what}"
        for count, what in ((column.sentinels, "sentinels"), (column.outside, "out of range"))
        if count
    ]
    return ", ".join(parts)


def unit_words(column: UnderstoodColumn) -> str:
    """Conversion of units."""
    if not column.unit_from or column.unit_from == column.unit_to:
        return column.unit_to
    return f"{column.unit_from} → {column.unit_to or '1'}"


def units_offered(ours: str, unit_from: str = "") -> tuple[str, ...]:
    """Units that can be chosen for a catalogue column; none without alternatives."""
    declared = BY_NAME.get(ours)
    offered = UNITS.get(declared.unit, ()) if declared else ()
    return tuple(dict.fromkeys((*((unit_from,) if unit_from and offered else ()), *offered)))


def table_heading(table: UnderstoodTable) -> str:
    """Format, rows and schema on one line."""
    parts = [table.format, f"{table.rows:,} rows" if table.rows else "", table.schema or "no known schema"]
    return " · ".join(part for part in parts if part)


def match_words(table: UnderstoodTable) -> str:
    """Result of the match of a table's rows to stars."""
    return ", ".join(f"{key.replace('_', ' ')} {_count(value)}" for key, value in table.match.items())


def _count(value: str) -> str:
    return f"{int(value):,}" if value.isdigit() else value


def columns_rows(columns: Iterable[UnderstoodColumn]) -> list[list[str]]:
    """Rows of the table in About."""
    return [
        [
            column.ours,
            column.theirs,
            unit_words(column),
            share_words(column.known),
            *(number_words(value) if value is not None else "" for value in (column.low, column.median, column.high)),
            replaced_words(column),
            column.why,
            column.note,
        ]
        for column in columns
    ]


COLUMNS_HEAD = (
    *("ours", "in the file", "unit", "known", "min", "median", "max"),
    *("replaced", "recognised by", "note"),
)
"""Column heads of :func:`columns_rows`."""
