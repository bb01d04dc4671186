"""Shortcuts: keys and what they do, declared once for the scripts of the pages, tooltips and help.

A key has the name that browsers give it; letters tell Shift themselves (``U``), arrows do not (``Shift+ArrowLeft``).
Ctrl is told by its name (``Ctrl+z``), which stands for the command key of a Mac too.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import zip_longest
from typing import NamedTuple

from explorer import protocol
from explorer.model.screen import DragTool
from explorer.vetting.rules import FLAG_KEYS, VettingRules

_CTRL = "Ctrl+"
_NAMES = {"ArrowLeft": "←", "ArrowRight": "→", "Escape": "Esc"}

PAGE_KEYS: Mapping[str, protocol.Request] = {
    "b": protocol.Tool(DragTool.BOX),
    "o": protocol.Tool(DragTool.LASSO),
    "p": protocol.Tool(DragTool.PAN),
    "u": protocol.Undo(),
    "U": protocol.Redo(),
    "Ctrl+z": protocol.Undo(),
    "Ctrl+Z": protocol.Redo(),
    "Ctrl+y": protocol.Redo(),
    "x": protocol.Home(),
    "/": protocol.Side(open=True),
    "?": protocol.Help(),
}
"""Requests of the Explore page."""

STAR_KEYS: Mapping[str, tuple[str, ...]] = {
    "next": ("j", "ArrowRight"),
    "previous": ("k", "ArrowLeft"),
    "nextUnvetted": ("J", "Shift+ArrowRight"),
    "previousUnvetted": ("K", "Shift+ArrowLeft"),
    "find": ("g",),
    "smoother": ("s",),
    "sharper": ("d",),
    "lines": ("l",),
    "model": ("m",),
    "residual": ("v",),
    "raw": ("a",),
    "zoomCa": ("z",),
    "zoomTio": ("Z",),
    "whole": ("x",),
    "nextLine": ("n",),
    "previousLine": ("N",),
    "measure": ("i",),
    "fit": ("f",),
}
"""Actions of the star beside the views and in the vetting rooms, by name."""

TOUR_KEYS: Mapping[str, tuple[str, ...]] = {"next": ("PageDown",), "back": ("PageUp",), "leave": ("Escape",)}
"""Actions of a tour or a story while one is shown."""

VERDICT_KEYS: Mapping[str, str] = {"comment": "c", "undo": "u", "redo": "U", "help": "?"}
"""Actions of the form of a verdict; digits and :data:`~explorer.vetting.rules.FLAG_KEYS` are those of a campaign."""


class HelpRow(NamedTuple):
    """Keys that are explained together."""

    keys: tuple[str, ...]
    meaning: str


def _of_star(*actions: str) -> tuple[str, ...]:
    """Keys of actions: the first of each, then the second."""
    rows = zip_longest(*(STAR_KEYS[action] for action in actions))
    return tuple(key for row in rows for key in row if key is not None)


_UNVETTED = _of_star("nextUnvetted", "previousUnvetted")[:2]

PAGE_HELP: tuple[HelpRow, ...] = (
    HelpRow(("b",), "drag a box"),
    HelpRow(("o",), "drag a lasso"),
    HelpRow(("p",), "move the view"),
    HelpRow(("u", "Ctrl+z"), "undo the last selection or subset"),
    HelpRow(("U", "Ctrl+Z", "Ctrl+y"), "redo"),
    HelpRow(("x",), "reset every zoom"),
    HelpRow(_of_star("next", "previous"), "next and previous star"),
    HelpRow(_UNVETTED, "next and previous star that you have not judged; Shift with the arrows too"),
    HelpRow(_of_star("find"), "go to an obsid, a Gaia source id, a designation or a position"),
    HelpRow(_of_star("smoother", "sharper"), "smooth the spectrum more or less"),
    HelpRow(_of_star("lines", "model", "residual", "raw"), "lines, model, residuals, not normalised"),
    HelpRow(_of_star("zoomCa", "zoomTio"), "zoom to Ca II or TiO"),
    HelpRow(_of_star("nextLine", "previousLine"), "zoom to the next or previous line of the lists"),
    HelpRow(_of_star("measure"), "measure a line: drag over it"),
    HelpRow(_of_star("fit"), "fit the star again"),
    HelpRow(("/",), "filter by an expression"),
    HelpRow(tuple(key for keys in TOUR_KEYS.values() for key in keys), "next and previous step of a story; leave it"),
    HelpRow(("?",), "this help"),
)
"""Help of the Explore page."""


def vetting_help() -> tuple[HelpRow, ...]:
    """Help of the vetting rooms, for the verdicts and flags of the usual rules."""
    rules = VettingRules()
    return (
        HelpRow(tuple(str(digit) for digit in sorted(rules.verdicts)), "verdict: save, and show the next star"),
        HelpRow(tuple(FLAG_KEYS), f"flags: {', '.join(rules.flags)}"),
        HelpRow((VERDICT_KEYS["comment"],), "comment; Ctrl+Enter keeps it, Esc closes it"),
        HelpRow(_of_star("next")[:1], "postpone this star"),
        HelpRow(_of_star("previous")[:1], "previous star"),
        HelpRow((VERDICT_KEYS["undo"],), "undo the last verdict"),
        HelpRow((VERDICT_KEYS["redo"],), "redo"),
        HelpRow(_of_star("find"), "go to a star that you have judged"),
        HelpRow(_of_star("smoother", "sharper"), "smooth more, less"),
        HelpRow(_of_star("lines", "model", "residual", "raw"), "lines, model, residuals, raw"),
        HelpRow(_of_star("zoomCa", "zoomTio", "whole"), "Ca II, TiO, whole spectrum"),
        HelpRow(_of_star("nextLine", "previousLine", "measure"), "next and previous line, measure a line"),
        HelpRow(_of_star("fit"), "fit again"),
    )


def written(key: str) -> str:
    """Write a key as it is printed: ``Shift+U`` for ``U``, ``Ctrl+Z`` for ``Ctrl+z``, arrows as such."""
    if key.startswith(_CTRL):
        letter = key.removeprefix(_CTRL)
        return f"{_CTRL}{'Shift+' if letter.isupper() else ''}{letter.upper()}"
    return f"Shift+{key}" if len(key) == 1 and key.isupper() else _NAMES.get(key, key)


def help_rows(rows: tuple[HelpRow, ...]) -> tuple[tuple[str, str], ...]:
    """Return keys, separated by blanks, and what they do."""
    return tuple((" ".join(written(key) for key in row.keys), row.meaning) for row in rows)
