"""Visitors signed in by an OAuth provider: Panel talks to it; sessions and cookies are protected here."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import panel as pn
from panel.auth import AUTH_PROVIDERS, OAuthProvider
from tornado.web import RequestHandler

from explorer.access.answers import refuse
from explorer.access.cookies import ENDED_NAME, SIGN_IN_DAYS, Cookies, EndedSignIns
from explorer.access.guards import Guard
from explorer.access.sign_in import Logout, SafeCookies
from explorer.access.visitors import Sessions, Visitor, address_of, is_current
from explorer.audit import audit
from explorer.config import AppConfig
from explorer.vetting.events import Authority
from explorer.vetting.people import UserError, UserFile

NO_LONGER_A_USER = (
    "{name} is signed in but is not in this server's file of users (any more). The person who keeps the file adds "
    "users with python -m explorer users add {name}."
)


class OAuthGuard(Guard):
    """Visitors signed in by an OAuth provider through Panel.

    Parameters
    ----------
    sessions : Sessions
        Living sessions.
    cookies : Cookies
        Attributes of cookies.
    config : AppConfig
        With the provider, and the file of users where there is one.
    """

    def __init__(self, sessions: Sessions, cookies: Cookies, config: AppConfig) -> None:
        pn.config.oauth_provider = config.oauth  # type: ignore[misc]  # param sets it
        self.cookies, self.ended = cookies, EndedSignIns(config.data / ENDED_NAME)
        self._users = UserFile(config.users) if config.users != Path() else None
        self._panel = OAuthProvider(login_endpoint=self.login_url, logout_endpoint=self.logout_url)
        super().__init__(sessions)

    @property
    def get_user(self) -> None:  # type: ignore[override]
        """Not used, because refreshing a token takes time."""
        return

    @property
    def get_user_async(self) -> Callable[[RequestHandler], Any]:  # type: ignore[override]  # Bokeh passes the handler
        """Function that Bokeh calls for each page, websocket and script."""

        async def admitted(handler: RequestHandler) -> Visitor | None:
            name = await self._panel.get_user_async(handler)
            handler.request.oauth_user = name  # type: ignore[attr-defined]
            return self.admitted(handler)

        return admitted

    def visitor_of(self, handler: RequestHandler) -> Visitor | None:
        """The user of Panel's cookie, who must also be in the user file if there is one."""
        name, cookie = handler.request.oauth_user, handler.get_cookie("user")  # type: ignore[attr-defined]
        if not name or not cookie:
            return None
        sign_in = hashlib.sha256(cookie.encode()).hexdigest()[:32]
        result = Visitor(f"user:{name}", name, Authority.OAUTH, sign_in, "", time.time() + SIGN_IN_DAYS * 86_400.0)
        if sign_in in self.ended:
            return None
        if not self.is_welcome(result):
            refuse(handler, 403, NO_LONGER_A_USER.format(name=name))
        return result

    def is_welcome(self, visitor: Visitor) -> bool:
        """Whether a sign-in is still valid."""
        if visitor.sign_in in self.ended or not is_current(visitor):
            return False
        try:
            return self._users is None or self._users.knows(visitor.name)
        except UserError:
            return False

    @property
    def login_handler(self) -> type[RequestHandler]:
        """Panel's login handler with this server's cookie attributes."""
        handler = AUTH_PROVIDERS[pn.config.oauth_provider]
        return type("OAuthLogin", (SafeCookies, handler), {"cookies": self.cookies, "_login_endpoint": self.login_url})

    @property
    def logout_url(self) -> str:
        """Address that signs out."""
        return "/logout"

    @property
    def logout_handler(self) -> type[Logout]:
        """Handler that signs out."""

        def sign_out(handler: RequestHandler) -> None:
            cookie = handler.get_cookie("user")
            name = handler.get_signed_cookie("user")
            if cookie and name is not None:
                sign_in = hashlib.sha256(cookie.encode()).hexdigest()[:32]
                self.ended.add(sign_in, time.time() + SIGN_IN_DAYS * 86_400.0)
                self.sessions.end("signed out", lambda item: item.sign_in == sign_in)
                audit("sign-out", user=name.decode("utf-8", "replace"), address=address_of(handler))
            for item in ("user", "id_token", "access_token", "refresh_token", "oauth_expiry", "is_guest"):
                handler.clear_cookie(item)

        return type("OAuthLogout", (Logout,), {"cookies": self.cookies, "sign_out": staticmethod(sign_out)})
