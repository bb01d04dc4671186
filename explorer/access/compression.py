"""Compression of text assets on the wire."""

from __future__ import annotations

from tornado.httputil import HTTPServerRequest
from tornado.web import GZipContentEncoding

ASSETS = ("/static/", "/components/", "/scripts/")
"""Files that hold nothing of a visitor: what is secret is not compressed beside what an address may put in."""


class CompressedAssets(GZipContentEncoding):
    """Compresses text assets for browsers that take gzip, and leaves every other answer as it is."""

    def __init__(self, request: HTTPServerRequest) -> None:
        super().__init__(request)
        self._gzipping = self._gzipping and any(folder in request.path for folder in ASSETS)
