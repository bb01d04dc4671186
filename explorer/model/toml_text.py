"""Writing of TOML in the layout of hand-written configurations."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")


def toml_text(document: Mapping[str, Any]) -> str:
    """Convert a document to TOML.

    Parameters
    ----------
    document : mapping
        As ``tomllib`` reads it: ``tomllib.loads`` of the text gives it back. Lists of tables are written as
        ``[[...]]``, tables in such an entry on one line.
    """
    return "\n".join(_table(document, ())).strip() + "\n"


def _table(table: Mapping[str, Any], path: tuple[str, ...]) -> Iterator[str]:
    """Lines of a table, plain values first, as TOML requires."""
    inner = {key: value for key, value in table.items() if isinstance(value, Mapping) or _is_tables(value)}
    for key, value in table.items():
        if key not in inner:
            yield f"{_key(key)} = {_value(value)}"
    for key, value in inner.items():
        place = (*path, key)
        name = ".".join(_key(part) for part in place)
        if isinstance(value, Mapping):
            if not value or any(not (isinstance(item, Mapping) or _is_tables(item)) for item in value.values()):
                yield from ("", f"[{name}]")
            yield from _table(value, place)
        else:
            for entry in value:
                yield from ("", f"[[{name}]]")
                yield from (f"{_key(word)} = {_value(part)}" for word, part in entry.items())


def _is_tables(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(item, Mapping) for item in value)


def _value(value: Any) -> str:
    if isinstance(value, str):
        return _quoted(value)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_key(key)} = {_value(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_value(item) for item in value) + "]"
    return value.isoformat() if hasattr(value, "isoformat") else repr(value)  # inf and nan are spelled as in Python


def _key(key: str) -> str:
    return key if _BARE_KEY.fullmatch(key) else _quoted(key)


def _quoted(text: str) -> str:
    """A basic string, with the escapes of JSON and an escaped DEL."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
