"""The guide of a visit: the welcome of a first page, the stories, and the tour of the controls."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import count
from typing import NamedTuple

import numpy as np

from explorer import protocol
from explorer.charts.grid import GRIDS
from explorer.charts.palettes import fresh_colour
from explorer.charts.view_specs import lack_in
from explorer.model.catalogue_words import catalogue_words
from explorer.model.expression import read
from explorer.model.fields import stars_of
from explorer.model.first_star import best_star, first_with_spectrum
from explorer.model.library import Library, kept_by_library
from explorer.model.screen import DockTab
from explorer.model.selection import Everything, Named, Selection
from explorer.model.subsets import Subset, define
from explorer.model.table import counted
from explorer.model.tokens import ExpressionError
from explorer.model.vocabulary import Vocabulary, names_of
from explorer.rooms.channel import Channel
from explorer.rooms.shortcuts import PAGE_KEYS, STAR_KEYS, written
from explorer.rooms.stories import ALL_SLICES, BY_KEY, STORIES, Place, Story, StoryStep
from explorer.rooms.story_needs import Here
from explorer.state.answers import CompareState, DockState
from explorer.state.panels import PanelState
from explorer.state.workspace import Workspace

TOUR = (
    (Place.VIEW, "All views show the same stars. Draw a box around some: the other views update at once."),
    (Place.VIEW_HEAD, "Choose another view here, or enlarge it with the arrows to the right of its title."),
    (Place.TOOLS, "Choose the drag tool, and beside it how a new gesture changes the selection."),
    (Place.SIDE_BUTTON, "Filter by expressions, name subsets of stars, upload a list, save views."),
    (Place.DOCK, "The selected stars: click one to see its spectrum. The tabs compare samples of stars, or fit them."),
    (Place.STAR, "Its spectrum. Below: card, live refit, evidence, and others beside it. The arrow enlarges it."),
    (Place.LIGHT, "Green while the server responds. Beside it: help, links, and exports of tables and figures."),
)
"""The tour of the controls: a place of the page, and a text beside it."""


class Choice(NamedTuple):
    """Stars of a story in a catalogue: the selection, its expression, and their number."""

    selection: Selection
    expression: str
    stars: int


@kept_by_library(len(STORIES))
def choice_of(library: Library, key: str) -> Choice:
    """Evaluate the first expression of a story that the catalogue has columns for; all stars without."""
    names, table = names_of(library.table), library.table
    for expression in BY_KEY[key].select:
        try:
            selection = read(expression, Vocabulary(names, table=table)).selection
        except ExpressionError:  # it names a column that this catalogue lacks
            continue
        return Choice(selection, expression, int(selection.mask(table).sum()))
    return Choice(Everything(), "", table.n_stars)


def lack_of_story(story: Story, here: Here) -> str:
    """Why a story cannot be followed here, as a sentence; "" where it can."""
    for need in story.needs:
        if sentence := need.lack(here):
            return sentence
    choice = choice_of(here.library, story.key)
    if story.select and not choice.expression:
        return f"This catalogue has no columns for {' or '.join(story.select)}."
    if choice.stars < story.min_stars:
        return f"Only {counted(choice.stars)} by {choice.expression}: the story needs {story.min_stars}."
    return ""


def panels_of(story: Story, library: Library) -> tuple[PanelState, ...]:
    """The views of a story that the catalogue has values for, as many as a grid can have."""
    shown = [_with_all_slices(state, library) for state in story.views if not lack_in(library, state)]
    size = next(size for size in GRIDS if size <= max(min(story.grid, len(shown)), 1))
    return tuple(shown[:size])


def _with_all_slices(state: PanelState, library: Library) -> PanelState:
    return replace(state, part=len(stars_of(library).slices_kpc)) if state.part == ALL_SLICES else state


def words_of(step: StoryStep, story: Story, library: Library) -> str:
    """Text of a step with its fields filled in: selected stars, expression, catalogue, keys."""
    choice = choice_of(library, story.key)
    undo = next(key for key, request in PAGE_KEYS.items() if isinstance(request, protocol.Undo))
    return step.text.format(
        count=counted(choice.stars),
        expression=choice.expression,
        catalogue=catalogue_words(library).sentence,
        undo=written(undo),
        **{action: written(STAR_KEYS[action][0]) for action in ("next", "previous")},
    )


def steps_of(story: Story, here: Here) -> tuple[protocol.TourStep, ...]:
    """Steps of a story in this catalogue, each with the CSS selector of what it explains."""
    views = [state.view for state in panels_of(story, here.library)]
    return tuple(
        protocol.TourStep(_selector(step.at, views), words_of(step, story, here.library))
        for step in story.steps
        if not any(need.lack(here) for need in step.needs) and (step.at in views or step.at in set(Place))
    )


def _selector(at: str, views: list[str]) -> str:
    return f".stage > :nth-child({views.index(at) + 1})" if at in views else at


def tour_steps() -> tuple[protocol.TourStep, ...]:
    """Steps of the tour, as sent to the page."""
    return tuple(protocol.TourStep(selector, text) for selector, text in TOUR)


class Guide:
    """Sends the welcome, and sets up the stories.

    Parameters
    ----------
    workspace : Workspace
        State of the visit.
    here : Here
        The catalogue and the visitor.
    channel : Channel
        The way to the browser.
    open_side : callable
        Opens the panel of filters and lists.
    """

    def __init__(self, workspace: Workspace, here: Here, channel: Channel, open_side: Callable[[], None]) -> None:
        self.workspace, self.here, self.channel, self.open_side = workspace, here, channel, open_side
        channel.on(protocol.StartStory, lambda request: self.start(request.key))

    def welcome(self) -> protocol.Welcome:
        """Sentences on the catalogue, on what can be done and where to begin, and the stories."""
        words = catalogue_words(self.here.library)
        return protocol.Welcome(
            title=words.title,
            sentences=(words.sentence, self._activity(), self._beginning()),
            stories=tuple(
                protocol.StoryChoice(story.key, story.title, story.about, lack_of_story(story, self.here))
                for story in STORIES
            ),
            tour=tour_steps(),
        )

    def _activity(self) -> str:
        spectra = self.here.library.products.spectra is not None
        return (
            "Draw around stars in any view: the other views, the table and the statistics show the same stars at once; "
            f"click a star for its {'spectrum, model and evidence' if spectra else 'measurements'}."
        )

    def _beginning(self) -> str:
        chosen = self.workspace.focus is not None
        star = ", or with the star that is shown on the right" if chosen else ""
        return f"Begin with one of these stories{star}; help ({self._help_key()}) brings this welcome back."

    @staticmethod
    def _help_key() -> str:
        return written(next(key for key, request in PAGE_KEYS.items() if isinstance(request, protocol.Help)))

    def start(self, key: str) -> None:
        """Set up a story as one step of undo, and send its steps; a sentence where it cannot be followed."""
        story = BY_KEY.get(key)
        if story is None:
            raise ValueError(f"There is no story {key!r:.40}; expected one of {', '.join(BY_KEY)}.")
        if lack := lack_of_story(story, self.here):
            self.channel.send(message=lack)
            return
        with self.channel.batch():
            self._set_up(story)
            if story.side:
                self.open_side()
            steps = steps_of(story, self.here)
            self.channel.send(story=protocol.StoryShown(story.key, story.title, steps))

    def _set_up(self, story: Story) -> None:
        workspace, library = self.workspace, self.here.library
        same, layout = workspace.appearance, workspace.table_layout
        selection, subsets = self._selected(story)
        stars = np.flatnonzero(workspace.mask_of(selection))
        if story.sort:
            stars = library.table.order_of(story.sort, stars, descending=True)
        colour = next((name for name in story.colour if library.table.usable(name)), workspace.colour_by)
        stars_shown = {"best": best_star, "first": first_with_spectrum}
        focus = stars_shown[story.star](library, stars) if story.star else workspace.focus
        workspace.arrange(
            selection,
            subsets,
            panels=panels_of(story, library),
            enlarged=None,
            star_alone=False,
            colour_by=colour,
            appearance=same if colour == workspace.colour_by else same.for_another_column(),
            table_layout=replace(layout, sorts=((story.sort, True),)) if story.sort else layout,
            dock=self._dock(story),
            focus=workspace.focus if focus is None else focus,
        )

    def _dock(self, story: Story) -> DockState:
        """The comparison of the selection in the story's first column with values, or the table."""
        columns = tuple(name for name in story.compare if self.here.library.table.usable(name))[:1]
        dock = replace(self.workspace.dock, open=not story.folded, tab=DockTab.COMPARE if columns else DockTab.TABLE)
        return replace(dock, compare=CompareState(columns=columns)) if columns else dock

    def _selected(self, story: Story) -> tuple[Selection, tuple[Subset, ...]]:
        """The selection of a story, and the named subsets with its own; another of the visitor keeps its name."""
        selection, subsets = choice_of(self.here.library, story.key).selection, self.workspace.subsets
        if not story.subset:
            return selection, subsets
        known = {subset.name: subset.selection for subset in subsets}
        numbered = (f"{story.subset} {number}" if number > 1 else story.subset for number in count(1))
        name = next(name for name in numbered if known.get(name, selection) == selection)
        if name not in known:
            colour = fresh_colour([subset.colour for subset in subsets])
            subsets = define(subsets, Subset(name, selection, colour))
        return Named(name, selection), subsets
