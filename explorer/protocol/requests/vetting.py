"""Requests of the rooms Vet, Adjudicate and Campaigns."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from msgspec import Meta

from explorer.protocol.requests.base import Base64, Index, Name, Request, Text
from explorer.vetting.people import Role


class Enter(Request, frozen=True):
    """Go to another room."""

    room: Literal["Explore", "Campaigns"]


class Campaign(Request, frozen=True):
    """Choose a campaign."""

    id: Name


class Judge(Request, frozen=True):
    """Record a verdict on a star."""

    role: ClassVar[Role] = Role.INSPECTOR

    id: Name
    star: Name
    verdict: int
    flags: tuple[Name, ...]
    note: Text
    campaign: str | None = None
    proposal: dict[Name, float | str] | None = None


class VetUndo(Request, frozen=True):
    """Undo the last verdict."""

    role: ClassVar[Role] = Role.INSPECTOR

    id: Name


class VetRedo(Request, frozen=True):
    """Redo the verdict that was undone."""

    role: ClassVar[Role] = Role.INSPECTOR

    id: Name


class OpenConflict(Request, frozen=True):
    """Open a conflict."""

    role: ClassVar[Role] = Role.ADJUDICATOR

    star: Name


class Start(Request, frozen=True):
    """Start a campaign on the selection."""

    role: ClassVar[Role] = Role.ADJUDICATOR

    name: Text
    stars: int
    rules: Text = ""


class ExportRecord(Request, frozen=True):
    """Export the whole record."""

    role: ClassVar[Role] = Role.ADJUDICATOR


class ExportVerdicts(Request, frozen=True):
    """Export the verdicts of all campaigns."""

    role: ClassVar[Role] = Role.ADJUDICATOR


class RecordPart(Request, frozen=True):
    """A part of a record that is merged, in base64."""

    role: ClassVar[Role] = Role.ADJUDICATOR

    upload: Annotated[str, Meta(max_length=80)]
    part: Index
    data: Base64


class Merge(Request, frozen=True):
    """Merge the record of another server: a file in base64, or one that was uploaded in parts."""

    role: ClassVar[Role] = Role.ADJUDICATOR

    size: Index
    data: Base64 | None = None
    upload: str | None = None


class Freeze(Request, frozen=True):
    """Write a release; with the reason to do so despite failed physics checks."""

    role: ClassVar[Role] = Role.ADJUDICATOR

    name: Name
    reason: Text = ""
