"""A PostgreSQL server for the tests, with its own folder and socket."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path

from sqlalchemy.engine import URL


def find_postgres() -> Path | None:
    """Folder of PostgreSQL's programs: where Debian keeps the newest, or on the path."""
    kept = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda one: float(one.parts[-2]), reverse=True)
    folders = [*kept, *(Path(found).resolve().parent for found in [shutil.which("initdb")] if found)]
    whole = [one for one in folders if all((one / name).exists() for name in ("initdb", "pg_ctl", "createdb"))]
    return whole[0] if whole else None


class Postgres:
    """A server that runs until :meth:`stop`; as root it runs as another user, since it refuses root.

    ``settings`` are more of its options, as ``-c fsync=off``.
    """

    def __init__(self, programs: Path, settings: str = "") -> None:
        self.programs = programs
        self.folder = Path(tempfile.mkdtemp(prefix="pg"))
        self.user = None
        if os.geteuid() == 0:
            names = {one.pw_name for one in pwd.getpwall()}
            self.user = "postgres" if "postgres" in names else "nobody"
            os.chown(self.folder, pwd.getpwnam(self.user).pw_uid, -1)
        self._run(
            "initdb", "-D", str(self.folder / "data"), "-U", "vetting", "-A", "trust", "-E", "UTF8", "--no-locale"
        )
        options = f"-c listen_addresses='' -c unix_socket_directories={self.folder} {settings}"
        self._run(
            "pg_ctl", "-D", str(self.folder / "data"), "-l", str(self.folder / "log"), "-w", "-o", options, "start"
        )

    def _run(self, program: str, *arguments: str) -> None:
        done = subprocess.run(
            [str(self.programs / program), *arguments],
            user=self.user,
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE if program == "initdb" else subprocess.DEVNULL,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"{program} failed: {done.stdout or (self.folder / 'log').read_text()}")

    def new_database(self, name: str) -> str:
        """URL of a fresh database."""
        self._run("createdb", "-h", str(self.folder), "-U", "vetting", name)
        url = URL.create("postgresql", username="vetting", database=name, query={"host": str(self.folder)})
        return url.render_as_string(hide_password=False)

    def stop(self) -> None:
        """Stop it, and take its files away."""
        self._run("pg_ctl", "-D", str(self.folder / "data"), "-m", "immediate", "-w", "stop")
        shutil.rmtree(self.folder, ignore_errors=True)
