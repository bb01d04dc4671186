"""Export and import of records as JSON lines, and verdicts for a release."""

from __future__ import annotations

import json
import logging
import math
import re
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Any, TypeVar

from sqlalchemy import Connection

from explorer.vetting.campaign_files import campaign_values, read_campaign
from explorer.vetting.campaigns import Campaign, Task
from explorer.vetting.claims import add_campaign, campaigns, tasks_of
from explorer.vetting.commands import VettingCommands
from explorer.vetting.events import CLASS, REFIT, VettingEvent, utc_text
from explorer.vetting.import_rules import CLOCKS, Queue, contradiction, joint_violations, violation
from explorer.vetting.people import People, Role
from explorer.vetting.projection import Projection
from explorer.vetting.record import EventLog, find_many, find_stars, insert_many
from explorer.vetting.rules import VettingRules
from explorer.vetting.signing import split, verify
from explorer.vetting.status import by_time
from explorer.vetting.store import Store
from pipeline.products.vetting import NO_VERDICT, SETTLED, Verdict

LOG = logging.getLogger("explorer.vetting")

MAX_BYTES = 50_000_000
"""Maximum size of an imported file."""

MAX_DAMAGED = 1_000
"""Maximum number of unreadable lines; a file with more of them is refused."""

_FORMAT = "mgiant-vetting-1"
_LINE = re.compile(r"[^\n]+")
_BATCH, _PAUSE_S = 200, 0.005
"""Lines or events of one batch, and the pause after it in which other threads can run."""

_Item = TypeVar("_Item")


class ExchangeError(ValueError):
    """A file is not an exported record."""


@dataclass(frozen=True)
class MergeReport:
    """Result of an import.

    Parameters
    ----------
    new, known : int
        Events that were added, and events that the record had already.
    campaigns : int
        Campaigns that were added.
    refused : tuple of str
        A sentence for each event or campaign that was refused: conflicts between the two records.
    """

    new: int
    known: int
    campaigns: int
    refused: tuple[str, ...]

    def summary(self) -> str:
        """Summarize the import in one sentence."""
        return (
            f"{self.new:,} new events, {self.known:,} known already, {self.campaigns} new campaigns, "
            f"{len(self.refused):,} refused."
        )


def export_record(store: Store, log: EventLog | None = None) -> Iterator[str]:
    """Yield the record as lines of JSON: campaigns with their queues, then events by time.

    Parameters
    ----------
    store : Store
        The record.
    log : EventLog, optional
        Its events, if they were read already.
    """
    yield json.dumps({"format": _FORMAT}) + "\n"
    for campaign in reversed(campaigns(store)):
        values = campaign_values(campaign, tasks_of(store, campaign.id))
        yield json.dumps(values, ensure_ascii=False, sort_keys=True) + "\n"
    for event in sorted((log or EventLog(store)).refresh(), key=by_time):
        yield event.to_json() + "\n"


@dataclass(frozen=True)
class Source:
    """The user who imports a file, and the data against which the file is checked.

    Parameters
    ----------
    by : str
        User who imports it; stored with each new event.
    people : People or None
        Roles of this server, which the users of the file must have; None where there are none to check, as on a
        personal computer: then the importing user is responsible for them.
    published : callable or None
        Returns the catalogue's values of a star, by which proposals conflict; None without a catalogue.
    now : datetime or None
        Current time; None for that of the clock.
    key : bytes or None
        Key of the required signature; None accepts any file.
    """

    by: str
    people: People | None = None
    published: Callable[[int, VettingRules], Mapping[str, float]] | None = None
    now: datetime | None = None
    key: bytes | None = None


