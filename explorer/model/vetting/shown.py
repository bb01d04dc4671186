"""What of the record may be seen outside the vetting rooms: nothing that could sway who may still judge."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import NamedTuple

from explorer.model.vetting.campaigns import Campaign
from explorer.model.vetting.conflicts import SETTLED
from explorer.model.vetting.desk import Desk
from explorer.model.vetting.events import EventKind
from explorer.model.vetting.people import Person, Role
from explorer.model.vetting.queue import is_open
from explorer.model.vetting.standing import Standing


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
        tasks = [task for task in desk.tasks(campaign) if task.star == star]
        if not tasks:
            continue
        standing = desk.standing(campaign)
        if inspects and any(is_open(person.name, task, standing, campaign.rules) for task in tasks):
            return ()
        found += _remarks(desk, person, campaign, star, standing)
    return tuple(found)


def _remarks(desk: Desk, person: Person, campaign: Campaign, star: int, standing: Standing) -> list[Remark]:
    words, found = campaign.rules.verdicts, []
    adjudicates = desk.may(person, Role.ADJUDICATOR)
    if adjudicates or desk.closed(campaign, standing):
        outcome, settled = desk.outcome(campaign, star, standing), standing.star(star).adjudication
        text = str(outcome.status)
        if outcome.verdict is not None:
            text = f"{text}: {_said(words, outcome.verdict, outcome.flags)}"
        found.append(Remark(campaign.name, text, settled.note if settled is not None else ""))
    for event in (*standing.reviews(star), *standing.reviews(star, 2)):
        if event.user == person.name or adjudicates:
            again = ", shown again" if event.occasion == 2 else ""
            told = _said(words, event.verdict, event.flags)
            found.append(Remark(campaign.name, f"{event.user}, {event.utc[:10]}{again}: {told}", event.note))
    return found


def _said(words: Mapping[int, str], verdict: int | None, flags: tuple[str, ...]) -> str:
    told = "" if verdict is None else f"{verdict} {words.get(verdict, '')}".strip()
    return f"{told} ({', '.join(flags)})" if flags else told


def verdict_lists(desk: Desk, person: Person | None) -> dict[str, tuple[int, ...]]:
    """Stars by what was said of them, as a visitor may see it, each list under its name; empty ones are left out."""
    if person is None:
        return {}
    inspects, adjudicates = desk.may(person, Role.INSPECTOR), desk.may(person, Role.ADJUDICATOR)
    campaigns = [(campaign, desk.standing(campaign)) for campaign in desk.campaigns()]
    waiting = {
        task.star
        for campaign, standing in campaigns
        for task in desk.tasks(campaign)
        if inspects and is_open(person.name, task, standing, campaign.rules)
    }
    found: dict[str, list[int]] = defaultdict(list)
    for campaign, standing in campaigns:
        everything = adjudicates or desk.closed(campaign, standing)
        for star in dict.fromkeys(task.star for task in desk.tasks(campaign)):
            if star in waiting:
                continue
            names = _outcome_names(desk, campaign, star, standing) if everything else []
            own = standing.verdicts(star).get(person.name)
            if own is not None:
                names.append(f"{person.name} said {_said(campaign.rules.verdicts, own.verdict, ())}")
            for name in names:
                found[f"{campaign.name}: {name}"].append(star)
    return {name: tuple(stars) for name, stars in sorted(found.items())}


def _outcome_names(desk: Desk, campaign: Campaign, star: int, standing: Standing) -> list[str]:
    """The lists in which a star stands by what it came to."""
    outcome = desk.outcome(campaign, star, standing)
    if outcome.status not in SETTLED:
        return [str(outcome.status)]
    verdict = _said(campaign.rules.verdicts, outcome.verdict, ())
    return [f"settled, {verdict}", *(f"settled, {flag}" for flag in outcome.flags)]


def judged(desk: Desk, person: Person) -> frozenset[int]:
    """Stars on which a person's verdict stands, in any campaign on this catalogue."""
    return frozenset(
        event.star
        for campaign in desk.campaigns()
        for event in desk.standing(campaign).said(person.name)
        if event.kind is not EventKind.UNDO
    )
