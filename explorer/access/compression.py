"""Compression of text assets on the wire."""

from __future__ import annotations

from tornado.httputil import HTTPServerRequest
from tornado.web import GZipContentEncoding

ASSETS = ("/static/", "/components/", "/scripts/")
"""Folders of static files. Pages are left out: a secret may not be compressed beside text that an address chooses."""


class CompressedAssets(GZipContentEncoding):
    """Compresses text assets for browsers that take gzip, and leaves every other answer as it is."""

    def __init__(self, request: HTTPServerRequest) -> None:
        super().__init__(request)
        self._gzipping = self._gzipping and request.path.startswith(ASSETS)
