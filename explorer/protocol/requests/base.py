"""The base of requests, their kinds on the wire, and the values that fields of several rooms have."""

from __future__ import annotations

import re
from typing import Annotated, ClassVar, Literal, TypeAlias, TypeVar

from msgspec import Meta, Struct

from explorer.vetting.people import Role

Name: TypeAlias = Annotated[str, Meta(max_length=10_000)]
Text: TypeAlias = Annotated[str, Meta(max_length=200_000)]
Slot: TypeAlias = Annotated[int, Meta(ge=0, le=7)]
Index: TypeAlias = Annotated[int, Meta(ge=0)]
Ends: TypeAlias = tuple[float, float]
Intervals: TypeAlias = tuple[Ends, ...]
Labels: TypeAlias = dict[Name, float]
Keys: TypeAlias = tuple[Literal["shift", "ctrl"], ...]
Base64: TypeAlias = Annotated[str, Meta(max_length=4_000_000)]


def kind_of(name: str) -> str:
    """Kind on the wire of a class name: ``StarStep`` becomes ``star_step``."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


class Request(Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag=kind_of):
    """A message of the page."""

    role: ClassVar[Role] = Role.VIEWER
    """Lowest role that may send it; a room may need a higher one for all that is sent in it."""


SomeRequest = TypeVar("SomeRequest", bound=Request)


def title_of(request: Request) -> str:
    """Short description of a request: the first line of its docstring."""
    return (type(request).__doc__ or "").partition(".")[0].partition(":")[0]


class Connect(Request, frozen=True):
    """A page is ready to receive everything."""

    seen: bool = False
    browser: str | None = None
    tab: str | None = None
