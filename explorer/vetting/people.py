"""Who may do what: users with roles in a file that holds hashes of passwords, never passwords."""

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
"""Longer passwords are refused before they are hashed."""


class UserError(ValueError):
    """A user cannot be added, found or read."""


class Role(IntEnum):
    """What somebody may do; each includes the ones before."""

    VIEWER = 0
    INSPECTOR = 1
    ADJUDICATOR = 2


@dataclass(frozen=True)
class Person:
    """Somebody whose name was checked by the server.

    Parameters
    ----------
    name : str
        User name.
    authority : Authority
        How it was checked.
    """

    name: str
    authority: Authority


class People(Protocol):
    """Tells the role of a name, at each action anew."""

    def role_of(self, name: str, /) -> Role:
        """The present role; a stranger is a viewer."""
        ...

    def knows(self, name: str, /) -> bool:
        """Whether somebody of this name is a user now."""
        ...


@dataclass(frozen=True)
class SoleUser:
    """The one person of a laptop, who may do everything.

    Parameters
    ----------
    name : str
        The name that the record keeps.
    """

    name: str

    def __post_init__(self) -> None:
        """Refuse a name that the record could not keep."""
        check_name(self.name)

    def role_of(self, name: str) -> Role:
        """Adjudicator for the one, viewer for everybody else."""
        return Role.ADJUDICATOR if name == self.name else Role.VIEWER

    def knows(self, name: str) -> bool:
        """Whether it is the one."""
        return name == self.name


class Nobody:
    """A server without users: everybody looks, nobody judges."""

    def role_of(self, _: str) -> Role:
        """Viewer."""
        return Role.VIEWER

    def knows(self, _: str) -> bool:
        """No."""
        return False


def check_name(name: str) -> str:
    """A user name, or UserError."""
    if not NAME_PATTERN.fullmatch(name):
        raise UserError(
            f"{name!r:.80} is no user name: letters, digits and . _ @ + - only, a letter or digit first, at most 64."
        )
    return name


class UserFile:
    """Users in a JSON file: name to role and Argon2id hash; the hash is "" for who logs in by OAuth.

    A running server follows changes of the file.

    Parameters
    ----------
    path : Path
        The file; made by the first :meth:`add`, readable by its owner alone.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._hasher = PasswordHasher()
        self._lock = Lock()
        self._read_at: tuple[int, int, int] | None = None
        self._users: Mapping[str, Mapping[str, str]] = {}

    def users(self) -> Mapping[str, Role]:
        """Everybody's role, by name."""
        return {name: Role[one["role"].upper()] for name, one in sorted(self._read().items())}

    def role_of(self, name: str) -> Role:
        """The present role; a stranger is a viewer."""
        return self.users().get(name, Role.VIEWER)

    def knows(self, name: str) -> bool:
        """Whether the name stands in the file now."""
        return name in self._read()

    def require(self) -> None:
        """Refuse a file that is missing or damaged, as a server must before it starts.

        Raises
        ------
        UserError
            If there is no file of users.
        """
        if not self.path.is_file():
            raise UserError(
                f"{self.path} is no file of users, so nobody could sign in. Make it with `python -m explorer users add "
                f"NAME --file {self.path}`, or name another one with --users."
            )
        self._read()

    def stamp_of(self, name: str) -> str:
        """What a new password changes: cookies that hold another stamp than this are worthless.

        Parameters
        ----------
        name : str
            User name.

        Returns
        -------
        str
            32 hexadecimal digits of the hash of the stored hash; "" for a stranger.

        Raises
        ------
        UserError
            If the file is damaged.
        """
        user = self._read().get(name)
        return "" if user is None else hashlib.sha256(f"{name}\0{user['hash']}".encode()).hexdigest()[:32]

    def check(self, name: str, password: str) -> bool:
        """Whether a password is a user's. An unknown name takes as long as a wrong password."""
        if len(password) > MAX_CHARACTERS:
            return False
        kept, decoy = self._read().get(name, {}).get("hash", ""), self._decoy
        try:
            self._hasher.verify(kept or decoy, password)
        except (VerificationError, InvalidHashError):
            return False
        return bool(kept)

    def add(self, name: str, role: Role, password: str | None, *, replace: bool = False) -> None:
        """Add a user, or change one.

        Parameters
        ----------
        name : str
            User name.
        role : Role
            What the user may do.
        password : str or None
            None for a user who logs in by OAuth.
        replace : bool
            Whether a user of this name may be there already.
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
        """Take a user out; what the user said stays in the record."""
        users = dict(self._read())
        if name not in users:
            raise UserError(f"{self.path} has no user {name!r:.80}.")
        del users[name]
        self._write(users)

    @cached_property
    def _decoy(self) -> str:
        """What an unknown name's password is held against."""
        return self._hasher.hash(os.urandom(16).hex())

    def _read(self) -> Mapping[str, Mapping[str, str]]:
        with self._lock:
            try:
                status = self.path.stat()
            except FileNotFoundError:
                self._read_at, self._users = None, {}
                return self._users
            except OSError as error:
                raise UserError(f"{self.path} cannot be read ({error.strerror}), so nobody is known.") from error
            read_at = (status.st_mtime_ns, status.st_ino, status.st_size)
            if read_at != self._read_at:
                self._users = self._load()
                self._read_at = read_at
            return self._users

    def _load(self) -> Mapping[str, Mapping[str, str]]:
        try:
            users = json.loads(self.path.read_text("utf-8"))
            for name, one in users.items():
                check_name(name)
                Role[one["role"].upper()]
                if not isinstance(one["hash"], str):
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
