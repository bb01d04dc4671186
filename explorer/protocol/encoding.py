"""Encoding of what the server sends: parts that are not declared are refused here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any, TypeVar

from msgspec import UNSET, Struct, inspect, structs

from explorer.protocol.updates import MessagePart, Update

SomePart = TypeVar("SomePart", bound=MessagePart)


class UndeclaredPartError(TypeError):
    """A part of a message that no page takes, or one of another type than is declared."""


def checked(parts: Mapping[str, object]) -> None:
    """Check names and types of parts; the inside of a structure is checked by mypy and by the tests.

    Raises
    ------
    UndeclaredPartError
        If a part is not declared, or of another type.
    """
    for name, value in parts.items():
        accepts = _DECLARED.get(name)
        if accepts is None:
            raise UndeclaredPartError(f"No page takes {name!r}: declare it in explorer.protocol.updates.")
        if not accepts(value):
            raise UndeclaredPartError(f"The part {name!r} is declared with another type than {type(value).__name__}.")


def merged(earlier: SomePart | None, later: SomePart) -> SomePart:
    """A part with the fields that are set in either; those of the later one replace the earlier ones."""
    if earlier is None:
        return later
    values = {name: getattr(later, name) for name in later.__struct_fields__}
    return structs.replace(earlier, **{name: value for name, value in values.items() if value is not UNSET})


def encoded(value: object) -> Any:
    """A part as plain values: objects as mappings, rows and tuples as lists; arrays and bytes as they are."""
    if isinstance(value, Struct):
        return _row(value) if value.__struct_config__.array_like else _object(value)
    if isinstance(value, list | tuple):
        return [encoded(item) for item in value]
    if isinstance(value, dict):
        return {name: encoded(item) for name, item in value.items()}
    return value.value if isinstance(value, Enum) else value


def _object(part: Struct) -> dict[str, Any]:
    config = part.__struct_config__
    found: dict[str, Any] = {} if config.tag_field is None else {config.tag_field: config.tag}
    for name, sent in zip(part.__struct_fields__, part.__struct_encode_fields__, strict=True):
        value = getattr(part, name)
        if value is not UNSET:
            found[sent] = encoded(value)
    return found


def _row(part: Struct) -> list[Any]:
    values = (getattr(part, name) for name in part.__struct_fields__)
    return [encoded(value) for value in values if value is not UNSET]


_SCALARS: dict[type[inspect.Type], type] = {
    inspect.StrType: str,
    inspect.BoolType: bool,
    inspect.BytesType: bytes,
    inspect.DictType: dict,
}


def _check_of(declared: inspect.Type) -> Callable[[object], bool]:
    """Whether a value is of a type, as far as the structures that it consists of."""
    if isinstance(declared, inspect.StructType):
        kind = declared.cls
        return lambda value: isinstance(value, kind)
    if isinstance(declared, inspect.UnionType):
        any_of = tuple(map(_check_of, declared.types))
        return lambda value: any(accepts(value) for accepts in any_of)
    if isinstance(declared, inspect.VarTupleType):
        each = _check_of(declared.item_type)
        return lambda value: isinstance(value, tuple) and all(map(each, value))
    scalar = _SCALARS[type(declared)]
    return lambda value: isinstance(value, scalar)


def _declared() -> dict[str, Callable[[object], bool]]:
    update = inspect.type_info(Update)
    assert isinstance(update, inspect.TypedDictType)
    return {field.name: _check_of(field.type) for field in update.fields}


_DECLARED = _declared()
