"""Messages between the page and the server: requests of the page, and the fields of what the server sends.

Each request is a frozen structure with the role that it needs; its kind on the wire is its name in snake case. What
the server sends is one message of any of the fields of :class:`Update`. The types of the page,
``assets/js/protocol.d.ts``, are generated from this module (:mod:`explorer.protocol_types`).
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, Literal, TypeAlias, TypedDict, TypeVar

import msgspec
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


class ViewSize(Struct, frozen=True, forbid_unknown_fields=True):
    """What one view of the grid shows: its window in data coordinates and its size in pixels."""

    slot: Index
    window: tuple[float, float, float, float]
    width: int
    height: int


class Rectangle(Struct, frozen=True, forbid_unknown_fields=True, tag_field="type", tag="rect"):
    """A rectangle that was drawn, in data coordinates."""

    x0: float
    x1: float
    y0: float
    y1: float


class Outline(Struct, frozen=True, forbid_unknown_fields=True, tag_field="type", tag="poly"):
    """A closed outline that was drawn, in data coordinates."""

    x: tuple[float, ...]
    y: tuple[float, ...]


class SpectrumLook(Struct, frozen=True, forbid_unknown_fields=True):
    """How the spectrum is shown."""

    lines: bool
    model: bool
    residual: bool
    raw: bool
    observed: bool
    smooth: float
    compare: Name


class Correction(Struct, frozen=True, forbid_unknown_fields=True):
    """One choice of the columns page: which column of a table has a role, and its unit."""

    table: Index
    ours: Name
    theirs: str | None
    unit: str | None = None


# Every room


class Connect(Request, frozen=True):
    """A page is ready to receive everything."""

    seen: bool = False
    browser: str | None = None


# Explore


class Painted(Request, frozen=True):
    """The views of the first page are drawn."""


class Look(Request, frozen=True):
    """Views were panned, zoomed or resized."""

    views: tuple[ViewSize, ...]


class Region(Request, frozen=True):
    """A region was drawn in a view."""

    slot: Slot
    geometry: Rectangle | Outline
    keys: Keys = ()


class Tap(Request, frozen=True):
    """A view was clicked."""

    slot: Slot
    x: float
    y: float
    keys: Keys = ()


class Swap(Request, frozen=True):
    """Show another view in a place of the grid."""

    slot: Slot
    view: Name


class Axis(Request, frozen=True):
    """Put a column on an axis of a view."""

    slot: Slot
    axis: Literal["x", "y"]
    column: Name


class Switch(Request, frozen=True):
    """Show or hide a layer of a view."""

    slot: Slot
    name: Name
    on: bool


class Part(Request, frozen=True):
    """Show another slice of the disc."""

    slot: Slot
    part: Index


class Enlarge(Request, frozen=True):
    """Show one view alone, or all again."""

    slot: Slot


class Grid(Request, frozen=True):
    """Show so many views."""

    value: int


class Home(Request, frozen=True):
    """Show the whole range of every view."""


class Tool(Request, frozen=True):
    """Choose what a drag does."""

    value: Name


class Mode(Request, frozen=True):
    """Choose how a gesture changes the selection."""

    value: Name


class Colour(Request, frozen=True):
    """Choose the column that colours the stars."""

    value: Name


class Undo(Request, frozen=True):
    """Return to the selection before."""


class Redo(Request, frozen=True):
    """Repeat what was undone."""


class Clear(Request, frozen=True):
    """Select every star."""


class Help(Request, frozen=True):
    """Show gestures and shortcuts."""


class Page(Request, frozen=True):
    """Turn the table to another page."""

    by: Literal["first", "last"] | int


class Sort(Request, frozen=True):
    """Sort the table by a column, or the other way round."""

    column: Name


class Focus(Request, frozen=True):
    """Show one star."""

    obsid: Name


class Side(Request, frozen=True):
    """Open or close the panel of filters and subsets."""

    open: bool | None = None


class Check(Request, frozen=True):
    """Check an expression while it is typed."""

    text: Text
    cursor: Index


class Filter(Request, frozen=True):
    """Select the stars that an expression fits."""

    text: Text


class Keep(Request, frozen=True):
    """Name the selection."""

    name: Name


class Subset(Request, frozen=True):
    """Use, show or remove a named subset."""

    name: Name
    action: Name


class Categories(Request, frozen=True):
    """Name the stars of each value of a column."""

    column: Name


class Upload(Request, frozen=True):
    """A part of a file, in base64."""

    upload: Annotated[str, Meta(max_length=80)]
    part: Index
    data: Base64


class Members(Request, frozen=True):
    """Select the stars of a list: a file in base64, or one that was uploaded in parts."""

    size: Index
    data: Base64 | None = None
    upload: str | None = None


class Verdicts(Request, frozen=True):
    """Select the stars of a list of verdicts."""

    name: Name


class SaveView(Request, frozen=True):
    """Save the view under a name."""

    name: Name


class View(Request, frozen=True):
    """Show a saved view."""

    name: Name


class ForgetView(Request, frozen=True):
    """Remove a saved view."""

    name: Name


class More(Request, frozen=True):
    """List what can be exported."""


class Share(Request, frozen=True):
    """Make a link to what is on screen."""


class Export(Request, frozen=True):
    """Export the selected stars as a table."""

    value: Name


class Samp(Request, frozen=True):
    """Send the selected stars to programs on this machine."""


class Picture(Request, frozen=True):
    """Export the picture of a view."""

    slot: Slot
    form: Name


class Paper(Request, frozen=True):
    """Export a figure of the paper."""

    key: Name
    form: Name


# One star


class StarStep(Request, frozen=True):
    """Show the next or the previous star."""

    by: int
    unvetted: bool = False


class StarFind(Request, frozen=True):
    """Show the star of an obsid."""

    text: Name


class StarPin(Request, frozen=True):
    """Put another star's spectrum beside this one."""

    obsid: Name


