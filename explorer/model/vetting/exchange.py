"""Records as files: lines of JSON that are merged into another record, and verdicts for a release."""

from __future__ import annotations

import json
import logging
import math
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from sqlalchemy import Connection

from explorer.model.vetting.campaign_files import campaign_values, read_campaign
from explorer.model.vetting.campaigns import Campaign, Task
from explorer.model.vetting.claims import add_campaign, campaigns, tasks_of
from explorer.model.vetting.conflicts import outcome
from explorer.model.vetting.desk import Desk
from explorer.model.vetting.drafts import Draft, breach
from explorer.model.vetting.events import CLASS, REFIT, EventKind, VettingEvent, utc_text
from explorer.model.vetting.record import EventLog, find_many, insert_many
from explorer.model.vetting.rules import VettingRules
from explorer.model.vetting.standing import by_time
from explorer.model.vetting.store import Store
from pipeline.products.vetting import NO_VERDICT, SETTLED, Verdict

LOG = logging.getLogger("explorer.vetting")

MOST_BYTES = 50_000_000
"""Of a file that is merged."""

_FORMAT = "mgiant-vetting-1"
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


@dataclass(frozen=True)
class _Queue:
    """What the events of a campaign must fit.

    Parameters
    ----------
    rules : VettingRules
        Of the campaign.
    stars : frozenset of int
        Its obsids.
    occasions : frozenset of (int, int)
        Its obsids with their occasions.
    """

    rules: VettingRules
    stars: frozenset[int]
    occasions: frozenset[tuple[int, int]]


def export_record(store: Store) -> Iterator[str]:
    """The whole record as lines of JSON: campaigns with their queues, then events by time."""
    yield json.dumps({"format": _FORMAT}) + "\n"
    for campaign in reversed(campaigns(store)):
        values = campaign_values(campaign, tasks_of(store, campaign.id))
        yield json.dumps(values, ensure_ascii=False, sort_keys=True) + "\n"
    for event in sorted(EventLog(store).refresh(), key=by_time):
        yield event.to_json() + "\n"


def import_record(store: Store, text: str, imported_by: str, now: datetime | None = None) -> MergeReport:
    """Merge an exported record: the union by UUID. What contradicts the record is reported and left out.

    Events are stored some at a time, so that who judges meanwhile need not wait; an import that was cut off is done
    again.

    Parameters
    ----------
    store : Store
        Where to.
    text : str
        What :func:`export_record` wrote.
    imported_by : str
        Who brings it; stored with each new event.
    now : datetime, optional
        The present, beyond which an event by more than a day is refused.

    Raises
    ------
    ExchangeError
        If the text is no such export; then nothing is imported.
    """
    lines = [line for line in text.split("\n") if line.strip()]
    if not lines or _read(lines[0], 1) != {"format": _FORMAT}:
        raise ExchangeError("This file is not an exported vetting record.")
    found: list[tuple[Campaign, tuple[Task, ...]]] = []
    events: list[VettingEvent] = []
    refused: list[str] = []
    for batch in _in_turns(list(enumerate(lines[1:], 2))):
        for number, line in batch:
            values = _read(line, number)
            try:
                if "campaign" in values and "tasks" in values:
                    found.append(read_campaign(values))
                else:
                    events.append(VettingEvent.from_dict(values))
            except ValueError as error:
                refused.append(f"Line {number}: {error}")
    added = _merge_campaigns(store, found, refused)
    latest = utc_text((now or datetime.now(UTC)) + timedelta(days=1))
    queues = _queues(store)
    new = known = 0
    for part in _in_turns(sorted(events, key=by_time)):
        fitting = _fitting(part, queues, latest, refused)
        with store.writing() as connection:
            fresh, same = _strangers(connection, fitting, refused)
            stored = insert_many(connection, fresh, imported_by)
        new, known = new + stored, known + same + len(fresh) - stored
    return MergeReport(new, known, added, tuple(refused))


def _in_turns(items: Sequence[_Item]) -> Iterator[Sequence[_Item]]:
    """Some at a time, with a pause in which other threads, and verdicts in the database, have their turn."""
    for start in range(0, len(items), _BATCH):
        if start:
            time.sleep(_PAUSE_S)
        yield items[start : start + _BATCH]


