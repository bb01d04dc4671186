"""The card of the star under the lens: labels with both errors, velocity, distance, quality in words."""

from __future__ import annotations

from html import escape

import numpy as np
from panel.viewable import Viewable

from explorer.model.table import StarTable
from explorer.state.workspace import Workspace
from explorer.views.base import View, card, html
from pipeline.domain.columns import column
from pipeline.domain.flags import describe

_LABELS = (("teff", 0), ("logg", 2), ("m_h", 2), ("alpha_m", 2))
_OTHERS = (
    ("rv", 1, "rv_err"),
    ("distance", 2, ""),
    ("snr", 0, ""),
    ("chi2_nu", 2, ""),
    ("jk0", 2, ""),
    ("k_abs", 2, ""),
    ("v_phi", 0, ""),
    ("sgr_lambda", 1, ""),
    ("sgr_beta", 1, ""),
    ("oddness", 2, ""),
)


class StarCard(View):
    """What the catalogue says of one star.

    Parameters
    ----------
    workspace : Workspace
        What the visitor looks at.
    """

    def __init__(self, workspace: Workspace) -> None:
        super().__init__(workspace=workspace)
        self.pane = html(sizing_mode="stretch_width")
        workspace.param.watch(lambda *_: self.refresh(), "focus")
        self.refresh()

    def refresh(self) -> None:
        """Follow the focus."""
        row = self.workspace.focus_row
        self.pane.object = "" if row is None else card_html(self.workspace.table, row)

    def body(self) -> Viewable:
        """A card that scrolls when it must."""
        title = html('<div class="heading"><strong>Star</strong></div>', sizing_mode="stretch_width", min_height=22)
        return card(title, self.pane, scroll="y-auto")


def card_html(table: StarTable, row: int) -> str:
    """The card as HTML; values that the catalogue lacks are left out."""
    labels = "".join(
        f"<tr><th>{column(name).label}</th><td>{_number(table.value(name, row), digits, column(name).unit)}</td>"
        f"<td>± {_number(table.value(f'{name}_err', row), digits, '')}</td>"
        f"<td>± {_number(table.value(f'{name}_err_formal', row), digits, '')}</td></tr>"
        for name, digits in _LABELS
        if np.isfinite(table.value(name, row))
    )
    if labels:
        labels = (
            '<table class="star"><tr><th></th><th></th><th title="Calibrated uncertainty">calibrated</th>'
            f'<th title="From the Fisher matrix">formal</th></tr>{labels}</table>'
        )
    others = "".join(_other(table, row, *entry) for entry in _OTHERS)
    quality = describe(int(table["quality"][row]))
    words = "".join(f"<li>{escape(sentence)}</li>" for sentence in quality)
    verdict = f'<ul class="bits">{words}</ul>' if quality else '<p class="good">No quality bit is set.</p>'
    training = '<span class="chip">training star</span>' if bool(table["in_training"][row]) else ""
    name = table.text("designation", row)
    title = f'<p class="name">{escape(name)} {training}</p>' if name or training else ""
    return f'{title}{labels}{verdict}<div class="pairs">{others}</div>'


def _other(table: StarTable, row: int, name: str, digits: int, error: str) -> str:
    value = table.value(name, row)
    if not np.isfinite(value):
        return ""
    declared = column(name)
    text = _number(value, digits, "")
    uncertainty = table.value(error, row) if error else np.nan
    if np.isfinite(uncertainty):
        text += f" ± {_number(uncertainty, digits, '')}"
    low, high = table.value("distance_16", row), table.value("distance_84", row)
    if name == "distance" and np.isfinite(low) and np.isfinite(high):
        text += f" <small>({low:.{digits}f} to {high:.{digits}f})</small>"
    unit = f" {declared.unit}" if declared.unit else ""
    return f'<div title="{escape(declared.description)}"><span>{declared.label}</span><b>{text}{unit}</b></div>'


def _number(value: float, digits: int, unit: str) -> str:
    if not np.isfinite(value):
        return "-"
    return f"{value:.{digits}f} {unit}".strip()
