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
    found: list[Remark] = []
    if person is None or _open_to(desk, person, star):
        return ()
    for campaign in desk.campaigns():
        if any(task.star == star for task in desk.tasks(campaign)):
            found += _remarks(desk, person, campaign, star)
    return tuple(found)


def _remarks(desk: Desk, person: Person, campaign: Campaign, star: int) -> list[Remark]:
    standing, words = desk.standing(campaign), campaign.rules.verdicts
    found = []
    if _sees_outcome(desk, person, campaign):
        outcome, settled = desk.outcome(campaign, star, standing), standing.star(star).adjudication
        text = str(outcome.status)
        if outcome.verdict is not None:
            text = f"{text}: {_said(words, outcome.verdict, outcome.flags)}"
        found.append(Remark(campaign.name, text, settled.note if settled is not None else ""))
    for event in (*standing.reviews(star), *standing.reviews(star, 2)):
        if event.user == person.name or desk.may(person, Role.ADJUDICATOR):
            again = ", shown again" if event.occasion == 2 else ""
            told = _said(words, event.verdict, event.flags)
            found.append(Remark(campaign.name, f"{event.user}, {event.utc[:10]}{again}: {told}", event.note))
    return found


def _sees_outcome(desk: Desk, person: Person, campaign: Campaign) -> bool:
    return desk.may(person, Role.ADJUDICATOR) or desk.closed(campaign)


def _open_to(desk: Desk, person: Person, star: int) -> bool:
    """Whether a visitor could still judge a star, for the first or the second time, in any campaign."""
    if not desk.may(person, Role.INSPECTOR):
        return False
    return any(
        is_open(person.name, task, desk.standing(campaign), campaign.rules)
        for campaign in desk.campaigns()
        for task in desk.tasks(campaign)
        if task.star == star
    )


def _said(words: Mapping[int, str], verdict: int | None, flags: tuple[str, ...]) -> str:
    told = "" if verdict is None else f"{verdict} {words.get(verdict, '')}".strip()
    return f"{told} ({', '.join(flags)})" if flags else told


def verdict_lists(desk: Desk, person: Person | None) -> dict[str, tuple[int, ...]]:
    """Stars by what was said of them, as a visitor may see it, each list under its name; empty ones are left out."""
    if person is None:
        return {}
    inspects = desk.may(person, Role.INSPECTOR)
    campaigns = desk.campaigns()
    waiting = {
        task.star
        for campaign in campaigns
        for task in desk.tasks(campaign)
        if inspects and is_open(person.name, task, desk.standing(campaign), campaign.rules)
    }
    found: dict[str, list[int]] = defaultdict(list)
    for campaign in campaigns:
        everything = _sees_outcome(desk, person, campaign)
        for star in dict.fromkeys(task.star for task in desk.tasks(campaign)):
            if star not in waiting:
                for name in _names(desk, person, campaign, star, everything=everything):
                    found[f"{campaign.name}: {name}"].append(star)
    return {name: tuple(stars) for name, stars in sorted(found.items())}


def _names(desk: Desk, person: Person, campaign: Campaign, star: int, *, everything: bool) -> list[str]:
    """The lists that a star stands in."""
    standing, words, names = desk.standing(campaign), campaign.rules.verdicts, []
    if everything:
        outcome = desk.outcome(campaign, star, standing)
        settled = outcome.status in SETTLED
        names.append(f"settled, {_said(words, outcome.verdict, ())}" if settled else str(outcome.status))
        names += [f"settled, {flag}" for flag in outcome.flags if settled]
    own = standing.verdicts(star).get(person.name)
    return names if own is None else [*names, f"{person.name} said {_said(words, own.verdict, ())}"]


def judged(desk: Desk, person: Person) -> frozenset[int]:
    """Stars on which a person's verdict stands, in any campaign on this catalogue."""
    return frozenset(
        event.star
        for campaign in desk.campaigns()
        for event in desk.standing(campaign).said(person.name)
        if event.kind is not EventKind.UNDO
    )
