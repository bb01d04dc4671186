"""The foot of the table: statistics of the selection, computed after its rows are shown."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial

import panel as pn

from explorer import protocol
from explorer.model.foot import FootTexts, foot_texts
from explorer.model.screen import DockTab
from explorer.model.work import ANSWERS, BusyError, StoppedError
from explorer.rooms.base import in_turn
from explorer.rooms.channel import submitted
from explorer.state.workspace import Workspace


class TableFoot:
    """Keeps the foot up to date while the table is on screen.

    Parameters
    ----------
    workspace : Workspace
        State of the visit.
    names : callable
        Columns of the table.
    send : callable
        Sends a part of the table's state.
    """

    def __init__(
        self, workspace: Workspace, names: Callable[[], list[str]], send: Callable[[protocol.TableState], None]
    ) -> None:
        self.workspace, self.names, self.send = workspace, names, send
        self._asked = self._answered = 0
        self._working = False
        self._tasks: set[asyncio.Task[None]] = set()
        workspace.param.watch(lambda event: self._docked(event.old.foot != event.new.foot), "dock")

    @property
    def _shown(self) -> bool:
        dock = self.workspace.dock
        return dock.open and dock.tab is DockTab.TABLE

    def _docked(self, changed: bool) -> None:
        if changed:
            self._asked += 1
        if self._shown and self.stale:
            self.refresh()

    @property
    def stale(self) -> bool:
        """Whether the foot is of another selection or of other columns."""
        return self._asked != self._answered

    def outdate(self) -> None:
        """Mark the foot as stale, in the message of a brush."""
        self._asked += 1
        self.send(protocol.TableState(foot_stale=True))

    def refresh(self) -> None:
        """Compute the foot if it is on screen; on a page in the background, one after another."""
        if not self._shown:
            return
        document = pn.state.curdoc
        if document is None or document.session_context is None:
            self._show(self._work()(), self._asked)
        elif not self._working:
            self._working = True
            task = asyncio.get_running_loop().create_task(self._later())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def _work(self) -> Callable[[], tuple[FootTexts, ...]]:
        """Function that computes the foot of the present selection."""
        workspace = self.workspace
        return partial(foot_texts, workspace.table, tuple(self.names()), workspace.rows, workspace.dock.foot)

    async def _later(self) -> None:
        """Compute until nothing newer was asked meanwhile."""
        try:
            while self.stale and self._shown:
                asked = self._asked
                texts = await asyncio.wrap_future(submitted(self._work(), ANSWERS, self))
                if asked == self._asked:
                    in_turn(partial(self._show, texts, asked))
                    return
        except (BusyError, StoppedError):  # the dock computes something else, or the page has gone
            return
        finally:
            self._working = False

    def _show(self, texts: tuple[FootTexts, ...], asked: int) -> None:
        if asked != self._asked:
            return
        self._answered = asked
        self.send(protocol.TableState(foot=tuple(protocol.FootRow(*row) for row in texts), foot_stale=False))
