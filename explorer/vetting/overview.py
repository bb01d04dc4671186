"""How far a campaign has come: who has done what, how well inspectors agree, what remains."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from explorer.vetting.agreement import fleiss_kappa_of_sums, kappa_of_table
from explorer.vetting.campaigns import Campaign
from explorer.vetting.commands import Desk
from explorer.vetting.conflicts import Status
from explorer.vetting.projection import Projection
from explorer.vetting.tally import Tally


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
    return overview_of(desk.projection(campaign))


def overview_of(projection: Projection) -> Overview:
    """Sum a campaign up from what is kept of it."""
    users = projection.standing.users()
    tallies = {user: projection.tallies.get(user) or Tally() for user in users}
    inspectors = tuple(_inspector(user, tally) for user, tally in tallies.items())
    paces = [one.seconds for one in inspectors if math.isfinite(one.seconds)]
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
        seconds_left=_work_left(projection.remaining, [tally.again for tally in tallies.values()], paces),
    )


def _work_left(remaining: int, again: Sequence[int], paces: Sequence[float]) -> float:
    """Seconds until all is done: reviews shared among those who take part, and each one's stars that come again."""
    if not paces:
        return math.nan
    return float(np.median(paces)) * (remaining / len(paces) + max(again, default=0))


def _inspector(user: str, tally: Tally) -> Inspector:
    return Inspector(
        name=user,
        reviews=tally.firsts,
        adjudications=tally.adjudications,
        repeats=tally.repeats,
        same=tally.same / tally.repeats if tally.repeats else math.nan,
        gap=tally.gap / tally.repeats if tally.repeats else math.nan,
        seconds=tally.pace.seconds(),
    )


def _pairs(projection: Projection) -> tuple[Pair, ...]:
    found = []
    for names, confusion in sorted(projection.pairs.items()):
        stars = int(confusion.table.sum())
        if not stars:
            continue
        if confusion.kappas is None:
            table = confusion.table
            confusion.kappas = (kappa_of_table(table), kappa_of_table(table, quadratic=True))
        found.append(Pair(names, stars, *confusion.kappas))
    return tuple(found)
