"""Settings of the explorer: products and address."""

from __future__ import annotations

import argparse
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from pipeline.domain.section import setting
from pipeline.home import cache_folder, data_folder

DEFAULT_CONFIGURATION = "demo"
_LAST_PORT = 65535
RECORD_VARIABLE = "MGIANT_RECORD"
"""Names the vetting record's URL: in the environment, since it may hold a password."""
NO_PATH = Path()
"""No file."""
SWITCH = ("off", "on")
"""Values of a setting that is on or off."""


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


def _switch(text: str) -> str:
    if text not in SWITCH:
        raise argparse.ArgumentTypeError(f"{text!r:.20} is neither on nor off")
    return text


def _origin(text: str) -> str:
    if not re.fullmatch(r"https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?", text):
        raise argparse.ArgumentTypeError(f"{text!r:.80} is no origin: give one like https://group.example.org")
    return text


def option(
    default: Any, help_text: str, flag: str, *, reads: Callable[[str], Any] = str, metavar: str | None = None
) -> Any:
    """Field that the command line sets.

    Parameters
    ----------
    default : object
        Its value without the option. ``True`` makes an option that turns it off; a tuple, one that may be repeated.
    help_text : str
        For ``--help`` and the README.
    flag : str
        The option; empty for what is named without one.
    reads : callable
        Reads the text that is given.
    metavar : str, optional
        What ``--help`` calls that text.
    """
    shown = {"metavar": metavar} if metavar else {}
    if isinstance(default, bool):
        how: dict[str, Any] = {"action": "store_false" if default else "store_true"}
    elif isinstance(default, tuple):
        how = {"type": reads, **({"action": "append", "default": []} if flag else {"nargs": "*"}), **shown}
    else:
        how = {"type": reads, "default": default, **shown}
    return field(default=default, metadata={"help": help_text, "flag": flag, "argument": how})