def import_record(store: Store, text: str, source: Source) -> MergeReport:
    """Merge an exported record into a store: the union by UUID of all valid events.

    Events are stored in batches, so that others who judge meanwhile need not wait; an interrupted import can be
    repeated.

    Parameters
    ----------
    store : Store
        The record to import into.
    text : str
        Output of :func:`export_record`.
    source : Source
        The importing user.

    Raises
    ------
    ExchangeError
        If the text is not such an export; then nothing is imported.
    SignatureError
        If the required signature is missing or invalid; then nothing is imported.
    """
    body = split(text)[0] if source.key is None else verify(text, source.key)
    lines = _lines(body)
    if _read(next(lines, (1, ""))[1], 1) != {"format": _FORMAT}:
        raise ExchangeError("This file is not an exported vetting record.")
    imported: list[tuple[Campaign, tuple[Task, ...]]] = []
    events: list[VettingEvent] = []
    refused: list[str] = []
    for batch in _batches(lines):
        for number, line in batch:
            values = _read(line, number)
            try:
                if "campaign" in values and "tasks" in values:
                    imported.append(read_campaign(values))
                else:
                    events.append(VettingEvent.from_dict(values))
            except ValueError as error:
                refused.append(f"Line {number}: {error}")
                if len(refused) > MAX_DAMAGED:
                    raise ExchangeError(
                        f"More than {MAX_DAMAGED:,} lines of this file are damaged, so nothing is imported; the first: "
                        f"{refused[0]}"
                    ) from error
    added = _merge_campaigns(store, imported, source, refused)
    present = source.now or datetime.now(UTC)
    queues = {campaign.id: Queue.of(campaign, tasks_of(store, campaign.id)) for campaign in campaigns(store)}
    latest = utc_text(present + CLOCKS)
    new = known = 0
    for batch_events in _batches_by_star(events):
        with store.writing() as connection:
            new_events, n_known = _new_events(connection, batch_events, refused)
            valid = _valid_events(connection, new_events, queues, latest, source, refused)
            stored = insert_many(connection, valid, source.by, utc_text(present))
        new, known = new + stored, known + n_known + len(valid) - stored
    return MergeReport(new, known, added, tuple(refused))


def _batches_by_star(events: Sequence[VettingEvent]) -> Iterator[list[VettingEvent]]:
    """Yield batches of events by time; all events of one star of a campaign are in one batch."""
    stars: defaultdict[tuple[str, int], list[VettingEvent]] = defaultdict(list)
    for event in sorted(events, key=by_time):
        stars[event.campaign, event.star].append(event)
    batch_events: list[VettingEvent] = []
    for star_events in stars.values():
        if batch_events and len(batch_events) + len(star_events) > _BATCH:
            yield batch_events
            time.sleep(_PAUSE_S)
            batch_events = []
        batch_events = batch_events + star_events
    if batch_events:
        yield batch_events


def _lines(body: str) -> Iterator[tuple[int, str]]:
    """Yield the lines that are not blank, with their numbers, without copying the text."""
    lines = (match[0] for match in _LINE.finditer(body))
    return enumerate((line for line in lines if line.strip()), 1)


def _batches(items: Iterator[_Item]) -> Iterator[Sequence[_Item]]:
    """Yield batches, with a pause after each in which other threads and verdicts can proceed."""
    while batch := list(islice(items, _BATCH)):
        yield batch
        time.sleep(_PAUSE_S)


def _read(line: str, number: int) -> dict[str, Any]:
    try:
        values = json.loads(line)
    except (ValueError, RecursionError):
        values = None
    if not isinstance(values, dict):
        raise ExchangeError(f"Line {number} of this file is not a line of an exported vetting record.")
    return values


def _merge_campaigns(
    store: Store, imported: Iterable[tuple[Campaign, tuple[Task, ...]]], source: Source, refused: list[str]
) -> int:
    """Add the campaigns of a file that the record lacks; return their number."""
    present = {campaign.id: campaign for campaign in campaigns(store)}
    names = {campaign.name for campaign in present.values()}
    seen: set[str] = set()
    added = 0
    for campaign, tasks in imported:
        if not seen.isdisjoint((campaign.id, campaign.name)):
            refused.append(f"Campaign {campaign.name!r}: the file has an earlier one with this id or name.")
            continue
        seen |= {campaign.id, campaign.name}
        if campaign.id in present:
            if campaign != present[campaign.id] or tasks != tasks_of(store, campaign.id):
                refused.append(f"Campaign {campaign.name!r} is in the record with other stars or rules.")
        elif source.people is not None and source.people.role_of(campaign.created_by) < Role.ADJUDICATOR:
            refused.append(f"Campaign {campaign.name!r}: {campaign.created_by} is no adjudicator of this server.")
        elif campaign.name in names:
            refused.append(f"Campaign {campaign.name!r} is in the record under another id: rename one of the two.")
        else:
            try:
                add_campaign(store, campaign, tasks)
            except ValueError as error:
                refused.append(str(error))
            else:
                added += 1
    return added


