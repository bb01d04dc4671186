"""The Validate room: comparison of the catalogue with other data on its stars."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable, Mapping
from functools import partial
from html import escape
from typing import Any, NamedTuple, TypeAlias

import holoviews as hv
import numpy as np
import panel as pn
import panel_material_ui as pmui
import param
from numpy.typing import NDArray
from panel.viewable import Viewable

from explorer.charts.journal import picture_bytes
from explorer.charts.validation import error_figure, pull_figure, trend_figure, values_figure
from explorer.model.comparisons import Differences, Pair, differences, error_curves, pairs_of, trend
from explorer.model.library import Library
from explorer.model.selection import InIds, Mask
from explorer.model.table import counted
from explorer.model.work import REFITS, BusyError, StoppedError
from explorer.rooms.base import View, html, in_turn
from explorer.rooms.channel import submitted
from explorer.rooms.markup import cell, named, pairs_table, percent, scores_table, table
from explorer.state.workspace import Workspace
from pipeline.domain.checks import REPORT_KEY, Verdict, checks_of
from pipeline.domain.columns import placed
from pipeline.products.comparison import Compared, comparison_figure

Floats: TypeAlias = NDArray[np.float32]
Rows: TypeAlias = NDArray[np.intp]

ROOM = "Validate"
SIGMA = 5.0
"""Differences of outliers, in units of their errors."""

MAX_PICKED = 20_000
"""Maximum number of stars of a selection as ids."""

_EVERY, _PICKED, _UNTRAINED, _CLEAN = "every star", "selected in Explore", "not trained on", "without quality bits"
_MAX_OWN = 100
"""Maximum number of the user's own columns in the menu of trends."""

_FIGURES = (
    ("Values", "Dashed: where both are equal."),
    ("Differences along the trend", "Median, 16th and 84th percentile. Drag a box to select its stars in Explore."),
    ("Differences in units of their errors", "Curve: expected for correct errors. Outliers lie beyond five of them."),
    (
        "Errors on held-out stars",
        "Root mean square and, dotted, bias that the build measured, as observed and (orange) with noise injected.",
    ),
)
"""Title and explanation of each figure."""

_HINT = "Published labels of training stars are out of fold."
_SAME = "Both have the same numbers: the catalogue took them as they were given, so this tests nothing."
_WAIT = '<p class="sentence busy" role="status">Comparing the stars…</p>'
_NOTHING = (
    "Nothing to compare: the catalogue has no reference labels, no velocities or parallaxes of Gaia, no repeats and no "
    "known truth."
)


class Prepared(NamedTuple):
    """A comparison ready for display: differences, statistics, figures, rows of the outliers."""

    differences: Differences
    words: str
    figures: tuple[hv.Overlay | None, ...]
    beyond: Rows


