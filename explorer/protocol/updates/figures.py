"""Specifications from which the page builds views, and the layers that are drawn on them."""

from __future__ import annotations

from typing import Literal, TypeAlias

from msgspec import UNSET, UnsetType, field

from explorer.protocol.requests.base import Ends
from explorer.protocol.updates.base import Float32s, Float64s, MessagePart, Row
from pipeline.figures.disc_map import MapOf

Window: TypeAlias = tuple[float, float, float, float]
ScaleKind: TypeAlias = Literal["density", "value", "category"]


class LegendEntry(Row, frozen=True):
    """A category and its colour."""

    name: str
    colour: str


class Legend(MessagePart, frozen=True):
    """Meaning of colours: a CSS gradient between two ends, or categories with their colours."""

    label: str
    low: str | UnsetType = UNSET
    high: str | UnsetType = UNSET
    gradient: str | UnsetType = UNSET
    entries: tuple[LegendEntry, ...] | UnsetType = UNSET


class Caption(Row, frozen=True):
    """Text beside a view's title; its mark is in the colour of what it names."""

    text: str
    colour: str
    mark: Literal["", "line", "dot"]


ScaleName: TypeAlias = Literal["linear", "log", "symlog"]


class AxisSpec(MessagePart, frozen=True):
    """An axis: column, present and first ends in drawing order; period and widest range of an angle.

    Ends are coordinates on its scale, of which ``width`` is the nearly linear part; ``scales`` are those it can have.
    """

    column: str
    label: str
    unit: str
    ends: Ends
    home: Ends
    turn: float | None
    widest: float | None
    scale: ScaleName
    width: float
    scales: tuple[ScaleName, ...]
    flipped: bool


class CountAxis(MessagePart, frozen=True):
    """The axis of numbers of stars; its ends are None where the highest bar sets them."""

    label: str
    ends: Ends | None
    scale: ScaleName
    scales: tuple[ScaleName, ...]
    flipped: bool


class ContoursSpec(MessagePart, frozen=True):
    """Stars whose density contours show, and per cent of those in view that each encloses."""

    of: Literal["", "selected", "all"]
    levels: tuple[float, ...]


class Shape(MessagePart, frozen=True, tag_field="kind"):
    """Shape of an overlay."""


class LinesShape(Shape, frozen=True, tag="lines"):
    """Dashed curves, each with its colour; with a casing they are seen over stars of any colour."""

    xs: tuple[Float32s, ...]
    ys: tuple[Float32s, ...]
    colours: tuple[str, ...]
    cased: bool


class DotsShape(Shape, frozen=True, tag="dots"):
    """Grey points under the stars."""

    x: Float32s
    y: Float32s


class SunShape(Shape, frozen=True, tag="sun"):
    """The solar position, on each of several maps."""

    x: tuple[float, ...]
    y: tuple[float, ...]


class ArrowsShape(Shape, frozen=True, tag="arrows"):
    """Velocities, which are sent as a layer."""


class CurveShape(Shape, frozen=True, tag="curve"):
    """Lines of a table of the user's own, in one colour."""

    xs: tuple[Float32s, ...]
    ys: tuple[Float32s, ...]
    colour: str


class MarksShape(Shape, frozen=True, tag="marks"):
    """Points of a table of the user's own, in one colour."""

    x: Float32s
    y: Float32s
    colour: str


class NoShape(Shape, frozen=True, tag="none"):
    """No shape, for a switch of an image that the server draws."""


AnyShape: TypeAlias = LinesShape | DotsShape | SunShape | ArrowsShape | CurveShape | MarksShape | NoShape


class SwitchSpec(MessagePart, frozen=True):
    """An option of a histogram that can be switched on and off."""

    name: str
    label: str
    on: bool


class OverlaySpec(MessagePart, frozen=True):
    """An overlay of a plane that can be switched on and off."""

    name: str
    label: str
    on: bool
    shape: AnyShape


class FigureSpec(MessagePart, frozen=True, tag_field="kind"):
    """Specification of one view of the grid."""

    view: str
    title: str
    caption: tuple[Caption, ...]


class MissingSpec(FigureSpec, frozen=True, tag="missing"):
    """A view whose columns the catalogue lacks; nothing can be switched."""

    overlays: tuple[SwitchSpec, ...]
    sentence: str


class PartChoice(Row, frozen=True):
    """A slice of a disc map on its menu, and whether it has too few stars."""

    label: str
    lacking: bool


