"""Interface through which Explore reads the vetting record, limited to what the visitor may see."""

from __future__ import annotations

from typing import Protocol

from explorer.vetting.people import Role
from explorer.vetting.visible import Remark


class RecordReader(Protocol):
    """The record as one visitor may see it."""

    @property
    def name(self) -> str:
        """User name of the visitor; "" when unknown."""
        ...

    @property
    def adjudicates(self) -> bool:
        """Whether the visitor is an adjudicator."""
        ...

    def refusal(self, role: Role, what: str) -> str:
        """Reason for refusing ``what``, which needs a role; "" if the visitor is permitted."""
        ...

    def remarks(self, star: int) -> tuple[Remark, ...]:
        """The verdicts on a star that the visitor may see."""
        ...

    def verdict_lists(self) -> dict[str, tuple[int, ...]]:
        """Lists of stars by verdict that the visitor may see."""
        ...

    def judged(self) -> frozenset[int]:
        """Stars that the visitor has judged."""
        ...


class NoRecord:
    """Reader without a vetting record."""

    name = ""
    adjudicates = False

    def refusal(self, role: Role, what: str) -> str:
        """A sentence for all that viewers may not do."""
        return "" if role <= Role.VIEWER else f"{what} for {role.name.lower()}s, whom only a vetting record knows."

    def remarks(self, _: int) -> tuple[Remark, ...]:
        """No remarks."""
        return ()

    def verdict_lists(self) -> dict[str, tuple[int, ...]]:
        """No lists."""
        return {}

    def judged(self) -> frozenset[int]:
        """No stars."""
        return frozenset()
