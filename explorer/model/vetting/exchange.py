"""Records as files: lines of JSON that are merged into another record, and verdicts for a release."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from explorer.model.vetting.campaigns import Campaign, Task
from explorer.model.vetting.claims import campaigns, put_campaign, tasks_of
from explorer.model.vetting.conflicts import Status, outcome
from explorer.model.vetting.desk import Desk
from explorer.model.vetting.events import CLASS, REFIT, EventError, EventKind, VettingEvent, is_uuid, utc_text
from explorer.model.vetting.record import EventLog, ReplayError, find, insert
from explorer.model.vetting.rules import VettingRules
from explorer.model.vetting.standing import by_time
from explorer.model.vetting.store import Store
from pipeline.products.vetting import NO_VERDICT, Verdict

MOST_BYTES = 200_000_000
_FORMAT = "mgiant-vetting-1"


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


def export_record(store: Store) -> Iterator[str]:
    """The whole record as lines of JSON: campaigns with their queues, then events by time."""
    yield json.dumps({"format": _FORMAT}) + "\n"
    for campaign in reversed(campaigns(store)):
        values = asdict(campaign) | {"rules": json.loads(campaign.rules.to_json())}
        tasks = [[task.star, task.occasion, task.control] for task in tasks_of(store, campaign.id)]
        yield json.dumps({"campaign": values, "tasks": tasks}, ensure_ascii=False, sort_keys=True) + "\n"
    for event in sorted(EventLog(store).refresh(), key=by_time):
        yield event.to_json() + "\n"


def import_record(store: Store, text: str, imported_by: str, now: datetime | None = None) -> MergeReport:
    """Merge an exported record: the union by UUID. What contradicts the record is reported and left out.

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
    for number, line in enumerate(lines[1:], 2):
        values = _read(line, number)
        try:
            if "campaign" in values and "tasks" in values:
                found.append(_campaign(values))
            else:
                events.append(VettingEvent.from_dict(values))
        except ValueError as error:
            refused.append(f"Line {number}: {error}")
    latest = utc_text((now or datetime.now(UTC)) + timedelta(days=1))
    with store.writing() as connection:
        added = _merge_campaigns(store, connection, found, refused)
        queues = {one.id: frozenset(tasks_of(store, one.id)) for one in campaigns(store)}
        queues |= {one.id: frozenset(tasks) for one, tasks in added}
        stars = {key: frozenset((task.star, task.occasion) for task in tasks) for key, tasks in queues.items()}
        new = known = 0
        for event in sorted(events, key=by_time):
            try:
                _check(connection, event, stars.get(event.campaign), latest)
                fresh = insert(connection, event, imported_by)
            except ValueError as error:
                refused.append(f"Event {event.id} of {event.user} on star {event.star}: {error}")
                continue
            new, known = new + fresh, known + (not fresh)
    return MergeReport(new, known, len(added), tuple(refused))


def _read(line: str, number: int) -> dict[str, Any]:
    try:
        values = json.loads(line)
    except (ValueError, RecursionError):
        values = None
    if not isinstance(values, dict):
        raise ExchangeError(f"Line {number} of this file is not a line of an exported vetting record.")
    return values


def _campaign(values: dict[str, Any]) -> tuple[Campaign, tuple[Task, ...]]:
    try:
        stored = values["campaign"]
        campaign = Campaign(**{**stored, "rules": VettingRules.from_mapping(stored["rules"])})
        tasks = tuple(Task(int(star), int(occasion), bool(control)) for star, occasion, control in values["tasks"])
    except (KeyError, TypeError) as error:
        raise ValueError(f"the campaign is damaged ({error})") from error
    words = (campaign.name, campaign.created, campaign.created_by, campaign.catalogue)
    if not is_uuid(campaign.id) or not all(isinstance(word, str) and word.isprintable() for word in words):
        raise ValueError("the campaign is damaged")
    return campaign, tasks


def _merge_campaigns(
    store: Store, connection: Connection, found: Iterable[tuple[Campaign, tuple[Task, ...]]], refused: list[str]
) -> list[tuple[Campaign, tuple[Task, ...]]]:
    here = {one.id: one for one in campaigns(store)}
    names = {one.name for one in here.values()}
    added = []
    for campaign, tasks in found:
        if campaign.id in here:
            if campaign != here[campaign.id] or tasks != tasks_of(store, campaign.id):
                refused.append(f"Campaign {campaign.name!r} is in the record with other stars or rules.")
        elif campaign.name in names:
            refused.append(f"Campaign {campaign.name!r} is in the record under another id: rename one of the two.")
        else:
            put_campaign(connection, campaign, tasks)
            added.append((campaign, tasks))
    return added


def _check(connection: Connection, event: VettingEvent, stars: frozenset[tuple[int, int]] | None, latest: str) -> None:
    """Refuse an event that the rest of the record contradicts."""
    if stars is None:
        raise EventError("its campaign is not in the record.")
    if (event.star, event.occasion) not in stars:
        raise EventError("its star is not in the campaign.")
    if event.utc > latest:
        raise EventError(f"it happened in the future ({event.utc}).")
    if event.kind is EventKind.UNDO:
        target = find(connection, str(event.supersedes))
        if target is None:
            raise EventError("the event that it takes back is not in the record.")
        if (target.user, target.star, target.campaign) != (event.user, event.star, event.campaign):
            raise ReplayError("it takes back what somebody else said.")
        if by_time(target) >= by_time(event):
            raise EventError("it takes back what was said later.")


def latest_verdicts(desk: Desk) -> tuple[Verdict, ...]:
    """What all campaigns came to, a star a row, for the release stage.

    A star of several campaigns counts as it stands in the campaign that was started last and said anything of it.
    """
    verdicts: dict[int, Verdict] = {}
    for campaign in desk.campaigns():
        standing = desk.standing(campaign)
        for star in standing.stars():
            reviews, adjudication = standing.reviews(star), standing.star(star).adjudication
            if star in verdicts or not (reviews or adjudication):
                continue
            result = outcome(reviews, adjudication, desk.published(star, campaign.rules), campaign.rules)
            counted = (adjudication,) if adjudication else reviews
            fits = {event.fit for event in counted}
            settled = result.status in (Status.AGREED, Status.ADJUDICATED)
            verdicts[star] = Verdict(
                obsid=star,
                verdict=NO_VERDICT if result.verdict is None else result.verdict,
                issues=result.flags,
                reviews=result.reviews,
                agreement=result.agreement,
                status=result.status.value,
                fit=fits.pop() if len(fits) == 1 else "",
                catalogue=max(counted, key=by_time).catalogue,
                utc=max(counted, key=by_time).utc,
                proposal=_proposal(counted) if settled else {},
            )
    return tuple(verdicts[star] for star in sorted(verdicts))


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
