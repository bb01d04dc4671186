"""The bases of what the server sends, and the parts that every page takes.

A part is a frozen structure: on the wire an object with the names of its fields, a row a list of its values. A field
that is ``UNSET`` is left out of the message.
"""

from __future__ import annotations

from typing import Annotated, TypeAlias, TypedDict

import numpy as np
from msgspec import UNSET, Meta, Struct, UnsetType
from numpy.typing import NDArray

from explorer.model.screen import Theme

Float32s: TypeAlias = Annotated[NDArray[np.float32], Meta(extra={"typescript": "Float32Array"})]
Uint16s: TypeAlias = Annotated[NDArray[np.uint16], Meta(extra={"typescript": "Uint16Array"})]
Float64s: TypeAlias = Annotated[NDArray[np.float64], Meta(extra={"typescript": "Float64Array"})]


class MessagePart(Struct, frozen=True, forbid_unknown_fields=True):
    """A part of a message, or of another part."""


class Row(Struct, frozen=True, forbid_unknown_fields=True, array_like=True):
    """Values in a fixed order, sent as a list."""


class Sentence(MessagePart, frozen=True, tag_field="kind", tag="sentence"):
    """The reason why there is nothing to show."""

    sentence: str


class Download(MessagePart, frozen=True):
    """A file for the user."""

    name: str
    mime: str
    data: bytes


class Curve(MessagePart, frozen=True):
    """Numbers that are drawn: ``low + step * steps``, unknown where a step is 65,535.

    Where steps would be coarse beside the noise the numbers are in ``exact``, and there are no steps.
    """

    low: float
    step: float
    steps: Uint16s
    exact: Float32s | UnsetType = UNSET


class ColumnChoice(Row, frozen=True):
    """A column on a menu; its group is "" for a declared one."""

    name: str
    title: str
    group: str


class CommonUpdate(TypedDict, total=False):
    """Parts that every page takes."""

    message: str
    refused: str
    download: Download
    theme: Theme