class ValidateView(View):
    """Comparison of a chosen pair and sample, with a trend.

    Parameters
    ----------
    workspace : Workspace
        State of the visit, whose selection the outliers become.
    library : Library
        Shared products.
    """

    pair: param.Selector[Pair] = param.Selector(doc="Compared quantity.")
    sample: param.Selector[str] = param.Selector(
        default=_EVERY, objects=[_EVERY, _PICKED, _UNTRAINED, _CLEAN], doc="Which stars."
    )
    along: param.Selector[str] = param.Selector(doc="Column on the x axis of the trend.")

    def __init__(self, workspace: Workspace, library: Library) -> None:
        super().__init__(workspace=workspace)  # type: ignore[no-untyped-call]
        self.library = library
        pairs = pairs_of(library)
        table_ = library.table
        own = [column.name for column in table_.axes() if column.is_own]
        along = [*(column.name for column in placed("trend") if table_.usable(column.name)), *own[:_MAX_OWN]]
        self.param.pair.objects = {pair.title: pair for pair in pairs}
        self.param.along.objects = {table_.titles[name]: name for name in along}
        self.param.update(pair=pairs[0] if pairs else None, along=along[0] if along else None)
        self.shown: Differences | None = None
        self.beyond: Rows = np.empty(0, np.intp)
        self.figures = [pn.pane.HoloViews(sizing_mode="stretch_both", margin=(0, 4)) for _ in range(4)]
        self.frames = [
            pn.Column(
                html(f'<p class="title"><b>{title}</b> {about}</p>', sizing_mode="stretch_width"),
                figure,
                sizing_mode="stretch_both",
                styles={"flex": "1 1 280px", "height": "max(350px, 19vw)"},
                visible=False,
            )
            for figure, (title, about) in zip(self.figures, _FIGURES, strict=True)
        ]
        self.words = html(_WAIT, sizing_mode="stretch_width")
        self.outliers = pmui.Button(label="Select outliers in Explore", size="small", align="center", disabled=True)
        self.outliers.on_click(lambda _: self.pick(self.beyond))
        self.report = html(align="center")
        self._tasks: set[asyncio.Task[None]] = set()
        self._asked = 0
        self.param.watch(lambda _: self.refresh(), ["pair", "sample", "along"])
        self._stale = True
        workspace.param.watch(self._changed, ["rows", "dark", "room"])

    def _changed(self, *events: param.parameterized.Event) -> None:
        """Update when the room is shown; brushes in Explore do not wait for it."""
        names = {event.name for event in events}
        self._stale |= "dark" in names or ("rows" in names and self.sample == _PICKED)
        if self._stale and self.workspace.room == ROOM:
            self.refresh()

    def _sample(self) -> Mask | None:
        table_ = self.library.table
        if self.sample == _PICKED:
            return self.workspace.rows
        if self.sample == _UNTRAINED:
            return ~table_["in_training"]
        return table_["quality"] == 0 if self.sample == _CLEAN else None

    def refresh(self) -> None:
        """Compare and draw; on a page in a thread, as it may take long."""
        self._asked, self._stale = self._asked + 1, False
        if self.pair is None:
            self.words.object = f'<p class="sentence">{_NOTHING}</p>'
            return
        prepare = partial(
            self._prepare, self.pair, self._sample(), self.along or self.pair.name, dark=self.workspace.dark
        )
        document = pn.state.curdoc
        if document is None or document.session_context is None:
            self._show(prepare())
            return
        if self.shown is None:  # later ones leave the previous comparison until they are ready
            self.words.object = _WAIT
        self.outliers.disabled = True
        task = asyncio.get_running_loop().create_task(self._later(self._asked, prepare))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _later(self, asked: int, prepare: Callable[[], Prepared]) -> None:
        try:
            prepared = await asyncio.wrap_future(submitted(prepare, REFITS, self))
        except BusyError as error:
            refusal = str(error)
            in_turn(lambda: self.report.param.update(object=refusal))
            return
        except StoppedError:  # the page has gone
            return
        if asked == self._asked:  # else something else was chosen meanwhile
            in_turn(lambda: self._show(prepared))

    def _prepare(self, pair: Pair, sample: Mask | None, along: str, *, dark: bool) -> Prepared:
        """Slow part of the comparison, which does not touch the page."""
        compared = differences(self.library, pair, sample)
        values = self.library.table.axis(along)[compared.rows]
        moving = trend_figure(
            compared, values, self.library.table.column(along), trend(values, compared.difference), dark=dark
        )
        # A box dragged over the trend selects its stars everywhere.
        box = hv.streams.BoundsXY(source=moving.get(0))
        box.add_subscriber(partial(self._boxed, compared, values))
        curves = error_curves(self.library.products.report, pair.name)
        figures = (
            values_figure(compared, dark=dark),
            moving,
            pull_figure(compared, dark=dark) if compared.pull.size else None,
            error_figure(curves, pair.column, dark=dark) if curves else None,
        )
        return Prepared(compared, _words(compared), figures, compared.beyond(SIGMA))

    def _show(self, prepared: Prepared) -> None:
        self.shown, self.beyond = prepared.differences, prepared.beyond
        self.words.object = prepared.words
        self.outliers.disabled = not prepared.beyond.size
        for frame, pane, figure in zip(self.frames, self.figures, prepared.figures, strict=True):
            pane.object = figure
            frame.visible = figure is not None

    def _boxed(self, compared: Differences, values: Floats, bounds: tuple[float, float, float, float] | None) -> None:
        if bounds is not None:
            left, bottom, right, top = bounds
            inside = (
                (values >= left) & (values <= right) & (compared.difference >= bottom) & (compared.difference <= top)
            )
            self.pick(compared.rows[inside])

    def pick(self, rows: Rows) -> None:
        """Select stars as a gesture in Explore would, and report the result."""
        if not rows.size:
            self.report.object = "No stars in this region."
        elif rows.size > MAX_PICKED:
            self.report.object = f"{rows.size:,} stars are too many for a list; the maximum is {MAX_PICKED:,}."
        else:
            self.workspace.gesture(InIds(tuple(int(obsid) for obsid in self.library.table["obsid"][rows])))
            self.report.object = f"{self.workspace.n_selected:,} stars are selected in Explore."

    def picture(self) -> io.BytesIO:
        """Figure 5, 6 or 7 of the shown comparison, as PDF."""
        shown, manifest = self.shown, self.library.products.manifest
        assert shown is not None
        title = f"{manifest.name}: {shown.pair.title}, {self.sample}: {counted(shown.rows.size)}"
        figure = comparison_figure(
            f"SIMULATED: {title}" if manifest.simulated else title,
            ("catalogue", shown.pair.origin),
            [Compared(shown.pair.column, shown.ours, shown.other)],
            {self.sample: np.ones(shown.rows.size, bool)},
        )
        return io.BytesIO(picture_bytes(figure, "pdf"))

    def body(self) -> Viewable:
        """Choices, figures, numbers."""
        products = self.library.products
        measured = {name: value for name, value in products.report.items() if name != REPORT_KEY}
        sections = {
            "Physics checks": physics_table(products.report),
            "Measured by the build": pairs_table(named(measured)),
        }
        if products.manifest.simulated:
            sections = {"Against the simulated truth": truth_tables(products.validation)} | sections
        text = "".join(f"<section><h2>{title}</h2>{made}</section>" for title, made in sections.items())
        documents = html(f'<article class="about">{text}</article>', sizing_mode="stretch_width")
        if self.pair is None:
            return pn.Column(self.words, documents, sizing_mode="stretch_both", scroll="y-auto")
        small = {"size": "small", "margin": (6, 6), "width": 230}
        choices = pn.Row(
            pmui.Select.from_param(self.param.pair, label="Compare", **small),
            pmui.Select.from_param(self.param.sample, label="Stars", **small),
            pmui.Select.from_param(self.param.along, label="Trend along", **small),
            self.outliers,
            pmui.FileDownload(
                callback=self.picture,
                filename="comparison.pdf",
                label="Figure as PDF",
                size="small",
                align="center",
                embed=False,
            ),
            self.report,
            margin=(6, 8, 0, 8),
            styles={"flex-wrap": "wrap"},
            sizing_mode="stretch_width",
        )
        wrapped = {"flex": "none", "flex-wrap": "wrap", "height": "auto"}
        figures = pn.Row(*self.frames, sizing_mode="stretch_both", margin=(0, 6), styles=wrapped)
        trained = "in_training" in self.library.table and self.library.table["in_training"].any()
        hint = html(f'<p class="note">{_HINT}</p>' if trained else "", sizing_mode="stretch_width")
        return pn.Column(
            choices, self.words, figures, hint, documents, sizing_mode="stretch_both", scroll="y-auto", margin=0
        )


