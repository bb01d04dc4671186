"""Types of the messages for the scripts of the page.

``python -m explorer.protocol_types > assets/js/protocol.d.ts`` writes them.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any, TypeAlias

from msgspec import inspect

from explorer import protocol

_Structure: TypeAlias = inspect.StructType | inspect.TypedDictType

_SCALARS: dict[type[Any], str] = {
    inspect.IntType: "number",
    inspect.FloatType: "number",
    inspect.StrType: "string",
    inspect.BoolType: "boolean",
    inspect.NoneType: "null",
    inspect.BytesType: "ArrayBuffer",
    inspect.AnyType: "unknown",
}


def declarations() -> str:
    """TypeScript declarations of every request, of the update, and of what they are made of."""
    requests = [inspect.type_info(request) for request in protocol.REQUESTS.values()]
    parts: dict[str, _Structure] = {}
    for found in (*requests, inspect.type_info(protocol.Update)):
        _collect(found, parts)
    lines = ["// Generated from explorer/protocol.py by python -m explorer.protocol_types.", ""]
    for part in sorted(parts.values(), key=lambda one: one.cls.__name__):
        lines += _interface(part)
    names = " |\n  ".join(f'"{kind}"' for kind in protocol.REQUESTS)
    lines += [f"export type RequestKind =\n  {names};", ""]
    union = " |\n  ".join(one.cls.__name__ for one in requests if isinstance(one, inspect.StructType))
    return "\n".join([*lines, f"export type Request =\n  {union};", ""])


def _collect(found: inspect.Type, parts: dict[str, _Structure]) -> None:
    """Every structure inside a type, itself too."""
    if isinstance(found, _Structure):
        parts[found.cls.__name__] = found
    for inner in _inside(found):
        _collect(inner, parts)


def _inside(found: inspect.Type) -> Iterator[inspect.Type]:
    if isinstance(found, _Structure):
        yield from (field.type for field in found.fields)
    elif isinstance(found, inspect.UnionType):
        yield from found.types
    elif isinstance(found, inspect.VarTupleType | inspect.ListType):
        yield found.item_type
    elif isinstance(found, inspect.TupleType):
        yield from found.item_types
    elif isinstance(found, inspect.DictType):
        yield found.value_type


def _interface(part: _Structure) -> list[str]:
    doc = (part.cls.__doc__ or "").splitlines()[0]
    lines = [f"/** {doc} */", f"export interface {part.cls.__name__} {{"]
    if isinstance(part, inspect.StructType) and part.tag_field is not None:
        lines.append(f'  {part.tag_field}: "{part.tag}";')
    for field in part.fields:
        optional = "" if field.required else "?"
        lines.append(f"  {field.encode_name}{optional}: {_written(field.type)};")
    return [*lines, "}", ""]


def _written(found: Any) -> str:
    """A type in TypeScript."""
    match found:
        case inspect.StructType() | inspect.TypedDictType():
            text = found.cls.__name__
        case inspect.UnionType():
            text = " | ".join(map(_written, found.types))
        case inspect.LiteralType():
            text = " | ".join(f'"{value}"' for value in found.values)
        case inspect.VarTupleType() | inspect.ListType():
            inner = _written(found.item_type)
            text = f"({inner})[]" if "|" in inner else f"{inner}[]"
        case inspect.TupleType():
            text = f"[{', '.join(map(_written, found.item_types))}]"
        case inspect.DictType():
            text = f"Record<string, {_written(found.value_type)}>"
        case _ if type(found) in _SCALARS:
            text = _SCALARS[type(found)]
        case _:
            raise TypeError(f"{found!r} has no type of the page yet: add it to explorer.protocol_types.")
    return text


if __name__ == "__main__":
    sys.stdout.write(declarations())
