"""How far a campaign has come: who has done what, how well inspectors agree, what remains."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise

import numpy as np

from explorer.model.vetting.agreement import cohen_kappa, fleiss_kappa
from explorer.model.vetting.campaigns import Campaign
from explorer.model.vetting.conflicts import Status
from explorer.model.vetting.desk import Desk
from explorer.model.vetting.events import EventKind, VettingEvent, utc_of
from explorer.model.vetting.queue import is_open
from explorer.model.vetting.standing import Standing

PAUSE_SECONDS = 600.0
"""A longer time between two verdicts was a pause."""


@dataclass(frozen=True)
class Inspector:
    """What one user did in a campaign.

    Parameters
    ----------
    name : str
        User.
    reviews : int
        Standing verdicts, second occasions left out.
    adjudications : int
        Standing ones.
    repeats : int
        Stars judged on both occasions.
    same : float
        Fraction of them with the same verdict both times; NaN without any.
    gap : float
        Mean difference of the two verdicts; NaN without any.
    seconds : float
        Median time from one verdict to the next, pauses left out; NaN below two.
    """

    name: str
    reviews: int
    adjudications: int
    repeats: int
    same: float
    gap: float
    seconds: float


@dataclass(frozen=True)
class Pair:
    """How two inspectors agree.

    Parameters
    ----------
    names : tuple of str
        Who.
    stars : int
        Stars that both judged.
    kappa : float
        Cohen's kappa of the verdicts.
    weighted : float
        The same with quadratic weights.
    """

    names: tuple[str, str]
    stars: int
    kappa: float
    weighted: float


@dataclass(frozen=True)
class Overview:
    """How far a campaign has come.

    Parameters
    ----------
    stars : int
        Stars of the queue.
    controls : int
        Of the control sample among them.
    done : mapping of Status to int
        Stars by how far they have come.
    reviews_done, reviews_needed : int
        Blind reviews.
    inspectors : tuple of Inspector
        By name.
    pairs : tuple of Pair
        Every two inspectors who share a star.
    fleiss : float
        Fleiss' kappa over the stars with all their reviews; NaN without any.
    fleiss_stars : int
        How many these are.
    seconds_left : float
        Remaining reviews at the inspectors' median pace, shared among those who take part, and the most stars that
        come again to one of them; NaN before two verdicts.
    """

    stars: int
    controls: int
    done: dict[Status, int]
    reviews_done: int
    reviews_needed: int
    inspectors: tuple[Inspector, ...]
    pairs: tuple[Pair, ...]
    fleiss: float
    fleiss_stars: int
    seconds_left: float


def overview(desk: Desk, campaign: Campaign) -> Overview:
    """Sum a campaign up."""
    standing, rules = desk.standing(campaign), campaign.rules
    firsts = [task for task in desk.tasks(campaign) if task.occasion == 1]
    touched = set(standing.stars())
    done = Counter(
        desk.outcome(campaign, task.star, standing).status if task.star in touched else Status.INCOMPLETE
        for task in firsts
    )
    given = [min(len(standing.verdicts(task.star)), rules.reviews) for task in firsts]
    settled = [standing.star(task.star).adjudication is not None for task in firsts]
    needed = rules.reviews * len(firsts)
    remaining = sum(rules.reviews - count for count, over in zip(given, settled, strict=True) if not over)
    again = [
        sum(is_open(user, task, standing, rules) for task in desk.tasks(campaign) if task.occasion == 2)
        for user in standing.users()
    ]
    inspectors = tuple(_inspector(standing, user) for user in standing.users())
    paces = [one.seconds for one in inspectors if math.isfinite(one.seconds)]
    fleiss, fleiss_stars = _fleiss(standing, [task.star for task in firsts], campaign)
    return Overview(
        stars=len(firsts),
        controls=sum(task.control for task in firsts),
        done={status: done.get(status, 0) for status in Status},
        reviews_done=sum(given),
        reviews_needed=needed,
        inspectors=inspectors,
        pairs=_pairs(standing, inspectors, campaign),
        fleiss=fleiss,
        fleiss_stars=fleiss_stars,
        seconds_left=_work_left(remaining, again, paces),
    )


def _work_left(remaining: int, again: Sequence[int], paces: Sequence[float]) -> float:
    """Seconds until all is said: reviews shared among those who take part, and each one's stars that come again."""
    if not paces:
        return math.nan
    return float(np.median(paces)) * (remaining / len(paces) + max(again, default=0))


def _inspector(standing: Standing, user: str) -> Inspector:
    firsts = {star: said for star in standing.stars() if (said := standing.verdicts(star).get(user))}
    seconds = {star: said for star in standing.stars() if (said := standing.verdicts(star, 2).get(user))}
    gaps = [_gap(firsts[star], seconds[star]) for star in seconds if star in firsts]
    return Inspector(
        name=user,
        reviews=len(firsts),
        adjudications=sum(event.kind is EventKind.ADJUDICATION for event in standing.said(user)),
        repeats=len(gaps),
        same=float(np.mean([gap == 0 for gap in gaps])) if gaps else math.nan,
        gap=float(np.mean(gaps)) if gaps else math.nan,
        seconds=pace([*firsts.values(), *seconds.values()]),
    )


def _gap(first: VettingEvent, second: VettingEvent) -> int:
    return abs(int(first.verdict or 0) - int(second.verdict or 0))


def pace(verdicts: Sequence[VettingEvent]) -> float:
    """Median seconds from one verdict to the next, pauses left out; NaN when there are none."""
    moments = sorted(utc_of(event.utc) for event in verdicts)
    gaps = [(later - earlier).total_seconds() for earlier, later in pairwise(moments)]
    worked = [gap for gap in gaps if gap <= PAUSE_SECONDS]
    return float(np.median(worked)) if worked else math.nan


def _pairs(standing: Standing, inspectors: Sequence[Inspector], campaign: Campaign) -> tuple[Pair, ...]:
    found = []
    for first, second in combinations([one.name for one in inspectors], 2):
        both = [
            (int(said[first].verdict or 0), int(said[second].verdict or 0))
            for star in standing.stars()
            if first in (said := standing.verdicts(star)) and second in said
        ]
        if both:
            ones, others = zip(*both, strict=True)
            categories = list(campaign.rules.verdicts)
            found.append(
                Pair(
                    (first, second),
                    len(both),
                    cohen_kappa(ones, others, categories),
                    cohen_kappa(ones, others, categories, quadratic=True),
                )
            )
    return tuple(found)


def _fleiss(standing: Standing, stars: Sequence[int], campaign: Campaign) -> tuple[float, int]:
    categories = sorted(campaign.rules.verdicts)
    counts = []
    for star in stars:
        said = [event.verdict for event in standing.verdicts(star).values()]
        if len(said) == campaign.rules.reviews:
            counts.append([said.count(category) for category in categories])
    if campaign.rules.reviews < 2 or not counts:
        return math.nan, 0
    return fleiss_kappa(counts), len(counts)
