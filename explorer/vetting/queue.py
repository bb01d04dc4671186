"""Choice of the next task of an inspector."""

from __future__ import annotations

from collections.abc import Sequence

from explorer.vetting.campaigns import Task
from explorer.vetting.claims import Claim
from explorer.vetting.rules import VettingRules
from explorer.vetting.status import CampaignStatus


def is_open(user: str, task: Task, status: CampaignStatus, rules: VettingRules) -> bool:
    """Whether an inspector can still judge a task."""
    verdicts = status.verdicts(task.star, task.occasion)
    if user in verdicts:
        return False
    if task.occasion == 1:
        return len(verdicts) < rules.reviews and status.star(task.star).adjudication is None
    return user in status.verdicts(task.star)


def first_open(
    user: str,
    tasks: Sequence[Task],
    claims: Sequence[Claim],
    status: CampaignStatus,
    rules: VettingRules,
    left_out: set[tuple[int, int]],
    now: str,
) -> Task | None:
    """The inspector's claimed task, else the first open task that no other inspector has claimed.

    Parameters
    ----------
    user : str
        The inspector.
    tasks : sequence of Task
        The queue.
    claims : sequence of Claim
        Claims of the campaign; expired ones count for their owner only.
    status : CampaignStatus
        Derived state of the campaign.
    rules : VettingRules
        Rules of the campaign.
    left_out : set of (int, int)
        Stars and occasions that the inspector postponed.
    now : str
        UTC.
    """
    others = {claim.star for claim in claims if claim.user != user and claim.expires > now}
    own = {(claim.star, claim.occasion) for claim in claims if claim.user == user} - left_out
    first_task = None
    for task in tasks:
        key = (task.star, task.occasion)
        if task.star in others or key in left_out or not is_open(user, task, status, rules):
            continue
        if not own or key in own:
            return task
        first_task = first_task or task
    return first_task


def refusal_reason(user: str, task: Task, status: CampaignStatus, rules: VettingRules) -> str:
    """Why an inspector can neither judge a task nor change a verdict on it; "" if that is possible.

    Parameters
    ----------
    user : str
        The inspector.
    task : Task
        A star and occasion.
    status : CampaignStatus
        Derived state of the campaign.
    rules : VettingRules
        Rules of the campaign.
    """
    if status.star(task.star).adjudication is not None:
        return f"Star {task.star} was settled by an adjudicator."
    if user in status.verdicts(task.star, task.occasion) or is_open(user, task, status, rules):
        return ""
    return f"Star {task.star} has its {rules.reviews} reviews already."
