"""A real TAP server for the tests: GAVO DaCHS with a PostgreSQL of its own, in one temporary folder.

It needs Debian's packages of :mod:`tap_packages`, no service of the system, and the rights of an ordinary user; root
becomes one, since PostgreSQL refuses root. It runs on the system's Python.
"""

from __future__ import annotations

import csv
import grp
import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from xml.sax.saxutils import quoteattr

import numpy as np
import requests
from archive_tables import ArchiveTable, unit_and_ucd
from astropy.table import MaskedColumn
from postgres import Postgres
from tap_packages import POSTGRES, PROGRAM, PYTHON, SPHERE

DEFAULT_ROWS, MAX_ROWS = 2000, 20_000

_SETTINGS = (
    "-c fsync=off -c full_page_writes=off -c synchronous_commit=off "
    "-c client_connection_check_interval=1000 -c statement_timeout=60000"  # a query ends with the job that asked it
)
_IMPORT = """
import sys
from gavo.user import cli
for schema in sys.argv[1:]:
    sys.argv = ["dachs", "--disable-spew", "imp", schema]
    try:
        cli.main()
    except SystemExit as end:
        if end.code:
            raise
"""
"""``dachs imp`` for several schemas."""

_TYPES = {
    "b": "boolean",
    "i2": "smallint",
    "i4": "integer",
    "i8": "bigint",
    "f4": "real",
    "f8": "double precision",
}
_HIDDEN = "public.pg_available_extensions"
_START_SECONDS, _STOP_SECONDS = 120.0, 10.0
_CONFIGURATION = """[general]
rootDir: {folder}/gavo
gavoGroup: {group}
group: {group}
[web]
bindAddress: 127.0.0.1
serverPort: {port}
serverURL: http://127.0.0.1:{port}
user:
sitename: Test archive
[async]
maxTAPRunning: 4
maxUserUWSRunningDefault: 4
defaultMAXREC: {default_rows}
hardMAXREC: {max_rows}
[ivoa]
authority: x-test
"""


