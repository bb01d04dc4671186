"""Fetches of tests: a profile for a test server, the command, its plan."""

from pathlib import Path

from pipeline import __main__ as command_line
from pipeline.sources.archives.plan import FetchPlan, State
from pipeline.sources.archives.profile import Service

LAMOST_TOKEN = "LAMOST_TOKEN"


def quick_service(url, **changes):
    """A service that waits little."""
    quick = {"spacing_s": 0.0, "timeout_s": 1.0, "wait_s": 0.02, "max_wait_s": 2.0, "attempts": 3, "connections": 3}
    return Service(url, **(quick | changes))


def write_profile(path, url, extra="", **changes):
    """A profile that sends all services of this program's own fetches to a test server."""
    service = quick_service(url, **changes)
    names = ("spacing_s", "timeout_s", "wait_s", "max_wait_s", "attempts", "connections", "min_bytes_s")
    lines = [f'[service.{key}]\naddress = "{url}{where}"\n' + values(service, names) for key, where in SERVICES.items()]
    path.write_text("".join([*lines, '[spectra.lamost]\nrelease = "dr10"\nversion = "v2.0"\n', extra]))
    return path


SERVICES = {
    "lamost": "",
    "sdss": "/sas",
    "mast": "/mast",
    "dataverse": "",
    "zenodo": "",
    "paperdata": "/paper",
}


def values(service, names):
    return "".join(f"{name} = {getattr(service, name)}\n" for name in names)


def write_ids(path, obsids):
    """A table of obsids."""
    path.write_text("obsid\n" + "".join(f"{number}\n" for number in obsids))
    return path


def fetch(*arguments):
    """Run the command in this process; its exit status."""
    return command_line.main(["fetch", *map(str, arguments)])


def entries(path: Path):
    """Items of a plan by name."""
    with FetchPlan(path) as plan:
        return {entry.item.name: entry for entry in plan.entries()}


def states(path):
    """States of the items of a plan by name."""
    return {name: entry.state for name, entry in entries(path).items()}


DONE, ABSENT, FAILED, TODO = State.DONE, State.ABSENT, State.FAILED, State.TODO
