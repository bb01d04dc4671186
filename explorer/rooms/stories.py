"""The table of stories: each sets up views, colours and a selection, and explains them in a few steps."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal, TypeAlias

from explorer.charts.histogram import HISTOGRAM
from explorer.charts.plane import ANY_COLUMNS
from explorer.model.scales import Scale, ScaleKind
from explorer.rooms.story_needs import (
    Need,
    NeedsAnyColumn,
    NeedsColumns,
    NeedsOpened,
    NeedsRole,
    NeedsSpectra,
    NeedsView,
)
from explorer.state.panels import PanelState
from explorer.vetting.people import Role
from pipeline.domain.columns import names_at

ChosenStar: TypeAlias = Literal["", "best", "first"]
"""Which selected star is shown: none in particular, the one with the best S/N, or the first of the table."""

ALL_SLICES = -1
"""Part of a disc map in a story that stands for all slices at once."""


class Place(StrEnum):
    """Parts of the page, by CSS selectors, that a step can explain beside the views."""

    VIEW = ".stage .card"
    VIEW_HEAD = ".stage .card > header"
    TOOLS = ".toolbar .choices"
    SIDE_BUTTON = ".toolbar button"
    SIDE = ".side"
    DOCK = ".dock"
    STAR = ".star"
    LIGHT = ".toolbar .light"
    NOWHERE = ""


@dataclass(frozen=True)
class StoryStep:
    """A sentence or two beside a part of the page.

    Parameters
    ----------
    text : str
        What to look at; see :func:`explorer.rooms.guide.words_of` for what is filled in.
    at : str
        Key of one of the story's views, or a place of the page.
    needs : tuple of Need
        Without these the step is left out.
    """

    text: str
    at: str
    needs: tuple[Need, ...] = ()


@dataclass(frozen=True)
class Story:
    """A story, declared once: the welcome, help, what it sets up, and its tests follow.

    Parameters
    ----------
    key : str
        Its name in messages.
    title, about : str
        What the visitor chooses.
    steps : tuple of StoryStep
        What is explained, in order.
    views : tuple of PanelState
        Views that it shows: as many as the grid has, of those that the catalogue has values for.
    grid : int
        Number of views.
    select : tuple of str
        Expressions of which the first that the catalogue has columns for is selected; () selects every star.
    subset : str
        Name of the selected stars.
    min_stars : int
        Number of stars that must be selected for the story to be offered.
    colour : tuple of str
        Columns of which the first with values colours the stars; without one they keep their colours.
    compare : tuple of str
        Columns in the first of which with values the selected stars are compared with the rest, below the views; ()
        shows the table there.
    folded : bool
        Whether the table is folded, for more room for the views.
    sort : str
        Column by which the table descends; "" keeps its order.
    star : str
        Which selected star is shown.
    side : bool
        Whether the panel of filters and lists is opened.
    needs : tuple of Need
        Without these it is offered in grey, with the reason.
    """

    key: str
    title: str
    about: str
    steps: tuple[StoryStep, ...]
    views: tuple[PanelState, ...]
    grid: int = 4
    select: tuple[str, ...] = ()
    subset: str = ""
    min_stars: int = 1
    colour: tuple[str, ...] = ()
    compare: tuple[str, ...] = ()
    folded: bool = False
    sort: str = ""
    star: ChosenStar = ""
    side: bool = False
    needs: tuple[Need, ...] = field(default=())


_LOG = Scale(ScaleKind.LOG)
_METALLICITIES = names_at("first")
_COMMAND = "python run_app.py my_stars.csv"

STORIES = (
    Story(
        key="stream",
        title="Find the Sagittarius stream",
        about="Giants of a dwarf galaxy that the Milky Way has torn apart, once around the sky.",
        needs=(NeedsView("stream_sky"), NeedsView("stream_distance")),
        views=(
            *(PanelState("stream_sky"), PanelState("stream_distance"), PanelState("abundances")),
            *(PanelState("energy"), PanelState("actions"), PanelState("sky")),
        ),
        select=("sgr_probability > 0.5", "abs(sgr_beta) < 15 & distance > 15"),
        subset="Sagittarius stream",
        min_stars=5,
        colour=(*_METALLICITIES, "distance"),
        compare=_METALLICITIES,
        star="best",
        steps=(
            StoryStep(
                "Selected: {count} by {expression}. The stream is a great circle: its stars are near latitude B = 0 at "
                "any longitude Λ.",
                "stream_sky",
            ),
            StoryStep(
                "Against distance it is a curve high above the stars of the disc. Draw a box around a part of it: all "
                "views follow, and Undo ({undo}) brings the rest back.",
                "stream_distance",
            ),
            StoryStep(
                "Compare its [M/H] and [α/M] with those of the disc, in grey: a small galaxy enriches its stars more "
                "slowly.",
                "abundances",
                (NeedsView("abundances"),),
            ),
            StoryStep(
                "The selected stars against all others: difference in [M/H], its error, and tests. A new selection is "
                "compared at once.",
                Place.DOCK,
                (NeedsAnyColumn(_METALLICITIES, "metallicities"),),
            ),
        ),
    ),
    Story(
        key="disc",
        title="Slice the disc",
        about="How the stars turn around the Galaxy, and how that changes with height.",
        needs=(NeedsView("disc"),),
        views=(
            PanelState("disc", part=ALL_SLICES),
            PanelState("space_rz", x_ends=(0.0, 24.0), y_ends=(-7.0, 7.0)),
            PanelState(HISTOGRAM, x="v_phi", x_ends=(-100.0, 400.0)),
            *(PanelState("abundances"), PanelState("space_xy")),
        ),
        select=("abs(z_gal) < 5 & sgr_probability < 0.5", "abs(z_gal) < 5"),
        subset="Disc",
        min_stars=20,
        colour=("v_phi",),
        folded=True,
        steps=(
            StoryStep(
                "Mean motion of {count}, seen from above in slices of height. Colour is the rotation; the texture "
                "streams along the motion.",
                "disc",
            ),
            StoryStep(
                "Drag a box over one range of height here, and with Shift a second one: the maps show the stars in it.",
                "space_rz",
                (NeedsView("space_rz"),),
            ),
            StoryStep(
                "Their rotation V_φ: the higher the stars, the more of them lag behind. Drag a range to see where the "
                "slow ones are.",
                HISTOGRAM,
            ),
        ),
    ),
    Story(
        key="odd",
        title="Judge odd fits",
        about="The strangest spectra, why they are strange, and whether to believe their labels.",
        needs=(
            NeedsSpectra(),
            NeedsColumns(("oddness",), "oddness of fits"),
            NeedsRole(Role.INSPECTOR, "judging fits"),
        ),
        views=(
            PanelState(ANY_COLUMNS, x="snr", y="oddness", x_scale=_LOG, y_scale=_LOG, y_ends=(-0.6, 2.7)),
            *(PanelState("hr"), PanelState("abundances"), PanelState("colour_magnitude"), PanelState("sky")),
        ),
        select=("top(oddness, 50)",),
        subset="Odd fits",
        colour=("oddness",),
        sort="oddness",
        star="first",
        steps=(
            StoryStep(
                "Oddness says how rare a star's measurements are: 3 is one in a thousand. The oddest are selected: "
                "{count}.",
                ANY_COLUMNS,
            ),
            StoryStep(
                "The oddest of them: data, model, and what is left. The card says which quality bits are set and why; "
                "Evidence explains the labels, and Refit tries others.",
                Place.STAR,
            ),
            StoryStep(
                "{next} shows the next of the table, {previous} the one before. A click on a row shows that star.",
                Place.DOCK,
            ),
            StoryStep(
                "To judge them with others, an adjudicator starts a campaign on this selection in "
                "Campaigns; inspectors give their verdicts in Vet, without seeing each other's.",
                Place.NOWHERE,
            ),
        ),
    ),
    Story(
        key="own",
        title="Open your own table",
        about="A list of your stars in these views, or your catalogue in place of this one.",
        views=(
            *(PanelState("sky"), PanelState("hr"), PanelState("colour_magnitude"), PanelState("stream_sky")),
            *(PanelState(HISTOGRAM, x="distance"), PanelState(HISTOGRAM, x="snr")),
        ),
        grid=2,
        side=True,
        steps=(
            StoryStep(
                "{catalogue} It was opened from files: About lists how each column was understood, and links to the "
                "page that corrects it.",
                Place.NOWHERE,
                (NeedsOpened(),),
            ),
            StoryStep(
                "“Member list…” takes a table of any format with obsids, Gaia ids, or RA and Dec. Its stars become the "
                "selection in all views; save the selection as a subset to keep it.",
                Place.SIDE,
            ),
            StoryStep(
                f"A catalogue of your own opens in place of this one by “{_COMMAND}”: FITS, VOTable, Parquet, ECSV, "
                "CSV and others. A page shows how its columns were understood.",
                Place.NOWHERE,
            ),
        ),
    ),
)
"""Stories in the order in which they are offered."""

BY_KEY = {story.key: story for story in STORIES}
"""Stories by their key."""
