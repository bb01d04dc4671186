"""Recognition of columns by the user's configuration, a known schema, UCD and unit, or exact alias.

An ambiguity is a question to the user, never a choice: two columns of one rank are refused with the line to write.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from functools import lru_cache

from pipeline.domain.columns import BY_NAME, COLUMNS, names_at, placed
from pipeline.sources.tables.profiles import Profile, Recipe, profile_of
from pipeline.sources.tables.table_file import Field, TableError, TableFile
from pipeline.sources.tables.units import SEXAGESIMAL_UNITS, SUFFIX_UNITS, conversion, parse_unit

IDENTIFIERS = names_at("identifier")

_BY_UCD = tuple(item.name for item in placed("ucd"))
"""Columns with a UCD that is unique in an observer's table."""

_UCD_ALSO = {
    "pos.parallax.trig": "pos.parallax",
    "pos_eq_ra_main": "pos.eq.ra;meta.main",
    "pos_eq_dec_main": "pos.eq.dec;meta.main",
}
_PAIR = re.compile(r"(?P<before>|.*?[_.\- ])(?P<word>ra|raj2000|radeg)(?P<after>|[_.\- \d].*)$", re.IGNORECASE)
_PAIR_RANKS = {"ra": 0, "RA": 0, "RA_ICRS": 1, "RAJ2000": 2, "RAdeg": 2, "_RAJ2000": 4, "_RA": 5, "_ra": 5}
_ALIAS_RANK, _OTHER_RANK, _LAST_RANK = 3, 6, 9
_LONGEST_SUFFIX_FIRST = sorted(SUFFIX_UNITS.items(), key=lambda pair: -len(pair[0]))
_BP = re.compile(r"(?P<before>|.*_)bp(?P<after>_mean_mag|_mag|mag)")
_PARTNER = {"ra": ("dec", "de"), "raj2000": ("dej2000", "decj2000"), "radeg": ("dedeg", "decdeg")}
_LAST_RESORT = re.compile(r"(^|_)obs(_|$)", re.IGNORECASE)
_ERROR_FORMS = (
    "{}_err",
    "{}_error",
    "{}_ERR",
    "{}_ERROR",
    "e_{}",
    "err_{}",
    "{}err",
    "{}Err",
    "{}sigcom",
    "sig{}",
    "sigma_{}",
)


@dataclass(frozen=True)
class Recognised:
    """Interpretation of a table.

    Parameters
    ----------
    recipes : dict of str to Recipe
        How each of our columns is made; each says why.
    profile : Profile or None
        The known schema.
    own : tuple of Field
        Columns that are carried along as the user's own.
    notes : tuple of str
        What the user should know, a sentence each.
    """

    recipes: dict[str, Recipe]
    profile: Profile | None
    own: tuple[Field, ...]
    notes: tuple[str, ...] = ()


@dataclass
class _Search:
    """Columns found so far, by catalogue name."""

    table: TableFile
    taken: dict[str, Recipe] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    refused: set[str] = field(default_factory=set)
    """Columns of the table that must not be used."""

    def free(self) -> list[Field]:
        used = {name for recipe in self.taken.values() for name in recipe.columns}
        return [item for item in self.table.fields if item.name not in used | self.refused and item.kind != "array"]


def recognise(
    table: TableFile,
    wanted: Mapping[str, Recipe] | None = None,
    *,
    keep: bool | Sequence[str] | None = None,
    refused: Sequence[str] = (),
) -> Recognised:
    """Determine the catalogue column of each column of a table.

    Parameters
    ----------
    table : TableFile
        The table.
    wanted : mapping of str to Recipe, optional
        The user's own mapping, which always wins.
    keep : bool or sequence of str, optional
        Which other columns are carried along; by default as the profile says, all without one.
    refused : sequence of str
        Columns of ours that the user does not want from this table.

    Raises
    ------
    TableError
        If the user names a column that is not there or is not ours, or two columns fit one of ours equally well.
    """
    search = _Search(table)
    barred = set(refused)
    _configured(search, wanted or {})
    profile = profile_of(table.names)
    if profile is not None:
        _from_profile(search, profile, barred)
        _pair(search, barred)
    else:
        _by_ucd(search, barred)
        _by_alias(search, barred)
        _pair(search, barred)
        _by_affix(search, barred)
    _errors(search, barred)
    _colour(search, barred)
    own = _own(search, profile, keep)
    if profile is not None and profile.note:
        search.notes.append(f"{profile.name}: {profile.note}")
    return Recognised(search.taken, profile, own, tuple(search.notes))


