"""Campaigns and their queues as lines of an exported record, with validation of each value."""

from __future__ import annotations

import json
import reprlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from typing import Any

from explorer.vetting.campaigns import Campaign, Task
from explorer.vetting.events import (
    LARGEST_STAR,
    MAX_CATALOGUE_CHARACTERS,
    NAME_PATTERN,
    is_utc,
    is_uuid,
)
from explorer.vetting.rules import VettingRules

MAX_NAME_CHARACTERS = 80
MAX_TASKS = 100_000
"""Upper limit of tasks, above the largest campaign with its controls and repeats."""


def campaign_values(campaign: Campaign, tasks: Sequence[Task]) -> dict[str, Any]:
    """Convert to plain values, ready for JSON; :func:`read_campaign` is the inverse."""
    values = asdict(campaign) | {"rules": json.loads(campaign.rules.to_json())}
    return {"campaign": values, "tasks": [[task.star, task.occasion, task.control] for task in tasks]}


def read_campaign(values: Mapping[str, Any]) -> tuple[Campaign, tuple[Task, ...]]:
    """Read plain values.

    Raises
    ------
    ValueError
        If a field is missing, unknown or of the wrong type, or breaks a rule of the record.
    """
    stored, listed = values["campaign"], values["tasks"]
    if not isinstance(stored, Mapping) or set(stored) != _FIELDS:
        raise ValueError(f"a campaign has the fields {', '.join(sorted(_FIELDS))}; found {reprlib.repr(stored)}.")
    wrong = [name for name in sorted(_FIELDS - {"seed", "rules"}) if not isinstance(stored[name], str)]
    if wrong:
        raise ValueError(f"{wrong[0]} of the campaign is {reprlib.repr(stored[wrong[0]])}, which is no text.")
    campaign = Campaign(**{**stored, "rules": VettingRules.from_mapping(stored["rules"])})
    for reason in _breaches(campaign):
        raise ValueError(f"{reason}.")
    return campaign, _tasks(campaign, listed)


def _breaches(campaign: Campaign) -> list[str]:
    name, catalogue, seed = campaign.name, campaign.catalogue, campaign.seed
    named = name.strip() and name.isprintable() and len(name) <= MAX_NAME_CHARACTERS
    violations = [
        (not is_uuid(campaign.id), f"id {campaign.id!r:.60} of the campaign is not a UUID in lower case"),
        (not named, f"{name!r:.60} is no name of a campaign: 1 to {MAX_NAME_CHARACTERS} printable characters"),
        (not is_utc(campaign.created), f"created is {campaign.created!r:.60}, not like 2026-01-31T12:00:00.000000Z"),
        (not NAME_PATTERN.fullmatch(campaign.created_by), f"created_by is {campaign.created_by!r:.80}, no user name"),
        (
            not catalogue.isprintable() or len(catalogue) > MAX_CATALOGUE_CHARACTERS,
            f"catalogue is {catalogue!r:.60}: at most {MAX_CATALOGUE_CHARACTERS} printable characters",
        ),
        (not _is_whole(seed, -(2**63), 2**63 - 1), f"seed is {reprlib.repr(seed)}, no whole number of 64 bit"),
    ]
    return [reason for broken, reason in violations if broken]


def _tasks(campaign: Campaign, listed: object) -> tuple[Task, ...]:
    if not isinstance(listed, list) or not 1 <= len(listed) <= MAX_TASKS:
        raise ValueError(f"campaign {campaign.name!r} needs a list of 1 to {MAX_TASKS:,} tasks.")
    tasks = tuple(_task(campaign, number, entry) for number, entry in enumerate(listed, 1))
    if len({(task.star, task.occasion) for task in tasks}) != len(tasks):
        raise ValueError(f"campaign {campaign.name!r} has a star twice for one occasion.")
    return tasks


def _task(campaign: Campaign, number: int, entry: object) -> Task:
    if (
        isinstance(entry, list)
        and len(entry) == 3
        and _is_whole(entry[0], 1, LARGEST_STAR)
        and _is_whole(entry[1], 1, 2)
        and isinstance(entry[2], bool)
    ):
        return Task(*entry)
    shown = reprlib.repr(entry)
    raise ValueError(f"task {number} of campaign {campaign.name!r} is {shown}, not [obsid, 1 or 2, true or false].")


def _is_whole(value: object, low: int, high: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high


_FIELDS = frozenset(item.name for item in fields(Campaign))
