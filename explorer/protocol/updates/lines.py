"""Parts of a message about lists of spectral lines."""

from __future__ import annotations

from msgspec import UNSET, UnsetType

from explorer.protocol.updates.base import MessagePart, Row


class RestLine(Row, frozen=True):
    """A line and its rest wavelength in vacuum, in Angstrom."""

    name: str
    wavelength: float


class LineListState(MessagePart, frozen=True):
    """A list of lines in order of wavelength; the colour is "" for a built-in list."""

    name: str
    colour: str
    on: bool
    lines: tuple[RestLine, ...]


class LineListsState(MessagePart, frozen=True):
    """All lists of lines; a report, or the reason of a refusal, where a file was read."""

    lists: tuple[LineListState, ...]
    report: str | UnsetType = UNSET
    refused: bool | UnsetType = UNSET
