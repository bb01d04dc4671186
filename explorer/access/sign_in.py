"""Sign-in with name and password of a user file, and sign-out."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar
from urllib.parse import urlsplit

from bokeh.server.util import check_allowlist
from tornado.web import HTTPError, RequestHandler
from tornado.websocket import WebSocketHandler

from explorer.access.answers import refuse, write_page
from explorer.access.cookies import SIGN_IN_DAYS, Cookies, EndedSignIns
from explorer.access.guards import Guard
from explorer.access.passwords import Busy, PasswordChecks
from explorer.access.visitors import Sessions, Visitor, address_of, is_current
from explorer.audit import audit
from explorer.vetting.attempts import Attempts
from explorer.vetting.events import NAME_PATTERN, Authority
from explorer.vetting.people import UserError, UserFile

KNOWN_BROWSER_DAYS = 180.0
WRONG = "The name or the password is wrong."
PAUSED = "Too many wrong passwords for this name came from your address: try again in {seconds:.0f} s."
BUSY = "Too many people sign in at this moment: try again in a minute."
OLD_FORM = "This form was not sent by the sign-in page of this server, or is too old: sign in again."
OTHER_ORIGIN = (
    "This form comes from {origin}, which is not an address of this server: start the server with --origin for each "
    "address that browsers know it by."
)
NO_FILE = "Nobody can sign in now, as the file of users cannot be read: ask the administrator of the server."


@dataclass
class SignInService:
    """State and settings of the sign-in form.

    Parameters
    ----------
    users : UserFile
        Names and hashes.
    cookies : Cookies
        Attributes of cookies.
    ended : EndedSignIns
        Sign-ins that were ended.
    sessions : Sessions
        Living sessions.
    attempts : Attempts
        Failed sign-ins.
    """

    users: UserFile
    cookies: Cookies
    ended: EndedSignIns
    sessions: Sessions
    attempts: Attempts = field(default_factory=Attempts)

    def __post_init__(self) -> None:
        """Name the cookies and start the hashing thread."""
        self.checks = PasswordChecks(self.users)
        self.user_cookie = f"mgiant-user-{self.cookies.suffix}"
        self.known_cookie = f"mgiant-known-{self.cookies.suffix}"

    def visitor_of(self, handler: RequestHandler) -> Visitor | None:
        """The user named by a request's cookie, if the sign-in is valid."""
        try:
            kept = json.loads(self.cookies.get(handler, self.user_cookie, SIGN_IN_DAYS) or "{}")
            name, sign_in, stamp = (str(kept[item]) for item in ("user", "sign_in", "stamp"))
            result = Visitor(f"user:{name}", name, Authority.PASSWORD, sign_in, stamp, float(kept["until"]))
        except (ValueError, KeyError, TypeError):
            return None
        return result if self.is_good(result) else None

    def is_good(self, visitor: Visitor) -> bool:
        """Whether a sign-in is not ended or expired, and the user exists with the same password.

        Raises
        ------
        UserError
            If the file of users cannot be read.
        """
        if visitor.sign_in in self.ended or not is_current(visitor):
            return False
        stamp = self.users.stamp_of(visitor.name)
        return bool(stamp) and secrets.compare_digest(stamp, visitor.stamp)

    def sign_in(self, handler: RequestHandler, name: str) -> None:
        """Set the cookies of a user."""
        before = self.visitor_of(handler)
        if before is not None and before.name != name:
            self.sign_out(before)
        until = time.time() + SIGN_IN_DAYS * 86_400.0
        stamp = self.users.stamp_of(name)
        kept = {"user": name, "sign_in": secrets.token_hex(16), "stamp": stamp, "until": round(until)}
        self.cookies.set(handler, self.user_cookie, json.dumps(kept), SIGN_IN_DAYS)
        if not self.known(handler, name):
            known = json.dumps({"user": name, "browser": secrets.token_hex(16)})
            self.cookies.set(handler, self.known_cookie, known, KNOWN_BROWSER_DAYS)

    def sign_out(self, visitor: Visitor) -> None:
        """End a sign-in: all copies of its cookie and its sessions."""
        self.ended.add(visitor.sign_in, visitor.until)
        self.sessions.end("signed out", lambda item: item.sign_in == visitor.sign_in)

    def known(self, handler: RequestHandler, name: str) -> str:
        """Identifier of a browser in which a user has signed in before; "" for another browser."""
        try:
            kept = json.loads(self.cookies.get(handler, self.known_cookie, KNOWN_BROWSER_DAYS) or "{}")
            return str(kept["browser"]) if kept["user"] == name else ""
        except (ValueError, KeyError, TypeError):
            return ""


class SafeCookies(RequestHandler):
    """A handler that sets all cookies with this server's attributes."""

    cookies: ClassVar[Cookies]  # type: ignore[assignment]  # Tornado's are of one request

    def set_cookie(self, name: str, value: str | bytes, *arguments: Any, **attributes: Any) -> None:
        """Set a cookie with this server's path, also when called by a library."""
        super().set_cookie(name, value, *arguments, **(attributes | self.cookies.attributes(self)))

    def clear_cookie(self, name: str, **attributes: Any) -> None:
        """Clear a cookie at this server's path."""
        super().clear_cookie(name, **(attributes | {"path": self.cookies.path}))


