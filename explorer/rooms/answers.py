"""The dock below the views: its tabs, the comparison of two samples, and the fit to one."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar

import panel as pn
from msgspec.structs import replace as replace_fields

from explorer import protocol
from explorer.charts.answers import Ends
from explorer.charts.chart import FitOverlay
from explorer.model.answers import number_column
from explorer.model.samples import Sample, sample_choices, sample_of
from explorer.model.screen import DockTab, FitKind
from explorer.model.selection import SelectionError
from explorer.model.work import ANSWERS, BusyError, StoppedError
from explorer.rooms.base import in_turn
from explorer.rooms.channel import Channel, log_mishap, submitted
from explorer.rooms.columns_menu import column_choices
from explorer.rooms.comparing import CompareTask
from explorer.rooms.fitting import FitTask
from explorer.rooms.stage import Stage
from explorer.state.answers import CompareState, DockState
from explorer.state.panels import PanelState
from explorer.state.workspace import Workspace
from pipeline.domain.columns import names_at

FAILED = "This could not be computed. The server's log has the reason; another column or sample may work."

PAUSE_S = 0.15
"""Time without a new gesture before bootstrap errors, tests and fits are computed."""

_LOG = logging.getLogger(__name__)
_Result = TypeVar("_Result")


class Answers:
    """Keeps the answers of the open tab up to date with selection and subsets.

    A brush marks the numbers on screen as stale in its own message. What is quick follows right after it, bootstrap
    errors, tests and fits after a pause, all in the background; the result of an older question is dropped.

    Parameters
    ----------
    workspace : Workspace
        State of the visit.
    stage : Stage
        The views, over which fits are drawn.
    channel : Channel
        The way to the browser.
    """

    def __init__(self, workspace: Workspace, stage: Stage, channel: Channel) -> None:
        self.workspace, self.stage, self.channel = workspace, stage, channel
        self._asked = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._answering = False
        self._fitted = ("", "")
        channel.on(protocol.Dock, self._turn)
        channel.on(protocol.CompareSamples, self._compare)
        channel.on(protocol.FitSample, self._fit)
        channel.on(protocol.Foot, lambda request: self._change(foot=tuple(dict.fromkeys(request.statistics))))
        watch = workspace.param.watch
        watch(self._docked, "dock")
        watch(lambda *_: self._outdated(), ["rows", "dark"])
        watch(lambda _: self._other_subsets(), "subsets")
        watch(lambda event: self._rearranged(event.old, event.new), "panels")

    @property
    def state(self) -> DockState:
        """State of the dock."""
        return self.workspace.dock

    @property
    def tab(self) -> DockTab | None:
        """The tab whose content is on screen; None while the dock is folded."""
        return self.state.tab if self.state.open else None

    def connect(self) -> None:
        """Send the whole state to a new page."""
        table = self.workspace.table
        self.channel.send(
            dock=replace_fields(self._view(), columns=column_choices(table, table.axes())),
            compare=self._compare_choices(),
            fit=self._fit_choices(),
        )
        self._ask()

    def _view(self) -> protocol.DockView:
        state = self.state
        return protocol.DockView(state.tab, state.open, state.foot)

    def _change(self, **changes: Any) -> None:
        self.workspace.dock = replace(self.state, **changes)

    def _turn(self, request: protocol.Dock) -> None:
        tab = request.tab or self.state.tab
        opened = request.open if request.open is not None else self.state.open or request.tab is not None
        self._change(tab=tab, open=opened)

    def _docked(self, event: Any) -> None:
        """Send a changed state; ask again if the open tab shows something else now."""
        before, after = event.old, event.new
        self.channel.send(dock=self._view())
        if before.compare != after.compare:
            self.channel.send(compare=self._compare_choices())
        if before.fit != after.fit:
            self.channel.send(fit=self._fit_choices())
        if replace(before, foot=after.foot) != after:
            self._ask()

    # --- choices

    def columns(self) -> tuple[str, ...]:
        """The compared columns: chosen ones, else metallicity, else the first with values."""
        if self.state.compare.columns:
            return self.state.compare.columns
        table = self.workspace.table
        usual = (*names_at("first"), *names_at("table"), *(column.name for column in table.axes()))
        return tuple(
            name for name in usual if name in table.known and table.column(name).is_float and table.usable(name)
        )[:1]

    def axes(self) -> tuple[str, str]:
        """Columns of the fit: chosen ones, else those of the first view of a plane, else of the comparison."""
        fit, planes = self.state.fit, [chart.names for chart in self.stage.charts if len(chart.names) == 2]
        columns = [column.name for column in self.workspace.table.axes()][:2]
        x, y = planes[0] if planes else (columns * 2)[:2] if columns else ("", "")
        if fit.kind is FitKind.GAUSSIAN and self.columns():
            y = self.columns()[0]
        return fit.x or x, fit.y or y

    def _compare(self, request: protocol.CompareSamples) -> None:
        given = {name: value for name in request.__struct_fields__ if (value := getattr(request, name)) is not None}
        for name in (*given.get("columns", ()), *given.get("plane", ())):
            number_column(self.workspace.table, name)
        for name in ("first", "second"):
            if name in given:
                self.sample(given[name])
        if "plane" in given and len(given["plane"]) == 1:
            raise SelectionError("A difference map takes two columns: choose both.")
        if "columns" in given:
            given["columns"] = tuple(dict.fromkeys(given["columns"]))
        compare = replace(self.state.compare, **given)
        if compare.first == compare.second:  # the other one was chosen: exchange them
            before = self.state.compare
            compare = replace(compare, first=before.second, second=before.first)
        self._change(compare=compare)

    def _fit(self, request: protocol.FitSample) -> None:
        given = {name: value for name in request.__struct_fields__ if (value := getattr(request, name)) is not None}
        for name in ("x", "y"):
            if name in given:
                number_column(self.workspace.table, given[name])
        if "sample" in given:
            self.sample(given["sample"])
        if "model" in given:
            given["kind"] = given.pop("model")
        x, y = self.axes()
        if given.get("x") == y and "y" not in given:
            given["y"] = x
        elif given.get("y") == x and "x" not in given and self.state.fit.kind is FitKind.LINE:
            given["x"] = y
        self._change(fit=replace(self.state.fit, **given))

    def sample(self, key: str) -> Sample:
        """Sample of a key; SelectionError if there is none."""
        workspace = self.workspace
        return sample_of(
            key, workspace.selection, workspace.rows, workspace.subsets, workspace.mask_of, workspace.table.known
        )

    def _samples(self) -> tuple[protocol.SampleChoice, ...]:
        return tuple(protocol.SampleChoice(*choice) for choice in sample_choices(self.workspace.subsets))

    def _compare_choices(self) -> protocol.CompareUpdate:
        state: CompareState = self.state.compare
        return protocol.CompareUpdate(
            stale=True,
            samples=self._samples(),
            first=state.first,
            second=state.second,
            columns=self.columns(),
            bins=state.bins,
            height=state.height,
            cumulative=state.cumulative,
            plane=state.plane,
        )

    def _fit_choices(self) -> protocol.FitUpdate:
        state, (x, y) = self.state.fit, self.axes()
        return protocol.FitUpdate(
            stale=True, samples=self._samples(), sample=state.sample, model=state.kind, x=x, y=y, shown=state.shown
        )

    # --- answers

    def _other_subsets(self) -> None:
        if self.tab is DockTab.TABLE or self.tab is None:
            self.channel.send(
                compare=protocol.CompareUpdate(stale=True, samples=self._samples()),
                fit=protocol.FitUpdate(stale=True, samples=self._samples()),
            )
            return
        self.channel.send(compare=self._compare_choices(), fit=self._fit_choices())
        self._ask()

    def _outdated(self) -> None:
        """Mark the answer on screen as stale in the message of a brush, and ask again."""
        self._ask()

    def _rearranged(self, old: tuple[PanelState, ...], new: tuple[PanelState, ...]) -> None:
        """Other axes may be those of the fit, and other ends those of the map."""
        if self.tab is DockTab.FIT:
            if self._fitted != self.axes():
                self._ask()
            elif [_unzoomed(panel) for panel in old] != [_unzoomed(panel) for panel in new]:
                self.stage.show_fit(self.stage.fit)  # views that are built anew lack it
        elif self.tab is DockTab.COMPARE and self.state.compare.plane:
            self._ask()

    def _ask(self) -> None:
        """Answer the open tab; at once without a page, else in the background."""
        self._asked += 1
        if self.tab is not DockTab.FIT or not self.state.fit.shown:
            self.stage.show_fit(FitOverlay())
        if self.tab not in (DockTab.COMPARE, DockTab.FIT):
            return
        if self.tab is DockTab.COMPARE:
            self._send_compare(protocol.CompareUpdate(stale=True))
        else:
            self._send_fit(self._fit_choices(), None)  # default columns follow the views
        document = pn.state.curdoc
        if document is None or document.session_context is None:
            self._answer_here()
            return
        if not self._answering:
            self._answering = True
            task = asyncio.get_running_loop().create_task(self._work())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def _answer_here(self) -> None:
        """Answer completely, for a page without a server."""
        try:
            if self.tab is DockTab.COMPARE:
                task = self.compare_task()
                rough, whole = (task.result(whole=which) for which in (False, True))
                self._send_compare(protocol.merged(rough, whole))
            else:
                self._send_fit(*self.fit_task().result())
        except SelectionError as error:
            self._refuse(str(error))

    async def _work(self) -> None:
        """Answer until nothing newer was asked meanwhile."""
        try:
            while True:
                asked = self._asked
                await self._answer(asked)
                if asked == self._asked:
                    return
        except (BusyError, SelectionError) as error:
            refusal = str(error)
            in_turn(lambda: self._refuse(refusal))
        except StoppedError:  # the page has gone
            pass
        except (ArithmeticError, LookupError, TypeError, ValueError) as error:
            log_mishap(_LOG, "dock", error)
            in_turn(lambda: self._refuse(FAILED))
        finally:
            self._answering = False

    async def _answer(self, asked: int) -> None:
        if self.tab is DockTab.COMPARE:
            task = self.compare_task()
            rough = await self._in_background(partial(task.result, whole=False))
            if asked != self._asked:
                return
            in_turn(lambda: self._send_compare(rough, asked))
            await asyncio.sleep(PAUSE_S)
            if asked != self._asked or not rough.rough:
                return
            whole = await self._in_background(partial(task.result, whole=True))
            in_turn(lambda: self._send_compare(whole, asked))
        elif self.tab is DockTab.FIT:
            await asyncio.sleep(PAUSE_S)
            if asked != self._asked:
                return
            update, overlay = await self._in_background(self.fit_task().result)
            in_turn(lambda: self._send_fit(update, overlay, asked))

    async def _in_background(self, work: Callable[[], _Result]) -> _Result:
        return await asyncio.wrap_future(submitted(work, ANSWERS, self))

    def compare_task(self) -> CompareTask:
        """The comparison as it is chosen now; SelectionError if a sample does not exist any more."""
        state = self.state.compare
        return CompareTask(
            self.workspace.table,
            state,
            self.columns(),
            self.sample(state.first),
            self.sample(state.second),
            self._ends(state.plane),
            self.workspace.dark,
        )

    def fit_task(self) -> FitTask:
        """The fit as it is chosen now; SelectionError if the sample does not exist any more."""
        state, self._fitted = self.state.fit, self.axes()
        return FitTask(self.workspace.table, state.kind, *self.axes(), self.sample(state.sample), self.workspace.dark)

    def _ends(self, plane: tuple[str, ...]) -> tuple[Ends, Ends] | None:
        """Ends of the axes of the first view that shows a plane; None without one."""
        for chart in self.stage.charts:
            if plane and chart.names == plane:
                x, y = chart.axes["x"], chart.axes["y"]
                return chart.state.x_ends or x.ends, chart.state.y_ends or y.ends
        return None

    def _send_compare(self, update: protocol.CompareUpdate, asked: int | None = None) -> None:
        if asked is not None and asked != self._asked:
            return
        queued = self.channel.queued("compare", protocol.CompareUpdate)
        self.channel.send(compare=protocol.merged(queued, update))

    def _send_fit(self, update: protocol.FitUpdate, overlay: FitOverlay | None, asked: int | None = None) -> None:
        if asked is not None and asked != self._asked:
            return
        with self.channel.batch():
            queued = self.channel.queued("fit", protocol.FitUpdate)
            self.channel.send(fit=protocol.merged(queued, update))
            if overlay is not None and self.state.fit.shown:
                self.stage.show_fit(overlay)

    def _refuse(self, sentence: str) -> None:
        if self.tab is DockTab.COMPARE:
            empty = protocol.CompareUpdate(stale=False, rough=False, sentence=sentence, results=(), difference=None)
            self._send_compare(empty)
        elif self.tab is DockTab.FIT:
            self._send_fit(
                protocol.FitUpdate(
                    stale=False, sentence=sentence, rows=(), sentences=(), relation=None, distribution=None
                ),
                FitOverlay(),
            )


def _unzoomed(panel: PanelState) -> PanelState:
    return replace(panel, x_ends=None, y_ends=None)
