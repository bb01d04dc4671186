"""Where the explorer finds its products and where it serves them."""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.home import cache_folder, data_folder

DEFAULT_CONFIGURATION = "demo"
RECORD_VARIABLE = "MGIANT_RECORD"
"""Names the vetting record's URL: in the environment, since it may hold a password."""


@dataclass(frozen=True)
class AppConfig:
    """What to open and where to serve it.

    Parameters
    ----------
    directory : Path
        Product directory; where ``paths`` are tables or spectra, it is found when they were opened.
    home : Path
        Where products and the columns of large catalogues are kept: what can be made again.
    paths : tuple of Path
        What the command line names: a product directory, tables, a folder of spectra; () for the default.
    build : str
        Shipped configuration that fills the directory when it is empty; "" for a directory that somebody named.
    port : int
        TCP port; 0 takes a free one.
    address : str
        Address to listen on.
    open_browser : bool
        Whether to open a browser window.
    origins : tuple of str
        Other ``HOST[:PORT]`` under which browsers reach this server, behind a proxy or by name.
    users : Path
        File of users with roles and hashed passwords; empty without one.
    oauth : str
        Panel's name of an OAuth provider that tells who visitors are; "" without one.
    record : str
        URL of the vetting record; "" for a file at home. It may hold a password: never shown.
    hosted : bool
        Whether ``panel serve`` runs the page, so that signing in is its affair.
    data : Path
        Where the vetting record, releases, secrets, links and saved views are kept: what nobody can make again.
        ``home`` where it is not given.
    """

    directory: Path
    home: Path
    paths: tuple[Path, ...] = ()
    build: str = ""
    port: int = 5006
    address: str = "localhost"
    open_browser: bool = True
    origins: tuple[str, ...] = ()
    users: Path = Path()
    oauth: str = ""
    record: str = field(default="", repr=False)
    hosted: bool = False
    data: Path = Path()

    def __post_init__(self) -> None:
        """One folder for everything where no other is named."""
        if self.data == Path():
            object.__setattr__(self, "data", self.home)

    @property
    def signs_in(self) -> bool:
        """Whether visitors give a name and a password of the users' file."""
        return self.users != Path() and not self.oauth

    @property
    def alone(self) -> bool:
        """Whether this is one person's own machine: nobody signs in, and nobody else can reach it."""
        local = self.address in ("localhost", "127.0.0.1", "::1") and not self.origins
        return local and not self.hosted and self.users == Path() and not self.oauth

    @property
    def vetting(self) -> str | Path:
        """The vetting record: a URL, or a file."""
        return self.record or self.data / "vetting.sqlite"

    @property
    def releases(self) -> Path:
        """Where frozen releases are written."""
        return self.data / "releases"

    @property
    def links(self) -> Path:
        """The file of links and saved views."""
        return self.data / "links.sqlite"

    @property
    def columns(self) -> Path:
        """Where columns of large catalogues are written out, to be mapped from disk."""
        return self.home / "columns"

    @classmethod
    def from_arguments(cls, arguments: Sequence[str], environment: Mapping[str, str] = os.environ) -> AppConfig:
        """Read the command line."""
        parser = argparse.ArgumentParser(
            prog="run_app.py",
            description="Open the M-giant explorer on a product directory, on any tables of stars, or on spectra.",
        )
        parser.add_argument(
            "paths",
            nargs="*",
            type=Path,
            metavar="PATH",
            help="product directory, frozen release, tables of any format (the others are joined to the first), or a "
            "folder of FITS spectra; without any, the embedded simulated survey is opened, and built first if need be",
        )
        parser.add_argument("--port", type=int, default=5006, help="TCP port, 0 for a free one (default: 5006)")
        parser.add_argument("--address", default="localhost", help="address to listen on (default: localhost)")
        parser.add_argument("--no-browser", action="store_true", help="do not open a browser window")
        parser.add_argument(
            "--origin",
            action="append",
            default=[],
            help="HOST[:PORT] under which browsers reach this server; repeatable",
        )
        parser.add_argument("--users", type=Path, default=Path(), help="file of users (python -m explorer users add)")
        parser.add_argument("--oauth", default="", help="OAuth provider that tells who visitors are, such as github")
        given = parser.parse_args(arguments)
        paths = tuple(path.absolute() for path in given.paths)
        home, data = cache_folder(environment), data_folder(environment)
        return cls(
            directory=paths[0].resolve() if paths else home / DEFAULT_CONFIGURATION,
            home=home,
            paths=paths,
            build="" if paths else DEFAULT_CONFIGURATION,
            port=given.port,
            address=given.address,
            open_browser=not given.no_browser,
            origins=tuple(given.origin),
            users=where_now(given.users, home, data),
            oauth=given.oauth,
            record=environment.get(RECORD_VARIABLE, ""),
            data=data,
        )


def where_now(users: Path, home: Path, data: Path) -> Path:
    """The present place of a file of users that a command line names at its old default place, from which it moved."""
    moved = data / users.name
    old = users.name == "users.json" and users.absolute() == (home / users.name).absolute()
    return moved if old and moved.exists() and not users.exists() else users
