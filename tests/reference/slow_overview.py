"""The overview of a campaign computed from scratch, as plainly as possible."""

import math
from collections import Counter
from itertools import combinations, pairwise

import numpy as np

from explorer.vetting.agreement import cohen_kappa, fleiss_kappa
from explorer.vetting.conflicts import Status, outcome
from explorer.vetting.events import EventKind, utc_of
from explorer.vetting.inspector_counts import PAUSE_SECONDS
from explorer.vetting.overview import Inspector, Overview, Pair
from explorer.vetting.queue import is_open
from explorer.vetting.status import CampaignStatus


def _outcome(status, star, published, rules):
    return outcome(status.reviews(star), status.star(star).adjudication, published(star), rules)


def slow_overview(campaign, tasks, events, published):
    """The overview of a campaign from all its events."""
    status, rules = CampaignStatus(), campaign.rules
    status.add(events)
    firsts = [task for task in tasks if task.occasion == 1]
    touched = set(status.stars())
    done = Counter(
        _outcome(status, task.star, published, rules).status if task.star in touched else Status.INCOMPLETE
        for task in firsts
    )
    given = [min(len(status.verdicts(task.star)), rules.reviews) for task in firsts]
    settled = [status.star(task.star).adjudication is not None for task in firsts]
    needed = rules.reviews * len(firsts)
    remaining = sum(rules.reviews - count for count, over in zip(given, settled, strict=True) if not over)
    again = [sum(is_open(user, task, status, rules) for task in tasks if task.occasion == 2) for user in status.users()]
    inspectors = tuple(_inspector(status, user) for user in status.users())
    paces = [one.seconds for one in inspectors if math.isfinite(one.seconds)]
    fleiss, fleiss_stars = _fleiss(status, [task.star for task in firsts], campaign)
    return Overview(
        stars=len(firsts),
        controls=sum(task.control for task in firsts),
        done={status: done.get(status, 0) for status in Status},
        reviews_done=sum(given),
        reviews_needed=needed,
        inspectors=inspectors,
        pairs=_pairs(status, inspectors, campaign),
        fleiss=fleiss,
        fleiss_stars=fleiss_stars,
        seconds_left=_work_left(remaining, again, paces),
    )


def _work_left(remaining, again, paces):
    """Seconds until all is said: reviews shared among those who take part, and each one's stars that come again."""
    if not paces:
        return math.nan
    return float(np.median(paces)) * (remaining / len(paces) + max(again, default=0))


def _inspector(status, user):
    firsts = {star: said for star in status.stars() if (said := status.verdicts(star).get(user))}
    seconds = {star: said for star in status.stars() if (said := status.verdicts(star, 2).get(user))}
    gaps = [_gap(firsts[star], seconds[star]) for star in seconds if star in firsts]
    return Inspector(
        name=user,
        reviews=len(firsts),
        adjudications=sum(event.kind is EventKind.ADJUDICATION for event in status.events_of(user)),
        repeats=len(gaps),
        same=float(np.mean([gap == 0 for gap in gaps])) if gaps else math.nan,
        gap=float(np.mean(gaps)) if gaps else math.nan,
        seconds=pace([*firsts.values(), *seconds.values()]),
    )


def _gap(first, second):
    return abs(int(first.verdict or 0) - int(second.verdict or 0))


def pace(verdicts):
    """Median seconds from one verdict to the next, pauses left out; NaN when there are none."""
    moments = sorted(utc_of(event.utc) for event in verdicts)
    gaps = [(later - earlier).total_seconds() for earlier, later in pairwise(moments)]
    worked = [gap for gap in gaps if gap <= PAUSE_SECONDS]
    return float(np.median(worked)) if worked else math.nan


def _pairs(status, inspectors, campaign):
    found = []
    for first, second in combinations([one.name for one in inspectors], 2):
        both = [
            (int(said[first].verdict or 0), int(said[second].verdict or 0))
            for star in status.stars()
            if first in (said := status.verdicts(star)) and second in said
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


def _fleiss(status, stars, campaign):
    categories = sorted(campaign.rules.verdicts)
    counts = []
    for star in stars:
        said = [event.verdict for event in status.verdicts(star).values()]
        if len(said) == campaign.rules.reviews:
            counts.append([said.count(category) for category in categories])
    if campaign.rules.reviews < 2 or not counts:
        return math.nan, 0
    return fleiss_kappa(counts), len(counts)
