"""Users and their roles; the user file holds hashes of passwords, never passwords."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import Protocol

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from explorer.vetting.events import NAME_PATTERN, Authority

MIN_CHARACTERS = 10
MAX_CHARACTERS = 1000
"""Maximum length of a password; longer ones are refused before they are hashed."""


class UserError(ValueError):
    """A user cannot be added, found or read."""


class Role(IntEnum):
    """Permissions of a user; each role includes those before it."""

    VIEWER = 0
    INSPECTOR = 1
    ADJUDICATOR = 2


@dataclass(frozen=True)
class Person:
    """A user whose name was verified by the server.

    Parameters
    ----------
    name : str
        User name.
    authority : Authority
        How the name was verified.
    """

    name: str
    authority: Authority


class People(Protocol):
    """Source of roles, asked at each action."""

    def role_of(self, name: str, /) -> Role:
        """The current role; unknown users are viewers."""
        ...

    def knows(self, name: str, /) -> bool:
        """Whether a user of this name exists now."""
        ...


@dataclass(frozen=True)
class SingleUser:
    """The only user of a personal computer, with all permissions.

    Parameters
    ----------
    name : str
        The name that is stored in the record.
    """

    name: str

    def __post_init__(self) -> None:
        """Refuse a name that cannot be stored in the record."""
        check_name(self.name)

    def role_of(self, name: str) -> Role:
        """Adjudicator for this user, viewer for all others."""
        return Role.ADJUDICATOR if name == self.name else Role.VIEWER

    def knows(self, name: str) -> bool:
        """Whether it is this user."""
        return name == self.name


class NoUsers:
    """A server without users: all visitors are viewers."""

    def role_of(self, _: str) -> Role:
        """Viewer."""
        return Role.VIEWER

    def knows(self, _: str) -> bool:
        """Always False."""
        return False


def check_name(name: str) -> str:
    """Return a valid user name, or raise UserError."""
    if not NAME_PATTERN.fullmatch(name):
        raise UserError(
            f"{name!r:.80} is no user name: letters, digits and . _ @ + - only, a letter or digit first, at most 64."
        )
    return name


class UserFile:
    """Users in a JSON file: role and Argon2id hash by name; the hash is "" for users of OAuth.

    A running server follows changes of the file.

    Parameters
    ----------
    path : Path
        The file, created by the first :meth:`add`, readable by its owner only.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._hasher = PasswordHasher()
        self._lock = Lock()
        self._read_at: tuple[int, int, int] | None = None
        self._users: Mapping[str, Mapping[str, str]] = {}

    def users(self) -> Mapping[str, Role]:
        """Roles by user name."""
        return {name: Role[entry["role"].upper()] for name, entry in sorted(self._read().items())}

    def role_of(self, name: str) -> Role:
        """The current role; unknown users are viewers."""
        return self.users().get(name, Role.VIEWER)

    def knows(self, name: str) -> bool:
        """Whether the file has a user of this name now."""
        return name in self._read()

    def require(self) -> None:
        """Refuse a missing or damaged file before a server starts.

        Raises
        ------
        UserError
            If there is no user file.
        """
        if not self.path.is_file():
            raise UserError(
                f"{self.path} is not a file of users, so users could not sign in. Create it with `python -m explorer "
                f"users add NAME --file {self.path}`, or name another one with --users."
            )
        self._read()

    def stamp_of(self, name: str) -> str:
        """Digest that changes with the password; cookies with another digest are invalid.

        Parameters
        ----------
        name : str
            User name.

        Returns
        -------
        str
            32 hexadecimal digits of the hash of the stored hash; "" for an unknown user.

        Raises
        ------
        UserError
            If the file is damaged.
        """
        user = self._read().get(name)
        return "" if user is None else hashlib.sha256(f"{name}\0{user['hash']}".encode()).hexdigest()[:32]

    def check(self, name: str, password: str) -> bool:
        """Whether a password is correct; an unknown name takes as long as a wrong password."""
        if len(password) > MAX_CHARACTERS:
            return False
        stored_hash, decoy = self._read().get(name, {}).get("hash", ""), self._decoy_hash
        try:
            self._hasher.verify(stored_hash or decoy, password)
        except (VerificationError, InvalidHashError):
            return False
        return bool(stored_hash)

    def add(self, name: str, role: Role, password: str | None, *, replace: bool = False) -> None:
        """Add a user, or change one.

        Parameters
        ----------
        name : str
            User name.
        role : Role
            Permissions of the user.
        password : str or None
            None for a user of OAuth.
        replace : bool
            Whether an existing user of this name is replaced.
        """
        check_name(name)
        users = dict(self._read())
        if name in users and not replace:
            raise UserError(f"User {name} exists already in {self.path}; replace the entry to change it.")
        if password is not None and not MIN_CHARACTERS <= len(password) <= MAX_CHARACTERS:
            raise UserError(f"A password has at least {MIN_CHARACTERS} characters.")
        hashed = "" if password is None else self._hasher.hash(password)
        users[name] = {"role": role.name.lower(), "hash": hashed}
        self._write(users)

    def remove(self, name: str) -> None:
        """Remove a user; the user's events stay in the record."""
        users = dict(self._read())
        if name not in users:
            raise UserError(f"{self.path} has no user {name!r:.80}.")
        del users[name]
        self._write(users)

    @cached_property
    def _decoy_hash(self) -> str:
        """Hash that the password of an unknown name is verified against."""
        return self._hasher.hash(os.urandom(16).hex())

    def _read(self) -> Mapping[str, Mapping[str, str]]:
        with self._lock:
            try:
                status = self.path.stat()
            except FileNotFoundError:
                self._read_at, self._users = None, {}
                return self._users
            except OSError as error:
                raise UserError(f"{self.path} cannot be read ({error.strerror}), so no user is known.") from error
            read_at = (status.st_mtime_ns, status.st_ino, status.st_size)
            if read_at != self._read_at:
                self._users = self._load()
                self._read_at = read_at
            return self._users

    def _load(self) -> Mapping[str, Mapping[str, str]]:
        try:
            users = json.loads(self.path.read_text("utf-8"))
            for name, entry in users.items():
                check_name(name)
                Role[entry["role"].upper()]
                if not isinstance(entry["hash"], str):
                    raise UserError(f"the hash of {name} is not text")
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise UserError(
                f"{self.path} is not a file of users ({error}). Make it with `python -m explorer users add`."
            ) from None
        return dict(users)

    def _write(self, users: Mapping[str, Mapping[str, str]]) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        draft = self.path.with_name(f".{self.path.name}.{os.getpid()}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(users, file, indent=1, sort_keys=True)
            file.write("\n")
        draft.replace(self.path)
