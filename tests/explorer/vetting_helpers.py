"""Vetting commands with users and a clock for tests."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

from explorer.vetting.commands import VettingCommands
from explorer.vetting.drafts import Draft
from explorer.vetting.events import Authority
from explorer.vetting.people import Person, Role
from explorer.vetting.rules import VettingRules

ROLES = {
    "ann": Role.INSPECTOR,
    "bob": Role.INSPECTOR,
    "cy": Role.INSPECTOR,
    "eve": Role.ADJUDICATOR,
    "vic": Role.VIEWER,
}


def person(name):
    return Person(name, Authority.PASSWORD)


PLAIN = VettingRules(control_fraction=0.0, repeat_fraction=0.0)
"""Neither controls nor stars that come again."""

ANN, BOB, CY, EVE, VIC = (person(name) for name in ROLES)


class Roles:
    """Roles that a test may change."""

    def __init__(self):
        self.kept = dict(ROLES)

    def role_of(self, name):
        return self.kept.get(name, Role.VIEWER)

    def knows(self, name):
        return name in self.kept


class Clock:
    """Ten seconds pass at each look."""

    def __init__(self):
        self.now = datetime(2026, 1, 31, 12, tzinfo=UTC)

    def __call__(self):
        self.now += timedelta(seconds=10)
        return self.now


def make_commands(store, library):
    return VettingCommands(store, library, Roles(), Clock())


def draft(star, verdict=3, **more):
    return Draft(str(uuid4()), star, verdict, **more)


def judge_all(commands, who, campaign, verdict_of):
    """Judge everything that a person is offered; returns the tasks."""
    done = []
    while (task := commands.next_task(who, campaign)) is not None:
        given = verdict_of(task)
        more = given if isinstance(given, dict) else {"verdict": given}
        commands.judge(who, campaign, draft(task.star, **more))
        done.append(task)
    return done
