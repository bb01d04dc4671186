"""Profiles of the archives: shipped TOML files, and those of users, which replace single fields."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from difflib import get_close_matches
from importlib.resources import files
from pathlib import Path
from string import Formatter
from typing import Any, get_args
from urllib.parse import urlsplit

import msgspec
from msgspec.structs import fields

from pipeline.sources.archives.profile import Archives


class ArchiveProfileError(ValueError):
    """A profile of archives cannot be used; the message names the file, the key and the remedy."""


def load_archives(*overrides: Path) -> Archives:
    """Read the shipped profiles, then those of the user, whose entries replace single fields.

    Parameters
    ----------
    overrides : Path
        TOML files of the user, the later ones before the earlier ones.

    Raises
    ------
    ArchiveProfileError
        If a file cannot be read, a key is unknown, a value has the wrong type, or a service is not declared.
    """
    merged: dict[str, Any] = {}
    folder = files("pipeline.sources.archives").joinpath("profiles")
    shipped = sorted((path for path in folder.iterdir() if path.name.endswith(".toml")), key=lambda path: path.name)
    for path in shipped:
        _merge(merged, _read(path))
    shipped_services = set(merged["service"])
    for path in overrides:
        _merge(merged, _read(path))
    sources = ", ".join(str(path) for path in overrides) or "the shipped profiles"
    try:
        archives = msgspec.convert(merged, Archives)
    except msgspec.ValidationError as error:
        where = f"[{name}] of " if (name := _invalid_entry(merged)) else ""
        raise ArchiveProfileError(
            f"The profile of the archives is invalid in {where}{sources}: {str(error).rstrip('.')}."
        ) from error
    for key, service in archives.service.items():
        _check_address(key, service.address, sources)
    _check_uses(archives, shipped_services, sources)
    _check_spectra(archives, sources)
    _check_files(archives, sources)
    _check_queries(archives, sources)
    return archives


def _read(path: Any) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8-sig"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ArchiveProfileError(f"The profile {path} cannot be read: {error}.") from error


def _invalid_entry(merged: Mapping[str, Any]) -> str:
    """Name of the first entry that is invalid, which the library does not state; "" if it is none of them."""
    for group in fields(Archives):
        kind = get_args(group.type)[1]
        entries = merged.get(group.name, {})
        for key, entry in entries.items() if isinstance(entries, Mapping) else ():
            try:
                msgspec.convert(entry, kind)
            except msgspec.ValidationError:
                return f"{group.name}.{key}"
    return ""


def _merge(into: dict[str, Any], new: Mapping[str, Any]) -> None:
    for key, value in new.items():
        if isinstance(value, Mapping) and isinstance(into.get(key), dict):
            _merge(into[key], value)
        else:
            into[key] = value


def _check_address(key: str, address: str, sources: str) -> None:
    """Refuse an address that no request can have, and one that would bring a password into plans and records."""
    try:
        parts = urlsplit(address)
        is_usable = bool(parts.hostname) and parts.port != 0 and not re.search(r"\s", address)
    except ValueError:
        is_usable, parts = False, urlsplit("")
    if parts.username is not None or parts.password is not None:
        raise ArchiveProfileError(
            f"service.{key} of {sources} has a user name or a password in its address, which would be recorded with "
            "each fetch. Remove them; a token is taken from the environment variable that token_variable names."
        )
    if not is_usable or parts.query or parts.fragment:
        raise ArchiveProfileError(
            f"service.{key} of {sources} has the address {address!r}, which is none to which paths can be added: "
            "write https://HOST/PATH."
        )


def _check_uses(archives: Archives, shipped: set[str], sources: str) -> None:
    """Check that services are declared, new ones are used, and that those of queries take no token."""
    uses: list[tuple[str, tuple[str, ...]]] = [
        (f"spectra.{key}", (entry.service,)) for key, entry in archives.spectra.items()
    ]
    uses += [(f"file.{key}", entry.services) for key, entry in archives.file.items()]
    uses += [(f"query.{key}", entry.services) for key, entry in archives.query.items()]
    uses += [(f"sky.{key}", (entry.service,)) for key, entry in archives.sky.items()]
    uses += [(f"names.{key}", (entry.service,)) for key, entry in archives.names.items()]
    for where, services in uses:
        for name in services:
            if name not in archives.service:
                raise ArchiveProfileError(
                    f"{where} names the service {name!r}, which {sources} does not declare; declared are "
                    f"{', '.join(sorted(archives.service))}."
                )
        if repeated := next((name for name in services if services.count(name) > 1), ""):
            raise ArchiveProfileError(f"{where} of {sources} names the service {repeated!r} twice.")
    used = {name for _, services in uses for name in services}
    if idle := next((name for name in archives.service if name not in used | shipped), ""):
        near = get_close_matches(idle, sorted(used), n=1)
        raise ArchiveProfileError(
            f"service.{idle} of {sources} is used by nothing: spectra, files, queries, images of the sky and names use "
            f"{', '.join(sorted(used))}.{f' Did you mean {near[0]}?' if near else ''}"
        )
    for key, query in archives.query.items():
        if with_token := next((name for name in query.services if archives.service[name].token_variable), ""):
            raise ArchiveProfileError(
                f"service.{with_token} of {sources} has a token_variable, and query.{key} asks it by TAP, to which no "
                "token is sent. Remove the token_variable."
            )


def _check_spectra(archives: Archives, sources: str) -> None:
    """Check that the fields of all paths are known."""
    for key, entry in archives.spectra.items():
        for path in entry.spectrum:
            _check_fields(f"spectra.{key}.spectrum", path, ("release", "version", "obsid"), sources)
        _check_fields(f"spectra.{key}.catalogue", entry.catalogue, ("release", "version", "name"), sources)


def _check_fields(where: str, path: str, known: tuple[str, ...], sources: str) -> None:
    example = f"{{{known[-1]}}}"
    try:
        names = [field for _, field, form, change in Formatter().parse(path) if field is not None or form or change]
    except ValueError:
        names = [None]
    if not set(names) <= set(known) or known[-1] not in names:
        raise ArchiveProfileError(
            f"{where} of {sources} is {path!r}; it needs the field {example}, and may have "
            f"{', '.join(f'{{{name}}}' for name in known[:-1])}."
        )


def _check_files(archives: Archives, sources: str) -> None:
    for key, file in archives.file.items():
        if len(file.paths) != (0 if file.record else len(file.services)):
            raise ArchiveProfileError(
                f"file.{key} of {sources} needs services, and either a record or one path for each of its services; "
                f"found {len(file.services)} services and {len(file.paths)} paths."
            )


def _check_queries(archives: Archives, sources: str) -> None:
    for key, query in archives.query.items():
        if bool(query.tables) == bool(query.catalogue):
            raise ArchiveProfileError(
                f"query.{key} of {sources} needs either tables, which are joined to identifiers, or a catalogue."
            )
        if query.catalogue:
            continue
        columns = [name for name, _ in query.columns]
        if repeated := sorted({name for name in columns if columns.count(name) > 1}):
            raise ArchiveProfileError(
                f"query.{key} of {sources} returns {repeated[0]!r} twice; give one of them an alias."
            )
        named = [name for name in (query.present, *query.same, query.nearest) if name]
        if unknown := [name for name in named if name not in columns]:
            raise ArchiveProfileError(f"query.{key} of {sources} names {unknown[0]!r}, which it does not return.")
        if not query.identifier or not query.present or len(query.same) not in (0, 2):
            raise ArchiveProfileError(
                f"query.{key} of {sources} needs identifier, present, and two columns in same, or none."
            )
