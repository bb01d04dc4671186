"""The About tab: where the catalogue comes from, what was refused, and what every column and bit means."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape
from typing import Any

import panel as pn
from panel.viewable import Viewable, Viewer

from explorer.model.expression import CONDITIONS, WORDS
from explorer.model.formula import FUNCTIONS
from explorer.views.base import html
from explorer.views.help import GESTURES, SHORTCUTS
from explorer.views.markup import cell, pairs_table, table
from pipeline.domain.flags import FLAG_TEXTS
from pipeline.products.release import Products

_MOST_REJECTS = 500


class AboutView(Viewer):
    """Provenance and glossaries of one release.

    Parameters
    ----------
    products : Products
        The release.
    """

    def __init__(self, products: Products) -> None:
        super().__init__()
        self.products = products

    def text(self) -> str:
        """The whole tab as HTML."""
        manifest, rejects = self.products.manifest, self.products.rejects
        facts = {
            "name": manifest.name,
            "created": manifest.created,
            "stars": f"{len(self.products.catalog):,}",
            "spectra": f"{len(self.products.spectra):,}" if self.products.spectra is not None else "none",
            "rejected": f"{len(rejects):,}",
            "simulated": manifest.simulated_note or "nothing",
        }
        shown = rejects.head(_MOST_REJECTS)
        more = f"<p>The first {_MOST_REJECTS} of {len(rejects):,}.</p>" if len(rejects) > _MOST_REJECTS else ""
        reasons = [(code, f"{count:,}") for code, count in rejects["code"].value_counts().items()]
        sections = (
            ("This catalogue", pairs_table(facts)),
            ("Scientific choices", pairs_table(manifest.choices)),
            ("Stages", _stages(manifest.stages)),
            ("Rejected input, by reason", table(("code", "rows"), reasons)),
            ("Rejected input", more + table(tuple(shown.columns), shown.itertuples(index=False))),
            ("Columns", self._glossary()),
            ("Quality bits", _bits()),
            ("Inputs", pairs_table(manifest.inputs)),
            ("Software", pairs_table(manifest.versions)),
        )
        parts = "".join(f"<section><h2>{title}</h2>{body}</section>" for title, body in sections)
        return f'<article class="about">{parts}{_help()}</article>'

    def _glossary(self) -> str:
        rows = ((c.name, c.paper_name, c.label, c.unit, c.description, c.group) for c in self.products.catalog.columns)
        return table(("name", "in the paper", "label", "unit", "meaning", "chapter"), rows)

    def __panel__(self) -> Viewable:
        return pn.Column(html(self.text(), sizing_mode="stretch_width"), sizing_mode="stretch_both", scroll="y-auto")


def _help() -> str:
    gestures = "".join(f"<li>{escape(text)}</li>" for text in GESTURES)
    words = (*WORDS.items(), *CONDITIONS.items(), *((name, one.help) for name, one in FUNCTIONS.items()))
    return (
        f"<section><h2>How to explore</h2><ul>{gestures}</ul></section>"
        f"<section><h2>Keys</h2>{table((), SHORTCUTS)}</section>"
        f"<section><h2>Words of expressions</h2>{table((), words)}</section>"
    )


def _stages(stages: Iterable[Mapping[str, Any]]) -> str:
    names = ("name", "status", "rows_in", "rows_out", "seconds", "reason")
    rows = [[cell(stage.get(name, "")) for name in names] for stage in stages]
    return table(("stage", "status", "rows in", "rows out", "seconds", "remark"), rows)


def _bits() -> str:
    rows = [(int(flag).bit_length() - 1, int(flag), text.short, text.meaning) for flag, text in FLAG_TEXTS.items()]
    return table(("bit", "value", "name", "set when"), rows)
