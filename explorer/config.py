"""Settings of the explorer: products and address."""

from __future__ import annotations

import argparse
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from pipeline.home import cache_folder, data_folder

DEFAULT_CONFIGURATION = "demo"
_LAST_PORT = 65535
RECORD_VARIABLE = "MGIANT_RECORD"
"""Names the vetting record's URL: in the environment, since it may hold a password."""


def option(default: Any, help_text: str) -> Any:
    """Create a field that a command-line option sets, with its help text."""
    return field(default=default, metadata={"help": help_text})


@dataclass(frozen=True)
class AppConfig:
    """Products to open and address to serve them at.

    Parameters
    ----------
    directory : Path
        Product directory; where ``paths`` are tables or spectra, it is found when they were opened.
    home : Path
        Where products and the columns of large catalogues are kept: what can be made again.
    paths : tuple of Path
        Paths of the command line: a product directory, tables, a folder of spectra; () for the default.
    build : str
        Shipped configuration that is built in an empty directory; "" for a directory named by the user.
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
        Panel's name of the OAuth provider that identifies visitors; "" without one.
    record : str
        URL of the vetting record; "" for a file at home. It may hold a password: never shown.
    hosted : bool
        Whether ``panel serve`` runs the page, so that signing in is its affair.
    prefix : str
        Path below which a proxy shows this server, such as ``/mgiants``; "" for the root of a host.
    proxied : bool
        Whether every request comes through a proxy, whose ``X-Forwarded-*`` headers are believed.
    embedders : tuple of str
        Origins whose pages may show this server in a frame.
    token : bool
        Whether the one person of a machine needs the token of the printed address.
    log_file : Path
        Where the log is written; empty for standard error.
    data : Path
        Folder of data that cannot be recreated: vetting record, releases, secrets, links and saved views.
        ``home`` where it is not given.
    """

    directory: Path
    home: Path
    paths: tuple[Path, ...] = option(
        (),
        "product directory, frozen release, tables of any format (the others are joined to the first), or a folder of "
        "FITS spectra; without any, the embedded simulated survey is opened, and built first if need be",
    )
    build: str = ""
    port: int = option(5006, "TCP port, 0 for a free one (default: 5006)")
    address: str = option("localhost", "address to listen on (default: localhost)")
    open_browser: bool = option(True, "do not open a browser window")
    origins: tuple[str, ...] = option((), "HOST[:PORT] of this server in browsers; repeatable")
    users: Path = field(default=Path(), metadata={"help": "file of users (python -m explorer users add)"})
    oauth: str = option("", "OAuth provider that identifies visitors, such as github")
    record: str = field(default="", repr=False)
    hosted: bool = False
    prefix: str = option("", "path prefix of this server behind a proxy, which may strip it or not")
    proxied: bool = option(
        False, "trust X-Forwarded-For and X-Forwarded-Proto: only if all requests come through your proxy"
    )
    embedders: tuple[str, ...] = option(
        (), "https://HOST[:PORT] whose pages may show this server in a frame; repeatable (default: none but its own)"
    )
    token: bool = option(True, "let all accounts of this computer open the page without the token")
    log_file: Path = field(
        default=Path(), metadata={"help": "write the log to this file, in 6 rotated files of at most 10 MB"}
    )
    data: Path = Path()

    def __post_init__(self) -> None:
        """Use one folder for everything unless others are named."""
        if self.data == Path():
            object.__setattr__(self, "data", self.home)

    @property
    def signs_in(self) -> bool:
        """Whether visitors sign in with a name and a password of the user file."""
        return self.users != Path() and not self.oauth

    @property
    def alone(self) -> bool:
        """Whether the server has a single user: no sign-in, and reachable from this computer only."""
        local = self.address in ("localhost", "127.0.0.1", "::1") and not self.origins
        local = local and not self.proxied and not self.prefix
        return local and not self.hosted and self.users == Path() and not self.oauth

    @property
    def vetting(self) -> str | Path:
        """The vetting record: a URL, or a file."""
        return self.record or self.data / "vetting.sqlite"

    @property
    def releases(self) -> Path:
        """Folder of frozen releases."""
        return self.data / "releases"

    @property
    def links(self) -> Path:
        """File of links and saved views."""
        return self.data / "links.sqlite"

    @property
    def columns(self) -> Path:
        """Folder of memory-mapped columns of large catalogues."""
        return self.home / "columns"

    @classmethod
    def from_arguments(cls, arguments: Sequence[str], environment: Mapping[str, str] = os.environ) -> AppConfig:
        """Parse the command line."""
        parser = argparse.ArgumentParser(
            prog="run_app.py",
            description="Open the M-giant explorer on a product directory, on any tables of stars, or on spectra.",
        )
        parser.add_argument(
            "paths",
            nargs="*",
            type=Path,
            metavar="PATH",
            help=help_of("paths"),
        )
        parser.add_argument("--port", type=_port, default=5006, help=help_of("port"))
        parser.add_argument("--address", default="localhost", help=help_of("address"))
        parser.add_argument("--no-browser", action="store_true", help=help_of("open_browser"))
        parser.add_argument(
            "--origin",
            type=_host,
            action="append",
            default=[],
            help=help_of("origins"),
        )
        parser.add_argument("--users", type=Path, default=Path(), help=help_of("users"))
        parser.add_argument("--oauth", default="", help=help_of("oauth"))
        _add_server_options(parser)
        given = parser.parse_args(arguments)
        paths = tuple(path.absolute() for path in given.paths)
        home, data = cache_folder(environment), data_folder(environment)
        return cls(
            directory=paths[0] if paths else home / DEFAULT_CONFIGURATION,
            home=home,
            paths=paths,
            build="" if paths else DEFAULT_CONFIGURATION,
            port=given.port,
            address=given.address,
            open_browser=not given.no_browser,
            origins=tuple(given.origin),
            users=where_now(given.users, home, data),
            oauth=given.oauth,
            prefix=given.prefix,
            proxied=given.proxied,
            embedders=tuple(given.embed),
            token=not given.no_token,
            log_file=given.log_file,
            record=environment.get(RECORD_VARIABLE, ""),
            data=data,
        )


