"""A Table Access Protocol service in this process, as far as clients like pyvo use it."""

from __future__ import annotations

import io
import re
import tempfile
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qsl

from adql import QueryError, TableStore
from archive_tables import ArchiveTable, described
from astropy.io.votable import parse_single_table
from astropy.table import Table
from faults import Fault, Faults
from tap_jobs import Job, Jobs
from vosi import availability, capabilities, tables_document
from votable_text import error_votable, votable
from wire import Reply, Request, text_reply

XML = "text/xml; charset=utf-8"
VOTABLE = "application/x-votable+xml"
_BOUNDARY = re.compile(r'boundary="?([^";]+)"?')
_PART_NAME = re.compile(r'name="([^"]*)"')
_SHORT = {"overflow", "cut_silently"}


class TapArchive:
    """The addresses below the service's path.

    Parameters
    ----------
    url : str
        Address of the server.
    tables : iterable of ArchiveTable
        What there is.
    faults : Faults
        Of the server.
    prefix : str
        Path of the service.
    default_rows, max_rows : int
        Rows without and with MAXREC.
    sync_rows : int
        Most rows of a synchronous query.
    max_upload, max_sync_upload : int
        Bytes that a job and a synchronous query may upload.
    long_poll : float
        Most seconds that a request with WAIT waits for another phase.
    at_a_time : int
        Jobs that run side by side.
    """

    def __init__(
        self,
        url: str,
        tables: Iterable[ArchiveTable],
        faults: Faults,
        *,
        prefix: str = "/tap",
        default_rows: int = 2000,
        max_rows: int = 20_000,
        sync_rows: int = 20_000,
        max_upload: int = 20_000_000,
        max_sync_upload: int = 500_000,
        long_poll: float = 1.0,
        at_a_time: int = 4,
    ) -> None:
        self.url, self._prefix, self._faults = url + prefix, prefix, faults
        self._folder = tempfile.TemporaryDirectory(prefix="tap")
        self.store = TableStore(tables, Path(self._folder.name))
        self.tables = self.store.tables
        self.jobs = Jobs(self._run_job, at_a_time)
        self.default_rows, self.max_rows, self.sync_rows = default_rows, max_rows, sync_rows
        self.max_upload, self.max_sync_upload = max_upload, min(max_sync_upload, max_upload)
        self.long_poll = long_poll

    def close(self) -> None:
        """Stop the jobs and remove the tables."""
        self.jobs.clear()
        self._folder.cleanup()

    def answer(self, request: Request) -> Reply | None:
        """Answer a request below the path, or None."""
        if not request.path.startswith(f"{self._prefix}/"):
            return None
        first, _, rest = request.path.removeprefix(f"{self._prefix}/").partition("/")
        if first == "sync":
            return self._sync(request)
        if first == "async":
            return self._async(request, rest)
        documents = {
            "availability": availability,
            "capabilities": lambda: capabilities(self),
            "tables": lambda: tables_document(self.store.tables.values()),
        }
        return text_reply(documents[first](), XML) if first in documents and not rest else None

    def _sync(self, request: Request) -> Reply:
        parameters, files = parameters_of(request)
        try:
            uploads = uploads_of(parameters, files, self.max_sync_upload)
            fault = self._faults.take(request, "votable_error", *_SHORT, text=parameters.get("QUERY", ""))
            if fault is not None and fault.kind == "votable_error":
                return Reply(fault.status, error_votable("The database does not answer."), {"Content-Type": VOTABLE})
            return Reply(200, self._result(parameters, uploads, self.sync_rows, fault), {"Content-Type": VOTABLE})
        except QueryError as error:
            return Reply(400, error_votable(str(error)), {"Content-Type": VOTABLE})

    def _result(
        self,
        parameters: dict[str, str],
        uploads: dict[str, Table],
        most: int,
        fault: Fault | None,
        job: Job | None = None,
    ) -> bytes:
        """The result of a query as a VOTable."""
        if "QUERY" not in parameters:
            raise QueryError("Field query: Missing mandatory parameter.")
        rows = min(int(parameters.get("MAXREC", self.default_rows)), most)
        if fault is not None and fault.kind in _SHORT:
            rows = min(rows, fault.rows)
        watch = job.stopped if job is not None else (lambda: False)
        result = self.store.query(parameters["QUERY"], uploads, rows, watch)
        silent = fault is not None and fault.kind == "cut_silently"
        return votable(result.table, overflow=result.overflow and not silent)

    def _run_job(self, job: Job) -> bytes:
        if job.fault is not None and job.fault.kind == "job_error":
            raise QueryError("The database does not answer.")
        return self._result(job.parameters, job.uploads, self.max_rows, job.fault, job)

    def _async(self, request: Request, rest: str) -> Reply | None:
        name, _, what = rest.partition("/")
        if not name:
            return self._create(request) if request.method == "POST" else text_reply(self.jobs.document(), XML)
        job = self.jobs.find(name)
        if job is not None and self._faults.take(request, "job_gone", text=job.query):
            self.jobs.remove(job)
            job = None
        if job is None:
            return Reply(404, error_votable(f"There is no job {name}."), {"Content-Type": VOTABLE})
        if request.method == "POST":
            return self._change(request, job, what)
        if request.method == "DELETE":
            self.jobs.remove(job)
            return _see(f"{self.url}/async")
        return self._read(request, job, what)

    def _create(self, request: Request) -> Reply:
        parameters, files = parameters_of(request)
        if sum(map(len, files.values())) > self.max_upload:
            return text_reply("The upload is too large.", status=413)
        try:
            job = Job(parameters, uploads_of(parameters, files, self.max_upload), f"{self.url}/async")
        except QueryError as error:
            return Reply(400, error_votable(str(error)), {"Content-Type": VOTABLE})
        self.jobs.add(job)
        if parameters.pop("PHASE", "") == "RUN":
            self._start(request, job)
        return _see(job.url)

    def _start(self, request: Request, job: Job) -> None:
        kinds = ("stays_queued", "stays_executing", "job_error", *_SHORT)
        job.fault = self._faults.take(request, *kinds, text=job.query)
        self.jobs.start(job)

    def _change(self, request: Request, job: Job, what: str) -> Reply:
        """Change a job: phase, limits, parameters; or delete it."""
        parameters, files = parameters_of(request)
        match what:
            case "phase" if parameters.get("PHASE") == "RUN":
                self._start(request, job)
            case "phase" if parameters.get("PHASE") == "ABORT":
                job.move("ABORTED")
            case "executionduration":
                job.duration = float(parameters["EXECUTIONDURATION"])
            case "destruction":
                moment = datetime.fromisoformat(parameters["DESTRUCTION"])
                job.destruction = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
            case "parameters":
                job.uploads |= uploads_of(parameters, files, self.max_upload)
                job.parameters |= parameters
            case "" if parameters.get("ACTION") == "DELETE":
                self.jobs.remove(job)
                return _see(f"{self.url}/async")
            case _:
                return text_reply(f"nothing to change at {what!r}", status=400)
        return _see(job.url)

    def _read(self, request: Request, job: Job, what: str) -> Reply | None:
        """A job, or one thing of it."""
        if "WAIT" in request.query and what in ("", "phase"):
            seconds = float(request.query["WAIT"])
            job.wait(self.long_poll if seconds < 0 else min(seconds, self.long_poll))
        texts = {"phase": job.phase, "executionduration": f"{job.duration:g}"}
        if what == "results/result" and job.phase == "COMPLETED":
            fault = self._faults.take(request, "votable_error", text=job.query)
            content = error_votable("The result cannot be read.") if fault is not None else job.result
            return Reply(fault.status if fault is not None else 200, content, {"Content-Type": VOTABLE})
        if what == "error" and job.error:
            return Reply(200, error_votable(job.error), {"Content-Type": VOTABLE})
        if what in texts:
            return text_reply(texts[what])
        return None if what else text_reply(job.document(), XML)


