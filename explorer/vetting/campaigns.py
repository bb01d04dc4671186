"""Campaigns and their queues: stars by oddness, a random control sample, repeated stars."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from explorer.vetting.rules import VettingRules


@dataclass(frozen=True)
class Campaign:
    """Stars to vet, and the rules by which they are vetted.

    Parameters
    ----------
    id : str
        UUID.
    name : str
        Title, unique in a record.
    created : str
        UTC.
    created_by : str
        User.
    catalogue : str
        Version of the catalogue that the queue was made from.
    seed : int
        Random seed of the control sample and the repeats.
    rules : VettingRules
        Rules, which never change.
    """

    id: str
    name: str
    created: str
    created_by: str
    catalogue: str
    seed: int
    rules: VettingRules


@dataclass(frozen=True)
class Task:
    """One entry of the queue.

    Parameters
    ----------
    star : int
        obsid.
    occasion : int
        1, or 2 when an inspector who judged the star is shown it again.
    control : bool
        Whether the star belongs to the control sample, which inspectors do not see.
    """

    star: int
    occasion: int = 1
    control: bool = False


def build_queue(
    chosen: Sequence[int],
    everyone: NDArray[np.int64],
    oddness: NDArray[np.float32],
    rules: VettingRules,
    seed: int,
) -> tuple[Task, ...]:
    """Order a subset by oddness, insert a random control sample, and repeat some stars.

    Parameters
    ----------
    chosen : sequence of int
        obsids of the subset.
    everyone : ndarray of int64, shape (n,)
        obsids of the catalogue, unique.
    oddness : ndarray, shape (n,)
        Oddness of each star; NaN counts as least odd. Ties are ordered by obsid.
    rules : VettingRules
        Fractions of controls and repeats.
    seed : int
        The same seed gives the same queue.

    Raises
    ------
    ValueError
        If the subset is empty, repeats a star, or holds one that the catalogue lacks.
    """
    picked = np.asarray(chosen, np.int64)
    if not picked.size:
        raise ValueError("A campaign needs at least one star; none is selected.")
    if np.unique(picked).size != picked.size:
        raise ValueError("The list of stars for a campaign repeats an obsid.")
    member = np.isin(everyone, picked)
    if int(member.sum()) != picked.size:
        stranger = np.setdiff1d(picked, everyone)[0]
        raise ValueError(f"This catalogue has no star with obsid {stranger}; a campaign is about its stars.")
    rng = np.random.default_rng(seed)
    rank = np.nan_to_num(oddness[member], nan=-np.inf)
    odd = everyone[member][np.lexsort((everyone[member], -rank))]
    rest = np.sort(everyone[~member])
    wanted = min(round(rules.control_fraction * picked.size), rest.size)
    control = rng.choice(rest, wanted, replace=False)
    tasks = [Task(int(star)) for star in odd]
    for star in control:
        tasks.insert(int(rng.integers(0, len(tasks) + 1)), Task(int(star), control=True))
    return tuple(_with_repeats(tasks, rules, rng))


def _with_repeats(tasks: list[Task], rules: VettingRules, rng: np.random.Generator) -> list[Task]:
    """Insert the second occasions, at least ``repeat_gap`` tasks after the first where possible."""
    count = round(rules.repeat_fraction * len(tasks))
    queue = list(tasks)
    for index in rng.permutation(len(tasks))[:count]:
        first = queue.index(tasks[index])
        earliest = min(first + rules.repeat_gap + 1, len(queue))
        place = int(rng.integers(earliest, len(queue) + 1))
        queue.insert(place, Task(tasks[index].star, occasion=2, control=tasks[index].control))
    return queue