class TapServer:
    """A TAP server at ``url`` from its construction until :meth:`stop`.

    Parameters
    ----------
    tables : iterable of ArchiveTable
        What it serves; those without a schema are left out, since DaCHS has no names like ``"I/355/gaiadr3"``.
    """

    def __init__(self, tables: Iterable[ArchiveTable]) -> None:
        self.tables = {table.full_name: table for table in tables if table.schema}
        self.seconds: dict[str, float] = {}
        """Duration of each step of the start."""
        self._started = time.monotonic()
        self._postgres = Postgres(POSTGRES, _SETTINGS)
        self._process: subprocess.Popen[bytes] | None = None
        self.folder = self._postgres.folder / "dachs"
        try:
            self._postgres.new_database("gavo")
            self._configure()
            self._load_sphere()
            self._step("PostgreSQL")
            self._dachs("init", "-d", f"host={self._postgres.folder} dbname=gavo user=vetting")
            self._psql("-c", "ALTER DATABASE gavo RESET search_path", "-c", f"DROP VIEW {_HIDDEN}")
            self._step("dachs init")
            self._load()
            self._step("tables")
            self.serve()
            self._step("server")
        except BaseException:
            self.stop()
            raise

    def _step(self, name: str) -> None:
        now = time.monotonic()
        self.seconds[name] = now - self._started - sum(self.seconds.values())

    def _configure(self) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = int(free.getsockname()[1])
        self.url = f"http://127.0.0.1:{self.port}/tap"
        user = pwd.getpwnam(self._postgres.user) if self._postgres.user else pwd.getpwuid(os.getuid())
        self._ids = (user.pw_uid, user.pw_gid)
        self.folder.mkdir()
        text = _CONFIGURATION.format(
            folder=self.folder,
            group=grp.getgrgid(user.pw_gid).gr_name,
            port=self.port,
            default_rows=DEFAULT_ROWS,
            max_rows=MAX_ROWS,
        )
        (self.folder / "gavo.rc").write_text(text)
        self._own(self.folder)

    def _own(self, *paths: Path) -> None:
        """Give files to the account that the server runs as."""
        if self._postgres.user:
            for path in paths:
                os.chown(path, *self._ids)

    @property
    def _environment(self) -> dict[str, str]:
        return {
            "PATH": "/usr/bin:/bin",
            "HOME": str(self.folder),
            "LANG": "C.UTF-8",
            "GAVOSETTINGS": str(self.folder / "gavo.rc"),
            "GAVOCUSTOM": "/dev/null",
        }

    def _account(self) -> dict[str, object]:
        """Arguments of a process that runs as the server's account."""
        if not self._postgres.user:
            return {}
        return {"user": self._ids[0], "group": self._ids[1], "extra_groups": []}

    def _dachs(self, *arguments: str) -> None:
        """Run one of DaCHS' commands to its end."""
        self._run_program(PROGRAM, "--disable-spew", *arguments)

    def _run_program(self, program: Path, *arguments: str) -> str:
        done = subprocess.run(
            [str(program), *arguments],
            cwd=self.folder,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            **self._account(),
        )
        if done.returncode:
            raise RuntimeError(f"`{program.name} {' '.join(arguments)}` failed: {done.stdout[-2000:]}")
        return done.stdout

    def _psql(self, *arguments: str) -> str:
        """Run statements as the database's owner, up to the first error."""
        owner = ("-q", "-v", "ON_ERROR_STOP=1", "-h", str(self._postgres.folder), "-U", "vetting", "gavo")
        return self._run_program(POSTGRES / "psql", *owner, *arguments)

    def _load_sphere(self) -> None:
        """Create pgSphere's types and functions, and hide its extension from DaCHS until it has found them.

        PostgreSQL 15.20 refuses the extension of Debian 12: two operators for DaCHS before 2.0 name a commutator and
        a negator that belong to other operators. Here they have none.
        """
        version = re.search(r"default_version\s*=\s*'([^']+)'", SPHERE.read_text())
        if version is None:
            raise RuntimeError(f"{SPHERE} names no default version of pgSphere.")
        script = SPHERE.with_name(f"pg_sphere--{version[1]}.sql").read_text()
        script = script.replace("MODULE_PATHNAME", "$libdir/pg_sphere")
        script = re.sub(r"^\\.*$", "", script, flags=re.MULTILINE)  # it may only be sourced by CREATE EXTENSION
        script = re.sub(r"CREATE OPERATOR @ \([^)]*\)", _without_partners, script)
        path = self.folder / "pg_sphere.sql"
        path.write_text(script)
        self._own(path)
        self._psql("-f", str(path))
        others = "SELECT * FROM pg_catalog.pg_available_extensions WHERE name <> 'pg_sphere'"
        self._psql("-c", f"CREATE VIEW {_HIDDEN} AS {others}")
        self._psql("-c", "ALTER DATABASE gavo SET search_path = public, pg_catalog")

    def _load(self) -> None:
        """Describe and import the tables, all in one process: each costs more than a second to start."""
        schemas = sorted({table.schema for table in self.tables.values()})
        for schema in schemas:
            folder = self.folder / "gavo" / "inputs" / schema
            (folder / "data").mkdir(parents=True)
            tables = [table for table in self.tables.values() if table.schema == schema]
            for table in tables:
                write_rows(folder / "data" / f"{table.name}.csv", table)
            (folder / "q.rd").write_text(resource_descriptor(schema, tables))
            self._own(folder, folder / "data", folder / "q.rd", *(folder / "data").iterdir())
        self._run_program(PYTHON, "-c", _IMPORT, *(f"{schema}/q" for schema in schemas))

    def serve(self) -> None:
        """Start the web server and wait until it answers; after :meth:`kill` again, on the same port."""
        with (self.folder / "serve.log").open("ab") as log:
            self._process = subprocess.Popen(
                [str(PROGRAM), "--disable-spew", "serve", "start", "-f"],
                cwd=self.folder,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                **self._account(),
            )
        end = time.monotonic() + _START_SECONDS
        while time.monotonic() < end and self._process.poll() is None:
            with suppress(requests.RequestException):
                if requests.get(f"{self.url}/availability", timeout=5).status_code == 200:
                    return
            time.sleep(0.1)
        raise RuntimeError(f"the TAP server did not start: {(self.folder / 'serve.log').read_text()[-2000:]}")

    def kill(self) -> None:
        """End the web server at once, as a crash does; its database and its running queries stay."""
        if self._process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None

    def processes(self) -> list[int]:
        """All processes of this server: itself, and a process for each running query, which leaves its group."""
        wanted = f"GAVOSETTINGS={self.folder / 'gavo.rc'}".encode()
        result = []
        for path in Path("/proc").iterdir():
            with suppress(OSError):
                if path.name.isdecimal() and wanted in (path / "environ").read_bytes().split(b"\0"):
                    result.append(int(path.name))
        return result

    def queries(self) -> list[int]:
        """Processes of the running queries that would survive :meth:`kill`."""
        result = []
        for process in self.processes():
            with suppress(ProcessLookupError):
                if os.getpgid(process) == process and (self._process is None or process != self._process.pid):
                    result.append(process)
        return result

    def busy_backends(self) -> int:
        """Number of database processes that compute."""
        busy = "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND pid != pg_backend_pid()"
        return int(self._psql("-A", "-t", "-c", f"{busy} AND backend_type = 'client backend'"))

    def stop(self) -> None:
        """End the server, its queries and its database, and remove the folder."""
        end = time.monotonic() + _STOP_SECONDS
        while (processes := self.processes()) and time.monotonic() < end:
            for process in processes:
                with suppress(ProcessLookupError):
                    os.kill(process, signal.SIGKILL)
            if self._process is not None:
                self._process.poll()
            time.sleep(0.05)
        self.kill()
        self._postgres.stop()
        shutil.rmtree(self._postgres.folder, ignore_errors=True)


