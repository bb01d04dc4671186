"""The About tab: where the catalogue comes from, what was refused, and what every column and bit means."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

import panel as pn
from panel.viewable import Viewable, Viewer

from explorer.model.expression import CONDITIONS, WORDS
from explorer.model.formula import FUNCTIONS
from explorer.views.base import html
from explorer.views.help import GESTURES, SHORTCUTS
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
            ("This catalogue", _pairs(facts)),
            ("Scientific choices", _pairs(manifest.choices)),
            ("Stages", _stages(manifest.stages)),
            ("Measured by the build", _pairs(dict(_flat(self.products.report)))),
            ("Against the truth", _validation(self.products.validation)),
            ("Rejected input, by reason", _table(("code", "rows"), reasons)),
            ("Rejected input", more + _table(tuple(shown.columns), shown.itertuples(index=False))),
            ("Columns", self._glossary()),
            ("Quality bits", _bits()),
            ("Inputs", _pairs(manifest.inputs)),
            ("Software", _pairs(manifest.versions)),
        )
        parts = "".join(f"<section><h2>{title}</h2>{body}</section>" for title, body in sections)
        return f'<article class="about">{_help()}{parts}</article>'

    def _glossary(self) -> str:
        rows = ((c.name, c.paper_name, c.label, c.unit, c.description, c.group) for c in self.products.catalog.columns)
        return _table(("name", "in the paper", "label", "unit", "meaning", "chapter"), rows)

    def __panel__(self) -> Viewable:
        return pn.Column(html(self.text(), sizing_mode="stretch_width"), sizing_mode="stretch_both", scroll="y-auto")


def _help() -> str:
    gestures = "".join(f"<li>{escape(text)}</li>" for text in GESTURES)
    words = (*WORDS.items(), *CONDITIONS.items(), *((name, one.help) for name, one in FUNCTIONS.items()))
    return (
        f"<section><h2>How to explore</h2><ul>{gestures}</ul></section>"
        f"<section><h2>Keys</h2>{_table((), SHORTCUTS)}</section>"
        f"<section><h2>Words of expressions</h2>{_table((), words)}</section>"
    )


def _pairs(values: Mapping[str, Any]) -> str:
    return _table((), values.items()) if values else "<p>None.</p>"


def _stages(stages: Iterable[Mapping[str, Any]]) -> str:
    names = ("name", "status", "rows_in", "rows_out", "seconds", "reason")
    rows = [[_cell(stage.get(name, "")) for name in names] for stage in stages]
    return _table(("stage", "status", "rows in", "rows out", "seconds", "remark"), rows)


def _bits() -> str:
    rows = [(int(flag).bit_length() - 1, int(flag), text.short, text.meaning) for flag, text in FLAG_TEXTS.items()]
    return _table(("bit", "value", "name", "set when"), rows)


def _validation(document: Mapping[str, Any]) -> str:
    """A simulated catalogue against what was put in."""
    if not document:
        return "<p>Not made: <code>python -m pipeline validate DIR</code> makes it for a simulated catalogue.</p>"
    bits, odd = document["bits"], document["oddness"]
    kinds = list(next(iter(bits.values()))["completeness"])
    shares = (
        [name, _cell(told["flagged"]), *map(_percent, (told["purity"], *told["completeness"].values()))]
        for name, told in bits.items()
    )
    return "".join(
        (
            "<p>Measured minus true, of ordinary simulated M giants; stream, bits and oddness of all.</p>",
            _scores("quantity", document["quantities"]),
            "<h3>True value below, within and above the 16-84 % interval</h3>",
            _scores("quantity", document["intervals"]),
            "<h3>Sagittarius stream</h3>",
            _pairs(document["stream"]),
            "<h3>Quality bits: stars that carry one, share of them that is odd, share of each kind that it marks</h3>",
            _table(("bit", "stars", "odd", *kinds), shares),
            "<h3>Oddness as a ranking of the planted oddities</h3>",
            _scores("oddity", {"all": odd["all"], **odd["kinds"]}) if odd else "<p>Not judged.</p>",
        )
    )


def _scores(what: str, scores: Mapping[str, Mapping[str, Any]]) -> str:
    """A row each, a column for every number that any row has."""
    names = list(dict.fromkeys(name for scored in scores.values() for name in scored))
    rows = ([name, *(_cell(scored.get(key, "")) for key in names)] for name, scored in scores.items())
    return _table((what, *(name.replace("_", " ") for name in names)), rows)


def _percent(share: float | None) -> str:
    return "" if share is None else f"{100.0 * share:.0f} %"


def _flat(report: Mapping[str, Any], prefix: str = "") -> Iterable[tuple[str, str]]:
    """A nested report as dotted names and readable values."""
    for name, value in report.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", _cell(value)


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:,.4g}"
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    if isinstance(value, list):
        return ", ".join(_cell(item) for item in value)
    return str(value)


def _table(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    head = "<tr>" + "".join(f"<th>{escape(str(name))}</th>" for name in header) + "</tr>" if header else ""
    body = "".join("<tr>" + "".join(f"<td>{escape(str(cell))}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table>{head}{body}</table>" if body else "<p>None.</p>"
