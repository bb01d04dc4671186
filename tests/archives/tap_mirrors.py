"""Profiles that name test servers, and runs of TAP steps against them."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import pandas as pd

from pipeline.sources.archives.declared import GAIA, M_GIANTS
from pipeline.sources.archives.fetching import Summary, fetch_left
from pipeline.sources.archives.plan import Entry, FetchPlan
from pipeline.sources.archives.profile import Archives, Service
from pipeline.sources.archives.profile_reading import load_archives
from pipeline.sources.archives.steps import Fetching, FetchOptions, Step

PLAN_NAME = "fetch.plan"
GAIA_SERVICES = ("gaia-ari", "gaia-aip", "gaia-esac")
QUICK = {"sync_rows": 0, "spacing_s": 0.0, "wait_s": 0.05, "poll_s": 0.1, "timeout_s": 10.0, "attempts": 3}
"""Politeness of tests; a test of politeness sets its own."""


def archives_at(addresses: dict[str, str], **limits: object) -> Archives:
    """The shipped profiles with other addresses and limits of services."""
    shipped = load_archives()
    services: dict[str, Service] = dict(shipped.service)
    for key, address in addresses.items():
        services[key] = msgspec.structs.replace(services[key], address=address, **(QUICK | limits))
    return msgspec.structs.replace(shipped, service=services)


def write_ids(path: Path, **columns: object) -> str:
    """A table of identifiers; its path as text."""
    pd.DataFrame(columns).to_csv(path, index=False)
    return str(path)


@dataclass
class Run:
    """A run of a fetch in a folder.

    Parameters
    ----------
    folder : Path
        Of the plan and the files.
    archives : Archives
        Profiles.
    options : FetchOptions
        What is asked for.
    """

    folder: Path
    archives: Archives
    options: FetchOptions = field(default_factory=FetchOptions)

    def step(self, name: str) -> Step:
        """A step of the fetches gaia and m-giants, by its name."""
        return next(step for fetch in (GAIA, M_GIANTS) for step in fetch.steps if step.name == name)

    def fetch(self, *names: str) -> Summary:
        """Run steps, and join their files where nothing failed."""
        with FetchPlan(self.folder / PLAN_NAME) as plan:
            fetching = Fetching(plan, self.archives, self.options)
            summaries = []
            for name in names:
                step = self.step(name)
                plan.add(step.items(fetching))
                summaries.append(fetch_left(plan, name, step.client(fetching)))
                if step.finish is not None and not summaries[-1].failed:
                    step.finish(fetching)
        return Summary.of(summaries)

    def entries(self, name: str) -> list[Entry]:
        """Items of a step as recorded."""
        with FetchPlan(self.folder / PLAN_NAME) as plan:
            return plan.entries(name)

    def about(self) -> dict[str, str]:
        """Facts about the fetch as recorded."""
        with FetchPlan(self.folder / PLAN_NAME) as plan:
            return plan.about()