def _words(compared: Differences) -> str:
    """Statistics of a comparison on one line."""
    scores = {name.replace("_", " "): cell(value) for name, value in compared.scores().items()}
    unit = "as a fraction" if compared.pair.relative else compared.pair.column.unit
    what = f"This catalogue less {compared.pair.origin}{f', {unit}' if unit else ''}"
    text = f'<section class="scores"><b>{escape(what)}</b>{table(tuple(scores), [list(scores.values())])}</section>'
    same = compared.difference.size > 0 and not compared.difference.any()
    return text + (f'<p class="note">{_SAME}</p>' if same else "")


def physics_table(report: Mapping[str, Any]) -> str:
    """Physics checks of the build, failed ones first."""
    checks = checks_of(report)
    if checks is None:
        return "<p>Missing: build the products again.</p>"
    order = (Verdict.IMPOSSIBLE, Verdict.UNLIKELY, Verdict.EXPECTED, Verdict.TOO_FEW)
    rows = (
        [
            *(check.verdict, check.name, "" if check.value is None else cell(check.value)),
            *(f"{check.low:g} to {check.high:g}", check.unit, cell(check.stars), check.sentence),
        ]
        for check in sorted(checks, key=lambda check: order.index(Verdict(check.verdict)))
    )
    return table(("verdict", "check", "value", "expected", "unit", "stars", "meaning"), rows)


def truth_tables(document: Mapping[str, Any]) -> str:
    """Comparison of a simulated catalogue with its true values."""
    if not document:
        return "<p>Missing: <code>python -m pipeline validate DIR</code> computes it for a simulated catalogue.</p>"
    bits, odd = document["bits"], document["oddness"]
    kinds = list(next(iter(bits.values()))["completeness"])
    shares = (
        [name, cell(scores["flagged"]), *map(percent, (scores["purity"], *scores["completeness"].values()))]
        for name, scores in bits.items()
    )
    return "".join(
        (
            "<p>Measured minus true values of normal simulated M giants; stream, bits and oddness of all stars.</p>",
            scores_table("quantity", document["quantities"]),
            "<h3>True value below, within and above the 16-84 % interval</h3>",
            scores_table("quantity", document["intervals"]),
            "<h3>Sagittarius stream</h3>",
            pairs_table(document["stream"]),
            "<h3>Quality bits: stars with a bit, fraction of odd ones among them, fraction of each kind with it</h3>",
            table(("bit", "stars", "odd", *kinds), shares),
            "<h3>Ranking of the simulated oddities by oddness</h3>",
            scores_table("oddity", {"all": odd["all"], **odd["kinds"]}) if odd else "<p>Not judged.</p>",
        )
    )
