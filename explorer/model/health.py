"""State of the server for ``/health``: the product, and parts that register themselves."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from pipeline.products.manifest import software_versions

Part: TypeAlias = Callable[[], Mapping[str, Any]]

_VERSIONS = software_versions()
_PARTS: dict[str, Part] = {}


def add_part(name: str, part: Part) -> None:
    """Register a part that reports its state; a later registration replaces an earlier one.

    Parameters
    ----------
    name : str
        Key in the document, such as ``record``.
    part : callable
        Returns a mapping for JSON without delay, as the server waits for it. ``ok`` says whether the part works;
        where it is missing, it does.
    """
    _PARTS[name] = part


def health() -> tuple[bool, dict[str, Any]]:
    """Whether the product can be served, and the complete report.

    Returns
    -------
    good : bool
        False while the product is damaged, gone or cannot be opened; other parts may fail without it.
    document : dict
        ``ok`` (every part works), ``product``, the other parts, ``versions``.
    """
    parts = {name: dict(part()) for name, part in _PARTS.items()}
    good = bool(parts.get("product", {}).get("ok", True))
    ok = all(part.get("ok", True) for part in parts.values())
    return good, {"ok": ok, **parts, "versions": _VERSIONS}
