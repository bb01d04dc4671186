"""All statements of the paper, in its order."""

from __future__ import annotations

from difflib import get_close_matches

from pipeline.reproduction import distances, labels, samples, settings, velocities
from pipeline.reproduction.statement import PaperStatement

STATEMENTS: tuple[PaperStatement, ...] = (
    *samples.STATEMENTS,
    *velocities.STATEMENTS,
    *labels.STATEMENTS,
    *distances.STATEMENTS,
    *distances.SPACE,
    *labels.COVERAGE,
    *distances.COVERAGE,
    *settings.STATEMENTS,
)

BY_KEY = {statement.key: statement for statement in STATEMENTS}


def chosen(keys: list[str]) -> tuple[PaperStatement, ...]:
    """Statements by their keys; all without one.

    Raises
    ------
    ValueError
        If a key is unknown; the message names the nearest.
    """
    unknown = next((key for key in keys if key not in BY_KEY), None)
    if unknown is not None:
        near = get_close_matches(unknown, BY_KEY, 1)
        hint = f" Did you mean {near[0]!r}?" if near else f" There are {', '.join(BY_KEY)}."
        raise ValueError(f"--only {unknown}: the paper has no such statement.{hint}")
    return tuple(BY_KEY[key] for key in dict.fromkeys(keys)) or STATEMENTS
