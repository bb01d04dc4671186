"""What of the record may be seen outside the vetting rooms: reviews stay blind for whoever could still judge."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import NamedTuple

from explorer.model.vetting.campaigns import Campaign, Task
from explorer.model.vetting.conflicts import Status
from explorer.model.vetting.desk import Desk
from explorer.model.vetting.events import EventKind
from explorer.model.vetting.people import Person, Role
from explorer.model.vetting.queue import is_open
from explorer.model.vetting.standing import Standing

_SETTLED = (Status.AGREED, Status.ADJUDICATED)


class Remark(NamedTuple):
    """A line of a star's card: what is known of it in one campaign.

    Parameters
    ----------
    campaign : str
        Its name.
    text : str
        How far the star has come, or what somebody said.
    note : str
        That person's comment, "" when there is none.
    """

    campaign: str
    text: str
    note: str


def remarks_on(desk: Desk, person: Person | None, star: int) -> tuple[Remark, ...]:
    """What a visitor may see of the verdicts on a star.

    Everybody who is known sees how a star was settled and what they said themselves; adjudicators see every review. As
    long as the visitor could still judge the star, for the first or the second time, nothing is told.
    """
    if person is None:
        return ()
    found: list[Remark] = []
    for campaign in desk.campaigns():
        tasks = [task for task in desk.tasks(campaign) if task.star == star]
        if tasks:
            standing = desk.standing(campaign)
            found += _remarks(desk, person, campaign, tasks, standing)
    return tuple(found)


def _remarks(desk: Desk, person: Person, campaign: Campaign, tasks: list[Task], standing: Standing) -> list[Remark]:
    star = tasks[0].star
    if _blind(desk, person, campaign, tasks, standing):
        return [Remark(campaign.name, "not settled", "")]
    outcome = desk.outcome(campaign, star, standing)
    words = campaign.rules.verdicts
    text = str(outcome.status)
    if outcome.verdict is not None and outcome.status in _SETTLED:
        text = f"{text}: {_said(words, outcome.verdict, outcome.flags)}"
    settled = standing.star(star).adjudication
    found = [Remark(campaign.name, text, settled.note if settled is not None else "")]
    for event in (*standing.reviews(star), *standing.reviews(star, 2)):
        if event.user == person.name or desk.may(person, Role.ADJUDICATOR):
            again = ", shown again" if event.occasion == 2 else ""
            told = _said(words, event.verdict, event.flags)
            found.append(Remark(campaign.name, f"{event.user}, {event.utc[:10]}{again}: {told}", event.note))
    return found


def _blind(desk: Desk, person: Person, campaign: Campaign, tasks: list[Task], standing: Standing) -> bool:
    """Whether a visitor could still judge a star."""
    return desk.may(person, Role.INSPECTOR) and any(
        is_open(person.name, task, standing, campaign.rules)
        or (task.occasion == 2 and is_open(person.name, Task(task.star, 1), standing, campaign.rules))
        for task in tasks
    )


def _said(words: Mapping[int, str], verdict: int | None, flags: tuple[str, ...]) -> str:
    told = "" if verdict is None else f"{verdict} {words.get(verdict, '')}".strip()
    return f"{told} ({', '.join(flags)})" if flags else told


def verdict_lists(desk: Desk, person: Person | None) -> dict[str, tuple[int, ...]]:
    """Stars by what was said of them, as a visitor may see it, each list under its name; empty ones are left out."""
    if person is None:
        return {}
    found: dict[str, list[int]] = defaultdict(list)
    for campaign in desk.campaigns():
        standing, by_star = desk.standing(campaign), defaultdict(list)
        for task in desk.tasks(campaign):
            by_star[task.star].append(task)
        for star, tasks in by_star.items():
            for name in _names(desk, person, campaign, tasks, standing):
                found[f"{campaign.name}: {name}"].append(star)
    return {name: tuple(stars) for name, stars in sorted(found.items())}


def _names(desk: Desk, person: Person, campaign: Campaign, tasks: list[Task], standing: Standing) -> list[str]:
    """The lists that a star stands in."""
    star, words = tasks[0].star, campaign.rules.verdicts
    if _blind(desk, person, campaign, tasks, standing):
        return ["not settled"]
    outcome = desk.outcome(campaign, star, standing)
    settled = outcome.status in _SETTLED and outcome.verdict is not None
    names = [f"settled, {_said(words, outcome.verdict, ())}" if settled else "not settled"]
    names += [f"settled, {flag}" for flag in outcome.flags if settled]
    if outcome.status is Status.CONFLICT and desk.may(person, Role.ADJUDICATOR):
        names.append("conflict")
    own = standing.verdicts(star).get(person.name)
    if own is not None:
        names.append(f"{person.name} said {_said(words, own.verdict, ())}")
    return names


def judged(desk: Desk, person: Person) -> frozenset[int]:
    """Stars on which a person's verdict stands, in any campaign on this catalogue."""
    return frozenset(
        event.star
        for campaign in desk.campaigns()
        for event in desk.standing(campaign).said(person.name)
        if event.kind is not EventKind.UNDO
    )
