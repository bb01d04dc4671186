"""Summary of a campaign: progress, contributions and agreement of inspectors, remaining work."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from explorer.vetting.agreement import fleiss_kappa_of_sums, kappa_of_table
from explorer.vetting.campaigns import Campaign
from explorer.vetting.commands import VettingCommands
from explorer.vetting.conflicts import Status
from explorer.vetting.inspector_counts import InspectorCounts
from explorer.vetting.projection import Projection


@dataclass(frozen=True)
class Inspector:
    """Contribution of one user to a campaign.

    Parameters
    ----------
    name : str
        User.
    reviews : int
        Valid verdicts, without second occasions.
    adjudications : int
        Valid adjudications.
    repeats : int
        Stars judged on both occasions.
    same : float
        Fraction of them with the same verdict both times; NaN without any.
    gap : float
        Mean difference of the two verdicts; NaN without any.
    seconds : float
        Median time between verdicts, without pauses; NaN for fewer than two.
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
    """Agreement of two inspectors.

    Parameters
    ----------
    names : tuple of str
        User names.
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
    """Summary of a campaign.

    Parameters
    ----------
    stars : int
        Stars of the queue.
    controls : int
        Stars of the control sample among them.
    done : mapping of Status to int
        Stars by status.
    reviews_done, reviews_needed : int
        Blind reviews.
    inspectors : tuple of Inspector
        By name.
    pairs : tuple of Pair
        Pairs of inspectors who share a star.
    fleiss : float
        Fleiss' kappa over the stars with all their reviews; NaN without any.
    fleiss_stars : int
        Number of these stars.
    seconds_left : float
        Remaining reviews at the inspectors' median pace, divided among them, plus the largest number of repeats that
        one of them has left; NaN before two verdicts.
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


def overview(commands: VettingCommands, campaign: Campaign) -> Overview:
    """Summarize a campaign."""
    return overview_of(commands.projection(campaign))


def overview_of(projection: Projection) -> Overview:
    """Summarize a campaign from its projection."""
    users = projection.status.users()
    counts_by_user = {user: projection.counts_by_user.get(user) or InspectorCounts() for user in users}
    inspectors = tuple(_inspector(user, counts) for user, counts in counts_by_user.items())
    medians = [inspector.seconds for inspector in inspectors if math.isfinite(inspector.seconds)]
    reviews = projection.campaign.rules.reviews
    several = reviews >= 2
    return Overview(
        stars=len(projection.firsts),
        controls=projection.controls,
        done={status: projection.done[status] for status in Status},
        reviews_done=projection.given,
        reviews_needed=reviews * len(projection.firsts),
        inspectors=inspectors,
        pairs=_pairs(projection),
        fleiss=fleiss_kappa_of_sums(projection.agreement, projection.squares, projection.complete, reviews)
        if several
        else math.nan,
        fleiss_stars=projection.complete if several else 0,
        seconds_left=_work_left(projection.remaining, [counts.again for counts in counts_by_user.values()], medians),
    )


def _work_left(remaining: int, again: Sequence[int], medians: Sequence[float]) -> float:
    """Seconds of remaining work: reviews divided among the inspectors, plus the most repeats of one."""
    if not medians:
        return math.nan
    return float(np.median(medians)) * (remaining / len(medians) + max(again, default=0))


def _inspector(user: str, counts: InspectorCounts) -> Inspector:
    return Inspector(
        name=user,
        reviews=counts.firsts,
        adjudications=counts.adjudications,
        repeats=counts.repeats,
        same=counts.same / counts.repeats if counts.repeats else math.nan,
        gap=counts.gap / counts.repeats if counts.repeats else math.nan,
        seconds=counts.pace.seconds(),
    )


def _pairs(projection: Projection) -> tuple[Pair, ...]:
    pairs = []
    for names, confusion in sorted(projection.pairs.items()):
        stars = int(confusion.table.sum())
        if not stars:
            continue
        if confusion.kappas is None:
            table = confusion.table
            confusion.kappas = (kappa_of_table(table), kappa_of_table(table, quadratic=True))
        pairs.append(Pair(names, stars, *confusion.kappas))
    return tuple(pairs)
