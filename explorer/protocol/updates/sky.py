"""Parts of a message about the sky around a star: an image with its marks, names."""

from __future__ import annotations

from typing import TypedDict

from explorer.protocol.updates.base import MessagePart, Row


class SurveyChoice(Row, frozen=True):
    """A survey of the menu."""

    name: str
    title: str


class SkySetup(MessagePart, frozen=True):
    """Menus of images and what a request sends to whom; a sentence where none can be requested."""

    sentence: str
    surveys: tuple[SurveyChoice, ...]
    fields_arcmin: tuple[int, ...]
    image_privacy: str
    name_privacy: str


class SkyStroke(Row, frozen=True):
    """A straight line over an image, in fractions of its side from the upper left corner."""

    kind: str
    x0: float
    y0: float
    x1: float
    y1: float


class SkyLabel(Row, frozen=True):
    """A text over an image, with the place of its middle."""

    text: str
    x: float
    y: float


class SkyView(MessagePart, frozen=True, tag_field="kind", tag="image"):
    """An image of the sky with its marks; ``about`` describes it in words."""

    obsid: str
    number: int
    mime: str
    data: bytes
    strokes: tuple[SkyStroke, ...]
    labels: tuple[SkyLabel, ...]
    about: str
    caption: str


class NoSkyView(MessagePart, frozen=True, tag_field="kind", tag="sentence"):
    """The reason why there is no image, and whether the same request may help."""

    obsid: str
    number: int
    sentence: str
    again: bool


class NamedObject(Row, frozen=True):
    """An object near a star: main identifier, type, other identifiers, separation in words."""

    name: str
    type: str
    others: tuple[str, ...]
    separation: str


class NamesList(MessagePart, frozen=True, tag_field="kind", tag="names"):
    """Objects around a star, the nearest first, and where they are from."""

    obsid: str
    objects: tuple[NamedObject, ...]
    source: str


class NoNames(MessagePart, frozen=True, tag_field="kind", tag="sentence"):
    """The reason why names could not be fetched."""

    obsid: str
    sentence: str
    again: bool


class SkyUpdate(TypedDict, total=False):
    """Parts about the sky around a star, in every room that shows one."""

    sky_setup: SkySetup
    sky_view: SkyView | NoSkyView
    sky_names: NamesList | NoNames
