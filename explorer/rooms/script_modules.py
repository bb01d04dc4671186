"""Bundling of the ES modules of ``assets/js`` into one module for each page."""

from __future__ import annotations

import posixpath
import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from importlib.resources import files

_IMPORT = re.compile(r'^import \{([^}]*)\} from "(\.[^"]+)"\n', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async )?(?:function|class|const|let)\b)", re.MULTILINE)
_EXPORTED = re.compile(r"^export (?:async )?(?:function\*?|class|const|let) ([\w$]+)", re.MULTILINE)
_DECLARED = re.compile(r"^(?:export )?(?:async )?(?:function\*?|class|const|let) ([\w$]+)", re.MULTILINE)
_TAKEN_APART = re.compile(r"^(?:export )?(?:const|let) [\[{]([^=]*?)[\]}] = ", re.MULTILINE)
_LAST_NAME = re.compile(r"([\w$]+)\s*$")
_TYPES = re.compile(r"^[ \t]*/\*\*(?:(?!\*/).)*\*/\n", re.MULTILINE | re.DOTALL)


class ScriptError(ValueError):
    """A module cannot be bundled with its imports."""


@cache
def joined(entry: str) -> str:
    """Bundle a module with its imports, in the order of dependence.

    Parameters
    ----------
    entry : str
        Path of the module inside ``assets/js``, as in ``"explore/main.js"``. It alone keeps its exports.

    Returns
    -------
    str
        One module without imports, and without the comments on types, which browsers do not read.

    Raises
    ------
    ScriptError
        If modules import each other in a circle, import what is not exported, or declare the same name twice.
    """
    texts: dict[str, str] = {}
    _collect(entry, (), texts)
    names = Counter(name for text in texts.values() for name in _declared(text))
    if twice := sorted(name for name, count in names.items() if count > 1):
        raise ScriptError(f"The modules of {entry} declare {', '.join(twice)} more than once: rename one of each.")
    parts = (_TYPES.sub("", _IMPORT.sub("", text)) for text in texts.values())
    return "\n".join(part if name == entry else _EXPORT.sub("", part) for name, part in zip(texts, parts, strict=True))


def _declared(text: str) -> Iterator[str]:
    """Names that a module declares at its top, those of ``const [a, b] = ...`` and ``const { a: b } = ...`` too."""
    yield from _DECLARED.findall(text)
    for names in _TAKEN_APART.findall(text):
        yield from (match[1] for part in names.split(",") if (match := _LAST_NAME.search(part)))


def _collect(name: str, importers: tuple[str, ...], texts: dict[str, str]) -> None:
    """Collect the texts of a module and its imports, in the order of dependence."""
    if name in importers:
        raise ScriptError(f"Modules import each other: {' -> '.join((*importers, name))}. Move what they share.")
    if name in texts:
        return
    text = (files("assets") / "js" / name).read_text(encoding="utf-8")
    for wanted, address in _IMPORT.findall(text):
        other = posixpath.normpath(posixpath.join(posixpath.dirname(name), address))
        _collect(other, (*importers, name), texts)
        exported = set(_EXPORTED.findall(texts[other]))
        if missing := sorted({export.strip() for export in wanted.split(",") if export.strip()} - exported):
            raise ScriptError(f"{name} imports {', '.join(missing)} from {other}, which does not export it.")
    texts[name] = text