def _read(line: str, number: int) -> dict[str, Any]:
    try:
        values = json.loads(line)
    except (ValueError, RecursionError):
        values = None
    if not isinstance(values, dict):
        raise ExchangeError(f"Line {number} of this file is not a line of an exported vetting record.")
    return values


def _merge_campaigns(store: Store, found: Iterable[tuple[Campaign, tuple[Task, ...]]], refused: list[str]) -> int:
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


def _queues(store: Store) -> dict[str, _Queue]:
    """What events must fit, by campaign."""
    queues = {}
    for one in campaigns(store):
        tasks = tasks_of(store, one.id)
        occasions = frozenset((task.star, task.occasion) for task in tasks)
        queues[one.id] = _Queue(one.rules, frozenset(task.star for task in tasks), occasions)
    return queues


def _fitting(
    events: Iterable[VettingEvent], queues: Mapping[str, _Queue], latest: str, refused: list[str]
) -> list[VettingEvent]:
    """The events that obey the rules of their campaigns."""
    kept = []
    for event in events:
        reason = _broken_rule(event, queues.get(event.campaign), latest)
        if reason:
            refused.append(_refusal(event, reason))
        else:
            kept.append(event)
    return kept


def _broken_rule(event: VettingEvent, queue: _Queue | None, latest: str) -> str:
    """Which rule an event breaks whatever else the record holds, as a sentence; "" when none."""
    if queue is None:
        return "Its campaign is not in the record."
    if event.utc > latest:
        return f"It happened in the future ({event.utc})."
    if event.star in queue.stars and (event.star, event.occasion) not in queue.occasions:
        return f"Star {event.star} has no occasion {event.occasion} in this campaign."
    if event.verdict is None:
        return _broken_by_undo(event, queue)
    draft = Draft(event.id, event.star, event.verdict, event.flags, event.note, event.proposal)
    return breach(draft, queue.rules, queue.stars)


def _broken_by_undo(event: VettingEvent, queue: _Queue) -> str:
    if event.flags or event.proposal:
        return "An undo has neither flags nor a proposal."
    return "" if event.star in queue.stars else f"Star {event.star} is not in this campaign."


def _strangers(
    connection: Connection, events: Sequence[VettingEvent], refused: list[str]
) -> tuple[list[VettingEvent], int]:
    """The events that the record lacks and does not contradict, and how many it has already."""
    there = find_many(connection, {event.id for event in events} | {str(event.supersedes) for event in events})
    fresh, same = [], 0
    for event in events:
        if there.get(event.id) == event:
            same += 1
            continue
        reason = _contradiction(event, there)
        if reason:
            refused.append(_refusal(event, reason))
        else:
            there[event.id] = event
            fresh.append(event)
    return fresh, same


def _contradiction(event: VettingEvent, there: Mapping[str, VettingEvent]) -> str:
    """How the rest of the record contradicts an event, as a sentence; "" when it does not."""
    if event.id in there:
        return "It is in the record with another content."
    if event.kind is not EventKind.UNDO:
        return ""
    target = there.get(str(event.supersedes))
    if target is None:
        return "The event that it takes back is not in the record."
    if (target.user, target.star, target.campaign) != (event.user, event.star, event.campaign):
        return "It takes back what somebody else said, or what was said of another star."
    return "It takes back what was said later." if by_time(target) >= by_time(event) else ""


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
        for star in desk.standing(campaign).stars():
            if desk.library.table.row_of(star) is None:
                strangers.add(star)
                continue
            later = verdicts.get(star)
            if later is not None and later.status in SETTLED:
                continue
            verdict = _verdict(desk, campaign, star)
            if verdict is not None and (later is None or verdict.status in SETTLED):
                verdicts[star] = verdict
    if strangers:
        LOG.warning(
            "Left out of the verdicts: %d stars that the catalogue lacks, such as %d.", len(strangers), min(strangers)
        )
    return tuple(verdicts[star] for star in sorted(verdicts))


def _verdict(desk: Desk, campaign: Campaign, star: int) -> Verdict | None:
    """What one campaign came to on a star; None where nothing stands."""
    standing = desk.standing(campaign)
    reviews, adjudication = standing.reviews(star), standing.star(star).adjudication
    if not (reviews or adjudication):
        return None
    result = outcome(reviews, adjudication, desk.published(star, campaign.rules), campaign.rules)
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
