"""The visitor of the vetting rooms: identity, permissions, and visible part of the record."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from sqlalchemy.exc import SQLAlchemyError

from explorer.model.sky import Sky
from explorer.state.workspace import Workspace
from explorer.vetting.commands import VettingCommands
from explorer.vetting.drafts import RefusedError
from explorer.vetting.people import Person, Role
from explorer.vetting.store import StoreError
from explorer.vetting.visible import Remark, judged, remarks_on, verdict_lists

_LOG = logging.getLogger("explorer.vetting")


@dataclass(frozen=True)
class Visit:
    """Data that the vetting rooms of one visit share.

    Parameters
    ----------
    commands : VettingCommands
        Commands on the record.
    person : Person or None
        The visitor; None if unknown.
    reason : str
        Why the visitor is unknown.
    workspace : Workspace
        The visitor's selection and views in Explore.
    sky : Sky or None
        Images of the sky and names; None where they are off.
    """

    commands: VettingCommands
    person: Person | None
    reason: str
    workspace: Workspace
    sky: Sky | None = None

    def may(self, role: Role) -> bool:
        """Whether the visitor has a role now."""
        return self.commands.may(self.person, role)

    @property
    def name(self) -> str:
        """User name of the visitor; "" if unknown."""
        return "" if self.person is None else self.person.name

    @property
    def adjudicates(self) -> bool:
        """Whether the visitor is an adjudicator now."""
        return self.may(Role.ADJUDICATOR)

    def remarks(self, star: int) -> tuple[Remark, ...]:
        """The verdicts on a star that the visitor may see, or why the record cannot be reached."""
        try:
            return remarks_on(self.commands, self.person, star)
        except (StoreError, SQLAlchemyError):
            failure = self.commands.store.failure
            return (Remark("Vetting", failure, ""),) if failure else ()

    def verdict_lists(self) -> dict[str, tuple[int, ...]]:
        """Lists of stars by verdict that the visitor may see."""
        try:
            return verdict_lists(self.commands, self.person)
        except (StoreError, SQLAlchemyError):
            return {}  # the star's card and the vetting rooms show the reason

    def judged(self) -> frozenset[int]:
        """Stars that the visitor has judged."""
        try:
            return frozenset() if self.person is None else judged(self.commands, self.person)
        except (StoreError, SQLAlchemyError):
            return frozenset()

    @property
    def known(self) -> Person:
        """The visitor; raises RefusedError if unknown."""
        if self.person is None:
            _LOG.warning("Refused: an unknown visitor wanted to vet.")
            raise RefusedError(self.reason)
        return self.person

    def refusal(self, role: Role, what: str = "this page is") -> str:
        """Why the visitor may not enter a room for ``role``, or do ``what`` in it; "" if that is allowed."""
        if self.person is None:
            return self.reason
        if not self.may(role):
            has = self.commands.people.role_of(self.person.name).name.lower()
            return (
                f"{self.person.name} has the role of {has} here; {what} for {role.name.lower()}s. Ask the "
                "administrator of the server for that role."
            )
        return ""
