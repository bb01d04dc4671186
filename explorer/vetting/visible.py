"""Part of the record that visitors may see outside the vetting rooms, so that reviews stay blind."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import NamedTuple

from explorer.vetting.campaigns import Campaign, Task
from explorer.vetting.commands import VettingCommands
from explorer.vetting.conflicts import SETTLED
from explorer.vetting.events import EventKind
from explorer.vetting.people import Person, Role
from explorer.vetting.projection import Projection
from explorer.vetting.queue import is_open
from explorer.vetting.status import CampaignStatus


class Remark(NamedTuple):
    """A verdict or outcome in one campaign, as a line of the star's card.

    Parameters
    ----------
    campaign : str
        Its name.
    text : str
        Status of the star, or the verdict of a user.
    note : str
        Comment of the verdict; "" when there is none.
    """

    campaign: str
    text: str
    note: str


def remarks_on(commands: VettingCommands, person: Person | None, star: int) -> tuple[Remark, ...]:
    """The verdicts on a star that a visitor may see.

    Known users see their own verdicts; adjudicators see all reviews, others see how a star was settled once its
    campaign is closed. As long as the visitor can still judge the star, in any campaign, nothing is shown: a review is
    blind.
    """
    if person is None:
        return ()
    inspects, remarks = commands.may(person, Role.INSPECTOR), []
    for campaign in commands.campaigns():
        projection = commands.projection(campaign)
        if star not in projection.firsts:
            continue
        status = projection.status
        tasks = [Task(star), *([Task(star, 2)] if star in projection.seconds else [])]
        if inspects and any(is_open(person.name, task, status, campaign.rules) for task in tasks):
            return ()
        remarks += _remarks(commands, person, campaign, star, status)
    return tuple(remarks)


def _remarks(
    commands: VettingCommands, person: Person, campaign: Campaign, star: int, status: CampaignStatus
) -> list[Remark]:
    meanings, remarks = campaign.rules.verdicts, []
    adjudicates = commands.may(person, Role.ADJUDICATOR)
    if adjudicates or commands.closed(campaign):
        outcome, settled = commands.outcome(campaign, star), status.star(star).adjudication
        text = str(outcome.status)
        if outcome.verdict is not None:
            text = f"{text}: {_verdict_text(meanings, outcome.verdict, outcome.flags)}"
        remarks.append(Remark(campaign.name, text, settled.note if settled is not None else ""))
    for event in (*status.reviews(star), *status.reviews(star, 2)):
        if event.user == person.name or adjudicates:
            again = ", shown again" if event.occasion == 2 else ""
            verdict_text = _verdict_text(meanings, event.verdict, event.flags)
            imported = commands.log.imported.get(event.id)
            source = "" if imported is None else f", imported by {imported.by} {imported.utc[:10]}".rstrip()
            remarks.append(
                Remark(campaign.name, f"{event.user}, {event.utc[:10]}{again}{source}: {verdict_text}", event.note)
            )
    return remarks


def _verdict_text(meanings: Mapping[int, str], verdict: int | None, flags: tuple[str, ...]) -> str:
    verdict_text = "" if verdict is None else f"{verdict} {meanings.get(verdict, '')}".strip()
    return f"{verdict_text} ({', '.join(flags)})" if flags else verdict_text


def verdict_lists(commands: VettingCommands, person: Person | None) -> dict[str, tuple[int, ...]]:
    """Named lists of stars by verdict, as a visitor may see them; empty lists are left out."""
    if person is None:
        return {}
    inspects, adjudicates = commands.may(person, Role.INSPECTOR), commands.may(person, Role.ADJUDICATOR)
    campaigns = [(campaign, commands.projection(campaign)) for campaign in commands.campaigns()]
    waiting = {
        task.star
        for campaign, projection in campaigns
        for task in projection.tasks
        if inspects and is_open(person.name, task, projection.status, campaign.rules)
    }
    lists: dict[str, list[int]] = defaultdict(list)
    for campaign, projection in campaigns:
        everything = adjudicates or commands.closed(campaign)
        for star in projection.firsts:
            if star in waiting:
                continue
            names = _outcome_names(projection, star) if everything else []
            own = projection.status.verdicts(star).get(person.name)
            if own is not None:
                names.append(f"{person.name} said {_verdict_text(campaign.rules.verdicts, own.verdict, ())}")
            for name in names:
                lists[f"{campaign.name}: {name}"].append(star)
    return {name: tuple(stars) for name, stars in sorted(lists.items())}


def _outcome_names(projection: Projection, star: int) -> list[str]:
    """The names of the lists that contain a star by its outcome."""
    outcome = projection.outcome(star)
    if outcome.status not in SETTLED:
        return [str(outcome.status)]
    verdict = _verdict_text(projection.campaign.rules.verdicts, outcome.verdict, ())
    return [f"settled, {verdict}", *(f"settled, {flag}" for flag in outcome.flags)]


def judged(commands: VettingCommands, person: Person) -> frozenset[int]:
    """Stars with a valid verdict of a person, in any campaign on this catalogue."""
    return frozenset(
        event.star
        for campaign in commands.campaigns()
        for event in commands.status(campaign).events_of(person.name)
        if event.kind is not EventKind.UNDO
    )
