"""Events of the vetting record: a verdict, adjudication or undo, with the version of the fit."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

MAX_NOTE_CHARACTERS = 10_000
MAX_CLASS_CHARACTERS = 40
MAX_FLAGS = 64
MAX_CATALOGUE_CHARACTERS = 200
MAX_FIT_CHARACTERS = 64
CLASS = "class"
"""Key of a proposed spectral class."""
MAX_REFIT_CHARACTERS = 20_000
REFIT = "refit"
"""Key of the refit, as JSON, that a proposal is based on."""

NAME_PATTERN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,63}")
"""Valid user names: no slash and no space, so that they are safe in paths and logs."""

_UTC_PATTERN = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", re.ASCII)
LARGEST_STAR = 2**63 - 1


class EventError(ValueError):
    """An event violates the rules of the record."""


class EventKind(StrEnum):
    """Kind of an event."""

    VERDICT = "verdict"
    ADJUDICATION = "adjudication"
    UNDO = "undo"


class Authority(StrEnum):
    """How the user of an event was authenticated."""

    PASSWORD = "password"  # noqa: S105 - a word, not a secret
    OAUTH = "oauth"
    SINGLE_USER = "single-user"


@dataclass(frozen=True)
class VettingEvent:
    """One immutable event of the record.

    Parameters
    ----------
    id : str
        UUID made by the client, so that sending it again changes nothing.
    kind : EventKind
        Verdict, adjudication or undo.
    campaign : str
        Id of the campaign.
    user : str
        User name.
    utc : str
        Time, as ``2026-01-31T12:00:00.000000Z``: text that sorts.
    star : int
        obsid.
    occasion : int
        1, or 2 when the star was shown again to measure consistency.
    verdict : int or None
        None for an undo.
    flags : tuple of str
        Problems of the star, sorted.
    note : str
        Free text, shown as text.
    proposal : mapping of str to float or str
        Values proposed instead of the published ones, by column; ``class`` is a text, ``refit`` the JSON of
        the :class:`explorer.model.proposals.Proposal` that they are from.
    catalogue : str
        Version of the catalogue that was inspected.
    fit : str
        Hash of the star's fit in it.
    supersedes : str or None
        The event that this one replaces or, for an undo, withdraws.
    authority : Authority
        How the user was authenticated.
    """

    id: str
    kind: EventKind
    campaign: str
    user: str
    utc: str
    star: int
    occasion: int = 1
    verdict: int | None = None
    flags: tuple[str, ...] = ()
    note: str = ""
    proposal: Mapping[str, float | str] = field(default_factory=dict)
    catalogue: str = ""
    fit: str = ""
    supersedes: str | None = None
    authority: Authority = Authority.PASSWORD

    def __post_init__(self) -> None:
        """Refuse invalid values; the message names the field."""
        for breach in self._breaches():
            raise EventError(f"This event cannot be recorded: {breach}.")

    def _breaches(self) -> list[str]:
        is_undo = self.kind is EventKind.UNDO
        violations = [
            (not is_uuid(self.id), f"id {self.id!r:.60} is not a UUID in lower case"),
            (not is_uuid(self.campaign), f"campaign {self.campaign!r:.60} is not a UUID in lower case"),
            (not NAME_PATTERN.fullmatch(self.user), f"user {self.user!r:.80} is not a name"),
            (not is_utc(self.utc), f"utc {self.utc!r:.60} is not like 2026-01-31T12:00:00.000000Z"),
            (not 0 < self.star <= LARGEST_STAR, f"star {self.star!r:.60} is not an obsid"),
            (self.occasion not in (1, 2), f"occasion {self.occasion!r:.60} is neither 1 nor 2"),
            (is_undo != (self.verdict is None), "an undo has no verdict, every other event has one"),
            (self.verdict is not None and not 0 <= self.verdict <= 9, f"verdict {self.verdict!r:.60} is no digit"),
            (is_undo and self.supersedes is None, "an undo names the event that it withdraws"),
            (self.supersedes is not None and not is_uuid(self.supersedes), "the superseded event is not a UUID"),
            (len(self.flags) > MAX_FLAGS, f"there are more than {MAX_FLAGS} flags"),
            (list(self.flags) != sorted(set(self.flags)), "flags are repeated or out of order"),
            (len(self.note) > MAX_NOTE_CHARACTERS, f"the note has more than {MAX_NOTE_CHARACTERS:,} characters"),
            (len(self.catalogue) > MAX_CATALOGUE_CHARACTERS, f"catalogue {self.catalogue!r:.60} is too long"),
            (len(self.fit) > MAX_FIT_CHARACTERS, f"fit {self.fit!r:.60} is too long"),
            (any("\0" in text for text in self._texts()), "a text holds the character NUL"),
            (not all(_encodable(text) for text in self._texts()), "a text is not valid Unicode"),
        ]
        return [text for broken, text in violations if broken] + self._proposal_breaches()

    def _texts(self) -> tuple[str, ...]:
        text_values = tuple(value for value in self.proposal.values() if isinstance(value, str))
        return (self.note, self.catalogue, self.fit, *self.flags, *self.proposal, *text_values)

    def _proposal_breaches(self) -> list[str]:
        violations = []
        for name, value in self.proposal.items():
            if name == CLASS:
                if not isinstance(value, str) or len(value) > MAX_CLASS_CHARACTERS:
                    violations.append("the proposed class is not a short word")
            elif name == REFIT:
                if not isinstance(value, str) or len(value) > MAX_REFIT_CHARACTERS:
                    violations.append("the refit is not a short text")
            elif isinstance(value, (str, bool)) or not math.isfinite(value):
                violations.append(f"the proposed {name!r:.60} is not a finite number")
        return violations

    def to_dict(self) -> dict[str, Any]:
        """Convert to plain values, ready for JSON; :meth:`from_dict` is the inverse."""
        return {
            "id": self.id,
            "kind": str(self.kind),
            "campaign": self.campaign,
            "user": self.user,
            "utc": self.utc,
            "star": self.star,
            "occasion": self.occasion,
            "verdict": self.verdict,
            "flags": list(self.flags),
            "note": self.note,
            "proposal": dict(sorted(self.proposal.items())),
            "catalogue": self.catalogue,
            "fit": self.fit,
            "supersedes": self.supersedes,
            "authority": str(self.authority),
        }

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> VettingEvent:
        """Create an event from plain values.

        Raises
        ------
        EventError
            If a field is missing, unknown or of the wrong type, or breaks a rule.
        """
        if not isinstance(stored, Mapping) or set(stored) != _FIELDS:
            raise EventError(f"An event has the fields {', '.join(sorted(_FIELDS))}; found {stored!r:.200}.")
        for name, kinds in _TYPES.items():
            if not isinstance(stored[name], kinds) or isinstance(stored[name], bool):
                raise EventError(f"Field {name} of an event is {stored[name]!r:.60}, of the wrong type.")
        try:
            return cls(
                **{
                    **stored,
                    "kind": EventKind(stored["kind"]),
                    "flags": tuple(str(flag) for flag in stored["flags"]),
                    "proposal": dict(stored["proposal"]),
                    "authority": Authority(stored["authority"]),
                }
            )
        except (TypeError, ValueError, OverflowError) as error:
            raise EventError(str(error)) from error

    def to_json(self) -> str:
        """Serialize as one line of JSON."""
        return json.dumps(self.to_dict(), ensure_ascii=False, sort_keys=True)


_FIELDS = frozenset(VettingEvent.__dataclass_fields__)
_TYPES: dict[str, type | tuple[type, ...]] = {
    **dict.fromkeys(("id", "kind", "campaign", "user", "utc", "note", "catalogue", "fit", "authority"), str),
    **dict.fromkeys(("star", "occasion"), int),
    "verdict": (int, type(None)),
    "supersedes": (str, type(None)),
    "flags": list,
    "proposal": dict,
}


def is_uuid(text: str) -> bool:
    """Whether a text is a UUID in the form of ``str(UUID)``."""
    try:
        return str(UUID(text)) == text
    except (ValueError, AttributeError, TypeError):
        return False


def _encodable(text: str) -> bool:
    """Whether a text can be encoded in UTF-8; half a surrogate pair cannot."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def is_utc(text: str) -> bool:
    """Whether a text is a time in the form of :func:`utc_text`."""
    if not _UTC_PATTERN.fullmatch(text):
        return False
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def utc_text(moment: datetime) -> str:
    """Format a time as the record stores it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def utc_of(text: str) -> datetime:
    """Parse a time; the inverse of :func:`utc_text`."""
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)


def just_after(*texts: str, now: datetime | None = None) -> str:
    """The current time, but later than the given times, so that an undo sorts after its target."""
    moment = now or datetime.now(UTC)
    for text in texts:
        moment = max(moment, utc_of(text) + timedelta(microseconds=1))
    return utc_text(moment)
