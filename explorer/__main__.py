"""The vetting's command line: ``python -m explorer COMMAND``; ``--help`` lists them."""

from __future__ import annotations

import argparse
import getpass
import os
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError

from explorer.config import RECORD_VARIABLE
from explorer.model.library import open_library
from explorer.moving import move_files, move_record
from explorer.vetting.backup import BackupError, restore_file, restore_lines, write_copy
from explorer.vetting.commands import VettingCommands
from explorer.vetting.events import NAME_PATTERN
from explorer.vetting.exchange import Source, export_record, import_record, latest_verdicts
from explorer.vetting.people import Role, SingleUser, UserFile
from explorer.vetting.record_file import SIDES
from explorer.vetting.signing import make_key, read_key, sign
from explorer.vetting.store import Store, StoreError, reason_of
from pipeline.home import cache_folder, data_folder
from pipeline.products.versions import refuse_inside_product
from pipeline.products.vetting import write_verdicts

_ROLES = [role.name.lower() for role in Role]


def main(arguments: list[str] | None = None) -> int:
    """Run a command and return the exit status; the reason of a failure goes to standard error."""
    options = _parser().parse_args(arguments)
    try:
        move_files(cache_folder(), data_folder())
        status: int = options.run(options)
    except SQLAlchemyError as error:
        sys.stderr.write(f"error: The vetting record cannot be used: {reason_of(error)}.\n")
        return 2
    except (StoreError, OSError, ValueError) as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m explorer", description="Manage users and the vetting record.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    users = commands.add_parser("users", help="add, remove or list users").add_subparsers(
        required=True, metavar="ACTION"
    )
    command = users.add_parser("add", help="add a user; the password is asked for, or read from standard input")
    command.add_argument("name")
    command.add_argument("--role", choices=_ROLES, default="inspector")
    command.add_argument("--oauth", action="store_true", help="the user signs in by OAuth and has no password here")
    command.add_argument("--replace", action="store_true", help="replace an existing user")
    command.set_defaults(run=_add)
    command = users.add_parser("remove", help="remove a user; the user's verdicts stay")
    command.add_argument("name")
    command.set_defaults(run=_remove)
    command = users.add_parser("list", help="names and roles")
    command.set_defaults(run=_list)
    for action in users.choices.values():
        action.add_argument("--file", type=Path, default=data_folder() / "users.json", help="file of users")

    for name, run, help_text in (
        ("export-record", _export, "export campaigns and events as JSON lines"),
        ("import-record", _import, "merge a file of export-record"),
        ("export-verdicts", _verdicts, "export the combined verdicts for python -m pipeline release"),
        ("backup", _backup, "back up the record, also of a running server; PostgreSQL: as JSON lines"),
        ("restore", _restore, "restore the record from a backup; the current record is kept"),
    ):
        command = commands.add_parser(name, help=help_text)
        if run is _verdicts:
            command.add_argument("directory", type=Path, help="product directory that was vetted")
        command.add_argument("file", type=Path)
        command.add_argument(
            "--record", help=f"file or URL of the record (default: ${RECORD_VARIABLE}, or in the data folder)"
        )
        if run is _restore:
            command.add_argument("--replace", action="store_true", help="also if the record has events")
        if run is _export:
            command.add_argument(
                "--sign-key", type=Path, help="file with the group's key, with which the export is signed"
            )
        if run is _import:
            command.add_argument("--verify-key", type=Path, help="refuse a file that is not signed with this key")
            command.add_argument("--users", type=Path, help="user file; events that violate its roles are refused")
        command.set_defaults(run=run)
    command = commands.add_parser("make-key", help="create a key for signed exports of a group")
    command.add_argument("file", type=Path)
    command.set_defaults(run=_make_key)
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


def _place(options: argparse.Namespace) -> str | Path:
    """Path of the record; one of an older version is moved there."""
    named = options.record or os.environ.get(RECORD_VARIABLE, "")
    if named:
        return named if "://" in named else Path(named)
    move_record(cache_folder(), data_folder())
    return data_folder() / "vetting.sqlite"


def _existing_store(options: argparse.Namespace) -> Store:
    """The existing record; a mistyped name must not create an empty one."""
    place = _place(options)
    if isinstance(place, Path) and not place.is_file():
        raise StoreError(f"There is no vetting record {place}. Name it with --record or in {RECORD_VARIABLE}.")
    return Store.open(place)


@contextmanager
def _written(target: Path, store: Store) -> Iterator[Path]:
    """Temporary file that replaces ``target`` at the end of the block, but never an existing record."""
    refuse_inside_product(target)
    if store.file is not None and target.resolve() in {Path(f"{store.file.path.resolve()}{item}") for item in SIDES}:
        raise StoreError(f"{target} is a file of the vetting record itself. Name another file to write to.")
    if target.is_symlink() or (target.exists() and not target.is_file()):  # /dev/stdout, a pipe
        yield target
        return
    draft = target.with_name(f".part-{os.getpid()}.{target.name}")
    try:
        yield draft
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)


def _export(options: argparse.Namespace) -> int:
    key = read_key(options.sign_key) if options.sign_key else None
    with closing(_existing_store(options)) as store, _written(options.file, store) as draft:
        lines = export_record(store)
        with draft.open("w", encoding="utf-8") as file:
            file.writelines(lines if key is None else sign(lines, key))
    sys.stdout.write(f"{options.file}\n")
    return 0


def _import(options: argparse.Namespace) -> int:
    key = read_key(options.verify_key) if options.verify_key else None
    people = UserFile(options.users) if options.users else None
    if people is not None and not options.users.is_file():
        raise FileNotFoundError(f"There is no file of users {options.users}.")
    source = Source(_name(), people, key=key)
    with closing(Store.open(_place(options))) as store:
        report = import_record(store, options.file.read_text("utf-8"), source)
    sys.stdout.write("".join(f"{line}\n" for line in (*report.refused, report.summary())))
    return 1 if report.refused else 0


def _make_key(options: argparse.Namespace) -> int:
    make_key(options.file)
    sys.stdout.write(f"{options.file}\n")
    return 0


def _backup(options: argparse.Namespace) -> int:
    with closing(_existing_store(options)) as store:
        write_copy(store.engine, options.file)
    sys.stdout.write(f"{options.file}\n")
    return 0


def _restore(options: argparse.Namespace) -> int:
    place = _place(options)
    if isinstance(place, Path):
        kept = restore_file(options.file, place, replace=options.replace)
        sys.stdout.write(f"{place}\n" + (f"The previous record is {kept}\n" if kept else ""))
        return 0
    if options.replace:
        raise BackupError("Events cannot be removed from a database: name an empty one instead of --replace.")
    with closing(Store.open(place)) as store:
        count = restore_lines(store.engine, options.file)
    sys.stdout.write(f"{count:,} events in {store.display_url}\n")
    return 0


def _verdicts(options: argparse.Namespace) -> int:
    library = open_library(options.directory)
    with closing(_existing_store(options)) as store, _written(options.file, store) as draft:
        verdicts = latest_verdicts(VettingCommands(store, library, SingleUser(_name())))
        write_verdicts(verdicts, draft, simulated=library.products.manifest.simulated)
    sys.stdout.write(f"{len(verdicts):,} stars in {options.file}\n")
    return 0


def _name() -> str:
    name = getpass.getuser()
    return name if NAME_PATTERN.fullmatch(name) else "owner"


if __name__ == "__main__":
    sys.exit(main())
