"""What of the record may be seen outside the vetting rooms: nothing that could sway who may still judge."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import NamedTuple

from explorer.vetting.campaigns import Campaign, Task
from explorer.vetting.commands import Desk
from explorer.vetting.conflicts import SETTLED
from explorer.vetting.events import EventKind
from explorer.vetting.people import Person, Role
from explorer.vetting.projection import Projection
from explorer.vetting.queue import is_open
from explorer.vetting.status import Standing


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

    Everybody who is known sees what they said themselves; adjudicators see every review, everybody else how a star was
    settled once its campaign is over. As long as the visitor could still judge the star, in any campaign, nothing is
    told: a review is blind.
    """
    if person is None:
        return ()
    inspects, found = desk.may(person, Role.INSPECTOR), []
    for campaign in desk.campaigns():
        projection = desk.projection(campaign)
        if star not in projection.firsts:
            continue
        standing = projection.standing
        tasks = [Task(star), *([Task(star, 2)] if star in projection.seconds else [])]
        if inspects and any(is_open(person.name, task, standing, campaign.rules) for task in tasks):
            return ()
        found += _remarks(desk, person, campaign, star, standing)
    return tuple(found)


def _remarks(desk: Desk, person: Person, campaign: Campaign, star: int, standing: Standing) -> list[Remark]:
    words, found = campaign.rules.verdicts, []
    adjudicates = desk.may(person, Role.ADJUDICATOR)
    if adjudicates or desk.closed(campaign):
        outcome, settled = desk.outcome(campaign, star), standing.star(star).adjudication
        text = str(outcome.status)
        if outcome.verdict is not None:
            text = f"{text}: {_said(words, outcome.verdict, outcome.flags)}"
        found.append(Remark(campaign.name, text, settled.note if settled is not None else ""))
    for event in (*standing.reviews(star), *standing.reviews(star, 2)):
        if event.user == person.name or adjudicates:
            again = ", shown again" if event.occasion == 2 else ""
            told = _said(words, event.verdict, event.flags)
            brought = desk.log.imported.get(event.id)
            source = "" if brought is None else f", imported by {brought.by} {brought.utc[:10]}".rstrip()
            found.append(Remark(campaign.name, f"{event.user}, {event.utc[:10]}{again}{source}: {told}", event.note))
    return found


def _said(words: Mapping[int, str], verdict: int | None, flags: tuple[str, ...]) -> str:
    told = "" if verdict is None else f"{verdict} {words.get(verdict, '')}".strip()
    return f"{told} ({', '.join(flags)})" if flags else told


def verdict_lists(desk: Desk, person: Person | None) -> dict[str, tuple[int, ...]]:
    """Stars by what was said of them, as a visitor may see it, each list under its name; empty ones are left out."""
    if person is None:
        return {}
    inspects, adjudicates = desk.may(person, Role.INSPECTOR), desk.may(person, Role.ADJUDICATOR)
    campaigns = [(campaign, desk.projection(campaign)) for campaign in desk.campaigns()]
    waiting = {
        task.star
        for campaign, projection in campaigns
        for task in projection.tasks
        if inspects and is_open(person.name, task, projection.standing, campaign.rules)
    }
    found: dict[str, list[int]] = defaultdict(list)
    for campaign, projection in campaigns:
        everything = adjudicates or desk.closed(campaign)
        for star in projection.firsts:
            if star in waiting:
                continue
            names = _outcome_names(projection, star) if everything else []
            own = projection.standing.verdicts(star).get(person.name)
            if own is not None:
                names.append(f"{person.name} said {_said(campaign.rules.verdicts, own.verdict, ())}")
            for name in names:
                found[f"{campaign.name}: {name}"].append(star)
    return {name: tuple(stars) for name, stars in sorted(found.items())}


def _outcome_names(projection: Projection, star: int) -> list[str]:
    """The lists that hold a star by its outcome."""
    outcome = projection.outcome(star)
    if outcome.status not in SETTLED:
        return [str(outcome.status)]
    verdict = _said(projection.campaign.rules.verdicts, outcome.verdict, ())
    return [f"settled, {verdict}", *(f"settled, {flag}" for flag in outcome.flags)]


def judged(desk: Desk, person: Person) -> frozenset[int]:
    """Stars on which a person's verdict stands, in any campaign on this catalogue."""
    return frozenset(
        event.star
        for campaign in desk.campaigns()
        for event in desk.standing(campaign).said(person.name)
        if event.kind is not EventKind.UNDO
    )
