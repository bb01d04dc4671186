"""Whose links and saved views a page makes: a user's, or those of a browser that keeps a name for itself."""

from __future__ import annotations

import hashlib

from explorer.model.links import ANONYMOUS, new_token
from explorer.vetting.reader import RecordReader

_MAX_LETTERS = 200


class Owner:
    """The visitor of one page, as the store of links knows them.

    Parameters
    ----------
    record : RecordReader
        Knows who is signed in.
    """

    def __init__(self, record: RecordReader) -> None:
        self._record, self._browser = record, new_token()

    def set_browser(self, browser: object) -> None:
        """Take the name that the browser keeps for itself; without one the page is its own owner."""
        if isinstance(browser, str) and browser:
            self._browser = browser[:_MAX_LETTERS]

    @property
    def name(self) -> str:
        """The user's name, or a digest of the browser's: nobody can act for a browser without its secret name."""
        return self._record.name or ANONYMOUS + hashlib.sha256(self._browser.encode()).hexdigest()[:24]

    @property
    def may_replace(self) -> bool:
        """Whether views of others may be replaced and forgotten."""
        return self._record.adjudicates