def _add_server_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of a public server."""
    parser.add_argument(
        "--prefix",
        type=_prefix,
        default="",
        metavar="/PATH",
        help=help_of("prefix"),
    )
    parser.add_argument(
        "--proxied",
        action="store_true",
        help=help_of("proxied"),
    )
    parser.add_argument(
        "--embed",
        type=_origin,
        action="append",
        default=[],
        metavar="ORIGIN",
        help=help_of("embedders"),
    )
    parser.add_argument(
        "--no-token",
        action="store_true",
        help=help_of("token"),
    )
    parser.add_argument("--log-file", type=Path, default=Path(), metavar="FILE", help=help_of("log_file"))


def help_of(name: str) -> str:
    """Help text of a field's option; KeyError if the field has none."""
    return str({item.name: item for item in fields(AppConfig)}[name].metadata["help"])


def _is_port(text: str) -> bool:
    return text.isascii() and text.isdigit() and int(text) <= _LAST_PORT


def _port(text: str) -> int:
    if not _is_port(text):
        raise argparse.ArgumentTypeError(f"{text!r:.20} is no TCP port: give a number from 0 to {_LAST_PORT}.")
    return int(text)


def _host(text: str) -> str:
    name, _, port = text.partition(":")
    if not re.fullmatch(r"[A-Za-z0-9.*_-]+", name) or (":" in text and not _is_port(port)):
        raise argparse.ArgumentTypeError(
            f"{text!r:.80} is no HOST[:PORT]: give one like stars.example.org, without https://"
        )
    return text.lower()


def _prefix(text: str) -> str:
    path = text.strip("/")
    if path and not re.fullmatch(r"[A-Za-z0-9._~-]+(/[A-Za-z0-9._~-]+)*", path):
        raise argparse.ArgumentTypeError(
            f"{text!r:.80} is no path: give one like /mgiants, of letters, digits, . _ ~ -"
        )
    return f"/{path}" if path else ""


def _origin(text: str) -> str:
    if not re.fullmatch(r"https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?", text):
        raise argparse.ArgumentTypeError(f"{text!r:.80} is no origin: give one like https://group.example.org")
    return text


def where_now(users: Path, home: Path, data: Path) -> Path:
    """Current path of a user file that is given by its former default path."""
    moved = data / users.name
    old = users.name == "users.json" and users.absolute() == (home / users.name).absolute()
    return moved if old and moved.exists() and not users.exists() else users
