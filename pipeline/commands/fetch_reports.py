"""Reports of a fetch: what is left, what failed and why, whether the profiles still fit."""

from __future__ import annotations

import csv
import re
import shlex
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from pipeline.commands.terminal import say
from pipeline.sources.archives.fetching import ItemError
from pipeline.sources.archives.plan import Entry, State
from pipeline.sources.archives.steps import Estimate, Fetch, Fetching, MissingInputError, Step

_MAX_KINDS = 6
_MAX_BY_HAND = 5
_VARYING = re.compile(r"\S+://\S+|\d[\d,.]*")
REJECT_FIELDS = ("step", "item", "state", "reason", "attempts", "by_hand")
"""Columns of the table of absent and failed items."""


def dry_run_table(wanted: Fetch, fetching: Fetching, plan_step: Callable[[Step, Fetching], object]) -> str:
    """Table of the cost of each step.

    Parameters
    ----------
    wanted : Fetch
        The fetch.
    fetching : Fetching
        With a plan that may be changed.
    plan_step : callable
        Adds the items of a step to the plan.
    """
    rows = [("step", "requests", "MB", "minutes", "basis", "contents")]
    total, lacks_sizes = [0, 0, 0.0], False
    for number, step in enumerate(wanted.steps):
        try:
            plan_step(step, fetching)
        except MissingInputError:
            if number == 0:
                raise
            estimate = step.expected(fetching)
        else:
            estimate = _of_plan(step, fetching)
        total = [total[0] + estimate.requests, total[1] + estimate.bytes, total[2] + estimate.seconds]
        size = f"{estimate.bytes / 1e6:,.1f}" if estimate.bytes or not estimate.requests else "unknown"
        lacks_sizes = lacks_sizes or estimate.lacks_sizes or size == "unknown"
        minutes = f"{estimate.seconds / 60:,.1f}"
        rows.append((step.name, f"{estimate.requests:,}", size, minutes, estimate.basis, step.contents))
    known = f"{total[1] / 1e6:,.1f}"
    size = f"over {known}" if total[1] and lacks_sizes else "unknown" if lacks_sizes else known
    rows.append(("all", f"{total[0]:,}", size, f"{total[2] / 60:,.1f}", "", ""))
    note = "Minutes are the pauses between requests alone; the transfers come in addition. Files go to"
    return f"{_aligned(rows)}\n{note} {fetching.folder}."


def _of_plan(step: Step, fetching: Fetching) -> Estimate:
    progress = fetching.plan.progress(step.name)
    entries = fetching.plan.entries(step.name, (State.TODO, State.SUBMITTED, State.FAILED))
    unknown = sum(1 for entry in entries if not entry.item.expected_bytes)
    services = (fetching.archives.service[key] for key in step.services(fetching))
    spacing_s = max((service.spacing_s for service in services), default=0.0)
    basis = f"plan; size of {unknown:,} unknown" if unknown else "plan"
    return Estimate(progress.left, progress.bytes_left, progress.left * spacing_s, basis, lacks_sizes=unknown > 0)


def _aligned(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    numbers = (1, 2, 3)
    lines = (
        "  ".join(
            cell.rjust(width) if place in numbers else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    )
    return "\n".join(line.rstrip() for line in lines)


def write_rejects(wanted: Fetch, fetching: Fetching, path: Path) -> Path | None:
    """Write the table of absent and failed items; remove the one of an earlier run where there are none.

    Returns
    -------
    Path or None
        The file, None where there are none.
    """
    rows = [
        (step.name, entry.item.name, str(entry.state), entry.reason, entry.attempts, _by_hand(step, fetching, entry))
        for step in wanted.steps
        for entry in fetching.plan.entries(step.name, (State.ABSENT, State.FAILED))
    ]
    if not rows:
        path.unlink(missing_ok=True)
        return None
    with path.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.writer(handle)
        writer.writerow(REJECT_FIELDS)
        writer.writerows(rows)
    return path


def _by_hand(step: Step, fetching: Fetching, entry: Entry) -> str:
    return step.by_hand(fetching, entry.item) if entry.state is State.FAILED else ""


def failure_report(fetching: Fetching, failed: Sequence[tuple[Step, Entry]], problems: Iterable[str]) -> None:
    """Write to standard error why items failed, how to get them by hand, and the command that continues."""
    lines: list[str] = []
    kinds: dict[tuple[str, str], list[Entry]] = {}
    for step, entry in failed:
        kinds.setdefault((step.name, _VARYING.sub("N", entry.reason)), []).append(entry)
    largest = sorted(kinds.items(), key=lambda kind: -len(kind[1]))
    for (name, _), entries in largest[:_MAX_KINDS]:
        count = f"{len(entries):,} failed; the first, {entries[0].item.name}" if len(entries) > 1 else "failed"
        shown = f"{name} {entries[0].item.name}" if len(entries) == 1 else name
        lines.append(f"{shown}: {count}: {entries[0].reason}")
    if len(kinds) > _MAX_KINDS:
        lines.append(f"{len(kinds) - _MAX_KINDS:,} other reasons are in the table of failed items.")
    by_hand = [text for step, entry in failed[:_MAX_BY_HAND] if (text := step.by_hand(fetching, entry.item))]
    lines += [f"by hand: {text}" for text in by_hand]
    if by_hand and len(failed) > len(by_hand):
        lines.append(f"by hand: {len(failed) - len(by_hand):,} more are in the table of failed items.")
    lines += problems
    lines.append(f"The rest is tried again by: python -m pipeline fetch --plan {shlex.quote(str(fetching.plan.path))}")
    sys.stderr.write("".join(f"{line}\n" for line in lines))


def check_archives(wanted: Fetch, fetching: Fetching) -> int:
    """Ask the archives of a fetch whether the profiles still fit, and write what they answer.

    Returns
    -------
    int
        Exit status: 0, or 1 if something differs or an archive did not answer.
    """
    status, count = 0, 0
    for check in dict.fromkeys(step.check for step in wanted.steps):
        try:
            for finding in check(fetching):
                count += 1
                label = ("DIFFERS" if finding.differs else "ok") if finding.is_compared else "not compared"
                say(f"{label}: {finding.text}")
                status = max(status, int(label != "ok"))
        except ItemError as error:
            count, status = count + 1, 1
            sys.stderr.write(f"not compared: {error}\n")
    if not count:
        say(f"The archives of {wanted.name} offer no description to compare with; its files have sizes and checksums.")
    return status
