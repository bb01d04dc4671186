"""Owner of the links and saved views of a page: a user, or a browser with a secret name."""

from __future__ import annotations

import hashlib

from explorer.model.links import ANONYMOUS, new_token
from explorer.vetting.reader import RecordReader

_MAX_LETTERS = 200


class Owner:
    """Owner of a page's links and views.

    Parameters
    ----------
    record : RecordReader
        Knows who is signed in.
    """

    def __init__(self, record: RecordReader) -> None:
        self._record, self._browser = record, new_token()

    def set_browser(self, browser: object) -> None:
        """Use the browser's secret name; without one the page is its own owner."""
        if isinstance(browser, str) and browser:
            self._browser = browser[:_MAX_LETTERS]

    @property
    def name(self) -> str:
        """The user's name, or a digest of the browser's secret name."""
        return self._record.name or ANONYMOUS + hashlib.sha256(self._browser.encode()).hexdigest()[:24]

    @property
    def may_replace(self) -> bool:
        """Whether views of others may be replaced and removed."""
        return self._record.adjudicates