def parameters_of(request: Request) -> tuple[dict[str, str], dict[str, bytes]]:
    """Parameters of a request by upper-case name, and files by name."""
    parameters = {name.upper(): value for name, value in request.query.items()}
    kind = request.headers.get("content-type", "")
    if kind.startswith("application/x-www-form-urlencoded"):
        pairs = parse_qsl(request.body.decode(), keep_blank_values=True)
        return parameters | {name.upper(): value for name, value in pairs}, {}
    boundary = _BOUNDARY.search(kind)
    files: dict[str, bytes] = {}
    if boundary is not None:
        for part in request.body.split(b"--" + boundary[1].encode())[1:-1]:
            head, _, content = part.removeprefix(b"\r\n").partition(b"\r\n\r\n")
            text = head.decode()
            name = _PART_NAME.search(text)
            content = content.removesuffix(b"\r\n")
            if name is not None and "filename=" in text:
                files[name[1]] = content
            elif name is not None:
                parameters[name[1].upper()] = content.decode()
    return parameters, files


def uploads_of(parameters: dict[str, str], files: dict[str, bytes], most: int) -> dict[str, Table]:
    """Tables that a request uploads: ``UPLOAD=name,param:file``."""
    if sum(map(len, files.values())) > most:
        raise QueryError(f"Field upload: at most {most} bytes of upload are accepted here.")
    tables = {}
    for item in filter(None, parameters.get("UPLOAD", "").split(";")):
        name, _, place = item.partition(",")
        content = files.get(place.removeprefix("param:"))
        if not place.startswith("param:") or content is None:
            raise QueryError(f"Field upload: only files of the request can be uploaded, found {item!r}.")
        try:
            tables[name] = described(parse_single_table(io.BytesIO(content)).to_table(), {})
        except (ValueError, IndexError, SyntaxError) as error:
            raise QueryError(f"Field upload: {name} is no VOTable: {error}") from None
    return tables


def _see(url: str) -> Reply:
    return Reply(303, b"", {"Location": url})
