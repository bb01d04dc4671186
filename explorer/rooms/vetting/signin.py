"""Identification of visitors: by user file, by an OAuth provider, or as the single user of a computer."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import Any

import panel as pn
from tornado.httputil import HTTPServerRequest
from tornado.web import decode_signed_value

from explorer.access.compression import CompressedAssets
from explorer.access.cookies import ENDED_NAME, Cookies, EndedSignIns, cookie_key, kept_secret
from explorer.access.guards import BrowserGuard, Guard, HostedBinding, OwnerGuard
from explorer.access.headers import security_headers
from explorer.access.oauth import NO_LONGER_A_USER, OAuthGuard
from explorer.access.sign_in import UserFileGuard
from explorer.access.visitors import Sessions, Visitor
from explorer.config import AppConfig
from explorer.panel_internals import application_of, leave_documents_after_errors
from explorer.vetting.events import NAME_PATTERN, Authority
from explorer.vetting.people import NoUsers, People, Person, Role, SingleUser, UserFile

SESSIONS = Sessions()
"""Sessions of this process."""

SHARED_ENTRY = (
    "All visitors of this server share one password, so verdicts cannot be attributed: vetting is off. Serve with "
    "python run_app.py DIR --users FILE instead, or with OAuth."
)
NO_USERS = (
    "This server does not identify its visitors, so verdicts cannot be attributed: vetting is off. Serve "
    "with --users FILE (python -m explorer users add NAME creates it) or with --oauth PROVIDER."
)


def people_of(config: AppConfig) -> People:
    """The source of user roles of this server."""
    if config.alone:
        return SingleUser(_own_name())
    return UserFile(config.users) if config.users != Path() else NoUsers()


def _own_name() -> str:
    name = getpass.getuser()
    return name if NAME_PATTERN.fullmatch(name) else "owner"


def visitor(config: AppConfig, request: object = None) -> tuple[Person | None, str]:
    """The visitor of a session, or the reason why the visitor is unknown.

    Parameters
    ----------
    config : AppConfig
        Settings of the server.
    request : object, optional
        The session's request, whose ``visitor`` the guard has set.

    Returns
    -------
    Person or None
        None if unknown.
    str
        The reason, for the visitor.
    """
    if config.alone:
        return Person(_own_name(), Authority.SINGLE_USER), ""
    if config.hosted:
        here: Visitor | None = _hosted_visitor(pn.state.user)
    else:
        here = getattr(request, "visitor", None)
    if here is None or not here.name:
        return None, SHARED_ENTRY if config.hosted and pn.state.user else NO_USERS
    if not NAME_PATTERN.fullmatch(here.name):
        return (
            None,
            f"The name {here.name!r:.80} cannot be stored in the record: use letters, digits and . _ @ + - only.",
        )
    if config.users != Path() and not people_of(config).knows(here.name):
        return None, NO_LONGER_A_USER.format(name=here.name)
    assert here.authority is not None
    return Person(here.name, here.authority), ""


def bind_session(config: AppConfig, sessions: Sessions) -> HTTPServerRequest | None:
    """Bind a new session to the visitor who requested it.

    Parameters
    ----------
    config : AppConfig
        Settings of the server.
    sessions : Sessions
        Active sessions.

    Returns
    -------
    HTTPServerRequest or None
        The session's request; None outside of a server.
    """
    leave_documents_after_errors()
    document = pn.state.curdoc
    context: Any = document.session_context if document is not None else None  # of Bokeh's server: it has a request
    if context is None:
        return None
    here = getattr(context.request, "visitor", None)
    if config.hosted:
        here = Visitor(f"user:{pn.state.user or ''}", pn.state.user or "")
        application = application_of(context)
        if not any(isinstance(handler, HostedBinding) for handler in application.handlers):
            application.add(hosted_binding(sessions))
    if here is not None:
        sessions.begin(context, here)
        pn.state.on_session_destroyed(lambda gone: sessions.forget(gone.id))
    request: HTTPServerRequest = context.request
    return request


def _hosted_visitor(user: str | None) -> Visitor | None:
    """The visitor that Panel signed in by OAuth; None for a shared password."""
    oauth = bool(pn.config.oauth_provider) and pn.config.oauth_provider not in ("basic", "password", "pam")
    return Visitor(f"user:{user}", user, Authority.OAUTH) if oauth and user and user != "guest" else None


def hosted_binding(sessions: Sessions) -> HostedBinding:
    """Handler that refuses the sessions of other users under ``panel serve``."""

    def user_of(request: HTTPServerRequest) -> Visitor:
        cookie = request.cookies.get("user")
        name = decode_signed_value(pn.config.cookie_secret or "", "user", cookie.value) if cookie is not None else None
        return Visitor(f"user:{name.decode() if name else ''}")

    return HostedBinding(sessions, user_of)


def guard_of(config: AppConfig, sessions: Sessions) -> Guard:
    """The guard that identifies the visitors of a server started by ``run_app.py``."""
    key = cookie_key(config)
    cookies = Cookies(config, key)
    if config.alone:
        return OwnerGuard(sessions, cookies, _own_name(), kept_secret(config) if config.token else "")
    if config.oauth:
        return OAuthGuard(sessions, cookies, config)
    if config.signs_in:
        return UserFileGuard(sessions, cookies, UserFile(config.users), EndedSignIns(config.data / ENDED_NAME))
    return BrowserGuard(sessions, cookies)


def serving(config: AppConfig, guard: Guard) -> dict[str, Any]:
    """Arguments of ``panel.serve`` that identify the visitor of each request and protect each response."""
    key = cookie_key(config)
    suffix = Cookies(config, key).suffix
    oauth = {} if config.oauth else {"include_cookies": ["mgiant-dark"], "exclude_headers": ["Cookie", "Authorization"]}
    return {
        "auth_provider": guard,
        "cookie_secret": key,
        "cookie_path": config.prefix or "/",
        "xsrf_cookie_name": f"mgiant-form-{suffix}",
        "transforms": [security_headers(config), CompressedAssets],
        "use_xheaders": config.proxied,
        **oauth,
    }


def correction_refusal(config: AppConfig, request: object = None) -> str:
    """Why the visitor may not correct the interpretation of columns; "" if that is allowed."""
    person, _ = visitor(config, request)
    if person is None:
        return (
            "Only adjudicators can correct the interpretation of columns, and this server does not identify its "
            "visitors: serve with --users FILE or with --oauth PROVIDER, or open the files on your own computer."
        )
    if people_of(config).role_of(person.name) < Role.ADJUDICATOR:
        return f"Only adjudicators can correct the interpretation of columns; {person.name} is not an adjudicator here."
    return ""