def _without_partners(statement: re.Match[str]) -> str:
    """An operator's definition without commutator and negator."""
    return re.sub(r"\s*(COMMUTATOR|NEGATOR)\s*=[^,]*,", "", statement[0])


def resource_descriptor(schema: str, tables: Sequence[ArchiveTable]) -> str:
    """DaCHS' description of a schema: its tables with their columns, and how to import them."""
    lines = [
        f'<resource schema="{schema}" resdir="{schema}">',
        f'<meta name="title">Simulated {schema}</meta>',
        '<meta name="description">Simulated rows with the names of the archive.</meta>',
        '<meta name="creationDate">2026-01-01T00:00:00Z</meta>',
        '<meta name="subject">surveys</meta>',
        '<meta name="creator">Tests</meta>',
    ]
    for table in tables:
        index = ' mixin="//scs#q3cindex"' if table.has_position else ""
        key = f' primary="{table.key}"' if table.key else ""
        lines.append(f'<table id="{table.name}" onDisk="True" adql="True"{index}{key}>')
        lines += [_column(name, table.table[name], required=name == table.key) for name in table.table.colnames]
        lines.append("</table>")
        lines.append(
            f'<data id="import_{table.name}"><sources>data/{table.name}.csv</sources><csvGrammar/>'
            f'<make table="{table.name}"><rowmaker idmaps="*"/></make></data>'
        )
    return "\n".join([*lines, "</resource>", ""])


def _column(name: str, column: MaskedColumn, *, required: bool) -> str:
    dtype = column.dtype
    kind = "text" if dtype.kind == "S" else _TYPES["b" if dtype.kind == "b" else f"{dtype.kind}{dtype.itemsize}"]
    unit, ucd = unit_and_ucd(column)
    attributes = {"name": name, "type": kind, "unit": unit, "ucd": ucd, "description": column.description}
    text = " ".join(f"{key}={quoteattr(value)}" for key, value in attributes.items() if value)
    if required:
        return f'  <column {text} required="True"/>'
    if dtype.kind == "i":
        return f'  <column {text}><values nullLiteral="-1"/></column>'
    return f"  <column {text}/>"


def write_rows(path: Path, table: ArchiveTable) -> None:
    """Rows as CSV; missing values are empty."""
    columns = []
    for name in table.table.colnames:
        column = table.table[name]
        data = np.ma.getdata(column)
        values = np.char.decode(data, "ascii").tolist() if data.dtype.kind == "S" else _exact(data)
        missing = np.ma.getmaskarray(column)
        columns.append(["" if masked else value for value, masked in zip(values, missing, strict=True)])
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(table.table.colnames)
        writer.writerows(zip(*columns, strict=True))


def _exact(data: np.ndarray) -> list:
    """Values whose text gives them back: the shortest of a single-precision number."""
    return [str(value) for value in data] if data.dtype == np.float32 else data.tolist()
