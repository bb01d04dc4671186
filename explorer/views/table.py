"""The table of the selection, paginated on the server; a click on a row puts the star under the lens."""

from __future__ import annotations

from typing import Any

import pandas as pd
import panel as pn
from panel.viewable import Viewable

from explorer.state.workspace import Workspace
from explorer.views.base import View, card, html, stylesheet
from pipeline.domain.columns import column

_SHOWN = (
    "obsid",
    "snr",
    "teff",
    "logg",
    "m_h",
    "alpha_m",
    "rv",
    "distance",
    "jk0",
    "k_abs",
    "v_phi",
    "j_tot",
    "sgr_lambda",
    "sgr_beta",
    "chi2_nu",
    "oddness",
    "quality",
)
_DIGITS = {"teff": 0, "snr": 0, "j_tot": 0, "v_phi": 0, "rv": 1, "sgr_lambda": 1, "sgr_beta": 1}
_AFTER_MS = 120
_PAGE = 20


class SelectionTable(View):
    """Rows of the selected stars.

    Parameters
    ----------
    workspace : Workspace
        What the visitor looks at.
    """

    def __init__(self, workspace: Workspace) -> None:
        super().__init__(workspace=workspace)
        self.frame = _presentable(workspace.table.frame)
        self._pending = False
        self.widget = pn.widgets.Tabulator(
            self.frame,
            pagination="remote",
            page_size=_PAGE,
            disabled=True,
            selectable=False,
            show_index=False,
            titles={name: column(name).axis_label for name in self.frame.columns},
            formatters={
                name: {"type": "money", "precision": _DIGITS.get(name, 2), "thousand": False}
                if column(name).is_float
                else {"type": "plaintext"}
                for name in self.frame.columns
            },
            header_tooltips={name: column(name).description for name in self.frame.columns},
            text_align="right",
            header_align="right",
            theme="simple",
            layout="fit_data_fill",
            configuration={"rowHeight": 24, "columnDefaults": {"headerSort": True}},
            sizing_mode="stretch_both",
            stylesheets=[stylesheet("table")],
            margin=0,
        )
        self.widget.on_click(self._clicked)
        self.heading = html(sizing_mode="stretch_width", min_height=22)
        self._write_heading()
        workspace.param.watch(lambda _: self._later(), "rows")

    def _later(self) -> None:
        """Images first: the table follows when the gesture is painted."""
        document = pn.state.curdoc
        if document is None or document.session_context is None:
            self.refresh()
        elif not self._pending:
            self._pending = True
            document.add_timeout_callback(self.refresh, _AFTER_MS)

    def refresh(self) -> None:
        """Show the rows of the present selection, from its first page."""
        self._pending = False
        self.widget.page = 1
        self.widget.value = self.frame[self.workspace.rows].reset_index(drop=True)
        self._write_heading()

    def _write_heading(self) -> None:
        empty = "<em>No star is selected.</em>" if not self.workspace.n_selected else ""
        self.heading.object = f'<div class="heading"><strong>Selected stars</strong>{empty}</div>'

    def _clicked(self, event: Any) -> None:
        if event.row is not None and 0 <= event.row < len(self.widget.value):
            self.workspace.look_at(int(self.widget.value["obsid"].iloc[event.row]))

    def body(self) -> Viewable:
        """Title above the table."""
        return card(self.heading, self.widget)


def _presentable(frame: pd.DataFrame) -> pd.DataFrame:
    """The columns that stand in the table, those with a value at all."""
    names = [name for name in _SHOWN if name in frame.columns and bool(frame[name].notna().any())]
    return frame[names]
