"""Campaigns and claims in the database; a claim reserves a star for one inspector."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Connection, RowMapping, delete, or_, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError

from explorer.vetting.campaigns import Campaign, Task
from explorer.vetting.events import utc_of, utc_text
from explorer.vetting.rules import VettingRules
from explorer.vetting.schema import CAMPAIGN, CLAIM, TASK
from explorer.vetting.store import Store


@dataclass(frozen=True)
class Claim:
    """A star reserved for one inspector until the claim expires.

    Parameters
    ----------
    star : int
        obsid.
    user : str
        The inspector.
    occasion : int
        1 or 2, as in the task.
    expires : str
        UTC after which another inspector may claim the star.
    """

    star: int
    user: str
    occasion: int
    expires: str


def add_campaign(store: Store, campaign: Campaign, tasks: Sequence[Task]) -> None:
    """Store a campaign and its queue.

    Raises
    ------
    ValueError
        If its name is taken.
    """
    try:
        with store.writing() as connection:
            insert_campaign(connection, campaign, tasks)
    except IntegrityError as error:
        raise ValueError(f"A campaign named {campaign.name!r} exists already; choose another name.") from error


def insert_campaign(connection: Connection, campaign: Campaign, tasks: Sequence[Task]) -> None:
    """Insert a campaign and its queue within a transaction."""
    row = {name: getattr(campaign, name) for name in CAMPAIGN.c.keys() if name != "rules"}  # noqa: SIM118 - not a dict
    connection.execute(CAMPAIGN.insert(), row | {"rules": campaign.rules.to_json()})
    connection.execute(
        TASK.insert(),
        [
            {
                "campaign": campaign.id,
                "position": position,
                "star": task.star,
                "occasion": task.occasion,
                "control": task.control,
            }
            for position, task in enumerate(tasks)
        ],
    )


def campaigns(store: Store) -> tuple[Campaign, ...]:
    """All campaigns, newest first."""
    with store.reading() as connection:
        rows = connection.execute(select(CAMPAIGN).order_by(CAMPAIGN.c.created.desc(), CAMPAIGN.c.id)).mappings()
        return tuple(_campaign(row) for row in rows)


def tasks_of(store: Store, campaign: str) -> tuple[Task, ...]:
    """The queue of a campaign, in order."""
    with store.reading() as connection:
        rows = connection.execute(
            select(TASK.c.star, TASK.c.occasion, TASK.c.control)
            .where(TASK.c.campaign == campaign)
            .order_by(TASK.c.position)
        )
        return tuple(Task(star, occasion, bool(control)) for star, occasion, control in rows)


def claims_of(store: Store, campaign: str) -> tuple[Claim, ...]:
    """Claims of a campaign, including expired ones."""
    with store.reading() as connection:
        rows = connection.execute(select(CLAIM).where(CLAIM.c.campaign == campaign)).mappings()
        return tuple(_claim(row) for row in rows)


def claim_on(connection: Connection, campaign: str, star: int) -> Claim | None:
    """The claim on a star; its row stays locked until the end of the transaction."""
    row = (
        connection.execute(select(CLAIM).where(CLAIM.c.campaign == campaign, CLAIM.c.star == star).with_for_update())
        .mappings()
        .first()
    )
    return None if row is None else _claim(row)


def claim_task(store: Store, campaign: str, task: Task, user: str, now: str, minutes: float) -> bool:
    """Claim a star unless another inspector's claim is valid; the inspector's other claims are released.

    Returns
    -------
    bool
        Whether the star is claimed now.
    """
    row = {
        "campaign": campaign,
        "star": task.star,
        "user": user,
        "occasion": task.occasion,
        "expires": utc_text(utc_of(now) + timedelta(minutes=minutes)),
    }
    with store.writing(durable=False) as connection:
        build = sqlite.insert if store.is_sqlite else postgresql.insert
        statement = build(CLAIM).values(row)
        result = connection.execute(
            statement.on_conflict_do_update(
                index_elements=["campaign", "star"],
                set_={name: statement.excluded[name] for name in ("user", "occasion", "expires")},
                where=or_(CLAIM.c.user == user, CLAIM.c.expires <= now),
            ).returning(CLAIM.c.user)
        )
        if result.first() is None:
            return False
        connection.execute(
            delete(CLAIM).where(CLAIM.c.campaign == campaign, CLAIM.c.user == user, CLAIM.c.star != task.star)
        )
        return True


def release_claims(connection: Connection, campaign: str, user: str) -> None:
    """Release an inspector's claims within a transaction."""
    connection.execute(delete(CLAIM).where(CLAIM.c.campaign == campaign, CLAIM.c.user == user))


def _campaign(row: RowMapping) -> Campaign:
    return Campaign(**{**row, "rules": VettingRules.from_json(row["rules"])})


def _claim(row: RowMapping) -> Claim:
    return Claim(row["star"], row["user"], row["occasion"], row["expires"])