@dataclass(frozen=True)
class AppConfig:
    """Products to open and address to serve them at.

    Fields without an option follow from the others or from the environment.
    """

    directory: Path = field(
        metadata={"help": "product directory; where paths are tables or spectra, it is found when they were opened"}
    )
    home: Path = field(
        metadata={"help": "where products and the columns of large catalogues are kept: what can be made again"}
    )
    paths: tuple[Path, ...] = option(
        (),
        "product directory, frozen release, tables of any format (the others are joined to the first), or a folder of "
        "FITS spectra; without any, the embedded simulated survey is opened, and built first if need be",
        "",
        reads=Path,
        metavar="PATH",
    )
    build: str = setting("", 'shipped configuration that fills an empty directory; "" where the user named it')
    port: int = option(5006, "TCP port, 0 for a free one (default: 5006)", "--port", reads=_port)
    address: str = option("localhost", "address to listen on (default: localhost)", "--address")
    open_browser: bool = option(True, "do not open a browser window", "--no-browser")
    origins: tuple[str, ...] = option(
        (), "HOST[:PORT] of this server in browsers; repeatable", "--origin", reads=_host, metavar="ORIGIN"
    )
    users: Path = option(NO_PATH, "file of users (python -m explorer users add)", "--users", reads=Path)
    oauth: str = option("", "OAuth provider that identifies visitors, such as github", "--oauth")
    record: str = field(
        default="",
        repr=False,
        metadata={"help": 'URL of the vetting record, which may hold a password: never shown; "" for a file at home'},
    )
    hosted: bool = setting(False, "whether `panel serve` runs the page and signs visitors in")
    prefix: str = option(
        "",
        "path prefix of this server behind a proxy, which may strip it or not",
        "--prefix",
        reads=_prefix,
        metavar="/PATH",
    )
    proxied: bool = option(
        False,
        "trust X-Forwarded-For and X-Forwarded-Proto: only if all requests come through your proxy",
        "--proxied",
    )
    embedders: tuple[str, ...] = option(
        (),
        "https://HOST[:PORT] whose pages may show this server in a frame; repeatable (default: none but its own)",
        "--embed",
        reads=_origin,
        metavar="ORIGIN",
    )
    token: bool = option(
        True,
        "let all accounts of this computer open the page without the token",
        "--no-token",
    )
    log_file: Path = option(
        NO_PATH,
        "write the log to this file, in 6 files of at most 10 MB",
        "--log-file",
        reads=Path,
        metavar="FILE",
    )
    sky_images: str = option(
        "off",
        "on: visitors may request images of the sky and SIMBAD names, for which this server sends the coordinates of "
        "the star to the CDS; off: nothing is sent to anyone (default: off)",
        "--sky-images",
        reads=_switch,
        metavar="off|on",
    )
    sky_profile: Path = option(
        NO_PATH,
        "TOML file that replaces entries of `pipeline/sources/archives/profiles/sky.toml`: services, surveys, query",
        "--sky-profile",
        reads=Path,
        metavar="FILE",
    )
    data: Path = setting(
        NO_PATH,
        "where the record, releases, secrets, links and saved views are kept: what nobody can make again; home where "
        "it is not given",
    )

    def __post_init__(self) -> None:
        """Use one folder for everything unless others are named."""
        if self.data == NO_PATH:
            object.__setattr__(self, "data", self.home)

    @property
    def signs_in(self) -> bool:
        """Whether visitors sign in with a name and a password of the user file."""
        return self.users != NO_PATH and not self.oauth

    @property
    def alone(self) -> bool:
        """Whether the server has a single user: no sign-in, and reachable from this computer only."""
        local = self.address in ("localhost", "127.0.0.1", "::1") and not self.origins
        local = local and not self.proxied and not self.prefix
        return local and not self.hosted and self.users == NO_PATH and not self.oauth

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
    def sky(self) -> Path:
        """Folder of images of the sky and of names that visitors requested."""
        return self.home / "sky"

    @property
    def columns(self) -> Path:
        """Folder of memory-mapped columns of large catalogues."""
        return self.home / "columns"

    @classmethod
    def from_arguments(cls, arguments: Sequence[str], environment: Mapping[str, str] = os.environ) -> AppConfig:
        """Parse the command line."""
        parser = command_line()
        given = vars(parser.parse_args(arguments))
        if given["sky_profile"] != NO_PATH and given["sky_images"] == "off":
            parser.error("--sky-profile has no effect without --sky-images on")
        given = {name: tuple(value) if isinstance(value, list) else value for name, value in given.items()}
        paths = given["paths"] = tuple(path.absolute() for path in given["paths"])
        home, data = cache_folder(environment), data_folder(environment)
        given["users"] = where_now(given["users"], home, data)
        return cls(
            directory=paths[0] if paths else home / DEFAULT_CONFIGURATION,
            home=home,
            build="" if paths else DEFAULT_CONFIGURATION,
            record=environment.get(RECORD_VARIABLE, ""),
            data=data,
            **given,
        )


def command_line() -> argparse.ArgumentParser:
    """The options of ``run_app.py``, each from the field that it sets."""
    parser = argparse.ArgumentParser(
        prog="run_app.py",
        description="Open the M-giant explorer on a product directory, on any tables of stars, or on spectra.",
    )
    for item in fields(AppConfig):
        if "flag" in item.metadata:
            flag, how = item.metadata["flag"], item.metadata["argument"] | {"help": item.metadata["help"]}
            if flag:
                parser.add_argument(flag, dest=item.name, **how)
            else:
                parser.add_argument(item.name, **how)
    return parser


def options_table() -> str:
    """The README's table of options, in Markdown."""
    rows = [
        f"| `{item.metadata['flag'] or item.metadata['argument']['metavar']}` | {item.metadata['help']} |"
        for item in fields(AppConfig)
        if "flag" in item.metadata
    ]
    return "\n".join(["| option | meaning |", "|---|---|", *rows])


def where_now(users: Path, home: Path, data: Path) -> Path:
    """Current path of a user file that is given by its former default path."""
    moved = data / users.name
    old = users.name == "users.json" and users.absolute() == (home / users.name).absolute()
    return moved if old and moved.exists() and not users.exists() else users
