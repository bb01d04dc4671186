"""Cookies: the signing secret, cookie attributes, and the list of ended sign-ins."""

from __future__ import annotations

import hashlib
import hmac
import logging
import os
import secrets
import time
from pathlib import Path
from typing import Any

from tornado.web import RequestHandler

from explorer.config import AppConfig

SECRET_NAME = "cookie_secret.2"  # noqa: S105 - a file's name, not a secret
_EXPOSED_SECRET_NAME = "cookie_secret"  # noqa: S105
"""Name of old secrets, which are replaced because visitors could have read them."""

SECRET_VARIABLE = "MGIANT_COOKIE_SECRET"  # noqa: S105 - a name, not a secret
ENDED_NAME = "ended_sign_ins"
SIGN_IN_DAYS = 1.0
"""Lifetime of a sign-in in days."""

_LOG = logging.getLogger(__name__)
_UNKEPT: dict[Path, str] = {}


def cookie_key(config: AppConfig) -> str:
    """The key that signs the cookies of this server only."""
    users = "" if config.users == Path() else str(config.users.resolve())
    whose = f"{users}\0{config.oauth}".encode("utf-8", "surrogateescape")
    return derived(kept_secret(config), whose)


def derived(secret: str, purpose: bytes) -> str:
    """Derive a key for one purpose, 64 hexadecimal digits."""
    return hmac.new(secret.encode(), purpose, hashlib.sha256).hexdigest()


def kept_secret(config: AppConfig) -> str:
    """The secret from which keys are derived: from the environment, or an owner-only file.

    Where nothing can be kept, it lasts as long as this process.
    """
    named = os.environ.get(SECRET_VARIABLE)
    if named:
        return named
    path = config.data / SECRET_NAME
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        for folder in {config.home, config.data}:
            (folder / _EXPOSED_SECRET_NAME).unlink(missing_ok=True)
        return _read_or_make(path)
    except OSError as error:
        if path not in _UNKEPT:
            _LOG.warning("%s cannot be stored (%s): sign-ins end with this server.", path, error.strerror)
        return _UNKEPT.setdefault(path, secrets.token_urlsafe(48))


def _read_or_make(path: Path) -> str:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text("ascii")
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(secrets.token_urlsafe(48))
    return path.read_text("ascii")


class Cookies:
    """Attributes of the cookies of one server.

    Parameters
    ----------
    config : AppConfig
        With the prefix below which they are sent, and whether other sites show the pages in frames.
    key : str
        Key that signs them; part of their names, so that servers of one host have separate cookies.
    """

    def __init__(self, config: AppConfig, key: str) -> None:
        self.path, self.framed = config.prefix or "/", bool(config.embedders)
        self.suffix = derived(key, b"name")[:8]

    def attributes(self, handler: RequestHandler) -> dict[str, Any]:
        """``Path``, ``HttpOnly``, ``SameSite``, and ``Secure`` for a page received by TLS."""
        secure = handler.request.protocol == "https"
        other_sites = self.framed and secure
        return {
            "path": self.path,
            "httponly": True,
            "secure": secure,
            "samesite": "None" if other_sites else "Lax",
        }

    def set(self, handler: RequestHandler, name: str, value: str, days: float) -> None:
        """Set a signed cookie."""
        handler.set_signed_cookie(name, value, expires_days=days, **self.attributes(handler))

    def get(self, handler: RequestHandler, name: str, days: float) -> str:
        """The value of a signed cookie; "" without a valid one of the last days."""
        value = handler.get_signed_cookie(name, max_age_days=days)
        return "" if value is None else value.decode("utf-8", "replace")

    def clear(self, handler: RequestHandler, name: str) -> None:
        """Remove a cookie."""
        handler.clear_cookie(name, path=self.path)


class EndedSignIns:
    """Ended sign-ins whose cookies have not expired; stored in a file, as cookies outlive the server.

    Parameters
    ----------
    path : Path
        The file: lines of an identifier and a Unix time in seconds.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._until: dict[str, float] = {}
        try:
            lines = path.read_text("ascii", "replace").splitlines()
        except FileNotFoundError:
            return
        except OSError as error:
            _LOG.warning("%s cannot be read (%s): earlier sign-outs are not known.", path, error.strerror)
            return
        for line in lines:
            sign_in, _, until = line.partition(" ")
            if until.replace(".", "", 1).isdigit():
                self._until[sign_in] = float(until)
        self._drop_old()
        if len(self._until) < len(lines):
            self._rewrite()

    def __contains__(self, sign_in: str) -> bool:
        return sign_in in self._until

    def add(self, sign_in: str, until: float) -> None:
        """Record the end of a sign-in whose cookie expires at a Unix time, in seconds."""
        self._until[sign_in] = until
        if self._drop_old():
            self._rewrite()
            return
        try:
            descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            with os.fdopen(descriptor, "a", encoding="ascii") as file:
                file.write(f"{sign_in} {until:.0f}\n")
        except OSError as error:
            _LOG.error(
                "%s cannot be written (%s): a sign-out is known until the server ends.", self.path, error.strerror
            )

    def _drop_old(self) -> bool:
        now = time.time()
        kept = {key: until for key, until in self._until.items() if until > now}
        dropped = len(kept) < len(self._until)
        self._until = kept
        return dropped

    def _rewrite(self) -> None:
        draft = self.path.with_name(f".{self.path.name}.{os.getpid()}")
        try:
            descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "w", encoding="ascii") as file:
                file.writelines(f"{sign_in} {until:.0f}\n" for sign_in, until in self._until.items())
            draft.replace(self.path)
        except OSError as error:
            _LOG.error(
                "%s cannot be written (%s): sign-outs are known until the server ends.", self.path, error.strerror
            )
