"""The table of the selection, a page at a time; a click on a row puts the star under the lens."""

from __future__ import annotations

from typing import Any

import numpy as np
import panel as pn
from numpy.typing import NDArray

from explorer.state.workspace import Workspace
from explorer.views.channel import Channel, Message
from pipeline.domain.columns import column

_SHOWN = (
    *("obsid", "snr", "teff", "logg", "m_h", "alpha_m", "rv", "distance", "jk0", "k_abs", "v_phi", "j_tot"),
    *("sgr_lambda", "sgr_beta", "chi2_nu", "oddness", "quality"),
)
_DIGITS = {"teff": 0, "snr": 0, "j_tot": 0, "v_phi": 0, "rv": 1, "sgr_lambda": 1, "sgr_beta": 1}
_AFTER_MS = 120
_PAGE = 20


class SelectionTable:
    """Rows of the selected stars.

    Parameters
    ----------
    workspace : Workspace
        What the visitor looks at.
    channel : Channel
        The way to the browser.
    """

    def __init__(self, workspace: Workspace, channel: Channel) -> None:
        self.workspace, self.channel = workspace, channel
        table = workspace.table
        self.names = [name for name in _SHOWN if name in table and table.usable(name)]
        self.page = 1
        self._pending = False
        self._stars: NDArray[np.int64] | None = None
        channel.on("page", self._turn)
        channel.on("sort", self._sort)
        channel.on("focus", lambda m: workspace.look_at(int(m["obsid"])))
        workspace.param.watch(lambda _: self._later(), "rows")
        workspace.param.watch(lambda _: self._reordered(), "sorted_by")
        workspace.param.watch(lambda event: channel.tell(table={"focus": str(event.new)}), "focus")

    def _later(self) -> None:
        """Pictures first: the table follows when the gesture is painted."""
        self._stars, self.page = None, 1
        document = pn.state.curdoc
        if document is None or document.session_context is None:
            self.refresh()
        elif not self._pending:
            self._pending = True
            document.add_timeout_callback(self.refresh, _AFTER_MS)

    @property
    def sorted_by(self) -> tuple[str, bool] | None:
        """Column of the order and whether it descends; None where the column is not in the table."""
        order = self.workspace.sorted_by
        return order if order is not None and order[0] in self.names else None

    @property
    def stars(self) -> NDArray[np.int64]:
        """Rows of the catalogue in the table's order."""
        if self._stars is None:
            self._stars = np.flatnonzero(self.workspace.rows)
            if self.sorted_by is not None:
                name, descending = self.sorted_by
                values = self.workspace.table[name][self._stars]
                order = np.argsort(-values.astype(np.float64) if descending else values, kind="stable")
                self._stars = self._stars[order]
        return self._stars

    @property
    def pages(self) -> int:
        """Number of pages."""
        return -(-self.workspace.n_selected // _PAGE)

    def refresh(self) -> None:
        """Tell the present page."""
        self._pending = False
        self.channel.tell(table=self.state())

    def hello(self) -> None:
        """Tell a new page everything."""
        self._stars = None
        columns = [[name, column(name).axis_label, f"{column(name).description}."] for name in self.names]
        self.channel.tell(table={**self.state(), "columns": columns, "focus": str(self.workspace.focus)})

    def state(self) -> dict[str, Any]:
        """The rows of the page as texts, and where it stands."""
        first = (self.page - 1) * _PAGE
        stars = self.stars[first : first + _PAGE]
        table = self.workspace.table
        cells = [[self._text(name, value) for value in table[name][stars]] for name in self.names]
        return {
            "rows": [list(row) for row in zip(*cells, strict=True)],
            "ids": [str(obsid) for obsid in table["obsid"][stars]],
            "page": f"{self.page:,}",
            "pages": f"{self.pages:,}" if self.pages else "",
            "first": self.page <= 1,
            "last": self.page >= self.pages,
            "note": "" if stars.size else "No star is selected.",
            "sort": list(self.sorted_by) if self.sorted_by else ["", False],
        }

    def _text(self, name: str, value: Any) -> str:
        if not column(name).is_float:
            return str(value)
        return f"{value:.{_DIGITS.get(name, 2)}f}" if np.isfinite(value) else ""

    def _turn(self, message: Message) -> None:
        by = message["by"]
        page = {"first": 1, "last": self.pages}.get(by) or self.page + int(by)
        self.page = min(max(page, 1), max(self.pages, 1))
        self.refresh()

    def _sort(self, message: Message) -> None:
        name = str(message["column"])
        if name not in self.names:
            raise ValueError(f"The table has no column {name!r}.")
        order = self.sorted_by
        self.workspace.sorted_by = (name, order is not None and order == (name, False))

    def _reordered(self) -> None:
        self._stars, self.page = None, 1
        self.refresh()