def _new_events(
    connection: Connection, events: Sequence[VettingEvent], refused: list[str]
) -> tuple[list[VettingEvent], int]:
    """The events that the record lacks, and the number of those that it has already."""
    stored = find_many(connection, {event.id for event in events})
    new_events, n_known = [], 0
    for event in events:
        if stored.get(event.id) == event:
            n_known += 1
        elif event.id in stored:
            refused.append(_refusal(event, "It is in the record with a different content."))
        else:
            stored[event.id] = event
            new_events.append(event)
    return new_events, n_known


def _valid_events(
    connection: Connection,
    events: Sequence[VettingEvent],
    queues: Mapping[str, Queue],
    latest: str,
    source: Source,
    refused: list[str],
) -> list[VettingEvent]:
    """The events that obey the rules, alone and together with the stored events of their stars."""
    stored = find_stars(connection, {(event.campaign, event.star) for event in events})
    ids = find_many(connection, {event.supersedes for event in events if event.supersedes})
    stars: defaultdict[tuple[str, int], list[VettingEvent]] = defaultdict(list)
    for event in events:
        queue = queues.get(event.campaign)
        reason = violation(event, queue, latest, source.people) or contradiction(event, ids)
        if reason:
            refused.append(_refusal(event, reason))
        else:
            ids[event.id] = event
            stars[event.campaign, event.star].append(event)
    kept = []
    for place, star_events in stars.items():
        queue, known = queues[place[0]], stored.get(place, [])
        wrong = joint_violations(star_events, known, queue, _published(source, queue.campaign.rules))
        refused += [_refusal(event, wrong[event.id]) for event in star_events if event.id in wrong]
        kept += [event for event in star_events if event.id not in wrong]
    return kept


def _published(source: Source, rules: VettingRules) -> Callable[[int], Mapping[str, float]] | None:
    given = source.published
    return None if given is None else lambda star: given(star, rules)


def _refusal(event: VettingEvent, reason: str) -> str:
    return f"Event {event.id} of {event.user} on star {event.star}: {reason}"


def latest_verdicts(commands: VettingCommands) -> tuple[Verdict, ...]:
    """Combined verdicts of all campaigns, one row a star, for the release stage.

    A star of several campaigns counts with the outcome of the newest campaign that settled it; where none did, with
    that of the newest campaign that has an event of it. Stars that the catalogue lacks are left out.
    """
    verdicts: dict[int, Verdict] = {}
    missing: set[int] = set()
    for campaign in commands.campaigns():
        projection = commands.projection(campaign)
        for star in projection.status.stars():
            if commands.library.table.row_of(star) is None:
                missing.add(star)
                continue
            later = verdicts.get(star)
            if later is not None and later.status in SETTLED:
                continue
            verdict = _verdict(projection, star)
            if verdict is not None and (later is None or verdict.status in SETTLED):
                verdicts[star] = verdict
    if missing:
        LOG.warning(
            "Left out of the verdicts: %d stars that the catalogue lacks, such as %d.", len(missing), min(missing)
        )
    return tuple(verdicts[star] for star in sorted(verdicts))


def _verdict(projection: Projection, star: int) -> Verdict | None:
    """The outcome of one campaign for a star; None without a valid verdict."""
    status = projection.status
    reviews, adjudication = status.reviews(star), status.star(star).adjudication
    if not (reviews or adjudication):
        return None
    result = projection.outcome(star)
    counted = (adjudication,) if adjudication else reviews
    fits = {event.fit for event in counted}
    latest = max(counted, key=by_time)
    return Verdict(
        obsid=star,
        verdict=NO_VERDICT if result.verdict is None else result.verdict,
        issues=result.flags,
        reviews=result.reviews,
        agreement=result.agreement,
        status=result.status.value,
        fit=fits.pop() if len(fits) == 1 else "",
        catalogue=latest.catalogue,
        utc=latest.utc,
        proposal=_proposal(counted) if result.status.value in SETTLED else {},
    )


def _proposal(counted: Iterable[VettingEvent]) -> dict[str, float | str]:
    """Mean of the values that agreeing reviews propose, and their common class; refits are left out."""
    values_by_column: dict[str, list[float]] = {}
    class_name: dict[str, float | str] = {}
    for event in counted:
        for name, value in event.proposal.items():
            if name == CLASS:
                class_name[name] = value
            elif name == REFIT:
                continue
            else:
                values_by_column.setdefault(name, []).append(float(value))
    return class_name | {name: math.fsum(values) / len(values) for name, values in values_by_column.items()}
