"""Records as files: lines of JSON that are merged into another record, and verdicts for a release."""

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
from explorer.vetting.commands import Desk
from explorer.vetting.events import CLASS, REFIT, VettingEvent, utc_text
from explorer.vetting.import_rules import CLOCKS, Queue, broken_alone, broken_together, contradiction
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
"""Of a file that is merged."""

MAX_DAMAGED = 1_000
"""Lines of a file that cannot be read; with more of them it is refused, as it is no exported record."""

_FORMAT = "mgiant-vetting-1"
_LINE = re.compile(r"[^\n]+")
_BATCH, _PAUSE_S = 200, 0.005
"""Lines that are read, and events that are stored in a transaction, at a time; how long others have their turn then."""

_Item = TypeVar("_Item")


class ExchangeError(ValueError):
    """A file is not an exported record."""


@dataclass(frozen=True)
class MergeReport:
    """What an import did.

    Parameters
    ----------
    new, known : int
        Events that were added, and that the record had already.
    campaigns : int
        Campaigns that were added.
    refused : tuple of str
        A sentence for each event or campaign that was not taken: conflicts between the two records.
    """

    new: int
    known: int
    campaigns: int
    refused: tuple[str, ...]

    def summary(self) -> str:
        """One sentence."""
        return (
            f"{self.new:,} new events, {self.known:,} known already, {self.campaigns} new campaigns, "
            f"{len(self.refused):,} refused."
        )


def export_record(store: Store, log: EventLog | None = None) -> Iterator[str]:
    """The whole record as lines of JSON: campaigns with their queues, then events by time.

    Parameters
    ----------
    store : Store
        The record.
    log : EventLog, optional
        Its events, where they were read already.
    """
    yield json.dumps({"format": _FORMAT}) + "\n"
    for campaign in reversed(campaigns(store)):
        values = campaign_values(campaign, tasks_of(store, campaign.id))
        yield json.dumps(values, ensure_ascii=False, sort_keys=True) + "\n"
    for event in sorted((log or EventLog(store)).refresh(), key=by_time):
        yield event.to_json() + "\n"


@dataclass(frozen=True)
class Source:
    """Who imports a file, and what it is checked against.

    Parameters
    ----------
    by : str
        User who imports it; stored with each new event.
    people : People or None
        Roles of this server, which the users of the file must have; None where there are none to check, as on one's
        own machine: then the user who imports it answers for them.
    published : callable or None
        Gives the catalogue's values of a star, by which proposals conflict; None without a catalogue.
    now : datetime or None
        The present; None for that of the clock.
    key : bytes or None
        With which the file has to be signed; None takes any file.
    """

    by: str
    people: People | None = None
    published: Callable[[int, VettingRules], Mapping[str, float]] | None = None
    now: datetime | None = None
    key: bytes | None = None


def import_record(store: Store, text: str, source: Source) -> MergeReport:
    """Merge an exported record: the union by UUID, of what obeys the rules of the pages. The rest is reported.

    Events are stored some at a time, so that others who judge meanwhile need not wait; an import that was cut off is
    done again.

    Parameters
    ----------
    store : Store
        Where to.
    text : str
        What :func:`export_record` wrote.
    source : Source
        Who imports it.

    Raises
    ------
    ExchangeError
        If the text is no such export; then nothing is imported.
    SignatureError
        If it has to be signed and is not, or was altered; then nothing is imported.
    """
    body = split(text)[0] if source.key is None else verify(text, source.key)
    lines = _lines(body)
    if _read(next(lines, (1, ""))[1], 1) != {"format": _FORMAT}:
        raise ExchangeError("This file is not an exported vetting record.")
    found: list[tuple[Campaign, tuple[Task, ...]]] = []
    events: list[VettingEvent] = []
    refused: list[str] = []
    for batch in _in_turns(lines):
        for number, line in batch:
            values = _read(line, number)
            try:
                if "campaign" in values and "tasks" in values:
                    found.append(read_campaign(values))
                else:
                    events.append(VettingEvent.from_dict(values))
            except ValueError as error:
                refused.append(f"Line {number}: {error}")
                if len(refused) > MAX_DAMAGED:
                    raise ExchangeError(
                        f"More than {MAX_DAMAGED:,} lines of this file are damaged, so nothing is taken; the first: "
                        f"{refused[0]}"
                    ) from error
    added = _merge_campaigns(store, found, source, refused)
    present = source.now or datetime.now(UTC)
    queues = {one.id: Queue.of(one, tasks_of(store, one.id)) for one in campaigns(store)}
    latest = utc_text(present + CLOCKS)
    new = known = 0
    for part in _by_stars(events):
        with store.writing() as connection:
            fresh, same = _fresh(connection, part, refused)
            right = _right(connection, fresh, queues, latest, source, refused)
            stored = insert_many(connection, right, source.by, utc_text(present))
        new, known = new + stored, known + same + len(right) - stored
    return MergeReport(new, known, added, tuple(refused))


