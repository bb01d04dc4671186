"""Requests about lists of spectral lines."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from explorer.protocol.requests.base import Name, Request

MAX_LINE_FILE_BASE64 = 700_000
"""Maximum length of a file with lines in base64."""


class LineFile(Request, frozen=True):
    """Show the lines of a file or of a pasted text, in base64.

    ``unit`` and ``air`` hold where the file does not state the unit and the medium of its wavelengths.
    """

    name: Name
    data: Annotated[str, Meta(max_length=MAX_LINE_FILE_BASE64)]
    unit: Literal["Å", "nm", "µm"]
    air: bool


class LineSwitch(Request, frozen=True):
    """Show or hide a list of lines."""

    name: Name
    on: bool


class LineForget(Request, frozen=True):
    """Remove a list of the user's own lines."""

    name: Name
