"""Which star comes next on an inspector's desk."""

from __future__ import annotations

from collections.abc import Sequence

from explorer.vetting.campaigns import Task
from explorer.vetting.claims import Claim
from explorer.vetting.rules import VettingRules
from explorer.vetting.status import Standing


def is_open(user: str, task: Task, standing: Standing, rules: VettingRules) -> bool:
    """Whether an inspector could still judge a task."""
    said = standing.verdicts(task.star, task.occasion)
    if user in said:
        return False
    if task.occasion == 1:
        return len(said) < rules.reviews and standing.star(task.star).adjudication is None
    return user in standing.verdicts(task.star)


def first_open(
    user: str,
    tasks: Sequence[Task],
    claims: Sequence[Claim],
    standing: Standing,
    rules: VettingRules,
    left_out: set[tuple[int, int]],
    now: str,
) -> Task | None:
    """The task that lies on the inspector's desk, else the first that is open and on nobody's.

    Parameters
    ----------
    user : str
        The inspector.
    tasks : sequence of Task
        The queue.
    claims : sequence of Claim
        What lies on desks; expired ones lie on none but their owner's.
    standing : Standing
        What was said.
    rules : VettingRules
        Of the campaign.
    left_out : set of (int, int)
        Stars and occasions that the inspector does not want now.
    now : str
        UTC.
    """
    others = {claim.star for claim in claims if claim.user != user and claim.expires > now}
    own = {(claim.star, claim.occasion) for claim in claims if claim.user == user} - left_out
    first = None
    for task in tasks:
        place = (task.star, task.occasion)
        if task.star in others or place in left_out or not is_open(user, task, standing, rules):
            continue
        if not own or place in own:
            return task
        first = first or task
    return first


def why_not(user: str, task: Task, standing: Standing, rules: VettingRules) -> str:
    """Why an inspector may neither judge a task nor change a verdict on it, as a sentence; "" when that is possible.

    Parameters
    ----------
    user : str
        The inspector.
    task : Task
        A star, for the first or the second time.
    standing : Standing
        What was said.
    rules : VettingRules
        Of the campaign.
    """
    if standing.star(task.star).adjudication is not None:
        return f"Star {task.star} was settled by an adjudicator."
    if user in standing.verdicts(task.star, task.occasion) or is_open(user, task, standing, rules):
        return ""
    return f"Star {task.star} has its {rules.reviews} reviews already."
