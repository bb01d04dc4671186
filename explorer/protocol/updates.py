"""Fields of what the server sends."""

from __future__ import annotations

from typing import Any, TypeAlias, TypedDict

Values: TypeAlias = dict[str, Any]
"""Named values of one kind of view, as its script reads them."""


class Download(TypedDict):
    """A file for the visitor."""

    name: str
    mime: str
    data: bytes


class Link(TypedDict):
    """A link that was made."""

    token: str


class Slid(TypedDict):
    """The model at the labels of the sliders."""

    obsid: str
    number: int
    model: Any


class Proposed(TypedDict):
    """A proposal that was kept."""

    obsid: str
    why: str
    json: str


class Alikes(TypedDict):
    """Similar stars, the most similar first."""

    by: str
    obsid: str
    found: list[str]


class Counts(TypedDict):
    """Stars that an inspector has judged, and that are left."""

    done: int
    left: int


class Merged(TypedDict):
    """What a merged record brought."""

    summary: str
    refused: list[str]


class Frozen(TypedDict):
    """A release that was written."""

    folder: str
    stars: int
    counts: dict[str, int]


class Theme(TypedDict):
    """Colours of figures."""

    dark: bool
    text: str
    grid: str
    background: str
    accent: str


class Update(TypedDict, total=False):
    """What the server sends: any of these fields, all of one message at the same moment."""

    say: str
    refused: str
    out_of_reach: str
    closed: str
    download: Download
    theme: bool | Theme
    resume: str
    reload: bool
    who: str
    tour: list[Any]
    help: Values
    stage: Values
    colours: Values
    legend: Any
    layers: list[Values]
    pixels: bytes
    notes: list[list[Any]]
    focus: list[list[Any]]
    switched: list[Any]
    tool: str
    home: bool
    toolbar: Values
    table: Values
    side: Values
    more: Values
    link: Link
    star_setup: Values
    star_page: bool
    star: Values
    ahead: list[Values]
    pinned: Values
    slid: Slid
    refit: Values
    proposed: Proposed
    evidence: Values
    posterior: Values
    alike: Alikes
    vet: Values
    counts: Counts
    fitted: dict[str, float]
    saved: str
    adjudicate: Values
    campaigns: Values
    merged: Merged
    frozen: Frozen
    may: bool
    refusal: str
    stays: bool
    status: Values
    columns: Values
    applied: bool


FIELDS: frozenset[str] = frozenset(Update.__annotations__)
"""Names of the fields that a page takes."""
