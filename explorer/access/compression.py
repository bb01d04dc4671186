"""Compression of text assets in transfer."""

from __future__ import annotations

from tornado.httputil import HTTPServerRequest
from tornado.web import GZipContentEncoding

ASSETS = ("/static/", "/components/", "/scripts/")
"""Folders of compressed static files.

Pages are not compressed: a secret must not be compressed together with text that an address controls.
"""


class CompressedAssets(GZipContentEncoding):
    """Compresses text assets for browsers that accept gzip; other responses are unchanged."""

    def __init__(self, request: HTTPServerRequest) -> None:
        super().__init__(request)
        self._gzipping = self._gzipping and request.path.startswith(ASSETS)
