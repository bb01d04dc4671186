"""The header of an ECSV table: YAML in comments, read as plain values with any tags."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from pipeline.sources.tables.table_file import Limits, TableError

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_START = re.compile(r"#\s*%ECSV\s")
_MAX_NESTING = 64
_MAX_EVENTS_A_COLUMN = 200


@dataclass(frozen=True)
class EcsvHeader:
    """Contents of an ECSV header.

    Parameters
    ----------
    delimiter : str
        Between cells.
    about : dict
        For each column its ``unit``, ``description``, ``datatype``, ``subtype`` and ``ucd``, as far as it is described.
    metadata : dict
        Words of the file about itself.
    """

    delimiter: str
    about: dict[str, dict[str, Any]]
    metadata: dict[str, str]


def is_ecsv(first_line: str) -> bool:
    """Whether a first line begins an ECSV header."""
    return _START.match(first_line) is not None


def read_ecsv_header(comments: Sequence[str], name: str, limits: Limits) -> EcsvHeader:
    """Read the comment lines of a header.

    Raises
    ------
    TableError
        If they are damaged, use anchors, or describe more columns than the limit.
    """
    text = "\n".join(line[2:] if line.startswith("# ") else line[1:] for line in comments[1:])
    try:
        _check(text, name, limits)
        header = yaml.load(text, Loader=_PlainLoader)  # noqa: S506 - a safe loader
        delimiter = str(header.get("delimiter", " "))
        columns = header["datatype"]
        limits.check_columns(name, len(columns))
        about = {str(item["name"]): {str(k): v for k, v in item.items()} for item in columns}
    except (yaml.YAMLError, AttributeError, KeyError, TypeError, ValueError, RecursionError) as error:
        if isinstance(error, TableError):
            raise
        raise TableError(f"{name}: its ECSV header is damaged ({type(error).__name__}).") from None
    meta = header.get("meta") or {}
    pairs = meta.items() if isinstance(meta, dict) else meta if isinstance(meta, list) else ()
    metadata = {
        str(pair[0]).lower(): str(pair[1]) for pair in pairs if isinstance(pair, tuple | list) and len(pair) == 2
    }
    for item in about.values():
        own = item.get("meta")
        item["ucd"] = str(dict(own).get("ucd", "")) if isinstance(own, dict) else ""
    return EcsvHeader(delimiter, about, metadata)


def _check(text: str, name: str, limits: Limits) -> None:
    """Refuse what would cost memory or the stack, event by event, before values are made."""
    depth, key, columns = 0, "", 0
    for number, event in enumerate(yaml.parse(text, Loader=_LOADER)):
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise TableError(
                f"{name}: its ECSV header uses YAML anchors, which are not read. Save it again with astropy."
            )
        if isinstance(event, yaml.ScalarEvent) and depth == 1:
            key = event.value
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        columns += key == "datatype" and depth == 3 and isinstance(event, yaml.MappingStartEvent)
        limits.check_columns(name, columns)
        if depth > _MAX_NESTING or number > _MAX_EVENTS_A_COLUMN * (limits.max_columns or number):
            raise TableError(f"{name}: its ECSV header is nested too deeply or too long. Save it again with astropy.")


class _PlainLoader(_LOADER):  # type: ignore[misc,valid-type]
    """YAML of an ECSV header: plain values; tags that would make objects are plain values too."""


def _plain_node(loader: Any, _tag: str, node: yaml.Node) -> Any:
    if isinstance(node, yaml.MappingNode):
        return loader.construct_mapping(node, deep=True)
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    return loader.construct_scalar(node)


_PlainLoader.add_multi_constructor("!", _plain_node)
_PlainLoader.add_multi_constructor("tag:yaml.org,2002:python/", _plain_node)
