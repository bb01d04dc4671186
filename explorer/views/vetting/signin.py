"""Who is at the other end: a user of the credentials file, of an OAuth provider, or the one person of a laptop."""

from __future__ import annotations

import getpass
import hashlib
import hmac
import logging
import os
import secrets
import time
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any, ClassVar

import panel as pn
from panel.auth import BasicAuthProvider, BasicLoginHandler, LogoutHandler

from explorer.config import AppConfig
from explorer.model.vetting.attempts import Attempts
from explorer.model.vetting.events import NAME_PATTERN, Authority
from explorer.model.vetting.people import Nobody, People, Person, SoleUser, UserFile

SECRET_NAME = "cookie_secret.2"  # noqa: S105 - a file's name, not a secret
_EXPOSED_SECRET_NAME = "cookie_secret"  # noqa: S105
"""Secrets made before member lists were refused access to other files may have been read by a visitor: replaced."""

SECRET_VARIABLE = "MGIANT_COOKIE_SECRET"  # noqa: S105 - a name, not a secret
NO_USERS = (
    "This server does not know its visitors, so that a record of verdicts would be worthless: vetting is off. Serve "
    "with --users FILE (python -m explorer users add NAME makes it) or with --oauth PROVIDER."
)
SHARED_ENTRY = (
    "Everybody enters this server with one shared password, so nobody knows who says what: vetting is off. Serve with "
    "python run_app.py DIR --users FILE instead, or with OAuth."
)
NO_LONGER_A_USER = (
    "{name} is signed in but is not in this server's file of users (any more): vetting is off. Who keeps the file adds "
    "users with python -m explorer users add {name}."
)
_LOG = logging.getLogger("explorer.vetting")


def people_of(config: AppConfig) -> People:
    """Who may do what on this server."""
    if config.alone:
        return SoleUser(_own_name())
    return UserFile(config.users) if config.users != Path() else Nobody()


def _own_name() -> str:
    name = getpass.getuser()
    return name if NAME_PATTERN.fullmatch(name) else "owner"


def visitor(config: AppConfig) -> tuple[Person | None, str]:
    """Who is here, or why nobody knows."""
    if config.alone:
        return Person(_own_name(), Authority.SINGLE_USER), ""
    user = pn.state.user
    oauth = bool(pn.config.oauth_provider) and pn.config.oauth_provider not in ("basic", "password", "pam")
    if config.hosted and not oauth:
        return None, SHARED_ENTRY if user else NO_USERS
    if not (config.signs_in or oauth) or not user or user == "guest":
        return None, NO_USERS
    if not NAME_PATTERN.fullmatch(user):
        return None, f"The name {user!r:.80} cannot stand in the record: letters, digits and . _ @ + - only."
    if config.users != Path() and not people_of(config).knows(user):
        return None, NO_LONGER_A_USER.format(name=user)
    return Person(user, Authority.OAUTH if oauth else Authority.PASSWORD), ""


def serving(config: AppConfig) -> dict[str, Any]:
    """What ``panel.serve`` needs so that visitors sign in; nothing on a laptop."""
    if config.alone or not (config.oauth or config.signs_in):
        return {}
    common = {"cookie_secret": _cookie_key(config)}
    if config.oauth:
        return {**common, "oauth_provider": config.oauth}
    return {**common, "auth_provider": UserFileProvider(UserFile(config.users))}


def _cookie_key(config: AppConfig) -> str:
    """The key that signs cookies: a cookie of a server with other users is worthless here."""
    users = "" if config.users == Path() else str(config.users.resolve())
    whose = f"{users}\0{config.oauth}".encode("utf-8", "surrogateescape")
    return hmac.new(_kept_secret(config).encode(), whose, hashlib.sha256).hexdigest()


def _kept_secret(config: AppConfig) -> str:
    """What cookies' keys are made of: of the environment, else made once and kept, readable by the owner alone."""
    named = os.environ.get(SECRET_VARIABLE)
    if named:
        return named
    path = config.data / SECRET_NAME
    path.parent.mkdir(parents=True, exist_ok=True)
    for folder in {config.home, config.data}:
        (folder / _EXPOSED_SECRET_NAME).unlink(missing_ok=True)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text("ascii")
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(secrets.token_urlsafe(48))
    return path.read_text("ascii")


class Login(BasicLoginHandler):
    """Panel's sign-in form, checked against hashes."""

    users: ClassVar[UserFile]
    attempts: ClassVar[Attempts]

    def _validate(self, username: str, password: str) -> bool:
        known = self.users.knows(username)
        shown = repr(username) if known else "an unknown name"
        counted = username if NAME_PATTERN.fullmatch(username) else ""
        if self.attempts.locked(counted, known=known):
            _LOG.warning("Refused: too many failed sign-ins, so that %s may not try now.", shown)
            return False
        welcome = bool(counted) and self.users.check(username, password)
        if welcome:
            self.attempts.succeeded(counted)
        else:
            self.attempts.failed(counted)
            _LOG.warning("Refused: a wrong name or password for %s.", shown)
        return welcome


class Logout(LogoutHandler):
    """Forgets who was here."""

    def get(self) -> None:
        """Take the cookies back and show the form again."""
        for name in ("user", "id_token", "access_token", "refresh_token", "is_guest"):
            self.clear_cookie(name)
        self.redirect(self._login_endpoint)


class UserFileProvider(BasicAuthProvider):
    """Signs in the users of a file.

    Parameters
    ----------
    users : UserFile
        Names and hashes.
    clock : callable
        Gives seconds, by which failed sign-ins are counted; tests set it.
    """

    def __init__(self, users: UserFile, clock: Callable[[], float] = time.monotonic) -> None:
        self._users, self._attempts = users, Attempts(clock)  # first: the parent asks for the handlers
        super().__init__(login_template=str(files("assets") / "help" / "login.html"))

    @property
    def login_handler(self) -> type[Login]:
        """The form."""
        parts = {
            "users": self._users,
            "attempts": self._attempts,
            "_login_template": self._login_template,
            "_login_endpoint": self.login_url,
        }
        return type("UserFileLogin", (Login,), parts)

    @property
    def logout_handler(self) -> type[Logout]:
        """The way out."""
        return Logout
