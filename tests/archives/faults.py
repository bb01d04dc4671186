"""Faults of an archive that no server shows on demand, as declared data."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol

WIRE = {
    "too_many": "429 with Retry-After",
    "unavailable": "503 with Retry-After",
    "server_error": "500 with a page of HTML",
    "not_found": "404",
    "forbidden": "403",
    "login_page": "an HTML login page with status 200",
    "json_error": "a JSON error with status 200",
    "empty": "an empty body with status 200",
    "cut": "the announced length, but the connection closes after a fraction of the body",
    "cut_unannounced": "no length announced, and the connection closes after a fraction of the body",
    "damaged": "the right length with one wrong byte, at a fraction of the body",
    "drip": "the body in small pieces, spread over `seconds`",
    "slow": "the answer begins after `seconds`",
    "silent": "no answer for `seconds`, then the connection closes",
    "reset": "the connection is reset after a fraction of the body; 0: before the answer",
}
"""Faults of any request."""

SPECTRUM = {"wrong_obsid": "the file of another observation, right in itself"}
"""Faults of a request for a spectrum."""

TAP = {
    "votable_error": "QUERY_STATUS ERROR in a VOTable with status 200; or `status`",
    "overflow": "the result ends after `rows` rows with QUERY_STATUS OVERFLOW",
    "cut_silently": "the result ends after `rows` rows with QUERY_STATUS OK",
    "stays_queued": "a job that is started stays QUEUED for `seconds`",
    "stays_executing": "a job that is started stays EXECUTING for `seconds`",
    "job_error": "a job that is started ends in phase ERROR",
    "job_gone": "the job no longer exists from this request on",
}
"""Faults of a query or a job."""

KINDS = WIRE | SPECTRUM | TAP
WITH_RETRY = frozenset({"too_many", "unavailable"})


@dataclass
class Fault:
    """One fault, for some of the requests.

    Parameters
    ----------
    kind : str
        A key of :data:`KINDS`.
    where : str
        Regular expression, searched in ``METHOD /path?query``; for queries also in the text of the query.
    times : int or None
        How many requests; None is all.
    after : int
        Requests of this place that pass before.
    seconds : float
        For 429 and 503: Retry-After; else the duration.
    as_date : bool
        Whether Retry-After is a date, not a number of seconds.
    fraction : float
        How much of the body arrives before the fault.
    rows : int
        Rows of a shortened result.
    status : int
        HTTP status of "votable_error".
    """

    kind: str
    where: str = ""
    times: int | None = 1
    after: int = 0
    seconds: float = 0.0
    as_date: bool = False
    fraction: float = 0.5
    rows: int = 10
    status: int = 200
    seen: int = field(default=0, init=False)
    used: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"unknown fault {self.kind!r}; there are {', '.join(KINDS)}.")
        re.compile(self.where)

    @property
    def spent(self) -> bool:
        """Whether it has happened as often as it should."""
        return self.times is not None and self.used >= self.times


class Faulty(Protocol):
    """A request that a fault may happen to."""

    fault: str

    @property
    def text(self) -> str:
        """``METHOD /path?query``."""


class Faults:
    """The faults of a server; the first that applies happens."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._items: list[Fault] = []

    def append(self, fault: Fault) -> Fault:
        """Add a fault and return it, for its counts."""
        with self._lock:
            self._items.append(fault)
        return fault

    def clear(self) -> None:
        """Remove all."""
        with self._lock:
            self._items.clear()

    def __iter__(self) -> Iterator[Fault]:
        return iter(list(self._items))

    def __len__(self) -> int:
        return len(self._items)

    @property
    def unused(self) -> list[Fault]:
        """Faults that have not happened as often as they should: a test may want none."""
        return [fault for fault in self if not fault.used or (fault.times is not None and fault.used < fault.times)]

    def take(self, request: Faulty, *kinds: str, text: str = "") -> Fault | None:
        """The fault of one of these kinds that happens now, or None; one a request, those of the wire first.

        Parameters
        ----------
        request : Faulty
            Gets the kind of the fault.
        kinds : str
            What can happen at this point.
        text : str
            More that ``where`` is searched in.
        """
        if not self._items or request.fault:
            return None
        searched = f"{request.text} {text}"
        with self._lock:
            for fault in self._items:
                if fault.kind not in kinds or fault.spent or not re.search(fault.where, searched.rstrip()):
                    continue
                fault.seen += 1
                if fault.seen > fault.after:
                    fault.used += 1
                    request.fault = fault.kind
                    return fault
        return None
