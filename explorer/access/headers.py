"""Security headers of each response: framing, content policy, content type, transport."""

from __future__ import annotations

import re

from tornado.httputil import HTTPHeaders, HTTPServerRequest
from tornado.web import OutputTransform

from explorer.config import AppConfig

HSTS_S = 31_536_000
"""Duration in seconds for which browsers must use TLS, one year."""

THEME_HINT = "Sec-CH-Prefers-Color-Scheme"
"""Header that browsers are asked for, so that a first page opens in the theme of the system."""

_HOST = re.compile(r"[A-Za-z0-9._:\[\]-]{1,255}")


def security_headers(config: AppConfig) -> type[OutputTransform]:
    """Create the Tornado transform that adds the headers to each response.

    Parameters
    ----------
    config : AppConfig
        With the origins that may show pages in a frame.
    """

    class SecurityHeaders(OutputTransform):
        """Adds the security headers of a response."""

        def __init__(self, request: HTTPServerRequest) -> None:
            super().__init__(request)
            host = request.host if _HOST.fullmatch(request.host) else ""
            self._headers = {
                "Content-Security-Policy": content_policy(host, config.embedders),
                "X-Content-Type-Options": "nosniff",
                "Referrer-Policy": "same-origin",
                "Cross-Origin-Opener-Policy": "same-origin",
                "Accept-CH": THEME_HINT,
                "Critical-CH": THEME_HINT,
            }
            if not config.embedders:
                self._headers["X-Frame-Options"] = "SAMEORIGIN"
            if request.protocol == "https":
                self._headers["Strict-Transport-Security"] = f"max-age={HSTS_S}"

        def transform_first_chunk(
            self, status_code: int, headers: HTTPHeaders, chunk: bytes, finishing: bool
        ) -> tuple[int, HTTPHeaders, bytes]:
            """Add the headers that the handler has not set."""
            for name, value in self._headers.items():
                if name not in headers:
                    headers[name] = value
            return super().transform_first_chunk(status_code, headers, chunk, finishing)

    return SecurityHeaders


def content_policy(host: str, embedders: tuple[str, ...] = ()) -> str:
    """The Content-Security-Policy of a page.

    Bokeh's documents start with inline scripts and styles, and Panel imports components from ``blob:`` addresses. All
    else comes from this server, and so do websockets, which older browsers do not count as ``'self'``.

    Parameters
    ----------
    host : str
        ``HOST[:PORT]`` of the request.
    embedders : tuple of str
        Origins whose pages may show it in a frame.
    """
    sockets = f" ws://{host} wss://{host}" if host else ""
    rules = {
        "default-src": "'self'",
        "script-src": "'self' 'unsafe-inline' blob:",
        "style-src": "'self' 'unsafe-inline'",
        "img-src": "'self' data: blob:",
        "font-src": "'self' data:",
        "connect-src": f"'self' blob:{sockets}",
        "worker-src": "'self' blob:",
        "object-src": "'none'",
        "base-uri": "'self'",
        "form-action": "'self'",
        "frame-ancestors": " ".join(["'self'", *embedders]),
    }
    return "; ".join(f"{name} {value}" for name, value in rules.items())
