"""Steps of a fetch: each plans its items, makes their client, and may join their files to a table."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from pipeline.sources.archives.fetching import Client
from pipeline.sources.archives.plan import FetchPlan, Item
from pipeline.sources.archives.profile import Archives


class MissingInputError(ValueError):
    """A step lacks its input; the message names the option or the earlier step that gives it."""


@dataclass(frozen=True)
class FetchOptions:
    """Options of a fetch, as the command line gives them; recorded in the plan file.

    Parameters
    ----------
    ids : str
        Table with the identifiers that are asked for (obsid, Gaia source_id); "" where an earlier step gives them.
    names : tuple of str
        Names of what is wanted, where a step offers several: catalogues, maps.
    release : str
        Data release and its version, such as "dr9/v2.0"; "" for the profile's.
    profiles : tuple of str
        TOML files that replace entries of the shipped profiles.
    """

    ids: str = ""
    names: tuple[str, ...] = ()
    release: str = ""
    profiles: tuple[str, ...] = ()


@dataclass(frozen=True)
class Fetching:
    """A fetch in progress, as its steps see it.

    Parameters
    ----------
    plan : FetchPlan
        The plan file, whose folder receives all files.
    archives : Archives
        What the archives offer.
    options : FetchOptions
        What the user asked for.
    received : callable
        Takes the number of bytes that arrived; called from the threads of the clients.
    say : callable
        Takes a line for the user before something large is requested; called from the threads of the clients.
    """

    plan: FetchPlan
    archives: Archives
    options: FetchOptions
    received: Callable[[int], None] = lambda _count: None
    say: Callable[[str], None] = lambda _line: None

    @property
    def folder(self) -> Path:
        """Folder of the plan file and of all files."""
        return self.plan.folder


@dataclass(frozen=True)
class Estimate:
    """Cost of a step before it is requested.

    Parameters
    ----------
    requests : int
        Requests that are left.
    bytes : int
        Bytes that are left.
    seconds : float
        Shortest time that politeness allows: spacing of requests; waiting for jobs is not in it.
    basis : str
        Where the figures come from: "planned" items, or an expectation where an earlier step must run first.
    lacks_sizes : bool
        Whether the archive states no size of some items, which are not in ``bytes``.
    """

    requests: int
    bytes: int
    seconds: float
    basis: str = "planned"
    lacks_sizes: bool = False


@dataclass(frozen=True)
class Finding:
    """One result of ``--check``.

    Parameters
    ----------
    text : str
        A sentence.
    differs : bool
        Whether the archive and the profile disagree.
    is_compared : bool
        Whether the archive answered; the text says why not.
    """

    text: str
    differs: bool = False
    is_compared: bool = True


@dataclass(frozen=True)
class Step:
    """One step of a fetch.

    Parameters
    ----------
    name : str
        Name in the plan file and in messages.
    contents : str
        What it gets, for messages.
    items : callable
        Plans the items, from the options or from the result of an earlier step; raises MissingInputError.
    client : callable
        Makes the client that requests them.
    expected : callable
        Estimate before the items are known.
    finish : callable or None
        Joins the files of all items to the step's result (a table), from the files alone, so that it can be repeated;
        returns its path. None where the files are the result.
    services : callable
        Keys of the services that it asks, for the record.
    unit : str
        What the progress bar counts: "items", or "bytes" where there are few large files.
    request : callable
        Release and address template or query of the items, for the record; no token.
    by_hand : callable
        How a user without this program gets an item: address, size, checksum, where to put it; "" for no way.
    check : callable
        Asks the services whether the profile still fits, with a finding for each comparison; raises ItemError
        where a service does not answer.
    """

    name: str
    contents: str
    items: Callable[[Fetching], Iterable[Item]]
    client: Callable[[Fetching], Client]
    expected: Callable[[Fetching], Estimate]
    services: Callable[[Fetching], tuple[str, ...]]
    finish: Callable[[Fetching], Path] | None = None
    unit: Literal["items", "bytes"] = "items"
    request: Callable[[Fetching], Mapping[str, Any]] = lambda _fetching: {}
    by_hand: Callable[[Fetching, Item], str] = lambda _fetching, _item: ""
    check: Callable[[Fetching], Iterable[Finding]] = lambda _fetching: ()


@dataclass(frozen=True)
class Fetch:
    """A fetch, as ``python -m pipeline fetch NAME`` runs it.

    Parameters
    ----------
    name : str
        Name on the command line.
    help : str
        Its line of ``--help``.
    steps : tuple of Step
        In order: a later one may read results of earlier ones.
    takes : tuple of str
        Options that it uses; the others are refused.
    results : mapping of str to str
        Files that a build reads, by what they hold, relative to the folder.
    common : bool
        Whether its files lie in the folder of downloads itself, where builds look for them, and not in one of its own.
    """

    name: str
    help: str
    steps: tuple[Step, ...]
    takes: tuple[str, ...] = ()
    results: Mapping[str, str] = field(default_factory=dict)
    common: bool = False
