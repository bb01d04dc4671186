"""What Explore asks of the vetting record; whoever is here decides what it answers."""

from __future__ import annotations

from typing import Protocol

from explorer.vetting.visible import Remark


class RecordReader(Protocol):
    """One visitor's view of the record."""

    @property
    def name(self) -> str:
        """Who is here, "" when nobody knows."""
        ...

    @property
    def adjudicates(self) -> bool:
        """Whether the visitor is an adjudicator here."""
        ...

    def remarks(self, star: int) -> tuple[Remark, ...]:
        """What the visitor may see of the verdicts on a star."""
        ...

    def verdict_lists(self) -> dict[str, tuple[int, ...]]:
        """Stars by what was said of them, as the visitor may see it."""
        ...

    def judged(self) -> frozenset[int]:
        """Stars that the visitor has judged."""
        ...


class NoRecord:
    """Where nothing is vetted."""

    name = ""
    adjudicates = False

    def remarks(self, _: int) -> tuple[Remark, ...]:
        """Nothing."""
        return ()

    def verdict_lists(self) -> dict[str, tuple[int, ...]]:
        """No list."""
        return {}

    def judged(self) -> frozenset[int]:
        """No star."""
        return frozenset()
