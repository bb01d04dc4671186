"""Encoding of server messages: undeclared parts are refused here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import numpy as np
from msgspec import UNSET, inspect, structs, to_builtins

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


def encoded(parts: object) -> Any:
    """Parts as plain values: mappings, lists for rows, values of enumerations; arrays and bytes as is."""
    return to_builtins(parts, builtin_types=(bytes, np.ndarray))


_SCALARS: dict[type[inspect.Type], type] = {
    inspect.StrType: str,
    inspect.BoolType: bool,
    inspect.BytesType: bytes,
    inspect.DictType: dict,
}


def _check_of(declared: inspect.Type) -> Callable[[object], bool]:
    """Whether a value is of a type, as far as the structures that it consists of."""
    if isinstance(declared, inspect.VarTupleType):
        kinds = _kinds(declared.item_type)
        return lambda value: isinstance(value, tuple) and all(isinstance(item, kinds) for item in value)
    kinds = _kinds(declared)
    return lambda value: isinstance(value, kinds)


def _kinds(declared: inspect.Type) -> tuple[type, ...]:
    """Classes of values of a type."""
    if isinstance(declared, inspect.UnionType):
        return tuple(kind for member in declared.types for kind in _kinds(member))
    return (declared.cls if isinstance(declared, inspect.StructType | inspect.EnumType) else _SCALARS[type(declared)],)


def _declared() -> dict[str, Callable[[object], bool]]:
    update = inspect.type_info(Update)
    assert isinstance(update, inspect.TypedDictType)
    return {field.name: _check_of(field.type) for field in update.fields}


_DECLARED = _declared()