def position_recipes(table: TableFile) -> dict[str, Recipe] | None:
    """Conversion to RA and Dec, by schema, UCDs or names; None if the table has no position.

    Raises
    ------
    TableError
        If two pairs may be the position.
    """
    search = _Search(table)
    profile = profile_of(table.names)
    there = table.by_name
    if profile is not None:
        known = {ours: recipe for ours, recipe in profile.columns.items() if ours in ("ra", "dec")}
        search.taken |= {ours: recipe for ours, recipe in known.items() if recipe.columns[0] in there}
    else:
        _by_ucd(search, set(_BY_UCD) - {"ra", "dec"})
    if len(search.taken) < 2:
        search.taken.clear()
        _pair(search, set())
    return search.taken if len(search.taken) == 2 else None


def _configured(search: _Search, wanted: Mapping[str, Recipe]) -> None:
    for ours, recipe in wanted.items():
        if ours not in BY_NAME:
            near = get_close_matches(ours, BY_NAME, n=1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            raise TableError(f"{search.table.name}: columns.{ours} is no column of the catalogue.{hint}")
        for name in recipe.columns:
            if name not in search.table.by_name:
                near = get_close_matches(name, search.table.names, n=1)
                hint = f"Did you mean {near[0]!r}?" if near else f"It has {shown(search.table.names)}."
                raise TableError(f"{search.table.name} has no column {name!r} (columns.{ours}). {hint}")
            if search.table.by_name[name].kind == "array":
                raise TableError(f"{search.table.name}: column {name!r} (columns.{ours}) holds arrays.")
        search.taken[ours] = replace(recipe, why=recipe.why or "configured")


def _from_profile(search: _Search, profile: Profile, barred: set[str]) -> None:
    there = search.table.by_name
    for ours, recipe in profile.columns.items():
        usable = all(name in there and there[name].kind != "array" for name in recipe.columns)
        if usable and ours not in search.taken and ours not in barred:
            search.taken[ours] = recipe
    used = {name for recipe in search.taken.values() for name in recipe.columns}
    search.refused |= set(profile.ignore) - used


def _by_ucd(search: _Search, barred: set[str]) -> None:
    for ours in _BY_UCD:
        if ours in search.taken or ours in barred:
            continue
        declared = BY_NAME[ours]
        plain = declared.ucd.removesuffix(";meta.main")
        candidates = [
            item
            for item in search.free()
            if _ucd(item).removesuffix(";meta.main") == plain and _right_unit(item, declared.unit)
        ]
        main = [item for item in candidates if _ucd(item).endswith(";meta.main")]
        candidates = main or candidates
        named = [item for item in candidates if item.name in (ours, *declared.aliases)]
        if len(candidates) > 1 and len(named) == 1:
            candidates = named
        if len(candidates) == 1:
            search.taken[ours] = Recipe((candidates[0].name,), why=f"UCD {candidates[0].ucd}")
        # Several: the names decide, or ask.


def _ucd(item: Field) -> str:
    text = item.ucd.strip().lower().replace("phot.mag;em.ir.", "phot.mag;em.IR.")
    text = _UCD_ALSO.get(text, text)
    return text.replace("em.IR.j", "em.IR.J").replace("em.IR.h", "em.IR.H").replace("em.IR.k", "em.IR.K")


def _right_unit(item: Field, unit: str) -> bool:
    sexagesimal = item.unit.strip().lower() in SEXAGESIMAL_UNITS
    return not item.unit or sexagesimal or parse_unit(item.unit) is None or conversion(item.unit, unit) is not None


def _by_alias(search: _Search, barred: set[str]) -> None:
    """Exact names: catalogue, paper, alias; then regardless of case, and with a unit suffix."""
    for declared in COLUMNS:
        ours = declared.name
        if ours in search.taken or ours in barred or ours in ("ra", "dec"):
            continue
        free = [item for item in search.free() if _kind_fits(item, ours)]
        spelled = (ours, declared.paper_name, *declared.aliases)
        folded = {_folded(name) for name in spelled if len(name) > 1}
        ranks = (
            [item for item in free if item.name == ours],
            [item for item in free if item.name in spelled],
            [item for item in free if _folded(item.name) in folded],
            [item for item in free if len(item.name) == 1 and item.name.upper() in spelled],
            [item for item in free if _without_unit(item.name)[0] in spelled and _without_unit(item.name)[1]],
        )
        _take_first(search, ours, ranks, "name")


def _take_first(search: _Search, ours: str, ranks: Sequence[Sequence[Field]], why: str) -> None:
    result = next((rank for rank in ranks if rank), [])
    if len(result) > 1:
        raise TableError(two_candidates(search.table.name, ours, [item.name for item in result]))
    if result:
        by_suffix = result is ranks[-1]
        unit = _without_unit(result[0].name)[1] if by_suffix and not result[0].unit else ""
        search.taken[ours] = Recipe((result[0].name,), unit=unit, why=f"{why} {result[0].name}")


def two_candidates(table: str, ours: str, names: Sequence[str]) -> str:
    """Question to the user about two candidates."""
    return (
        f"{table}: {' and '.join(repr(name) for name in names[:4])} may both be {ours}. Say which: "
        f'columns = {{{ours} = "{names[0]}"}}'
    )


def _kind_fits(item: Field, ours: str) -> bool:
    wanted = BY_NAME[ours].dtype
    if ours in IDENTIFIERS:
        return item.kind in ("int", "float", "str", "unknown")
    if wanted == "str":
        return item.kind in ("str", "int", "unknown")
    if wanted == "bool":
        return item.kind in ("bool", "int")
    return item.kind in ("int", "float", "unknown")


@lru_cache(maxsize=1 << 16)
def _folded(name: str) -> str:
    return re.sub(r"[\s_\-]+", "_", name.strip().lower())


@lru_cache(maxsize=1 << 16)
def _without_unit(name: str) -> tuple[str, str]:
    for suffix, unit in _LONGEST_SUFFIX_FIRST:
        if name.lower().endswith(suffix) and len(name) > len(suffix):
            return name[: -len(suffix)], unit
    return name, ""


def _pair(search: _Search, barred: set[str]) -> None:
    """RA and Dec as a pair of names that differ only in ``ra`` and ``dec``."""
    if "ra" in search.taken or "dec" in search.taken or {"ra", "dec"} & barred:
        return
    free = {item.name: item for item in search.free()}
    folded = {name.lower(): name for name in free}
    pairs: list[tuple[int, str, str]] = []
    for name in free:
        match = _PAIR.match(name)
        if match is None:
            continue
        for word in _PARTNER[match["word"].lower()]:
            partner = folded.get(f"{match['before']}{word}{match['after']}".lower())
            if partner is not None:
                rank = _LAST_RANK if _LAST_RESORT.search(name) else _pair_rank(name)
                pairs.append((rank, name, partner))
                break
    pairs = sorted(set(pairs))
    best = [pair for pair in pairs if pair[0] == pairs[0][0]] if pairs else []
    if len(best) > 1:
        names = [f"{ra}, {dec}" for _, ra, dec in best]
        raise TableError(
            f"{search.table.name}: {' and '.join(names[:4])} may both be the position. Say which: "
            f'columns = {{ra = "{best[0][1]}", dec = "{best[0][2]}"}}'
        )
    if best:
        _, ra, dec = best[0]
        search.taken["ra"] = Recipe((ra,), unit=_position_unit(free[ra], ra), why=f"pair {ra}, {dec}")
        search.taken["dec"] = Recipe((dec,), unit=_position_unit(free[dec], dec), why=f"pair {ra}, {dec}")


def _position_unit(item: Field, name: str) -> str:
    return "" if item.unit else _without_unit(name)[1]


def _pair_rank(name: str) -> int:
    """Rank of a pair of names, lower is better: plain, catalogue at VizieR, aliases, computed, others."""
    if name in _PAIR_RANKS:
        return _PAIR_RANKS[name]
    return _ALIAS_RANK if name in BY_NAME["ra"].aliases else _OTHER_RANK


def _by_affix(search: _Search, barred: set[str]) -> None:
    """Names with the prefix or suffix of the position, as table joins create them: ``lm_rv``."""
    position = search.taken.get("ra")
    match = _PAIR.match(position.columns[0]) if position else None
    if match is None:
        return
    before, after = match["before"], match["after"]
    if not (before or after) or position is None or position.why.startswith("UCD"):
        return
    for declared in COLUMNS:
        if declared.name in search.taken or declared.name in barred:
            continue
        spelled = (declared.name, declared.paper_name, *declared.aliases)
        wanted = {f"{before}{name}{after}".lower() for name in spelled if name}
        result = [item for item in search.free() if item.name.lower() in wanted and _kind_fits(item, declared.name)]
        if len(result) == 1:
            search.taken[declared.name] = Recipe((result[0].name,), why=f"name {result[0].name}")


def _errors(search: _Search, barred: set[str]) -> None:
    """Assign errors to the column with their name."""
    free = {item.name: item for item in search.free()}
    for ours, recipe in list(search.taken.items()):
        error = f"{ours}_err"
        if error not in BY_NAME or error in search.taken or error in barred or len(recipe.columns) != 1:
            continue
        result = [form.format(recipe.columns[0]) for form in _ERROR_FORMS if form.format(recipe.columns[0]) in free]
        if result and free[result[0]].kind in ("int", "float", "unknown"):
            search.taken[error] = replace(Recipe((result[0],), unit=recipe.unit), why=f"error of {recipe.columns[0]}")


def _colour(search: _Search, barred: set[str]) -> None:
    """BP - RP of a table with both magnitudes but without their difference."""
    if "bp_rp" in search.taken or "bp_rp" in barred:
        return
    free = {item.name.lower(): item for item in search.free() if item.kind in ("float", "int", "unknown")}
    for name in list(free):
        match = _BP.fullmatch(name)
        if match is not None and (partner := f"{match['before']}rp{match['after']}") in free:
            pair = free[name].name, free[partner].name
            search.taken["bp_rp"] = Recipe(pair, "difference", unit="mag", why=f"difference {pair[0]} - {pair[1]}")
            return


def _own(search: _Search, profile: Profile | None, keep: bool | Sequence[str] | None) -> tuple[Field, ...]:
    if keep is None:
        keep = profile.keep if profile is not None else True
    used = {name for recipe in search.taken.values() for name in recipe.columns}
    others = [item for item in search.table.fields if item.name not in used]
    if isinstance(keep, bool):
        arrays = [item.name for item in others if item.kind == "array"]
        if keep and arrays:
            search.notes.append(f"{search.table.name}: {shown(arrays)} hold arrays and are not kept")
        return tuple(item for item in others if item.kind != "array") if keep else ()
    unknown = [name for name in keep if name not in search.table.by_name]
    if unknown and profile is None:
        near = get_close_matches(unknown[0], search.table.names, n=1)
        raise TableError(
            f"{search.table.name} has no column {unknown[0]!r} (keep)."
            + (f" Did you mean {near[0]!r}?" if near else "")
        )
    return tuple(item for item in others if item.name in keep and item.kind != "array")


def shown(names: Sequence[str], most: int = 12) -> str:
    """List some names, and the number of others."""
    names = list(names)
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