class StarPage(Request, frozen=True):
    """Show the star alone, or beside the views."""

    on: bool


class StarFile(Request, frozen=True):
    """Export the spectrum, or its picture."""

    form: Name
    ends: Ends
    look: SpectrumLook
    masked: Intervals = ()
    trial: dict[Name, float | None] | None = None
    pins: tuple[Name, ...] = ()


class Slide(Request, frozen=True):
    """Draw the model at the labels of the sliders; None where a slider has no value."""

    labels: dict[Name, float | None]
    number: int


class Refit(Request, frozen=True):
    """Fit the star again."""

    fixed: Labels
    fit_rv: bool
    masked: Intervals


class Propose(Request, frozen=True):
    """Keep the last fit as a proposal."""

    why: Text


class Evidence(Request, frozen=True):
    """Compute the evidence for the star's labels."""


class Alike(Request, frozen=True):
    """List similar stars."""

    by: Name


class AlikeSelect(Request, frozen=True):
    """Select similar stars."""

    by: Name
    count: int


# Vetting


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
    """Take the last verdict back."""

    role: ClassVar[Role] = Role.INSPECTOR

    id: Name


class VetRedo(Request, frozen=True):
    """Give the verdict again that was taken back."""

    role: ClassVar[Role] = Role.INSPECTOR

    id: Name


class Case(Request, frozen=True):
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
    despite: Text = ""


# The page of columns


class Apply(Request, frozen=True):
    """Keep corrections and build again."""

    role: ClassVar[Role] = Role.ADJUDICATOR

    corrections: tuple[Correction, ...]


class Again(Request, frozen=True):
    """Build again."""

    role: ClassVar[Role] = Role.ADJUDICATOR


class Configuration(Request, frozen=True):
    """Export the configuration with the corrections on screen."""

    corrections: tuple[Correction, ...]


def title_of(request: Request) -> str:
    """What a request does, in a few words: the first line of its docstring."""
    return (type(request).__doc__ or "").partition(".")[0].partition(":")[0]


SomeRequest = TypeVar("SomeRequest", bound=Request)

REQUESTS: dict[str, type[Request]] = {kind_of(one.__name__): one for one in Request.__subclasses__()}
"""Every request by its kind."""


class UnknownRequestError(ValueError):
    """A message of a kind that no page sends."""


class MalformedRequestError(ValueError):
    """A message of a known kind with a field that is missing, unknown or of another type."""


def decode(data: object) -> Request:
    """Decode a message of the page.

    Parameters
    ----------
    data : object
        What came over the wire.

    Raises
    ------
    UnknownRequestError
        If it is no mapping with a known kind.
    MalformedRequestError
        If a field is missing, unknown, of another type, or a number that is not finite.
    """
    kind = data.get("kind") if isinstance(data, dict) else None
    request = REQUESTS.get(kind) if isinstance(kind, str) else None
    if request is None:
        raise UnknownRequestError(f"no page sends {data!r:.200}")
    try:
        decoded = msgspec.convert(data, request)
    except (msgspec.ValidationError, RecursionError, OverflowError) as error:
        raise MalformedRequestError(f"{kind}: {error!s:.300}") from error
    for number in _numbers(data):
        if not math.isfinite(number):
            raise MalformedRequestError(f"{kind}: a number is {number}")
    return decoded


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


def _numbers(value: Any) -> Iterator[float]:
    """Every number inside a decoded message, which is no deeper than its type."""
    if isinstance(value, float):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from _numbers(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _numbers(item)