class MapOffset(Row, frozen=True):
    """Shift in x and y at which a disc map is drawn beside others, from its own coordinates."""

    x: float
    y: float


class KeyChoice(Row, frozen=True):
    """An entry of a menu."""

    key: str
    title: str


class MapSpec(MessagePart, frozen=True):
    """A disc map: its slices, the present one, the stars that it is of, and the maps beside one another."""

    parts: tuple[PartChoice, ...]
    part: int
    of: MapOf
    window: Window
    offsets: tuple[MapOffset, ...]


class SkySpec(MessagePart, frozen=True):
    """A projected sky: its projection, frame and centre, and what can be chosen."""

    projection: str
    frame: str
    lon: str
    lat: str
    has_latitude: bool
    projections: tuple[KeyChoice, ...]
    frames: tuple[KeyChoice, ...]


class SpaceGuide(MessagePart, frozen=True):
    """A line of a space, such as an axis, in units of the plane from its centre; its end has a label."""

    x: Float32s
    y: Float32s
    z: Float32s
    label: str


class SpaceMark(MessagePart, frozen=True):
    """A marked place of a space, in units of the plane from its centre."""

    x: float
    y: float
    z: float
    label: str


class SpaceSpec(MessagePart, frozen=True):
    """A space of three columns: the direction from which it is seen, its columns, and what is drawn in it."""

    azimuth: float
    elevation: float
    columns: tuple[str, str, str]
    guides: tuple[SpaceGuide, ...]
    marks: tuple[SpaceMark, ...]


class PlaneSpec(FigureSpec, frozen=True, tag="plane"):
    """One column against another, or a disc map or a projection, which have a specification more.

    ``hover`` has the names of what a star's tooltip shows in place of its coordinates.
    """

    overlays: tuple[OverlaySpec, ...]
    about: str
    square: bool
    x: AxisSpec
    y: AxisSpec
    contours: ContoursSpec
    map: MapSpec | UnsetType = UNSET
    sky: SkySpec | UnsetType = UNSET
    space: SpaceSpec | UnsetType = UNSET
    hover: tuple[str, ...] = ()


class CornerSpec(FigureSpec, frozen=True, tag="corner"):
    """Every column against every other one: the axes of each along x and along y, and the gap.

    The cell in row ``r`` from the top and column ``c`` is the unit square whose lower left corner is (c, n - 1 - r),
    without a margin of ``gap`` on each side; the diagonal has histograms.
    """

    overlays: tuple[SwitchSpec, ...]
    about: str
    x: tuple[AxisSpec, ...]
    y: tuple[AxisSpec, ...]
    gap: float


class BarsSpec(FigureSpec, frozen=True, tag="bars"):
    """A histogram."""

    overlays: tuple[SwitchSpec, ...]
    x: AxisSpec
    y: CountAxis
    bins: int


AnyFigure: TypeAlias = MissingSpec | PlaneSpec | CornerSpec | BarsSpec


class Layer(MessagePart, frozen=True, tag_field="kind"):
    """A layer of one view."""

    slot: int


class ImageLayer(Layer, frozen=True, tag="image"):
    """An image of levels: its shape, and the range of its packed bytes in the message's ``pixels``."""

    name: Literal["everything", "members", "selected"]
    window: Window
    shape: tuple[int, int]
    start: int = field(name="from")
    end: int = field(name="to")


class StarsLayer(Layer, frozen=True, tag="stars"):
    """Stars one by one; ``hover`` has what their tooltips show in place of coordinates."""

    x: Float32s
    y: Float32s
    id: Float64s
    name: Literal["stars"] = "stars"
    hover: tuple[Float32s, ...] = ()


class PickedLayer(Layer, frozen=True, tag="picked"):
    """Colour level of each star of the layer ``stars``, a byte each; 0 for one that is not drawn."""

    levels: bytes
    name: Literal["picked", "members"] = "picked"


class ChosenLayer(Layer, frozen=True, tag="chosen"):
    """A few selected stars, their colour levels (0 without one), and the diameter of their dots in pixels.

    ``hover`` has what their tooltips show in place of coordinates, as that of the layer ``stars``.
    """

    x: Float32s
    y: Float32s
    id: Float64s
    levels: bytes
    size: float
    name: Literal["chosen"] = "chosen"
    hover: tuple[Float32s, ...] = ()


class DotsLayer(Layer, frozen=True, tag="dots"):
    """Shifts in x and y at which the dots of overlays are repeated."""

    overlays: tuple[str, ...]
    images: tuple[Ends, ...]
    name: Literal["dots"] = "dots"


