"""Schemas of known tables as data: columns, missing values, duplicate rows."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import cache
from importlib.resources import files
from typing import Any

from pipeline.domain.columns import BY_NAME


class ProfileError(ValueError):
    """A shipped profile is invalid."""


@dataclass(frozen=True)
class Recipe:
    """Conversion of columns of a table to one catalogue column.

    Parameters
    ----------
    columns : tuple of str
        The table's columns: one; two for a difference.
    operation : str
        "take", "difference" (first minus second), "redshift" (a velocity from z) or "flags" (whether any of ``bits``
        is set, or the value is true).
    unit : str
        Unit of the table's column where the file declares none.
    missing : tuple of float
        Values that mean missing.
    below, above : float or None
        Values at or below the first, at or above the second, are missing.
    bits : tuple of tuple of int
        For flags, the bits of each column.
    why : str
        How it was recognised.
    """

    columns: tuple[str, ...]
    operation: str = "take"
    unit: str = ""
    missing: tuple[float, ...] = ()
    below: float | None = None
    above: float | None = None
    bits: tuple[tuple[int, ...], ...] = ()
    why: str = ""


OPERATIONS = ("take", "difference", "redshift", "flags")
_RECIPE_KEYS = {"column", "columns", "operation", "unit", "missing", "below", "above", "bits"}


@dataclass(frozen=True)
class Profile:
    """A known kind of table.

    Parameters
    ----------
    name : str
        For messages and the manifest.
    fingerprint : tuple of str
        Columns that all must be there, as the table spells them.
    absent : tuple of str
        Columns that must not be there.
    columns : dict of str to Recipe
        Recipes of our columns; those whose columns a table lacks do not apply.
    ignore : tuple of str
        Columns that must never be taken for ours, whatever their name.
    keep : bool or tuple of str
        Whether other columns are carried along: all, none, or those named.
    epoch : float or None
        Julian year of the positions.
    drop_bits : dict of str to tuple of int
        Rows with one of these bits set are duplicates or unusable and are left out.
    prefer : str
        Column by which the best of several rows of a star is chosen: the larger the better.
    star_class : str
        Column of object classes: a redshift is a velocity only where it says STAR.
    finished : bool
        Whether labels, velocity and distance are results that are published as they are.
    note : str
        A sentence for the user.
    """

    name: str
    fingerprint: tuple[str, ...]
    absent: tuple[str, ...] = ()
    columns: dict[str, Recipe] = field(default_factory=dict)
    ignore: tuple[str, ...] = ()
    keep: bool | tuple[str, ...] = False
    epoch: float | None = None
    drop_bits: dict[str, tuple[int, ...]] = field(default_factory=dict)
    prefer: str = ""
    star_class: str = ""
    finished: bool = False
    note: str = ""

    def fits(self, names: Iterable[str]) -> bool:
        """Whether a table with these columns is of this kind."""
        there = set(names)
        return set(self.fingerprint) <= there and not there & set(self.absent)


def recipe_from(value: Any, where: str, why: str) -> Recipe:
    """Parse a recipe from TOML: a name, or a table of :class:`Recipe`'s fields.

    Raises
    ------
    ProfileError
        If a key is unknown or a value has the wrong type.
    """
    if isinstance(value, str):
        return Recipe((value,), why=why)
    if not isinstance(value, dict):
        raise ProfileError(f"{where} must be the name of a column or a table such as {{column = NAME, unit = UNIT}}.")
    unknown = set(value) - _RECIPE_KEYS
    if unknown:
        raise ProfileError(f"{where}: unknown key {min(unknown)!r}; known are {', '.join(sorted(_RECIPE_KEYS))}.")
    columns = value.get("columns", [value["column"]] if "column" in value else [])
    operation = value.get("operation", "take")
    if not columns or not all(isinstance(name, str) for name in columns):
        raise ProfileError(f"{where} names no column.")
    if operation not in OPERATIONS:
        raise ProfileError(f"{where}: operation {operation!r} is none of {', '.join(OPERATIONS)}.")
    if len(columns) != (2 if operation == "difference" else 1) and operation != "flags":
        raise ProfileError(f"{where}: {operation} takes {2 if operation == 'difference' else 1} column(s).")
    missing = value.get("missing", [])
    try:
        return Recipe(
            tuple(columns),
            operation,
            str(value.get("unit", "")),
            tuple(float(item) for item in (missing if isinstance(missing, list) else [missing])),
            None if value.get("below") is None else float(value["below"]),
            None if value.get("above") is None else float(value["above"]),
            tuple(tuple(int(bit) for bit in bits) for bits in value.get("bits", [])),
            why,
        )
    except (TypeError, ValueError) as error:
        raise ProfileError(f"{where}: {error}.") from error


def parse_profile(raw: dict[str, Any], source: str) -> Profile:
    """Parse a profile from TOML."""
    columns = dict(raw.pop("columns", {}))
    name = str(raw["name"])
    unknown = set(columns) - set(BY_NAME)
    if unknown:
        raise ProfileError(f"{source}: {min(unknown)!r} is no column of the catalogue.")
    keep = raw.pop("keep", False)
    return Profile(
        name=name,
        fingerprint=tuple(raw.pop("fingerprint")),
        absent=tuple(raw.pop("absent", ())),
        columns={ours: recipe_from(value, f"{source}: {ours}", name) for ours, value in columns.items()},
        ignore=tuple(raw.pop("ignore", ())),
        keep=keep if isinstance(keep, bool) else tuple(keep),
        drop_bits={key: tuple(bits) for key, bits in raw.pop("drop_bits", {}).items()},
        **{key: value for key, value in raw.items() if key != "name"},
    )


@cache
def shipped_profiles() -> tuple[Profile, ...]:
    """The shipped profiles, those with the longest fingerprint first."""
    folder = files("pipeline.sources.tables") / "profiles"
    result = [
        parse_profile(raw, str(item))
        for item in sorted(folder.iterdir(), key=str)
        if str(item).endswith(".toml")
        for raw in tomllib.loads(item.read_text(encoding="utf-8"))["profile"]
    ]
    return tuple(sorted(result, key=lambda profile: -len(profile.fingerprint)))


def profile_of(names: Iterable[str]) -> Profile | None:
    """The most specific profile that matches a table's columns, else one that does regardless of case."""
    there = list(names)
    exact = next((profile for profile in shipped_profiles() if profile.fits(there)), None)
    return exact or _folded_profile_of(there)


def _folded_profile_of(names: list[str]) -> Profile | None:
    """A profile that matches regardless of case, if no two names then coincide."""
    folded = {name.lower(): name for name in names}
    if len(folded) < len(names):
        return None
    for profile in shipped_profiles():
        lower = [name.lower() for name in profile.fingerprint]
        if len(set(lower)) < len(lower) or any(ours.lower() not in folded for ours in lower):
            continue
        if any(name.lower() in folded for name in profile.absent):
            continue

        def spelled(recipe: Recipe) -> Recipe:
            return replace(recipe, columns=tuple(folded.get(name.lower(), name) for name in recipe.columns))

        return replace(
            profile,
            columns={ours: spelled(recipe) for ours, recipe in profile.columns.items()},
            ignore=tuple(folded.get(name.lower(), name) for name in profile.ignore),
            drop_bits={folded.get(name.lower(), name): bits for name, bits in profile.drop_bits.items()},
            prefer=folded.get(profile.prefer.lower(), ""),
            star_class=folded.get(profile.star_class.lower(), ""),
        )
    return None
