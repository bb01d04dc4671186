"""Parts of a message for the Explore page: views, toolbar, table, side panel, exports, help."""

from __future__ import annotations

from typing import Literal, TypedDict

from msgspec import UNSET, UnsetType

from explorer.model.screen import DragTool
from explorer.model.selection import SelectionMode
from explorer.protocol.requests.regions import RegionForm
from explorer.protocol.updates.base import ColumnChoice, Float64s, MessagePart, Row
from explorer.protocol.updates.colours import LookState
from explorer.protocol.updates.figures import AnyFigure, AnyLayer, Legend
from explorer.protocol.updates.table import ColumnFacts, ColumnValues, TableState


class ViewChoice(Row, frozen=True):
    """A view on the menu; missing where the catalogue has no values for it."""

    view: str
    title: str
    missing: bool


class GridState(MessagePart, frozen=True):
    """The grid of views; None leaves a view as it is."""

    panels: tuple[AnyFigure | None, ...]
    enlarged: int | None
    catalogue: tuple[ViewChoice, ...] | UnsetType = UNSET
    columns: tuple[ColumnChoice, ...] | UnsetType = UNSET


class DotStyle(MessagePart, frozen=True):
    """Look of single stars: size in the usual one, opacity, and whether those of low levels are in front."""

    size: float
    opacity: float
    layered: bool


class Palettes(MessagePart, frozen=True):
    """Colours by level: red, green, blue and opacity, four bytes each of 256 levels."""

    everything: bytes
    members: bytes
    selected: bytes
    histogram: bytes
    dots: DotStyle


class Note(Row, frozen=True):
    """Note on selected stars that a view does not show: a few words, and a sentence."""

    text: str
    sentence: str


class SlotNote(Row, frozen=True):
    """The note of one view."""

    slot: int
    note: Note | None


class FocusMark(Row, frozen=True):
    """Positions at which a view marks the focused star; several if an angle repeats."""

    slot: int
    xs: tuple[float, ...]
    ys: tuple[float, ...]


class RegionMark(MessagePart, frozen=True):
    """A region of the selection in a view: handles as coordinates, and a line where sides are curved.

    ``fields`` are its numbers as texts, in rows as :class:`TypeRegion` has them; ``origin`` is where the view has the
    zero of its coordinates.
    """

    slot: int
    path: tuple[int, ...]
    origin: tuple[float, float]
    form: RegionForm
    excluded: bool
    title: str
    x: Float64s
    y: Float64s
    line_x: Float64s
    line_y: Float64s
    fields: tuple[tuple[str, ...], ...]


class SwitchedOverlay(Row, frozen=True):
    """An overlay that was switched on or off."""

    slot: int
    name: str
    on: bool


class SelectionCount(Row, frozen=True):
    """Selected stars, all stars and the share in percent, as texts."""

    selected: str
    total: str
    share: str


class SelectionName(Row, frozen=True):
    """Name and colour of the selection; "" without one."""

    name: str
    colour: str


class ToolbarState(MessagePart, frozen=True):
    """State of the toolbar."""

    count: SelectionCount
    subset: SelectionName
    tool: DragTool
    mode: SelectionMode
    undo: bool
    redo: bool
    colour_by: str
    grid: int
    colours: tuple[ColumnChoice, ...] | UnsetType = UNSET


class VerdictList(Row, frozen=True):
    """A list of judged stars."""

    name: str
    title: str


class SubsetState(MessagePart, frozen=True):
    """A named subset."""

    name: str
    colour: str
    count: str
    description: str
    visible: bool


class Suggestion(Row, frozen=True):
    """A word that can follow in an expression."""

    word: str
    help: str


class ExpressionFault(Row, frozen=True):
    """Fault of an expression, and the characters between which it is."""

    message: str
    start: int
    end: int


class CheckResult(MessagePart, frozen=True):
    """Check of a typed expression: stars that fit or the fault, and suggestions that begin at ``start``.

    ``notes`` are sentences on how units, names and functions were understood.
    """

    text: str
    cursor: int
    start: int
    suggestions: tuple[Suggestion, ...]
    count: str | UnsetType = UNSET
    error: ExpressionFault | UnsetType = UNSET
    notes: tuple[str, ...] | UnsetType = UNSET


class ComputedState(MessagePart, frozen=True):
    """A computed column: its expression as typed and as recorded, and the stars with a value."""

    name: str
    label: str
    unit: str
    text: str
    definition: str
    count: str


class SelectionNode(MessagePart, frozen=True):
    """A part of a selection, with its own parts."""

    joint: str
    description: str
    count: str
    nodes: list[SelectionNode]