class Login(SafeCookies):
    """The sign-in form."""

    service: ClassVar[SignInService]

    def get(self) -> None:
        """Show the form."""
        self._show("")

    async def post(self) -> None:
        """Sign in, or show the form with an error."""
        origin = self.request.headers.get("Origin")
        # Bokeh knows as which hosts this server is reached; the page's websocket is held to the same list.
        if origin is not None and not check_allowlist(urlsplit(origin).netloc.lower(), self._hosts()):
            audit("refused", what="a sign-in from another origin", origin=origin, address=address_of(self))
            self._show(OTHER_ORIGIN.format(origin=f"{origin:.100}"), 403)
            return
        try:
            self.check_xsrf_cookie()
        except HTTPError:
            audit("refused", what="a sign-in without the token of the form", address=address_of(self))
            self._show(OLD_FORM, 403)
            return
        try:
            sentence, status = await self._attempt()
        except UserError as error:
            audit("refused", what="a sign-in while the file of users cannot be read", why=error)
            self._show(NO_FILE, 503)
            return
        if sentence:
            self._show(sentence, status)
        else:
            self.redirect(f".{local_path(self.get_body_argument('next', '/'))}", status=303)

    async def _attempt(self) -> tuple[str, int]:
        """Why a name and a password are refused, with a status; "" if they are accepted."""
        name, password = self.get_body_argument("username", ""), self.get_body_argument("password", "", strip=False)
        service, address = self.service, address_of(self)
        known = service.users.knows(name)
        # What was typed as a name may be a password: only names of users are logged.
        shown = name if known else "an unknown name"
        counted = name if NAME_PATTERN.fullmatch(name) else ""
        browser = service.known(self, name)
        origin = f"browser {browser}" if browser else address
        pause = service.attempts.pause_s(counted, origin)
        if pause > 0:
            audit("refused", what="a sign-in after too many failures", user=shown, address=address)
            self.set_header("Retry-After", f"{pause:.0f}")
            return PAUSED.format(seconds=max(1.0, pause)), 429
        delay = 0.0 if browser else service.attempts.delay_s(address)
        try:
            right = await service.checks.check(counted, password, address, delay, known=bool(browser)) and bool(counted)
        except Busy:
            audit("refused", what="a sign-in while too many wait", user=shown, address=address)
            self.set_header("Retry-After", "60")
            return BUSY, 429
        if not right:
            service.attempts.failed(counted, origin, address)
            audit("refused", what="a wrong name or password", user=shown, address=address)
            return WRONG, 200
        service.attempts.succeeded(counted, origin)
        service.sign_in(self, name)
        audit("sign-in", user=name, address=address)
        return "", 200

    def _hosts(self) -> list[str]:
        return list(self.application.websocket_origins)  # type: ignore[attr-defined]  # BokehTornado

    def _show(self, sentence: str, status: int = 200) -> None:
        following = local_path(self.get_argument("next", "/"))
        self.set_status(status)
        form_token = self.xsrf_token.decode()
        write_page(self, "login.html", sentence=sentence, next=following, form_token=form_token)


def local_path(text: str) -> str:
    """A path of this server with its query; ``/`` for an address of another server."""
    parts = urlsplit(text)
    local = text.startswith("/") and not text.startswith("//") and not parts.netloc and not parts.scheme
    return text if local and text.isprintable() and "\\" not in text else "/"


class Logout(SafeCookies):
    """Ends a sign-in with all copies of its cookie and all open pages."""

    sign_out: ClassVar[Callable[[RequestHandler], None]]

    def get(self) -> None:
        """Clear the cookies and show the form."""
        if self.request.headers.get("Sec-Fetch-Site") == "cross-site":
            refuse(
                self, 403, "Another site asked to sign you out, which is refused: sign out on the explorer's own page."
            )
        type(self).sign_out(self)
        self.redirect("./login", status=303)


class UserFileGuard(Guard):
    """Signs in the users of a file.

    Parameters
    ----------
    sessions : Sessions
        Living sessions.
    cookies : Cookies
        Attributes of cookies.
    users : UserFile
        Names and hashes.
    ended : EndedSignIns
        Sign-ins that were ended.
    attempts : Attempts, optional
        Counts failed sign-ins; tests set it.
    """

    def __init__(
        self,
        sessions: Sessions,
        cookies: Cookies,
        users: UserFile,
        ended: EndedSignIns,
        attempts: Attempts | None = None,
    ) -> None:
        self.service = SignInService(
            users, cookies, ended, sessions, attempts or Attempts()
        )  # the parent asks for handlers
        super().__init__(sessions)

    def visitor_of(self, handler: RequestHandler) -> Visitor | None:
        """The user of the cookie."""
        try:
            return self.service.visitor_of(handler)
        except UserError as error:
            audit("refused", what="a page while the file of users cannot be read", why=error)
            if isinstance(handler, WebSocketHandler):
                return None
            return refuse(handler, 503, NO_FILE)

    def is_welcome(self, visitor: Visitor) -> bool:
        """Whether a sign-in is still valid; while the user file is damaged all may stay."""
        try:
            return self.service.is_good(visitor)
        except UserError:
            return visitor.sign_in not in self.service.ended and is_current(visitor)

    @property
    def login_handler(self) -> type[Login]:
        """Handler of the sign-in form."""
        return type("UserFileLogin", (Login,), {"service": self.service, "cookies": self.service.cookies})

    @property
    def logout_url(self) -> str:
        """Address that signs out."""
        return "/logout"

    @property
    def logout_handler(self) -> type[Logout]:
        """Handler that signs out."""

        def sign_out(handler: RequestHandler) -> None:
            here = self.service.visitor_of(handler)
            if here is not None:
                self.service.sign_out(here)
                audit("sign-out", user=here.name, address=address_of(handler))
            handler.clear_cookie(self.service.user_cookie)

        return type("UserFileLogout", (Logout,), {"cookies": self.service.cookies, "sign_out": staticmethod(sign_out)})