def _by_stars(events: Sequence[VettingEvent]) -> Iterator[list[VettingEvent]]:
    """Events with all of one star of a campaign together, each star's by time, some at a time."""
    stars: defaultdict[tuple[str, int], list[VettingEvent]] = defaultdict(list)
    for event in sorted(events, key=by_time):
        stars[event.campaign, event.star].append(event)
    part: list[VettingEvent] = []
    for some in stars.values():
        if part and len(part) + len(some) > _BATCH:
            yield part
            time.sleep(_PAUSE_S)
            part = []
        part = part + some
    if part:
        yield part


def _lines(body: str) -> Iterator[tuple[int, str]]:
    """Lines that are not blank, with their numbers, without a copy of all."""
    lines = (found[0] for found in _LINE.finditer(body))
    return enumerate((line for line in lines if line.strip()), 1)


def _in_turns(items: Iterator[_Item]) -> Iterator[Sequence[_Item]]:
    """Some at a time, with a pause in which other threads, and verdicts in the database, have their turn."""
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
    store: Store, found: Iterable[tuple[Campaign, tuple[Task, ...]]], source: Source, refused: list[str]
) -> int:
    """Add the campaigns of a file that the record lacks; how many."""
    here = {one.id: one for one in campaigns(store)}
    names = {one.name for one in here.values()}
    of_file: set[str] = set()
    added = 0
    for campaign, tasks in found:
        if not of_file.isdisjoint((campaign.id, campaign.name)):
            refused.append(f"Campaign {campaign.name!r}: the file has another one of this id or name before it.")
            continue
        of_file |= {campaign.id, campaign.name}
        if campaign.id in here:
            if campaign != here[campaign.id] or tasks != tasks_of(store, campaign.id):
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


def _fresh(
    connection: Connection, events: Sequence[VettingEvent], refused: list[str]
) -> tuple[list[VettingEvent], int]:
    """The events that the record lacks, and how many it has already."""
    there = find_many(connection, {event.id for event in events})
    fresh, same = [], 0
    for event in events:
        if there.get(event.id) == event:
            same += 1
        elif event.id in there:
            refused.append(_refusal(event, "It is in the record with another content."))
        else:
            there[event.id] = event
            fresh.append(event)
    return fresh, same


def _right(
    connection: Connection,
    events: Sequence[VettingEvent],
    queues: Mapping[str, Queue],
    latest: str,
    source: Source,
    refused: list[str],
) -> list[VettingEvent]:
    """The events that obey the rules, alone and together with what the record has of their stars."""
    there = find_stars(connection, {(event.campaign, event.star) for event in events})
    ids = find_many(connection, {event.supersedes for event in events if event.supersedes})
    stars: defaultdict[tuple[str, int], list[VettingEvent]] = defaultdict(list)
    for event in events:
        queue = queues.get(event.campaign)
        reason = broken_alone(event, queue, latest, source.people) or contradiction(event, ids)
        if reason:
            refused.append(_refusal(event, reason))
        else:
            ids[event.id] = event
            stars[event.campaign, event.star].append(event)
    kept = []
    for place, some in stars.items():
        queue, known = queues[place[0]], there.get(place, [])
        wrong = broken_together(some, known, queue, _published(source, queue.campaign.rules))
        refused += [_refusal(event, wrong[event.id]) for event in some if event.id in wrong]
        kept += [event for event in some if event.id not in wrong]
    return kept


def _published(source: Source, rules: VettingRules) -> Callable[[int], Mapping[str, float]] | None:
    given = source.published
    return None if given is None else lambda star: given(star, rules)


def _refusal(event: VettingEvent, reason: str) -> str:
    return f"Event {event.id} of {event.user} on star {event.star}: {reason}"


def latest_verdicts(desk: Desk) -> tuple[Verdict, ...]:
    """What all campaigns came to, a star a row, for the release stage.

    A star of several campaigns counts as it was settled in the one of them that was started last; where none settled
    it, as it stands in the one that was started last and said anything of it. Stars that the catalogue lacks are left
    out.
    """
    verdicts: dict[int, Verdict] = {}
    strangers: set[int] = set()
    for campaign in desk.campaigns():
        projection = desk.projection(campaign)
        for star in projection.standing.stars():
            if desk.library.table.row_of(star) is None:
                strangers.add(star)
                continue
            later = verdicts.get(star)
            if later is not None and later.status in SETTLED:
                continue
            verdict = _verdict(projection, star)
            if verdict is not None and (later is None or verdict.status in SETTLED):
                verdicts[star] = verdict
    if strangers:
        LOG.warning(
            "Left out of the verdicts: %d stars that the catalogue lacks, such as %d.", len(strangers), min(strangers)
        )
    return tuple(verdicts[star] for star in sorted(verdicts))


def _verdict(projection: Projection, star: int) -> Verdict | None:
    """The outcome of one campaign for a star; None where no verdict holds."""
    standing = projection.standing
    reviews, adjudication = standing.reviews(star), standing.star(star).adjudication
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
    """Mean of what agreeing reviews propose; a class they share; how it was fitted stays in the record."""
    said: dict[str, list[float]] = {}
    words: dict[str, float | str] = {}
    for event in counted:
        for name, value in event.proposal.items():
            if name == CLASS:
                words[name] = value
            elif name == REFIT:
                continue
            else:
                said.setdefault(name, []).append(float(value))
    return words | {name: math.fsum(values) / len(values) for name, values in said.items()}