class SubsetParts(MessagePart, frozen=True):
    """Parts of a named subset."""

    name: str
    nodes: list[SelectionNode]


class OverlayUsed(Row, frozen=True):
    """A column of the catalogue, and the column of a table that is drawn for it."""

    ours: str
    theirs: str


class OverlayState(MessagePart, frozen=True):
    """A table over the views: its look, its columns, and what they are."""

    name: str
    colour: str
    style: Literal["line", "points"]
    on: bool
    rows: int
    columns: tuple[str, ...]
    breaks: str
    uses: tuple[OverlayUsed, ...]
    shown: str


class SideState(MessagePart, frozen=True):
    """Changes of the side panel."""

    open: bool | UnsetType = UNSET
    views: tuple[str, ...] | UnsetType = UNSET
    verdicts: tuple[VerdictList, ...] | UnsetType = UNSET
    categories: tuple[ColumnChoice, ...] | UnsetType = UNSET
    subsets: tuple[SubsetState, ...] | UnsetType = UNSET
    check: CheckResult | UnsetType = UNSET
    computed: tuple[ComputedState, ...] | UnsetType = UNSET
    column_check: CheckResult | UnsetType = UNSET
    column_report: str | UnsetType = UNSET
    column_done: bool | UnsetType = UNSET
    overlays: tuple[OverlayState, ...] | UnsetType = UNSET
    overlay_columns: tuple[ColumnChoice, ...] | UnsetType = UNSET
    overlay_report: str | UnsetType = UNSET
    overlay_refused: bool | UnsetType = UNSET
    children: SubsetParts | UnsetType = UNSET
    report: str | UnsetType = UNSET
    place: Literal["list", "refused", "subset"] | UnsetType = UNSET
    saved: bool | UnsetType = UNSET


class ExportForm(Row, frozen=True):
    """A format of exported tables."""

    key: str
    label: str


class PaperFigure(Row, frozen=True):
    """A figure of the paper, and the sentence on what it lacks, "" where it can be drawn."""

    key: str
    title: str
    missing: str


class Exports(MessagePart, frozen=True):
    """Available exports."""

    forms: tuple[ExportForm, ...]
    figures: tuple[PaperFigure, ...]
    summary: str
    samp: bool


class Link(MessagePart, frozen=True):
    """A link that was made."""

    token: str


class Continued(MessagePart, frozen=True):
    """Sentence about the work that was left, and the name of the button that changes it."""

    text: str
    action: str


class Shortcut(Row, frozen=True):
    """Keys, parted by blanks, and what they do."""

    keys: str
    meaning: str


class ViewHelp(Row, frozen=True):
    """A view, and what it shows."""

    title: str
    about: str


class TourStep(Row, frozen=True):
    """A CSS selector, and a text beside the element that it selects."""

    selector: str
    text: str


class StoryChoice(Row, frozen=True):
    """A story that is offered, and the sentence on what it lacks, "" where it can be followed."""

    key: str
    title: str
    about: str
    lack: str


class Welcome(MessagePart, frozen=True):
    """Sentences on the catalogue and on where to begin, the stories, and the steps of the tour."""

    title: str
    sentences: tuple[str, ...]
    stories: tuple[StoryChoice, ...]
    tour: tuple[TourStep, ...]


class StoryShown(MessagePart, frozen=True):
    """A story that was set up, and its steps."""

    key: str
    title: str
    steps: tuple[TourStep, ...]


class HelpContent(MessagePart, frozen=True):
    """Gestures, views, shortcuts, and the welcome with the tour."""

    gestures: tuple[str, ...]
    views: tuple[ViewHelp, ...]
    shortcuts: tuple[Shortcut, ...]
    welcome: Welcome


class ExploreUpdate(TypedDict, total=False):
    """Parts for the Explore page, beside those of a star."""

    resume: str
    continued: Continued
    offer: tuple[TourStep, ...]
    reload: bool
    person: str
    welcome: Welcome
    story: StoryShown
    help: HelpContent
    stage: GridState
    colours: Palettes
    legend: Legend
    look: LookState
    layers: tuple[AnyLayer, ...]
    pixels: bytes
    notes: tuple[SlotNote, ...]
    focus: tuple[FocusMark, ...]
    regions: tuple[RegionMark, ...]
    switched: SwitchedOverlay
    tool: DragTool
    home: bool
    toolbar: ToolbarState
    table: TableState
    column_facts: tuple[ColumnFacts, ...]
    column_values: tuple[ColumnValues, ...]
    side: SideState
    exports: Exports
    link: Link