class ArrowsLayer(Layer, frozen=True, tag="arrows"):
    """Starts and ends of velocities."""

    x0: Float32s
    y0: Float32s
    x1: Float32s
    y1: Float32s
    name: Literal["arrows"] = "arrows"


class BarsPart(MessagePart, frozen=True):
    """Bars of the selected stars of one category."""

    name: str
    colour: str
    counts: Float64s
    heights: Float64s


class BarsLayer(Layer, frozen=True, tag="bars"):
    """Bars of a histogram: one edge more than counts and heights, which are counts, shares or sums.

    ``least`` is the height of a single star; parts replace the bars where colours are categories.
    """

    name: Literal["everything", "selected"]
    edges: Float64s
    counts: Float64s
    heights: Float64s
    least: float
    parts: tuple[BarsPart, ...] = ()


class MarginBars(MessagePart, frozen=True):
    """Heights of equal bars as fractions of the highest; the colour is "" for that of the layer."""

    colour: str
    heights: Float32s


class MarginsLayer(Layer, frozen=True, tag="margins"):
    """Histograms of the stars in a window of a plane, along x and along y."""

    name: Literal["margins_all", "margins_selected"]
    window: Window
    x: tuple[MarginBars, ...]
    y: tuple[MarginBars, ...]


class StepsLayer(Layer, frozen=True, tag="steps"):
    """Outlines of histograms in a view; a colour is "" for that of the layer, which is filled."""

    name: Literal["steps_all", "steps_selected"]
    xs: tuple[Float32s, ...]
    ys: tuple[Float32s, ...]
    colours: tuple[str, ...]


class ErrorsLayer(Layer, frozen=True, tag="errors"):
    """Error bars, each from end to end, and ellipses of so many corners; NaN follows each of them."""

    x: Float32s
    y: Float32s
    ring_x: Float32s
    ring_y: Float32s
    corners: int
    name: Literal["errors"] = "errors"


class ContoursLayer(Layer, frozen=True, tag="contours"):
    """Contours: of each level its lines, with NaN between two, and its per cent."""

    xs: tuple[Float32s, ...]
    ys: tuple[Float32s, ...]
    levels: tuple[float, ...]
    name: Literal["contours"] = "contours"


class GraticuleLayer(Layer, frozen=True, tag="graticule"):
    """Lines of a graticule with NaN between two, and its labels."""

    x: Float32s
    y: Float32s
    label_x: Float32s
    label_y: Float32s
    labels: tuple[str, ...]
    name: Literal["graticule"] = "graticule"


class CloudLayer(Layer, frozen=True, tag="cloud"):
    """A sample of stars that the page turns: three little-endian numbers of two bytes each.

    A number is in ``width`` / 65535 units of the plane from ``low``.
    """

    places: bytes
    low: float
    width: float
    name: Literal["cloud"] = "cloud"


class CloudLevelsLayer(Layer, frozen=True, tag="cloud_levels"):
    """Colour level of each star of the layer ``cloud``, a byte each; 0 where it is not selected."""

    levels: bytes
    name: Literal["cloud_levels"] = "cloud_levels"


class MapTitle(Row, frozen=True):
    """Text at the upper left corner of a map, and a shorter one for a narrow map."""

    x: float
    y: float
    text: str
    short: str


class MapLayer(Layer, frozen=True, tag="map"):
    """Mean velocity field of a disc map.

    Colour is the ``hue`` of the ``ramp``, opacity the ``strength``, brightness the ``texture``. Each is a byte a pixel,
    the lowest row first; the texture has ``detail`` times as many rows and columns. Its brightness is from ``darkest``
    to 1. The ramp is red, green, blue and opacity, four bytes each of 256 colours.
    """

    window: Window
    shape: tuple[int, int]
    detail: int
    hue: bytes
    strength: bytes
    texture: bytes
    ramp: bytes
    darkest: float
    bar: Legend
    titles: tuple[MapTitle, ...]
    name: Literal["map"] = "map"


AnyLayer: TypeAlias = (
    ImageLayer
    | StarsLayer
    | PickedLayer
    | ChosenLayer
    | DotsLayer
    | ArrowsLayer
    | BarsLayer
    | MarginsLayer
    | StepsLayer
    | ErrorsLayer
    | ContoursLayer
    | MapLayer
    | GraticuleLayer
    | CloudLayer
    | CloudLevelsLayer
)
