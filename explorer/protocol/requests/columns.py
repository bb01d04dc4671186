"""Requests of the page of columns."""

from __future__ import annotations

from typing import ClassVar

from msgspec import Struct

from explorer.protocol.requests.base import Index, Name, Request
from explorer.vetting.people import Role


class Correction(Struct, frozen=True, forbid_unknown_fields=True):
    """One choice of the columns page: which column of a table has a role, and its unit."""

    table: Index
    ours: Name
    theirs: str | None
    unit: str | None = None


class Apply(Request, frozen=True):
    """Keep corrections and build again."""

    role: ClassVar[Role] = Role.ADJUDICATOR

    corrections: tuple[Correction, ...]


class Rebuild(Request, frozen=True):
    """Build again."""

    role: ClassVar[Role] = Role.ADJUDICATOR


class Configuration(Request, frozen=True):
    """Export the configuration with the corrections on screen."""

    corrections: tuple[Correction, ...]
