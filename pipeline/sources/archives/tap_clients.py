"""Clients of TAP queries by identifiers and of whole catalogues, which try services in order."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyvo.dal.tap import AsyncTAPJob

from pipeline.sources.archives.fetching import ItemError, ServiceError
from pipeline.sources.archives.plan import Entry, FetchPlan, State
from pipeline.sources.archives.profile import Query
from pipeline.sources.archives.queries import begins_with, count_query, identifier_query, table_query
from pipeline.sources.archives.steps import Fetching
from pipeline.sources.archives.tap import ListedColumn, Request, TapAccess, TapError, UnreachableError
from pipeline.sources.archives.tap_answers import AnswerError, rows_of_identifiers
from pipeline.sources.archives.tap_files import file_digest, unpacked, write_result
from pipeline.sources.tables.reader import open_table
from pipeline.sources.tables.table_file import TableError


class TapClient:
    """Part that both clients share: services in order, the job's address in the plan before it runs.

    Parameters
    ----------
    fetching : Fetching
        Profiles and plan.
    query : Query
        The query.
    """

    def __init__(self, fetching: Fetching, query: Query) -> None:
        self.query, self._say = query, fetching.say
        services = fetching.archives.service
        self.services = [TapAccess(key, services[key], fetching.received, fetching.say) for key in query.services]
        self.connections = self.services[0].service.connections
        self._down: set[str] = set()

    def close(self) -> None:
        """End all waiting."""
        for access in self.services:
            access.close()

    def fetch(self, entry: Entry, plan: FetchPlan) -> Entry:
        """Ask one service after the other; one that did not answer comes last for the rest of the run.

        Raises
        ------
        ItemError
            If none delivered, with what each of them did; ServiceError if none answered.
        """
        problems: list[str] = []
        unreachable = 0
        for access in self._in_order(entry):
            try:
                return self._from(access, replace(entry, job_url=self._job_at(access, entry)), plan)
            except TapError as error:
                problems.append(f"{access.service.note or access.key} {error}")
                if isinstance(error, UnreachableError):
                    unreachable += 1
                    self._down.add(access.key)
        kind = ServiceError if unreachable == len(problems) else ItemError
        raise kind(f"{self.query.contents}: {'; '.join(problems)}.")

    def _in_order(self, entry: Entry) -> Iterator[TapAccess]:
        """The service that has the job of the item, those that answered so far, the others."""
        yield from sorted(self.services, key=lambda access: (not self._job_at(access, entry), access.key in self._down))

    @staticmethod
    def _job_at(access: TapAccess, entry: Entry) -> str:
        return entry.job_url if entry.job_url and access.has_job(entry.job_url) else ""

    def _from(self, access: TapAccess, entry: Entry, plan: FetchPlan) -> Entry:
        raise NotImplementedError

    @contextmanager
    def _rows(self, access: TapAccess, request: Request, entry: Entry, plan: FetchPlan) -> Iterator[pa.Table]:
        """Result of a request. Its job is deleted when the result has been kept or refused."""
        job: AsyncTAPJob | None = None
        if not entry.job_url and request.maxrec - 1 <= access.service.sync_rows:
            table = access.synchronous(request)
        else:
            table, job = access.asynchronous(
                request, lambda url: plan.record(replace(entry, state=State.SUBMITTED, job_url=url)), entry.job_url
            )
        try:
            yield table
        except AnswerError as error:
            self._delete(access, job)
            raise TapError(str(error)) from None
        self._delete(access, job)

    @staticmethod
    def _delete(access: TapAccess, job: AsyncTAPJob | None) -> None:
        if job is not None:
            access.delete(job)

    def _done(self, access: TapAccess, entry: Entry, plan: FetchPlan, table: pa.Table, facts: dict[str, Any]) -> Entry:
        provenance = {
            "service": access.service.note or access.key,
            "address": access.service.address,
            "date": datetime.now(UTC).isoformat(timespec="seconds"),
            **facts,
        }
        size, sha256 = write_result(plan.folder / entry.item.path, table, provenance)
        return Entry(entry.item, State.DONE, size, sha256, "", len(table), "", entry.attempts + 1)


class IdentifierClient(TapClient):
    """Client of a query by identifiers: an item is a chunk of them."""

    def _from(self, access: TapAccess, entry: Entry, plan: FetchPlan) -> Entry:
        ids = unpacked(entry.item.request["ids"])
        if lacking := access.lacking(self.query):
            raise TapError(f"has no {lacking}")
        adql = identifier_query(self.query, access.service)
        request = Request(adql, ids.size * self.query.max_rows + 1, self.query.identifier, ids)
        with self._rows(access, request, entry, plan) as result:
            table, counts = rows_of_identifiers(result, self.query, ids)
            done = self._done(access, entry, plan, table, {"query": adql, "counts": {"asked": ids.size, **counts}})
        note = ", ".join(f"{count:,} {name}" for name, count in counts.items() if count)
        return replace(done, reason=f"{ids.size:,} asked: {note}" if note else "")


class CatalogueClient(TapClient):
    """Client of a whole catalogue: its largest table, with all columns that TAP_SCHEMA lists.

    Parameters
    ----------
    fetching, query
        See :class:`TapClient`.
    understood : callable
        Takes the written table; returns what its columns are to us, for the record.
    """

    def __init__(self, fetching: Fetching, query: Query, understood: Callable[[Path], dict[str, str]]) -> None:
        super().__init__(fetching, query)
        self._understood = understood

    def fetch(self, entry: Entry, plan: FetchPlan) -> Entry:
        """Accept a table that the user has put in the place of the result, else ask the services.

        Raises
        ------
        ItemError
            If the file there is no table of stars, or no service delivered.
        """
        path = plan.folder / entry.item.path
        if entry.job_url or not path.exists():
            return super().fetch(entry, plan)
        try:
            table = open_table(path)
            rows = sum(len(block) for block in table.blocks(table.names[:1]))
        except TableError as error:
            raise ItemError(f"{error} It lies where {self.query.contents} belong: remove it.") from None
        understood = self._understood(path)
        plan.describe({f"catalogue {self.query.catalogue}": json.dumps({"by hand": True, "understood": understood})})
        size, sha256 = path.stat().st_size, file_digest(path)
        return Entry(entry.item, State.DONE, size, sha256, "", rows, "", entry.attempts, "put there by hand")

    def _from(self, access: TapAccess, entry: Entry, plan: FetchPlan) -> Entry:
        name = f"catalogue {self.query.catalogue}"
        frozen = json.loads(plan.about().get(name, "{}")) if entry.job_url else {}
        if not frozen:
            frozen = self._discovered(access)
            plan.describe({name: json.dumps(frozen, sort_keys=True)})
        columns = [ListedColumn(**column) for column in frozen["columns"]]
        adql = table_query(frozen["table"], [column.name for column in columns])
        with self._rows(access, Request(adql, frozen["rows"] + 1), entry, plan) as result:
            table = _described(_complete(result, columns, frozen["rows"]), columns)
            done = self._done(access, entry, plan, table, {"query": adql, "table": frozen["table"]})
        understood = self._understood(plan.folder / entry.item.path)
        plan.describe({name: json.dumps(frozen | {"understood": understood}, sort_keys=True)})
        meanings = "; ".join(f"{ours}: {reason}" for ours, reason in understood.items()) or "nothing in it is known"
        self._say(f"{frozen['table']}: {len(table):,} rows, {len(columns)} columns; {meanings}.")
        return done

    def _discovered(self, access: TapAccess) -> dict[str, Any]:
        """Tables of the catalogue with their rows, and columns of the largest one."""
        listed = access.listed_columns(begins_with(self.query.catalogue))
        if not listed:
            raise TapError(f"lists no table of {self.query.catalogue}")
        counts = {name: _count(access, name) for name in dict.fromkeys(column.table for column in listed)}
        largest = max(counts, key=lambda name: counts[name])
        if not counts[largest]:
            raise TapError(f"has no row in {largest}")
        columns = [asdict(column) for column in listed if column.table == largest]
        return {"table": largest, "tables": counts, "rows": counts[largest], "columns": columns}


def _count(access: TapAccess, table: str) -> int:
    rows = access.synchronous(Request(count_query(table), 2)).to_pydict()
    value = next(iter(rows.values()), [None])[0]
    if not isinstance(value, int):
        raise TapError(f"did not count the rows of {table}")
    return value


def _complete(table: pa.Table, columns: Sequence[ListedColumn], rows: int) -> pa.Table:
    """Check rows and columns of a whole table.

    Raises
    ------
    AnswerError
        If some are missing.
    """
    wanted = Counter(_spelled(column.name) for column in columns)
    if missing := wanted - Counter(table.column_names):
        raise AnswerError(f"sent {len(table.column_names)} columns, without {next(iter(missing))!r}")
    if len(table) != rows:
        raise AnswerError(f"sent {len(table):,} of {rows:,} rows")
    return table


def _described(table: pa.Table, columns: Sequence[ListedColumn]) -> pa.Table:
    """Table with units, UCDs and descriptions of TAP_SCHEMA where the result has none."""
    stated = {_spelled(column.name): column for column in columns}
    fields = []
    for item in table.schema:
        here = {key.decode(): value.decode() for key, value in (item.metadata or {}).items()}
        column = stated.get(item.name)
        if column is not None:
            words = {"unit": column.unit, "ucd": column.ucd, "description": column.description}
            here = {key: text for key, text in words.items() if text} | here
        fields.append(item.with_metadata(here))
    return pa.Table.from_arrays(table.columns, schema=pa.schema(fields, metadata=table.schema.metadata))


def _spelled(name: str) -> str:
    """Name of a column without the quotation marks that TAP_SCHEMA may keep."""
    return name.strip('"')
