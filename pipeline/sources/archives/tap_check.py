"""Comparison of declared queries with what TAP services list and announce, for ``fetch --check``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pipeline.sources.archives.profile import Query
from pipeline.sources.archives.queries import begins_with, plain_name
from pipeline.sources.archives.steps import Fetching, Finding
from pipeline.sources.archives.tap import ListedColumn, TapAccess, TapError, UnreachableError
from pipeline.sources.tables.units import conversion

_BYTES_AN_ID = 56
"""Bytes of an identifier in an uploaded VOTable, as pyvo writes it."""


def check_queries(fetching: Fetching, *names: str) -> Iterator[Finding]:
    """Ask each service of some queries for its tables, columns, units and limits.

    Parameters
    ----------
    fetching : Fetching
        The profiles.
    *names : str
        Keys of the queries.

    Yields
    ------
    Finding
        A sentence for each difference and each limit, each once; one for a service that does not answer.
    """
    queries = [fetching.archives.query[name] for name in names]
    for key in dict.fromkeys(key for query in queries for key in query.services):
        access = TapAccess(key, fetching.archives.service[key], say=fetching.say)
        try:
            known: set[Finding] = set()
            for query in queries:
                if key in query.services:
                    here = [finding for finding in _check_service(access, query) if finding not in known]
                    known.update(here)
                    yield from here
        except UnreachableError as error:
            yield Finding(f"{access.service.note or key} {error}.", is_compared=False)
        except TapError as error:
            yield Finding(f"{access.service.note or key} {error}.", differs=True)
        finally:
            access.close()


def _check_service(access: TapAccess, query: Query) -> Iterator[Finding]:
    findings = list(_catalogue(access, query) if query.catalogue else _tables(access, query))
    yield from findings
    if not any(item.differs for item in findings):
        yield Finding(f"{access.service.note or access.key}: tables, columns and units are as the profile has them.")
    yield from _limits(access, query)


def _catalogue(access: TapAccess, query: Query) -> Iterator[Finding]:
    listed = access.listed_columns(begins_with(query.catalogue))
    name = access.service.note or access.key
    if not listed:
        yield Finding(f"{name} lists no table of {query.catalogue}", differs=True)
    for table in dict.fromkeys(column.table for column in listed):
        columns = [column.name for column in listed if column.table == table]
        yield Finding(f"{name}: {table} has {len(columns)} columns: {', '.join(columns)}.")


def _tables(access: TapAccess, query: Query) -> Iterator[Finding]:
    service = access.service
    name = service.note or access.key
    wanted = {table.name: service.tables.get(table.name, table.name) for table in query.tables}
    listed: dict[str, dict[str, ListedColumn]] = {}
    for column in access.columns_of(tuple(wanted.values())):
        listed.setdefault(plain_name(column.table), {})[plain_name(column.name)] = column
    for table in query.tables:
        here = listed.get(plain_name(wanted[table.name]))
        if here is None:
            yield Finding(f"{name} lists no table {wanted[table.name]}.", differs=True)
            continue
        for name_there, declared in table.columns.items():
            stated = here.get(plain_name(name_there))
            if stated is None:
                yield Finding(f"{name}: {wanted[table.name]} has no column {name_there}.", differs=True)
            elif not _same_unit(stated.unit, declared.unit):
                yield Finding(
                    f"{name}: {wanted[table.name]}.{name_there} is in {stated.unit or 'no unit'}, the profile has "
                    f"{declared.unit or 'none'}.",
                    differs=True,
                )


def _same_unit(stated: str, declared: str) -> bool:
    """Whether two units are equal, in any spelling. A service may state none."""
    return not stated or stated == declared or conversion(stated, declared) == 1.0


def _limits(access: TapAccess, query: Query) -> Iterator[Finding]:
    """Limits that the service announces, beside those that the profile relies on."""
    name, service = access.service.note or access.key, access.service
    capability = access.capabilities
    rows, unit = _hard(getattr(capability, "outputlimit", None))
    needed = service.upload_rows * query.max_rows if query.tables else query.rows
    if rows is None:
        yield Finding(f"{name} announces no limit of rows; the profile asks for up to {needed:,}.")
    else:
        least = service.upload_rows if query.tables else query.rows
        yield Finding(
            f"{name} returns at most {rows:,} {_plural(unit)}; the profile asks for up to {needed:,}.", rows < least
        )
    if not query.tables:
        return
    size, unit = _hard(getattr(capability, "uploadlimit", None))
    needs = service.upload_rows * _BYTES_AN_ID if unit.startswith("byte") else service.upload_rows
    if size is None:
        yield Finding(
            f"{name} announces no limit of uploads; the profile uploads {service.upload_rows:,} rows at once."
        )
    else:
        yield Finding(
            f"{name} takes uploads of at most {size:,} {_plural(unit)}; the profile needs {needs:,}.", needs > size
        )
    if not list(getattr(capability, "uploadmethods", ())):
        yield Finding(f"{name} announces no upload of tables, which the query needs.", differs=True)


def _plural(unit: str) -> str:
    return f"{(unit or 'row').removesuffix('s')}s"


def _hard(limit: Any) -> tuple[int | None, str]:
    """Hard limit, else the default one, and its unit."""
    for part in (getattr(limit, "hard", None), getattr(limit, "default", None)):
        content = getattr(part, "content", None)
        if content is not None:
            return int(content), str(getattr(part, "unit", "") or "")
    return None, ""
