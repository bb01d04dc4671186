"""The vetting's command line: ``python -m explorer COMMAND``; ``--help`` lists them."""

from __future__ import annotations

import argparse
import getpass
import os
import sys
from pathlib import Path

from explorer.config import RECORD_VARIABLE
from explorer.model.library import open_library
from explorer.model.vetting.desk import Desk
from explorer.model.vetting.events import NAME_PATTERN
from explorer.model.vetting.exchange import export_record, import_record, latest_verdicts
from explorer.model.vetting.people import Role, SoleUser, UserFile
from explorer.model.vetting.store import Store, StoreError
from pipeline.home import cache_folder
from pipeline.products.vetting import write_verdicts

_ROLES = [role.name.lower() for role in Role]


def main(arguments: list[str] | None = None) -> int:
    """Run a command; returns the exit status, with the reason of a failure on standard error."""
    options = _parser().parse_args(arguments)
    try:
        status: int = options.run(options)
    except (StoreError, OSError, ValueError) as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m explorer", description="Users and records of the vetting.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    users = commands.add_parser("users", help="add, remove or list who may vet").add_subparsers(
        required=True, metavar="ACTION"
    )
    command = users.add_parser("add", help="add a user; the password is asked for, or read from standard input")
    command.add_argument("name")
    command.add_argument("--role", choices=_ROLES, default="inspector")
    command.add_argument("--oauth", action="store_true", help="the user signs in by OAuth and has no password here")
    command.add_argument("--replace", action="store_true", help="change a user who is there already")
    command.set_defaults(run=_add)
    command = users.add_parser("remove", help="take a user out; what the user said stays")
    command.add_argument("name")
    command.set_defaults(run=_remove)
    command = users.add_parser("list", help="names and roles")
    command.set_defaults(run=_list)
    for action in users.choices.values():
        action.add_argument("--file", type=Path, default=cache_folder() / "users.json", help="file of users")

    for name, run, help_text in (
        ("export-record", _export, "write campaigns and events as lines of JSON"),
        ("import-record", _import, "merge what export-record wrote elsewhere"),
        ("export-verdicts", _verdicts, "write what the campaigns came to, for python -m pipeline release"),
    ):
        command = commands.add_parser(name, help=help_text)
        if run is _verdicts:
            command.add_argument("directory", type=Path, help="product directory that was vetted")
        command.add_argument("file", type=Path)
        command.add_argument("--record", help=f"file or URL of the record (default: ${RECORD_VARIABLE}, or at home)")
        command.set_defaults(run=run)
    return parser


def _add(options: argparse.Namespace) -> int:
    password = None
    if not options.oauth:
        password = getpass.getpass() if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")
    UserFile(options.file).add(options.name, Role[options.role.upper()], password, replace=options.replace)
    sys.stdout.write(f"{options.name} has the role {options.role} in {options.file}\n")
    return 0


def _remove(options: argparse.Namespace) -> int:
    UserFile(options.file).remove(options.name)
    sys.stdout.write(f"{options.name} is no longer in {options.file}\n")
    return 0


def _list(options: argparse.Namespace) -> int:
    for name, role in UserFile(options.file).users().items():
        sys.stdout.write(f"{name}\t{role.name.lower()}\n")
    return 0


def _store(options: argparse.Namespace) -> Store:
    named = options.record or os.environ.get(RECORD_VARIABLE, "")
    where: str | Path = named if "://" in named else Path(named or cache_folder() / "vetting.sqlite")
    return Store.open(where)


def _export(options: argparse.Namespace) -> int:
    with options.file.open("w", encoding="utf-8") as file:
        file.writelines(export_record(_store(options)))
    sys.stdout.write(f"{options.file}\n")
    return 0


def _import(options: argparse.Namespace) -> int:
    report = import_record(_store(options), options.file.read_text("utf-8"), _name())
    sys.stdout.write("".join(f"{line}\n" for line in (*report.refused, report.summary())))
    return 1 if report.refused else 0


def _verdicts(options: argparse.Namespace) -> int:
    library = open_library(options.directory)
    verdicts = latest_verdicts(Desk(_store(options), library, SoleUser(_name())))
    write_verdicts(verdicts, options.file, simulated=library.products.manifest.simulated)
    sys.stdout.write(f"{len(verdicts):,} stars in {options.file}\n")
    return 0


def _name() -> str:
    name = getpass.getuser()
    return name if NAME_PATTERN.fullmatch(name) else "owner"


if __name__ == "__main__":
    sys.exit(main())
